import { cut } from "../../../base/text.ts"
import type { Address, DiscountAllocation, MoneyPair, TaxLine } from "../../../canonical/parts.ts"
import {
  addPairs,
  allocationMethods,
  cancelReasons,
  financialStatuses,
  fulfilmentStatuses,
  negatePair,
  optional,
  paymentReference,
  readAttributes,
  readMoneySet,
  restockTypes,
  transactionKinds,
  transactionStatuses,
  type Snapshot,
  type SnapshotCharge,
  type SnapshotFulfilment,
  type SnapshotLine,
  type SnapshotRefund,
  type SnapshotTransaction,
} from "../payloads.ts"
import { Reader } from "./reader.ts"

// Shapes: Admin GraphQL API 2026-10, the fragment in operations.ts.

const keys = { shop: "shopMoney", presentment: "presentmentMoney", currency: "currencyCode" }

type Discounts = ReadonlyMap<number, { title: string; scope: DiscountAllocation["scope"] }>

const set = (reader: Reader, key: string): MoneyPair => readMoneySet(reader.object(key), keys)

/** Reads an order node of the poll. */
export function snapshotFromGraph(order: Reader): Snapshot {
  const discounts = new Map(order.nodes("discountApplications").map(readDiscount))
  if (order.has("displayFinancialStatus")) order.oneOf("displayFinancialStatus", financialStatuses)
  const tip = set(order, "totalTipReceivedSet")
  return {
    id: order.id("id"),
    name: order.text("name"),
    createdAt: order.moment("createdAt"),
    updatedAt: order.moment("updatedAt"),
    ...(order.has("cancelledAt") && {
      cancellation: {
        at: order.moment("cancelledAt"),
        reason: order.has("cancelReason") ? order.oneOf("cancelReason", cancelReasons) : "other",
      },
    }),
    currency: { shop: order.text("currencyCode"), presentment: order.text("presentmentCurrencyCode") },
    taxesIncluded: order.flag("taxesIncluded"),
    total: set(order, "totalPriceSet"),
    currentTotal: set(order, "currentTotalPriceSet"),
    originalTotal: set(order, "originalTotalPriceSet"),
    cashRounding: set(order.object("totalCashRoundingAdjustment"), "paymentSet"),
    tip,
    customer: readCustomer(order),
    ...readAddresses(order),
    ...optional("note", order.optionalText("note")),
    attributes: readAttributes(order.list("customAttributes"), "key"),
    ...optional("poNumber", order.optionalText("poNumber")),
    lines: order.nodes("lineItems").map((line) => readLine(line, discounts)),
    shippingLines: order.nodes("shippingLines").map((line) => readCharge(line, "originalPriceSet", discounts)),
    refunds: order.list("refunds").map(readRefund),
    fulfilments: order.list("fulfillments").map(readFulfilment),
    transactions: order.list("transactions").map(readTransaction),
  }
}

function readDiscount(application: Reader): [number, { title: string; scope: DiscountAllocation["scope"] }] {
  const title = application.optionalText("code") ?? application.optionalText("title")
  const method = application.oneOf("allocationMethod", allocationMethods)
  return [
    application.count("index"),
    { title: cut(title ?? "discount", 200), scope: method === "across" ? "order" : "line" },
  ]
}

function readCustomer(order: Reader): Snapshot["customer"] {
  const customer = order.optionalObject("customer")
  const name = [customer?.optionalText("firstName"), customer?.optionalText("lastName")].filter(Boolean).join(" ")
  return {
    ...(customer && { id: customer.id("id") }),
    ...optional("name", name === "" ? undefined : name),
    ...optional("email", order.optionalText("email")),
    ...optional("phone", order.optionalText("phone")),
    ...optional("locale", order.optionalText("customerLocale")),
  }
}

function readAddresses(order: Reader): Pick<Snapshot, "billingAddress" | "shippingAddress"> {
  const billing = order.optionalObject("billingAddress")
  const shipping = order.optionalObject("shippingAddress")
  return {
    ...(billing && { billingAddress: readAddress(billing) }),
    ...(shipping && { shippingAddress: readAddress(shipping) }),
  }
}

function readAddress(address: Reader): Address {
  return {
    name: address.optionalText("name") ?? "",
    ...optional("company", address.optionalText("company")),
    line1: address.optionalText("address1") ?? "",
    ...optional("line2", address.optionalText("address2")),
    postalCode: address.optionalText("zip") ?? "",
    city: address.optionalText("city") ?? "",
    ...optional("region", address.optionalText("provinceCode")),
    countryCode: address.text("countryCodeV2"),
    ...optional("phone", address.optionalText("phone")),
  }
}

function readTaxes(owner: Reader): TaxLine[] {
  return owner.list("taxLines").map((tax) => ({
    title: cut(tax.optionalText("title") ?? "tax", 120),
    ...optional("ratePercent", tax.ratePercent("rate")),
    amount: set(tax, "priceSet"),
  }))
}

