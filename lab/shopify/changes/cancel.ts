import type { CancelRequest } from "./requests.ts"
import type { MoneyPair, ShopOrder, Transaction } from "../orders/model.ts"
import { zero } from "../orders/model.ts"
import { add, decimalText, subtract } from "../orders/money.ts"
import { restOrder } from "../rest/order-payload.ts"
import type { ShopStore } from "../store.ts"
import { planRefund, refund } from "./refund.ts"

/** Why an order cannot be cancelled; undefined when it can. */
export function cancelProblem(order: ShopOrder): string | undefined {
  if (order.cancelledAtMs !== null) return "Order has already been cancelled"
  if (order.fulfillments.length > 0) return "Cannot cancel an order that has been fulfilled"
  const isPending = order.transactions.some(({ kind, status }) => kind === "AUTHORIZATION" && status === "PENDING")
  if (isPending) return "Cannot cancel an order with pending payment authorizations"
  if (order.hasActiveReturn) return "Cannot cancel an order with active returns"
  return undefined
}

/** Ends the order: open authorisations are voided, payments given back if asked, nothing is left to fulfil. */
export function cancelOrder(store: ShopStore, order: ShopOrder, request: CancelRequest): void {
  if (cancelProblem(order) !== undefined) return
  order.cancelledAtMs = store.nowMs()
  order.cancelReason = request.reason
  voidAuthorisations(store, order)
  const lines = order.lines
    .filter((line) => line.currentQuantity > 0)
    .map((line) => ({
      lineId: line.id,
      quantity: line.currentQuantity,
      restockType: request.restock ? ("CANCEL" as const) : ("NO_RESTOCK" as const),
      locationId: line.locationId,
    }))
  const transactions = request.refundsPayments ? paymentsToReturn(order) : []
  const plan = planRefund(order, { note: request.staffNote, lines, shipping: "full", transactions })
  for (const fulfillmentOrder of order.fulfillmentOrders) {
    fulfillmentOrder.status = "CANCELLED"
    for (const line of fulfillmentOrder.lines) line.remainingQuantity = 0
  }
  store.touch(order)
  if (!("errors" in plan)) refund(store, plan)
  store.publish("orders/cancelled", order, () => restOrder(order))
  store.publish("orders/updated", order, () => restOrder(order))
}

function voidAuthorisations(store: ShopStore, order: ShopOrder): void {
  for (const authorisation of order.transactions.filter((one) => one.kind === "AUTHORIZATION")) {
    const left = subtract(authorisation.amount, takenFrom(order, authorisation.id))
    if (left.presentment <= 0) continue
    const transaction = childOf(store, authorisation, { kind: "VOID", amount: left })
    order.transactions.push(transaction)
    store.publishTransaction(order, transaction)
  }
}

function paymentsToReturn(order: ShopOrder): { parentId: number; amountText: string; gateway: string }[] {
  return order.transactions.flatMap((payment) => {
    if ((payment.kind !== "SALE" && payment.kind !== "CAPTURE") || payment.status !== "SUCCESS") return []
    const left = payment.amount.presentment - takenFrom(order, payment.id).presentment
    if (left <= 0) return []
    return [
      {
        parentId: payment.id,
        gateway: payment.gateway ?? "",
        amountText: decimalText(left, order.currencies.presentment),
      },
    ]
  })
}

/** What was captured of an authorisation, or given back of a payment, or is on its way back. */
export function takenFrom(order: ShopOrder, parentId: number): MoneyPair {
  // What is on its way back cannot be given back again.
  const children = order.transactions.filter((one) => one.parentId === parentId && one.status !== "FAILURE")
  return add(...children.map((one) => one.amount))
}

/** A transaction that follows another: a capture, a void. */
function childOf(
  store: ShopStore,
  parent: Transaction,
  what: { kind: "CAPTURE" | "VOID"; amount: MoneyPair },
): Transaction {
  return {
    ...parent,
    ...what,
    id: store.nextId(),
    status: "SUCCESS",
    rounding: zero,
    parentId: parent.id,
    createdAtMs: store.nowMs(),
  }
}

/** The merchant lets an authorisation go of which nothing was captured. */
export function voidAuthorisation(store: ShopStore, order: ShopOrder, parentId: number): Transaction | undefined {
  const parent = order.transactions.find((one) => one.id === parentId && one.kind === "AUTHORIZATION")
  if (parent === undefined) return undefined
  const transaction = childOf(store, parent, { kind: "VOID", amount: parent.amount })
  order.transactions.push(transaction)
  store.touch(order)
  store.publishTransaction(order, transaction)
  return transaction
}

/** The merchant captures the authorised money, all of it or a part. */
export function capture(
  store: ShopStore,
  order: ShopOrder,
  request: { parentId: number; amount: MoneyPair },
): Transaction | undefined {
  const parent = order.transactions.find((one) => one.id === request.parentId && one.kind === "AUTHORIZATION")
  if (parent === undefined) return undefined
  const left = subtract(parent.amount, takenFrom(order, parent.id))
  if (request.amount.presentment <= 0 || request.amount.presentment > left.presentment) return undefined
  const transaction = childOf(store, parent, { kind: "CAPTURE", amount: request.amount })
  order.transactions.push(transaction)
  store.touch(order)
  store.publishTransaction(order, transaction)
  store.publish("orders/updated", order, () => restOrder(order))
  if (request.amount.presentment === left.presentment) store.publish("orders/paid", order, () => restOrder(order))
  return transaction
}
