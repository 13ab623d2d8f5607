import { Type, type Static } from "typebox"
import { Promotion, PromotionId } from "../../../canonical/catalogue/promotion.ts"
import { entity } from "../../../canonical/parts.ts"
import { validator } from "../../../canonical/validate.ts"
import type { Author } from "../../../governance/ownership/judge.ts"
import { eachRow } from "../../requests/each-row.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"
import { authorOf, governed } from "./products.ts"

const PromotionRow = entity("Promotion row", {
  promotionId: PromotionId,
  promotion: Type.Optional(Promotion),
  ended: Type.Optional(Type.Literal(true)),
})

const promotionRow = validator(PromotionRow, "promotion row")

/** Promotions as the routes need them. */
export interface PromotionDesk {
  write(rows: readonly Static<typeof PromotionRow>[], author: Author): Promise<readonly object[]>
  list(page: { after?: string; live?: boolean; limit: number }): Promise<{ items: readonly object[]; next?: string }>
}

export function promotionRoutes(desk: PromotionDesk): Route[] {
  return [
    route({
      ...governed,
      method: "PUT",
      path: "/v1/promotions",
      scope: "catalogue:write",
      summary: "Declare, change or end promotions. A row that fails costs no other.",
      repeats: "natural key",
      rows: "promotions",
      bodySchema: entity("Promotions", {
        promotions: Type.Array(Type.Union([PromotionRow, Type.Unknown()]), { minItems: 1, maxItems: 200 }),
      }),
      bodyLimitBytes: 2 * 1024 * 1024,
      responses: {
        200: { description: "One outcome per row", schema: Type.Object({ results: Type.Array(AnyObject) }) },
      },
      handle: async (exchange) => {
        const write = (sound: readonly Static<typeof PromotionRow>[]) => desk.write(sound, authorOf(exchange))
        const results = await eachRow(exchange.body.promotions, { row: promotionRow, names: ["promotionId"], write })
        return { status: 200, body: { results } }
      },
    }),
    route({
      ...governed,
      tier: "experience",
      method: "GET",
      path: "/v1/promotions",
      scope: "catalogue:read",
      summary: "List promotions, and for each of their channels how it is carried there, or why it cannot be.",
      repeats: "safe",
      querySchema: query({
        ...pageQuery,
        live: Type.Optional(Type.Boolean({ description: "leave out those that are over" })),
      }),
      responses: { 200: { description: "A page", schema: pageOf(AnyObject) } },
      handle: async ({ query: { live, ...page } }) => {
        const { limit, cursor } = pageRequest(page)
        const { items, next } = await desk.list({
          limit,
          ...(cursor === undefined ? {} : { after: Buffer.from(cursor, "base64url").toString() }),
          ...(live === undefined ? {} : { live }),
        })
        return {
          status: 200,
          body: { items, ...(next === undefined ? {} : { cursor: Buffer.from(next).toString("base64url") }) },
        }
      },
    }),
  ]
}
