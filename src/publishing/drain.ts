import { asAppError } from "../base/errors.ts"
import { derivedId, randomId } from "../base/ids.ts"
import type { Log } from "../base/log.ts"
import type { Sql } from "../base/sql.ts"
import { instant, monotonicMs, type Clock } from "../base/time.ts"
import type { NewEvent } from "../canonical/events.ts"
import type { ItemOutcome } from "../ports/bulk-write.ts"
import { chooseBatch } from "./decide/choose.ts"
import { RollingAudit } from "./audit.ts"
import { isMarked, isWhereItStood, lookRank, needsLook } from "./decide/due.ts"
import { sent } from "./decide/judge.ts"
import { again, cameBack, notSent, type Taken } from "./decide/outcome.ts"
import type { PublishingChannel } from "./policies.ts"
import { kindOf } from "./decide/kinds.ts"
import { keyOf, type PublishedRow, type RowState } from "./decide/row.ts"
import { PublishedRows, type Stop } from "./rows.ts"
import { shownNow } from "./decide/shown.ts"
import { commonRefusal, stopMs, type CommonRefusal } from "./decide/stops.ts"
import { both, judge, noSight, notAnswered, type Sight, type Target } from "./target.ts"
import { stopOver, stopTold, told } from "./tell.ts"

export interface DrainParts<Value> {
  sql: Sql
  log: Log
  clock: Clock
  target: Target<Value>
  append(event: NewEvent): Promise<unknown>
}

/** What one round did. */
export interface Round {
  sent: number
  /** Rows that were looked into at all. */
  rows: number
  /** Age of the oldest change of these that the channel does not show yet. */
  oldestMs: number
  /** How long to leave the channel alone; 0 = go on at once. */
  restMs: number
}

const candidatesMax = 1000
/** Longer than a call and its look: nobody else takes the channel over while one may still be under way. */
const leaseMarginMs = 15_000
const triedAfterStop = 10
const dayMs = 86_400_000
/** A round sends batch after batch of what it has judged; values that are older than this are computed anew by the next. */
const sendingMaxMs = 1000
const goesThrough: Stop = { stops: 0, untilMs: null, caseId: null }
/** Rows as they were before they were judged. */
interface Judged<Value> {
  isClosed: boolean
  before: readonly PublishedRow<Value>[]
}

/** What came of rows, and by their keys since when their changes wait. */
interface Came<Value> {
  outcomes?: readonly ItemOutcome<Taken<Value>>[]
  since?: ReadonlyMap<string, string | null>
}

const mayBeSent: ReadonlySet<RowState> = new Set(["due", "stale", "unknown", "drifted", "withdrawing"])

/**
 * Brings one aspect of what one channel shows to what it should show. One worker at a time has it; within it one call after the other, so
 * that each compare-and-set knows what the one before wrote.
 *
 * A round takes what is marked or due, looks where something is not known, computes all values, sends the most urgent, and writes what
 * came back. A row is durable as sent before the call. A worker that dies leaves such rows behind: they are looked at before anything is
 * sent again, and everything else goes on where it stood.
 */
export class ChannelDrain<Value> {
  readonly #parts: DrainParts<Value>
  readonly #channel: PublishingChannel
  readonly #rows: PublishedRows<Value>
  readonly #worker = randomId("publisher")
  #leasedUntilMs = 0
  readonly #audit: RollingAudit
  #stop: Stop = goesThrough

  constructor(channel: PublishingChannel, parts: DrainParts<Value>) {
    this.#parts = parts
    this.#channel = channel
    this.#rows = new PublishedRows(parts.sql, parts.target.aspect)
    this.#audit = new RollingAudit(channel, this.#rows)
  }

