/** Demand over a time: its mean in units, and its variance as a multiple of the mean; 1 is Poisson. */
export interface Demand {
  mean: number
  dispersion: number
}

const exactUpTo = 1000

/**
 * The smallest number of units that demand stays within with probability `level`: of a Poisson distribution, or of a negative binomial
 * one where demand comes in bursts. Never falls as the mean grows.
 */
export function demandQuantile({ mean, dispersion }: Demand, level: number): number {
  if (mean <= 0 || level <= 0) return 0
  if (mean > exactUpTo) return nearlyNormal({ mean, dispersion: Math.max(dispersion, 1) }, level)
  let within = 0
  let count = -1
  for (const share of shares({ mean, dispersion })) {
    within += share
    count += 1
    // The sum of all shares is a little less than 1, and beyond this nothing is left to add.
    if (within >= level || (share < 1e-15 && count > mean)) break
  }
  return count
}

/** The probability that demand is at most `units`. */
export function demandWithin(demand: Demand, units: number): number {
  if (units < 0) return 0
  if (demand.mean <= 0) return 1
  let within = 0
  let count = 0
  for (const share of shares(demand)) {
    within += share
    count += 1
    if (count > units) break
  }
  return within
}

/** The mean at which the quantile leaves `units`, by halving. */
export function meanBeyond(units: number, { dispersion, level }: { dispersion: number; level: number }): number {
  let low = 0
  let high = units + 1 + 10 * Math.sqrt((units + 1) * Math.max(dispersion, 1))
  for (let step = 0; step < 60 && high - low > 1e-9 * high; step += 1) {
    const mean = (low + high) / 2
    if (demandQuantile({ mean, dispersion }, level) > units) high = mean
    else low = mean
  }
  return high
}

/** Probabilities of 0, 1, 2 … units. In logarithms, because e to the minus mean is 0 in floating point from 745 on. */
function* shares({ mean, dispersion }: Demand): Generator<number> {
  if (dispersion <= 1.000001) {
    let log = -mean
    for (let count = 1; ; count += 1) {
      yield Math.exp(log)
      log += Math.log(mean / count)
    }
  }
  // Negative binomial with this mean and variance `dispersion × mean`.
  const size = mean / (dispersion - 1)
  const more = Math.log(1 - 1 / dispersion)
  let log = -size * Math.log(dispersion)
  for (let count = 1; ; count += 1) {
    yield Math.exp(log)
    log += Math.log((size + count - 1) / count) + more
  }
}

/** Large means are nearly normal; the second term is the skewness of the negative binomial (Cornish and Fisher). */
function nearlyNormal({ mean, dispersion }: Demand, level: number): number {
  const z = normalQuantile(level)
  return Math.ceil(mean + z * Math.sqrt(mean * dispersion) + ((z * z - 1) / 6) * (2 * dispersion - 1))
}

/** Of the standard normal distribution; Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.23, error below 4.5e-4. */
function normalQuantile(level: number): number {
  const tail = Math.min(level, 1 - level)
  const t = Math.sqrt(-2 * Math.log(Math.max(tail, 1e-12)))
  const z =
    t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t)
  return level < 0.5 ? -z : z
}
