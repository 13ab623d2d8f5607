import { moneyToDecimal, roundedMoney, type Money } from "../../../base/money.ts"
import { cut } from "../../../base/text.ts"
import { textMax, type DiscountAllocation, type Property, type TaxLine } from "../../../canonical/parts.ts"
import { optional, type OrderContent, type Snapshot, type SnapshotCharge, type SnapshotLine } from "../payloads.ts"
import type { OddPart } from "../../../protocols/odd-parts.ts"
import { plainListMax } from "../graph/operations.ts"
import { readAddresses, readCustomer, readPaymentTerms } from "./read-buyer.ts"
import { readFulfilment, readPart, readRefund, readTransaction } from "./read-parts.ts"
import type { Reader } from "./reader.ts"

// REST: https://shopify.dev/docs/api/admin-rest/latest/resources/order (read 2026-11-20), the body of `orders/*` webhooks.
// GraphQL: Admin API 2026-10, the fragment in operations.ts.
//
// For each amount one source counts; what states it again is left out (lab/shopify/real.md has where they were seen):
//
// | amount            | source                                                          | stated again by                        |
// | ----------------- | --------------------------------------------------------------- | -------------------------------------- |
// | a line            | price × quantity, less discount allocations                     | total_discount                         |
// | shipping          | the shipping lines                                              | total_shipping_price                   |
// | a tip             | the tip received                                                | a line of the order                    |
// | duties            | the duties of the lines; the order's total where lines have none | the order's total                      |
// | additional fees   | the original total of fees                                      | the current total, the single fees     |
// | refunded shipping | the refund's shipping lines                                     | an adjustment of kind shipping_refund  |
// | money paid back   | successful transactions of the refund                           | the total refunded                     |

/** Reads an order of either form, part by part. Without its head (ids, times, currency) the order is refused as a whole. */
export function readSnapshot(order: Reader): Snapshot {
  const odd: OddPart[] = []
  const currency = readCurrency(order)
  const updatedAt = order.moment("updatedAt")
  const head = {
    id: order.id("id"),
    name: order.text("name"),
    createdAt: order.moment("createdAt"),
    updatedAt,
    isTest: order.isTrue("test"),
    ...(order.has("cancelledAt") && {
      // A reason that nobody knows is passed on in the shop's words: it must not hide the cancellation.
      cancellation: {
        at: order.moment("cancelledAt"),
        reason: cut(order.anyText("cancelReason").toLowerCase(), 500) || "other",
      },
    }),
    currency,
    taxesIncluded: order.flag("taxesIncluded"),
  }
  const refunds = order.parts("refunds")
  const fulfilments = order.parts("fulfillments")
  const transactions = order.parts("transactions")
  order.settle("the order")
  if (!order.isRest) odd.push(...fullLists(order))
  const [content] = readPart(order.apart(), { kind: "content", odd, read: readContent })
  return {
    ...head,
    ...(content && { content }),
    refunds: refunds.flatMap((one) =>
      readPart(one, { kind: "refund", odd, read: (refund) => readRefund(refund, updatedAt) }),
    ),
    fulfilments: fulfilments.flatMap((one) => readPart(one, { kind: "fulfilment", odd, read: readFulfilment })),
    ...(!order.isRest && {
      transactions: transactions.flatMap((one) => readPart(one, { kind: "transaction", odd, read: readTransaction })),
    }),
    odd,
  }
}

/** A plain list is cut without a word: one that is full may lack entries, which wait until somebody has looked at the order. */
function fullLists(order: Reader): OddPart[] {
  const lists = { refunds: "refund", fulfillments: "fulfilment", transactions: "transaction" } as const
  return Object.entries(lists).flatMap(([key, kind]) => {
    if ((order.rawList(key)?.length ?? 0) < plainListMax) return []
    const message = `the shop shows ${plainListMax} ${key} and no more: there may be others`
    return [{ kind, id: "more", pointer: `/${key}`, problems: [{ pointer: `/${key}`, message }] }]
  })
}

function readCurrency(order: Reader): Snapshot["currency"] {
  const shop = order.text({ graph: "currencyCode", rest: "currency" })
  // Older payloads know no second currency.
  const presentment = order.optionalText({ graph: "presentmentCurrencyCode", rest: "presentment_currency" }) ?? shop
  order.knowCurrency({ shop, presentment }, { isOnlyThese: true })
  return { shop, presentment }
}

