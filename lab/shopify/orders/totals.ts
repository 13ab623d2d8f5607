import type { MoneyPair, OrderLine, Removal, ShippingLine, ShopOrder } from "./model.ts"
import { zero } from "./model.ts"
import { add, portion, subtract, times } from "./money.ts"

export type Totals = {
  lineItems: MoneyPair
  discounts: MoneyPair
  subtotal: MoneyPair
  shipping: MoneyPair
  shippingDiscounted: MoneyPair
  tax: MoneyPair
  duties: MoneyPair
  tip: MoneyPair
  total: MoneyPair
  currentSubtotal: MoneyPair
  currentShipping: MoneyPair
  currentTax: MoneyPair
  currentDiscounts: MoneyPair
  currentTotal: MoneyPair
  received: MoneyPair
  refunded: MoneyPair
  outstanding: MoneyPair
  capturable: MoneyPair
  rounding: MoneyPair
}

export function lineDiscount(line: OrderLine | ShippingLine): MoneyPair {
  return add(...line.discountAllocations.map((allocation) => allocation.amount))
}

export function lineTax(line: { taxLines: OrderLine["taxLines"] }): MoneyPair {
  return add(...line.taxLines.map((tax) => tax.price))
}

/** Price times quantity less discounts; contains the tax when the order's prices do. */
export function lineTotal(line: OrderLine): MoneyPair {
  return subtract(times(line.unitPrice, line.quantity), lineDiscount(line))
}

/** The amounts of the next `quantity` units that leave the order, counted after those already gone. */
export function removalOf(line: OrderLine, quantity: number): Removal {
  const from = line.quantity - line.currentQuantity
  const range = { from, to: from + quantity, count: line.quantity }
  return { lineId: line.id, quantity, subtotal: portion(lineTotal(line), range), tax: portion(lineTax(line), range) }
}

export function totalsOf(order: ShopOrder, lines: readonly OrderLine[] = order.lines): Totals {
  const lineItems = add(...lines.map((line) => times(line.unitPrice, line.quantity)))
  const lineDiscounts = add(...lines.map(lineDiscount))
  const subtotal = subtract(lineItems, lineDiscounts)
  const shipping = add(...order.shippingLines.map((line) => line.price))
  const shippingDiscounts = add(...order.shippingLines.map(lineDiscount))
  const shippingDiscounted = subtract(shipping, shippingDiscounts)
  const dutyList = lines.flatMap((line) => line.duties)
  const duties = add(...dutyList.map((duty) => duty.price))
  const tax = add(...lines.map(lineTax), ...order.shippingLines.map(lineTax), ...dutyList.map(lineTax))
  const fees = order.fees ?? zero
  const total = add(subtotal, shippingDiscounted, duties, fees, order.tip, order.taxesIncluded ? zero : tax)

  const refundedLines = order.refunds.flatMap((refund): Removal[] => refund.lines)
  const removals = [...refundedLines, ...order.editRemovals]
  const shippingBack = order.refunds.flatMap((refund) => refund.shipping)
  const removedSubtotal = add(...removals.map((removal) => removal.subtotal))
  const removedShipping = add(...shippingBack.map((line) => line.subtotal))
  const removedTax = add(...removals.map((removal) => removal.tax), ...shippingBack.map((line) => line.tax))
  const removed = add(removedSubtotal, removedShipping, order.taxesIncluded ? zero : removedTax)
  const discrepancy = add(...order.refunds.map((refund) => refund.discrepancy))
  const paid = paymentsOf(order)
  const currentTotal = subtract(subtract(total, removed), discrepancy)
  return {
    lineItems,
    discounts: add(lineDiscounts, shippingDiscounts),
    subtotal,
    shipping,
    shippingDiscounted,
    tax,
    duties,
    tip: order.tip,
    total,
    currentSubtotal: subtract(subtotal, removedSubtotal),
    currentShipping: subtract(shippingDiscounted, removedShipping),
    currentTax: subtract(tax, removedTax),
    currentDiscounts: add(currentDiscountsOf(lines), shippingDiscounts),
    currentTotal,
    ...paid,
    outstanding: subtract(currentTotal, subtract(paid.received, paid.refunded)),
  }
}

function currentDiscountsOf(lines: readonly OrderLine[]): MoneyPair {
  const kept = lines.map((line) =>
    portion(lineDiscount(line), {
      from: line.quantity - line.currentQuantity,
      to: line.quantity,
      count: line.quantity,
    }),
  )
  return add(...kept)
}

function paymentsOf(order: ShopOrder): Pick<Totals, "received" | "refunded" | "capturable" | "rounding"> {
  let received = zero
  let refunded = zero
  let authorised = zero
  let released = zero
  let rounding = zero
  for (const transaction of order.transactions) {
    if (transaction.status !== "SUCCESS") continue
    rounding = add(rounding, transaction.rounding)
    if (transaction.kind === "SALE" || transaction.kind === "CAPTURE") received = add(received, transaction.amount)
    if (transaction.kind === "REFUND") refunded = add(refunded, transaction.amount)
    if (transaction.kind === "AUTHORIZATION") authorised = add(authorised, transaction.amount)
    if (transaction.kind === "CAPTURE" || transaction.kind === "VOID") released = add(released, transaction.amount)
  }
  return { received, refunded, capturable: subtract(authorised, released), rounding }
}

export type FinancialStatus =
  | "PENDING"
  | "AUTHORIZED"
  | "PARTIALLY_PAID"
  | "PAID"
  | "PARTIALLY_REFUNDED"
  | "REFUNDED"
  | "VOIDED"

export function financialStatus(order: ShopOrder, totals: Totals = totalsOf(order)): FinancialStatus {
  const { received, refunded, capturable, total } = totals
  if (refunded.presentment > 0) {
    return refunded.presentment >= received.presentment ? "REFUNDED" : "PARTIALLY_REFUNDED"
  }
  if (received.presentment > 0) return totals.outstanding.presentment > 0 ? "PARTIALLY_PAID" : "PAID"
  if (capturable.presentment > 0) return "AUTHORIZED"
  if (order.transactions.some((transaction) => transaction.kind === "VOID")) return "VOIDED"
  return total.presentment === 0 ? "PAID" : "PENDING"
}

export type FulfillmentStatus = "FULFILLED" | "PARTIALLY_FULFILLED" | "UNFULFILLED"

export function fulfillmentStatus(order: ShopOrder): FulfillmentStatus {
  const isOpen = order.lines.some((line) => fulfillableQuantity(order, line) > 0)
  const hasShipped = order.lines.some((line) => line.fulfilledQuantity > 0)
  if (!hasShipped) return "UNFULFILLED"
  return isOpen ? "PARTIALLY_FULFILLED" : "FULFILLED"
}

export function fulfillableQuantity(order: ShopOrder, line: OrderLine): number {
  let remaining = 0
  for (const fulfillmentOrder of order.fulfillmentOrders) {
    if (fulfillmentOrder.status === "CANCELLED") continue
    for (const item of fulfillmentOrder.lines) if (item.lineId === line.id) remaining += item.remainingQuantity
  }
  return remaining
}
