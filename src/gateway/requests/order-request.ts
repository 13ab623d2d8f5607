import { Type, type Static } from "typebox"
import { orderIdOf as derivedOrderId } from "../../base/ids.ts"
import { isMoment } from "../../base/time.ts"
import type { Problem } from "../../base/errors.ts"
import { Order } from "../../canonical/order.ts"
import { orderProblems } from "../../canonical/order-invariants.ts"
import { entity } from "../../canonical/parts.ts"
import type { Shipment } from "../../canonical/shipment.ts"

const { id, version, references, charges, tenders, ...required } = Order.properties

/** An order as a consumer sends it: the canonical order, where what can be derived or is often empty may be left out. */
export const OrderRequest = entity("Order request", {
  ...required,
  id: Type.Optional(id),
  version: Type.Optional(version),
  references: Type.Optional(references),
  charges: Type.Optional(charges),
  tenders: Type.Optional(tenders),
})
export type OrderRequest = Static<typeof OrderRequest>

/** The id of a channel's order; the same the channel's own connector derives. */
export function orderIdOf(order: { channel: string; externalId: string }): string {
  return derivedOrderId(order.channel, order.externalId)
}

/** The whole canonical order. Pure: the same bytes make the same order whenever they are read. */
export function completeOrder(request: OrderRequest): Order {
  return {
    ...request,
    id: orderIdOf(request),
    version: request.version ?? request.placedAt,
    references: request.references ?? [],
    charges: request.charges ?? [],
    tenders: request.tenders ?? [],
  }
}

/** What is wrong with an order beyond its schema. */
export function orderRequestProblems(request: OrderRequest): Problem[] {
  const order = completeOrder(request)
  const problems = orderProblems(order)
  for (const name of ["placedAt", "version"] as const)
    if (!isMoment(order[name])) problems.push({ pointer: `/${name}`, message: "is no moment in the calendar" })
  if (request.id !== undefined && request.id !== order.id)
    problems.push({
      pointer: "/id",
      message: `the id of this channel's order is ${order.id}; leave it out or send that`,
    })
  return problems
}

/** What is wrong with a shipment beyond its schema. */
export function shipmentProblems(shipment: Shipment): Problem[] {
  return isMoment(shipment.shippedAt) ? [] : [{ pointer: "/shippedAt", message: "is no moment in the calendar" }]
}