function readContent(order: Reader): OrderContent {
  const discounts = readDiscounts(order)
  const note = order.optionalText("note")
  const roundingsBefore = order.roundings
  return {
    ...readTotals(order),
    customer: readCustomer(order),
    ...readAddresses(order),
    ...optional("note", note),
    attributes: readAttributes(order.list({ graph: "customAttributes", rest: "note_attributes" })),
    tags: readTags(order),
    ...optional("poNumber", order.optionalText("poNumber")),
    ...readPaymentTerms(order),
    taxExempt: order.isTrue("taxExempt") || (order.optionalObject("customer")?.isTrue("taxExempt") ?? false),
    source: readSource(order),
    lines: order.nodes("lineItems").map((line) => readLine(line, discounts)),
    shippingLines: order
      .nodes("shippingLines")
      .filter((line) => !line.isTrue("isRemoved"))
      .map((line, index) => readShippingLine(line, { index, discounts })),
    roundings: order.roundings - roundingsBefore,
  }
}

function readTotals(
  order: Reader,
): Pick<OrderContent, "total" | "currentTotal" | "originalTotal" | "cashRounding" | "tip" | "fees" | "duties"> {
  const total = order.pair("totalPriceSet", { plain: "total_price" })
  const zero = { shop: { ...total.shop, amountMinor: 0 }, presentment: { ...total.presentment, amountMinor: 0 } }
  const sum = (key: string) => (order.has(key) ? order.pair(key) : zero)
  const rounding = order.isRest
    ? order.optionalObject("totalCashRoundingPaymentAdjustmentSet")
    : order.optionalObject("totalCashRoundingAdjustment")?.optionalObject("paymentSet")
  const isOld = !order.has("currentTotalPriceSet") && !order.has("current_total_price")
  return {
    total,
    currentTotal: isOld ? total : order.pair("currentTotalPriceSet", { plain: "current_total_price" }),
    ...(order.has("originalTotalPriceSet") && { originalTotal: order.pair("originalTotalPriceSet") }),
    cashRounding: rounding?.sides() ?? zero,
    tip: readTip(order, zero.shop),
    fees: sum("originalTotalAdditionalFeesSet"),
    duties: sum("originalTotalDutiesSet"),
  }
}

function readTip(order: Reader, zero: Money): OrderContent["tip"] {
  if (!order.isRest) return order.has("totalTipReceivedSet") ? order.pair("totalTipReceivedSet") : { shop: zero }
  return { shop: order.has("total_tip_received") ? order.amount("total_tip_received", zero.currency) : zero }
}

type Discounts = ReadonlyMap<number, { title: string; scope: DiscountAllocation["scope"] }>

/** A discount is the order's when it is spread across lines; any other way of allocating it is the line's own matter. */
function readDiscounts(order: Reader): Discounts {
  return new Map(
    order.nodes("discountApplications").map((application, place) => {
      const title =
        application.optionalText("code") ?? application.optionalText("title") ?? application.optionalText("description")
      const isAcross = application.anyText("allocationMethod").toLowerCase() === "across"
      const index = application.isRest ? place : application.count("index")
      return [index, { title: cut(title ?? "discount", textMax), scope: isAcross ? "order" : "line" } as const]
    }),
  )
}

/** Attributes of an order or properties of a line: apps write values of any kind, and the same name more than once. */
function readAttributes(list: readonly Reader[]): Property[] {
  return list.map((item) => ({
    name: cut(item.anyText({ graph: "key", rest: "name" }), textMax),
    value: cut(item.anyText("value"), 5000),
  }))
}

function readTags(order: Reader): string[] {
  const tags = order.isRest
    ? (order.rawText("tags") ?? "").split(",")
    : (order.rawList("tags") ?? []).filter((tag): tag is string => typeof tag === "string")
  return [...new Set(tags.map((tag) => cut(tag.trim(), textMax)).filter(Boolean))].toSorted()
}

