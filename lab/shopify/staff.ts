import { capture, takenFrom } from "./changes/cancel.ts"
import { fulfil, planFulfilment } from "./changes/fulfil.ts"
import { hold, releaseHold } from "./changes/hold.ts"
import { planRefund, refund, type RefundPlan, type RefundRequest } from "./changes/refund.ts"
import type { FulfillmentOrder, ShopOrder } from "./orders/model.ts"
import { decimalText, share } from "./orders/money.ts"
import { restFulfillment } from "./rest/documents.ts"
import { restOrder } from "./rest/order-payload.ts"
import type { ShopStore } from "./store.ts"

type StaffAction = (store: ShopStore, order: ShopOrder, body: Record<string, unknown>) => object

/** What the merchant's staff does to an order in the shop's admin, by the name of the control. */
export const staffActions: Readonly<Record<string, StaffAction>> = {
  refund: refundByMerchant,
  "settle-refunds": settleRefunds,
  capture: captureByHand,
  fulfil: fulfilByHand,
  track,
  hold: (store, order, body) =>
    onEach(order, body, (fulfillmentOrder) => {
      const reason = typeof body["reason"] === "string" ? body["reason"] : "OTHER"
      return "held" in hold(store, { order, fulfillmentOrder }, { reason, reasonNotes: null })
    }),
  "release-hold": (store, order, body) =>
    onEach(order, body, (fulfillmentOrder) => releaseHold(store, { order, fulfillmentOrder }).length === 0),
}

/**
 * Refunds the first open line (or the one named), with the money for it. `amountMinor` is other money than that, also none; `goods`
 * false gives back money alone. `pending`: the money is on its way until the refunds are settled. `lines` names several lines, each
 * with its own quantity, restock type and place; `shipping` gives all of it back that is left.
 */
function refundByMerchant(store: ShopStore, order: ShopOrder, body: Record<string, unknown>): object {
  const line = order.lines.find((item) =>
    body["lineId"] === undefined ? item.currentQuantity > 0 : item.id === body["lineId"],
  )
  if (line === undefined) return { refunded: false, reason: "nothing left to refund" }
  const lines = body["goods"] === false ? [] : linesBack(order, { ...body, lineId: line.id })
  const request = {
    note: typeof body["note"] === "string" ? body["note"] : "Refunded in the shop's admin",
    lines,
    shipping: body["shipping"] === true ? ("full" as const) : undefined,
    transactions: [],
  }
  const goods = planRefund(order, request)
  if ("errors" in goods) return { refunded: false, reason: goods.errors[0]?.message }
  const amountMinor = wholeNumber(body["amountMinor"]) ?? worthOf(order, goods.refund)
  const plan = planRefund(order, {
    ...request,
    transactions: amountMinor > 0 ? paymentsBack(order, amountMinor) : [],
  })
  if ("errors" in plan) return { refunded: false, reason: plan.errors[0]?.message }
  return { refunded: true, id: refund(store, plan, { isPending: body["pending"] === true }).id }
}

function linesBack(order: ShopOrder, body: Record<string, unknown>): RefundRequest["lines"] {
  const wishes = Array.isArray(body["lines"]) ? (body["lines"] as Record<string, unknown>[]) : [body]
  return wishes.flatMap((wish) => {
    const line = order.lines.find(({ id }) => id === wish["lineId"])
    if (!line) return []
    const restockType = restockTypes.find((one) => one === wish["restock"])
    return [
      {
        restockType: restockType ?? (line.fulfilledQuantity > 0 ? "RETURN" : "CANCEL"),
        locationId: wholeNumber(wish["locationId"]) ?? line.locationId,
        lineId: line.id,
        quantity: wholeNumber(wish["quantity"]) ?? 1,
      },
    ]
  })
}

const restockTypes = ["RETURN", "CANCEL", "NO_RESTOCK"] as const

