import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { epochMs } from "../../../base/time.ts"
import { ChannelId, entity, InstantText, LocationId } from "../../../canonical/parts.ts"
import type { Grant } from "../../../governance/access.ts"
import { hasScope } from "../../../governance/scopes.ts"
import { rateDefaults, type Consumers, type NewConsumer } from "../../../governance/consumers.ts"
import { isPersonId } from "../../../governance/people/people.ts"
import type { GatewayCore } from "../../core.ts"
import { callerOf, type Exchange } from "../../exchange.ts"
import { newestVersion } from "../../phases/versions.ts"
import { route, type Route } from "../../route.ts"
import { AnyObject, pageOf } from "../../requests/page-query.ts"

const governed = {
  tier: "experience",
  owner: "integration",
  criticality: "normal",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  credentials: "consumer",
  reach: "all channels",
} as const

const ConsumerBody = entity("Consumer", {
  name: Type.String({ minLength: 1, maxLength: 120 }),
  owner: Type.String({ minLength: 1, maxLength: 120, description: "the team responsible for it" }),
  scopes: Type.Array(
    Type.String({
      pattern: "^(\\*|[a-z-]+:(\\*|[a-z-]+))$",
      description: "a scope such as orders:read, orders:* or *",
    }),
    { minItems: 1, maxItems: 50 },
  ),
  channels: Type.Optional(Type.Array(ChannelId, { minItems: 1, maxItems: 200 })),
  stores: Type.Optional(
    Type.Array(LocationId, {
      minItems: 1,
      maxItems: 1000,
      description: "places whose receipts it sends, whose stock it counts and whose work it sees; left out: all",
    }),
  ),
  ratePerSecond: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  burst: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  apiVersion: Type.Optional(
    Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$", description: "a version of the API, e.g. 2026-11-01" }),
  ),
  oauthClientId: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
})

const KeyBody = entity("New key", { expiresAt: Type.Optional(InstantText) })

export function consumerRoutes(core: GatewayCore): Route[] {
  return [...describingRoutes(core), ...keyRoutes(core)]
}

function describingRoutes({ consumers, access, versions }: GatewayCore): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/consumers",
      scope: "consumers:read",
      summary: "List the consumers with their scopes and limits.",
      repeats: "safe",
      responses: { 200: { description: "All of them", schema: pageOf(AnyObject) } },
      handle: async () => ({ status: 200, body: { items: await consumers.list() } }),
    }),
    route({
      ...governed,
      method: "PUT",
      path: "/v1/consumers/{id}",
      scope: "consumers:write",
      summary:
        "Create a consumer or change it. A caller can grant only what it has itself, and change only consumers that have no more.",
      repeats: "natural key",
      bodySchema: ConsumerBody,
      responses: { 200: { description: "Stored", schema: AnyObject } },
      handle: async (exchange) => {
        const id = exchange.parameter("id")
        if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(id))
          throw new AppError("REQUEST_INVALID", "this cannot be a consumer's id", {
            problems: [{ pointer: "path:id", message: "expected 1 to 63 lower-case letters, digits and dashes" }],
          })
        if (isPersonId(id))
          throw new AppError("REQUEST_INVALID", "this id belongs to a person", {
            problems: [{ pointer: "path:id", message: "people are changed at /v1/people/{name}" }],
          })
        const apiVersion = versions.find(exchange.body.apiVersion ?? newestVersion).date
        const consumer = { ...exchange.body, id, apiVersion }
        mayManage(exchange.grant, consumer)
        await managed(consumers, exchange)
        await consumers.put(consumer, callerOf(exchange))
        await access.refresh()
        return { status: 200, body: consumer }
      },
    }),
    route({
      ...governed,
      method: "DELETE",
      path: "/v1/consumers/{id}",
      scope: "consumers:write",
      summary: "Deactivate a consumer. Its history stays; a PUT activates it again.",
      repeats: "natural key",
      responses: { 200: { description: "Shut out", schema: AnyObject } },
      handle: async (exchange) => {
        const id = exchange.parameter("id")
        await managed(consumers, exchange)
        await consumers.setActive(id, false, callerOf(exchange))
        await access.refresh()
        return { status: 200, body: { id, isActive: false } }
      },
    }),
  ]
}

