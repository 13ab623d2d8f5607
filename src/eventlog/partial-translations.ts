import { cut, storable } from "../base/text.ts"
import type { Problem } from "../base/errors.ts"
import type { NewEvent } from "../canonical/events.ts"
import type { Reference } from "../canonical/parts.ts"
import { becauseOf } from "../canonical/events/because.ts"
import { ref } from "../canonical/refs.ts"
import type { RefusedRecord } from "../ports/capabilities/intake.ts"
import { waitingEvents } from "./news/waiting-parts.ts"

// More exceptions than this for one delivery help nobody; the last one counts the rest.
const exceptionsMax = 50

/** The row of a delivery, as far as an exception about one of its records names it. */
interface RefusingRow {
  inboxId: number
  connection: string
  attempts: number
  at: string
}

/** Every problem of every refused record. */
export function problemsOf(refused: readonly RefusedRecord[]): Problem[] {
  return refused.flatMap(({ pointer, message, problems }) => (problems.length > 0 ? problems : [{ pointer, message }]))
}

/** Why a delivery with refused records is parked, for people. */
export function refusalOf(refused: readonly RefusedRecord[]): string {
  const [first] = refused
  return `${refused.length} of its records cannot be translated, first ${first?.pointer}: ${first?.message}`
}

/** An exception for each record that was refused; above the maximum the last one counts the rest. Parts of orders are few. */
export function refusedEvents(row: RefusingRow, all: readonly RefusedRecord[]): NewEvent[] {
  const parts = all.flatMap((record, n) => waitingEvents({ ...row, exceptionId: exceptionId(row, n) }, record))
  const refused = all.filter(({ part }) => !part)
  const single = refused.slice(0, refused.length > exceptionsMax ? exceptionsMax - 1 : exceptionsMax)
  const rest = refused.slice(single.length)
  const events = single.map((record, n) => {
    const what = record.about ? `${record.about.type} ${record.about.id}` : record.pointer
    const problems = record.problems.map(({ pointer, message }) => `${pointer} ${message}`).join("; ")
    const summary = `${what} of a delivery from ${row.connection} could not be understood: ${record.message}${problems === "" ? "" : `: ${problems}`}`
    return refusedEvent(row, n, { record, summary, named: record.about })
  })
  const [first] = rest
  if (!first) return [...parts, ...events]
  const summary = `${rest.length} more records of a delivery from ${row.connection} could not be understood, first ${first.pointer}: ${first.message}`
  return [...parts, ...events, refusedEvent(row, single.length, { record: first, summary })]
}

function exceptionId({ inboxId, attempts }: RefusingRow, n: number): string {
  return `inbox-${inboxId}${attempts === 0 ? "" : `-${attempts}`}:${n}`
}

function refusedEvent(
  row: RefusingRow,
  n: number,
  { record, summary, named }: { record: RefusedRecord; summary: string; named?: Reference | undefined },
): NewEvent {
  const { inboxId, attempts, at } = row
  return {
    type: "exception.opened",
    fact: `inbox:${inboxId}:refused:${n}:${attempts}`,
    source: "crossdock:inbox",
    time: at,
    data: {
      exceptionId: exceptionId(row, n),
      about: ref("inbox", String(inboxId)),
      cause: record.code,
      because: becauseOf(record, { connection: row.connection, operation: record.about?.type ?? "" }),
      summary: cut(storable(summary), 1000),
      doneSoFar: ["its bytes are kept", "the other records of the delivery are in the log"],
      ifNobodyActs: "what this record tells is not known to Crossdock",
      allowedActions: ["translate again", "dismiss"],
      owner: "integration",
      ...(named ? { named: [named] } : {}),
      at,
    },
  }
}
