import { AnyObject } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

export function retentionRoutes(report: () => Promise<object>): Route[] {
  return [
    route({
      tier: "experience",
      owner: "operations",
      criticality: "normal",
      serviceLevel: { p99Ms: 500, availabilityPercent: 99.5 },
      credentials: "consumer",
      method: "GET",
      path: "/v1/retention",
      scope: "operations:read",
      reach: "all channels",
      summary: "How long things are kept, what is gone, what goes next, and what each table takes.",
      repeats: "safe",
      responses: { 200: { description: "By what is kept; sizes in bytes", schema: AnyObject } },
      handle: async () => ({ status: 200, body: await report() }),
    }),
  ]
}