function keyRoutes({ consumers, access, clock }: GatewayCore): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/consumers/{id}/keys",
      scope: "consumers:read",
      summary: "List a consumer's live keys by their public part, with the time of last use.",
      repeats: "safe",
      responses: { 200: { description: "Its keys", schema: pageOf(AnyObject) } },
      handle: async (exchange) => ({
        status: 200,
        body: { items: await consumers.listKeys(exchange.parameter("id")) },
      }),
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/consumers/{id}/keys",
      scope: "consumers:write",
      summary:
        "Make a key. It is shown only in this response. A consumer may have two live keys, to rotate without a gap.",
      // Storing the response would store the key in clear text. So a repeat is not replayed: it makes another key or
      // fails at the limit of two.
      repeats: "natural key",
      bodySchema: KeyBody,
      isBodyOptional: true,
      responses: { 201: { description: "The key", schema: Type.Object({ id: Type.String(), key: Type.String() }) } },
      handle: async (exchange) => {
        const consumerId = exchange.parameter("id")
        await managed(consumers, exchange)
        // `body` is undefined when none was sent, although the schema's type does not say so.
        const { expiresAt } = (exchange.body as { expiresAt?: string } | undefined) ?? {}
        if (expiresAt !== undefined && epochMs(expiresAt) <= clock.now())
          throw new AppError("REQUEST_INVALID", "the key would never work", {
            problems: [{ pointer: "/expiresAt", message: "must be in the future" }],
          })
        const by = callerOf(exchange)
        const made = await consumers.addKey(consumerId, expiresAt === undefined ? { by } : { by, expiresAt })
        await access.refresh()
        return { status: 201, body: made, headers: { "cache-control": "no-store" } }
      },
    }),
    route({
      ...governed,
      method: "DELETE",
      path: "/v1/consumers/{id}/keys/{keyId}",
      scope: "consumers:write",
      summary: "Revoke a key: at once on this node, within five seconds on others.",
      repeats: "natural key",
      responses: { 200: { description: "Ended", schema: AnyObject } },
      handle: async (exchange) => {
        const keyId = exchange.parameter("keyId")
        await managed(consumers, exchange)
        await consumers.revokeKey(exchange.parameter("id"), keyId, callerOf(exchange))
        await access.refresh()
        return { status: 200, body: { id: keyId, isRevoked: true } }
      },
    }),
  ]
}

/** The consumer of the path, when there is one; PERMISSION_MISSING when it has more than the caller. */
async function managed(consumers: Consumers, exchange: Exchange): Promise<void> {
  const consumer = await consumers.find(exchange.parameter("id"))
  if (consumer) mayManage(exchange.grant, consumer)
}

/**
 * Otherwise `consumers:write` alone would give every right there is, or take it from those who have more. Throws
 * PERMISSION_MISSING with everything that the caller lacks. Only consumers of all channels get here.
 */
export function mayManage({ scopes, consumer: caller }: Grant, { scopes: wanted, ...consumer }: Manageable): void {
  const stores = consumer.stores ?? ["all"]
  const foreign = caller.stores ? stores.filter((store) => !caller.stores?.includes(store)) : []
  if (foreign.length > 0)
    throw new AppError("PERMISSION_MISSING", `you are of ${caller.stores?.join(", ")}, not of ${foreign.join(", ")}`)
  if (scopes.has("*")) return
  const lacking = wanted.filter((scope) => !hasScope(scopes, scope))
  for (const name of ["ratePerSecond", "burst"] as const)
    if ((consumer[name] ?? rateDefaults[name]) > caller[name])
      lacking.push(`${name} ${consumer[name] ?? rateDefaults[name]}`)
  if (lacking.length > 0)
    throw new AppError(
      "PERMISSION_MISSING",
      `you can manage only consumers that have no more than you have yourself; you lack: ${lacking.join(", ")}`,
    )
}

type Manageable = Pick<NewConsumer, "scopes" | "stores" | "ratePerSecond" | "burst">
