import { Type } from "typebox"
import { newEvent } from "../../../src/canonical/events.ts"
import { entity, InstantText } from "../../../src/canonical/parts.ts"
import { validator } from "../../../src/canonical/validate.ts"
import { accept } from "../../../src/gateway/accept.ts"
import { checked, type ApiIntake } from "../../../src/gateway/api-deliveries.ts"
import type { GatewayCore } from "../../../src/gateway/core.ts"
import { AnyObject } from "../../../src/gateway/requests/page-query.ts"
import { route, type Route } from "../../../src/gateway/route.ts"

const Collection = entity("Collection", {
  shipmentId: Type.String({ minLength: 1, maxLength: 64 }),
  collectedAt: InstantText,
})

export function collectionRoutes(core: GatewayCore): Route[] {
  return [
    route({
      method: "POST",
      path: "/v1/orders/{id}/collection",
      scope: "collections:write",
      summary: "Say that the buyer has collected a shipment.",
      tier: "process",
      owner: "stores",
      criticality: "normal",
      serviceLevel: { p99Ms: 250, availabilityPercent: 99.9 },
      credentials: "consumer",
      repeats: "natural key",
      bodySchema: Collection,
      responses: { 202: { description: "Durable", schema: AnyObject } },
      handle: async (exchange) => {
        const orderId = exchange.parameter("id")
        await accept(core, exchange, orderId)
        return { status: 202, body: { orderId, status: "accepted" } }
      },
    }),
  ]
}

const collection = validator(Collection, "collection")

export const collectionIntake: ApiIntake = {
  "POST /v1/orders/{id}/collection": ({ body, objectId: orderId, source }) => {
    const { shipmentId, collectedAt } = checked(collection, body)
    return newEvent({
      type: "shipment.delivered",
      fact: `${source}:shipment:${shipmentId}:collected`,
      source,
      time: collectedAt,
      data: { orderId, shipmentId, deliveredAt: collectedAt },
    })
  },
}
