import { cut, storable } from "../base/text.ts"
import { AppError, type Problem } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import type { NewEvent } from "../canonical/events.ts"
import type { Reference } from "../canonical/parts.ts"
import { becauseOf } from "../canonical/events/because.ts"
import { ref } from "../canonical/refs.ts"
import type { Delivery, ObjectName, RefusedRecord, Translation } from "../ports/capabilities/intake.ts"
import type { Stating } from "../ports/statements.ts"
import { problemsOf, refusalOf, refusedEvents } from "./partial-translations.ts"
import { settlesOf, type Settles } from "./news/waiting-parts.ts"
import { soundFacts } from "./sound-facts.ts"

/** A translated delivery, and the columns to store with it. */
export interface Translated {
  events: NewEvent[]
  isParked: boolean
  /** For people: why it was ignored or could not be translated. */
  reason?: string
  problems?: readonly Problem[]
  /** How many of the events are exceptions about the delivery itself. */
  exceptions?: number
  /** Objects that it only names, to be read. */
  fetch?: readonly ObjectName[]
  /** Parts of orders that wait no longer, and those of this delivery that still do. */
  settles?: Settles
}

export interface Translating extends Delivery {
  inboxId: number
  topic: string
  /** How often it was translated before. */
  attempts: number
  at: string
}

interface TranslateOptions {
  translate: (delivery: Delivery) => Translation
  /** What a connection may state; without it only the catalogue of events is checked. */
  stating?: ((connection: string) => Stating | undefined) | undefined
  log: Log
}

/** Translates a delivery by its connection's pure mapping. Never throws: what cannot be translated is parked with every problem. */
export function translateDelivery(delivery: Translating, { translate, stating, log }: TranslateOptions): Translated {
  try {
    const translation = translate(delivery)
    const { ignored, refused = [], fetch = [], readWhole = [] } = translation
    const { sound, error } = soundFacts(translation.events, stating?.(delivery.connection))
    const settles = error ? undefined : settlesOf(readWhole, refused)
    const named = { ...(fetch.length === 0 ? {} : { fetch }), ...(settles ? { settles } : {}) }
    if (refused.length > 0) return { ...partlyParked(delivery, { sound, refused, error }), ...named }
    // A delivery with bad facts is parked with every problem. Its good facts are stored.
    if (error) {
      const one = parked(delivery, error)
      return { ...one, events: [...sound, ...one.events], ...named }
    }
    return { events: sound, isParked: false, ...(ignored === undefined ? {} : { reason: ignored }), ...named }
  } catch (thrown) {
    if (!(thrown instanceof AppError))
      log.error(
        { err: thrown, inboxId: delivery.inboxId, connection: delivery.connection },
        `the mapping of ${delivery.connection} threw; the delivery is parked`,
      )
    const error =
      thrown instanceof AppError ? thrown : new AppError("TRANSLATION_FAILED", String(thrown), { cause: thrown })
    return parked(delivery, error)
  }
}

/**
 * A delivery of which some records were refused: parked, so that it can be translated again, with an exception for each record.
 * Its good facts are stored. If none is good there is one exception for the whole delivery.
 */
function partlyParked(
  delivery: Translating,
  { sound, refused, error }: { sound: NewEvent[]; refused: readonly RefusedRecord[]; error: AppError | undefined },
): Translated {
  const problems = [...problemsOf(refused), ...(error?.problems ?? [])]
  if (sound.length === 0 && refused.length > 1 && refused.every(({ part }) => !part))
    return parked(
      delivery,
      new AppError("TRANSLATION_FAILED", `none of its ${refused.length} records: ${refused[0]?.message}`, { problems }),
    )
  const unsound = error ? parked(delivery, error).events : []
  const exceptions = [...unsound, ...refusedEvents(delivery, refused)]
  return {
    events: [...sound, ...exceptions],
    isParked: true,
    reason: storable(refusalOf(refused)),
    problems: storableProblems(problems),
    exceptions: exceptions.length,
  }
}

/** A delivery that cannot be translated, with the exception that says so. Its mapping may name what it is about: `data.about`. */
export function parked(delivery: Translating, error: AppError): Translated {
  const { inboxId, attempts, connection, topic, via, at } = delivery
  const message = storable(error.message)
  const event: NewEvent<"exception.opened"> = {
    type: "exception.opened",
    fact: `inbox:${inboxId}:parked:${attempts}`,
    source: "crossdock:inbox",
    time: at,
    data: {
      // A row that fails again after it was translated again is a new exception.
      exceptionId: attempts === 0 ? `inbox-${inboxId}` : `inbox-${inboxId}-${attempts}`,
      about: ref("inbox", String(inboxId)),
      cause: error.code,
      because: becauseOf(error, { connection, operation: topic || via }),
      summary: cut(`A delivery from ${connection} (${topic || via}) could not be understood: ${message}`, 1000),
      doneSoFar: ["its bytes are kept"],
      ifNobodyActs: "it stays parked and what it tells is not known to Crossdock",
      allowedActions: ["translate again", "dismiss"],
      owner: "integration",
      ...(error.data["about"] === undefined ? {} : { named: [error.data["about"] as Reference] }),
      at,
    },
  }
  return {
    events: [event],
    isParked: true,
    reason: message,
    problems: storableProblems(error.problems),
    exceptions: 1,
  }
}

function storableProblems(problems: readonly Problem[]): Problem[] {
  return problems.map((problem) => ({
    ...problem,
    message: storable(problem.message),
    pointer: storable(problem.pointer),
  }))
}
