import { cut } from "../../../base/text.ts"
import type { Money } from "../../../base/money.ts"
import type { Address, DiscountAllocation, MoneyPair, TaxLine } from "../../../canonical/parts.ts"
import {
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
import type { Reader } from "./reader.ts"

// Field names and meanings: https://shopify.dev/docs/api/admin-rest/latest/resources/order (read 2026-11-20). Decimal fields
// without `_set` are in the shop's currency only, and some are JSON numbers; money is therefore read from the sets.

const keys = { shop: "shop_money", presentment: "presentment_money", currency: "currency_code" }

type Discounts = { title: string; scope: DiscountAllocation["scope"] }[]

const set = (reader: Reader, key: string): MoneyPair => readMoneySet(reader.object(key), keys)

/** Reads the body of `orders/*` webhooks. */
export function snapshotFromWebhook(order: Reader): Snapshot {
  const currency = { shop: order.text("currency"), presentment: order.text("presentment_currency") }
  const discounts = order.list("discount_applications").map(readDiscount)
  if (order.has("financial_status")) order.oneOf("financial_status", financialStatuses)
  const rounding = order.optionalObject("total_cash_rounding_payment_adjustment_set")
  const zero = { amountMinor: 0, currency: currency.shop }
  return {
    id: order.id("id"),
    name: order.text("name"),
    createdAt: order.moment("created_at"),
    updatedAt: order.moment("updated_at"),
    ...(order.has("cancelled_at") && {
      cancellation: {
        at: order.moment("cancelled_at"),
        reason: order.has("cancel_reason") ? order.oneOf("cancel_reason", cancelReasons) : "other",
      },
    }),
    currency,
    taxesIncluded: order.flag("taxes_included"),
    total: set(order, "total_price_set"),
    currentTotal: set(order, "current_total_price_set"),
    cashRounding: rounding
      ? readMoneySet(rounding, keys)
      : { shop: zero, presentment: { ...zero, currency: currency.presentment } },
    tip: { shop: order.has("total_tip_received") ? order.amount("total_tip_received", currency.shop) : zero },
    customer: readCustomer(order),
    ...readAddresses(order),
    ...optional("note", order.optionalText("note")),
    attributes: readAttributes(order.list("note_attributes"), "name"),
    ...optional("poNumber", order.optionalText("po_number")),
    lines: order.list("line_items").map((line) => readLine(line, discounts)),
    shippingLines: order
      .list("shipping_lines")
      .filter((line) => !(line.has("is_removed") && line.flag("is_removed")))
      .map((line) => readCharge(line, "price_set", discounts)),
    refunds: order.list("refunds").map(refundFromWebhook),
    fulfilments: order.list("fulfillments").map(fulfilmentFromWebhook),
  }
}

function readDiscount(application: Reader): Discounts[number] {
  const title =
    application.optionalText("code") ?? application.optionalText("title") ?? application.optionalText("description")
  const method = application.oneOf("allocation_method", allocationMethods)
  return { title: cut(title ?? "discount", 200), scope: method === "across" ? "order" : "line" }
}

function readCustomer(order: Reader): Snapshot["customer"] {
  const customer = order.optionalObject("customer")
  const name = [customer?.optionalText("first_name"), customer?.optionalText("last_name")].filter(Boolean).join(" ")
  return {
    ...(customer && { id: customer.id("id") }),
    ...optional("name", name === "" ? undefined : name),
    ...optional("email", order.optionalText("email")),
    ...optional("phone", order.optionalText("phone")),
    ...optional("locale", order.optionalText("customer_locale")),
  }
}

function readAddresses(order: Reader): Pick<Snapshot, "billingAddress" | "shippingAddress"> {
  const billing = order.optionalObject("billing_address")
  const shipping = order.optionalObject("shipping_address")
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
    ...optional("region", address.optionalText("province_code")),
    countryCode: address.text("country_code"),
    ...optional("phone", address.optionalText("phone")),
  }
}

function readTaxes(owner: Reader): TaxLine[] {
  return owner.list("tax_lines").map((tax) => ({
    title: cut(tax.optionalText("title") ?? "tax", 120),
    ...optional("ratePercent", tax.ratePercent("rate")),
    amount: set(tax, "price_set"),
  }))
}

