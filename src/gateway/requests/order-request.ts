import { Type, type Static } from "typebox"
import { orderIdOf as derivedOrderId } from "../../base/ids.ts"
import { isCurrency } from "../../base/money.ts"
import { measures, packings } from "../../base/quantity.ts"
import { isMailAddress } from "../../base/text.ts"
import { isMoment } from "../../base/time.ts"
import type { Problem } from "../../base/errors.ts"
import { Order } from "../../canonical/order.ts"
import { orderProblems } from "../../canonical/order-invariants.ts"
import { entity } from "../../canonical/parts.ts"
import type { Shipment } from "../../canonical/shipment.ts"

const { id, version, references, charges, tenders, ...required } = Order.properties

/** An order as a consumer sends it: the canonical order, but members that can be derived or are often empty are optional. */
export const OrderRequest = entity("Order request", {
  ...required,
  id: Type.Optional(id),
  version: Type.Optional(version),
  references: Type.Optional(references),
  charges: Type.Optional(charges),
  tenders: Type.Optional(tenders),
})
export type OrderRequest = Static<typeof OrderRequest>

/** The id of a channel's order; the channel's own connector derives the same. */
export function orderIdOf(order: { channel: string; externalId: string }): string {
  return derivedOrderId(order.channel, order.externalId)
}

/** Completes a request to the canonical order. Pure: the same bytes always give the same order. */
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

/** Problems of an order that its schema does not find. */
export function orderRequestProblems(request: OrderRequest): Problem[] {
  const order = completeOrder(request)
  const problems = orderProblems(order)
  for (const name of ["placedAt", "version"] as const)
    if (!isMoment(order[name])) problems.push({ pointer: `/${name}`, message: "is not a valid date and time" })
  problems.push(...codeProblems(request))
  if (request.id !== undefined && request.id !== order.id)
    problems.push({
      pointer: "/id",
      message: `the id of this channel's order is ${order.id}; leave it out or send that`,
    })
  return problems
}

const regions = new Intl.DisplayNames("en", { type: "region", fallback: "none" })
const units: readonly string[] = [...measures, ...packings]

/** Codes that look like codes and are none: they would fail days later, in the books or at a carrier. */
function codeProblems(order: OrderRequest): Problem[] {
  const problems: Problem[] = []
  for (const name of ["shop", "presentment"] as const)
    if (!isCurrency(order.currency[name]))
      problems.push({ pointer: `/currency/${name}`, message: `${order.currency[name]} is not a currency of ISO 4217` })
  for (const name of ["billingAddress", "shippingAddress"] as const) {
    const country = order[name]?.countryCode
    if (country !== undefined && regions.of(country) === undefined)
      problems.push({ pointer: `/${name}/countryCode`, message: `${country} is not a country of ISO 3166-1` })
  }
  for (const [index, { quantity }] of order.lines.entries())
    if (!units.includes(quantity.unit))
      problems.push({ pointer: `/lines/${index}/quantity/unit`, message: `must be one of ${units.join(", ")}` })
  const { email } = order.customer
  if (email !== undefined && email !== "" && !isMailAddress(email.trim()))
    problems.push({ pointer: "/customer/email", message: "must be one mail address, without a name or a line break" })
  return problems
}

/** Problems of a shipment that its schema does not find. */
export function shipmentProblems(shipment: Shipment): Problem[] {
  return isMoment(shipment.shippedAt) ? [] : [{ pointer: "/shippedAt", message: "is not a valid date and time" }]
}
