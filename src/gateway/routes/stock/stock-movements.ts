import { Type } from "typebox"
import { entity } from "../../../canonical/parts.ts"
import type { StockLedger } from "../../../stock/stock-ledger.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { MovementRequest, toMovement } from "../../requests/movement-request.ts"
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
      summary: "Book stock movements, many at once: each has its outcome. The same fact is booked once.",
      repeats: "natural key",
      rows: "movements",
      bodySchema: entity("Stock movements", {
        movements: Type.Array(
          // Each row is checked by itself: one that does not fit must not stop the others.
          Type.Union([MovementRequest, Type.Unknown()]),
          { minItems: 1, maxItems: 1000 },
        ),
      }),
      bodyLimitBytes: 2 * 1024 * 1024,
      responses: {
        200: { description: "One result per movement", schema: Type.Object({ results: Type.Array(AnyObject) }) },
      },
      cost: (body) => Math.ceil(body.movements.length / 100),
      handle: async (exchange) => {
        const { movements } = exchange.body
        const read = movements.map((movement) => toMovement(movement, exchange.consumerId))
        for (const one of read) if ("places" in one) for (const place of one.places) checkStore(exchange, place)
        const booked = await ledger.applyMovements(read.flatMap((one) => ("movement" in one ? [one.movement] : [])))
        let next = 0
        // A bad row costs itself only.
        const results = read.map((one, at) => ({
          ...("movement" in one ? booked[next++] : { applied: false, duplicate: false, problems: one.problems }),
          ...factOf(movements[at]),
        }))
        return { status: 200, body: { results } }
      },
    }),
  ]
}

/** The sender's own name of a row, when it has one. */
function factOf(row: unknown): { fact?: string } {
  return typeof row === "object" && row !== null && "fact" in row && typeof row.fact === "string"
    ? { fact: row.fact }
    : {}
}
