import type { MoneyPair, OrderLine, Refund, RefundLine, ShopOrder, Transaction } from "../orders/model.ts"
import { zero } from "../orders/model.ts"
import { add, eachSide, minorFromText, share, subtract } from "../orders/money.ts"
import { lineDiscount, lineTax, removalOf, totalsOf } from "../orders/totals.ts"
import { restRefund } from "../rest/documents.ts"
import { restOrder } from "../rest/order-payload.ts"
import type { ShopStore } from "../store.ts"
import type { UserError } from "./requests.ts"
import { unplan } from "./fulfil.ts"

export type RefundRequest = {
  note: string | null
  lines: { lineId: number; quantity: number; restockType: RefundLine["restockType"]; locationId: number | null }[]
  /** Decimal text in the presentment currency, or everything that is left. */
  shipping: { amountText: string } | "full" | undefined
  transactions: { parentId: number | null; amountText: string; gateway: string }[]
}

export type RefundPlan = {
  order: ShopOrder
  refund: Omit<Refund, "id" | "createdAtMs" | "transactionIds">
  payments: Payment[]
}

type Payment = { parentId: number | null; gateway: string; amount: MoneyPair }

/** Checks quantities and amounts; nothing changes yet. */
export function planRefund(order: ShopOrder, request: RefundRequest): RefundPlan | { errors: UserError[] } {
  const refuse = (message: string, field: string[]): { errors: UserError[] } => ({ errors: [{ field, message }] })
  const lines: Omit<RefundLine, "id">[] = []
  for (const wanted of request.lines) {
    const line = order.lines.find((candidate) => candidate.id === wanted.lineId)
    if (line === undefined) return refuse("Line item does not exist", ["refundLineItems"])
    const before = lines.reduce((sum, item) => (item.lineId === line.id ? sum + item.quantity : sum), 0)
    if (wanted.quantity < 1 || wanted.quantity + before > line.currentQuantity) {
      return refuse("Quantity cannot refund more items than were purchased", ["refundLineItems", "0", "quantity"])
    }
    const { restockType, locationId } = wanted
    lines.push({ ...removalAfter(line, before, wanted.quantity), restockType, locationId })
  }
  const shipping = shippingPart(order, request.shipping)
  if (shipping === undefined) return refuse("Shipping amount is more than what is refundable", ["shipping"])
  const payments: Payment[] = []
  for (const transaction of request.transactions) {
    const amount = paymentAmount(order, transaction.amountText, payments)
    if (amount === undefined) {
      return refuse("Amount cannot be more than what is refundable", ["transactions", "0", "amount"])
    }
    payments.push({ parentId: transaction.parentId, gateway: transaction.gateway, amount })
  }
  const worth = add(...[...lines, ...shipping].map((part) => add(part.subtotal, order.taxesIncluded ? zero : part.tax)))
  // With no money moved the goods are taken out of the order and the customer keeps a credit.
  const discrepancy = payments.length === 0 ? zero : subtract(add(...payments.map((payment) => payment.amount)), worth)
  // The plan's lines get their ids when they are booked.
  return { order, refund: { note: request.note, lines: lines as RefundLine[], shipping, discrepancy }, payments }
}

function removalAfter(line: OrderLine, already: number, quantity: number): ReturnType<typeof removalOf> {
  return removalOf({ ...line, currentQuantity: line.currentQuantity - already }, quantity)
}

/** Shipping is given back from its discounted price, with the tax that was on it. */
function shippingPart(order: ShopOrder, wanted: RefundRequest["shipping"]): Refund["shipping"] | undefined {
  const [line] = order.shippingLines
  if (wanted === undefined || line === undefined) return []
  const price = subtract(line.price, lineDiscount(line))
  const given = add(...order.refunds.flatMap((refund) => refund.shipping.map((part) => part.subtotal)))
  const left = subtract(price, given)
  const minor = wanted === "full" ? left.presentment : minorFromText(wanted.amountText, order.currencies.presentment)
  if (minor === undefined || minor > left.presentment) return undefined
  if (minor === 0) return []
  const tax = lineTax(line)
  const subtotal = { presentment: minor, shop: partOf(left.shop, minor, left.presentment) }
  const part = eachSide((side) => partOf(tax[side], subtotal[side], price[side]))
  return [{ shippingLineId: line.id, subtotal, tax: part }]
}

function paymentAmount(order: ShopOrder, amountText: string, before: readonly Payment[]): MoneyPair | undefined {
  const totals = totalsOf(order)
  const minor = minorFromText(amountText, order.currencies.presentment)
  const underWay = order.transactions.filter(({ kind, status }) => kind === "REFUND" && status === "PENDING")
  const gone = add(totals.refunded, ...[...underWay, ...before].map((payment) => payment.amount))
  const left = subtract(totals.received, gone)
  if (minor === undefined || minor < 0 || minor > left.presentment) return undefined
  return { presentment: minor, shop: partOf(left.shop, minor, left.presentment) }
}

function partOf(whole: number, part: number, of: number): number {
  return of === 0 ? 0 : (share(whole, [part, of - part])[0] ?? 0)
}

/** Books a checked refund. Call inside a commit. Some ways of payment give money back only days later: it is pending until then. */
export function refund(store: ShopStore, plan: RefundPlan, { isPending = false } = {}): Refund {
  const { order, payments } = plan
  const transactions = payments.map((payment): Transaction => ({
    id: store.nextId(),
    kind: "REFUND",
    status: isPending ? "PENDING" : "SUCCESS",
    gateway: payment.gateway,
    amount: payment.amount,
    rounding: zero,
    parentId: payment.parentId,
    paymentId: `${order.name}.r${order.refunds.length + 1}`,
    receipt: {},
    createdAtMs: store.nowMs(),
  }))
  const booked: Refund = {
    ...plan.refund,
    id: store.nextId(),
    createdAtMs: store.nowMs(),
    lines: plan.refund.lines.map((line) => ({ ...line, id: store.nextId() })),
    transactionIds: transactions.map((transaction) => transaction.id),
  }
  for (const item of booked.lines) takeOut(order, item)
  order.transactions.push(...transactions)
  order.refunds.push(booked)
  store.touch(order)
  store.publish("refunds/create", order, () => restRefund(order, booked))
  store.publish("orders/updated", order, () => restOrder(order))
  return booked
}

/** Units not yet fulfilled leave the fulfilment plan; units already sent come back as a return. */
function takeOut(order: ShopOrder, item: RefundLine): void {
  const line = order.lines.find((candidate) => candidate.id === item.lineId)
  if (line === undefined) return
  line.currentQuantity -= item.quantity
  if (item.restockType !== "RETURN") unplan(order, line.id, item.quantity)
}
