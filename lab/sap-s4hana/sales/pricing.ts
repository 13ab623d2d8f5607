import type { Fields } from "../odata/filter.ts"
import { currencyScale, decimalOf, dividedRounded, scaled } from "../decimals.ts"
import { ODataError } from "../odata/error.ts"

const rateScale = 9 // ConditionRateValue: precision 24, scale 9 (API_SALES_ORDER_SRV)

// Condition types that are tax, not price; TTX1 and MWST are SAP's standard output tax conditions.
const taxTypes = new Set(["TTX1", "MWST", "MWSI"])

export type Priced = { netMinor: bigint; taxMinor: bigint; elements: Fields[] }

/**
 * Values conditions given with an order: rate × quantity ÷ condition quantity, rounded to the currency's minor unit.
 * Without a price condition the item is worth nothing: the lab keeps no condition records.
 */
export function valueConditions(
  conditions: readonly Fields[],
  item: { quantityMilli: bigint; currency: string },
): Priced {
  const scale = currencyScale(item.currency)
  let netMinor = 0n
  let taxMinor = 0n
  const elements = conditions.map((condition, index): Fields => {
    const rate = scaled(condition["ConditionRateValue"] ?? "0", rateScale)
    const per = scaled(condition["ConditionQuantity"] ?? "1", 0)
    if (rate === undefined || per === undefined || per <= 0n) {
      throw new ODataError(400, "CX_SXML_PARSE_ERROR", "Error while parsing a decimal of a pricing element")
    }
    // Without a quantity to multiply by, the rate is the amount: the conditions of a whole order.
    const amount = item.quantityMilli === 0n ? rate * 1_000n : (rate * item.quantityMilli) / per
    const minor = dividedRounded(amount * 10n ** BigInt(scale), 10n ** BigInt(rateScale) * 1_000n)
    const type = String(condition["ConditionType"] ?? "")
    if (taxTypes.has(type)) taxMinor += minor
    else netMinor += minor
    return {
      PricingProcedureStep: String(index + 10),
      PricingProcedureCounter: "1",
      ConditionType: type,
      ConditionRateValue: decimalOf(rate, rateScale),
      ConditionCurrency: condition["ConditionCurrency"] ?? item.currency,
      ConditionQuantity: String(per),
      ConditionAmount: decimalOf(minor, scale),
      TransactionCurrency: item.currency,
      ConditionIsManuallyChanged: true,
    }
  })
  return { netMinor, taxMinor, elements }
}

/** A condition of the order's header that is worth something, and the items it is spread over. */
export type HeaderCondition = { type: string; minor: bigint; isCopied: boolean }

/**
 * What header conditions add to each item. A group condition is shared out in proportion to what the items are worth, so
 * that the shares sum to it; any other is copied to every item, so an order of three items carries it three times
 * (SAP KBA 3618341).
 */
export function sharesOf(conditions: readonly HeaderCondition[], worths: readonly bigint[]): HeaderCondition[][] {
  const shares: HeaderCondition[][] = worths.map(() => [])
  for (const condition of conditions) {
    const parts = condition.isCopied ? worths.map(() => condition.minor) : apportioned(condition.minor, worths)
    for (const [index, minor] of parts.entries()) if (minor !== 0n) shares[index]?.push({ ...condition, minor })
  }
  return shares
}

/** Parts in proportion to the weights; the largest weight takes what rounding leaves. Without weights: equal parts. */
function apportioned(whole: bigint, weights: readonly bigint[]): bigint[] {
  const isWorthless = weights.every((weight) => weight <= 0n)
  const bases = weights.map((weight) => (isWorthless ? 1n : weight > 0n ? weight : 0n))
  const sum = bases.reduce((total, base) => total + base, 0n)
  const parts = bases.map((base) => (whole * base) / sum)
  const rest = parts.reduce((left, part) => left - part, whole)
  const largest = bases.reduce((at, base, index) => (base > (bases[at] ?? 0n) ? index : at), 0)
  return parts.map((part, index) => (index === largest ? part + rest : part))
}

export function isTax(type: string): boolean {
  return taxTypes.has(type)
}
