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
  rebuild(of: { storeId: string; isDryRun: boolean; by: string }): Promise<object>
}

export function salesRebuildRoute(desk: SalesRebuildDesk): Route {
  return route({
    ...governed,
    tier: "experience",
    criticality: "normal",
    serviceLevel: { p99Ms: 60_000, availabilityPercent: 99 },
    method: "POST",
    path: "/v1/sales/rebuild",
    scope: "operations:write",
    summary:
      "Make receipts, numbers of tills, days and closings of a store anew from the log, and say what was different. A dry run only says it.",
    repeats: "safe",
    bodySchema: entity("Rebuild of sales", {
      storeId: LocationId,
      dryRun: Type.Boolean({ description: "only says what would change" }),
    }),
    timeLimitMs: 600_000,
    responses: { 200: { description: "How many rows differed, and the first of them", schema: AnyObject } },
    handle: async (exchange) => {
      const { storeId, dryRun } = exchange.body
      checkStore(exchange, storeId)
      if (!desk.isStore(storeId)) throw new AppError("NOT_FOUND", `there is no store ${storeId}`)
      const body = await desk.rebuild({ storeId, isDryRun: dryRun, by: callerOf(exchange) })
      return { status: 200, body }
    },
  })
}