function readAllocations(owner: Reader, discounts: Discounts): DiscountAllocation[] {
  return owner.list("discount_allocations").map((allocation) => {
    const application = discounts[allocation.count("discount_application_index")]
    if (!application) allocation.problem("discount_application_index", "is not a discount application of the order")
    return {
      scope: application?.scope ?? "line",
      title: application?.title ?? "discount",
      amount: set(allocation, "amount_set"),
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
  const charge = readCharge(line, "price_set", discounts)
  return {
    ...charge,
    // Custom items of a draft order have no SKU, only the title the merchant entered.
    sku: line.optionalText("sku") ?? cut(charge.title, 64),
    quantity: line.count("quantity"),
    currentQuantity: line.count("current_quantity"),
    requiresShipping: line.flag("requires_shipping"),
    isGiftCard: line.flag("gift_card"),
    attributes: readAttributes(line.list("properties"), "name"),
    duties: line.list("duties").map((duty) => ({
      id: duty.id("id"),
      title: `duty ${duty.optionalText("harmonized_system_code") ?? ""}`.trim(),
      price: readMoneySet(duty, keys),
      taxes: readTaxes(duty),
      discounts: [],
    })),
  }
}

/** Reads the body of `refunds/create`, which is also an entry of an order's `refunds`. */
export function refundFromWebhook(refund: Reader): SnapshotRefund {
  const shipping = refund.list("refund_shipping_lines")
  const adjustments = refund.list("order_adjustments")
  const transactions = refund
    .list("transactions")
    .map((one) => readTransaction(one, one.amount("amount", one.text("currency"))))
  return {
    id: refund.id("id"),
    at: refund.moment("created_at"),
    lines: refund.list("refund_line_items").map((item) => ({
      lineId: item.id("line_item_id"),
      quantity: item.count("quantity"),
      subtotal: set(item, "subtotal_set"),
      tax: set(item, "total_tax_set"),
      restock: item.oneOf("restock_type", restockTypes),
    })),
    extras: [
      ...shipping.map((line) => set(line, "subtotal_amount_set")),
      ...refund.list("duties").map((duty) => set(duty, "amount_set")),
      // An adjustment of -10 means that 10 more were refunded than the lines are worth.
      ...adjustments.map((adjustment) => negatePair(set(adjustment, "amount_set"))),
    ],
    extraTaxes: [
      ...shipping.map((line) => set(line, "tax_amount_set")),
      ...adjustments.map((adjustment) => negatePair(set(adjustment, "tax_amount_set"))),
    ],
    movesMoney: transactions.length > 0,
    paidBack: transactions
      .filter((one) => one.kind === "refund" && one.status === "success")
      .map(({ amount, parentId }) => ({ amount: amount.presentment, ...optional("parentId", parentId) })),
  }
}

/** Reads the body of `fulfillments/*`, which is also an entry of an order's `fulfillments`. */
export function fulfilmentFromWebhook(fulfilment: Reader): SnapshotFulfilment {
  return {
    id: fulfilment.id("id"),
    at: fulfilment.moment("created_at"),
    isSuccess: fulfilment.oneOf("status", fulfilmentStatuses) === "success",
    ...optional("trackingNumber", fulfilment.optionalText("tracking_number")),
    lines: fulfilment.list("line_items").map((line) => ({ lineId: line.id("id"), quantity: line.count("quantity") })),
  }
}

/**
 * Reads the body of `order_transactions/create`. Its amount is in the currency of the payment. The shop's amount is
 * equal if the currencies are equal; otherwise it is in `total_unsettled_set` of an authorisation not captured yet.
 * Returns undefined when the shop's amount is unknown, and for cash, whose rounding only the GraphQL transaction has.
 */
export function transactionFromWebhook(transaction: Reader, shopCurrency: string): SnapshotTransaction | undefined {
  const amount = transaction.amount("amount", transaction.text("currency"))
  const read = readTransaction(transaction, amount)
  if (read.gateway.toLowerCase() === "cash") return undefined
  if (amount.currency === shopCurrency) return { ...read, amount: { shop: amount, presentment: amount } }
  const unsettled = transaction.optionalObject("total_unsettled_set")
  const pair = unsettled && readMoneySet(unsettled, { ...keys, currency: "currency" })
  return pair?.presentment.amountMinor === amount.amountMinor ? { ...read, amount: pair } : undefined
}

function readTransaction(transaction: Reader, amount: Money): SnapshotTransaction {
  return {
    id: transaction.id("id"),
    ...(transaction.has("parent_id") && { parentId: transaction.id("parent_id") }),
    kind: transaction.oneOf("kind", transactionKinds),
    status: transaction.oneOf("status", transactionStatuses),
    gateway: transaction.text("gateway"),
    amount: { shop: amount, presentment: amount },
    at: transaction.moment("created_at"),
    ...optional(
      "reference",
      paymentReference(transaction.optionalObject("receipt"), transaction.optionalText("payment_id")),
    ),
  }
}
