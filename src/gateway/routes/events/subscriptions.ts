import { Type } from "typebox"
import { AppError, type Problem } from "../../../base/errors.ts"
import { eventTypes, eventTypesNamed } from "../../../canonical/events.ts"
import { entity, InstantText } from "../../../canonical/parts.ts"
import { callerOf, type Exchange } from "../../exchange.ts"
import { AnyObject, pageOf } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

const governed = {
  tier: "process",
  owner: "integration",
  criticality: "high",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  credentials: "consumer",
  // The log mixes all channels.
  reach: "all channels",
} as const

const types = Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
  minItems: 1,
  maxItems: 100,
  description: "event types, or all of a kind such as order.*; left out: all",
})
const url = Type.String({
  pattern: "^https?://",
  maxLength: 2000,
  description:
    "an address that begins with https:// and takes the messages; http:// only where private addresses are allowed",
})
const description = Type.String({ minLength: 3, maxLength: 200, description: "what it is for, and whose it is" })

const NewSubscription = entity("New event subscription", {
  id: Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,39}$", description: "its lasting name, e.g. analytics" }),
  url,
  description,
  types: Type.Optional(types),
  since: Type.Optional(InstantText),
})
const Change = entity("Changed event subscription", {
  url: Type.Optional(url),
  description: Type.Optional(description),
  types: Type.Optional(types),
})
const noType = `is not an event type, nor all of a kind; there are ${Object.keys(eventTypes).join(", ")}`

const Replay = entity("Replay of events", { since: InstantText })
const WithSecret = Type.Object({ secret: Type.String({ description: "whsec_ and base64; signs every message" }) })

interface Wanted {
  url: string
  description: string
  types: readonly string[]
  since?: string
}

/** Event subscriptions as the routes need them. */
export interface EventSubscriptionsApi {
  list(): Promise<readonly object[]>
  find(id: string): Promise<object>
  create(id: string, wanted: Wanted, by: string): Promise<{ secret: string }>
  change(id: string, wanted: Partial<Wanted>, by: string): Promise<void>
  act(act: "pause" | "resume" | "remove", id: string, by: string): Promise<void>
  replay(id: string, since: string, by: string): Promise<void>
  rotate(id: string, by: string): Promise<{ secret: string }>
  test(id: string): Promise<object>
  /** Why an address cannot be called. */
  addressProblem(url: string): string | undefined
}

/** Routes by which other teams have the events of the log sent to them. */
export function eventSubscriptionRoutes(api: EventSubscriptionsApi): Route[] {
  const id = (exchange: Exchange) => exchange.parameter("id")
  const found = async (exchange: Exchange) => ({ status: 200, body: await api.find(id(exchange)) })
  const act = (name: "pause" | "resume", summary: string) =>
    route({
      ...governed,
      method: "POST",
      path: `/v1/subscriptions/{id}/${name}`,
      scope: "subscriptions:write",
      summary,
      repeats: "natural key",
      responses: { 200: { description: "The subscription as it is now", schema: AnyObject } },
      handle: async (exchange) => {
        await api.act(name, id(exchange), callerOf(exchange))
        return found(exchange)
      },
    })
  return [
    ...readRoutes(api),
    ...writeRoutes(api),
    act("pause", "Pause an event subscription. It goes on later where it stands; nothing is left out."),
    act("resume", "Go on with a paused or stopped event subscription, and try again what its receiver refused."),
  ]
}

function readRoutes(api: EventSubscriptionsApi): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/subscriptions",
      scope: "subscriptions:read",
      summary: "List the event subscriptions: where events are sent to, how far each is, and what goes wrong.",
      repeats: "safe",
      responses: { 200: { description: "All of them", schema: pageOf(AnyObject) } },
      handle: async () => ({ status: 200, body: { items: await api.list() } }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/subscriptions/{id}",
      scope: "subscriptions:read",
      summary: "Read one event subscription.",
      repeats: "safe",
      responses: { 200: { description: "The subscription", schema: AnyObject } },
      handle: async (exchange) => ({ status: 200, body: await api.find(exchange.parameter("id")) }),
    }),
  ]
}