  /** One round; undefined when another worker has the channel. */
  async round(): Promise<Round | undefined> {
    const { clock, target } = this.#parts
    const { channel } = this.#channel
    if (!(await this.#hasLease())) return undefined
    const stoppedMs = (this.#stop.untilMs ?? 0) - clock.now()
    if (stoppedMs > 0) return { sent: 0, rows: 0, oldestMs: 0, restMs: stoppedMs }
    const { isClosed } = target
    if (!isClosed) await this.#audit.ask(clock.now())
    const rows = await this.#rows.candidates(channel, {
      now: instant(clock.now()),
      limit: candidatesMax,
      onlyMarked: isClosed,
    })
    if (rows.length === 0) return { sent: 0, rows: 0, oldestMs: 0, restMs: 0 }
    // Nobody has the lease beside us, so what is still sent was left behind.
    const leftBehind = { state: "unknown", dueMs: clock.now(), cause: "its call was lost" } as const
    const open = rows.map((row) => (row.state === "sent" ? again(row, leftBehind) : row))
    const sight = isClosed ? noSight : await this.#look(open)
    // What is only to be read in its turn stays as it is until then.
    const nowMs = clock.now()
    const turn = open.filter((row) => isMarked(row) || sight.answers.has(keyOf(row)) || !needsLook(row, nowMs))
    return this.#send(await judge(turn, sight, this.#parts), { isClosed, before: turn })
  }

  /** Takes the lease, or renews it when half of it is over. */
  async #hasLease(): Promise<boolean> {
    const ms = 2 * (this.#parts.target.connection.timeoutMs + leaseMarginMs)
    if (monotonicMs() < this.#leasedUntilMs - ms / 2) return true
    const startedMs = monotonicMs()
    const stop = await this.#rows.lease(this.#channel.channel, this.#worker, ms)
    this.#stop = stop ?? goesThrough
    this.#leasedUntilMs = stop ? startedMs + ms : 0
    return stop !== undefined
  }

  async stop(): Promise<void> {
    await this.#rows.letGo(this.#channel.channel, this.#worker)
  }

  /**
   * Reads in the channel what is not known, some at a time: news, and beside it what is read in its turn, a first load and the rolling
   * audit, as far as the channel's budget has room for that.
   */
  async #look(rows: readonly PublishedRow<Value>[]): Promise<Sight<Value>> {
    const nowMs = this.#parts.clock.now()
    const blind = rows.filter((row) => needsLook(row, nowMs))
    const [news, others] = [blind.filter((row) => lookRank(row) === 0), blind.filter((row) => lookRank(row) > 0)]
    const sight = await this.#read(news, { isBackground: false })
    try {
      const unread = others.filter((row) => !sight.answers.has(keyOf(row)))
      return both(sight, await this.#read(unread, { isBackground: true }))
    } catch (thrown) {
      if (asAppError(thrown).code !== "CONNECTION_PAUSED") throw thrown
      return sight
    }
  }

  async #read(rows: readonly PublishedRow<Value>[], how: { isBackground: boolean }): Promise<Sight<Value>> {
    const { clock, target } = this.#parts
    const sorted = rows.toSorted((a, b) => lookRank(a) - lookRank(b))
    const skus = [...new Set(sorted.map(({ item }) => item))].slice(0, target.skusOfLook)
    if (skus.length === 0) return noSight
    // What a channel's orders hold counts over all its places.
    const all = await this.#rows.ofSkus(this.#channel.channel, skus)
    return target.look(all, { ...how, nowMs: clock.now() })
  }

  async #send(rows: readonly PublishedRow<Value>[], { isClosed, before }: Judged<Value>): Promise<Round> {
    const { clock, target } = this.#parts
    const { isDryRun } = this.#channel
    const startedMs = monotonicMs()
    const nowMs = clock.now()
    const oldestMs = Math.max(
      0,
      ...rows.flatMap(({ changedAt }) => (changedAt === null ? [] : [nowMs - Date.parse(changedAt)])),
    )
    const since = new Map(before.map((row) => [keyOf(row), row.changedAt]))
    const came = target.readsBack ? { since } : {}
    const ready = rows.filter((row) => mayBeSent.has(row.state) && row.dueAt !== null && !row.needsLook)
    const open = new Set(isClosed || isDryRun ? [] : ready)
    const going = { sent: 0, restMs: 0, goesOn: true }
    while (open.size > 0 && going.goesOn && monotonicMs() - startedMs < sendingMaxMs) {
      const batch = chooseBatch([...open], this.#stop.stops > 0 ? triedAfterStop : target.itemsMax)
      for (const row of batch) open.delete(row)
      Object.assign(going, await this.#sendBatch(batch, came, going.sent))
    }
    const taken = isClosed || isDryRun ? new Set<PublishedRow<Value>>() : new Set(ready.filter((row) => !open.has(row)))
    // A dry run leaves what it would send as it is, until its stock changes again, or for a day.
    const later = { dueAt: instant(nowMs + dayMs) }
    const left = rows.flatMap((row, n) => {
      if (taken.has(row) || (!isDryRun && isWhereItStood(row, before[n]))) return []
      return [isDryRun && ready.includes(row) ? { ...row, ...later } : row]
    })
    await this.#write(left, came)
    return { sent: going.sent, rows: rows.length, oldestMs, restMs: going.restMs }
  }

  /** Sends one batch: durable as sent, the call, and what came of it. */
  async #sendBatch(
    batch: readonly PublishedRow<Value>[],
    came: Came<Value>,
    before: number,
  ): Promise<{ sent: number; restMs: number; goesOn: boolean }> {
    const { clock, target } = this.#parts
    const key = randomId("publish")
    const nowMs = clock.now()
    const lostAtMs = nowMs + target.connection.timeoutMs + leaseMarginMs
    const underWay = batch.map((row) => sent(row, { key, nowMs, lostAtMs }))
    const decided = await this.#write(underWay, came)
    // What a person held or withdrew in this moment is not sent any more.
    const going = underWay.filter((row) => !decided.has(keyOf(row)))
    if (going.length === 0) return { sent: before, restMs: 0, goesOn: true }
    return { sent: before + going.length, ...(await this.#call(going, key)) }
  }

  /** One call, and its outcomes written. Returns how long to rest after it, and whether the next batch may follow. */
  async #call(rows: readonly PublishedRow<Value>[], key: string): Promise<{ restMs: number; goesOn: boolean }> {
    const { clock, target } = this.#parts
    let outcomes: readonly ItemOutcome<Taken<Value>>[]
    // Only the channel's failures: what our own storage throws leaves the rows as sent, and they are looked at.
    try {
      outcomes = await target.publish(rows, key)
    } catch (thrown) {
      return { restMs: await this.#failed(rows, thrown), goesOn: false }
    }
    const refusal = commonRefusal(outcomes)
    if (refusal && this.#stop.stops === 0) return { restMs: await this.#stopped(rows, refusal), goesOn: false }
    if (outcomes.some(({ kind }) => kind === "done")) await this.#wentThrough()
    const now = { nowMs: clock.now(), settleMs: target.settleMs, readsBack: target.readsBack }
    await this.#write(
      rows.map((row, n) => cameBack(row, outcomes[n] ?? notAnswered, now)),
      { outcomes, since: new Map(rows.map((row) => [keyOf(row), row.changedAt])) },
    )
    // The few that were tried are refused each, so that others are tried next: a channel may refuse these alone.
    const restMs = refusal ? await this.#stopped([], refusal) : 0
    return { restMs, goesOn: refusal === undefined }
  }

  /** A call that failed as a whole. */
  async #failed(rows: readonly PublishedRow<Value>[], thrown: unknown): Promise<number> {
    const { clock, target, log } = this.#parts
    const error = asAppError(thrown)
    if (error.kind === "uncertain") {
      const unknown = { state: "unknown", dueMs: clock.now() + target.settleMs, cause: error.message } as const
      await this.#write(rows.map((row) => again(row, unknown)))
      return 0
    }
    if (error.kind === "unavailable") {
      const restMs = error.retryAfterMs ?? 2000
      await this.#write(rows.map((row) => notSent(row, clock.now() + restMs)))
      return restMs
    }
    log.error(
      { err: thrown, channel: this.#channel.channel },
      `a channel refuses a whole call of ${kindOf(target).name}`,
    )
    return this.#stopped(rows, { code: error.code, vendorCode: error.code, message: error.message })
  }

  /**
   * The channel refused most for one cause: it is left alone for a while, and people are told once. The exception is told each time under
   * the id that was noted before, so it is there whenever the worker died, and counts once.
   */
  async #stopped(rows: readonly PublishedRow<Value>[], refusal: CommonRefusal): Promise<number> {
    const { clock, target, append } = this.#parts
    const { channel } = this.#channel
    const waitMs = stopMs(this.#stop.stops)
    const nowMs = clock.now()
    await this.#write(rows.map((row) => notSent(row, nowMs + waitMs)))
    const at = instant(nowMs)
    const exceptionId = this.#stop.caseId ?? derivedId("publish", channel, target.aspect, at)
    this.#stop = { stops: this.#stop.stops + 1, untilMs: nowMs + waitMs, caseId: exceptionId }
    await this.#rows.setStop(channel, this.#stop)
    await append(
      stopTold(channel, { aspect: target.aspect, exceptionId, connection: target.connection.id, refusal, at }),
    )
    return waitMs
  }

  async #wentThrough(): Promise<void> {
    const { clock, target, append } = this.#parts
    const { caseId } = this.#stop
    if (caseId === null) return
    await append(stopOver(this.#channel.channel, { aspect: target.aspect, caseId, at: instant(clock.now()) }))
    await this.#rows.setStop(this.#channel.channel, goesThrough)
    this.#stop = goesThrough
  }

  /**
   * Writes rows, tells what people must know of them, and counts how long changes took that are shown by now. Returns the keys of rows of
   * which a person decided something meanwhile.
   */
  async #write(
    rows: readonly PublishedRow<Value>[],
    { outcomes = [], since = new Map() }: Came<Value> = {},
  ): Promise<Set<string>> {
    const { clock, target, append } = this.#parts
    const at = instant(clock.now())
    const news = rows.map((row, n) => {
      const outcome = outcomes[n]
      const refusal =
        outcome?.kind === "rejected" ? { code: outcome.code, vendorCode: outcome.problems[0]?.code } : undefined
      return told(row, { connection: target.connection.id, at, refusal })
    })
    // First the cases: a row that says it has one must not be without. After a death in between the same id is told again.
    for (const event of news.flatMap(({ events }) => events)) await append(event)
    return this.#rows.write(
      news.map(({ row }, n) => ({ ...row, caseIsNews: row.caseId !== rows[n]?.caseId })),
      { now: at, ...shownNow(rows, since, clock.now()) },
    )
  }
}
