/** How a buffer widens as what we know grows old. */
export interface FreshnessPolicy {
  /** Up to this age the buffer is used as it is. */
  freshForMs: number
  /** From this age on nothing is promised. */
  staleAfterMs: number
  /** Part of the units on hand that is held back just before `staleAfterMs`, in percent; grows evenly from 0. */
  widestPercent: number
}

/** What a channel may promise of one SKU, and everything it was worked out from. Thousandths of the unit. */
export interface PromiseInput {
  onHandMilli: number
  reservedMilli: number
  safetyStockMilli: number
  bufferMilli: number
  backorderLimitMilli: number
  /** Age of the oldest source, or null when a source was never heard. */
  freshnessAgeMs: number | null
}

/** Ages are those of feeds that are pushed within minutes; estates with nightly files declare their own. */
export const defaultFreshness: FreshnessPolicy = {
  freshForMs: 30 * 60_000,
  staleAfterMs: Number.POSITIVE_INFINITY,
  widestPercent: 0,
}

/** The buffer for stock that was last heard of so long ago; never narrower than the declared one. */
export function widenedBuffer(input: PromiseInput, policy: FreshnessPolicy): number {
  const age = input.freshnessAgeMs
  if (age === null || age <= policy.freshForMs || policy.widestPercent === 0) return input.bufferMilli
  const span = policy.staleAfterMs - policy.freshForMs
  const share = Number.isFinite(span) ? Math.min((age - policy.freshForMs) / span, 1) : 0
  const widening = Math.ceil((Math.max(input.onHandMilli, 0) * policy.widestPercent * share) / 100)
  return input.bufferMilli + widening
}

/** Units that may be promised now; never below zero, and nothing at all once the source is stale. */
export function availableToPromise(input: PromiseInput, policy: FreshnessPolicy): number {
  if (input.freshnessAgeMs !== null && input.freshnessAgeMs >= policy.staleAfterMs) return 0
  const held = input.reservedMilli + input.safetyStockMilli + widenedBuffer(input, policy)
  return Math.max(input.onHandMilli + input.backorderLimitMilli - held, 0)
}
