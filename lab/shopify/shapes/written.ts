import type { ShopOrder } from "../orders/model.ts"
import { decimalText } from "../orders/money.ts"
import { moneySet, type Json } from "../rest/parts.ts"
import type { Topic } from "../store.ts"
import { appValues, isIn, tipLineId } from "./shapes.ts"

/** A webhook's body in the shapes that its order has. */
export function written(order: ShopOrder, { topic, body }: { topic: Topic; body: unknown }): unknown {
  if (!order.shapes?.length) return body
  const isOrder = topic.startsWith("orders/") && topic !== "orders/edited"
  let text = isOrder ? orderWritten(order, body as Json) : body
  for (const change of changesOf(order)) text = rewritten(text, change)
  return text
}

function orderWritten(order: ShopOrder, json: Json): Json {
  let body = json
  if (isIn(order, "tip-line")) body = { ...body, line_items: [tipLine(order), ...listOf(body["line_items"])] }
  if (isIn(order, "app-values"))
    body = {
      ...body,
      note_attributes: [...listOf(body["note_attributes"]), ...appValues],
      line_items: listOf(body["line_items"]).map((line) => ({
        ...line,
        properties: [...listOf(line["properties"]), ...appValues],
      })),
    }
  if (isIn(order, "new-words")) body = { ...body, financial_status: "under_review", fulfillment_status: "on_the_way" }
  return body
}

function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : []
}

/** The tip as a line: it is marked, and no article. */
function tipLine(order: ShopOrder): Json {
  const { tip, currencies } = order
  return {
    id: tipLineId(order),
    title: "Tip",
    name: "Tip",
    sku: null,
    quantity: 1,
    current_quantity: 1,
    price: decimalText(tip.shop, currencies.shop),
    price_set: moneySet(tip, currencies),
    requires_shipping: false,
    gift_card: false,
    taxable: false,
    product_id: null,
    variant_id: null,
    tax_lines: [],
    duties: [],
    discount_allocations: [],
    properties: [],
    tip: { payment_gateway: "shopify_payments", payment_method: "visa" },
  }
}

/** What becomes of an object's fields; a field that is left out is not written. */
type Change = (fields: readonly Field[]) => readonly Field[]

function changesOf(order: ShopOrder): Change[] {
  const each = (change: (key: string, value: unknown) => unknown): Change => {
    return (fields) => fields.map(([key, value]) => [key, change(key, value)])
  }
  const changes: Change[] = []
  if (isIn(order, "new-words"))
    changes.push(each((key, value) => (typeof value === "string" ? newWords[key] : undefined) ?? value))
  if (isIn(order, "strange-refund"))
    changes.push(each((key, value) => (key === "restock_type" ? "to_the_locker" : value)))
  if (isIn(order, "strange-fulfilment"))
    changes.push((fields) => (isFulfilment(fields) ? fields.map(inLocker) : fields))
  if (isIn(order, "unstated-fee")) changes.push(without((key) => key.includes("additional_fees")))
  // Before there was a second currency, amounts and their sets could not differ.
  if (isIn(order, "old-version") && order.currencies.shop === order.currencies.presentment)
    changes.push(without((key) => sinceSets.test(key) || setsWithTwin.has(key)))
  if (isIn(order, "numbers")) changes.push(each(asNumber))
  if (isIn(order, "times-in-utc")) changes.push(each(inUtc))
  if (isIn(order, "nulls")) changes.push(withoutEmpty)
  if (isIn(order, "new-fields"))
    changes.push((fields) => [...fields, ["settlement_plan", { id: 1, parts: [] }], ["is_new", null]])
  return changes
}

type Field = readonly [key: string, value: unknown]

const isFulfilment = (fields: readonly Field[]) => fields.some(([key]) => key === "tracking_numbers")
const inLocker = ([key, value]: Field): Field => [key, key === "status" ? "in_a_locker" : value]

function without(isGone: (key: string) => boolean): Change {
  return (fields) => fields.filter(([key]) => !isGone(key))
}

/** Changes an object and all that is in it. What an app wrote is the app's own. */
function rewritten(value: unknown, change: Change): unknown {
  if (Array.isArray(value)) return value.map((one) => rewritten(one, change))
  if (typeof value !== "object" || value === null) return value
  const inner = Object.entries(value).map(([key, one]): [string, unknown] => [
    key,
    appOwned.has(key) ? one : rewritten(one, change),
  ])
  return Object.fromEntries(change(inner))
}

const appOwned: ReadonlySet<string> = new Set(["note_attributes", "properties", "receipt"])

// Words of lists that grow with the vendor's versions, of which nothing depends on.
const newWords: Readonly<Record<string, string>> = {
  value_type: "points",
  cancel_reason: "regulator",
  fulfillment_service: "robots",
  shipment_status: "above_the_clouds",
  error_code: "asked_for_a_fingerprint",
}

// Versions before sets of two currencies had the plain amounts alone. Sets that never had a plain twin stay.
const setsWithTwin: ReadonlySet<string> = new Set([
  "price_set",
  "total_price_set",
  "subtotal_price_set",
  "subtotal_set",
  "total_tax_set",
  "amount_set",
  "discounted_price_set",
  "total_discounts_set",
  "total_discount_set",
  "total_line_items_price_set",
])
const sinceSets = /^(current_.*_set|presentment_currency|admin_graphql_api_id|total_outstanding)$/

const amounts = /^(price|amount|total_|subtotal|current_total_|current_subtotal_|discounted_price)/

/** Amounts as JSON numbers, as refunded lines always have them. */
function asNumber(key: string, value: unknown): unknown {
  return typeof value === "string" && amounts.test(key) && /^-?\d{1,9}(\.\d{1,3})?$/.test(value) ? Number(value) : value
}

/** A shop elsewhere, and milliseconds: the same moment in other words. */
function inUtc(_key: string, value: unknown): unknown {
  return typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:]{8}\+01:00$/.test(value)
    ? new Date(value).toISOString()
    : value
}

/** Empty lists and texts as null, and fields without a value not at all; a tax may have no rate. */
function withoutEmpty(fields: readonly Field[]): readonly Field[] {
  return fields.flatMap(([key, value]): Field[] => {
    if (value === null || key === "rate") return []
    return [[key, value === "" || (Array.isArray(value) && value.length === 0) ? null : value]]
  })
}
