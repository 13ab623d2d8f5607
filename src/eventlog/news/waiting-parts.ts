import { cut, storable } from "../../base/text.ts"
import { factKey, orderIdOf } from "../../base/ids.ts"
import type { Problem } from "../../base/errors.ts"
import { storage, type Sql } from "../../base/sql.ts"
import type { EventData, NewEvent } from "../../canonical/events.ts"
import { becauseOf } from "../../canonical/events/because.ts"
import { ref, type Ref } from "../../canonical/refs.ts"
import type { OrderPart, ReadWhole, RefusedRecord } from "../../ports/capabilities/intake.ts"
import type { EventLog } from "../event-log.ts"

/*
 * A part of an order that cannot be read waits alone (P-31). It is an exception about the order, told once however often the part is
 * stated, and it ends when a later state of the order can be read without it: it was mended, or has lost its meaning.
 */

/** The fact that a part waits. The same one, whichever delivery states the part: a webhook, a poll, either of them again. */
function waitingFact({ name }: OrderPart): string {
  return `waiting:${name}`
}

/** The row of a delivery, and the exception of one of its parts. */
interface WaitingRow {
  inboxId: number
  connection: string
  attempts: number
  at: string
  exceptionId: string
}

/** A translation, as far as what waits in it matters. */
export interface Waiting {
  events: NewEvent[]
  isParked: boolean
  reason?: string
  problems?: readonly Problem[]
  exceptions?: number
}

/** The exception of a part that waits; none for a record that is no part of an order. */
export function waitingEvents(
  row: WaitingRow,
  { part, about, problems, code, message }: RefusedRecord,
): NewEvent<"exception.opened">[] {
  if (!part || !about) return []
  // Translated again and refused again is a new exception: somebody decided that it was mended.
  const again = row.attempts === 0 ? "" : `:${row.inboxId}:${row.attempts}`
  const number = part.number ?? about.id
  const why = problems.map((problem) => `${problem.pointer} ${problem.message}`.trim()).join("; ")
  const { cause, ifNobodyActs, owner } = part.waitsFor ?? { ...unread, cause: code }
  return [
    {
      type: "exception.opened",
      fact: `${waitingFact(part)}${again}`,
      source: "crossdock:inbox",
      time: row.at,
      data: {
        exceptionId: row.exceptionId,
        about: ref("order", orderIdOf(row.connection, about.id)),
        cause,
        because: part.waitsFor
          ? { kind: "flow", connection: row.connection, operation: cause }
          : becauseOf({ code, problems }, { connection: row.connection, operation: about.type }),
        summary: cut(storable(`Order ${number} from ${row.connection}: ${message}: ${why}`), 1000),
        doneSoFar: ["the delivery's bytes are kept", "the other parts of the order are in the log"],
        ifNobodyActs,
        allowedActions: ["translate again", "dismiss"],
        owner,
        ...(part.money ? { atRisk: part.money } : {}),
        named: [about, { ...about, type: "order number", id: number }],
        part: { name: part.name, ...(part.factAbout ? { factAbout: part.factAbout } : {}), at: part.at },
        at: row.at,
      },
    },
  ]
}

const unread = {
  ifNobodyActs: "this part waits; a later state of the order that can be read ends the exception",
  owner: "integration",
} as const

/** What a delivery ends: parts whose names begin so, up to a time, but for those that it still refuses. */
export interface Settles {
  readWhole: readonly ReadWhole[]
  without: readonly string[]
}

/** What a translation ends; undefined when it read nothing whole. */
export function settlesOf(readWhole: readonly ReadWhole[], refused: readonly RefusedRecord[]): Settles | undefined {
  return readWhole.length === 0 ? undefined : { readWhole, without: refused.flatMap(({ part }) => part?.name ?? []) }
}

/**
 * Leaves out parts that wait in a state of the order although a newer state has told their fact or that they failed, or an exception is
 * about them already. A delivery of which nothing else waits is not parked.
 */
