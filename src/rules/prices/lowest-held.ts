import { epochMs, instant, type Instant } from "../../base/time.ts"
import type { Price, PriceQuestion } from "../../canonical/catalogue/price.ts"
import { validPrice, type PriceRecord } from "./valid-price.ts"

/** What a source said of one price record, and when: a price, or that there is none any more. */
export interface SaidPrice {
  source: string
  record: string
  layer: PriceRecord["layer"]
  at: Instant
  price?: Price
}

const dayMs = 86_400_000

/**
 * The lowest price that held in the days before a moment, the moment included, with tax and without it: in minor units of the question's
 * currency. A record that was said anew held as it was said until then, so that raising a price does not raise what it was. `said` is in the
 * order in which it was said. Empty when no price held.
 */
export function lowestHeld(
  said: readonly SaidPrice[],
  { days, atMs, ...question }: Omit<PriceQuestion, "at"> & { days: number; atMs: number },
): Partial<Record<Price["taxBasis"], number>> {
  const fromMs = atMs - days * dayMs
  const held = [...Map.groupBy(said, ({ source, record }) => JSON.stringify([source, record])).values()].flatMap(spans)
  const edges = held.flatMap(({ validity: { from, until } }) =>
    [from, until].flatMap((edge) => (edge === undefined ? [] : [epochMs(edge)])),
  )
  const moments = new Set([fromMs, atMs, ...edges.filter((edge) => edge > fromMs && edge < atMs)])
  const lowest: Partial<Record<Price["taxBasis"], number>> = {}
  for (const moment of moments) {
    const { price } = validPrice(held, { ...question, atMs: moment })
    if (!price) continue
    const { taxBasis, amount } = price
    lowest[taxBasis] = Math.min(lowest[taxBasis] ?? Infinity, amount.amountMinor)
  }
  return lowest
}

/** One record as it was said, time after time: each saying holds until the next. The first one holds since the beginning that it names. */
function spans(said: readonly SaidPrice[]): PriceRecord[] {
  return said.flatMap(({ price, at, source, record, layer }, n): PriceRecord[] => {
    if (!price) return []
    const { from, until } = price.validity
    const next = said[n + 1]?.at
    const since = n === 0 ? (from ?? at) : later(from, at)
    const ends = earlier(until, next)
    if (ends !== undefined && epochMs(ends) <= epochMs(since)) return []
    const validity = { from: since, ...(ends === undefined ? {} : { until: ends }) }
    return [{ ...price, validity, source, record, layer, at }]
  })
}

const later = (one: Instant | undefined, other: Instant) =>
  one === undefined ? other : instant(Math.max(epochMs(one), epochMs(other)))
const earlier = (one: Instant | undefined, other: Instant | undefined) =>
  one === undefined || other === undefined ? (one ?? other) : instant(Math.min(epochMs(one), epochMs(other)))