function readSource(order: Reader): OrderContent["source"] {
  const place = order.isRest
    ? order.optionalId("location_id")
    : order.optionalObject("retailLocation")?.optionalId("id")
  const application = order.isRest ? order.optionalId("app_id") : order.optionalObject("app")?.optionalId("id")
  const id = order.anyText("sourceIdentifier")
  const name = order.anyText("sourceName")
  return {
    ...optional("name", name === "" ? undefined : cut(name, textMax)),
    ...optional("application", application),
    ...optional("id", id === "" ? undefined : cut(id, textMax)),
    ...optional("place", place),
  }
}

function readTaxes(owner: Reader): TaxLine[] {
  return owner.list("taxLines").map((tax) => ({
    title: cut(tax.optionalText("title") ?? "tax", textMax),
    ...optional("ratePercent", tax.ratePercent("rate")),
    amount: tax.pair("priceSet", { plain: "price" }),
  }))
}

function readAllocations(owner: Reader, discounts: Discounts): DiscountAllocation[] {
  return owner.list("discountAllocations").map((allocation) => {
    const index = allocation.isRest
      ? allocation.count("discountApplicationIndex")
      : allocation.object("discountApplication").count("index")
    // An application that is not listed has no name; its amount counts all the same.
    const { scope, title } = discounts.get(index) ?? { scope: "line" as const, title: "discount" }
    const amount = allocation.pair({ graph: "allocatedAmountSet", rest: "amount_set" }, { plain: "amount" })
    return { scope, title, amount }
  })
}

function readShippingLine(line: Reader, { index, discounts }: { index: number; discounts: Discounts }): SnapshotCharge {
  const code = line.optionalText("code")
  return {
    // GraphQL may have no id where the webhook has one: both know the line by its place among the others.
    id: String(index + 1),
    title: cut(line.optionalText("title") ?? "shipping", textMax),
    ...optional("code", code === undefined ? undefined : cut(code, textMax)),
    gross: line.pair({ graph: "originalPriceSet", rest: "price_set" }, { plain: "price" }),
    taxes: readTaxes(line),
    discounts: readAllocations(line, discounts),
  }
}

function readLine(line: Reader, discounts: Discounts): SnapshotLine {
  const title = cut(line.optionalText("title") ?? line.optionalText("name") ?? "article", 1024)
  const price = { graph: "originalUnitPriceSet", rest: "price_set" }
  const quantity = line.count("quantity")
  const product = line.isRest ? line.optionalId("product_id") : line.optionalObject("product")?.optionalId("id")
  const variant = line.isRest ? line.optionalId("variant_id") : line.optionalObject("variant")?.optionalId("id")
  const gross = line.pair(price, { plain: "price", times: quantity })
  const unit =
    line.optionalObject(price)?.optionalObject("presentmentMoney")?.decimal("amount") ?? line.decimal("price")
  return {
    id: line.id("id"),
    title,
    // Custom items of a draft order have no SKU, only the title the merchant entered.
    sku: line.optionalText("sku") ?? cut(title, textMax),
    ...optional("unitPriceText", line.problems.length > 0 ? undefined : priceText(unit, gross.presentment.currency)),
    gross,
    taxes: readTaxes(line),
    discounts: readAllocations(line, discounts),
    quantity,
    // Payloads from before order editing have no current quantity.
    currentQuantity: line.has("currentQuantity") ? line.count("currentQuantity") : quantity,
    requiresShipping: line.flag("requiresShipping"),
    isGiftCard: line.isTrue({ graph: "isGiftCard", rest: "gift_card" }),
    isTip: line.isRest && line.has("tip"),
    ...optional("productId", product),
    ...optional("variantId", variant),
    attributes: readAttributes(line.list({ graph: "customAttributes", rest: "properties" })),
    duties: line.list("duties").map(readDuty),
  }
}

/** The unit price for people: in the currency's own digits, unless it is finer. */
function priceText(unit: string | undefined, currency: string): string | undefined {
  if (unit === undefined) return undefined
  const { amount, isRounded } = roundedMoney(unit, { currency })
  return isRounded ? cut(unit, 40) : moneyToDecimal(amount)
}

function readDuty(duty: Reader): SnapshotCharge {
  return {
    id: duty.id("id"),
    title: cut(`duty ${duty.optionalText("harmonizedSystemCode") ?? ""}`.trim(), textMax),
    gross: duty.isRest ? duty.sides() : duty.pair("price"),
    taxes: readTaxes(duty),
    discounts: [],
  }
}
