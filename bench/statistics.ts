/** A median over rounds with its interval from resampling the rounds. */
export interface Spread {
  median: number
  low: number
  high: number
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Linear interpolation between the two nearest ranks; NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)]
  const above = sorted[Math.ceil(place)]
  if (below === undefined || above === undefined) return Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

const resamples = 2000

/**
 * Median over rounds of ours ÷ floor, each round against its own floor, with the middle 95 % of the medians of
 * resampled rounds. Rounds are resampled whole, so noise that affects both sides of a round cancels, as in the median
 * itself.
 */
export function pairedRatio(ours: readonly number[], floors: readonly number[]): Spread {
  return medianWithInterval(ours.map((value, round) => value / (floors[round] ?? Number.NaN)))
}

/** Median over rounds, with the middle 95 % of the medians of resampled rounds. */
export function medianWithInterval(values: readonly number[]): Spread {
  const random = steadyRandom(20_26)
  const medians = Array.from({ length: resamples }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)] ?? Number.NaN)),
  )
  return { median: median(values), low: quantile(medians, 0.025), high: quantile(medians, 0.975) }
}

/** mulberry32: the same rounds always give the same interval. */
function steadyRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
