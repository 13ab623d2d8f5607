import { Type, type Static } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { compareInstants } from "../../../base/time.ts"
import { Money } from "../../../base/money.ts"
import { Override } from "../../../canonical/catalogue/field-change.ts"
import { Price, PriceQuestion, PriceRecordId } from "../../../canonical/catalogue/price.ts"
import { MarketId } from "../../../canonical/catalogue/scope.ts"
import { ChannelId, entity, InstantText, Sku } from "../../../canonical/parts.ts"
import { validator } from "../../../canonical/validate.ts"
import type { Author } from "../../../governance/ownership/judge.ts"
import { eachRow } from "../../requests/each-row.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { AnyObject, pageOf, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"
import { checkChannels } from "../stock/availability.ts"
import { authorOf, governed, seesCosts } from "./products.ts"

const PriceRow = entity("Price row", {
  sku: Sku,
  record: PriceRecordId,
  price: Type.Optional(Price),
  ended: Type.Optional(Type.Literal(true)),
})
type PriceRow = Static<typeof PriceRow>
const Shown = entity("Shown price", {
  sku: Sku,
  channel: ChannelId,
  market: Type.Optional(MarketId),
  amount: Money,
  at: InstantText,
})

const priceRow = validator(PriceRow, "price row")
const shownRow = validator(Shown, "shown price")

/** Prices as the routes need them. */
export interface PriceDesk {
  write(
    rows: readonly (PriceRow & { override?: Static<typeof Override> })[],
    author: Author,
  ): Promise<readonly object[]>
  query(questions: readonly Static<typeof PriceQuestion>[]): Promise<readonly object[]>
  records(sku: string, seesCosts: boolean): Promise<readonly object[]>
  lineage(of: { sku: string; seesCosts: boolean }): Promise<readonly object[]>
  calendar(of: { from: string; until: string; limit: number; seesCosts: boolean }): Promise<readonly object[]>
  shown(rows: readonly Static<typeof Shown>[], author: Author): Promise<readonly object[]>
}

export function priceRoutes(desk: PriceDesk): Route[] {
  return [...writingRoutes(desk), overrideRoute(desk), queryRoute(desk), ...readingRoutes(desk)]
}

const outcomes = {
  200: { description: "One outcome per row", schema: Type.Object({ results: Type.Array(AnyObject) }) },
}

