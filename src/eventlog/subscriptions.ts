import { asAppError, describeError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { inTransaction, isStorageAway, storage, type Sql } from "../base/sql.ts"
import { sleep } from "../base/time.ts"
import type { EventName } from "../canonical/events.ts"
import type { EventLog, Position, StoredEvent } from "./event-log.ts"

/** One event a handler could not deal with, and why. */
export interface Failure {
  event: StoredEvent
  error: unknown
}

/** A durable reader of the log. */
export interface Subscriber {
  name: string
  types: readonly EventName[]
  batchSizeMax?: number
  /** Attempts per key before it is parked for a person. Waits double from 200 ms to 30 s. Default 12. */
  attemptsMax?: number
  /**
   * Handles events in log order and answers what failed. Must be safe to repeat: after a crash a batch comes again.
   * After the first failure of a key, later events of that key in the batch must not be handled.
   * Throwing fails the whole batch: nothing moves on until it works (use that when a system all keys need is away).
   */
  handle: (events: readonly StoredEvent[]) => Promise<Failure[]>
}

/** Puts parked events of a key back in line for every subscription that parked it; answers how many are tried again. */
export async function releaseParked(sql: Sql, key: string): Promise<number> {
  const rows = await sql`
    update subscription_backlog set is_parked = false, attempts = 0, next_at = now()
    where key = ${key} and (name, key) in (select name, key from subscription_backlog where is_parked and key = ${key})
    returning seq`
  return rows.length
}

interface SubscriptionsOptions {
  sql: Sql
  log: Log
  eventLog: EventLog
  /** Told when a key is about to be parked, so that a person learns of it; after a crash it may be told the same again. */
  onParked?: (name: string, failure: Failure) => Promise<void>
}

const idlePollMs = 50

/**
 * Runs durable subscriptions: a cursor per name, order per key, backoff, and parking of a poisoned key.
 *
 * A key that fails leaves the main line: its event and all later ones of the key wait in a backlog and are tried in order,
 * while other keys go on (I-7). The cursor moves in the same transaction that puts events into the backlog, and only from
 * the position it was read at, so two processes reading under one name cannot both move it.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions
  readonly #loops: Promise<void>[] = []
  readonly #stop = new AbortController()

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  async start(subscriber: Subscriber): Promise<void> {
    await storage(
      () => this.#options.sql`insert into subscriptions (name) values (${subscriber.name}) on conflict do nothing`,
    )
    this.#loops.push(
      this.#run(subscriber, () => this.#forward(subscriber)),
      this.#run(subscriber, () => this.#retryBacklog(subscriber)),
    )
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#loops)
  }

  /** Puts a parked key back in line; answers how many events will be tried again. */
  async release(name: string, key: string): Promise<number> {
    const rows = await this.#options.sql`
      update subscription_backlog set is_parked = false, attempts = 0, next_at = now()
      where name = ${name} and key = ${key} returning seq`
    return rows.length
  }

  /** Repeats one pass over and over, at once while there is work, woken by appends, with pauses when storage is away. */
  async #run(subscriber: Subscriber, pass: () => Promise<boolean>): Promise<void> {
    const { log, eventLog } = this.#options
    let wake: () => void = () => undefined
    let wakeups = 0
    const unsubscribe = eventLog.onAppend(() => {
      wakeups += 1
      wake()
    })
    while (!this.#stop.signal.aborted) {
      const seen = wakeups
      try {
        if (await pass()) continue
        // A commit of this process may sit behind an older transaction for a moment: look again soon, then rest.
        const pauseMs = wakeups === seen ? idlePollMs : 2
        await Promise.race([sleep(pauseMs, this.#stop.signal), new Promise<void>((resolve) => (wake = resolve))])
      } catch (thrown) {
        if (this.#stop.signal.aborted) break
        if (asAppError(thrown).kind === "defect" && !isStorageAway(thrown))
          log.error(
            { err: thrown, subscription: subscriber.name },
            "a subscription pass failed; it goes on from its cursor",
          )
        await sleep(300, this.#stop.signal).catch(() => undefined)
      }
    }
    unsubscribe()
  }

  async #forward(subscriber: Subscriber): Promise<boolean> {
    const { sql, eventLog } = this.#options
    const after = await this.#cursor(subscriber.name)
    const { events, last } = await eventLog.read({
      after,
      limit: subscriber.batchSizeMax ?? 200,
      types: subscriber.types,
    })
    if (last.seq === after.seq && last.xid === after.xid) return false
    const waitingKeys = await this.#backloggedKeys(subscriber.name, events)
    const behind = events.filter((event) => waitingKeys.has(event.key))
    const open = events.filter((event) => !waitingKeys.has(event.key))
    const failures = open.length > 0 ? await subscriber.handle(open) : []
    await this.#moveOn({ subscriber, from: after, to: last, behind, failures, handled: open, sql })
    return true
  }

  async #cursor(name: string): Promise<Position> {
    const [row] = await storage(
      () => this.#options.sql<Position[]>`select xid, seq from subscriptions where name = ${name}`,
    )
    return row ?? { xid: "0", seq: 0 }
  }

  async #backloggedKeys(name: string, events: readonly StoredEvent[]): Promise<Set<string>> {
    if (events.length === 0) return new Set()
    const keys = [...new Set(events.map((event) => event.key))]
    const rows = await this.#options.sql<{ key: string }[]>`
      select distinct key from subscription_backlog where name = ${name} and key = any(${keys})`
    return new Set(rows.map((row) => row.key))
  }

  async #moveOn(step: {
    subscriber: Subscriber
    from: Position
    to: Position
    behind: readonly StoredEvent[]
    failures: readonly Failure[]
    handled: readonly StoredEvent[]
    sql: Sql
  }): Promise<void> {
    const firstFailure = new Map<string, Failure>()
    for (const failure of step.failures)
      if (!firstFailure.has(failure.event.key)) firstFailure.set(failure.event.key, failure)
    const unhandled = step.handled.filter((event) => {
      const failure = firstFailure.get(event.key)
      return failure !== undefined && step.handled.indexOf(event) >= step.handled.indexOf(failure.event)
    })
    const rows = [...step.behind, ...unhandled].map((event) => ({
      ...event.position,
      key: event.key,
      error: firstFailure.get(event.key)?.event === event ? describeError(firstFailure.get(event.key)?.error) : null,
    }))
    const { name } = step.subscriber
    await inTransaction(step.sql, async (transaction) => {
      const moved = await transaction`
        update subscriptions set xid = ${step.to.xid}::xid8, seq = ${step.to.seq}, updated_at = now()
        where name = ${name} and xid = ${step.from.xid}::xid8 and seq = ${step.from.seq} returning name`
      if (moved.length === 0 || rows.length === 0) return
      await transaction`
        insert into subscription_backlog (name, xid, seq, key, attempts, next_at, error)
        select ${name}, r.xid::xid8, r.seq, r.key, case when r.error is null then 0 else 1 end, now() + interval '200 ms', r.error
        from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as r(xid text, seq bigint, key text, error jsonb)
        on conflict do nothing`
    })
  }

  async #retryBacklog(subscriber: Subscriber): Promise<boolean> {
    const { sql } = this.#options
    // The oldest event of each key that is due; a parked key has a parked oldest event and is left alone.
    const due = await storage(
      () => sql<{ key: string; attempts: number }[]>`
        select key, attempts from (
          select distinct on (key) key, attempts, next_at, is_parked from subscription_backlog
          where name = ${subscriber.name} order by key, xid, seq
        ) oldest where not is_parked and next_at <= now() limit 50`,
    )
    for (const { key, attempts } of due) await this.#retryKey(subscriber, key, attempts)
    return false
  }

  async #retryKey(subscriber: Subscriber, key: string, attempts: number): Promise<void> {
    const { sql, eventLog } = this.#options
    const rows = await sql<Position[]>`
      select xid, seq from subscription_backlog where name = ${subscriber.name} and key = ${key} order by xid, seq limit 100`
    const events = await eventLog.readAt(key, rows)
    const failures = await subscriber
      .handle(events)
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
    const waitMs = Math.min(200 * 2 ** attempts, 30_000)
    // Told before it is parked: a parked key is not tried again, so nobody would tell it after a crash in between.
    if (isPoisoned) await this.#options.onParked?.(subscriber.name, failure)
    await this.#options.sql`
      update subscription_backlog set attempts = ${attempts}, is_parked = ${isPoisoned},
        next_at = now() + ${waitMs} * interval '1 ms', error = ${JSON.stringify(describeError(failure.error))}::text::jsonb
      where name = ${subscriber.name} and xid = ${failure.event.position.xid}::xid8 and seq = ${failure.event.position.seq}`
  }
}
