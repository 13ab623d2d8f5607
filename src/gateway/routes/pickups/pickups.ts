import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { entity, InstantText, LineQuantity, linesMax, LocationId, OrderId, textMax } from "../../../canonical/parts.ts"
import { handoverProofs } from "../../../canonical/pickups/events.ts"
import { pickupStates } from "../../../canonical/states.ts"
import { accept } from "../../accept.ts"
import { apiConnection } from "../../api-deliveries.ts"
import type { GatewayCore, Page, PageRequest } from "../../core.ts"
import { callerOf, type Exchange } from "../../exchange.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { checkSame } from "../../requests/same-as-before.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"
import { problemsOf, reported, type PickupView, type Said } from "./report-problems.ts"

const governed = {
  tier: "experience",
  owner: "stores",
  criticality: "high",
  serviceLevel: { p99Ms: 250, availabilityPercent: 99.9 },
  credentials: "consumer",
  reach: "own channels",
} as const

/** Pickups as the routes need them. */
export interface Pickups {
  list(
    request: PageRequest & {
      locationId?: string
      orderId?: string
      state?: string
      isOpen?: boolean
      channels?: readonly string[]
    },
  ): Promise<Page<object>>
  read(pickupId: string): Promise<PickupView | undefined>
  isCode(pickupId: string, code: string): boolean
  /** Counts a code that somebody typed, right or wrong. Errors: RATE_LIMITED, with the time to wait. */
  takeCode(of: { pickupId: string; locationId: string; caller: string; isRight: boolean }): Promise<void>
}

interface Given {
  core: Pick<GatewayCore, "inbox" | "clock">
  pickups: Pickups
}

const Id = Type.String({ minLength: 1, maxLength: 128, description: "identifies the report: the same one counts once" })
const Why = Type.String({ minLength: 1, maxLength: 500 })
const Lines = Type.Array(LineQuantity, { minItems: 1, maxItems: linesMax })

/** The bodies of what a store says of a pickup, by the last part of the path. */
export const said = {
  accept: entity("Pickup acceptance", { id: Id }),
  pick: entity("Pickup picking", {
    id: Id,
    found: Type.Optional(Lines),
    missing: Type.Optional(Lines),
    reason: Type.Optional(Why),
  }),
  reject: entity("Pickup rejection", { id: Id, reason: Why }),
  "hand-over": entity("Pickup handover", {
    id: Id,
    lines: Type.Optional(Lines),
    code: Type.Optional(Type.String({ minLength: 1, maxLength: 32, description: "what the buyer shows; not kept" })),
    proof: Type.Optional(Type.Enum(handoverProofs)),
    to: Type.Optional(Type.String({ minLength: 1, maxLength: textMax })),
    carrier: Type.Optional(Type.String({ minLength: 1, maxLength: textMax })),
    trackingNumber: Type.Optional(Type.String({ minLength: 1, maxLength: textMax })),
  }),
  "keep-longer": entity("Pickup extension", { id: Id, until: InstantText, reason: Type.Optional(Why) }),
  "put-back": entity("Pickup put back", { id: Id, lines: Type.Optional(Lines) }),
} as const
/** What a store says of a pickup. */
export type SaidOfPickup = keyof typeof said

const summaries: Readonly<Record<SaidOfPickup, string>> = {
  accept: "Say that somebody has begun to get it ready.",
  pick: "Say what was found, and what the store does not have: that is looked for elsewhere. Each report adds to those before it.",
  reject: "Say that the store cannot do it. What was not found yet is looked for elsewhere.",
  "hand-over":
    "Say that the buyer has the goods, or the carrier. Stock, money, books and shop follow. With codes in use, the buyer's code or a look at a document comes with it.",
  "keep-longer": "Keep goods for the buyer until a later moment.",
  "put-back":
    "Say that goods which nobody takes are back on their shelf. What was not collected is then given back in money.",
}

export function pickupRoutes(given: Given): Route[] {
  return [...readRoutes(given), ...(Object.keys(said) as SaidOfPickup[]).map((name) => saidRoute(given, name))]
}

