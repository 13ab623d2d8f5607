import { AppError } from "../../base/errors.ts"
import { Shipment } from "../../canonical/shipment.ts"
import type { GatewayDependencies } from "../dependencies.ts"
import { shipmentProblems } from "../requests/order-request.ts"
import { route, type Route } from "../route.ts"
import { accept } from "./orders.ts"
import { AnyObject } from "../requests/page-query.ts"

export function shipmentRoutes(dependencies: GatewayDependencies): Route[] {
  return [
    route({
      method: "POST",
      path: "/v1/shipments",
      scope: "shipments:write",
      summary: "Say that goods left a location for an order. The same shipment id of one consumer is one shipment.",
      tier: "system",
      owner: "fulfilment",
      criticality: "critical",
      serviceLevel: { p99Ms: 250, availabilityPercent: 99.95 },
      credentials: "consumer",
      repeats: "natural key",
      bodySchema: Shipment,
      responses: { 202: { description: "Durable", schema: AnyObject } },
      handle: async (exchange) => {
        const { orderId } = exchange.body
        const problems = shipmentProblems(exchange.body)
        if (problems.length > 0) throw new AppError("REQUEST_INVALID", "the shipment is not sound", { problems })
        const { channels } = exchange.grant.consumer
        if (channels) {
          const order = await dependencies.orders.find(orderId)
          if (!order || !channels.includes(order.channel))
            throw new AppError("NOT_FOUND", `there is no order ${orderId}`)
        }
        return accept(dependencies, exchange, orderId)
      },
    }),
  ]
}