function readAllocations(owner: Reader, discounts: Discounts): DiscountAllocation[] {
  return owner.list("discountAllocations").map((allocation) => {
    const application = discounts.get(allocation.object("discountApplication").count("index"))
    if (!application) allocation.problem("discountApplication", "is not a discount application of the order")
    return {
      scope: application?.scope ?? "line",
      title: application?.title ?? "discount",
      amount: set(allocation, "allocatedAmountSet"),
    }
  })
}

function readCharge(charge: Reader, priceKey: string, discounts: Discounts): SnapshotCharge {
  return {
    id: charge.id("id"),
    title: cut(charge.optionalText("title") ?? "shipping", 400),
    price: set(charge, priceKey),
    taxes: readTaxes(charge),
    discounts: readAllocations(charge, discounts),
  }
}

function readLine(line: Reader, discounts: Discounts): SnapshotLine {
  const charge = readCharge(line, "originalUnitPriceSet", discounts)
  return {
    ...charge,
    sku: line.optionalText("sku") ?? cut(charge.title, 64),
    quantity: line.count("quantity"),
    currentQuantity: line.count("currentQuantity"),
    requiresShipping: line.flag("requiresShipping"),
    isGiftCard: line.flag("isGiftCard"),
    attributes: readAttributes(line.list("customAttributes"), "key"),
    duties: line.list("duties").map((duty) => ({
      id: duty.id("id"),
      title: `duty ${duty.optionalText("harmonizedSystemCode") ?? ""}`.trim(),
      price: set(duty, "price"),
      taxes: readTaxes(duty),
      discounts: [],
    })),
  }
}

function readRefund(refund: Reader): SnapshotRefund {
  const shipping = refund.nodes("refundShippingLines")
  const adjustments = refund.nodes("orderAdjustments")
  const transactions = refund.nodes("transactions").map((one) => ({
    kind: one.oneOf("kind", transactionKinds),
    status: one.oneOf("status", transactionStatuses),
    amount: set(one, "amountSet").presentment,
    ...optional("parentId", one.optionalObject("parentTransaction")?.id("id")),
  }))
  return {
    id: refund.id("id"),
    at: refund.moment("createdAt"),
    lines: refund.nodes("refundLineItems").map((item) => ({
      lineId: item.object("lineItem").id("id"),
      quantity: item.count("quantity"),
      subtotal: set(item, "subtotalSet"),
      tax: set(item, "totalTaxSet"),
      restock: item.oneOf("restockType", restockTypes),
    })),
    extras: [
      ...shipping.map((line) => set(line, "subtotalAmountSet")),
      ...refund.list("duties").map((duty) => set(duty, "amountSet")),
      ...adjustments.map((adjustment) => negatePair(set(adjustment, "amountSet"))),
    ],
    extraTaxes: [
      ...shipping.map((line) => set(line, "taxAmountSet")),
      ...adjustments.map((adjustment) => negatePair(set(adjustment, "taxAmountSet"))),
    ],
    movesMoney: transactions.length > 0,
    paidBack: transactions
      .filter((one) => one.kind === "refund" && one.status === "success")
      .map(({ amount, parentId }) => ({ amount, ...optional("parentId", parentId) })),
  }
}

function readFulfilment(fulfilment: Reader): SnapshotFulfilment {
  return {
    id: fulfilment.id("id"),
    at: fulfilment.moment("createdAt"),
    isSuccess: fulfilment.oneOf("status", fulfilmentStatuses) === "success",
    ...optional("trackingNumber", fulfilment.list("trackingInfo")[0]?.optionalText("number")),
    lines: fulfilment
      .nodes("fulfillmentLineItems")
      .map((item) => ({ lineId: item.object("lineItem").id("id"), quantity: item.count("quantity") })),
  }
}

/** The amount of a transaction plus its cash rounding, which Shopify gives separately. */
function readTransaction(transaction: Reader): SnapshotTransaction {
  const amount = set(transaction, "amountSet")
  const rounding = transaction.optionalObject("amountRoundingSet")
  const parent = transaction.optionalObject("parentTransaction")
  return {
    id: transaction.id("id"),
    ...(parent && { parentId: parent.id("id") }),
    kind: transaction.oneOf("kind", transactionKinds),
    status: transaction.oneOf("status", transactionStatuses),
    gateway: transaction.text("gateway"),
    amount: rounding ? withRounding(amount, readMoneySet(rounding, keys)) : amount,
    at: transaction.moment("createdAt"),
    ...optional("reference", paymentReference(receiptOf(transaction), transaction.optionalText("paymentId"))),
  }
}

function withRounding(amount: MoneyPair, rounding: MoneyPair): MoneyPair {
  return addPairs([amount, rounding], { shop: amount.shop.currency, presentment: amount.presentment.currency })
}

/** `receiptJson` is documented as subject to change: what cannot be read is left out, never an error. */
function receiptOf(transaction: Reader): Reader | undefined {
  const text = transaction.rawText("receiptJson")
  try {
    return text === undefined ? transaction.optionalObject("receiptJson") : new Reader(JSON.parse(text), "", [])
  } catch {
    return undefined
  }
}
