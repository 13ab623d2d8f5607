import type { OrderLine, ShopOrder, Transaction } from "../orders/model.ts"
import { zero } from "../orders/model.ts"
import { subtract } from "../orders/money.ts"
import { taxLinesOn } from "../orders/pricing.ts"
import { fulfillableQuantity, lineTotal, removalOf, totalsOf } from "../orders/totals.ts"
import type { EditChange } from "../rest/documents.ts"
import { restOrderEdit } from "../rest/documents.ts"
import { restOrder } from "../rest/order-payload.ts"
import type { ShopStore } from "../store.ts"
import { unplan } from "./fulfil.ts"

export type EditRequest = {
  /** Units of a line that are not fulfilled yet. */
  remove: readonly { lineId: number; quantity: number }[]
  /** A line of its own at the price of the line named: of the same article, or of another. */
  add: readonly { likeLineId: number; quantity: number; sku?: string }[]
  note?: string
}

/** The merchant or the customer changes an order after it was placed. */
export function editOrder(store: ShopStore, order: ShopOrder, request: EditRequest): EditChange {
  const change: EditChange = { id: store.nextId(), additions: [], removals: [] }
  // "The order cannot be edited" (orderEditBegin of a cancelled order).
  if (order.cancelledAtMs !== null) return change
  for (const { lineId, quantity } of request.remove) {
    const line = order.lines.find((candidate) => candidate.id === lineId)
    if (line === undefined) continue
    const taken = Math.min(quantity, fulfillableQuantity(order, line))
    if (taken === 0) continue
    order.editRemovals.push(removalOf(line, taken))
    line.currentQuantity -= taken
    unplan(order, line.id, taken)
    change.removals.push({ id: line.id, delta: taken })
  }
  for (const { likeLineId, quantity, sku } of request.add) {
    const like = order.lines.find((candidate) => candidate.id === likeLineId)
    if (like === undefined || quantity < 1) continue
    const line = addLine(store, order, { like: { ...like, sku: sku ?? like.sku }, quantity })
    change.additions.push({ id: line.id, delta: quantity })
  }
  if (request.note !== undefined) order.note = request.note
  store.touch(order)
  if (change.additions.length + change.removals.length > 0) {
    store.publish("orders/edited", order, () => restOrderEdit(order, change))
  }
  store.publish("orders/updated", order, () => restOrder(order))
  return change
}

function addLine(store: ShopStore, order: ShopOrder, what: { like: OrderLine; quantity: number }): OrderLine {
  const { like, quantity } = what
  const line: OrderLine = {
    ...like,
    id: store.nextId(),
    quantity,
    currentQuantity: quantity,
    fulfilledQuantity: 0,
    discountAllocations: [],
    duties: [],
    properties: [],
    groupId: null,
  }
  line.taxLines = taxLinesOn(lineTotal(line), like.taxLines, order.taxesIncluded)
  order.lines.push(line)
  order.addedLineIds.push(line.id)
  const id = order.id + 300 + order.fulfillmentOrders.length
  const part = {
    id: order.id + 400 + order.lines.length,
    lineId: line.id,
    totalQuantity: quantity,
    remainingQuantity: quantity,
  }
  const { delivery, locationId } = line
  order.fulfillmentOrders.push({ id, status: "OPEN", delivery, locationId, lines: [part] })
  return line
}

/** The customer pays what is still owed (an invoice after an edit, a pending order). */
export function payOutstanding(store: ShopStore, order: ShopOrder): boolean {
  const totals = totalsOf(order)
  const amount = subtract(totals.outstanding, totals.capturable)
  if (amount.presentment <= 0 || order.cancelledAtMs !== null) return false
  // Cash on delivery has a pending payment from the start; what pays it follows it.
  const pending = order.transactions.find(({ kind, status }) => kind === "SALE" && status === "PENDING")
  const transaction: Transaction = {
    id: store.nextId(),
    kind: "SALE",
    status: "SUCCESS",
    // What buyers on terms pay is noted by staff.
    gateway: pending?.gateway ?? (order.paymentTerms === null ? "shopify_payments" : "manual"),
    amount,
    rounding: zero,
    parentId: pending?.id ?? null,
    paymentId: `${order.name}.${order.transactions.length + 1}`,
    receipt: {},
    createdAtMs: store.nowMs(),
  }
  order.transactions.push(transaction)
  store.touch(order)
  store.publishTransaction(order, transaction)
  store.publish("orders/paid", order, () => restOrder(order))
  store.publish("orders/updated", order, () => restOrder(order))
  return true
}
