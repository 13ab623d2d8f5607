import type { Fields } from "./odata/filter.ts"
import { currencyScale, decimalOf, dividedRounded, scaled } from "./decimals.ts"
import { ODataError } from "./odata/error.ts"

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
    const isFixed = condition["ConditionCalculationType"] === "B" || item.quantityMilli === 0n
    const amount = isFixed ? rate * 1_000n : (rate * item.quantityMilli) / per
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
