import { AppError, type Problem } from "../base/errors.ts"
import { checkEvent } from "../canonical/check-event.ts"
import type { NewEvent } from "../canonical/events.ts"
import { statementProblems, type Stating } from "../ports/statements.ts"

/** The facts of a delivery that may be stored, and the problems of the others. */
export interface SoundFacts {
  sound: NewEvent[]
  /** Names every problem of every fact that was left out; undefined when there is none. */
  error: AppError | undefined
}

const problemsMax = 100

/**
 * Checks each fact of a delivery by itself, so that a bad one does not stop the others. TRANSLATION_FAILED: a fact does not fit the
 * catalogue. FACT_FORBIDDEN: the connection may not state it. Without `stating` only the catalogue is checked.
 */
export function soundFacts(events: readonly NewEvent[], stating?: Stating): SoundFacts {
  const sound: NewEvent[] = []
  const problems: Problem[] = []
  let forbidden = 0
  for (const [n, event] of events.entries()) {
    const unfit = checkEvent(event)
    // Only a fact that fits the catalogue can be checked further.
    const notTheirs = unfit.length === 0 && stating ? statementProblems(event, stating) : []
    if (notTheirs.length > 0) forbidden += 1
    const own = [...unfit, ...notTheirs]
    if (own.length === 0) sound.push(event)
    for (const problem of own) problems.push({ ...problem, pointer: `/facts/${n}${problem.pointer}` })
  }
  const bad = events.length - sound.length
  if (bad === 0) return { sound, error: undefined }
  const which = `${bad} of ${events.length} ${events.length === 1 ? "fact" : "facts"}`
  const first = problems[0] ? `: ${problems[0].pointer} ${problems[0].message}` : ""
  const [code, what] =
    forbidden > 0
      ? (["FACT_FORBIDDEN", "may not be stated by this connection"] as const)
      : (["TRANSLATION_FAILED", "do not fit the catalogue of events"] as const)
  const error = new AppError(code, `${which} ${what}${first}`, { problems: problems.slice(0, problemsMax) })
  return { sound, error }
}
