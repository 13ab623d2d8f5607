import { Type, type Static } from "typebox"
import { entity, InstantText } from "../../../canonical/parts.ts"
import { callerOf } from "../../exchange.ts"
import { AnyObject, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

const governed = {
  tier: "experience",
  owner: "operations",
  criticality: "high",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  credentials: "consumer",
  // A silence may hold back what other channels have to know.
  reach: "all channels",
} as const

const word = Type.Optional(Type.String({ minLength: 1, maxLength: 200 }))

const Wanted = entity("Silence", {
  matches: Type.Object(
    {
      rule: Type.Optional(
        Type.Enum(["outage", "promise", "predicted miss", "exceptions", "reader", "silence", "receiver"]),
      ),
      key: word,
      promise: word,
      group: word,
      connection: word,
      channel: word,
      owner: word,
    },
    { additionalProperties: false, minProperties: 1, description: "What it silences; all that is given has to fit." },
  ),
  reason: Type.String({ minLength: 3, maxLength: 500 }),
  endsAt: InstantText,
})

/** Silences as the routes need them. */
export interface Silences {
  list(filter: { state?: "live" | "ended" | undefined }): Promise<readonly object[]>
  make(wanted: Static<typeof Wanted> & { by: string }): Promise<object>
  end(id: string, by: string): Promise<object>
}

/** Silences: what people asked not to be told of for a time. */
export function silenceRoutes(silences: Silences): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/silences",
      scope: "operations:read",
      summary: "Silences, the newest first: of what, why, until when, and how many notices each held back.",
      repeats: "safe",
      querySchema: query({ state: Type.Optional(Type.Enum(["live", "ended"])) }),
      responses: { 200: { description: "At most 200", schema: Type.Object({ items: Type.Array(AnyObject) }) } },
      handle: async ({ query: filter }) => ({ status: 200, body: { items: await silences.list(filter) } }),
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/silences",
      scope: "operations:write",
      summary: "Silence alerts until a moment at most thirty days away. What it holds back is counted.",
      repeats: "idempotency key",
      bodySchema: Wanted,
      responses: { 201: { description: "The silence", schema: AnyObject } },
      handle: async (exchange) => ({
        status: 201,
        body: await silences.make({ ...exchange.body, by: callerOf(exchange) }),
      }),
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/silences/{id}/end",
      scope: "operations:write",
      summary: "End a silence now. What is still wrong is told.",
      repeats: "natural key",
      responses: { 200: { description: "The silence as it is now", schema: AnyObject } },
      handle: async (exchange) => ({
        status: 200,
        body: await silences.end(exchange.parameter("id"), callerOf(exchange)),
      }),
    }),
  ]
}
