import type { Flow } from "./evidence.ts"

/** Fewer earlier weeks than these say nothing. */
const weeksMin = 4
/** A flow so small comes to nothing by chance once in a thousand times: nothing can be said of it. */
const expectedMin = 7
/** How unlikely a count has to be before it is called low. */
const lowBelow = 0.001

/** A flow beside what is usual. */
export interface Compared {
  now: number
  expected: number
  /** What is usual lies between these. */
  low: number
  high: number
  /** "not enough data": too few weeks, or too few orders. */
  is: "low" | "as usual" | "high" | "not enough data"
  /** How many are missing; 0 unless it is low. */
  missing: number
}

/**
 * Compares a count with the same hours of earlier weeks. What is expected is their median, so that one odd week (a sale, an outage) does
 * not count. A count is low when chance would give so few less than once in a thousand times, and when it is also outside of how much
 * earlier weeks differed among each other.
 */
export function compareFlow({ now, earlier }: Flow): Compared {
  const expected = median(earlier)
  const spread = Math.max(Math.sqrt(expected), 1.4826 * median(earlier.map((count) => Math.abs(count - expected))))
  const band = { now, expected, low: Math.max(0, expected - 3 * spread), high: expected + 3 * spread }
  if (earlier.length < weeksMin || expected < expectedMin) return { ...band, is: "not enough data", missing: 0 }
  if (now < band.low && atMost(now, expected) < lowBelow) return { ...band, is: "low", missing: expected - now }
  return { ...band, is: now > band.high ? "high" : "as usual", missing: 0 }
}

/** The probability of at most so many where so many are expected (Poisson). */
export function atMost(count: number, expected: number): number {
  // A Poisson distribution with a large mean is normal, and its terms would be too small to add.
  if (expected > 500) return normalBelow((count + 0.5 - expected) / Math.sqrt(expected))
  let term = Math.exp(-expected)
  let sum = term
  for (let n = 1; n <= count; n += 1) {
    term *= expected / n
    sum += term
  }
  return Math.min(1, sum)
}

/** The normal distribution after Abramowitz and Stegun 26.2.17; exact to seven places. */
function normalBelow(z: number): number {
  const t = 1 / (1 + 0.231_641_9 * Math.abs(z))
  const [b1, b2, b3, b4, b5] = [0.319_381_53, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429]
  const tail = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * t * (b1 + t * (b2 + t * (b3 + t * (b4 + t * b5))))
  return z < 0 ? tail : 1 - tail
}

/** The middle one; of an even number, the mean of both in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [upper = 0, lower = upper] = [sorted[Math.floor(sorted.length / 2)], sorted[Math.ceil(sorted.length / 2) - 1]]
  return (upper + lower) / 2
}
