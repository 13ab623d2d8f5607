import { cut } from "../../../base/text.ts"
import { pieces } from "../../../base/quantity.ts"
import { newEvent, type NewEvent } from "../../../canonical/events.ts"
import type { HeldPart } from "../../../canonical/events/orders.ts"
import { orderIdOf } from "../../../base/ids.ts"
import type { Reader } from "../orders/reader.ts"

// FulfillmentOrderStatus, Admin API 2026-10.
const statuses = ["open", "in_progress", "on_hold", "scheduled", "closed", "cancelled", "incomplete"] as const

/** Topic of deliveries that are made from a fulfilment order which a webhook named. */
export const readFulfilmentOrderTopic = "crossdock/read-fulfilment-order"
/** Type of the object that such a webhook names. */
export const fulfilmentOrderType = "fulfilment order"

/** Topics that name fulfilment orders by id and status only. What they say is read. */
export const fulfilmentOrderTopics = [
  "fulfillment_orders/placed_on_hold",
  "fulfillment_orders/hold_released",
  "fulfillment_orders/scheduled_fulfillment_order_ready",
  "fulfillment_orders/rescheduled",
  "fulfillment_orders/moved",
  "fulfillment_orders/cancelled",
] as const

/** The fulfilment orders that a webhook names, by number: `moved` names two. */
export function namedFulfilmentOrders(body: Reader): string[] {
  const keys = [
    "fulfillment_order",
    "original_fulfillment_order",
    "moved_fulfillment_order",
    "replacement_fulfillment_order",
  ]
  return [...new Set(keys.filter((key) => body.has(key)).map((key) => body.object(key).id("id")))]
}

/** Whether the shop holds a fulfilment order back; `lines` are what of it has still to leave. */
export function heldPart(fulfilmentOrder: Reader, lines: readonly { lineId: string; remaining: number }[]): HeldPart {
  const status = fulfilmentOrder.oneOf("status", statuses)
  const reasons = fulfilmentOrder.list("fulfillmentHolds").map((hold) => {
    const reason = hold.text("reason").toLowerCase().replaceAll("_", " ")
    return [reason, hold.optionalText("reasonNotes")].filter(Boolean).join(": ")
  })
  const isLater = status === "scheduled" && fulfilmentOrder.has("fulfillAt")
  return {
    partId: fulfilmentOrder.id("id"),
    state: status === "on_hold" ? "held" : status === "scheduled" ? "scheduled" : "free",
    lines: lines.flatMap(({ lineId, remaining }) => (remaining > 0 ? [{ lineId, quantity: pieces(remaining) }] : [])),
    ...(isLater && { until: fulfilmentOrder.moment("fulfillAt") }),
    ...(reasons.length > 0 && { reason: cut(reasons.join("; "), 500) }),
    at: fulfilmentOrder.moment("updatedAt"),
  }
}

/** The fact of a fulfilment order as `readFulfilmentOrder` returns it. */
export function heldFact(fulfilmentOrder: Reader, system: string): NewEvent {
  const order = fulfilmentOrder.object("order").id("id")
  const part = heldPart(fulfilmentOrder, linesOf(fulfilmentOrder))
  return newEvent({
    type: "order.hold-changed",
    fact: `${system}:order:${order}:part:${part.partId}:${part.at}:${part.state}`,
    source: system,
    time: part.at,
    data: { orderId: orderIdOf(system, order), ...part },
  })
}

/** Lines of a fulfilment order with what of them has still to be fulfilled. */
export function linesOf(fulfilmentOrder: Reader): { id: string; lineId: string; remaining: number }[] {
  return fulfilmentOrder.nodes("lineItems").map((item) => ({
    id: item.text("id"),
    lineId: item.object("lineItem").id("id"),
    remaining: item.count("remainingQuantity"),
  }))
}
