import type { Clock } from "../../../base/time.ts"
import type { Reader } from "../orders/reader.ts"

/** An operation, and how many nodes its page may have; 0 where it has none. */
export interface Query {
  name: string
  first: number
}

const shareOfOthers = 0.2

/**
 * The shop's query budget: the points left after its last response, and those refilled since.
 *
 * Every app has one bucket per shop: 100 points a second on the standard plan, up to 2,000 for enterprises. Each
 * response says what is left (https://shopify.dev/docs/api/usage/rate-limits, read 2026-11-20). Costs are learnt by
 * operation name and size of page, because a query is charged at first for all that its page may hold.
 */
export class CostBucket {
  readonly #clock: Clock
  readonly #costs = new Map<string, Map<number, number>>()
  #available: number | undefined
  #maximum = Number.POSITIVE_INFINITY
  #restorePerSecond = 100
  #asOfMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes the points an operation usually needs and returns how long to wait for them; 0 when they are available. */
  reserve(query: Query): number {
    const cost = this.costOf(query)
    const waitMs = this.waitMs(cost)
    if (waitMs === 0 && this.#available !== undefined) this.#available -= cost
    return waitMs
  }

  /** Points that an operation is charged at first: as the last time, or in proportion to the largest page that is known. 0 when none is. */
  costOf({ name, first }: Query): number {
    const known = this.#costs.get(name)
    const exact = known?.get(first)
    if (exact !== undefined || !known) return exact ?? 0
    const largest = Math.max(...known.keys())
    return Math.ceil(((known.get(largest) ?? 0) * Math.max(first, 1)) / Math.max(largest, 1))
  }

  /** Points that background work leaves in the bucket. */
  get leftToOthers(): number {
    return Number.isFinite(this.#maximum) ? this.#maximum * shareOfOthers : 0
  }

  /** Milliseconds until this many points are available. */
  waitMs(cost: number): number {
    this.#refill()
    if (this.#available === undefined || this.#available >= cost) return 0
    return Math.ceil(((Math.min(cost, this.#maximum) - this.#available) / this.#restorePerSecond) * 1000)
  }

  /** Reads `extensions.cost` of a response and returns the requested cost. */
  learn({ name, first }: Query, body: Reader): number {
    const cost = body.optionalObject("extensions")?.optionalObject("cost")
    if (!cost) return 0
    const requested = numberOf(cost.raw("requestedQueryCost")) ?? 0
    this.#costs.set(name, (this.#costs.get(name) ?? new Map<number, number>()).set(first, requested))
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