export async function withoutKnownParts<One extends Waiting>(sql: Sql, translated: readonly One[]): Promise<One[]> {
  const parts = translated.flatMap(({ events }) => events.flatMap((event) => partOf(event) ?? []))
  if (parts.length === 0) return [...translated]
  const rows = await storage(
    () => sql<{ part: string }[]>`
      select part from unnest(${parts.map(({ name }) => name)}::text[], ${parts.map(({ key }) => key)}::uuid[]) p (part, key)
      join event_facts on fact_key = p.key
      union select part from parts_waiting(${parts.map(({ name }) => name)}::text[], ${parts.map(({ at }) => at)}::timestamptz[])`,
  )
  const known = new Set(rows.map(({ part }) => part))
  return translated.map((one) => {
    const events = one.events.filter((event) => !known.has(partOf(event)?.name ?? ""))
    const dropped = one.events.length - events.length
    if (dropped === 0) return one
    const exceptions = (one.exceptions ?? 0) - dropped
    if (exceptions > 0) return { ...one, events, exceptions }
    const reason = "a newer state of the order told what this one could not, or a person has it already"
    return { ...one, events, exceptions: 0, isParked: false, problems: [], reason }
  })
}

/** Names of parts that need no delivery: they wait already, or their facts are told. */
export async function knownParts(
  sql: Sql,
  connection: string,
  refused: readonly RefusedRecord[],
): Promise<Set<string>> {
  const keys = new Map(
    refused.flatMap(({ part, about }) => {
      if (!part || !about) return []
      const order = ref("order", orderIdOf(connection, about.id))
      const facts: [Ref, string][] = [
        [part.factAbout ?? order, part.name],
        [order, waitingFact(part)],
      ]
      return facts.map(([object, fact]): [string, string] => [factKey(object, fact), part.name])
    }),
  )
  if (keys.size === 0) return new Set()
  const rows = await storage(
    () => sql<{ factKey: string }[]>`
      select fact_key as "factKey" from event_facts where fact_key = any(${[...keys.keys()]}::uuid[])`,
  )
  return new Set(rows.flatMap(({ factKey: key }) => keys.get(key) ?? []))
}

/** The part that an exception is about, with the key of the fact that it waits for, and the time of the state that it was found in. */
function partOf(event: NewEvent): { name: string; key: string; at: string } | undefined {
  if (event.type !== "exception.opened") return undefined
  const { about, part } = event.data as EventData<"exception.opened">
  return part && { name: part.name, key: factKey(part.factAbout ?? about, part.name), at: part.at }
}

/** Exceptions about parts that wait and that these deliveries read whole. */
export async function partsRead(sql: Sql, settles: readonly Settles[]): Promise<{ id: string; about: Ref }[]> {
  const given = settles.flatMap(({ readWhole, without }) => readWhole.map((whole) => ({ ...whole, without })))
  if (given.length === 0) return []
  return storage(
    () => sql<{ id: string; about: Ref }[]>`select id, about from parts_read(${JSON.stringify(given)}::text::json)`,
  )
}

/** Ends the exceptions of parts that were read whole, and the parking of deliveries that wait for nothing more. */
export async function settleParts(
  { sql, eventLog }: { sql: Sql; eventLog: EventLog },
  { parts, at }: { parts: readonly { id: string; about: Ref }[]; at: string },
): Promise<void> {
  if (parts.length === 0) return
  await Promise.all(
    parts.map(({ id, about }) =>
      eventLog.append({
        type: "exception.decided",
        fact: `exception:${id}:decided`,
        source: "crossdock:inbox",
        time: at,
        data: {
          exceptionId: id,
          about,
          action: "read later",
          decidedBy: "crossdock",
          reason: "a later state of the order could be read",
          at,
        },
      }),
    ),
  )
  const rows = [...new Set(parts.flatMap(({ id }) => /^inbox-(\d+)/.exec(id)?.[1] ?? []))]
  await storage(() => sql`select inbox_settled(${rows}::bigint[])`)
}
