import { Type } from "typebox"
import { ChannelId, entity, Sku } from "../../../canonical/parts.ts"
import type { Act } from "../../core.ts"
import { act } from "../../exchange.ts"
import { AnyObject, pageOf, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

const governed = {
  tier: "experience",
  owner: "operations",
  criticality: "high",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  credentials: "consumer",
  // A mapping decides what is taken from the stock of all channels.
  reach: "all channels",
} as const

const Article = Sku
const unknownUsual = 50
const UnknownLimit = Type.Optional(Type.Integer({ minimum: 1, maximum: 200, description: `default ${unknownUsual}` }))
const Reason = Type.Optional(Type.String({ minLength: 1, maxLength: 500 }))

/** The mappings as the routes need them. */
export interface ArticleMappings {
  list(filter: { channel?: string }): Promise<readonly object[]>
  /** Returns how many orders that waited for it go on. */
  set(mapping: Act & { channel: string; article: string; sku: string }): Promise<number>
  remove(mapping: Act & { channel: string; article: string }): Promise<boolean>
  /** Articles that orders wait for, with what they may be as of now. */
  unknown(filter: { channel?: string; limit: number }): Promise<{ items: readonly object[]; total: number }>
}

export function articleMappingRoutes(mappings: ArticleMappings): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/article-mappings",
      scope: "operations:read",
      summary: "List what articles of channels stand for, where the stock knows them by another SKU.",
      repeats: "safe",
      querySchema: query({ channel: Type.Optional(ChannelId) }),
      responses: { 200: { description: "All of them", schema: pageOf(AnyObject) } },
      handle: async ({ query: filter }) => ({ status: 200, body: { items: await mappings.list(filter) } }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/unknown-articles",
      scope: "operations:read",
      summary:
        "List articles that orders wait for because nobody knows them, with the SKUs that they may be by their barcode or their name.",
      repeats: "safe",
      querySchema: query({
        channel: Type.Optional(ChannelId),
        limit: UnknownLimit,
      }),
      responses: {
        200: {
          description:
            "Those of most orders, and how many there are in all. A candidate is a hint; nothing is mapped by it.",
          schema: Type.Object({ items: Type.Array(AnyObject), total: Type.Integer() }),
        },
      },
      handle: async ({ query: { channel, limit = unknownUsual } }) => ({
        status: 200,
        body: await mappings.unknown({ ...(channel === undefined ? {} : { channel }), limit }),
      }),
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/article-mappings",
      scope: "operations:write",
      summary: "Say which SKU an article of a channel is. Orders that wait for it go on.",
      repeats: "safe",
      bodySchema: entity("Article mapping", { channel: ChannelId, article: Article, sku: Sku, reason: Reason }),
      responses: { 200: { description: "The mapping, and how many waiting orders go on", schema: AnyObject } },
      handle: async (exchange) => {
        const { channel, article, sku, reason } = exchange.body
        const ordersGoOn = await mappings.set({ ...act(exchange), channel, article, sku, ...(reason && { reason }) })
        return { status: 200, body: { channel, article, sku, ordersGoOn } }
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/article-mappings/removal",
      scope: "operations:write",
      summary: "Take a mapping back. Orders that went on with it keep it.",
      repeats: "safe",
      bodySchema: entity("Article mapping to remove", { channel: ChannelId, article: Article, reason: Reason }),
      responses: { 200: { description: "Whether there was one", schema: AnyObject } },
      handle: async (exchange) => {
        const { channel, article, reason } = exchange.body
        const wasThere = await mappings.remove({ ...act(exchange), channel, article, ...(reason && { reason }) })
        return { status: 200, body: { channel, article, wasThere } }
      },
    }),
  ]
}
