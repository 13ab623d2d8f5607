import { demandQuantile, meanBeyond, type Demand } from "./demand/quantile.ts"
import { busyHours, busyUntil, type WeekProfile } from "./demand/profile.ts"

/** What a channel may promise while the stock's sources are silent. */
export interface PromiseRule {
  /** What one unit costs that was sold and is not there, and what is earned by one that is. Minor units of `currency`. */
  oversellCostMinor: number
  marginMinor: number
  currency: string
  /** From this age on a source counts as silent. Absent: never. */
  silentAfterMs?: number
  /** Percent of what a silent source last had that may still be promised, less the buffer; 100 leaves it to the buffer. */
  whileSilentPercent: number
}

/** Costs of the studies that the rule comes from (docs/decisions/stock-buffer.md): an oversold unit costs two and a half margins. */
export const defaultRule: PromiseRule = {
  oversellCostMinor: 3000,
  marginMinor: 1200,
  currency: "EUR",
  whileSilentPercent: 100,
}

/** A place whose own system sells what we do not see at once. */
export interface DemandSource {
  locationId: string
  /** Up to when its sales are known. */
  heardMs: number
  unitsPerHour: number
  /** Variance of the sales of an hour over their mean, 1 or more. */
  dispersion: number
  profile?: WeekProfile
}

/** The promise of one SKU to a channel, and what it is computed from. Quantities in thousandths of the unit. */
export interface PromiseInput {
  onHandMilli: number
  reservedMilli: number
  safetyStockMilli: number
  /** Declared for channel, place or SKU; the least that is held back. */
  declaredBufferMilli: number
  backorderLimitMilli: number
  sources: readonly DemandSource[]
  /** What is free at places that are silent. */
  silentMilli: number
}

/** What may be promised, and why not more. */
export interface StockPromise {
  availableToPromiseMilli: number
  /** Held back: the demand that sources may have seen since they were heard, or the declared buffer if that is more. */
  bufferMilli: number
  /** What sources probably sold since they were heard. */
  expectedMilli: number
  /** Withheld because a source is silent. */
  withheldMilli: number
}

/** The part of demand that the buffer covers: units oversold cost more than units not sold. */
export function serviceLevel({ oversellCostMinor, marginMinor }: PromiseRule): number {
  const sum = oversellCostMinor + marginMinor
  return sum === 0 ? 0 : oversellCostMinor / sum
}

/** Units that may be promised now. Never below zero; for one input it never rises with time. */
export function promiseOf(input: PromiseInput, rule: PromiseRule, nowMs: number): StockPromise {
  const demand = unseenDemand(input.sources, nowMs)
  const units = demandQuantile(demand, serviceLevel(rule))
  const bufferMilli = Math.max(input.declaredBufferMilli, units * 1000)
  const withheldMilli = Math.ceil((Math.max(input.silentMilli, 0) * (100 - rule.whileSilentPercent)) / 100)
  const held = input.reservedMilli + input.safetyStockMilli + bufferMilli + withheldMilli
  return {
    availableToPromiseMilli: Math.max(input.onHandMilli + input.backorderLimitMilli - held, 0),
    bufferMilli,
    expectedMilli: Math.round(demand.mean * 1000),
    withheldMilli,
  }
}

/** Demand that the sources may have seen and have not told yet, all together. */
function unseenDemand(sources: readonly DemandSource[], nowMs: number): Demand {
  let mean = 0
  // The worst of them: a mixture that grows steadier with time would let the buffer shrink while nothing is heard.
  let dispersion = 1
  for (const source of sources) {
    mean += source.unitsPerHour * busyHours(source.heardMs, nowMs, source.profile)
    if (source.unitsPerHour > 0) dispersion = Math.max(dispersion, source.dispersion)
  }
  return { mean, dispersion }
}

/**
 * When the promise changes next if nothing happens: the moment the buffer grows by a unit. Undefined when it does not within five
 * weeks, or nothing is promised any more. Nobody has to look at positions in between.
 */
export function nextPromiseChange(input: PromiseInput, rule: PromiseRule, nowMs: number): number | undefined {
  const now = promiseOf(input, rule, nowMs)
  const { dispersion } = unseenDemand(input.sources, nowMs)
  const sources = input.sources.filter(({ unitsPerHour }) => unitsPerHour > 0)
  if (now.availableToPromiseMilli === 0 || sources.length === 0) return undefined
  // A declared buffer covers as much demand before anything changes.
  const mean = meanBeyond(Math.floor(now.bufferMilli / 1000), { dispersion, level: serviceLevel(rule) })
  const isThere = (atMs: number) => unseenDemand(sources, atMs).mean >= mean
  const [only] = sources
  if (sources.length === 1 && only)
    return laterThan(nowMs, busyUntil(only.heardMs, mean / only.unitsPerHour, only.profile))
  let low = nowMs
  let high = nowMs + 60_000
  while (!isThere(high)) {
    if (high - nowMs > longestMs) return undefined
    low = high
    high = nowMs + (high - nowMs) * 2
  }
  while (high - low > 1000) {
    const middle = (low + high) / 2
    if (isThere(middle)) high = middle
    else low = middle
  }
  return Math.ceil(high)
}

const longestMs = 35 * 24 * 3_600_000

function laterThan(nowMs: number, atMs: number | undefined): number | undefined {
  return atMs === undefined ? undefined : Math.max(Math.ceil(atMs), nowMs + 1)
}
