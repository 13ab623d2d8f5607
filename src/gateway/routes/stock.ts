import { Type } from "typebox"
import { ChannelId, entity, InstantText, LocationId, Sku } from "../../canonical/parts.ts"
import type { GatewayDependencies } from "../dependencies.ts"
import { route, type Route } from "../route.ts"
import { AnyObject, query } from "./page-query.ts"

const governed = {
  owner: "inventory",
  criticality: "critical",
  serviceLevel: { p99Ms: 50, availabilityPercent: 99.95 },
  credentials: "consumer",
} as const

const Item = entity("Availability item", {
  sku: Sku,
  channel: Type.Optional(ChannelId),
  locationId: Type.Optional(LocationId),
})

const Movement = entity("Stock movement", {
  fact: Type.String({ minLength: 1, maxLength: 256, description: "what identifies the movement in your system" }),
  kind: Type.Union(
    (["receipt", "sale", "pick", "transfer", "return", "adjustment"] as const).map((kind) => Type.Literal(kind)),
  ),
  sku: Sku,
  locationId: LocationId,
  toLocationId: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "for a transfer" })),
  milli: Type.Integer({
    minimum: -1_000_000_000_000,
    maximum: 1_000_000_000_000,
    description: "thousandths of the unit; only an adjustment may be negative",
  }),
  reason: Type.Optional(Type.String({ maxLength: 200 })),
  occurredAt: InstantText,
})

export function stockRoutes({ stock }: GatewayDependencies): Route[] {
  return [
    route({
      ...governed,
      tier: "experience",
      method: "GET",
      path: "/v1/availability",
      scope: "stock:read",
      summary: "What may be promised of one SKU, for a channel or at a location.",
      repeats: "safe",
      querySchema: query({ sku: Sku, channel: Type.Optional(ChannelId), location: Type.Optional(LocationId) }),
      responses: { 200: { description: "One item", schema: Type.Object({ items: Type.Array(AnyObject) }) } },
      handle: async ({ query: { sku, channel, location } }) => ({
        status: 200,
        body: {
          items: await stock.available([
            {
              sku,
              ...(channel === undefined ? {} : { channel }),
              ...(location === undefined ? {} : { locationId: location }),
            },
          ]),
        },
      }),
    }),
    route({
      ...governed,
      tier: "experience",
      method: "POST",
      path: "/v1/availability/query",
      scope: "stock:read",
      summary: "What may be promised of many SKUs at once, in the order asked.",
      repeats: "safe",
      bodySchema: entity("Availability query", { items: Type.Array(Item, { minItems: 1, maxItems: 1000 }) }),
      responses: { 200: { description: "One answer an item", schema: Type.Object({ items: Type.Array(AnyObject) }) } },
      cost: (body) => Math.ceil(body.items.length / 100),
      handle: async ({ body }) => ({ status: 200, body: { items: await stock.available(body.items) } }),
    }),
    route({
      ...governed,
      tier: "system",
      method: "POST",
      path: "/v1/stock-movements",
      scope: "stock:write",
      summary: "Book what came, went or was found, many at once. The same fact is booked once.",
      repeats: "natural key",
      bodySchema: entity("Stock movements", { movements: Type.Array(Movement, { minItems: 1, maxItems: 1000 }) }),
      bodyLimitBytes: 2 * 1024 * 1024,
      responses: {
        200: { description: "One result a movement", schema: Type.Object({ results: Type.Array(AnyObject) }) },
      },
      cost: (body) => Math.ceil(body.movements.length / 100),
      handle: async (exchange) => {
        // A fact is named within its sender, so that two systems may both call a movement "1".
        const movements = exchange.body.movements.map((movement) => ({
          ...movement,
          fact: `api:${exchange.consumerId}:${movement.fact}`,
        }))
        return { status: 200, body: { results: await stock.applyMovements(movements) } }
      },
    }),
  ]
}
