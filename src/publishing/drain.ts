import { asAppError } from "../base/errors.ts"
import { derivedId, randomId } from "../base/ids.ts"
import type { Log } from "../base/log.ts"
import type { Sql } from "../base/sql.ts"
import { instant, monotonicMs, type Clock } from "../base/time.ts"
import type { NewEvent } from "../canonical/events.ts"
import type { ItemOutcome } from "../ports/bulk-write.ts"
import { chooseBatch } from "./decide/choose.ts"
import { lookRank, needsLook } from "./decide/due.ts"
import { assessed, looked, sent } from "./decide/judge.ts"
import { again, cameBack, notSent, refused, type Taken } from "./decide/outcome.ts"
import type { PublishingChannel } from "./policies.ts"
import { kindOf } from "./decide/kinds.ts"
import { keyOf, type PublishedRow, type RowState } from "./decide/row.ts"
import { PublishedRows, type Stop } from "./rows.ts"
import { shownNow } from "./decide/shown.ts"
import { commonRefusal, stopMs, type CommonRefusal } from "./decide/stops.ts"
import { noSight, notAnswered, type Sight, type Target } from "./target.ts"
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
const auditEveryMaxMs = 60_000
const auditedAtOnceMax = 2000
const countEveryMs = 3_600_000
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

