import { Type } from "typebox"
import type { GatewayDependencies } from "../dependencies.ts"
import { route, type Route } from "../route.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../requests/page-query.ts"

const shortText = Type.String({ minLength: 1, maxLength: 256 })

export function effectRoutes({ effects }: GatewayDependencies): Route[] {
  return [
    route({
      tier: "experience",
      owner: "integration",
      criticality: "high",
      serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
      credentials: "consumer",
      method: "GET",
      path: "/v1/effects",
      scope: "operations:read",
      summary: "The ledger of intents to change other systems, newest first.",
      repeats: "safe",
      querySchema: query({
        ...pageQuery,
        connection: Type.Optional(shortText),
        outcome: Type.Optional(shortText),
        workflow: Type.Optional(shortText),
        key: Type.Optional(shortText),
      }),
      responses: { 200: { description: "A page of the ledger", schema: pageOf(AnyObject) } },
      handle: async ({ query: { limit, cursor, ...filter } }) => ({
        status: 200,
        body: await effects.list({
          ...filter,
          ...pageRequest({ limit, cursor }),
        }),
      }),
    }),
  ]
}

export function kpiRoutes({ kpis }: GatewayDependencies): Route[] {
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
      summary:
        "How trading stands: orders by state, what waits and why, effects by outcome, duplicates stopped, money in and booked.",
      repeats: "safe",
      querySchema: query({ sinceHours: Type.Optional(Type.String({ pattern: "^\\d{1,3}$" })) }),
      responses: { 200: { description: "The figures", schema: AnyObject } },
      handle: async ({ query: { sinceHours } }) => ({ status: 200, body: await kpis(Number(sinceHours ?? 24)) }),
    }),
  ]
}
