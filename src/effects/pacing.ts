import { monotonicMs } from "../base/time.ts"

/** What kind of work a call belongs to; each lane has its own share of a connection, so none starves another (I-8). */
export type Lane = "orders" | "finance" | "stock" | "service"

// Shares of a connection's slots a lane may hold at once. Together more than one: an idle lane's slots are used by others.
const laneShare: Record<Lane, number> = { orders: 0.8, finance: 0.5, stock: 0.5, service: 0.3 }

interface PacingOptions {
  concurrencyMax: number
  /** Tokens a second; undefined when the vendor names no rate. */
  perSecond?: number
  burst?: number
}

interface Waiter {
  lane: Lane
  admit: () => void
}

const lanes = ["orders", "finance", "stock", "service"] as const satisfies Lane[]

/**
 * Decides when the next call on a connection may go: slots, a token bucket after the vendor's rate model, and the pause a
 * vendor asked for by Retry-After. Waiters of one lane go in order of arrival; lanes that wait take turns by their shares, so
 * that a flood in one delays no other, whether slots or tokens are scarce.
 */
export class Pacing {
  readonly #options: PacingOptions
  readonly #waiting: Record<Lane, Waiter[]> = { orders: [], finance: [], stock: [], service: [] }
  /** How much each lane has had, over its share; the one that had least goes next. */
  readonly #turns: Record<Lane, number> = { orders: 0, finance: 0, stock: 0, service: 0 }
  readonly #busyByLane: Record<Lane, number> = { orders: 0, finance: 0, stock: 0, service: 0 }
  #turnNow = 0
  #busy = 0
  #tokens: number
  #filledAt = monotonicMs()
  #blockedUntil = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: PacingOptions) {
    this.#options = options
    this.#tokens = burstOf(options)
  }

  /** Milliseconds until the vendor's own pause ends; 0 when there is none. */
  get blockedForMs(): number {
    return Math.max(0, this.#blockedUntil - monotonicMs())
  }

  get busyCount(): number {
    return this.#busy
  }

  get freeCount(): number {
    return Math.max(0, this.#options.concurrencyMax - this.#busy)
  }

  get waitingCount(): number {
    return lanes.reduce((sum, lane) => sum + this.#waiting[lane].length, 0)
  }

  /** Holds all calls for a while, because the vendor said so. */
  blockFor(ms: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, monotonicMs() + ms)
    this.#schedule()
  }

  /** Waits for a slot; answers the way to give it back, or undefined when none came free in time. */
  enter(lane: Lane, waitMaxMs: number): Promise<(() => void) | undefined> {
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
    this.#refill()
    for (;;) {
      const lane = this.#nextLane()
      if (!lane) return
      if (!this.#mayGo()) return this.#schedule()
      const waiter = this.#waiting[lane].shift()
      this.#turnNow = this.#turns[lane]
      this.#turns[lane] += 1 / laneShare[lane]
      this.#busy += 1
      this.#busyByLane[lane] += 1
      if (this.#options.perSecond !== undefined) this.#tokens -= 1
      waiter?.admit()
    }
  }

  /** Of the lanes that wait and have a slot of their own left, the one whose turn it is. */
  #nextLane(): Lane | undefined {
    const ready = lanes.filter((lane) => this.#waiting[lane].length > 0 && !this.#laneIsFull(lane))
    return ready.toSorted((a, b) => this.#turns[a] - this.#turns[b])[0]
  }

  #mayGo(): boolean {
    if (this.#busy >= this.#options.concurrencyMax || this.blockedForMs > 0) return false
    return this.#options.perSecond === undefined || this.#tokens >= 1
  }

  #laneIsFull(lane: Lane): boolean {
    return this.#busyByLane[lane] >= Math.max(1, Math.floor(this.#options.concurrencyMax * laneShare[lane]))
  }

  #refill(): void {
    const { perSecond } = this.#options
    if (perSecond === undefined) return
    const now = monotonicMs()
    this.#tokens = Math.min(burstOf(this.#options), this.#tokens + ((now - this.#filledAt) / 1000) * perSecond)
    this.#filledAt = now
  }

  #schedule(): void {
    if (this.#timer || this.waitingCount === 0) return
    const perToken = this.#options.perSecond ? 1000 / this.#options.perSecond : 50
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#admit()
      },
      Math.max(5, this.blockedForMs, Math.min(perToken, 1000)),
    )
    this.#timer.unref()
  }
}

/** Whole calls that may go at once; at least one, or a vendor that allows a call every few seconds would never be called. */
function burstOf({ burst, perSecond }: PacingOptions): number {
  return Math.max(1, burst ?? perSecond ?? 1)
}
