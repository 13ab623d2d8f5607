import { createHash } from "node:crypto"
import type { Order } from "./records.ts"

/** SearchOrdersRequest: the default and the most of `limit`, and the most locations. */
const [limitDefault, limitMax, locationsMax] = [500, 1000, 10]

/** SearchOrdersRequest, as far as it is imitated. */
export type Search = {
  location_ids?: string[]
  limit?: number
  cursor?: string
  query?: {
    filter?: { date_time_filter?: Record<string, { start_at?: string; end_at?: string }> }
    sort?: { sort_field?: string; sort_order?: string }
  }
}

type Refused = { status: number; category: string; refused: string; detail: string }
const refuse = (refused: string, detail: string): Refused => {
  return { status: 400, category: "INVALID_REQUEST_ERROR", refused, detail }
}

/** The orders of one page. A cursor is a place in the list as it is now: of orders that move meanwhile nobody says anything. */
export function searchOrders(
  all: readonly Order[],
  { location_ids = [], limit = limitDefault, cursor, query = {} }: Search,
  { pageMax = limitMax, forbidden = [] }: { pageMax?: number; forbidden?: readonly string[] },
): { orders: Order[]; cursor?: string } | Refused {
  const range = Object.entries(query.filter?.date_time_filter ?? {})[0]
  if (location_ids.length === 0 || location_ids.length > locationsMax)
    return refuse("ARRAY_LENGTH_TOO_LONG", "1 to 10 location_ids")
  if (location_ids.some((id) => forbidden.includes(id)))
    return {
      status: 403,
      category: "AUTHENTICATION_ERROR",
      refused: "FORBIDDEN",
      detail: "You do not have permission to access one or more of the location_ids.",
    }
  if (limit > limitMax) return refuse("VALUE_TOO_HIGH", "limit is at most 1000")
  if (range && query.sort?.sort_field !== range[0].toUpperCase())
    return refuse("BAD_REQUEST", "sort_field must match the timestamp field of the date_time_filter")
  const digest = createHash("sha1")
    .update(JSON.stringify([location_ids, query]))
    .digest("hex")
  const [from, of] = cursor === undefined ? [0, digest] : readCursor(cursor)
  if (of !== digest) return refuse("INVALID_CURSOR", "the query is not the one of the first page")
  const [field = "created_at", { start_at = "", end_at = "9999" } = {}] = range ?? []
  const key = (order: Order) => `${String(order[field as keyof Order] ?? "")} ${order.id}`
  const found = all
    .filter((order) => location_ids.includes(order.location_id) && key(order) >= start_at && key(order) <= `${end_at}~`)
    .sort((left, right) => (key(left) < key(right) ? -1 : 1))
  const sorted = query.sort?.sort_order === "ASC" ? found : found.reverse()
  const until = from + Math.min(limit, pageMax)
  return {
    orders: sorted.slice(from, until),
    ...(until < sorted.length ? { cursor: Buffer.from(JSON.stringify([until, digest])).toString("base64url") } : {}),
  }
}

function readCursor(cursor: string): [number, string] {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString()) as [number, string]
  } catch {
    return [0, ""]
  }
}