function worthOf(order: ShopOrder, { lines, shipping }: RefundPlan["refund"]): number {
  const parts = [...lines, ...shipping]
  return parts.reduce(
    (sum, { subtotal, tax }) => sum + subtotal.presentment + (order.taxesIncluded ? 0 : tax.presentment),
    0,
  )
}

/** From one payment after the other, from each what it still has. */
function paymentsBack(order: ShopOrder, amountMinor: number): RefundRequest["transactions"] {
  let wanted = amountMinor
  return order.transactions.flatMap((payment) => {
    if ((payment.kind !== "SALE" && payment.kind !== "CAPTURE") || payment.status !== "SUCCESS") return []
    const part = Math.min(wanted, payment.amount.presentment - takenFrom(order, payment.id).presentment)
    if (part <= 0) return []
    wanted -= part
    const amountText = decimalText(part, order.currencies.presentment)
    return [{ parentId: payment.id, gateway: payment.gateway ?? "", amountText }]
  })
}

/** The money of pending refunds has arrived, or has come back. No webhook is about that but the one of the order. */
function settleRefunds(store: ShopStore, order: ShopOrder, body: Record<string, unknown>): object {
  const pending = order.transactions.filter(({ kind, status }) => kind === "REFUND" && status === "PENDING")
  for (const transaction of pending) transaction.status = body["outcome"] === "failed" ? "FAILURE" : "SUCCESS"
  if (pending.length > 0) store.touch(order)
  if (pending.length > 0) store.publish("orders/updated", order, () => restOrder(order))
  return { settled: pending.length }
}

/** Captures a part of the authorisation, or all that is left, in the shop's books; the provider has to be told apart. */
function captureByHand(store: ShopStore, order: ShopOrder, body: Record<string, unknown>): object {
  const parent = order.transactions.find(({ kind }) => kind === "AUTHORIZATION")
  if (parent === undefined) return { captured: false }
  const presentment = wholeNumber(body["amountMinor"]) ?? parent.amount.presentment
  const [shop = 0] = share(parent.amount.shop, [presentment, Math.max(0, parent.amount.presentment - presentment)])
  const transaction = capture(store, order, { parentId: parent.id, amount: { shop, presentment } })
  return { captured: transaction !== undefined, paymentId: parent.paymentId, amountMinor: presentment }
}

/** Ships what is open, past everybody else, without a tracking number. */
function fulfilByHand(store: ShopStore, order: ShopOrder): object {
  const fulfilled = order.fulfillmentOrders.flatMap(({ id }) => {
    const plan = planFulfilment(store, { parts: [{ fulfillmentOrderId: id, lines: undefined }], tracking: [] })
    return "errors" in plan ? [] : [fulfil(store, plan, []).id]
  })
  return { fulfilled }
}

/** Gives a tracking number to parcels that have none yet. */
function track(store: ShopStore, order: ShopOrder): object {
  const untracked = order.fulfillments.filter(({ tracking }) => tracking.every(({ number }) => number === null))
  for (const fulfillment of untracked) {
    fulfillment.tracking = [{ company: "PostNL", number: `3S${fulfillment.id}`, url: null }]
    store.touch(order)
    store.publish("fulfillments/update", order, () => restFulfillment(order, fulfillment))
  }
  if (untracked.length > 0) store.publish("orders/updated", order, () => restOrder(order))
  return { tracked: untracked.length }
}

/** Changes the fulfillment orders of the order, or those with the SKU named. */
function onEach(
  order: ShopOrder,
  body: Record<string, unknown>,
  change: (fulfillmentOrder: FulfillmentOrder) => boolean,
): { changed: number } {
  const wanted = order.lines.filter(({ sku }) => body["sku"] === undefined || sku === body["sku"])
  const ids = new Set(wanted.map(({ id }) => id))
  const chosen = order.fulfillmentOrders.filter(({ lines }) => lines.some(({ lineId }) => ids.has(lineId)))
  return { changed: chosen.map(change).filter(Boolean).length }
}

function wholeNumber(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}
