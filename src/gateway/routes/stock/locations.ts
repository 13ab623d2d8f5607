import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { instant, type Clock } from "../../../base/time.ts"
import { entity, LocationId, Sku } from "../../../canonical/parts.ts"
import type { StockLedger } from "../../../stock/stock-ledger.ts"
import type { HeldAfter, HeldLine, HeldRequest } from "../../../stock/views/held.ts"
import type { LedgerEntry } from "../../../stock/views/ledger-entries.ts"
import type { Exchange } from "../../exchange.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

const governed = {
  tier: "experience",
  owner: "stores",
  criticality: "high",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  credentials: "consumer",
  reach: "own channels",
} as const

const Count = entity("Count", {
  fact: Type.String({
    minLength: 1,
    maxLength: 128,
    description: "identifies the count: with the same number it is booked once, with another one it is a new count",
  }),
  sku: Sku,
  countedMilli: Type.Integer({
    minimum: 0,
    maximum: 1_000_000_000_000,
    description: "what lies there, also what orders have reserved, in thousandths of the unit",
  }),
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
})

/** A place of the estate. */
export interface Place {
  id: string
  kind: string
  timeZone: string
}

/** What places are asked by those who work there. */
export interface Places {
  clock: Clock
  all: readonly Place[]
  ledger: Pick<StockLedger, "applyMovements">
  /** Orders of these channels that a place has yet to send, the oldest first. */
  work(of: { locationId: string; channels: readonly string[] | undefined }): Promise<object>
  held(request: HeldRequest): Promise<{ items: HeldLine[]; next?: HeldAfter }>
  entries(of: { sku: string; locationId: string; limit: number }): Promise<LedgerEntry[]>
}

/** Stores and warehouses: what they have to send, what holds their stock and why, and what they count. */
export function locationRoutes(places: Places): Route[] {
  return [...readingRoutes(places), stockRoute(places), countRoute(places)]
}

function readingRoutes(places: Places): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/locations",
      scope: "stock:read",
      summary: "List the stores and warehouses of the estate; to a person of some stores, those.",
      repeats: "safe",
      responses: { 200: { description: "All of them", schema: pageOf(AnyObject) } },
      handle: ({ stores }) => ({
        status: 200,
        body: { items: places.all.filter(({ id }) => stores?.includes(id) ?? true) },
      }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/locations/{id}/work",
      scope: "orders:read",
      summary:
        "The orders that a store or warehouse has yet to send, the oldest first, and which of them need a person.",
      repeats: "safe",
      responses: { 200: { description: "Orders with what they take", schema: AnyObject } },
      handle: async (exchange) => {
        const { id } = placeOf(places, exchange)
        return { status: 200, body: await places.work({ locationId: id, channels: exchange.channels }) }
      },
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/reservations",
      scope: "stock:read",
      summary: "What live reservations hold of a SKU, or at a place: for which order, since when. The oldest first.",
      repeats: "safe",
      querySchema: query({ ...pageQuery, sku: Type.Optional(Sku), location: Type.Optional(LocationId) }),
      responses: { 200: { description: "A page of lines", schema: pageOf(AnyObject) } },
      handle: async (exchange) => {
        const { sku, location, ...page } = exchange.query
        if (sku === undefined && location === undefined)
          throw new AppError("REQUEST_INVALID", "name a SKU or a place", {
            problems: [{ pointer: "?sku", message: "expected `sku`, `location`, or both" }],
          })
        checkStore(exchange, location)
        const { limit, cursor } = pageRequest(page)
        const after = cursor === undefined ? undefined : parseAfter(cursor)
        const { items, next } = await places.held({
          ...(sku === undefined ? {} : { sku }),
          ...(location === undefined ? {} : { locationId: location }),
          ...(exchange.channels ? { channels: exchange.channels } : {}),
          limit,
          ...(after ? { after } : {}),
        })
        return { status: 200, body: { items, ...(next ? { cursor: cursorOf(next) } : {}) } }
      },
    }),
  ]
}

function stockRoute(places: Places): Route {
  return route({
    ...governed,
    // A booking may name any order's goods.
    reach: "all channels",
    method: "GET",
    path: "/v1/stock-movements",
    scope: "stock:read",
    summary: "The latest bookings of a SKU at a place, newest first: why the system says what it says.",
    repeats: "safe",
    querySchema: query({
      sku: Sku,
      location: LocationId,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 20 })),
    }),
    responses: { 200: { description: "Bookings", schema: pageOf(AnyObject) } },
    handle: async (exchange) => {
      const { sku, location: locationId, limit = 20 } = exchange.query
      checkStore(exchange, locationId)
      return { status: 200, body: { items: await places.entries({ sku, locationId, limit }) } }
    },
  })
}

function countRoute(places: Places): Route {
  return route({
    ...governed,
    method: "POST",
    path: "/v1/locations/{id}/counts",
    scope: "stock:count",
    summary:
      "Report what was counted of a SKU at a place. What may be promised follows. Reservations stay: `shortMilli` says how much of them is not there.",
    repeats: "natural key",
    bodySchema: Count,
    responses: { 200: { description: "Booked", schema: AnyObject } },
    handle: async (exchange) => {
      const { id } = placeOf(places, exchange)
      const { fact, sku, countedMilli, reason } = exchange.body
      const [booked] = await places.ledger.applyMovements([
        {
          kind: "count",
          // With the number: somebody may correct it while the answer to the first report is lost.
          fact: `count:${exchange.consumerId}:${fact}:${sku}:${id}:${countedMilli}`,
          sku,
          locationId: id,
          countedMilli,
          countedAt: instant(places.clock.now()),
          includesReservations: "none",
          reason: reason ?? `counted by ${exchange.consumerId}`,
          isFeed: false,
        },
      ])
      if (booked && "problems" in booked)
        throw new AppError("REQUEST_INVALID", `${sku} cannot be counted`, { problems: booked.problems })
      // A repeat has another moment of counting, which the ledger takes for another content.
      const isRepeat = booked?.applied === false
      return { status: 200, body: isRepeat ? { applied: false, duplicate: true, fact } : { ...booked, fact } }
    },
  })
}

/** The place in the path, when it exists and the caller is not limited to others. */
function placeOf({ all }: Places, exchange: Exchange): Place {
  const id = exchange.parameter("id")
  const place = all.find((one) => one.id === id)
  if (!place) throw new AppError("NOT_FOUND", `there is no place ${id.slice(0, 64)} in the estate`)
  checkStore(exchange, id)
  return place
}

function cursorOf({ at, id, sku }: HeldAfter): string {
  return Buffer.from(JSON.stringify([at, id, sku])).toString("base64url")
}

const afterText = /^\["[\d :.+-]{10,40}",\d{1,15},"[^"\\]{1,128}"\]$/

function parseAfter(cursor: string): HeldAfter {
  const text = Buffer.from(cursor, "base64url").toString()
  if (!afterText.test(text))
    throw new AppError("REQUEST_INVALID", "the cursor is invalid", {
      problems: [{ pointer: "?cursor", message: "use the `cursor` of a previous page" }],
    })
  const [at, id, sku] = JSON.parse(text) as [string, number, string]
  return { at, id, sku }
}
