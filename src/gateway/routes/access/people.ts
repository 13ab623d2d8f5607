import { Type } from "typebox"
import { Value } from "typebox/value"
import { AppError } from "../../../base/errors.ts"
import { ChannelId, entity, LocationId } from "../../../canonical/parts.ts"
import { consumerOf, type People } from "../../../governance/people/people.ts"
import { roles, scopesOf } from "../../../governance/people/roles.ts"
import type { GatewayCore } from "../../core.ts"
import { callerOf, type Exchange } from "../../exchange.ts"
import { newestVersion } from "../../phases/versions.ts"
import { route, type Route } from "../../route.ts"
import { AnyObject, pageOf } from "../../requests/page-query.ts"
import { mayManage } from "./consumers.ts"

const governed = {
  tier: "experience",
  owner: "operations",
  criticality: "normal",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  credentials: "consumer",
  reach: "all channels",
} as const

const nameRule = "1 to 41 lower-case letters, digits and dashes"

/** What a person signs in with. */
export const PersonName = Type.String({
  pattern: "^[a-z0-9][a-z0-9-]{0,40}$",
  description: nameRule,
})

const PersonBody = entity("Person", {
  fullName: Type.String({ minLength: 1, maxLength: 120 }),
  roles: Type.Array(Type.Enum(Object.keys(roles)), { minItems: 1, maxItems: 10, uniqueItems: true }),
  channels: Type.Optional(Type.Array(ChannelId, { minItems: 1, maxItems: 200 })),
  stores: Type.Optional(
    Type.Array(LocationId, {
      minItems: 1,
      maxItems: 1000,
      description: "places whose stock they count and whose work they see; left out: all",
    }),
  ),
})

/** People who use the console: their roles, and links to sign in. */
export function personRoutes({ people, core: { access } }: { people: People; core: GatewayCore }): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/people",
      scope: "people:read",
      summary: "List the people with their roles and channels, and what each role may do.",
      repeats: "safe",
      responses: { 200: { description: "All of them", schema: pageOf(AnyObject) } },
      handle: async () => ({ status: 200, body: { items: await people.list(), roles } }),
    }),
    route({
      ...governed,
      method: "PUT",
      path: "/v1/people/{name}",
      scope: "people:write",
      summary: "Create a person or change one. A caller can give only what it has itself.",
      repeats: "natural key",
      bodySchema: PersonBody,
      responses: { 200: { description: "Stored", schema: AnyObject } },
      handle: async (exchange) => {
        const person = { ...exchange.body, name: nameOf(exchange), apiVersion: newestVersion }
        await mayChange(people, exchange)
        mayManage(exchange.grant, grantOf(person))
        await people.put(person, callerOf(exchange))
        await access.refresh()
        return { status: 200, body: { ...exchange.body, name: person.name } }
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/people/{name}/link",
      scope: "people:write",
      summary: "Make a link that signs this person in once, within a day. It is shown only in this response.",
      // As with keys: a stored response would keep the link in clear text, so a repeat makes another.
      repeats: "natural key",
      responses: { 201: { description: "The link's text", schema: AnyObject } },
      handle: async (exchange) => {
        await mayChange(people, exchange)
        const made = await people.makeLink(nameOf(exchange), callerOf(exchange))
        return { status: 201, body: { ...made, path: `/console/sign-in#token=${made.token}` } }
      },
    }),
  ]
}

function nameOf(exchange: Exchange<unknown>): string {
  const name = exchange.parameter("name")
  if (!Value.Check(PersonName, name))
    throw new AppError("REQUEST_INVALID", "this cannot be a person's name", {
      problems: [{ pointer: "path:name", message: `expected ${nameRule}` }],
    })
  return name
}

/** PERMISSION_MISSING when the person has more than the caller. */
async function mayChange(people: People, exchange: Exchange<unknown>): Promise<void> {
  const name = nameOf(exchange)
  const known = (await people.list()).find((person) => consumerOf(person.name) === consumerOf(name))
  if (known) mayManage(exchange.grant, grantOf(known))
}

/** What a person has. */
function grantOf({ roles: own, stores }: { roles: readonly string[]; stores?: readonly string[] | undefined }) {
  return { scopes: scopesOf(own), ...(stores ? { stores } : {}) }
}
