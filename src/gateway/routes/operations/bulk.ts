import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { entity } from "../../../canonical/parts.ts"
import { hasScope } from "../../../governance/scopes.ts"
import { rolesWith } from "../../../governance/people/roles.ts"
import type { Page, PageRequest } from "../../core.ts"
import type { Exchange } from "../../exchange.ts"
import { route, type Route } from "../../route.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"

const governed = {
  tier: "experience",
  owner: "operations",
  criticality: "high",
  serviceLevel: { p99Ms: 1000, availabilityPercent: 99.9 },
  credentials: "consumer",
  // An operation is of the channels of who asked for it, and its members are of those.
  reach: "own channels",
} as const

const Asked = entity("New operation", {
  kind: Type.String({ minLength: 1, maxLength: 64, description: "e.g. decide; see the list of kinds" }),
  spec: Type.Object({}, { additionalProperties: true, description: "what the kind needs to know" }),
  reason: Type.String({ minLength: 1, maxLength: 1000 }),
  perSecond: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: "members a second; default 20" })),
})

const Pace = entity("Pace", { perSecond: Type.Integer({ minimum: 1, maximum: 500 }) })

const Seen = entity("Seen preview", {
  hash: Type.String({ minLength: 1, maxLength: 64, description: "of the preview that was looked at" }),
})

interface OfChannels {
  channels?: readonly string[] | undefined
}
type By = OfChannels & { by: string }

interface Operation {
  kind: string
  spec: object
  state: string
  requestedBy: string
}

/** Operations on many objects as the routes need them. */
export interface Bulk {
  preview(asked: By & { kind: string; spec: unknown; reason: string; perSecond?: number }): Promise<Operation>
  list(request: PageRequest & OfChannels & { state?: string }): Promise<Page<Operation>>
  find(id: string, channels: readonly string[] | undefined): Promise<Operation | undefined>
  members(id: string, page: { after?: number; limit?: number }): Promise<readonly object[]>
  run(id: string, started: By & { hash: string }): Promise<Operation>
  approve(id: string, started: By & { hash: string }): Promise<Operation>
  pause(id: string, by: By): Promise<Operation>
  stop(id: string, by: By): Promise<Operation>
  pace(id: string, pace: By & { perSecond: number }): Promise<Operation>
  /** The same without what is personal. */
  withoutPersonal<One extends Pick<Operation, "kind" | "spec">>(operation: One): One
  difference(operation: Pick<Operation, "kind" | "spec">): Promise<object[] | undefined>
  kinds(): readonly { name: string; scope?: string }[]
}

/** Operations on many objects: preview, approval, progress, pause, stop. */
export function bulkRoutes(bulk: Bulk): Route[] {
  return [kindsRoute(bulk), ...readingRoutes(bulk), ...startingRoutes(bulk), ...endingRoutes(bulk)]
}

function kindsRoute(bulk: Bulk): Route {
  return route({
    ...governed,
    method: "GET",
    path: "/v1/operation-kinds",
    scope: "operations:read",
    summary: "What can be done to many objects, and what each kind needs to know, so that a form can be drawn for it.",
    repeats: "safe",
    responses: { 200: { description: "Kinds", schema: Type.Object({ items: Type.Array(AnyObject) }) } },
    handle: ({ grant }) => ({
      status: 200,
      body: { items: bulk.kinds().map((kind) => ({ ...kind, ...allowed(kind, grant) })) },
    }),
  })
}

function readingRoutes(bulk: Bulk): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/operations",
      scope: "operations:read",
      summary: "Operations on many objects, newest first.",
      repeats: "safe",
      querySchema: query({
        ...pageQuery,
        state: Type.Optional(Type.Enum(["previewed", "waiting for approval", "running", "paused", "stopped", "done"])),
      }),
      responses: { 200: { description: "A page of operations", schema: pageOf(AnyObject) } },
      handle: async ({ query: { limit, cursor, ...filter }, channels, grant }) => {
        const page = await bulk.list({ ...filter, ...pageRequest({ limit, cursor }), channels })
        return { status: 200, body: { ...page, items: page.items.map((one) => shown(bulk, grant, one)) } }
      },
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/operations/{id}",
      scope: "operations:read",
      summary: "One operation: what it changes, money, refused objects with reasons, progress, who asked and approved.",
      repeats: "safe",
      responses: { 200: { description: "The operation", schema: AnyObject } },
      handle: async (exchange) => {
        return { status: 200, body: await whole(bulk, exchange, await known(bulk, exchange)) }
      },
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/operations/{id}/members",
      scope: "operations:read",
      summary: "What an operation changes, in its order, and what became of each.",
      repeats: "safe",
      querySchema: query({
        after: Type.Optional(Type.Integer({ minimum: 0, description: "`n` of the last member of the page before" })),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
      }),
      responses: { 200: { description: "Members", schema: Type.Object({ items: Type.Array(AnyObject) }) } },
      handle: async (exchange) => {
        await known(bulk, exchange)
        return { status: 200, body: { items: await bulk.members(exchange.parameter("id"), exchange.query) } }
      },
    }),
  ]
}

