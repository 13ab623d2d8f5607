import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { Sku } from "../../../canonical/parts.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

const governed = {
  tier: "experience",
  owner: "inventory",
  criticality: "high",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  credentials: "consumer",
  scope: "stock:read",
  reach: "own channels",
  repeats: "safe",
} as const

/** What channels show, as the routes need it. */
export interface PublishedViews<State extends string, Aspect extends string> {
  states: readonly State[]
  aspects: readonly Aspect[]
  /** Names of all channels that publish. */
  names: readonly string[]
  /** All channels that publish. */
  channels(): Promise<readonly { channel: string }[]>
  /** Moments at which values changed by the clock, the last first. */
  moments(channels: readonly string[]): Promise<readonly object[]>
  rows(
    channel: string,
    page: { state?: State; sku?: string; aspect?: Aspect; limit: number; cursor?: string },
  ): Promise<{ items: readonly object[]; cursor?: string }>
}

export function channelRoutes<State extends string, Aspect extends string>(
  views: PublishedViews<State, Aspect>,
): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/channels",
      summary:
        "List what channels show, aspect by aspect: how fresh it is, what waits, what is refused, held or drifted.",
      responses: {
        200: {
          description: "All of them, and the last moments at which prices changed by the clock",
          schema: Type.Object({ items: Type.Array(AnyObject), moments: Type.Array(AnyObject) }),
        },
      },
      handle: async ({ channels }) => {
        const items = (await views.channels()).filter(({ channel }) => !channels || channels.includes(channel))
        const moments = await views.moments(items.map(({ channel }) => channel))
        return { status: 200, body: { items, moments } }
      },
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/channels/{channel}/published",
      summary:
        "What a channel shows, row by row: what it should be and why, what was sent, what was accepted, what was seen.",
      querySchema: query({
        ...pageQuery,
        state: Type.Optional(Type.Enum([...views.states], { description: "only rows in this state" })),
        sku: Type.Optional(Sku),
        aspect: Type.Optional(
          Type.Enum([...views.aspects], { description: "what of an article: its stock, price or texts; default all" }),
        ),
      }),
      responses: {
        200: { description: "A page, by aspect, SKU and place, market or field", schema: pageOf(AnyObject) },
      },
      handle: async (exchange) => {
        const channel = exchange.parameter("channel")
        const mayBeSeen = !exchange.channels || exchange.channels.includes(channel)
        if (!mayBeSeen || !views.names.includes(channel))
          throw new AppError("NOT_FOUND", `nothing is published to ${channel}`)
        const { state, sku, aspect } = exchange.query
        const page = {
          ...pageRequest(exchange.query),
          ...(state ? { state } : {}),
          ...(sku ? { sku } : {}),
          ...(aspect ? { aspect } : {}),
        }
        return { status: 200, body: await views.rows(channel, page) }
      },
    }),
  ]
}
