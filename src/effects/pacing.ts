import { monotonicMs } from "../base/time.ts"
import { shareOfRate, type OperationRate, type RateModel } from "../ports/connector.ts"

/** What kind of work a call belongs to; each lane has its own share of a connection, so none starves another (I-8). */
export type Lane = "orders" | "finance" | "stock" | "service"

// Shares of a connection's slots a lane may hold at once. Together more than one: an idle lane's slots are used by others.
const laneShare: Record<Lane, number> = { orders: 0.8, finance: 0.5, stock: 0.5, service: 0.3 }

interface Waiter {
  lane: Lane
  operation: string
  admit: () => void
}

const lanes = ["orders", "finance", "stock", "service"] as const satisfies Lane[]

/** Tokens that refill at a vendor's rate; without a rate there are always enough. */
class Bucket {
  readonly #perSecond: number | undefined
  readonly #size: number
  #tokens: number
  #filledAt = monotonicMs()

  /** `before`: the bucket it replaces, whose tokens it takes over. */
  constructor({ perSecond, burst }: Pick<RateModel, "perSecond" | "burst">, before?: Bucket) {
    this.#perSecond = perSecond
    // At least one whole call, or a vendor that allows a call every few seconds would never be called.
    this.#size = Math.max(1, burst ?? perSecond ?? 1)
    this.#tokens = before ? Math.min(this.#size, before.#tokens) : this.#size
    if (before) this.#filledAt = before.#filledAt
  }

