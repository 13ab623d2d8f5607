import { becauseOf } from "../canonical/events/because.ts"
import { cut } from "../base/text.ts"
import { AppError, asAppError, describeError, messageOf } from "../base/errors.ts"
import { inTransaction, storage, type Sql, type SqlTransaction } from "../base/sql.ts"
import { instant, monotonicMs } from "../base/time.ts"
import { newEvent, type NewEvent } from "../canonical/events.ts"
import type { EventLog, Position, StoredEvent } from "./event-log.ts"
import type { AnySubscriber, Failure, Subscriber } from "./subscriber.ts"

/** Releases the parked events of a key in every subscription that parked it; returns how many will be tried again. */
export async function releaseParked(sql: Sql, key: string): Promise<number> {
  const rows = await sql`
    update subscription_backlog set is_parked = false, attempts = 0, next_at = now()
    where key = ${key} and (name, key) in (select name, key from subscription_backlog where is_parked and key = ${key})
    returning seq`
  return rows.length
}

/** The stored position of a reader, which begins at the start of the log. */
export async function readPosition(sql: Sql, name: string): Promise<Position> {
  await storage(() => sql`insert into subscriptions (name) values (${name}) on conflict do nothing`)
  const [row] = await storage(() => sql<Position[]>`select xid, seq from subscriptions where name = ${name}`)
  return row ?? { xid: "0", seq: 0 }
}

export const isSame = (one: Position, other: Position): boolean => one.xid === other.xid && one.seq === other.seq

/** Where these readers stand, and whether anything in their backlogs may be retried. */
export async function lookAt(
  sql: Sql,
  names: readonly string[],
): Promise<Map<string, Position & { hasBacklog: boolean }>> {
  const rows = await storage(
    () => sql<(Position & { name: string; hasBacklog: boolean })[]>`
      select s.name, s.xid, s.seq,
        exists (select from subscription_backlog b where b.name = s.name and not b.is_parked) as "hasBacklog"
      from subscriptions s where s.name = any(${[...names]})`,
  )
  return new Map(rows.map((row) => [row.name, row]))
}

/** Moves a position from where it was read; false when it is elsewhere by now. */
export async function movePosition(
  transaction: SqlTransaction,
  { name, from, to }: { name: string; from: Position; to: Position },
): Promise<boolean> {
  const rows = await transaction`
    update subscriptions set xid = ${to.xid}::xid8, seq = ${to.seq}, updated_at = now()
    where name = ${name} and xid = ${from.xid}::xid8 and seq = ${from.seq} returning name`
  return rows.length > 0
}

/** Moves a position, and puts what could not be handled into the backlog; false when the position is elsewhere by now. */
export async function moveOn(step: {
  subscriber: Pick<AnySubscriber, "name">
  from: Position
  to: Position
  behind: readonly StoredEvent[]
  failures: readonly Failure[]
  handled: readonly StoredEvent[]
  sql: Sql
}): Promise<boolean> {
  const rows = backlogRows(step)
  const { name } = step.subscriber
  return inTransaction(step.sql, async (transaction) => {
    const hasMoved = await movePosition(transaction, { name, ...step })
    if (!hasMoved || rows.length === 0) return hasMoved
    await transaction`
      insert into subscription_backlog (name, xid, seq, key, attempts, next_at, error)
      select ${name}, r.xid::xid8, r.seq, r.key, case when r.error is null then 0 else 1 end, now() + r.wait_ms * interval '1 ms', r.error
      from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as r(xid text, seq bigint, key text, wait_ms float8, error jsonb)
      on conflict do nothing`
    return true
  })
}

/** What goes into the backlog after a batch: events whose key waits already, and of each key that failed, all from its first failure on. */
function backlogRows(batch: {
  behind: readonly StoredEvent[]
  failures: readonly Failure[]
  handled: readonly StoredEvent[]
}) {
  const firstFailure = new Map<string, Failure>()
  for (const failure of batch.failures)
    if (!firstFailure.has(failure.event.key)) firstFailure.set(failure.event.key, failure)
  const unhandled = batch.handled.filter((event) => {
    const failure = firstFailure.get(event.key)
    return failure !== undefined && batch.handled.indexOf(event) >= batch.handled.indexOf(failure.event)
  })
  return [...batch.behind, ...unhandled].map((event) => {
    const failure = firstFailure.get(event.key)
    const isFailure = failure?.event === event
    return {
      ...event.position,
      key: event.key,
      wait_ms: isFailure ? waitMs(failure.error, 0) : waitMs(undefined, 0),
      error: isFailure ? describeError(failure.error) : null,
    }
  })
}

const waitMsMax = 30_000
/** Waits double; an error may ask for a longer one, up to an hour. */
function waitMs(error: unknown, attempts: number): number {
  const wanted = error instanceof AppError ? Math.min(error.retryAfterMs ?? 0, 3_600_000) : 0
  return Math.max(Math.min(200 * 2 ** attempts, waitMsMax), wanted)
}

