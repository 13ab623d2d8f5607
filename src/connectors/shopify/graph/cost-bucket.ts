import type { Clock } from "../../../base/time.ts"
import type { Reader } from "../orders/reader.ts"

/**
 * The shop's query budget: the points left after its last response, and those refilled since.
 *
 * Every app has one bucket per shop: 100 points a second on the standard plan, up to 2,000 for enterprises. Each
 * response says what is left (https://shopify.dev/docs/api/usage/rate-limits, read 2026-11-20). Costs are learnt by
 * operation name.
 */
export class CostBucket {
  readonly #clock: Clock
  readonly #costs = new Map<string, number>()
  #available: number | undefined
  #maximum = Number.POSITIVE_INFINITY
  #restorePerSecond = 100
  #asOfMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes the points an operation usually needs and returns how long to wait for them; 0 when they are available. */
  reserve(name: string): number {
    const cost = this.#costs.get(name) ?? 0
    const waitMs = this.waitMs(cost)
    if (waitMs === 0 && this.#available !== undefined) this.#available -= cost
    return waitMs
  }

  /** Milliseconds until this many points are available. */
  waitMs(cost: number): number {
    this.#refill()
    if (this.#available === undefined || this.#available >= cost) return 0
    return Math.ceil(((Math.min(cost, this.#maximum) - this.#available) / this.#restorePerSecond) * 1000)
  }

  /** Reads `extensions.cost` of a response and returns the requested cost. */
  learn(name: string, body: Reader): number {
    const cost = body.optionalObject("extensions")?.optionalObject("cost")
    if (!cost) return 0
    const requested = numberOf(cost.raw("requestedQueryCost")) ?? 0
    this.#costs.set(name, requested)
    const status = cost.optionalObject("throttleStatus")
    const restore = numberOf(status?.raw("restoreRate"))
    const available = numberOf(status?.raw("currentlyAvailable"))
    if (restore === undefined || available === undefined || restore <= 0) return requested
    this.#restorePerSecond = restore
    this.#maximum = numberOf(status?.raw("maximumAvailable")) ?? this.#maximum
    this.#available = available
    this.#asOfMs = this.#clock.now()
    return requested
  }

  #refill(): void {
    if (this.#available === undefined) return
    const nowMs = this.#clock.now()
    const refilled = this.#available + ((nowMs - this.#asOfMs) / 1000) * this.#restorePerSecond
    this.#available = Math.min(refilled, this.#maximum)
    this.#asOfMs = nowMs
  }
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined
}
