import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { LocationId, Sku } from "../../../canonical/parts.ts"
import type { SignalPage, SignalRequest, SignalSources } from "../../../stock/replenishment/read-signals.ts"
import { hasControlCharacter } from "../../../stock/columns.ts"
import type { Exchange } from "../../exchange.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { AnyObject, pageQuery, pageRequest, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

/** The signal as the route needs it. */
export interface SignalDesk {
  /** Whether changes are noted: the estate has a block for it. */
  notesChanges: boolean
  read(request: SignalRequest): Promise<SignalPage>
  sources(): Promise<{ sources: SignalSources; changedUpTo: number }>
}

interface Asked {
  limit?: number
  cursor?: string
  sku?: string
  location?: string
  below?: string
  changedSince?: string
}

const ChangeNumber = Type.String({ pattern: "^\\d{1,15}$", description: "`changedUpTo` of an earlier answer" })

export function replenishmentRoutes(desk: SignalDesk): Route[] {
  return [
    route({
      tier: "experience",
      owner: "inventory",
      criticality: "high",
      serviceLevel: { p99Ms: 1000, availabilityPercent: 99.9 },
      credentials: "consumer",
      // What is there, comes and goes is of no channel.
      reach: "all channels",
      method: "GET",
      path: "/v1/replenishment",
      scope: "stock:read",
      summary:
        "What a planning engine needs by SKU and place: stock, in transit, on order, demand, lead time, thresholds, and how fresh each is. All of it, or what changed.",
      repeats: "safe",
      querySchema: query({
        ...pageQuery,
        sku: Type.Optional(Sku),
        location: Type.Optional(LocationId),
        below: Type.Optional(
          Type.String({ minLength: 1, maxLength: 64, description: "name of a threshold: only what is below it" }),
        ),
        changedSince: Type.Optional(ChangeNumber),
      }),
      responses: {
        200: {
          description:
            "A page, and `changedUpTo` for the next question by `changedSince`. All is read by `cursor`; changes by asking again until there are none.",
          schema: Type.Object({
            items: Type.Array(AnyObject),
            sources: AnyObject,
            changedUpTo: Type.Optional(Type.String()),
            cursor: Type.Optional(Type.String()),
          }),
        },
      },
      handle: async (exchange) => ({ status: 200, body: await answer(desk, exchange) }),
    }),
  ]
}

async function answer(desk: SignalDesk, exchange: Exchange<unknown, Asked>): Promise<object> {
  const { sku, location, below, changedSince, ...page } = exchange.query
  if (location !== undefined) checkStore(exchange, location)
  const { limit, cursor } = pageRequest(page)
  if (changedSince !== undefined) refuseChanges(desk, cursor)
  const after = cursor === undefined ? undefined : parseCursor(cursor)
  // Read before the page: what changes meanwhile is in the answer to the next question, too.
  const { sources, changedUpTo } = await desk.sources()
  const { items, next } = await desk.read({
    sku,
    below,
    limit,
    locationIds: location === undefined ? exchange.stores : [location],
    ...(changedSince === undefined ? {} : { changedSince: Number(changedSince) }),
    ...(after ? { after } : {}),
  })
  if (changedSince !== undefined) return { items, sources, changedUpTo: String(next?.n ?? changedSince) }
  const upTo = after?.upTo ?? changedUpTo
  return {
    items,
    sources,
    ...(desk.notesChanges ? { changedUpTo: String(upTo) } : {}),
    ...(next ? { cursor: cursorOf({ ...next, upTo }) } : {}),
  }
}

interface Cursor {
  sku: string
  locationId: string
  upTo: number
}

function cursorOf({ sku, locationId, upTo }: Cursor): string {
  return Buffer.from(JSON.stringify([sku, locationId, upTo])).toString("base64url")
}

function parseCursor(cursor: string): Cursor {
  let read: unknown
  try {
    read = JSON.parse(Buffer.from(cursor, "base64url").toString())
  } catch {
    throw notAsked("cursor", "use the `cursor` of a previous page")
  }
  const [sku, locationId, upTo] = Array.isArray(read) ? (read as unknown[]) : []
  const isCursor =
    typeof sku === "string" &&
    typeof locationId === "string" &&
    Number.isSafeInteger(upTo) &&
    !hasControlCharacter(sku + locationId)
  if (!isCursor) throw notAsked("cursor", "use the `cursor` of a previous page")
  return { sku, locationId, upTo: Number(upTo) }
}

function refuseChanges({ notesChanges }: SignalDesk, cursor: string | undefined): void {
  if (!notesChanges)
    throw notAsked("changedSince", "changes are not noted: the estate has no `policies.replenishment`; leave it out")
  if (cursor !== undefined)
    throw notAsked("cursor", "changes go on by `changedSince`: ask again with `changedUpTo` of the last answer")
}

function notAsked(name: string, message: string): AppError {
  return new AppError("REQUEST_INVALID", `\`${name}\` cannot be used so`, {
    problems: [{ pointer: `?${name}`, message }],
  })
}
