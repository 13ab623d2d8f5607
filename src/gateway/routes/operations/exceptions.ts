import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { entity, OrderId } from "../../../canonical/parts.ts"
import { rolesWith } from "../../../governance/people/roles.ts"
import { hasScope } from "../../../governance/scopes.ts"
import type { Act, Page, PageRequest } from "../../core.ts"
import { act, type Exchange } from "../../exchange.ts"
import { route, type Route } from "../../route.ts"
import { GroupId } from "./groups.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"

const governed = {
  tier: "experience",
  owner: "operations",
  criticality: "high",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  credentials: "consumer",
  // An exception is of the channel of the order that it is about.
  reach: "own channels",
} as const

const Decision = entity("Decision", {
  action: Type.String({ minLength: 1, maxLength: 64, description: "one of the exception's allowed actions" }),
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 1000 })),
  day: Type.Optional(
    Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$", description: "the day that the action asks for" }),
  ),
})

/** Only exceptions about orders of these channels; undefined = all. */
interface OfChannels {
  channels?: readonly string[] | undefined
}

/** Exceptions as the routes need them. */
export interface Exceptions {
  list(
    request: PageRequest &
      OfChannels & { state?: "open" | "decided"; owner?: string; cause?: string; orderId?: string; group?: string },
  ): Promise<Page<object>>
  find(id: string, of: OfChannels): Promise<object | undefined>
  actions(): readonly { name: string; scope?: string }[]
  filters(of: OfChannels): Promise<object>
  /** STATE_FORBIDS when it is decided already otherwise, or the action cannot be taken. */
  decide(id: string, decision: Act & OfChannels & { action: string; day?: string }): Promise<object | undefined>
}

export function exceptionRoutes(exceptions: Exceptions): Route[] {
  return [...aboutExceptions(exceptions), ...ofExceptions(exceptions)]
}

/** What a screen needs to draw its filters and forms. */
function aboutExceptions(exceptions: Exceptions): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/exception-actions",
      scope: "operations:read",
      summary:
        "What may be done about exceptions, what follows, and what a decision must say, so that a form can be drawn.",
      repeats: "safe",
      responses: { 200: { description: "Actions", schema: Type.Object({ items: Type.Array(AnyObject) }) } },
      handle: () => ({ status: 200, body: { items: exceptions.actions() } }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/exception-filters",
      scope: "operations:read",
      summary: "Owners, causes, connections and channels of open exceptions, each with its number.",
      repeats: "safe",
      responses: { 200: { description: "Values to filter by", schema: AnyObject } },
      handle: async ({ channels }) => ({ status: 200, body: await exceptions.filters({ channels }) }),
    }),
  ]
}

function ofExceptions(exceptions: Exceptions): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/exceptions",
      scope: "operations:read",
      summary: "List the exceptions, newest first.",
      repeats: "safe",
      querySchema: query({
        ...pageQuery,
        state: Type.Optional(Type.Union([Type.Literal("open"), Type.Literal("decided")])),
        owner: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
        cause: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
        orderId: Type.Optional(OrderId),
        group: Type.Optional(GroupId),
      }),
      responses: { 200: { description: "A page of exceptions", schema: pageOf(AnyObject) } },
      handle: async ({ query: { limit, cursor, ...filter }, channels }) => ({
        status: 200,
        body: await exceptions.list({ ...filter, ...pageRequest({ limit, cursor }), channels }),
      }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/exceptions/{id}",
      scope: "operations:read",
      summary:
        "Read one exception: what happened, what was done, what happens if nobody acts, and the allowed actions.",
      repeats: "safe",
      responses: { 200: { description: "The exception", schema: AnyObject } },
      handle: async (exchange) => {
        const id = exchange.parameter("id")
        return { status: 200, body: known(id, await exceptions.find(id, exchange)) }
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/exceptions/{id}/decision",
      scope: "operations:write",
      summary: "Decide an exception. The first decision is final; repeating it changes nothing.",
      repeats: "idempotency key",
      bodySchema: Decision,
      responses: { 200: { description: "The exception as it is now", schema: AnyObject } },
      handle: async (exchange) => {
        const id = exchange.parameter("id")
        const { action, day } = exchange.body
        const { channels } = exchange
        mayDecide(exceptions, action, exchange.grant)
        const decision = { ...act(exchange), action, channels, ...(day === undefined ? {} : { day }) }
        return { status: 200, body: known(id, await exceptions.decide(id, decision)) }
      },
    }),
  ]
}

/** PERMISSION_MISSING when an action needs a scope that the caller lacks. */
function mayDecide(exceptions: Exceptions, action: string, { scopes }: Exchange["grant"]): void {
  const scope = exceptions.actions().find(({ name }) => name === action)?.scope
  if (scope === undefined || hasScope(scopes, scope)) return
  const roles = rolesWith("operations:write", scope).join(" or ")
  throw new AppError("PERMISSION_MISSING", `"${action}" needs the scope ${scope}: the role ${roles}`)
}

function known(id: string, exception: object | undefined): object {
  if (!exception) throw new AppError("NOT_FOUND", `exception ${id.slice(0, 64)} does not exist`)
  return exception
}
