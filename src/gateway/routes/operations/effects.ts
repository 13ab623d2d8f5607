import { Type } from "typebox"
import { hasScope } from "../../../governance/scopes.ts"
import type { Page, PageRequest } from "../../core.ts"
import { route, type Route } from "../../route.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"

const shortText = Type.String({ minLength: 1, maxLength: 256 })

/** The ledger of effects as the route needs it. */
export interface Effects {
  list(
    request: PageRequest & {
      connection?: string
      outcome?: string
      workflow?: string
      key?: string
      /** Only effects for orders of these channels. */
      channels?: readonly string[]
      hidesPersonal: boolean
    },
  ): Promise<Page<object>>
}

export function effectRoutes(effects: Effects): Route[] {
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
      reach: "own channels",
      summary:
        "List the effects (intents to change other systems), newest first. What is personal in what was asked is shown to callers with `payloads:read`.",
      repeats: "safe",
      querySchema: query({
        ...pageQuery,
        connection: Type.Optional(shortText),
        outcome: Type.Optional(Type.Enum(["done", "rejected", "retryable", "unknown", "superseded", "under way"])),
        workflow: Type.Optional(shortText),
        key: Type.Optional(shortText),
      }),
      responses: { 200: { description: "A page of the ledger", schema: pageOf(AnyObject) } },
      handle: async ({ query: { limit, cursor, ...filter }, channels, grant }) => ({
        status: 200,
        body: await effects.list({
          ...filter,
          ...pageRequest({ limit, cursor }),
          ...(channels ? { channels } : {}),
          hidesPersonal: !hasScope(grant.scopes, "payloads:read"),
        }),
      }),
    }),
  ]
}
