import { Type, type Static } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { CurrencyCode } from "../../../base/money.ts"
import { entity, InstantText } from "../../../canonical/parts.ts"
import type { Exchange } from "../../exchange.ts"
import { callerOf } from "../../exchange.ts"
import { route, type Route } from "../../route.ts"
import { AnyObject, query } from "../../requests/page-query.ts"

const governed = {
  tier: "experience",
  owner: "operations",
  criticality: "high",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  credentials: "consumer",
  // A group is of the channels of its cases; a limited consumer's groups hold only the cases of its own.
  reach: "own channels",
} as const

/** Of a group of exceptions. */
export const GroupId = Type.String({ pattern: "^grp_[0-9a-f]{16}$" })

const word = Type.String({ minLength: 1, maxLength: 64 })

const Filter = query({
  owner: Type.Optional(word),
  kind: Type.Optional(Type.Enum(["outage", "data", "flow"])),
  connection: Type.Optional(word),
  channel: Type.Optional(word),
  state: Type.Optional(Type.Enum(["open", "snoozed", "all"])),
  sort: Type.Optional(Type.Enum(["score", "money", "clock", "cases", "newest"])),
})

const Act = entity("Group act", {
  act: Type.Enum(["assign", "unassign", "acknowledge", "snooze", "wake", "comment"]),
  to: Type.Optional(Type.String({ minLength: 1, maxLength: 120, description: "assign: a person or a team" })),
  forMinutes: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 10_080,
      description: "acknowledge: nobody is told of it again so long; default 240",
    }),
  ),
  until: Type.Optional(InstantText),
  moreCases: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000_000, description: "snooze: ends when there are so many more" }),
  ),
  moreMinor: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000_000_000,
      description: "snooze: ends when so much more money of `currency` is at risk",
    }),
  ),
  currency: Type.Optional(CurrencyCode),
  text: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
})

type ActBody = Static<typeof Act>

interface OfChannels {
  channels?: readonly string[] | undefined
}

/** Groups of exceptions as the routes need them. */
export interface Groups {
  list(filter: OfChannels & Static<typeof Filter>): Promise<{ items: readonly object[]; hasMore: boolean }>
  /** With its history. */
  find(id: string, of: OfChannels): Promise<object | undefined>
  act(id: string, act: OfChannels & ActBody & { by: string }): Promise<object | undefined>
}

/** Groups of exceptions: one entry for one cause, with what it costs and when it is due. */
export function groupRoutes(groups: Groups): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/exception-groups",
      scope: "operations:read",
      summary:
        "Open exceptions by cause, the most urgent first: money at risk × urgency + orders. Currencies are never added.",
      repeats: "safe",
      querySchema: Filter,
      responses: {
        200: {
          description: "At most 500 groups; `hasMore` says that there are more",
          schema: Type.Object({ items: Type.Array(AnyObject), hasMore: Type.Boolean() }),
        },
      },
      handle: async ({ query: filter, channels }) => ({
        status: 200,
        body: await groups.list({ ...filter, channels }),
      }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/exception-groups/{id}",
      scope: "operations:read",
      summary: "One group and what people did with it. Its cases: `/v1/exceptions?group={id}`.",
      repeats: "safe",
      responses: { 200: { description: "The group", schema: AnyObject } },
      handle: async (exchange) => {
        const id = idOf(exchange)
        return { status: 200, body: known(id, await groups.find(id, exchange)) }
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/exception-groups/{id}/acts",
      scope: "operations:write",
      summary: "Assign, acknowledge, snooze, wake or comment a group. Its cases stay as they are.",
      repeats: "idempotency key",
      bodySchema: Act,
      responses: { 200: { description: "The group as it is now", schema: AnyObject } },
      handle: async (exchange) => {
        const id = idOf(exchange)
        const { channels, body } = exchange
        return { status: 200, body: known(id, await groups.act(id, { ...body, channels, by: callerOf(exchange) })) }
      },
    }),
  ]
}

function idOf(exchange: Exchange<unknown, unknown>): string {
  return exchange.parameter("id")
}

function known(id: string, group: object | undefined): object {
  if (!group) throw new AppError("NOT_FOUND", `group ${id.slice(0, 64)} has no open cases`)
  return group
}
