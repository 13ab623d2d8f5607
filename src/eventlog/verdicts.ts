import type { AppError, Problem } from "../base/errors.ts"
import type { NewEvent } from "../canonical/events.ts"
import type { Delivery } from "../ports/capabilities.ts"
import type { Appended } from "./event-log.ts"

/** A delivery as the inbox holds it. */
export interface InboxRow {
  id: number
  connection: string
  via: Delivery["via"]
  topic: string
  delivery_id: string
  received_at: Date
  headers: Record<string, string>
  bytes: Uint8Array
  correlation: string
  traceparent: string | null
  attempts: number
}

/** What is noted on a row once it was looked at. */
export interface Outcome {
  id: number
  state: "translated" | "duplicate" | "ignored" | "parked"
  reason: string | null
  problems: readonly Problem[] | null
  new_facts: number
  known_facts: number
}

/** What a row says; with an outcome when that is decided without asking the log. */
export interface Translated {
  row: InboxRow
  events: NewEvent[]
  ignored?: string
  outcome?: Outcome
}

/** The exception a parked row opens. */
export function parkedEvent(row: InboxRow, error: AppError, at: string): NewEvent {
  return {
    type: "exception.opened",
    fact: `inbox:${row.id}:parked:${row.attempts}`,
    source: "crossdock:inbox",
    time: at,
    data: {
      // A row that fails again after it was translated again is a new exception.
      exceptionId: row.attempts === 0 ? `inbox-${row.id}` : `inbox-${row.id}-${row.attempts}`,
      subject: `delivery ${row.id} from ${row.connection}`,
      cause: error.code,
      summary:
        `A delivery from ${row.connection} (${row.topic || row.via}) could not be understood: ${storable(error.message)}`.slice(
          0,
          1000,
        ),
      doneSoFar: ["its bytes are kept"],
      ifNobodyActs: "it stays parked and what it tells is not known to Crossdock",
      allowedActions: ["translate again", "dismiss"],
      owner: "integration",
      at,
    },
  }
}

/** A row that cannot be translated, with every problem. */
export function parked(row: InboxRow, error: AppError): Outcome {
  return {
    id: row.id,
    state: "parked",
    reason: storable(error.message),
    problems: error.problems.map((problem) => ({
      ...problem,
      message: storable(problem.message),
      pointer: storable(problem.pointer),
    })),
    new_facts: 0,
    known_facts: 0,
  }
}

/** Text that PostgreSQL takes: what a sender wrote may quote U+0000 or half a surrogate pair. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "\uFFFD")
}

/** What a translated row was good for; a duplicate says what brought its facts first, and how that came. */
export function verdict(
  { row, ignored }: { row: InboxRow; ignored?: string },
  answers: readonly Appended[],
  viaById: ReadonlyMap<number, string>,
): Outcome {
  const newFacts = answers.filter((answer) => answer.isNew).length
  const counts = { id: row.id, problems: null, new_facts: newFacts, known_facts: answers.length - newFacts }
  if (answers.length === 0) return { ...counts, state: "ignored", reason: ignored ?? "it states no fact" }
  if (newFacts > 0) return { ...counts, state: "translated", reason: ignored ?? null }
  const earlier = answers.map((answer) => answer.knownInboxId).find((id) => id !== undefined && id !== row.id)
  const what = answers.length === 1 ? "its one fact was" : `all ${answers.length} facts were`
  if (earlier === undefined) return { ...counts, state: "duplicate", reason: `${what} already known` }
  const via = viaById.get(earlier)
  const how = via === undefined ? "" : ` (by ${via})`
  return { ...counts, state: "duplicate", reason: `${what} brought by delivery ${earlier} before${how}` }
}
