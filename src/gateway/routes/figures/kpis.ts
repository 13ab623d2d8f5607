import { Type } from "typebox"
import { route, type Route } from "../../route.ts"
import { AnyObject, query } from "../../requests/page-query.ts"

/** `kpis` reads the figures of the live view over the hours given. */
export function kpiRoutes(kpis: (sinceHours: number) => Promise<object>): Route[] {
  return [
    route({
      tier: "experience",
      owner: "operations",
      criticality: "high",
      serviceLevel: { p99Ms: 1000, availabilityPercent: 99.5 },
      credentials: "consumer",
      method: "GET",
      path: "/v1/kpis",
      scope: "operations:read",
      // The figures add up all channels.
      reach: "all channels",
      summary:
        "Read the trading figures: orders by state, waiting work by reason, effects by outcome, duplicates stopped, money taken and booked.",
      repeats: "safe",
      querySchema: query({
        sinceHours: Type.Optional(Type.String({ pattern: "^\\d{1,3}$", description: "a number of hours, 0 to 999" })),
      }),
      responses: { 200: { description: "The figures", schema: AnyObject } },
      handle: async ({ query: { sinceHours } }) => ({ status: 200, body: await kpis(Number(sinceHours ?? 24)) }),
    }),
  ]
}
