import type { FulfillmentHold, FulfillmentOrder, ShopOrder } from "../orders/model.ts"
import { restFulfillmentOrder } from "../rest/fulfillment-order.ts"
import type { ShopStore } from "../store.ts"
import type { UserError } from "./requests.ts"

// Holds and schedules of fulfillment orders. None of it changes the order itself: `orders/updated` is not sent and the
// order's `updatedAt` stays (an app that lists changed orders does not see it), but each has a topic of its own.

export type Owned = { order: ShopOrder; fulfillmentOrder: FulfillmentOrder }

const holdable: readonly FulfillmentOrder["status"][] = ["OPEN", "SCHEDULED", "ON_HOLD"]

/** Puts a fulfillment order on hold, or some of its units, which then become a fulfillment order of their own. */
export function hold(
  store: ShopStore,
  owned: Owned,
  request: { reason: string; reasonNotes: string | null; lines?: { id: number; quantity: number }[] | undefined },
): { held: FulfillmentOrder; hold: FulfillmentHold; rest: FulfillmentOrder | null } | { errors: UserError[] } {
  const { order, fulfillmentOrder } = owned
  if (!holdable.includes(fulfillmentOrder.status)) return refuse("The fulfillment order is not in a holdable state.")
  const rest = request.lines ? splitOff(store, owned, request.lines) : null
  if (rest === "invalid") return refuse("Invalid fulfillment order line item quantity requested.")
  const placed = { id: store.nextId(), reason: request.reason, reasonNotes: request.reasonNotes }
  const isFirst = fulfillmentOrder.status !== "ON_HOLD"
  fulfillmentOrder.holds = [...(fulfillmentOrder.holds ?? []), placed]
  fulfillmentOrder.status = "ON_HOLD"
  changed(store, owned)
  // Sent once, when the first of several holds is placed.
  if (isFirst)
    store.publish("fulfillment_orders/placed_on_hold", order, () => ({
      fulfillment_order: restFulfillmentOrder(fulfillmentOrder),
      created_fulfillment_hold: { id: `gid://shopify/FulfillmentHold/${placed.id}` },
    }))
  return { held: fulfillmentOrder, hold: placed, rest }
}

/** Takes holds off, all of them by default. It is open, or scheduled as before, when none is left. */
export function releaseHold(store: ShopStore, owned: Owned, holdIds?: readonly number[]): UserError[] {
  const { order, fulfillmentOrder } = owned
  if (fulfillmentOrder.status !== "ON_HOLD") return refuse("The fulfillment order is not on hold.").errors
  fulfillmentOrder.holds = (fulfillmentOrder.holds ?? []).filter(({ id }) => holdIds && !holdIds.includes(id))
  if (fulfillmentOrder.holds.length === 0) {
    fulfillmentOrder.status = isLater(fulfillmentOrder) ? "SCHEDULED" : "OPEN"
    const body = () => ({ fulfillment_order: restFulfillmentOrder(fulfillmentOrder) })
    changed(store, owned)
    store.publish("fulfillment_orders/hold_released", order, body)
    openWhenDue(store, owned)
  } else changed(store, owned)
  return []
}

/** Gives a scheduled fulfillment order another time. */
export function reschedule(store: ShopStore, owned: Owned, fulfillAt: string): UserError[] {
  const { order, fulfillmentOrder } = owned
  if (fulfillmentOrder.status !== "SCHEDULED") return refuse("The fulfillment order is not scheduled.").errors
  if (Date.parse(fulfillAt) <= Date.now()) return refuse("The fulfill_at datetime must be in the future.").errors
  fulfillmentOrder.fulfillAt = fulfillAt
  changed(store, owned)
  store.publish("fulfillment_orders/rescheduled", order, () => ({
    fulfillment_order: restFulfillmentOrder(fulfillmentOrder),
  }))
  openWhenDue(store, owned)
  return []
}

