import { Type, type Static } from "typebox"
import { changesMax, FieldChange, Override } from "../../../canonical/catalogue/field-change.ts"
import { Scope } from "../../../canonical/catalogue/scope.ts"
import { entity, Sku } from "../../../canonical/parts.ts"
import { validator } from "../../../canonical/validate.ts"
import type { Author } from "../../../governance/ownership/judge.ts"
import { hasScope } from "../../../governance/scopes.ts"
import { apiConnection } from "../../api-deliveries.ts"
import type { Exchange } from "../../exchange.ts"
import { eachRow } from "../../requests/each-row.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

export const governed = {
  tier: "process",
  owner: "merchandising",
  criticality: "high",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  credentials: "consumer",
  // Products and prices are of all channels together.
  reach: "all channels",
} as const

/** Who writes, as rules of ownership name them: people by themselves, programs as `api:` and their id. */
export function authorOf({ grant: { consumer } }: Pick<Exchange, "grant">): Author {
  return consumer.roles ? { name: consumer.id, roles: consumer.roles } : { name: apiConnection(consumer.id) }
}

const ProductRow = entity("Product row", {
  sku: Sku,
  changes: Type.Array(FieldChange, { minItems: 1, maxItems: changesMax }),
  override: Type.Optional(Override),
})
type ProductRow = Static<typeof ProductRow>

const productRow = validator(ProductRow, "product row")

/** Products as the routes need them. */
export interface ProductDesk {
  write(rows: readonly ProductRow[], author: Author): Promise<readonly object[]>
  rename(renaming: { from: string; to: string }, author: Author): Promise<object>
  find(sku: string, place?: Scope): Promise<object>
  list(page: {
    after?: string
    beginning?: string
    limit: number
  }): Promise<{ items: readonly object[]; next?: string }>
  lineage(of: { sku: string; field?: string; seesCosts: boolean }): Promise<readonly object[]>
}

export function productRoutes(desk: ProductDesk): Route[] {
  return [...writingRoutes(desk), ...readingRoutes(desk)]
}

const outcomes = {
  200: { description: "One outcome per row", schema: Type.Object({ results: Type.Array(AnyObject) }) },
}

function writingRoutes(desk: ProductDesk): Route[] {
  return [
    route({
      ...governed,
      method: "PUT",
      path: "/v1/products/{sku}",
      scope: "catalogue:write",
      summary:
        "Set or clear fields of a product; what is not named stays. Each field says whether it counts, and by which rule.",
      repeats: "natural key",
      bodySchema: entity("Product fields", {
        changes: ProductRow.properties.changes,
        override: ProductRow.properties.override,
      }),
      responses: { 200: { description: "What became of each field", schema: AnyObject } },
      handle: async (exchange) => {
        const [result] = await desk.write([{ sku: exchange.parameter("sku"), ...exchange.body }], authorOf(exchange))
        return { status: 200, body: result }
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/products",
      scope: "catalogue:write",
      summary: "Set or clear fields of many products. A row that fails costs no other.",
      repeats: "natural key",
      rows: "products",
      bodySchema: entity("Products", {
        products: Type.Array(Type.Union([ProductRow, Type.Unknown()]), { minItems: 1, maxItems: 500 }),
      }),
      bodyLimitBytes: 8 * 1024 * 1024,
      timeLimitMs: 30_000,
      responses: outcomes,
      cost: (body) => Math.ceil(body.products.length / 100),
      handle: async (exchange) => {
        const write = (sound: readonly ProductRow[]) => desk.write(sound, authorOf(exchange))
        const results = await eachRow(exchange.body.products, { row: productRow, names: ["sku"], write })
        return { status: 200, body: { results } }
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/products/{sku}/renaming",
      scope: "catalogue:write",
      summary: "Give a product another SKU. Its id, stock and orders stay; the old SKU is an alias for ever.",
      repeats: "natural key",
      bodySchema: entity("New SKU", { to: Sku }),
      responses: { 200: { description: "Whether it counts", schema: AnyObject } },
      handle: async (exchange) => {
        const renaming = { from: exchange.parameter("sku"), to: exchange.body.to }
        return { status: 200, body: await desk.rename(renaming, authorOf(exchange)) }
      },
    }),
  ]
}

function readingRoutes(desk: ProductDesk): Route[] {
  return [
    route({
      ...governed,
      tier: "experience",
      method: "GET",
      path: "/v1/products",
      scope: "catalogue:read",
      summary: "List products by SKU, with their values and where they are complete.",
      repeats: "safe",
      querySchema: query({ ...pageQuery, beginning: Type.Optional(Sku) }),
      responses: { 200: { description: "A page", schema: pageOf(AnyObject) } },
      handle: async ({ query: { beginning, ...page } }) => {
        const { limit, cursor } = pageRequest(page)
        const { items, next } = await desk.list({
          limit,
          ...(cursor === undefined ? {} : { after: Buffer.from(cursor, "base64url").toString() }),
          ...(beginning === undefined ? {} : { beginning }),
        })
        return {
          status: 200,
          body: { items, ...(next === undefined ? {} : { cursor: Buffer.from(next).toString("base64url") }) },
        }
      },
    }),
    route({
      ...governed,
      tier: "experience",
      method: "GET",
      path: "/v1/products/{sku}",
      scope: "catalogue:read",
      summary:
        "Read a product: every value with who said it, when, and by which rule. With a place: the values that hold there.",
      repeats: "safe",
      querySchema: query(Scope.properties),
      responses: { 200: { description: "The product", schema: AnyObject } },
      handle: async (exchange) => {
        const place = Object.keys(exchange.query).length === 0 ? undefined : exchange.query
        return { status: 200, body: await desk.find(exchange.parameter("sku"), place) }
      },
    }),
    route({
      ...governed,
      tier: "experience",
      method: "GET",
      path: "/v1/products/{sku}/lineage",
      scope: "catalogue:read",
      summary:
        "All that was said of a product and counted, newest first: who, when, by which fact, rule and version of the rules.",
      repeats: "safe",
      querySchema: query({ field: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })) }),
      responses: { 200: { description: "Facts", schema: pageOf(AnyObject) } },
      handle: async (exchange) => {
        const { field } = exchange.query
        const items = await desk.lineage({
          sku: exchange.parameter("sku"),
          seesCosts: seesCosts(exchange),
          ...(field === undefined ? {} : { field }),
        })
        return { status: 200, body: { items } }
      },
    }),
  ]
}

/** What the retailer pays is shown to few. */
export const seesCosts = ({ grant }: Pick<Exchange, "grant">): boolean => hasScope(grant.scopes, "costs:read")
