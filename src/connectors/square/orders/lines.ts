import { cut } from "../../../base/text.ts"
import { quantityFromDecimal } from "../../../base/quantity.ts"
import { own } from "../../../base/lookup.ts"
import type { ReceiptLine } from "../../../canonical/sales/receipt-line.ts"
import type { Receipt } from "../../../canonical/sales/receipt.ts"
import type { SquareSettings } from "../settings.ts"
import { discountsOf, signed, sumOf, taxesOf, type Definitions } from "./applied.ts"
import type { Spot } from "./spot.ts"

/** What lines and charges of one part of an order are read with: its sale, or one of its returns. */
export interface LinesOf {
  settings: Pick<SquareSettings, "taxCodes" | "withoutSku">
  skus: Readonly<Record<string, string | null>>
  definitions: Definitions
  /** -1 for what came back: Square writes both as positive amounts. */
  sign: 1 | -1
  returned?: NonNullable<ReceiptLine["returned"]>
}

export type Charge = NonNullable<Receipt["charges"]>[number]

/** OrderLineItemItemType. A custom amount is revenue of nothing in particular. */
const itemTypes = { ITEM: "goods", CUSTOM_AMOUNT: "goods", GIFT_CARD: "gift card" } as const

/**
 * A line item, or a returned one. Its amount is `variation_total_price_money` and its modifiers': `gross_sales_money` has included tax in
 * it in Europe and Australia, and not in the US, Canada and Japan (OrderLineItem, its description), so it is never read.
 */
export function lineOf(spot: Spot, of: LinesOf): ReceiptLine[] {
  const { sign, definitions, settings, returned } = of
  const as = spot.has("item_type") ? (spot.word("item_type", itemTypes) ?? "goods") : "goods"
  const quantity = quantityOf(spot)
  const modifiers = spot.list(sign === 1 ? "modifiers" : "return_modifiers")
  const amountMinor =
    spot.amount("variation_total_price_money") + sumOf(modifiers.map((one) => one.minor("total_price_money") ?? 0))
  // A line that was taken off an order stays with quantity 0.
  if (quantity.milli === 0 && amountMinor === 0) return []
  const taxes = taxesOf(spot, { definitions, sign, taxCodes: settings.taxCodes })
  const discounts = discountsOf(spot, { definitions, sign })
  checkTotal(spot, { sign, amountMinor, taxes, discounts })
  const sku = as === "goods" ? skuOf(spot, of) : undefined
  return [
    {
      lineId: `${sign === 1 ? "" : "r:"}${spot.text("uid") ?? spot.pointer}`,
      ...(as === "goods" ? {} : { as }),
      ...(sku === undefined ? {} : { sku }),
      text: textOf(spot, modifiers),
      quantityMilli: signed(quantity.milli, sign),
      unit: quantity.unit,
      amountMinor: signed(amountMinor, sign),
      ...(taxes.length > 0 ? { taxes } : {}),
      ...(discounts.length > 0 ? { discounts } : {}),
      ...(returned ? { returned: withLine(returned, spot.text("source_line_item_uid")) } : {}),
    },
  ]
}

function withLine(returned: NonNullable<ReceiptLine["returned"]>, lineId: string | undefined) {
  if (!returned.original || lineId === undefined) return returned
  return { ...returned, original: { ...returned.original, lineId } }
}

/** What Square says that the line comes to. Apportioned service charges may be in it; they are read where they stand once. */
function checkTotal(
  spot: Spot,
  {
    sign,
    amountMinor,
    taxes,
    discounts,
  }: { sign: number; amountMinor: number } & Required<Pick<ReceiptLine, "taxes" | "discounts">>,
): void {
  const total = spot.minor("total_money")
  if (total === undefined) return
  const added = sumOf(taxes.filter(({ isIncluded }) => !isIncluded).map((one) => one.amountMinor * sign))
  const sum = amountMinor + added - sumOf(discounts.map((one) => one.amountMinor * sign))
  const service = spot.minor("total_service_charge_money") ?? 0
  if (sum !== total && sum + service !== total)
    spot.fail(`is ${total} minor units, and its price, tax and discounts come to ${sum}`, "total_money")
}

/** The article's SKU. One that Square does not know, or that has none, is never guessed. */
function skuOf(spot: Spot, { skus, settings }: LinesOf): string | undefined {
  const id = spot.text("catalog_object_id")
  // Sold without the catalogue: no article, and no stock of it.
  if (id === undefined) return undefined
  const sku = own(skus, id)
  if (sku !== undefined && sku !== null) return sku
  if (settings.withoutSku !== "sell without stock") {
    const why = sku === null ? "has no SKU in Square" : "is not known to Square"
    spot.fail(
      `the article ${id} ${why}: give it its SKU there and read the order again, or set withoutSku of the connection`,
      "catalog_object_id",
    )
  }
  return undefined
}

function textOf(spot: Spot, modifiers: readonly Spot[]): string {
  const names = [spot.text("name"), spot.text("variation_name")].filter((name) => name !== undefined)
  const added = modifiers.flatMap((one) => one.text("name") ?? [])
  return cut([names.join(", "), ...added].filter((part) => part !== "").join(" + ") || "-", 255)
}

/** MeasurementUnit of a quantity; pieces have none. Square writes at most five digits behind the point, we keep three. */
const units = {
  METRIC_KILOGRAM: "kg",
  METRIC_GRAM: "g",
  METRIC_MILLIGRAM: "mg",
  IMPERIAL_POUND: "lb",
  IMPERIAL_WEIGHT_OUNCE: "oz",
  METRIC_LITER: "l",
  METRIC_MILLILITER: "ml",
  METRIC_METER: "m",
  METRIC_CENTIMETER: "cm",
  METRIC_MILLIMETER: "mm",
  IMPERIAL_FOOT: "ft",
  IMPERIAL_INCH: "in",
  IMPERIAL_YARD: "yd",
  METRIC_SQUARE_METER: "m2",
  UNIT: "ea",
  GENERIC_HOUR: "h",
  GENERIC_MINUTE: "min",
} as const
const unitKinds = ["weight_unit", "volume_unit", "length_unit", "area_unit", "generic_unit", "time_unit"]

function quantityOf(spot: Spot): { milli: number; unit: string } {
  const unit = unitOf(spot)
  const text = spot.text("quantity") ?? ""
  try {
    return quantityFromDecimal(text, unit)
  } catch {
    spot.fail(`"${cut(text, 40)}" is not a quantity in thousandths`, "quantity")
    return { milli: 0, unit }
  }
}

function unitOf(spot: Spot): string {
  if (!spot.has("quantity_unit")) return "ea"
  const unit = spot.child("quantity_unit").child("measurement_unit")
  const custom = unit.child("custom_unit").text("abbreviation")
  if (custom !== undefined) return cut(custom, 8)
  const kind = unitKinds.find((one) => unit.has(one))
  if (kind === undefined) {
    unit.fail("names no unit that is known", "", "VENDOR_VALUE_UNKNOWN")
    return "ea"
  }
  return unit.word(kind, units) ?? "ea"
}
