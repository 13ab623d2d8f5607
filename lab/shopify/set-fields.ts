import { restFulfillmentOrder } from "./rest/fulfillment-order.ts"
import { restOrder } from "./rest/order-payload.ts"
import type { FulfillmentOrder, ShopOrder } from "./orders/model.ts"
import type { ShopStore } from "./store.ts"

/**
 * Sets fields of an order by path, as "transactions.3.status", to bring it into a state that no other control reaches.
 * Tells the app as the shop would, unless it is to be silent: then only reading shows it. Returns the paths that do not exist.
 */
export function setFields(
  store: ShopStore,
  order: ShopOrder,
  { set, silent }: { set: Record<string, unknown>; silent: boolean },
): string[] {
  const wrong = Object.keys(set).filter((path) => ownerOf(order, path) === undefined)
  if (wrong.length > 0) return wrong
  const before = new Map(order.fulfillmentOrders.map((one) => [one.id, one.status]))
  for (const [path, value] of Object.entries(set)) {
    const found = ownerOf(order, path)
    if (found) Reflect.set(found.owner, found.key, value)
  }
  const turned = order.fulfillmentOrders.filter((one) => before.get(one.id) !== one.status)
  for (const one of turned) one.updatedAtMs = store.nowMs()
  store.touch(order)
  if (silent) return []
  for (const one of turned) publishStatus(store, order, { one, before: before.get(one.id) })
  store.publish("orders/updated", order, () => restOrder(order))
  return []
}

function ownerOf(order: ShopOrder, path: string): { owner: object; key: string } | undefined {
  const keys = path.split(".")
  const key = keys.pop() ?? ""
  let owner: unknown = order
  for (const part of keys) {
    if (typeof owner !== "object" || owner === null || !Object.hasOwn(owner, part)) return undefined
    owner = Reflect.get(owner, part)
  }
  return typeof owner === "object" && owner !== null ? { owner, key } : undefined
}

function publishStatus(
  store: ShopStore,
  order: ShopOrder,
  { one, before }: { one: FulfillmentOrder; before: FulfillmentOrder["status"] | undefined },
): void {
  const body = () => ({ fulfillment_order: restFulfillmentOrder(one) })
  if (one.status === "ON_HOLD") store.publish("fulfillment_orders/placed_on_hold", order, body)
  else if (before === "ON_HOLD") store.publish("fulfillment_orders/hold_released", order, body)
  else if (before === "SCHEDULED") store.publish("fulfillment_orders/scheduled_fulfillment_order_ready", order, body)
}
