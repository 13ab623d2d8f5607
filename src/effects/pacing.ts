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

/**
 * Decides when the next call on a connection may go: slots, a token bucket after the vendor's rate model, and the pause a
 * vendor asked for by Retry-After. Waiters of one lane go in order of arrival.
 */
export class Pacing {
  readonly #options: PacingOptions
  readonly #waiting: Waiter[] = []
  readonly #busyByLane: Record<Lane, number> = { orders: 0, finance: 0, stock: 0, service: 0 }
  #busy = 0
  #tokens: number
  #filledAt = monotonicMs()
  #blockedUntil = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: PacingOptions) {
    this.#options = options
    this.#tokens = options.burst ?? options.perSecond ?? 0
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
    return this.#waiting.length
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
        const place = this.#waiting.indexOf(waiter)
        if (place >= 0) this.#waiting.splice(place, 1)
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
      this.#waiting.push(waiter)
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
    for (let place = 0; place < this.#waiting.length;) {
      if (!this.#mayGo()) return this.#schedule()
      const waiter = this.#waiting[place]
      if (!waiter || this.#laneIsFull(waiter.lane)) {
        place += 1
        continue
      }
      this.#waiting.splice(place, 1)
      this.#busy += 1
      this.#busyByLane[waiter.lane] += 1
      if (this.#options.perSecond !== undefined) this.#tokens -= 1
      waiter.admit()
    }
  }

  #mayGo(): boolean {
    if (this.#busy >= this.#options.concurrencyMax || this.blockedForMs > 0) return false
    return this.#options.perSecond === undefined || this.#tokens >= 1
  }

  #laneIsFull(lane: Lane): boolean {
    return this.#busyByLane[lane] >= Math.max(1, Math.floor(this.#options.concurrencyMax * laneShare[lane]))
  }

  #refill(): void {
    const { perSecond, burst } = this.#options
    if (perSecond === undefined) return
    const now = monotonicMs()
    this.#tokens = Math.min(burst ?? perSecond, this.#tokens + ((now - this.#filledAt) / 1000) * perSecond)
    this.#filledAt = now
  }

  #schedule(): void {
    if (this.#timer || this.#waiting.length === 0) return
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
