/** How the buffer grows with the age of the stock data. */
export interface FreshnessPolicy {
  /** Up to this age the declared buffer applies unchanged. */
  freshForMs: number
  /** From this age on nothing is promised. */
  staleAfterMs: number
  /** Percentage of the units on hand that is held back just before `staleAfterMs`; grows evenly from 0. */
  widestPercent: number
}

/** The promise of one SKU to a channel, and the figures it is computed from. Thousandths of the unit. */
export interface PromiseInput {
  onHandMilli: number
  reservedMilli: number
  safetyStockMilli: number
  bufferMilli: number
  backorderLimitMilli: number
  /** Age of the oldest source, or null when a source never reported. */
  freshnessAgeMs: number | null
}

/** Suits feeds that report within minutes; estates with nightly files declare their own. */
export const defaultFreshness: FreshnessPolicy = {
  freshForMs: 30 * 60_000,
  staleAfterMs: Number.POSITIVE_INFINITY,
  widestPercent: 0,
}

/** The buffer for stock data of this age; never smaller than the declared one. */
export function widenedBuffer(input: PromiseInput, policy: FreshnessPolicy): number {
  const age = input.freshnessAgeMs
  if (age === null || age <= policy.freshForMs || policy.widestPercent === 0) return input.bufferMilli
  const span = policy.staleAfterMs - policy.freshForMs
  const share = Number.isFinite(span) ? Math.min((age - policy.freshForMs) / span, 1) : 0
  const widening = Math.ceil((Math.max(input.onHandMilli, 0) * policy.widestPercent * share) / 100)
  return input.bufferMilli + widening
}

/** Units that may be promised now: never below zero, and zero once the source is stale. */
export function availableToPromise(input: PromiseInput, policy: FreshnessPolicy): number {
  if (input.freshnessAgeMs !== null && input.freshnessAgeMs >= policy.staleAfterMs) return 0
  const held = input.reservedMilli + input.safetyStockMilli + widenedBuffer(input, policy)
  return Math.max(input.onHandMilli + input.backorderLimitMilli - held, 0)
}
