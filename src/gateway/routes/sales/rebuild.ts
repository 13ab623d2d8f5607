import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { entity, LocationId } from "../../../canonical/parts.ts"
import { callerOf } from "../../exchange.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { AnyObject } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"
import { governed } from "./sales.ts"

/** Makes the views of a store's sales anew, as the route needs it. */
export interface SalesRebuildDesk {
  isStore(storeId: string): boolean
  rebuild(of: { storeId: string; isDryRun: boolean; cursor?: string; by: string }): Promise<object>
}

export function salesRebuildRoute(desk: SalesRebuildDesk): Route {
  return route({
    ...governed,
    tier: "experience",
    criticality: "normal",
    serviceLevel: { p99Ms: 15_000, availabilityPercent: 99 },
    method: "POST",
    path: "/v1/sales/rebuild",
    scope: "operations:write",
    summary:
      "Make receipts, numbers of tills, days and closings of a store anew from the log, and say what was different. A dry run only says it. " +
      "Each answer is a part, some days long: repeat it with the answer's `cursor` until there is none.",
    repeats: "safe",
    bodySchema: entity("Rebuild of sales", {
      storeId: LocationId,
      dryRun: Type.Boolean({ description: "only says what would change" }),
      cursor: Type.Optional(
        Type.String({ minLength: 1, maxLength: 20_000, description: "of the answer before: where it goes on" }),
      ),
    }),
    timeLimitMs: 60_000,
    responses: {
      200: {
        description: "How many rows differed up to which day, the first of them, and where it goes on",
        schema: AnyObject,
      },
    },
    handle: async (exchange) => {
      const { storeId, dryRun, cursor } = exchange.body
      checkStore(exchange, storeId)
      if (!desk.isStore(storeId)) throw new AppError("NOT_FOUND", `there is no store ${storeId}`)
      const by = callerOf(exchange)
      const body = await desk.rebuild({ storeId, isDryRun: dryRun, by, ...(cursor === undefined ? {} : { cursor }) })
      return { status: 200, body }
    },
  })
}
