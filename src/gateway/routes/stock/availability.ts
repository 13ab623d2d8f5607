import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { ChannelId, entity, LocationId, Sku } from "../../../canonical/parts.ts"
import type { AvailabilityReader } from "../../../stock/availability.ts"
import { route, type Route } from "../../route.ts"
import { AnyObject, query } from "../../requests/page-query.ts"

const governed = {
  owner: "inventory",
  criticality: "critical",
  serviceLevel: { p99Ms: 50, availabilityPercent: 99.95 },
  credentials: "consumer",
  // What may be promised is of a channel; who is limited to some must name one of them.
  reach: "own channels",
} as const

const Item = entity("Availability item", {
  sku: Sku,
  channel: Type.Optional(ChannelId),
  locationId: Type.Optional(LocationId),
})

export function availabilityRoutes(availability: AvailabilityReader): Route[] {
  return [
    route({
      ...governed,
      tier: "experience",
      method: "GET",
      path: "/v1/availability",
      scope: "stock:read",
      summary: "Read how much of one SKU may be promised, for a channel or at a location.",
      repeats: "safe",
      querySchema: query({ sku: Sku, channel: Type.Optional(ChannelId), location: Type.Optional(LocationId) }),
      responses: { 200: { description: "One item", schema: Type.Object({ items: Type.Array(AnyObject) }) } },
      handle: async ({ query: { sku, channel, location }, channels }) => {
        const item = {
          sku,
          ...(channel === undefined ? {} : { channel }),
          ...(location === undefined ? {} : { locationId: location }),
        }
        checkChannels([item], channels)
        return { status: 200, body: { items: await availability.query([item]) } }
      },
    }),
    route({
      ...governed,
      tier: "experience",
      method: "POST",
      path: "/v1/availability/query",
      scope: "stock:read",
      summary: "Read how much of many SKUs may be promised, in the order requested.",
      repeats: "safe",
      bodySchema: entity("Availability query", { items: Type.Array(Item, { minItems: 1, maxItems: 1000 }) }),
      responses: { 200: { description: "One result per item", schema: Type.Object({ items: Type.Array(AnyObject) }) } },
      cost: (body) => Math.ceil(body.items.length / 100),
      handle: async ({ body, channels }) => {
        checkChannels(body.items, channels)
        return { status: 200, body: { items: await availability.query(body.items) } }
      },
    }),
  ]
}

/** PERMISSION_MISSING when a consumer that is limited to channels names none of them. */
export function checkChannels(
  items: readonly { channel?: string | undefined }[],
  channels: readonly string[] | undefined,
): void {
  if (!channels) return
  for (const { channel } of items)
    if (channel === undefined || !channels.includes(channel))
      throw new AppError("PERMISSION_MISSING", `name one of your channels: ${channels.join(", ")}`)
}
