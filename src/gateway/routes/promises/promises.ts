import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

const governed = {
  tier: "experience",
  owner: "operations",
  criticality: "high",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  credentials: "consumer",
  repeats: "safe",
  scope: "operations:read",
} as const

interface OfChannels {
  channels?: readonly string[] | undefined
}

/** Promises as the routes need them. */
export interface Promises {
  list(of: OfChannels): Promise<readonly object[]>
  find(name: string, of: OfChannels): Promise<object | undefined>
  missed(
    name: string,
    request: OfChannels & { limit: number; cursor?: string },
  ): Promise<{ items: readonly object[]; cursor?: string } | undefined>
  budget(): Promise<object>
}

/** Promises, how they are kept, and whether a risky change should wait. */
export function promiseRoutes(promises: Promises): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/promises",
      // Outcomes have a channel; a limited consumer's figures count those of its own.
      reach: "own channels",
      summary: "Promises on outcomes: how many are open, at risk and missed, and how fast each scope's budget burns.",
      responses: { 200: { description: "All promises", schema: Type.Object({ items: Type.Array(AnyObject) }) } },
      handle: async ({ channels }) => ({ status: 200, body: { items: await promises.list({ channels }) } }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/promises/{name}",
      reach: "own channels",
      summary: "One promise, with every scope that is judged.",
      responses: { 200: { description: "The promise", schema: AnyObject } },
      handle: async (exchange) => {
        const name = exchange.parameter("name")
        return { status: 200, body: known(name, await promises.find(name, { channels: exchange.channels })) }
      },
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/promises/{name}/missed",
      reach: "own channels",
      summary: "What was missed of a promise, the latest first.",
      querySchema: query(pageQuery),
      responses: { 200: { description: "A page of missed ones", schema: pageOf(AnyObject) } },
      handle: async (exchange) => {
        const name = exchange.parameter("name")
        const request = { ...pageRequest(exchange.query), channels: exchange.channels }
        return { status: 200, body: known(name, await promises.missed(name, request)) }
      },
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/promise-budget",
      // It adds up all channels.
      reach: "all channels",
      summary: "Whether a risky change should wait: a promise is being missed, or its allowance of 28 days is used up.",
      responses: { 200: { description: "`wait`, and why", schema: AnyObject } },
      handle: async () => ({ status: 200, body: await promises.budget() }),
    }),
  ]
}

function known<Found>(name: string, found: Found | undefined): Found {
  if (found === undefined) throw new AppError("NOT_FOUND", `there is no promise "${name.slice(0, 64)}"`)
  return found
}