function writingRoutes(desk: PriceDesk): Route[] {
  return [
    route({
      ...governed,
      method: "PUT",
      path: "/v1/prices",
      scope: "catalogue:write",
      summary: "Set or end many prices, each named by its record. A row that fails costs no other.",
      repeats: "natural key",
      rows: "prices",
      bodySchema: entity("Prices", {
        prices: Type.Array(Type.Union([PriceRow, Type.Unknown()]), { minItems: 1, maxItems: 1000 }),
      }),
      bodyLimitBytes: 2 * 1024 * 1024,
      timeLimitMs: 30_000,
      responses: outcomes,
      cost: (body) => Math.ceil(body.prices.length / 100),
      handle: async (exchange) => {
        const write = (sound: readonly PriceRow[]) => desk.write(sound, authorOf(exchange))
        const results = await eachRow(exchange.body.prices, { row: priceRow, names: ["sku", "record"], write })
        return { status: 200, body: { results } }
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/shown-prices",
      scope: "catalogue:write",
      summary:
        "Say which prices a channel shows, and since when. Claims about the lowest price of 30 days are made of these.",
      repeats: "natural key",
      rows: "prices",
      bodySchema: entity("Shown prices", {
        prices: Type.Array(Type.Union([Shown, Type.Unknown()]), { minItems: 1, maxItems: 1000 }),
      }),
      responses: outcomes,
      cost: (body) => Math.ceil(body.prices.length / 100),
      handle: async (exchange) => {
        const write = (sound: readonly Static<typeof Shown>[]) => desk.shown(sound, authorOf(exchange))
        const results = await eachRow(exchange.body.prices, { row: shownRow, names: ["sku", "channel"], write })
        return { status: 200, body: { results } }
      },
    }),
  ]
}

function overrideRoute(desk: PriceDesk): Route {
  return route({
    ...governed,
    method: "POST",
    path: "/v1/price-overrides",
    scope: "catalogue:override",
    summary: "Deviate from the owner's price for a time, as far as the rule allows. It lapses by itself.",
    repeats: "natural key",
    bodySchema: entity("Price override", { sku: Sku, record: PriceRecordId, price: Price, override: Override }),
    responses: { 200: { description: "Whether it counts, and by which rule", schema: AnyObject } },
    handle: async (exchange) => {
      const { location } = exchange.body.price.scope
      if (exchange.stores) {
        if (location === undefined)
          throw new AppError("PERMISSION_MISSING", "name one of your places in the price's scope")
        checkStore(exchange, location)
      }
      const [result] = await desk.write([exchange.body], authorOf(exchange))
      return { status: 200, body: result }
    },
  })
}

function queryRoute(desk: PriceDesk): Route {
  return route({
    ...governed,
    tier: "experience",
    criticality: "critical",
    serviceLevel: { p99Ms: 100, availabilityPercent: 99.95 },
    // Who is limited to channels asks for one of them.
    reach: "own channels",
    method: "POST",
    path: "/v1/prices/query",
    scope: "prices:read",
    summary: "Which prices hold at a moment, why, and until when; a sale price with the lowest price shown before it.",
    repeats: "safe",
    bodySchema: entity("Price questions", { items: Type.Array(PriceQuestion, { minItems: 1, maxItems: 1000 }) }),
    responses: { 200: { description: "One answer per question", schema: pageOf(AnyObject) } },
    cost: (body) => Math.ceil(body.items.length / 100),
    handle: async ({ body, channels }) => {
      checkChannels(body.items, channels)
      return { status: 200, body: { items: await desk.query(body.items) } }
    },
  })
}

function readingRoutes(desk: PriceDesk): Route[] {
  const reads = { ...governed, tier: "experience", method: "GET", scope: "catalogue:read", repeats: "safe" } as const
  return [
    route({
      ...reads,
      path: "/v1/prices",
      summary: "List the prices of an article, each with who said it and by which rule. Cost prices need `costs:read`.",
      querySchema: query({ sku: Sku }),
      responses: { 200: { description: "All that have not ended", schema: pageOf(AnyObject) } },
      handle: async (exchange) => ({
        status: 200,
        body: { items: await desk.records(exchange.query.sku, seesCosts(exchange)) },
      }),
    }),
    route({
      ...reads,
      path: "/v1/prices/{sku}/lineage",
      summary: "All that was said of an article's prices and counted, newest first: who, when, by which fact and rule.",
      responses: { 200: { description: "Facts", schema: pageOf(AnyObject) } },
      handle: async (exchange) => ({
        status: 200,
        body: { items: await desk.lineage({ sku: exchange.parameter("sku"), seesCosts: seesCosts(exchange) }) },
      }),
    }),
    route({
      ...reads,
      path: "/v1/price-calendar",
      summary: "Prices that begin or end between two moments, in the order of time.",
      querySchema: query({
        from: InstantText,
        until: InstantText,
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 200 })),
      }),
      responses: { 200: { description: "Edges", schema: pageOf(AnyObject) } },
      handle: async (exchange) => {
        const { from, until, limit = 200 } = exchange.query
        if (compareInstants(from, until) >= 0)
          throw new AppError("REQUEST_INVALID", "no time lies between these moments", {
            problems: [{ pointer: "?until", message: `must be after from, which is ${from}` }],
          })
        return {
          status: 200,
          body: { items: await desk.calendar({ from, until, limit, seesCosts: seesCosts(exchange) }) },
        }
      },
    }),
  ]
}