/** How long one pass through a backlog may take before new events have their turn. */
const passMs = 5000

interface BacklogOptions {
  sql: Sql
  eventLog: EventLog
  /** Called before a key is parked, to raise an exception; after a crash it may be called again for the same key. */
  onParked?: ((name: string, failure: Failure) => Promise<void>) | undefined
}

/** Events that a subscription could not handle, and later ones of their keys: retried in order, with backoff. */
export class Backlog {
  readonly #options: BacklogOptions

  constructor(options: BacklogOptions) {
    this.#options = options
  }

  /** Those of these events' keys that wait here already. */
  async keysOf(name: string, events: readonly StoredEvent[]): Promise<Set<string>> {
    if (events.length === 0) return new Set()
    const keys = [...new Set(events.map((event) => event.key))]
    const rows = await this.#options.sql<{ key: string }[]>`
      select distinct key from subscription_backlog where name = ${name} and key = any(${keys})`
    return new Set(rows.map((row) => row.key))
  }

  /** Retries due events; returns whether the backlog holds events that are due now or later. */
  async retry(subscriber: Subscriber): Promise<"tried" | "waiting" | "nothing"> {
    const { sql } = this.#options
    // The oldest event of each key; a parked key has a parked oldest event and is left alone.
    const oldest = await storage(
      () => sql<{ key: string; attempts: number; is_due: boolean }[]>`
        select key, attempts, next_at <= now() as is_due from (
          select distinct on (key) key, attempts, next_at, is_parked from subscription_backlog
          where name = ${subscriber.name} order by key, xid, seq
        ) oldest where not is_parked order by next_at limit 50`,
    )
    const due = oldest.filter(({ is_due }) => is_due)
    const beganMs = monotonicMs()
    for (const { key, attempts } of due)
      if (monotonicMs() - beganMs < passMs) await this.#retryKey(subscriber, key, attempts)
    return due.length > 0 ? "tried" : oldest.length > 0 ? "waiting" : "nothing"
  }

  async #retryKey(subscriber: Subscriber, key: string, attempts: number): Promise<void> {
    const { sql, eventLog } = this.#options
    const rows = await sql<Position[]>`
      select xid, seq from subscription_backlog where name = ${subscriber.name} and key = ${key} order by xid, seq limit 100`
    const events = await eventLog.readAt(key, rows)
    const failures = await subscriber
      .handle(events, { isRetry: true })
      .catch((error: unknown) => events.slice(0, 1).map((event) => ({ event, error })))
    const failure = failures[0]
    const done = failure ? events.slice(0, events.indexOf(failure.event)) : events
    if (done.length > 0)
      await sql`
        delete from subscription_backlog where name = ${subscriber.name} and key = ${key}
          and seq = any(${done.map((event) => event.position.seq)})`
    if (failure) await this.#postpone(subscriber, failure, done.length > 0 ? 1 : attempts + 1)
  }

  async #postpone(subscriber: Subscriber, failure: Failure, attempts: number): Promise<void> {
    const isPoisoned = attempts >= (subscriber.attemptsMax ?? 12) && asAppError(failure.error).kind !== "unavailable"
    // Raised before the key is parked: after a crash in between, a parked key would have no exception.
    if (isPoisoned) await this.#options.onParked?.(subscriber.name, failure)
    await this.#options.sql`
      update subscription_backlog set attempts = ${attempts}, is_parked = ${isPoisoned},
        next_at = now() + ${waitMs(failure.error, attempts)} * interval '1 ms', error = ${JSON.stringify(describeError(failure.error))}::text::jsonb
      where name = ${subscriber.name} and xid = ${failure.event.position.xid}::xid8 and seq = ${failure.event.position.seq}`
  }
}

/** The exception about an event that a subscription cannot handle. `nowMs`: an event parked again after a retry is a new one. */
export function parkedEvent(subscription: string, { event, error }: Failure, nowMs: number): NewEvent {
  const at = instant(nowMs)
  const parking = `parked:${event.position.xid}-${event.position.seq}:${nowMs}`
  const reason = error instanceof Error ? messageOf(error) : String(error)
  return newEvent({
    type: "exception.opened",
    fact: `subscription:${subscription}:${parking}`,
    source: "crossdock:subscriptions",
    time: at,
    data: {
      exceptionId: parking,
      about: event.key,
      cause: "event cannot be handled",
      because: becauseOf(asAppError(error), { operation: subscription, value: event.type }),
      summary: cut(`"${subscription}" cannot handle ${event.type} of ${event.key}: ${reason}`, 1000),
      doneSoFar: [],
      ifNobodyActs: "events of this one object wait; all others go on",
      allowedActions: ["try again", "acknowledge"],
      owner: "integration",
      at,
    },
  })
}
