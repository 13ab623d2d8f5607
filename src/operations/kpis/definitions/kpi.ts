import type { BusinessState } from "../business-states.ts"
import type { Counters, Dimension } from "../counters.ts"
import { countIn, withinOf } from "../spans.ts"

/** The value of a figure. */
export interface KpiValue {
  /** Absent where it is money. */
  value?: number
  /** One entry a currency; currencies are never added. */
  amounts?: { amountMinor: number; currency: string }[]
  /** Nine of ten were within that, of figures about times. */
  within90?: number
  /** How many it was made from. */
  n: number
}

/** A figure of the business, as it is declared. */
export interface Kpi {
  name: string
  /** In plain words, without words of our making. */
  means: string
  unit: "share" | "seconds" | "count" | "money" | "calls"
  better: "higher" | "lower" | "neither"
  by: readonly Dimension[]
  /** From which facts it is made. */
  source: string
  /** The counters it is made from. */
  counters: readonly string[]
  /** Undefined: not enough data. */
  of?: (counters: Counters) => KpiValue | undefined
  /** Of what is open now, whatever time was asked for. */
  now?: (states: readonly BusinessState[], nowMs: number) => KpiValue | undefined
}

export const places = ["channel", "store", "region"] as const
export const log = "the event log"

type Made = Pick<Kpi, "unit" | "by" | "source" | "counters" | "of">

/** One counter as a share of another. */
export function shareOf(part: string, whole: string, more: { by?: readonly Dimension[]; source?: string } = {}): Made {
  return {
    unit: "share",
    by: more.by ?? places,
    source: more.source ?? log,
    counters: [whole, part],
    of: (counters) => share(counters.sum(part), counters.sum(whole)),
  }
}

/** A share of an hour's orders, which become one of them later. */
export const shareOfOrders = (counter: string): Made => shareOf(counter, "orders placed")

export function share(part: number, whole: number): KpiValue | undefined {
  return whole > 0 ? { value: part / whole, n: whole } : undefined
}

/** Half of all were within the value. */
export function median(
  counter: string,
  more: { by?: readonly Dimension[]; source?: string } = {},
): Made & Pick<Kpi, "better"> {
  return {
    unit: "seconds",
    better: "lower",
    by: more.by ?? places,
    source: more.source ?? log,
    counters: [counter],
    of: (counters) => {
      const spans = counters.spans(counter)
      const [value, within90] = [withinOf(spans, 0.5), withinOf(spans, 0.9)]
      return value === undefined || within90 === undefined ? undefined : { value, within90, n: countIn(spans) }
    },
  }
}

export function total(counter: string): Made {
  return {
    unit: "count",
    by: places,
    source: log,
    counters: [counter],
    of: (counters) => ({ value: counters.sum(counter), n: counters.sum(counter) }),
  }
}

export function amounts(counters: Counters, minor: (currency: string) => number, names: readonly string[]): KpiValue {
  const currencies = [...new Set(names.flatMap((name) => [...counters.labels(name).keys()]))].sort()
  return { amounts: currencies.map((currency) => ({ currency, amountMinor: minor(currency) })), n: currencies.length }
}

export const moneyOf = (counters: Counters, name: string, currency: string) => counters.labels(name).get(currency) ?? 0
