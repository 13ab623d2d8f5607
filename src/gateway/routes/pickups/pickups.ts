import { Type } from "typebox"
import { AppError, type Problem } from "../../../base/errors.ts"
import { entity, InstantText, LineQuantity, linesMax, LocationId, OrderId, textMax } from "../../../canonical/parts.ts"
import { handoverProofs } from "../../../canonical/pickups/events.ts"
import { pickupStates } from "../../../canonical/states.ts"
import { accept } from "../../accept.ts"
import type { GatewayCore, Page, PageRequest } from "../../core.ts"
import type { Exchange } from "../../exchange.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

const governed = {
  tier: "experience",
  owner: "stores",
  criticality: "high",
  serviceLevel: { p99Ms: 250, availabilityPercent: 99.9 },
  credentials: "consumer",
  reach: "own channels",
} as const

/** One line of a pickup, with what can still be said of it. Thousandths of its unit. */
interface LineView {
  lineId: string
  toFindMilli: number
  toHandOverMilli: number
  toPutBackMilli: number
}

/** A pickup as it is now, with what a store asks of whoever collects it. */
export interface PickupView {
  pickupId: string
  orderId: string
  locationId: string
  channel: string
  number: string
  method: "pickup" | "ship"
  keptUntil?: string
  lines: readonly LineView[]
  asksCode: boolean
  asksId: boolean
  facts: readonly { fact: string }[]
}

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
      // A repeat is taken, and counts nothing: what it said may be all that was open.
      const body = exchange.body as Said
      const isRepeat = pickup.facts.some(({ fact }) => fact.endsWith(`:pickup:${pickupId}:${name}:${body.id}`))
      const problems = isRepeat ? [] : problemsOf(name, { pickup, body, pickups })
      if (problems.length > 0)
        throw new AppError("REQUEST_INVALID", `this cannot be said of order ${pickup.number} now`, { problems })
      await accept(core, exchange, `${pickupId} ${orderId} ${locationId}`)
      return { status: 202, body: { pickupId, status: "accepted" } }
    },
  })
}

interface Said {
  id: string
  found?: LineQuantity[]
  missing?: LineQuantity[]
  lines?: LineQuantity[]
  code?: string
  proof?: (typeof handoverProofs)[number]
  until?: string
}

/** Everything that is wrong with a report: nobody should find out only from the stock that it counted nothing. */
function problemsOf(
  name: SaidOfPickup,
  { pickup, body, pickups }: { pickup: PickupView; body: Said; pickups: Pickups },
): Problem[] {
  switch (name) {
    case "pick": {
      if (!body.found && !body.missing) return [{ pointer: "", message: "expected `found`, `missing`, or both" }]
      const both = [...(body.found ?? []), ...(body.missing ?? [])]
      const tooMuch = tooMany(pickup, { lines: both, left: ({ toFindMilli }) => toFindMilli, what: "to be found" })
      return tooMuch.map(({ message }) => ({ pointer: body.found ? "/found" : "/missing", message }))
    }
    case "hand-over":
      return [
        ...proofProblems(pickup, body, pickups),
        ...tooMany(pickup, {
          lines: body.lines,
          left: (line) => line.toHandOverMilli,
          what: "ready to be handed over",
        }),
      ]
    case "put-back":
      return tooMany(pickup, { lines: body.lines, left: (line) => line.toPutBackMilli, what: "to be put back" })
    case "reject":
      return pickup.lines.some(({ toFindMilli }) => toFindMilli > 0)
        ? []
        : [{ pointer: "", message: "everything of it is found already, or missing: there is nothing to reject" }]
    case "keep-longer":
      return pickup.keptUntil === undefined ? [{ pointer: "", message: "it is not ready yet, so nothing is kept" }] : []
    case "accept":
      return []
  }
}

function proofProblems(pickup: PickupView, { code, proof }: Said, { isCode }: Pickups): Problem[] {
  if (pickup.method === "ship") return []
  const problems: Problem[] = []
  if (code !== undefined && !isCode(pickup.pickupId, code))
    problems.push({
      pointer: "/code",
      message: "this is not the code of the order: ask for the mail, or for a document",
    })
  if (pickup.asksId && proof !== "identity document")
    problems.push({
      pointer: "/proof",
      message: 'expected "identity document": an order of this amount is handed over only to who shows one',
    })
  else if (pickup.asksCode && code === undefined && proof !== "identity document")
    problems.push({ pointer: "/code", message: 'expected the buyer\'s code, or `proof` "identity document"' })
  return problems
}

function tooMany(
  pickup: PickupView,
  of: { lines: readonly LineQuantity[] | undefined; left: (line: LineView) => number; what: string },
): Problem[] {
  const { lines, left, what } = of
  if (!lines)
    return pickup.lines.some((line) => left(line) > 0) ? [] : [{ pointer: "", message: `nothing of it is ${what}` }]
  const problems: Problem[] = []
  const named = Map.groupBy(lines, ({ lineId }) => lineId)
  for (const [lineId, parts] of named) {
    const milli = parts.reduce((sum, { quantity }) => sum + quantity.milli, 0)
    const line = pickup.lines.find((one) => one.lineId === lineId)
    const pointer = `/lines/${lines.findIndex((one) => one.lineId === lineId)}`
    if (!line) problems.push({ pointer, message: `there is no line ${lineId.slice(0, 64)} in it` })
    else if (milli > left(line))
      problems.push({
        pointer,
        message: `${milli / 1000} of line ${lineId} are named, and ${left(line) / 1000} ${what}`,
      })
  }
  return problems
}

/** A pickup of a channel and a store that the caller may see; NOT_FOUND for others. */
async function visiblePickup(pickups: Pickups, exchange: Exchange): Promise<PickupView> {
  const id = exchange.parameter("id")
  const found = await pickups.read(id)
  const { channels, stores } = exchange
  if (!found || (channels && !channels.includes(found.channel)) || (stores && !stores.includes(found.locationId)))
    throw new AppError("NOT_FOUND", `there is no pickup ${id.slice(0, 64)}`)
  return found
}
