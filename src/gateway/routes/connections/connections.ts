import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { entity, InstantText } from "../../../canonical/parts.ts"
import type { Act } from "../../core.ts"
import { act, type Exchange } from "../../exchange.ts"
import { route, type Route } from "../../route.ts"
import { AnyObject, pageOf } from "../../requests/page-query.ts"

const governed = {
  tier: "experience",
  owner: "integration",
  criticality: "high",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  credentials: "consumer",
  reach: "all channels",
} as const

const Reason = entity("Reason", { reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })) })

const History = entity("History", {
  since: InstantText,
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
})

/** Connections and their state. `find`, `pause` and `resume` return undefined when the connection is not configured. */
export interface ConnectionViews {
  list(): Promise<readonly object[]>
  find(id: string): Promise<object | undefined>
  /** Everything that works in the background, by name. */
  readers(): Promise<readonly object[]>
  /** Has the lists read from a moment on; returns their names. Throws STATE_FORBIDS when none is polled. */
  history(id: string, since: string, act: Act): Promise<readonly string[] | undefined>
  pause(id: string, act: Act): Promise<object | undefined>
  resume(id: string, act: Act): Promise<object | undefined>
}

export function connectionRoutes(connections: ConnectionViews): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/connections",
      scope: "operations:read",
      summary: "List the connections with breaker state, pauses and waiting work.",
      repeats: "safe",
      responses: { 200: { description: "All of them", schema: pageOf(AnyObject) } },
      handle: async () => ({ status: 200, body: { items: await connections.list() } }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/connections/{id}",
      scope: "operations:read",
      summary: "One connection.",
      repeats: "safe",
      responses: { 200: { description: "The connection", schema: AnyObject } },
      handle: async (exchange) => ({
        status: 200,
        body: known(exchange, await connections.find(exchange.parameter("id"))),
      }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/readers",
      scope: "operations:read",
      summary:
        "List the background readers (polls, subscriptions, checks of connections, upkeep) with the age of their last success.",
      repeats: "safe",
      responses: { 200: { description: "All of them", schema: pageOf(AnyObject) } },
      handle: async () => ({ status: 200, body: { items: await connections.readers() } }),
    }),
    ...changes(connections),
  ]
}

function changes(connections: ConnectionViews): Route[] {
  return [
    route({
      ...governed,
      method: "POST",
      path: "/v1/connections/{id}/history",
      scope: "operations:write",
      summary:
        "Have the lists of a connection read from an earlier moment on. Orders placed before its first day ask a person before anything is done.",
      repeats: "safe",
      bodySchema: History,
      responses: { 202: { description: "The lists that the next polls read from there", schema: AnyObject } },
      handle: async (exchange) => {
        const id = exchange.parameter("id")
        const lists = await connections.history(id, exchange.body.since, act(exchange))
        return { status: 202, body: { ...known(exchange, lists && { lists }) } }
      },
    }),
    ...(["pause", "resume"] as const).map((verb) =>
      route({
        ...governed,
        method: "POST",
        path: `/v1/connections/{id}/${verb}`,
        scope: "operations:write",
        summary:
          verb === "pause"
            ? "Stop calling a system. Its work waits and none of it is lost."
            : "Call a system again. The waiting work continues at the connection's rate.",
        repeats: "safe",
        bodySchema: Reason,
        isBodyOptional: true,
        responses: { 200: { description: "The connection as it is now", schema: AnyObject } },
        handle: async (exchange) => ({
          status: 200,
          body: known(exchange, await connections[verb](exchange.parameter("id"), act(exchange))),
        }),
      }),
    ),
  ]
}

function known(exchange: Exchange, thing: object | undefined): object {
  if (!thing) throw new AppError("NOT_FOUND", `connection ${exchange.parameter("id").slice(0, 64)} does not exist`)
  return thing
}