/** A scheduled fulfillment order opens by itself at its time. */
export function openWhenDue(store: ShopStore, owned: Owned): void {
  const { order, fulfillmentOrder } = owned
  if (fulfillmentOrder.status !== "SCHEDULED") return
  // Longer timers would fire at once; a lab does not run for weeks.
  const waitMs = Math.min(Math.max(0, Date.parse(fulfillmentOrder.fulfillAt ?? "") - Date.now()), 2 ** 31 - 1)
  setTimeout(() => {
    if (fulfillmentOrder.status !== "SCHEDULED") return
    // A timer may fire a millisecond early, and there may be another time by now.
    if (isLater(fulfillmentOrder)) return openWhenDue(store, owned)
    if (store.orders.get(order.id) !== order) return
    fulfillmentOrder.status = "OPEN"
    changed(store, owned)
    store.publish("fulfillment_orders/scheduled_fulfillment_order_ready", order, () => ({
      fulfillment_order: restFulfillmentOrder(fulfillmentOrder),
    }))
  }, waitMs).unref()
}

/** Orders of the previous shop whose scheduled parts have not opened. */
export function resumeSchedules(store: ShopStore): void {
  for (const order of store.orders.values())
    for (const fulfillmentOrder of order.fulfillmentOrders) openWhenDue(store, { order, fulfillmentOrder })
}

function isLater({ fulfillAt }: FulfillmentOrder): boolean {
  return fulfillAt !== undefined && Date.parse(fulfillAt) > Date.now()
}

/** The fulfillment order keeps the units of the request; the others become one of their own, as before. */
function splitOff(
  store: ShopStore,
  { order, fulfillmentOrder }: Owned,
  lines: { id: number; quantity: number }[],
): FulfillmentOrder | null | "invalid" {
  const wanted = new Map(lines.map(({ id, quantity }) => [id, quantity]))
  const known = new Map(fulfillmentOrder.lines.map((line) => [line.id, line]))
  if (lines.some(({ id, quantity }) => quantity < 1 || quantity > (known.get(id)?.remainingQuantity ?? 0)))
    return "invalid"
  const { status, delivery, locationId } = fulfillmentOrder
  const rest = newFulfillmentOrder(order, { status, delivery, locationId })
  for (const line of fulfillmentOrder.lines) {
    const left = line.remainingQuantity - (wanted.get(line.id) ?? 0)
    if (left > 0) moveUnits(order, { from: line, to: rest, quantity: left })
  }
  fulfillmentOrder.lines = fulfillmentOrder.lines.filter((line) => line.totalQuantity > 0)
  if (rest.lines.length === 0) return null
  order.fulfillmentOrders.push(rest)
  store.orders.changed(order.id)
  return rest
}

/** A fulfillment order of an order, without lines. */
export function newFulfillmentOrder(
  order: ShopOrder,
  like: Pick<FulfillmentOrder, "status" | "delivery" | "locationId">,
): FulfillmentOrder {
  return { ...like, id: order.id + 300 + order.fulfillmentOrders.length, lines: [], updatedAtMs: Date.now() }
}

/** Puts units of one fulfillment order's line into another fulfillment order. */
export function moveUnits(
  order: ShopOrder,
  { from, to, quantity }: { from: FulfillmentOrder["lines"][number]; to: FulfillmentOrder; quantity: number },
): void {
  const count = [...order.fulfillmentOrders, to].flatMap(({ lines }) => lines).length
  from.remainingQuantity -= quantity
  from.totalQuantity -= quantity
  to.lines.push({
    id: order.id + 500 + count,
    lineId: from.lineId,
    totalQuantity: quantity,
    remainingQuantity: quantity,
  })
}

function changed(store: ShopStore, { order, fulfillmentOrder }: Owned): void {
  fulfillmentOrder.updatedAtMs = store.nowMs()
  store.orders.changed(order.id)
}

function refuse(message: string): { errors: UserError[] } {
  return { errors: [{ field: ["id"], message }] }
}
