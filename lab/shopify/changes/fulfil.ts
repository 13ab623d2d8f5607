import type { UserError } from "./requests.ts"
import type { Fulfillment, FulfillmentOrder, ShopOrder, Tracking } from "../orders/model.ts"
import { fulfillmentStatus } from "../orders/totals.ts"
import { restFulfillment } from "../rest/documents.ts"
import { restOrder } from "../rest/order-payload.ts"
import { ownerOf, type ShopStore } from "../store.ts"

export type FulfilRequest = {
  parts: { fulfillmentOrderId: number; lines: { id: number; quantity: number }[] | undefined }[]
  tracking: Tracking[]
}

type Pick = { fulfillmentOrder: FulfillmentOrder; lineIndex: number; quantity: number }

// A hold must be released first (FulfillmentOrderStatus, schema 2026-10). That a scheduled one is refused too is not verified.
const fulfillable: readonly FulfillmentOrder["status"][] = ["OPEN", "IN_PROGRESS"]

/** Checks a fulfilment; returns what to do, or the refusal. All parts must be at one location of one order. */
export function planFulfilment(
  store: ShopStore,
  request: FulfilRequest,
): { order: ShopOrder; picks: Pick[] } | { errors: UserError[] } {
  const field = ["fulfillment", "lineItemsByFulfillmentOrder"]
  const refuse = (message: string): { errors: UserError[] } => ({ errors: [{ field, message }] })
  let order: ShopOrder | undefined
  const picks: Pick[] = []
  const places = new Set<number>()
  for (const part of request.parts) {
    const owner = ownerOf(store, part.fulfillmentOrderId)
    if (owner === undefined) return refuse("Fulfillment order does not exist.")
    if (order !== undefined && owner.order.id !== order.id)
      return refuse("All fulfillment orders must belong to the same order.")
    order = owner.order
    places.add(owner.fulfillmentOrder.locationId)
    if (!fulfillable.includes(owner.fulfillmentOrder.status))
      return refuse("Fulfillment order has an unfulfillable status= " + owner.fulfillmentOrder.status.toLowerCase())
    const found = picksOf(owner.fulfillmentOrder, part.lines)
    if (found === undefined) return refuse("Invalid fulfillment order line item quantity requested.")
    picks.push(...found)
  }
  if (order === undefined || picks.length === 0) return refuse("There must be at least one item to fulfill.")
  if (places.size > 1) return refuse("All fulfillment orders must be assigned to the same location.")
  return { order, picks }
}

function picksOf(
  fulfillmentOrder: FulfillmentOrder,
  lines: FulfilRequest["parts"][number]["lines"],
): Pick[] | undefined {
  const picks: Pick[] = []
  if (lines === undefined || lines.length === 0) {
    for (const [lineIndex, line] of fulfillmentOrder.lines.entries()) {
      if (line.remainingQuantity > 0) picks.push({ fulfillmentOrder, lineIndex, quantity: line.remainingQuantity })
    }
    return picks
  }
  const asked = new Map<number, number>()
  for (const line of lines) asked.set(line.id, (asked.get(line.id) ?? 0) + line.quantity)
  for (const [id, quantity] of asked) {
    const lineIndex = fulfillmentOrder.lines.findIndex((line) => line.id === id)
    const line = fulfillmentOrder.lines[lineIndex]
    if (line === undefined || quantity < 1 || quantity > line.remainingQuantity) return undefined
    picks.push({ fulfillmentOrder, lineIndex, quantity })
  }
  return picks
}

/** Books a checked fulfilment, which also triggers the caller's own webhooks. Call inside a commit. */
export function fulfil(
  store: ShopStore,
  plan: { order: ShopOrder; picks: readonly Pick[] },
  tracking: Tracking[],
): Fulfillment {
  const { order, picks } = plan
  const fulfillment: Fulfillment = {
    id: store.nextId(),
    name: `${order.name}.${order.fulfillments.length + 1}`,
    createdAtMs: store.nowMs(),
    locationId: picks[0]?.fulfillmentOrder.locationId ?? 0,
    fulfillmentOrderIds: [...new Set(picks.map((pick) => pick.fulfillmentOrder.id))],
    tracking,
    lines: [],
  }
  for (const { fulfillmentOrder, lineIndex, quantity } of picks) {
    const part = fulfillmentOrder.lines[lineIndex]
    const line = order.lines.find((candidate) => candidate.id === part?.lineId)
    if (part === undefined || line === undefined) continue
    part.remainingQuantity -= quantity
    line.fulfilledQuantity += quantity
    fulfillment.lines.push({ id: store.nextId(), lineId: line.id, quantity })
  }
  for (const { fulfillmentOrder } of picks) {
    fulfillmentOrder.status = statusOf(fulfillmentOrder)
    fulfillmentOrder.updatedAtMs = store.nowMs()
  }
  order.fulfillments.push(fulfillment)
  store.touch(order)
  store.publish("fulfillments/create", order, () => restFulfillment(order, fulfillment))
  store.publish("orders/updated", order, () => restOrder(order))
  if (fulfillmentStatus(order) === "FULFILLED") store.publish("orders/fulfilled", order, () => restOrder(order))
  return fulfillment
}

function statusOf(fulfillmentOrder: FulfillmentOrder): FulfillmentOrder["status"] {
  return fulfillmentOrder.lines.every((line) => line.remainingQuantity === 0) ? "CLOSED" : "IN_PROGRESS"
}

/** Takes units of a line off what is still to be fulfilled. */
export function unplan(order: ShopOrder, lineId: number, quantity: number): number {
  let left = quantity
  for (const fulfillmentOrder of order.fulfillmentOrders) {
    if (["CLOSED", "CANCELLED", "INCOMPLETE"].includes(fulfillmentOrder.status)) continue
    for (const line of fulfillmentOrder.lines) {
      if (line.lineId !== lineId) continue
      const taken = Math.min(left, line.remainingQuantity)
      line.remainingQuantity -= taken
      line.totalQuantity -= taken
      left -= taken
    }
    if (fulfillmentOrder.lines.every((line) => line.remainingQuantity === 0)) {
      fulfillmentOrder.status = fulfillmentOrder.lines.some((line) => line.totalQuantity > 0) ? "CLOSED" : "CANCELLED"
    }
  }
  return quantity - left
}
