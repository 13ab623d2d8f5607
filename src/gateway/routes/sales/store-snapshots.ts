import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { entity, LocationId } from "../../../canonical/parts.ts"
import type { SnapshotPage } from "../../../canonical/sales/snapshot.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { AnyObject } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"
import { governed } from "./sales.ts"

/** What stores have of the centre, as the route needs it. */
export interface SnapshotDesk {
  isStore(storeId: string): boolean
  page(asked: { storeId: string; cursor?: string; limit: number; sold: readonly string[] }): Promise<SnapshotPage>
}

const limitDefault = 200
const Fact = Type.String({ minLength: 1, maxLength: 512 })

export function storeSnapshotRoutes(desk: SnapshotDesk): Route[] {
  return [
    route({
      ...governed,
      method: "POST",
      path: "/v1/store-snapshots",
      scope: "stores:read",
      summary:
        "Read what the agent of a store keeps for its tills: articles with prices, also those that begin later, promotions, stock and open pickups. Everything in pages first, then with the last page's cursor only what changed and what is gone.",
      // It changes nothing that anybody sees: which stores ask is noted.
      repeats: "safe",
      bodySchema: entity("Snapshot request", {
        storeId: LocationId,
        cursor: Type.Optional(
          Type.String({
            maxLength: 16_384,
            description: "of the page before; without it, and with one that is too old, everything is read",
          }),
        ),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: limitDefault })),
        sold: Type.Optional(
          Type.Array(Fact, {
            maxItems: 1000,
            description: "facts of sold lines; `booked` of the answer has those that are off the stock",
          }),
        ),
      }),
      responses: { 200: { description: "A page", schema: AnyObject } },
      timeLimitMs: 30_000,
      handle: async (exchange) => {
        const { storeId, cursor, limit = limitDefault, sold = [] } = exchange.body
        checkStore(exchange, storeId)
        if (!desk.isStore(storeId)) throw new AppError("NOT_FOUND", `there is no store ${storeId}`)
        const page = await desk.page({ storeId, limit, sold, ...(cursor === undefined ? {} : { cursor }) })
        return { status: 200, body: page }
      },
    }),
  ]
}