function writeRoutes(api: EventSubscriptionsApi): Route[] {
  const check = (given: { url?: string; types?: string[] }) => {
    const problems: Problem[] = (given.types ?? []).flatMap((name, place) =>
      eventTypesNamed(name).length > 0 ? [] : [{ pointer: `/types/${place}`, message: noType }],
    )
    const wrong = given.url === undefined ? undefined : api.addressProblem(given.url)
    if (wrong !== undefined) problems.push({ pointer: "/url", message: wrong })
    if (problems.length > 0) throw new AppError("REQUEST_INVALID", "the event subscription cannot work", { problems })
  }
  return [
    route({
      ...governed,
      method: "POST",
      path: "/v1/subscriptions",
      scope: "subscriptions:write",
      summary:
        "Have events sent to an address, one signed message each (Standard Webhooks), those of one object in their order, from now on or since a moment. The answer has the secret.",
      repeats: "natural key",
      bodySchema: NewSubscription,
      responses: { 201: { description: "The subscription, or the same as before", schema: WithSecret } },
      handle: async (exchange) => {
        const { id, types: names = [], ...more } = exchange.body
        check(exchange.body)
        const { secret } = await api.create(id, { ...more, types: names }, callerOf(exchange))
        const body = { ...(await api.find(id)), secret }
        return { status: 201, body, headers: { "cache-control": "no-store" } }
      },
    }),
    route({
      ...governed,
      method: "PUT",
      path: "/v1/subscriptions/{id}",
      scope: "subscriptions:write",
      summary: "Change address, types or description of an event subscription. It goes on where it stands.",
      repeats: "natural key",
      bodySchema: Change,
      responses: { 200: { description: "The subscription as it is now", schema: AnyObject } },
      handle: async (exchange) => {
        const id = exchange.parameter("id")
        check(exchange.body)
        await api.change(id, exchange.body, callerOf(exchange))
        return { status: 200, body: await api.find(id) }
      },
    }),
    route({
      ...governed,
      method: "DELETE",
      path: "/v1/subscriptions/{id}",
      scope: "subscriptions:write",
      summary: "End an event subscription. What was not sent is not sent any more.",
      repeats: "natural key",
      responses: { 200: { description: "Ended", schema: AnyObject } },
      handle: async (exchange) => {
        const id = exchange.parameter("id")
        await api.act("remove", id, callerOf(exchange))
        return { status: 200, body: { id, isRemoved: true } }
      },
    }),
    ...sendingRoutes(api),
  ]
}

function sendingRoutes(api: EventSubscriptionsApi): Route[] {
  return [
    route({
      ...governed,
      method: "POST",
      path: "/v1/subscriptions/{id}/replay",
      scope: "subscriptions:write",
      summary: "Send again what the log took since a moment, as far back as it is kept. Messages keep their ids.",
      repeats: "natural key",
      bodySchema: Replay,
      responses: { 200: { description: "The subscription as it is now", schema: AnyObject } },
      handle: async (exchange) => {
        const id = exchange.parameter("id")
        await api.replay(id, exchange.body.since, callerOf(exchange))
        return { status: 200, body: await api.find(id) }
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/subscriptions/{id}/rotate",
      scope: "subscriptions:write",
      summary: "Make a new secret. For a day messages are signed with the former one too.",
      // Stored, the answer would be a secret in clear text; a repeat makes another secret.
      repeats: "natural key",
      responses: { 200: { description: "The new secret", schema: WithSecret } },
      handle: async (exchange) => ({
        status: 200,
        body: await api.rotate(exchange.parameter("id"), callerOf(exchange)),
        headers: { "cache-control": "no-store" },
      }),
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/subscriptions/{id}/test",
      scope: "subscriptions:write",
      summary: "Send one message of the type crossdock.test at once, and say what its receiver answers.",
      repeats: "natural key",
      timeLimitMs: 20_000,
      responses: { 200: { description: "Whether it was taken", schema: AnyObject } },
      handle: async (exchange) => ({ status: 200, body: await api.test(exchange.parameter("id")) }),
    }),
  ]
}
