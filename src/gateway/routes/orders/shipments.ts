import { AppError } from "../../../base/errors.ts"
import { newEvent } from "../../../canonical/events.ts"
import { Shipment } from "../../../canonical/shipment.ts"
import { validator } from "../../../canonical/validate.ts"
import { checked, type ApiIntake } from "../../api-deliveries.ts"
import type { GatewayCore } from "../../core.ts"
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

const shipmentBody = validator(Shipment, "shipment")

/** Facts from accepted requests. */
export const shipmentIntake: ApiIntake = {
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
