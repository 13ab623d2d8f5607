import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { entity } from "../../../canonical/parts.ts"
import type { StockLedger } from "../../../stock/stock-ledger.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { MovementRequest, toMovements } from "../../requests/movement-request.ts"
import { route, type Route } from "../../route.ts"
import { AnyObject } from "../../requests/page-query.ts"

const governed = {
  owner: "inventory",
  criticality: "critical",
  serviceLevel: { p99Ms: 50, availabilityPercent: 99.95 },
  credentials: "consumer",
  // Stock is of no channel.
  reach: "all channels",
} as const

export function stockMovementRoutes(ledger: Pick<StockLedger, "applyMovements">): Route[] {
  return [
    route({
      ...governed,
      tier: "system",
      method: "POST",
      path: "/v1/stock-movements",
      scope: "stock:write",
      summary: "Book stock movements, many at once. The same fact is booked once.",
      repeats: "natural key",
      bodySchema: entity("Stock movements", {
        movements: Type.Array(MovementRequest, { minItems: 1, maxItems: 1000 }),
      }),
      bodyLimitBytes: 2 * 1024 * 1024,
      responses: {
        200: { description: "One result per movement", schema: Type.Object({ results: Type.Array(AnyObject) }) },
      },
      cost: (body) => Math.ceil(body.movements.length / 100),
      handle: async (exchange) => {
        const { movements, problems } = toMovements(exchange.body.movements, exchange.consumerId)
        if (problems.length > 0)
          throw new AppError("REQUEST_INVALID", `${problems.length} problem(s) in the movements; none was booked`, {
            problems,
          })
        for (const { locationId, ...movement } of movements) {
          checkStore(exchange, locationId)
          if (movement.kind === "transfer") checkStore(exchange, movement.toLocationId)
        }
        const results = await ledger.applyMovements(movements)
        return {
          status: 200,
          body: { results: results.map((result, at) => ({ ...result, fact: exchange.body.movements[at]?.fact })) },
        }
      },
    }),
  ]
}
