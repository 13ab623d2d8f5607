import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { newEvent } from "../../../canonical/events.ts"
import { entity, LineQuantity, LocationId } from "../../../canonical/parts.ts"
import { Shipment } from "../../../canonical/shipment.ts"
import { validator } from "../../../canonical/validate.ts"
import { checked, type ApiIntake } from "../../api-deliveries.ts"
import type { GatewayCore } from "../../core.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { shipmentProblems } from "../../requests/order-request.ts"
import { route, type Route } from "../../route.ts"
import { acceptFor, visibleOrder, type Orders } from "./orders.ts"
import { AnyObject } from "../../requests/page-query.ts"

interface Given {
  core: Pick<GatewayCore, "inbox" | "clock">
  orders: Pick<Orders, "find">
}

export function shipmentRoutes({ core, orders }: Given): Route[] {
  return [
    shortageRoute({ core, orders }),
    route({
      method: "POST",
      path: "/v1/shipments",
      scope: "shipments:write",
      summary: "Report that goods of an order left a location. The same shipment id of one consumer is one shipment.",
      tier: "system",
      owner: "fulfilment",
      criticality: "critical",
      serviceLevel: { p99Ms: 250, availabilityPercent: 99.95 },
      credentials: "consumer",
      reach: "own channels",
      repeats: "natural key",
      bodySchema: Shipment,
      responses: { 202: { description: "Durable", schema: AnyObject } },
      handle: async (exchange) => {
        const { orderId } = exchange.body
        const problems = shipmentProblems(exchange.body)
        if (problems.length > 0) throw new AppError("REQUEST_INVALID", "the shipment is invalid", { problems })
        if (exchange.channels) await visibleOrder(orders, exchange, orderId)
        return acceptFor(core, exchange, orderId)
      },
    }),
  ]
}

const ShortageReport = entity("Shortage report", {
  id: Type.String({ minLength: 1, maxLength: 64, description: "identifies the report: the same one counts once" }),
  locationId: LocationId,
  lines: Type.Array(LineQuantity, { minItems: 1, maxItems: 500 }),
})
const shortageBody = validator(ShortageReport, "shortage report")
const shipmentBody = validator(Shipment, "shipment")

/** Says that a place does not have what it was asked to send: whoever works there, or its system. */
function shortageRoute({ core, orders }: Given): Route {
  return route({
    method: "POST",
    path: "/v1/orders/{id}/shortages",
    scope: "orders:write",
    summary: "Report that a place cannot find goods that it was asked to send. They are then sought elsewhere.",
    tier: "process",
    owner: "stores",
    criticality: "high",
    serviceLevel: { p99Ms: 250, availabilityPercent: 99.9 },
    credentials: "consumer",
    reach: "own channels",
    repeats: "natural key",
    bodySchema: ShortageReport,
    responses: { 202: { description: "Durable", schema: AnyObject } },
    handle: async (exchange) => {
      checkStore(exchange, exchange.body.locationId)
      const order = await visibleOrder(orders, exchange)
      return acceptFor(core, exchange, order.id)
    },
  })
}

/** Facts from accepted requests. */
export const shipmentIntake: ApiIntake = {
  "POST /v1/orders/{id}/shortages": ({ body, objectId: orderId, source, receivedAt }) => {
    const report = checked(shortageBody, body)
    return newEvent({
      type: "shipment.short",
      fact: `${source}:order:${orderId}:short:${report.id}`,
      source,
      time: receivedAt,
      data: { orderId, shortage: { ...report, orderId, noticedAt: receivedAt } },
    })
  },
  "POST /v1/shipments": ({ body, source }) => {
    const shipment = checked(shipmentBody, body)
    const problems = shipmentProblems(shipment)
    if (problems.length > 0) throw new AppError("TRANSLATION_FAILED", "the shipment is invalid", { problems })
    return newEvent({
      type: "shipment.confirmed",
      fact: `${source}:shipment:${shipment.id}:confirmed`,
      source,
      time: shipment.shippedAt,
      data: { orderId: shipment.orderId, shipment },
    })
  },
}