function readRoutes({ pickups }: Given): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/pickups",
      scope: "orders:read",
      summary: "List what stores get ready, the oldest request first: a store's work list.",
      repeats: "safe",
      querySchema: query({
        ...pageQuery,
        location: Type.Optional(LocationId),
        order: Type.Optional(OrderId),
        state: Type.Optional(Type.Enum(pickupStates)),
        open: Type.Optional(Type.Boolean({ description: "true: those that have not ended" })),
      }),
      responses: { 200: { description: "A page of pickups", schema: pageOf(AnyObject) } },
      handle: async (exchange) => {
        const { location, order, state, open, ...page } = exchange.query
        if (exchange.stores) checkStore(exchange, location)
        const request = {
          ...pageRequest(page),
          ...(location === undefined ? {} : { locationId: location }),
          ...(order === undefined ? {} : { orderId: order }),
          ...(state === undefined ? {} : { state }),
          ...(open === undefined ? {} : { isOpen: open }),
          ...(exchange.channels ? { channels: exchange.channels } : {}),
        }
        return { status: 200, body: await pickups.list(request) }
      },
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/pickups/{id}",
      scope: "orders:read",
      summary:
        "One pickup: what was found, what waits for whom and until when, and what to ask of whoever collects it.",
      repeats: "safe",
      responses: { 200: { description: "The pickup", schema: AnyObject } },
      handle: async (exchange) => ({ status: 200, body: await visiblePickup(pickups, exchange) }),
    }),
  ]
}

function saidRoute({ core, pickups }: Given, name: SaidOfPickup): Route {
  return route({
    ...governed,
    method: "POST",
    path: `/v1/pickups/{id}/${name}`,
    scope: "orders:write",
    summary: summaries[name],
    repeats: "natural key",
    bodySchema: said[name],
    responses: { 202: { description: "Durable", schema: AnyObject } },
    handle: async (exchange) => {
      const pickup = await visiblePickup(pickups, exchange)
      const { pickupId, orderId, locationId } = pickup
      const body = exchange.body as Said
      const fact = reportFact(apiConnection(exchange.consumerId), pickupId, `${name}:${body.id}`)
      if (!toldBefore(pickup, fact)) {
        if (name === "hand-over" && body.code !== undefined && pickup.asksCode)
          await pickups.takeCode({
            pickupId,
            locationId,
            caller: callerOf(exchange),
            isRight: pickups.isCode(pickupId, body.code),
          })
        const problems = problemsOf(name, { pickup, body, isCode: pickups.isCode, nowMs: core.clock.now() })
        if (problems.length > 0)
          throw new AppError("REQUEST_INVALID", `this cannot be said of order ${pickup.number} now`, { problems })
        await accept(core, exchange, `${pickupId} ${orderId} ${locationId}`)
      }
      // Read again once it is durable: of two that come at once with one id the first in the log stands.
      const first = toldBefore(await visiblePickup(pickups, exchange), fact)
      if (first) checkSame(`the report "${body.id}" of this pickup`, { members: reported, now: body, first })
      return { status: 202, body: { pickupId, status: "accepted" } }
    },
  })
}

/** The same report of one pickup is one fact, whoever repeats it. */
export function reportFact(source: string, pickupId: string, what: string): string {
  return `${source}:pickup:${pickupId}:${what}`
}

const toldBefore = ({ facts }: PickupView, fact: string) => facts.find((one) => one.fact === fact)?.data

/** A pickup of a channel and a store that the caller may see; NOT_FOUND for others. */
async function visiblePickup(pickups: Pickups, exchange: Exchange): Promise<PickupView> {
  const id = exchange.parameter("id")
  const found = await pickups.read(id)
  const { channels, stores } = exchange
  if (!found || (channels && !channels.includes(found.channel)) || (stores && !stores.includes(found.locationId)))
    throw new AppError("NOT_FOUND", `there is no pickup ${id.slice(0, 64)}`)
  return found
}
