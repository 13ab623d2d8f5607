/** ln(k!) for whole k, exact enough for tails of ten thousand: a sum up to 256, Stirling's series beyond. */
function lnFactorial(k: number): number {
  if (k < 2) return 0
  if (k <= 256) {
    let sum = 0
    for (let i = 2; i <= k; i += 1) sum += Math.log(i)
    return sum
  }
  return (k + 0.5) * Math.log(k) - k + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * k) - 1 / (360 * k ** 3)
}

/** P(X ≥ bad) of n independent outcomes that each fail with probability p: how likely so many failures are by chance alone. */
export function binomialTail(bad: number, n: number, p: number): number {
  if (bad <= 0) return 1
  if (bad > n || p <= 0) return 0
  if (p >= 1) return 1
  const lnP = Math.log(p)
  const lnQ = Math.log1p(-p)
  let tail = 0
  for (let k = bad; k <= n; k += 1) {
    const term = Math.exp(lnFactorial(n) - lnFactorial(k) - lnFactorial(n - k) + k * lnP + (n - k) * lnQ)
    tail += term
    // Beyond the mean the terms only fall.
    if (k > n * p && term < tail * 1e-12) break
  }
  return Math.min(1, tail)
}

/** P(X ≤ x) of a count with mean λ: how likely so few are by chance alone. */
export function poissonAtMost(x: number, mean: number): number {
  if (mean <= 0) return 1
  let sum = 0
  for (let k = 0; k <= x; k += 1) sum += Math.exp(k * Math.log(mean) - mean - lnFactorial(k))
  return Math.min(1, sum)
}

/** How many of n must fail before chance alone is less likely than `below`; undefined when even n of n would not be. */
export function badNeeded(n: number, p: number, below: number): number | undefined {
  for (let bad = 1; bad <= n; bad += 1) if (binomialTail(bad, n, p) < below) return bad
  return undefined
}

/** How many times faster than agreed the budget of failures is used up. */
export function burnOf({ bad, n, target }: { bad: number; n: number; target: number }): number {
  return n === 0 ? 0 : bad / n / (1 - target)
}

/** The value that a share of a list is not above; undefined for an empty list. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))]
}
