import { isObject } from "../../../base/json/delivered.ts"
import { fieldOf, listOf } from "../payloads.ts"

/**
 * Fields of an order that a receipt is made of. Others change after it is paid: fees arrive, versions rise, notes are written; the `closed_at` of
 * a return moved with its refund (developer.squareup.com/forums/t/14485: 26 minutes after it was created).
 */
const told = new Set([
  "location_id",
  "line_items",
  "uid",
  "quantity",
  "quantity_unit",
  "measurement_unit",
  "catalog_object_id",
  "item_type",
  "modifiers",
  "applied_taxes",
  "tax_uid",
  "applied_discounts",
  "discount_uid",
  "applied_service_charges",
  "service_charge_uid",
  "applied_money",
  "variation_total_price_money",
  "total_price_money",
  "total_money",
  "total_tax_money",
  "total_discount_money",
  "total_service_charge_money",
  "total_tip_money",
  "amount",
  "currency",
  "taxes",
  "type",
  "treatment_type",
  "percentage",
  "discounts",
  "scope",
  "service_charges",
  "rounding_adjustment",
  "amount_money",
  "returns",
  "source_order_id",
  "return_line_items",
  "source_line_item_uid",
  "return_modifiers",
  "return_taxes",
  "return_discounts",
  "return_service_charges",
  "return_tips",
  "tenders",
  "id",
  "payment_id",
  "tip_money",
  "cash_details",
  "buyer_tendered_money",
  "change_back_money",
  "name",
])

/** What Square says that a receipt is, however it is read: the same receipt has the same content, whenever it is asked for. */
export function contentOf(order: unknown): object {
  const content = pick(order) as object
  if (listOf(fieldOf(order, "returns")).length === 0) return content
  return {
    ...content,
    return_total: fieldOf(order, "return_amounts", "total_money"),
    refunds: listOf(fieldOf(order, "refunds")).map(refund),
  }
}

/** Whether it is given by now is told by its own receipt. */
function refund(value: unknown): object {
  return { id: fieldOf(value, "id"), amount: fieldOf(value, "amount_money", "amount") }
}

function pick(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pick)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) =>
      told.has(name) || name.endsWith("_unit") ? [[name, pick(one)]] : [],
    ),
  )
}
