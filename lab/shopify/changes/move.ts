import type { FulfillmentOrder } from "../orders/model.ts"
import { restFulfillmentOrder } from "../rest/fulfillment-order.ts"
import type { ShopStore } from "../store.ts"
import { moveUnits, newFulfillmentOrder, type Owned } from "./hold.ts"
import type { UserError } from "./requests.ts"

export type Move = { locationId: number; lines: { id: number; quantity: number }[] | undefined }

/** Request statuses in which a fulfillment service has the work (fulfillmentOrderMove, schema 2026-10). */
const withService: readonly (string | undefined)[] = ["SUBMITTED", "ACCEPTED"]

/**
 * Assigns units that are not fulfilled to another location. All of an untouched fulfillment order: it moves itself. Some of
 * it, or one that is partly fulfilled: they become a fulfillment order of their own at the other location.
 */
export function planMove(
  store: ShopStore,
  { order, fulfillmentOrder }: Owned,
  move: Move,
): { errors: UserError[] } | { apply(): FulfillmentOrder } {
  const refuse = (message: string) => ({ errors: [{ field: ["id"], message }] })
  const { status, requestStatus, locationId } = fulfillmentOrder
  if (["CLOSED", "CANCELLED", "INCOMPLETE"].includes(status)) return refuse("The fulfillment order is closed.")
  if (withService.includes(requestStatus))
    return refuse("Cannot change the assigned location while a fulfillment service has the fulfillment order.")
  const place = store.locations.find(({ id }) => id === move.locationId)
  if (place === undefined) return refuse("The destination location was not found.")
  if (place.id === locationId) return refuse("The fulfillment order is already assigned to that location.")
  const wanted =
    move.lines ?? fulfillmentOrder.lines.map(({ id, remainingQuantity }) => ({ id, quantity: remainingQuantity }))
  for (const { id, quantity } of wanted) {
    const line = fulfillmentOrder.lines.find((candidate) => candidate.id === id)
    if (line === undefined || quantity < 1 || quantity > line.remainingQuantity)
      return refuse("Invalid fulfillment order line item quantity requested.")
    const sku = order.lines.find((candidate) => candidate.id === line.lineId)?.sku ?? ""
    const [item] = store.inventory.bySku(sku)
    if (item && !item.available.has(place.id))
      return refuse("The destination location does not stock the requested inventory item.")
  }
  return {
    apply() {
      const isWhole = fulfillmentOrder.lines.every((line) => {
        const quantity = wanted.find(({ id }) => id === line.id)?.quantity ?? 0
        return quantity === line.totalQuantity
      })
      const moved = isWhole ? fulfillmentOrder : takeOut({ order, fulfillmentOrder }, wanted)
      const source = moved === fulfillmentOrder ? null : fulfillmentOrder
      moved.locationId = place.id
      moved.updatedAtMs = store.nowMs()
      store.orders.changed(order.id)
      store.publish("fulfillment_orders/moved", order, () => ({
        original_fulfillment_order: restFulfillmentOrder(source ?? moved),
        moved_fulfillment_order: restFulfillmentOrder(moved),
        destination_location_id: `gid://shopify/Location/${place.id}`,
      }))
      return moved
    },
  }
}

function takeOut(
  { order, fulfillmentOrder }: Owned,
  wanted: readonly { id: number; quantity: number }[],
): FulfillmentOrder {
  const { status, delivery, locationId } = fulfillmentOrder
  const moved = newFulfillmentOrder(order, { status: status === "IN_PROGRESS" ? "OPEN" : status, delivery, locationId })
  for (const { id, quantity } of wanted) {
    const from = fulfillmentOrder.lines.find((line) => line.id === id)
    if (from) moveUnits(order, { from, to: moved, quantity })
  }
  order.fulfillmentOrders.push(moved)
  fulfillmentOrder.lines = fulfillmentOrder.lines.filter((line) => line.totalQuantity > 0)
  if (fulfillmentOrder.lines.every((line) => line.remainingQuantity === 0)) fulfillmentOrder.status = "CLOSED"
  return moved
}
