import { Type } from "typebox"
import { durationMs, instant, type Clock } from "../../../base/time.ts"
import { ChannelId, entity, LocationId, Sku } from "../../../canonical/parts.ts"
import type { ArticleStock } from "../../../stock/views/article-stock.ts"
import type { ChannelRegret, RegretQuestion } from "../../../stock/regret/read-regret.ts"
import type { Difference, RebuildOptions } from "../../../stock/rebuild.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { AnyObject, pageOf, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

const governed = {
  tier: "experience",
  owner: "inventory",
  criticality: "normal",
  serviceLevel: { p99Ms: 1000, availabilityPercent: 99.9 },
  credentials: "consumer",
  // What an article does at all places is of no channel.
  reach: "all channels",
} as const

/** Stock as people ask about it. */
export interface StockDesk {
  clock: Clock
  article(of: { sku: string; channels: readonly string[]; locationId?: string }): Promise<ArticleStock>
  regret(question: RegretQuestion): Promise<{ positions: number; items: ChannelRegret[] }>
  rebuild(options: RebuildOptions, by: string): Promise<Difference[]>
}

const Rebuild = entity("Rebuild", {
  sku: Type.Optional(Sku),
  locationId: Type.Optional(LocationId),
  dryRun: Type.Boolean({ description: "only says what would change" }),
  reason: Type.String({ minLength: 1, maxLength: 200, description: "stands in the ledger with every correction" }),
})

const regretQuery = query({
  sku: Type.Optional(Sku),
  location: Type.Optional(LocationId),
  days: Type.Optional(Type.Integer({ minimum: 1, maximum: 28, default: 7 })),
  fixedMilli: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000, default: 1000 })),
})

export function stockRoutes(desk: StockDesk): Route[] {
  return [articleRoute(desk), regretRoute(desk), rebuildRoute(desk)]
}

function articleRoute(desk: StockDesk): Route {
  return route({
    ...governed,
    method: "GET",
    path: "/v1/stock/{sku}",
    scope: "stock:read",
    summary:
      "One article at every place and in every state, what each channel may promise of it and why, and its latest bookings.",
    repeats: "safe",
    querySchema: query({ channel: Type.Optional(ChannelId), location: Type.Optional(LocationId) }),
    responses: { 200: { description: "The article", schema: AnyObject } },
    handle: async (exchange) => {
      const { channel, location } = exchange.query
      if (location !== undefined) checkStore(exchange, location)
      const body = await desk.article({
        sku: exchange.parameter("sku"),
        channels: channel === undefined ? [] : [channel],
        ...(location === undefined ? {} : { locationId: location }),
      })
      return { status: 200, body }
    },
  })
}

function regretRoute(desk: StockDesk): Route {
  return route({
    ...governed,
    method: "GET",
    path: "/v1/stock-regret",
    scope: "stock:read",
    summary:
      "What overselling and not selling cost each channel, by replay of the ledger under the rule, a fixed buffer, and none.",
    repeats: "safe",
    serviceLevel: { p99Ms: 10_000, availabilityPercent: 99 },
    querySchema: regretQuery,
    responses: { 200: { description: "By channel and policy, each in its currency", schema: pageOf(AnyObject) } },
    handle: async ({ query: { sku, location, days = 7, fixedMilli = 1000 } }) => {
      const since = instant(desk.clock.now() - durationMs({ days }))
      const answer = await desk.regret({
        since,
        fixedMilli,
        ...(sku === undefined ? {} : { sku }),
        ...(location === undefined ? {} : { locationId: location }),
      })
      return { status: 200, body: { since, fixedMilli, ...answer } }
    },
  })
}

function rebuildRoute(desk: StockDesk): Route {
  return route({
    ...governed,
    method: "POST",
    path: "/v1/stock/rebuild",
    scope: "stock:write",
    summary:
      "Recompute positions from the ledger, say what differs, and post the correction with its reason unless it is a dry run.",
    repeats: "natural key",
    bodySchema: Rebuild,
    serviceLevel: { p99Ms: 60_000, availabilityPercent: 99 },
    responses: { 200: { description: "What differed", schema: pageOf(AnyObject) } },
    handle: async ({ body, consumerId }) => ({ status: 200, body: { items: await desk.rebuild(body, consumerId) } }),
  })
}