function startingRoutes(bulk: Bulk): Route[] {
  return [
    route({
      ...governed,
      method: "POST",
      path: "/v1/operations",
      scope: "operations:write",
      summary: "Preview an operation: which objects, how much money, what is refused and why. Nothing is changed yet.",
      repeats: "idempotency key",
      bodySchema: Asked,
      timeLimitMs: 20_000,
      responses: { 201: { description: "The preview, good for fifteen minutes", schema: AnyObject } },
      handle: async (exchange) => {
        assertScope(bulk, exchange, exchange.body.kind)
        return {
          status: 201,
          body: shown(bulk, exchange.grant, await bulk.preview({ ...exchange.body, ...by(exchange) })),
        }
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/operations/{id}/run",
      scope: "operations:write",
      summary: "Start a preview, or go on with a paused one. Where it needs approval, this asks for it.",
      repeats: "natural key",
      bodySchema: Seen,
      responses: { 200: { description: "The operation as it is now", schema: AnyObject } },
      handle: async (exchange) => {
        assertScope(bulk, exchange, (await known(bulk, exchange)).kind)
        return {
          status: 200,
          body: await acted(bulk, exchange, bulk.run(exchange.parameter("id"), { ...exchange.body, ...by(exchange) })),
        }
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/operations/{id}/approval",
      scope: "operations:approve",
      summary: "Approve what another person asked for, as it was previewed. It starts at once.",
      repeats: "natural key",
      bodySchema: Seen,
      responses: { 200: { description: "The operation as it is now", schema: AnyObject } },
      handle: async (exchange) => ({
        status: 200,
        body: await acted(
          bulk,
          exchange,
          bulk.approve(exchange.parameter("id"), { ...exchange.body, ...by(exchange) }),
        ),
      }),
    }),
  ]
}

function endingRoutes(bulk: Bulk): Route[] {
  return [
    route({
      ...governed,
      method: "POST",
      path: "/v1/operations/{id}/pace",
      scope: "operations:write",
      summary: "Change how many members a second an operation goes through, also while it runs.",
      repeats: "natural key",
      bodySchema: Pace,
      responses: { 200: { description: "The operation as it is now", schema: AnyObject } },
      handle: async (exchange) => ({
        status: 200,
        body: await acted(bulk, exchange, bulk.pace(exchange.parameter("id"), { ...exchange.body, ...by(exchange) })),
      }),
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/operations/{id}/pause",
      scope: "operations:write",
      summary: "Pause a running operation after its current member.",
      repeats: "natural key",
      responses: { 200: { description: "The operation as it is now", schema: AnyObject } },
      handle: async (exchange) => ({
        status: 200,
        body: await acted(bulk, exchange, bulk.pause(exchange.parameter("id"), by(exchange))),
      }),
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/operations/{id}/stop",
      scope: "operations:write",
      summary: "End an operation: what is done stays done, the rest is left.",
      repeats: "natural key",
      responses: { 200: { description: "The operation as it is now", schema: AnyObject } },
      handle: async (exchange) => ({
        status: 200,
        body: await acted(bulk, exchange, bulk.stop(exchange.parameter("id"), by(exchange))),
      }),
    }),
  ]
}

/** By consumer, not by key: a program's second key is no other person. */
const by = (exchange: Pick<Exchange, "consumerId" | "channels">): By => ({
  by: exchange.consumerId,
  channels: exchange.channels,
})

async function known(bulk: Bulk, exchange: Pick<Exchange, "parameter" | "channels">): Promise<Operation> {
  const id = exchange.parameter("id")
  const operation = await bulk.find(id, exchange.channels)
  if (!operation) throw new AppError("NOT_FOUND", `there is no operation ${id.slice(0, 64)}`)
  return operation
}

/** Whether the caller may use a kind, and why not: the roles that have its scope. */
function allowed({ scope }: { scope?: string }, grant: Exchange["grant"]): { allowed: boolean; reason?: string } {
  if (hasScope(grant.scopes, "operations:write") && (scope === undefined || hasScope(grant.scopes, scope)))
    return { allowed: true }
  return { allowed: false, reason: `needs the role ${rolesWith("operations:write", scope).join(" or ")}` }
}

/** PERMISSION_MISSING when the kind needs a scope that the caller lacks. */
function assertScope(bulk: Bulk, { grant }: Pick<Exchange, "grant">, kind: string): void {
  const found = bulk.kinds().find(({ name }) => name === kind)
  const { allowed: isAllowed, reason } = found ? allowed(found, grant) : { allowed: true }
  if (!isAllowed) throw new AppError("PERMISSION_MISSING", `"${kind}" ${reason ?? ""}`)
}

/** Whether the caller may approve what waits for it, and why not. Whoever asked sees for whom it waits. */
function approvalBy({ consumerId, grant }: Exchange<unknown, unknown>, { requestedBy }: Operation) {
  const others = rolesWith("operations:approve").join(" or ")
  const waitsFor = `another person with the role ${others}`
  if (!hasScope(grant.scopes, "operations:approve"))
    return { waitsFor, allowed: false, reason: `needs the role ${others}` }
  if (requestedBy === consumerId)
    return { waitsFor, allowed: false, reason: "you asked for it yourself: another person has to approve it" }
  return { waitsFor, allowed: true }
}

/** An operation as the caller may see it: what is personal in it is shown to callers with `payloads:read`. */
function shown(bulk: Bulk, { scopes }: Exchange["grant"], operation: Operation): Operation {
  return hasScope(scopes, "payloads:read") ? operation : bulk.withoutPersonal(operation)
}

async function acted(
  bulk: Bulk,
  { grant }: Pick<Exchange, "grant">,
  operation: Promise<Operation>,
): Promise<Operation> {
  return shown(bulk, grant, await operation)
}

/** One operation with what only its page shows: the difference, and who may approve it. */
async function whole(bulk: Bulk, exchange: Exchange<unknown, unknown>, operation: Operation): Promise<object> {
  const one = shown(bulk, exchange.grant, operation)
  const difference = one === operation ? await bulk.difference(operation) : undefined
  const isWaiting = operation.state === "waiting for approval"
  return {
    ...one,
    ...(difference ? { difference } : {}),
    ...(isWaiting ? { approval: approvalBy(exchange, operation) } : {}),
  }
}