const noExplanation = { unseenMilli: 0, newMilli: 0, givenBackMilli: 0 }
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
  #auditedMs = monotonicMs()
  #count: number | undefined
  #countedMs = 0
  #stop: Stop = goesThrough

  constructor(channel: PublishingChannel, parts: DrainParts<Value>) {
    this.#parts = parts
    this.#channel = channel
    this.#rows = new PublishedRows(parts.sql, parts.target.aspect)
  }

  /** One round; undefined when another worker has the channel. */
  async round(): Promise<Round | undefined> {
    const { clock, target } = this.#parts
    const { channel } = this.#channel
    if (!(await this.#hasLease())) return undefined
    const stoppedMs = (this.#stop.untilMs ?? 0) - clock.now()
    if (stoppedMs > 0) return { sent: 0, rows: 0, oldestMs: 0, restMs: stoppedMs }
    const { isClosed } = target
    if (!isClosed) await this.#audit()
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
    return this.#send(await this.#judge(open, sight), { isClosed, before: open })
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

  /** Asks for a look at a part of all rows, so that each is read back in its time, whatever happens or does not. */
  async #audit(): Promise<void> {
    const { auditWithinMs, channel } = this.#channel
    const everyMs = Math.min(auditEveryMaxMs, auditWithinMs / 10)
    if (monotonicMs() - this.#auditedMs < everyMs) return
    this.#auditedMs = monotonicMs()
    // Counting millions of rows takes a second: once an hour is enough.
    if (this.#count === undefined || monotonicMs() - this.#countedMs > Math.min(countEveryMs, auditWithinMs)) {
      this.#count = await this.#rows.count(channel)
      this.#countedMs = monotonicMs()
    }
    const share = Math.ceil((this.#count * everyMs) / auditWithinMs)
    const most = Math.min(Math.max(1, share), auditedAtOnceMax)
    await this.#rows.audit(channel, { most, now: instant(this.#parts.clock.now()) })
  }

  /** Reads in the channel what is not known, some at a time. */
  async #look(rows: readonly PublishedRow<Value>[]): Promise<Sight<Value>> {
    const { clock, target } = this.#parts
    const nowMs = clock.now()
    const blind = rows.filter((row) => needsLook(row, nowMs))
    const sorted = blind.toSorted((a, b) => lookRank(a) - lookRank(b))
    const skus = [...new Set(sorted.map(({ item }) => item))].slice(0, target.skusOfLook)
    if (skus.length === 0) return noSight
    // What a channel's orders hold counts over all its places.
    return target.look(await this.#rows.ofSkus(this.#channel.channel, skus), nowMs)
  }

  /** The same rows with their values of now, and what the look said. */
  async #judge(rows: readonly PublishedRow<Value>[], sight: Sight<Value>): Promise<PublishedRow<Value>[]> {
    const { clock, target } = this.#parts
    const values = await target.values(rows, sight)
    const nowMs = clock.now()
    return rows.map((row) => {
      const value = values.get(keyOf(row))
      // It is not declared any more: people withdraw what stands there.
      if (!value) return { ...row, assessed: row.marks, dueAt: null }
      const next = assessed(row, value, nowMs)
      const answer = sight.answers.get(keyOf(row))
      if (next.desired === null || !answer) return next
      if (answer.kind === "done") {
        const explanation = sight.explanations.get(keyOf(row)) ?? noExplanation
        return looked(next, answer.seen, { explanation, rule: target.foreignRule(next), nowMs })
      }
      return answer.kind === "rejected" ? refused(next, answer, nowMs) : next
    })
  }

  async #send(rows: readonly PublishedRow<Value>[], { isClosed, before }: Judged<Value>): Promise<Round> {
    const { clock, target } = this.#parts
    const { isDryRun } = this.#channel
    const ready = rows.filter((row) => mayBeSent.has(row.state) && row.dueAt !== null && !row.needsLook)
    const most = this.#stop.stops > 0 ? triedAfterStop : target.itemsMax
    const batch = isClosed || isDryRun ? [] : chooseBatch(ready, most)
    const chosen = new Set(batch.map(keyOf))
    const key = randomId("publish")
    const nowMs = clock.now()
    const lostAtMs = nowMs + target.connection.timeoutMs + leaseMarginMs
    const underWay = batch.map((row) => sent(row, { key, nowMs, lostAtMs }))
    const others = rows.filter((row) => !chosen.has(keyOf(row)))
    // A dry run leaves what it would send as it is, until its stock changes again, or for a day.
    const later = { dueAt: instant(nowMs + dayMs) }
    const left = isDryRun ? others.map((row) => (ready.includes(row) ? { ...row, ...later } : row)) : others
    const since = new Map(before.map((row) => [keyOf(row), row.changedAt]))
    const decided = await this.#write([...underWay, ...left], target.readsBack ? { since } : {})
    const oldestMs = Math.max(
      0,
      ...rows.flatMap(({ changedAt }) => (changedAt === null ? [] : [nowMs - Date.parse(changedAt)])),
    )
    // What a person held or withdrew in this moment is not sent any more.
    const going = underWay.filter((row) => !decided.has(keyOf(row)))
    if (going.length === 0) return { sent: 0, rows: rows.length, oldestMs, restMs: 0 }
    const restMs = await this.#call(going, key)
    return { sent: going.length, rows: rows.length, oldestMs, restMs }
  }

  /** One call, and its outcomes written. Returns how long to rest after it. */
  async #call(rows: readonly PublishedRow<Value>[], key: string): Promise<number> {
    const { clock, target } = this.#parts
    let outcomes: readonly ItemOutcome<Taken<Value>>[]
    // Only the channel's failures: what our own storage throws leaves the rows as sent, and they are looked at.
    try {
      outcomes = await target.publish(rows, key)
    } catch (thrown) {
      return this.#failed(rows, thrown)
    }
    const refusal = commonRefusal(outcomes)
    if (refusal && this.#stop.stops === 0) return this.#stopped(rows, refusal)
    if (outcomes.some(({ kind }) => kind === "done")) await this.#wentThrough()
    const now = { nowMs: clock.now(), settleMs: target.settleMs, readsBack: target.readsBack }
    await this.#write(
      rows.map((row, n) => cameBack(row, outcomes[n] ?? notAnswered, now)),
      { outcomes, since: new Map(rows.map((row) => [keyOf(row), row.changedAt])) },
    )
    // The few that were tried are refused each, so that others are tried next: a channel may refuse these alone.
    return refusal ? this.#stopped([], refusal) : 0
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
