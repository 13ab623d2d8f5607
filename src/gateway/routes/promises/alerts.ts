import { Type, type Static } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { entity } from "../../../canonical/parts.ts"
import { callerOf } from "../../exchange.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

const governed = {
  tier: "experience",
  owner: "operations",
  criticality: "high",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  credentials: "consumer",
  // Alerts tell of all channels together.
  reach: "all channels",
} as const

const Filter = query({
  ...pageQuery,
  state: Type.Optional(Type.Enum(["open", "resolved"])),
  group: Type.Optional(Type.String({ maxLength: 64, description: "of one group of exceptions" })),
  promise: Type.Optional(Type.String({ maxLength: 120, description: "of one promise" })),
})

const Acknowledgement = entity("Acknowledgement", {
  forMinutes: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 10_080, description: "nobody else is told so long; default 60" }),
  ),
})

const Test = entity("Test alert", { receiver: Type.String({ minLength: 1, maxLength: 64 }) })

type AlertFilter = Omit<Static<typeof Filter>, "limit" | "cursor">

/** Alerts as the routes need them. */
export interface Alerts {
  list(
    request: AlertFilter & { limit: number; cursor?: string },
  ): Promise<{ items: readonly object[]; cursor?: string }>
  find(id: string): Promise<object | undefined>
  acknowledge(id: string, act: { by: string; forMinutes: number }): Promise<object | undefined>
  receivers(): Promise<readonly object[]>
  /** Sends a message now; undefined when there is no such receiver. */
  test(receiver: string, by: string): Promise<object | undefined>
}

const minutesDefault = 60

/** Alerts, who answers for them, and whether they reach people. */
export function alertRoutes(alerts: Alerts): Route[] {
  return [...readingRoutes(alerts), ...actingRoutes(alerts)]
}

function readingRoutes(alerts: Alerts): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/alerts",
      scope: "operations:read",
      summary: "Alerts, the newest first: what is wrong, how much money, since when, who was told, why nobody was.",
      repeats: "safe",
      querySchema: Filter,
      responses: { 200: { description: "A page of alerts", schema: pageOf(AnyObject) } },
      handle: async ({ query: { limit, cursor, ...filter } }) => ({
        status: 200,
        body: await alerts.list({ ...filter, ...pageRequest({ limit, cursor }) }),
      }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/alerts/{id}",
      scope: "operations:read",
      summary: "One alert with its notices, and what became of each.",
      repeats: "safe",
      responses: { 200: { description: "The alert", schema: AnyObject } },
      handle: async (exchange) => ({
        status: 200,
        body: known(await alerts.find(exchange.parameter("id")), "such alert"),
      }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/alert-receivers",
      scope: "operations:read",
      summary: "Ways by which people are told, and whether they take what is sent.",
      repeats: "safe",
      responses: { 200: { description: "All receivers", schema: Type.Object({ items: Type.Array(AnyObject) }) } },
      handle: async () => ({ status: 200, body: { items: await alerts.receivers() } }),
    }),
  ]
}

function actingRoutes(alerts: Alerts): Route[] {
  return [
    route({
      ...governed,
      method: "POST",
      path: "/v1/alerts/{id}/acknowledgement",
      scope: "operations:write",
      summary: "Say that somebody works on an alert: nobody else is told for a time.",
      repeats: "idempotency key",
      bodySchema: Acknowledgement,
      isBodyOptional: true,
      responses: { 200: { description: "The alert as it is now", schema: AnyObject } },
      handle: async (exchange) => {
        const { forMinutes = minutesDefault } = exchange.body ?? {}
        const act = { by: callerOf(exchange), forMinutes }
        return { status: 200, body: known(await alerts.acknowledge(exchange.parameter("id"), act), "such alert") }
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/alerts/test",
      scope: "operations:write",
      summary: "Send a test message to a receiver now, and say what became of it.",
      repeats: "idempotency key",
      bodySchema: Test,
      timeLimitMs: 25_000,
      responses: { 200: { description: "Whether it was taken, or what the other side said", schema: AnyObject } },
      handle: async (exchange) => {
        const { receiver } = exchange.body
        return { status: 200, body: known(await alerts.test(receiver, callerOf(exchange)), `receiver "${receiver}"`) }
      },
    }),
  ]
}

function known(found: object | undefined, what: string): object {
  if (!found) throw new AppError("NOT_FOUND", `there is no ${what}`)
  return found
}
