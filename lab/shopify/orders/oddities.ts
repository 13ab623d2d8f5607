import type { CatalogueItem } from "../../estate/catalogue.ts"
import type { TaxRate } from "./pricing.ts"
import { divideRounded } from "./money.ts"

/** Unusual properties of orders; a real shop has each of them every day. */
export const oddities = [
  "exclusive-tax",
  "several-rates",
  "line-discount",
  "order-discount",
  "fixed-discount",
  "shipping-discount",
  "tip",
  "duties",
  "cash-rounding",
  "gift-card-tender",
  "gift-card-product",
  "split-tender",
  "kit-group",
  "kit-properties",
  "pickup",
  "mixed-delivery",
  "same-sku-twice",
  "jpy",
  "kwd",
  "po-number",
  "note",
  "no-phone",
  "foreign-address",
  "large-quantity",
  "free-item",
] as const

/**
 * Sales that are no order of the web shop, and gift cards beside the usual one. No order is one of them by chance, because other
 * ends are right for them: whoever wants one names it.
 */
export const sales = [
  "till",
  "draft",
  "test-order",
  "terms",
  "cash-on-delivery",
  "paper-gift-card",
  "gift-card-fulfilled-by-shop",
] as const
export type Oddity = (typeof oddities | typeof sales)[number]

/** Oddities that decide where the buyer is and what he pays in: at most one of them an order. */
export const placeOddities: readonly Oddity[] = [
  "exclusive-tax",
  "several-rates",
  "duties",
  "jpy",
  "kwd",
  "foreign-address",
]

export type Market = {
  presentment: string
  taxesIncluded: boolean
  shipTo: { countryCode: string; city: string; zip: string; provinceCode: string | null } | undefined
  rates(item: Pick<CatalogueItem, "taxCode">): TaxRate[]
}

const dutch = { standard: 210_000, reduced: 90_000, zero: 0 } // Wet OB 1968, art. 9: 21 % and 9 %
const german = { standard: 190_000, reduced: 70_000, zero: 0 } // UStG § 12: 19 % and 7 %
const french = { standard: 200_000, reduced: 55_000, zero: 0 } // CGI art. 278, 278-0 bis: 20 % and 5.5 %

function vat(title: string, table: Record<CatalogueItem["taxCode"], number>): Market["rates"] {
  return (item) => (table[item.taxCode] === 0 ? [] : [{ title, ratePpm: table[item.taxCode] }])
}

const home: Market = { presentment: "EUR", taxesIncluded: true, shipTo: undefined, rates: vat("BTW", dutch) }

const vatByCountry: Record<string, Market["rates"]> = {
  DE: vat("MwSt", german),
  FR: vat("TVA", french),
}

const untaxed: Market["rates"] = () => []

/** The market an order of these oddities belongs to; `countryCode` is the customer's own. */
export function marketOf(chosen: ReadonlySet<Oddity>, countryCode: string): Market {
  if (chosen.has("exclusive-tax")) {
    const rates: Market["rates"] = (item) =>
      item.taxCode === "zero"
        ? []
        : [
            { title: "Texas State Tax", ratePpm: 62_500 },
            { title: "Austin City Tax", ratePpm: 10_000 },
            { title: "Austin Metro Transit Tax", ratePpm: 10_000 },
          ]
    const shipTo = { countryCode: "US", city: "Austin", zip: "78701", provinceCode: "TX" }
    return { presentment: "USD", taxesIncluded: false, shipTo, rates }
  }
  if (chosen.has("several-rates")) {
    const rates: Market["rates"] = (item) =>
      item.taxCode === "zero"
        ? []
        : [
            { title: "GST", ratePpm: 50_000 },
            { title: "QST", ratePpm: 99_750 },
          ]
    const shipTo = { countryCode: "CA", city: "Montréal", zip: "H2Y 1C6", provinceCode: "QC" }
    return { presentment: "CAD", taxesIncluded: true, shipTo, rates }
  }
  if (chosen.has("duties")) {
    const shipTo = { countryCode: "US", city: "New York", zip: "10001", provinceCode: "NY" }
    const rates: Market["rates"] = (item) =>
      item.taxCode === "zero" ? [] : [{ title: "NY Sales Tax", ratePpm: 88_750 }]
    return { presentment: "USD", taxesIncluded: false, shipTo, rates }
  }
  if (chosen.has("jpy")) {
    const shipTo = { countryCode: "JP", city: "Osaka", zip: "530-0001", provinceCode: "JP-27" }
    const rates: Market["rates"] = (item) => (item.taxCode === "zero" ? [] : [{ title: "消費税", ratePpm: 100_000 }])
    return { presentment: "JPY", taxesIncluded: true, shipTo, rates }
  }
  if (chosen.has("kwd")) {
    const shipTo = { countryCode: "KW", city: "Kuwait City", zip: "13001", provinceCode: null }
    return { presentment: "KWD", taxesIncluded: true, shipTo, rates: untaxed }
  }
  if (chosen.has("foreign-address")) {
    const shipTo = { countryCode: "CH", city: "Zürich", zip: "8001", provinceCode: null }
    return {
      presentment: "CHF",
      taxesIncluded: true,
      shipTo,
      rates: vat("MWST", { ...dutch, standard: 81_000, reduced: 26_000 }),
    }
  }
  return { ...home, rates: vatByCountry[countryCode] ?? home.rates }
}

// Rates are made up but fixed: units of the currency's minor unit for one euro cent, times 10,000.
const perEuroCent: Record<string, number> = {
  EUR: 10_000,
  USD: 10_842,
  CAD: 15_127,
  GBP: 8_613,
  CHF: 9_377,
  JPY: 16_213,
  KWD: 33_410,
}

/** A catalogue price in euro cents as minor units of another currency. */
export function fromEuroCents(amountMinor: number, currency: string): number {
  const factor = perEuroCent[currency]
  if (factor === undefined) throw new Error(`the lab has no exchange rate for ${currency}`)
  return divideRounded(amountMinor * factor, 10_000)
}