  /** Milliseconds until so many tokens are there; more than the bucket holds counts as all it holds. */
  waitMs(cost: number): number {
    if (this.#perSecond === undefined) return 0
    this.#refill(this.#perSecond)
    const missing = Math.min(cost, this.#size) - this.#tokens
    return missing <= 0 ? 0 : (missing / this.#perSecond) * 1000
  }

  take(cost: number): void {
    if (this.#perSecond !== undefined) this.#tokens -= Math.min(cost, this.#size)
  }

  #refill(perSecond: number): void {
    const now = monotonicMs()
    this.#tokens = Math.min(this.#size, this.#tokens + ((now - this.#filledAt) / 1000) * perSecond)
    this.#filledAt = now
  }
}

/**
 * Decides when the next call on a connection may go: slots, token buckets after the vendor's rates for the connection and for
 * single operations, and the pause a vendor asked for by Retry-After.
 *
 * Waiters of one lane go in order of arrival; one whose operation has no token left lets those behind it pass. Lanes that wait take
 * turns by their shares, so that a flood in one delays no other, whether slots or tokens are scarce.
 */
export class Pacing {
  readonly #rate: RateModel
  #share: RateModel
  #processes = 1
  readonly #waiting: Record<Lane, Waiter[]> = { orders: [], finance: [], stock: [], service: [] }
  /** Calls admitted per lane divided by its share. The lane with the lowest value goes next. */
  readonly #turns: Record<Lane, number> = { orders: 0, finance: 0, stock: 0, service: 0 }
  readonly #busyByLane: Record<Lane, number> = { orders: 0, finance: 0, stock: 0, service: 0 }
  #turnNow = 0
  #busy = 0
  #bucket: Bucket
  #operationBuckets = new Map<string, Bucket>()
  #blockedUntil = 0
  #timer: NodeJS.Timeout | undefined
  #timerDueAt = 0

  constructor(rate: RateModel) {
    this.#rate = rate
    this.#share = rate
    this.#bucket = new Bucket(rate)
  }

  /** Uses the share of one process among so many. Tokens that were used stay used: a change of the share is no new burst. */
  shareAmong(processes: number): void {
    if (processes === this.#processes) return
    this.#processes = processes
    this.#share = shareOfRate(this.#rate, processes)
    this.#bucket = new Bucket(this.#share, this.#bucket)
    const before = this.#operationBuckets
    this.#operationBuckets = new Map()
    for (const [operation, bucket] of before) this.#bucketOf(operation, bucket)
    this.#admit()
  }

  /** Milliseconds until the vendor's own pause ends; 0 when there is none. */
  get blockedForMs(): number {
    return Math.max(0, this.#blockedUntil - monotonicMs())
  }

  get busyCount(): number {
    return this.#busy
  }

  get freeCount(): number {
    return Math.max(0, this.#share.concurrencyMax - this.#busy)
  }

  get waitingCount(): number {
    return lanes.reduce((sum, lane) => sum + this.#waiting[lane].length, 0)
  }

  /** Holds all calls for a while, because the vendor said so. */
  blockFor(ms: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, monotonicMs() + ms)
    this.#schedule(0)
  }

  /** Ends the pause that the vendor asked for. */
  unblock(): void {
    this.#blockedUntil = 0
    this.#admit()
  }

  /** Waits for a slot; returns the way to give it back, or undefined when none came free in time. */
  enter(lane: Lane, waitMaxMs: number, operation = ""): Promise<(() => void) | undefined> {
    return new Promise((resolve) => {
      let isSettled = false
      const timer = setTimeout(() => {
        isSettled = true
        const place = this.#waiting[lane].indexOf(waiter)
        if (place >= 0) this.#waiting[lane].splice(place, 1)
        resolve(undefined)
      }, waitMaxMs)
      const waiter: Waiter = {
        lane,
        operation,
        admit: () => {
          clearTimeout(timer)
          if (isSettled) return
          isSettled = true
          resolve(() => this.#leave(lane))
        },
      }
      // A lane that comes back from idleness has no claim on what it did not use.
      if (this.#waiting[lane].length === 0) this.#turns[lane] = Math.max(this.#turns[lane], this.#turnNow)
      this.#waiting[lane].push(waiter)
      this.#admit()
    })
  }

  #leave(lane: Lane): void {
    this.#busy -= 1
    this.#busyByLane[lane] -= 1
    this.#admit()
  }

  #admit(): void {
    for (;;) {
      if (this.#busy >= this.#share.concurrencyMax || this.blockedForMs > 0) return this.#schedule(0)
      const { waiter, waitMs } = this.#next()
      if (!waiter) return this.#schedule(waitMs)
      const { lane } = waiter
      this.#waiting[lane].splice(this.#waiting[lane].indexOf(waiter), 1)
      this.#turnNow = this.#turns[lane]
      this.#turns[lane] += 1 / laneShare[lane]
      this.#busy += 1
      this.#busyByLane[lane] += 1
      this.#bucket.take(this.#costOf(waiter.operation))
      this.#bucketOf(waiter.operation)?.take(1)
      waiter.admit()
    }
  }

  /**
   * Of the lanes that wait and have a slot of their own left, the first waiter that has its tokens, from the lane whose turn it is.
   * Without one: how long until some waiter has its tokens.
   */
  #next(): { waiter?: Waiter; waitMs: number } {
    const ready = lanes.filter((lane) => this.#waiting[lane].length > 0 && !this.#laneIsFull(lane))
    let waitMs = Number.POSITIVE_INFINITY
    for (const lane of ready.toSorted((a, b) => this.#turns[a] - this.#turns[b])) {
      const seen = new Set<string>()
      for (const waiter of this.#waiting[lane]) {
        if (seen.has(waiter.operation)) continue
        seen.add(waiter.operation)
        const ownMs = this.#bucketOf(waiter.operation)?.waitMs(1) ?? 0
        const allMs = this.#bucket.waitMs(this.#costOf(waiter.operation))
        if (ownMs === 0 && allMs === 0) return { waiter, waitMs: 0 }
        waitMs = Math.min(waitMs, Math.max(ownMs, allMs))
        // The connection's own tokens are short: the first of the lane whose turn it is gets the next, nobody passes it.
        if (ownMs === 0) return { waitMs }
      }
    }
    return { waitMs }
  }

  #rateOf(operation: string): OperationRate | undefined {
    const operations = this.#share.operations ?? {}
    return Object.hasOwn(operations, operation) ? operations[operation] : undefined
  }

  #costOf(operation: string): number {
    return this.#rateOf(operation)?.cost ?? 1
  }

  #bucketOf(operation: string, before?: Bucket): Bucket | undefined {
    const rate = this.#rateOf(operation)
    if (rate?.perSecond === undefined) return undefined
    const bucket = this.#operationBuckets.get(operation) ?? new Bucket(rate, before)
    this.#operationBuckets.set(operation, bucket)
    return bucket
  }

  #laneIsFull(lane: Lane): boolean {
    return this.#busyByLane[lane] >= Math.max(1, Math.floor(this.#share.concurrencyMax * laneShare[lane]))
  }

  /** Looks again when the next token is due; an earlier time replaces a later one that is set already. */
  #schedule(waitMs: number): void {
    if (this.waitingCount === 0) return
    const untilTokenMs = Number.isFinite(waitMs) ? Math.min(waitMs, 1000) : 50
    const delayMs = Math.max(5, this.blockedForMs, untilTokenMs)
    const dueAt = monotonicMs() + delayMs
    if (this.#timer && this.#timerDueAt <= dueAt) return
    clearTimeout(this.#timer)
    this.#timerDueAt = dueAt
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#admit()
    }, delayMs)
    this.#timer.unref()
  }
}
