import { asAppError } from "../../../base/errors.ts"
import { sumMoney, type Money } from "../../../base/money.ts"
import { cut } from "../../../base/text.ts"
import { textMax, type MoneyPair } from "../../../canonical/parts.ts"
import {
  addPairs,
  fulfilmentStatuses,
  negatePair,
  optional,
  paymentReference,
  restockTypes,
  transactionKinds,
  transactionStatuses,
  type SnapshotFulfilment,
  type SnapshotRefund,
  type SnapshotTransaction,
} from "../payloads.ts"
import type { OddPart } from "../../../protocols/odd-parts.ts"
import type { Reader } from "./reader.ts"

/**
 * Reads one part of an order, with a reader of its own: what cannot be read becomes an odd part, and nothing else of the order is
 * lost.
 */
export function readPart<Part>(
  part: Reader,
  { kind, read, odd }: { kind: OddPart["kind"]; read: (part: Reader) => Part; odd: OddPart[] },
): Part[] {
  try {
    const value = read(part)
    if (part.problems.length === 0) return [value]
  } catch (thrown) {
    if (part.problems.length === 0) part.problem("", asAppError(thrown).message)
  }
  const id = kind === "content" ? "" : (part.optionalId("id") ?? part.pointer)
  const money = kind === "content" ? totalOf(part.apart()) : moneyOf(kind, part.apart())
  odd.push({ kind, id, pointer: part.pointer, problems: [...part.problems], ...(money && { money }) })
  return []
}

/** The money of a part that cannot be read as a whole, from the fields that can. */
function moneyOf(kind: OddPart["kind"], part: Reader): Money | undefined {
  if (kind === "transaction") return presentmentOf(part)
  if (kind !== "refund") return undefined
  const moved = part.nodes("transactions").flatMap((one) => presentmentOf(one) ?? [])
  const [first] = moved
  // Of several currencies there is no sum.
  if (!first || moved.some(({ currency }) => currency !== first.currency)) return undefined
  return sumMoney(moved, first.currency)
}

function presentmentOf(transaction: Reader): Money | undefined {
  const amount = readAmount(transaction).presentment
  return transaction.problems.length === 0 && amount.currency !== "" ? amount : undefined
}

function totalOf(order: Reader): Money | undefined {
  const total = order.pair("totalPriceSet", { plain: "total_price" }).shop
  return order.problems.length === 0 ? total : undefined
}

/** `amountSet` of GraphQL; REST has the amount and the currency that the payment was made in. */
function readAmount(transaction: Reader): MoneyPair {
  if (!transaction.isRest) {
    const pair = transaction.pair("amountSet")
    notNegative(transaction, "amountSet", pair.presentment)
    return pair
  }
  const amount = transaction.amount("amount", transaction.text("currency"))
  notNegative(transaction, "amount", amount)
  return { shop: amount, presentment: amount }
}

/** What goes back is said by the kind of a transaction, never by a sign. */
function notNegative(transaction: Reader, key: string, { amountMinor }: Money): void {
  if (amountMinor < 0) transaction.problem(key, "must not be negative")
}

/** What a refund paid back. In a webhook it has one currency, which may be the shop's (gift cards, cash) though the buyer's is another. */
function readPaidBack(transaction: Reader): Money {
  const { presentment } = readAmount(transaction)
  transaction.checkCurrency(transaction.isRest ? "currency" : "amountSet", "presentment", presentment.currency)
  return presentment
}

/**
 * Reads a refund of an order, or the body of `refunds/create`. Money that is stated twice has one source: refunded shipping is
 * `refundShippingLines`, and an adjustment of the kind `shipping_refund` counts only where there are none (REST before 2023).
 */
export function readRefund(refund: Reader, updatedAt?: string): SnapshotRefund {
  const shipping = refund.nodes("refundShippingLines")
  const adjustments = refund
    .nodes("orderAdjustments")
    .filter((one) => shipping.length === 0 || one.rawText("kind") !== "shipping_refund")
  const transactions = refund.nodes("transactions").map((one) => ({
    kind: one.oneOf("kind", transactionKinds),
    status: one.oneOf("status", transactionStatuses),
    amount: readPaidBack(one),
    ...optional("parentId", parentOf(one)),
  }))
  const paying = transactions.filter(({ kind }) => kind === "refund")
  const having = (...statuses: string[]) => paying.filter(({ status }) => statuses.includes(status))
  return {
    id: refund.id("id"),
    // A refund's own time may be missing; what it paid back has one always.
    at:
      refund.optionalMoment("createdAt") ??
      refund.optionalMoment("processedAt") ??
      updatedAt ??
      refund.moment("createdAt"),
    lines: refund.nodes("refundLineItems").map((item) => ({
      lineId: item.isRest ? item.id("lineItemId") : item.object("lineItem").id("id"),
      quantity: item.count("quantity"),
      subtotal: item.pair("subtotalSet", { plain: "subtotal" }),
      tax: item.pair("totalTaxSet", { plain: "total_tax" }),
      restock: item.oneOf("restockType", restockTypes),
      ...optional("place", item.isRest ? item.optionalId("locationId") : item.optionalObject("location")?.id("id")),
    })),
    charges: [
      ...shipping.map((line) => ({
        kind: "shipping" as const,
        subtotal: line.pair("subtotalAmountSet", { plain: "subtotal_amount" }),
        ...taxOf(line),
      })),
      ...refund.list("duties").map((duty) => ({ kind: "duty" as const, subtotal: duty.pair("amountSet") })),
      ...adjustments.map(adjustmentOf),
    ],
    movesMoney: transactions.length > 0,
    paidBack: having("success").map(({ amount, parentId }) => ({ amount, ...optional("parentId", parentId) })),
    pending: having("pending", "awaiting_response", "unknown").map(({ amount }) => amount),
    failed: having("failure", "error").map(({ amount }) => amount),
  }
}

