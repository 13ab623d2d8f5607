import { Type } from "typebox"
import { entity } from "../../../canonical/parts.ts"
import { callerOf, type Exchange } from "../../exchange.ts"
import { AnyObject } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"
import { GroupId } from "./groups.ts"

const governed = {
  tier: "experience",
  owner: "operations",
  criticality: "normal",
  serviceLevel: { p99Ms: 1000, availabilityPercent: 99.9 },
  credentials: "consumer",
  // A rule is about the cases of all channels.
  reach: "all channels",
} as const

const Reason = Type.String({
  minLength: 1,
  maxLength: 1000,
  description: "shown with the group, and kept by the audit",
})

/** Rules about groups as the routes need them. */
export interface GroupRules<Field extends string> {
  /** By which fields a group may be split. */
  fields: readonly Field[]
  list(): Promise<readonly object[]>
  merge(rule: { group: string; into: string; by: string; reason: string }): Promise<object>
  split(rule: { group: string; field: Field; by: string; reason: string }): Promise<object>
  undo(undone: { id: number; by: string }): Promise<object>
}

/** Merging and splitting groups of exceptions: rules that hold for later cases too. */
export function groupRuleRoutes<Field extends string>(rules: GroupRules<Field>): Route[] {
  const Merge = entity("Merge", { into: GroupId, reason: Reason })
  const Split = entity("Split", { by: Type.Enum([...rules.fields]), reason: Reason })
  const group = (exchange: Pick<Exchange, "parameter">) => exchange.parameter("id")
  const ruled = { responses: { 200: { description: "The rule", schema: AnyObject } } }
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/exception-group-rules",
      scope: "operations:read",
      summary: "Which groups were merged and split, by whom and why; the newest 500, also those that were undone.",
      repeats: "safe",
      responses: { 200: { description: "Rules", schema: Type.Object({ items: Type.Array(AnyObject) }) } },
      handle: async () => ({ status: 200, body: { items: await rules.list() } }),
    }),
    route({
      ...governed,
      ...ruled,
      method: "POST",
      path: "/v1/exception-groups/{id}/merge",
      scope: "operations:write",
      summary: "Put a group's cases into another group, those to come as well.",
      repeats: "idempotency key",
      bodySchema: Merge,
      handle: async (exchange) => {
        const rule = { ...exchange.body, group: group(exchange), by: callerOf(exchange) }
        return { status: 200, body: await rules.merge(rule) }
      },
    }),
    route({
      ...governed,
      ...ruled,
      method: "POST",
      path: "/v1/exception-groups/{id}/split",
      scope: "operations:write",
      summary: "Split a group by a field of its cases, those to come as well.",
      repeats: "idempotency key",
      bodySchema: Split,
      handle: async (exchange) => {
        const { by: field, reason } = exchange.body
        const rule = { group: group(exchange), field: field as Field, reason, by: callerOf(exchange) }
        return { status: 200, body: await rules.split(rule) }
      },
    }),
    route({
      ...governed,
      ...ruled,
      method: "POST",
      path: "/v1/exception-group-rules/{id}/undo",
      scope: "operations:write",
      summary: "Undo a merge or a split: its cases go back to where they belong without it.",
      repeats: "natural key",
      handle: async (exchange) => ({
        status: 200,
        body: await rules.undo({ id: ruleId(exchange), by: callerOf(exchange) }),
      }),
    }),
  ]
}

/** A text that is no number is the id of no rule. */
function ruleId(exchange: Pick<Exchange, "parameter">): number {
  const id = Number(exchange.parameter("id"))
  return Number.isSafeInteger(id) && id > 0 ? id : 0
}
