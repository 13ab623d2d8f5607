import { asAppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { inTransaction, isStorageAway, type Sql } from "../base/sql.ts"
import { monotonicMs } from "../base/time.ts"
import { Backlog, isSame, lookAt, moveOn, movePosition, readPosition } from "./backlog.ts"
import type { EventLog, Position, StoredEvent } from "./event-log.ts"
import type { Reader } from "./readers/readers.ts"
import type { AnySubscriber, Failure, KeepingSubscriber, Subscriber } from "./subscriber.ts"

interface SubscriptionsOptions {
  sql: Sql
  log: Log
  eventLog: EventLog
  /** Called before a key is parked, to raise an exception; after a crash it may be called again for the same key. */
  onParked?: (name: string, failure: Failure) => Promise<void>
  /** The heartbeat of a subscription: it succeeds whenever it has reached the end of the log. */
  readerOf?: (name: string) => Reader | undefined
}

/** Appends of this process wake the reader; those of other processes are found by polling this often. */
const idlePollMs = 2000
/** If a commit of this process is behind an older transaction, the reader polls again after this time. */
const behindPollMs = 3
const behindLooksMax = 50
/** How often a backlog is retried. */
const backlogEveryMs = 1000
/** How often it looks for what others did to its subscriptions: events put into a backlog or released, a position set back. */
const lookEveryMs = 5000
/** The first waits of a key are shorter than the poll interval. */
const retriedBacklogEveryMs = 100
const failurePauseMs = 300
/** A cursor that only skipped events of other types is written this often. */
const keepCursorEveryMs = 30_000

/** A subscriber with its position in the log. */
interface Reading {
  subscriber: AnySubscriber
  at: Position
  /** The position stored in the database. */
  keptAt: Position
  keptMs: number
  isBusy: boolean
  pausedUntilMs: number
  /** When its backlog is retried next; never while it is empty. */
  backlogAtMs: number
  heartbeat: Reader | undefined
}

/**
 * Runs durable subscriptions: a cursor per name, order per key, backoff, and parking of a poisoned key.
 *
 * One reader per process reads the log once for all subscriptions at the same position. After a failure, the event and all later
 * ones of its key wait in a backlog and are retried in order, while other keys continue (I-7).
 * The cursor moves in the same transaction that puts events into the backlog, and only from the position it was read at, so
 * two processes reading under one name cannot both move it.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions
  readonly #backlog: Backlog
  readonly #readings: Reading[] = []
  readonly #stop = new AbortController()
  readonly #busy = new Set<Promise<void>>()
  readonly #stopListening: () => void
  #loop: Promise<void> | undefined
  #isWoken = false
  #hasAppended = false
  #lookAtMs = 0
  #wake: () => void = () => undefined

  constructor(options: SubscriptionsOptions) {
    this.#options = options
    this.#backlog = new Backlog(options)
    this.#stopListening = options.eventLog.onAppend((types) => {
      const now = monotonicMs()
      // One that lets events gather reads by itself when its time is over.
      const isFor = ({ subscriber, pausedUntilMs }: Reading) =>
        pausedUntilMs <= now && subscriber.types.some((type) => types.has(type))
      if (!this.#readings.some(isFor)) return
      this.#hasAppended = true
      this.#nudge()
    })
  }

  async start(subscriber: AnySubscriber): Promise<void> {
    const { name } = subscriber
    const at = await readPosition(this.#options.sql, name)
    const heartbeat = this.#options.readerOf?.(name)
    const idle = { isBusy: false, pausedUntilMs: 0, backlogAtMs: Infinity }
    this.#lookAtMs = 0
    this.#readings.push({ subscriber, at, keptAt: at, keptMs: 0, ...idle, heartbeat })
    this.#loop ??= this.#read()
    this.#nudge()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#stopListening()
    this.#nudge()
    await this.#loop
    await Promise.all(this.#busy)
    for (const reading of this.#readings) await this.#keepCursor(reading).catch(() => undefined)
  }

  /** Releases a parked key; returns how many events will be tried again. */
  async release(name: string, key: string): Promise<number> {
    const rows = await this.#options.sql`
      update subscription_backlog set is_parked = false, attempts = 0, next_at = now()
      where name = ${name} and key = ${key} returning seq`
    this.#lookAtMs = 0
    this.#nudge()
    return rows.length
  }

  #nudge(): void {
    this.#isWoken = true
    this.#wake()
  }

  async #read(): Promise<void> {
    let fruitlessLooks = 0
    while (!this.#stop.signal.aborted) {
      const hasAppended = this.#hasAppended
      this.#isWoken = this.#hasAppended = false
      const hasFound = await this.#pass().catch((thrown: unknown) => this.#tellFailure(thrown, undefined))
      fruitlessLooks = hasFound ? 0 : hasAppended ? 1 : fruitlessLooks > 0 ? fruitlessLooks + 1 : 0
      if (this.#isWoken) continue
      const isBehind = fruitlessLooks > 0 && fruitlessLooks < behindLooksMax
      await this.#rest(isBehind ? behindPollMs : idlePollMs)
    }
  }

  async #rest(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#isWoken) this.#wake()
    })
  }

  /** Reads once for each position of idle subscriptions; returns whether there was an event. */
  async #pass(): Promise<boolean> {
    const now = monotonicMs()
    if (now >= this.#lookAtMs) await this.#look()
    const idle = this.#readings.filter(({ isBusy, pausedUntilMs }) => !isBusy && pausedUntilMs <= now)
    for (const reading of idle) if (now >= reading.backlogAtMs) this.#begin(reading, () => this.#retryBacklog(reading))
    const groups = Map.groupBy(
      idle.filter(({ isBusy }) => !isBusy),
      ({ at }) => `${at.xid}/${at.seq}`,
    )
    let hasFound = false
    for (const readings of groups.values()) {
      const types = [...new Set(readings.flatMap(({ subscriber }) => subscriber.types))]
      const limit = Math.min(...readings.map(({ subscriber }) => subscriber.batchSizeMax ?? 500))
      const [after] = readings.map(({ at }) => at)
      if (!after) continue
      const { events, last } = await this.#options.eventLog.read({ after, limit, types })
      if (isSame(last, after)) {
        for (const { heartbeat } of readings) heartbeat?.succeeded()
        continue
      }
      hasFound = true
      const isAtEnd = events.length < limit
      for (const reading of readings)
        this.#begin(reading, async () => {
          await this.#hand(reading, events, last)
          if (!isAtEnd) return
          reading.heartbeat?.succeeded()
          if (reading.subscriber.gathersMs !== undefined) this.#pause(reading, reading.subscriber.gathersMs)
        })
    }
    return hasFound
  }

  #begin(reading: Reading, work: () => Promise<void>): void {
    reading.isBusy = true
    const running = work()
      .catch((thrown: unknown) => {
        this.#pause(reading, failurePauseMs)
        reading.heartbeat?.failed(thrown)
        this.#tellFailure(thrown, reading.subscriber.name)
      })
      .finally(() => {
        reading.isBusy = false
        this.#busy.delete(running)
        this.#nudge()
      })
    this.#busy.add(running)
  }

  #pause(reading: Reading, ms: number): void {
    reading.pausedUntilMs = monotonicMs() + ms
    setTimeout(() => this.#nudge(), ms + 5).unref()
  }

  #tellFailure(thrown: unknown, subscription: string | undefined): false {
    const isOurs = asAppError(thrown).kind === "defect" && !isStorageAway(thrown) && !this.#stop.signal.aborted
    if (isOurs)
      this.#options.log.error({ err: thrown, subscription }, "a subscription pass failed; it goes on from its cursor")
    return false
  }

  /** Passes a subscription the events of its types, then moves its cursor and puts failed events into the backlog. */
  async #hand(reading: Reading, events: readonly StoredEvent[], last: Position): Promise<void> {
    const { subscriber } = reading
    const own = events.filter(({ type }) => subscriber.types.includes(type))
    if (own.length === 0) {
      reading.at = last
      if (monotonicMs() - reading.keptMs > keepCursorEveryMs) await this.#keepCursor(reading)
      return
    }
    if ("keep" in subscriber) return this.#keepEvents(reading, subscriber, { own, last })
    const waitingKeys = await this.#backlog.keysOf(subscriber.name, own)
    const behind = own.filter((event) => waitingKeys.has(event.key))
    const open = own.filter((event) => !waitingKeys.has(event.key))
    const failures = open.length > 0 ? await this.#handle(subscriber, open) : []
    const { sql } = this.#options
    const hasMoved = await moveOn({ subscriber, from: reading.keptAt, to: last, behind, failures, handled: open, sql })
    if (hasMoved) {
      reading.at = reading.keptAt = last
      reading.keptMs = monotonicMs()
      if (behind.length + failures.length > 0)
        reading.backlogAtMs = Math.min(reading.backlogAtMs, reading.keptMs + retriedBacklogEveryMs)
    } else reading.at = reading.keptAt = await readPosition(this.#options.sql, subscriber.name)
  }

  /** Events and position in one transaction; of several processes that try it, one moves on and the others read where it is. */
  async #keepEvents(
    reading: Reading,
    subscriber: KeepingSubscriber,
    { own, last }: { own: readonly StoredEvent[]; last: Position },
  ): Promise<void> {
    const hasMoved = await inTransaction(this.#options.sql, async (transaction) => {
      if (!(await movePosition(transaction, { name: subscriber.name, from: reading.keptAt, to: last }))) return false
      await subscriber.keep(transaction, own)
      return true
    })
    reading.at = reading.keptAt = hasMoved ? last : await readPosition(this.#options.sql, subscriber.name)
    reading.keptMs = monotonicMs()
  }

  /** A handler that throws for one event fails that event alone; only unavailable storage or systems fail the batch. */
  async #handle(subscriber: Subscriber, events: readonly StoredEvent[]): Promise<Failure[]> {
    try {
      return await subscriber.handle(events)
    } catch (thrown) {
      if (isStorageAway(thrown) || asAppError(thrown).kind === "unavailable") throw thrown
      const [event] = events
      if (event && events.length === 1) return [{ event, error: thrown }]
      const failures: Failure[] = []
      for (const one of events)
        if (!failures.some((failure) => failure.event.key === one.key))
          failures.push(...(await this.#handle(subscriber, [one])))
      return failures
    }
  }

  async #keepCursor(reading: Reading): Promise<void> {
    const { at, keptAt, subscriber } = reading
    reading.keptMs = monotonicMs()
    if (isSame(at, keptAt)) return
    const { sql } = this.#options
    const hasMoved = await moveOn({ subscriber, from: keptAt, to: at, behind: [], failures: [], handled: [], sql })
    reading.keptAt = hasMoved ? at : await readPosition(this.#options.sql, subscriber.name)
    if (!hasMoved) reading.at = reading.keptAt
  }

  async #retryBacklog(reading: Reading): Promise<void> {
    const { subscriber } = reading
    if ("keep" in subscriber) return
    const found = await this.#backlog.retry(subscriber)
    const waitMs = { tried: retriedBacklogEveryMs, waiting: backlogEveryMs, nothing: Infinity }[found]
    reading.backlogAtMs = monotonicMs() + waitMs
  }

  /** One look for all subscriptions. A reader whose writes are one with its position has no backlog and follows its position. */
  async #look(): Promise<void> {
    this.#lookAtMs = monotonicMs() + lookEveryMs
    const idle = this.#readings.filter(({ isBusy }) => !isBusy)
    const kept = await lookAt(
      this.#options.sql,
      idle.map(({ subscriber }) => subscriber.name),
    )
    for (const reading of idle) {
      const found = kept.get(reading.subscriber.name)
      if (!found) continue
      if (found.hasBacklog) reading.backlogAtMs = 0
      if ("keep" in reading.subscriber && !isSame(found, reading.keptAt))
        reading.at = reading.keptAt = { xid: found.xid, seq: found.seq }
    }
  }
}