/** An adjustment of -10 means that 10 more were refunded than the lines are worth. */
function adjustmentOf(adjustment: Reader): SnapshotRefund["charges"][number] {
  const { tax } = taxOf(adjustment)
  return {
    kind: adjustment.rawText("kind") === "shipping_refund" ? "shipping" : "adjustment",
    subtotal: negatePair(adjustment.pair("amountSet", { plain: "amount" })),
    ...(tax && { tax: negatePair(tax) }),
  }
}

/** Older payloads have no tax on refunded shipping. */
function taxOf(part: Reader): { tax?: MoneyPair } {
  const hasTax = part.has("taxAmountSet") || part.has("tax_amount")
  return hasTax ? { tax: part.pair("taxAmountSet", { plain: "tax_amount" }) } : {}
}

function parentOf(transaction: Reader): string | undefined {
  return transaction.isRest
    ? transaction.optionalId("parentId")
    : transaction.optionalObject("parentTransaction")?.optionalId("id")
}

/** Reads a fulfilment of an order, or the body of `fulfillments/*`. */
export function readFulfilment(fulfilment: Reader): SnapshotFulfilment {
  const at = fulfilment.moment("createdAt")
  const tracking = fulfilment.isRest ? undefined : fulfilment.list("trackingInfo")[0]
  const told = (graph: string, rest: string) =>
    fulfilment.isRest ? fulfilment.optionalText(rest) : tracking?.optionalText(graph)
  const lines = fulfilment.isRest
    ? fulfilment.list("lineItems").map((line) => ({ lineId: line.id("id"), quantity: line.count("quantity") }))
    : fulfilment
        .nodes("fulfillmentLineItems")
        .map((item) => ({ lineId: item.object("lineItem").id("id"), quantity: item.count("quantity") }))
  const number = told("number", "trackingNumber")
  const carrier = told("company", "trackingCompany")
  return {
    id: fulfilment.id("id"),
    at,
    status: fulfilment.oneOf("status", fulfilmentStatuses),
    changedAt: fulfilment.optionalMoment("updatedAt") ?? at,
    ...optional("trackingNumber", number === undefined ? undefined : cut(number, textMax)),
    ...optional("carrier", carrier === undefined ? undefined : cut(carrier, textMax)),
    ...optional("trackingUrl", told("url", "trackingUrl")),
    lines: lines.filter(({ quantity }) => quantity > 0),
  }
}

/** Reads a transaction of an order; the amount plus its cash rounding, which Shopify gives separately. */
export function readTransaction(transaction: Reader): SnapshotTransaction {
  const amount = readAmount(transaction)
  const rounding = transaction.optionalObject("amountRoundingSet")
  return {
    id: transaction.id("id"),
    ...optional("parentId", parentOf(transaction)),
    kind: transaction.oneOf("kind", transactionKinds),
    status: transaction.oneOf("status", transactionStatuses),
    // A payment may have no gateway; who configures a kind of tender for it names it by the empty text.
    gateway: transaction.optionalText("gateway") ?? "",
    amount: rounding
      ? addPairs([amount, rounding.sides()], { shop: amount.shop.currency, presentment: amount.presentment.currency })
      : amount,
    at: transaction.optionalMoment("createdAt") ?? transaction.moment("processedAt"),
    ...optional("reference", paymentReference(receiptOf(transaction), transaction.optionalText("paymentId"))),
  }
}

/** `receiptJson` is documented as subject to change: what cannot be read is left out, never an error. */
function receiptOf(transaction: Reader): Record<string, unknown> {
  const receipt = transaction.raw({ graph: "receiptJson", rest: "receipt" })
  try {
    const value: unknown = typeof receipt === "string" ? JSON.parse(receipt) : receipt
    return typeof value === "object" && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/**
 * Reads the body of `order_transactions/create`. Its amount is in the currency of the payment. The shop's amount is
 * equal if the currencies are equal; otherwise it is in `total_unsettled_set` of an authorisation not captured yet.
 * Returns undefined when the shop's amount is unknown, and for cash, whose rounding only the GraphQL transaction has.
 */
export function transactionAlone(transaction: Reader, shopCurrency: string): SnapshotTransaction | undefined {
  const read = readTransaction(transaction)
  const amount = read.amount.presentment
  if (read.gateway.toLowerCase() === "cash") return undefined
  if (amount.currency === shopCurrency) return read
  const pair = transaction.optionalObject("totalUnsettledSet")?.sides()
  return pair?.presentment.amountMinor === amount.amountMinor ? { ...read, amount: pair } : undefined
}
