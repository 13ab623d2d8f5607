import type { Fulfillment, FulfillmentHold, FulfillmentOrder } from "../../orders/model.ts"
import { isIn } from "../../shapes/shapes.ts"
import { lineView } from "./line-view.ts"
import { connection, gid } from "../paging.ts"
import type { Scope, View } from "./part-views.ts"
import { graphTime, locationView } from "./part-views.ts"

export function fulfillmentView(scope: Scope, fulfillment: Fulfillment): View {
  const { store, order } = scope
  const lineOf = (lineId: number): View | null => {
    const line = order.lines.find((candidate) => candidate.id === lineId)
    return line ? lineView(order, line) : null
  }
  return {
    id: gid("Fulfillment", fulfillment.id),
    legacyResourceId: String(fulfillment.id),
    name: fulfillment.name,
    status: isIn(order, "strange-fulfilment") ? "IN_A_LOCKER" : "SUCCESS",
    createdAt: graphTime(fulfillment.createdAtMs),
    updatedAt: graphTime(fulfillment.createdAtMs),
    totalQuantity: fulfillment.lines.reduce((sum, item) => sum + item.quantity, 0),
    location: () => locationView(store, fulfillment.locationId),
    order: scope.orderView,
    trackingInfo: ({ first }: { first?: number }) => fulfillment.tracking.slice(0, first),
    fulfillmentLineItems: connection(() =>
      fulfillment.lines.map((item) => ({
        id: gid("FulfillmentLineItem", item.id),
        quantity: item.quantity,
        lineItem: () => lineOf(item.lineId),
      })),
    ),
    fulfillmentOrders: connection(() =>
      order.fulfillmentOrders
        .filter((item) => fulfillment.fulfillmentOrderIds.includes(item.id))
        .map((item) => fulfillmentOrderView(scope, item)),
    ),
  }
}

export function holdView({ id, reason, reasonNotes }: FulfillmentHold): View {
  const displayReason = reason.toLowerCase().replaceAll("_", " ")
  return { id: gid("FulfillmentHold", id), handle: null, reason, reasonNotes, displayReason }
}

const methodTypes = { ship: "SHIPPING", pickup: "PICK_UP", none: "NONE" }

export function fulfillmentOrderView(scope: Scope, fulfillmentOrder: FulfillmentOrder): View {
  const { store, order } = scope
  const location = store.locations.find((candidate) => candidate.id === fulfillmentOrder.locationId)
  return {
    id: gid("FulfillmentOrder", fulfillmentOrder.id),
    status: fulfillmentOrder.status,
    requestStatus: fulfillmentOrder.requestStatus ?? "UNSUBMITTED",
    fulfillAt: fulfillmentOrder.fulfillAt ?? null,
    fulfillmentHolds: (fulfillmentOrder.holds ?? []).map(holdView),
    orderId: gid("Order", order.id),
    orderName: order.name,
    order: scope.orderView,
    createdAt: graphTime(order.createdAtMs),
    updatedAt: graphTime(fulfillmentOrder.updatedAtMs ?? order.createdAtMs),
    deliveryMethod: {
      id: gid("DeliveryMethod", fulfillmentOrder.id),
      methodType: methodTypes[fulfillmentOrder.delivery],
    },
    assignedLocation: {
      name: location?.name ?? "",
      countryCode: location?.countryCode ?? "NL",
      location: () => locationView(store, fulfillmentOrder.locationId),
    },
    lineItems: connection(() =>
      fulfillmentOrder.lines.map((item) => {
        const line = order.lines.find((candidate) => candidate.id === item.lineId)
        return {
          id: gid("FulfillmentOrderLineItem", item.id),
          remainingQuantity: item.remainingQuantity,
          totalQuantity: item.totalQuantity,
          sku: line?.sku ?? null,
          lineItem: () => (line ? lineView(order, line) : null),
        }
      }),
    ),
  }
}
