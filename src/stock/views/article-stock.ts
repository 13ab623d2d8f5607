import { storage, type Sql } from "../../base/sql.ts"
import type { Instant } from "../../base/time.ts"
import { stateOfPlace, type StockState } from "../../canonical/stock/states.ts"
import type { Availability, AvailabilityReader } from "../availability.ts"
import { ledgerEntries, type LedgerEntry } from "./ledger-entries.ts"

/** What lies at one place, or comes to it, in one state. */
export interface ArticleAtPlace {
  locationId: string
  /** Absent: it can be sold. */
  state?: StockState
  onHandMilli: number
  reservedMilli: number
  /** Whether orders without a place may be served from here. */
  isPooled: boolean
  /** The last absolute. */
  countedAt?: Instant
  /** Up to when the place's own system was heard. */
  heardAt?: Instant
  /** When people were told that it is silent. */
  isSilent: boolean
}

/** One article: where it is, what may be promised of it, and why. */
export interface ArticleStock {
  sku: string
  isKnown: boolean
  places: ArticleAtPlace[]
  /** Without a channel first, then by channel; each with every part of the sum. */
  promises: Availability[]
  bookings: (LedgerEntry & { locationId: string; state?: StockState })[]
}

interface PlaceRow {
  location_id: string
  on_hand: number
  reserved: number
  is_pooled: boolean
  counted_at: Date | null
  heard_at: Date | null
  silence_told_at: Date | null
}

const bookingsMost = 20
const placesMost = 500

/** Reads one article. The latest bookings are of the places that hold most of it. */
export async function articleStock(
  { sql, availability }: { sql: Sql; availability: Pick<AvailabilityReader, "query"> },
  { sku, channels, locationId }: { sku: string; channels: readonly string[]; locationId?: string },
): Promise<ArticleStock> {
  const at = locationId === undefined ? {} : { locationId }
  const [rows, promises] = await Promise.all([
    storage(
      () => sql<PlaceRow[]>`
        select p.location_id, p.on_hand_milli as on_hand, p.reserved_milli as reserved, p.is_pooled, p.counted_at, l.heard_at,
          l.silence_told_at
        from stock_positions p join stock_locations l on l.location_id = p.location_id
        where p.sku = ${sku} and (${locationId ?? null}::text is null or p.location_id = ${locationId ?? null}
          or p.location_id like ${locationId === undefined ? "" : `${locationId.replaceAll(/[\\%_]/g, "\\$&")}/%`})
        order by p.location_id limit ${placesMost}`,
    ),
    availability.query([{ sku, ...at }, ...channels.map((channel) => ({ sku, channel, ...at }))]),
  ])
  const places = rows.map(placeOf)
  const looked = [...rows].sort((a, b) => b.on_hand - a.on_hand).slice(0, 5)
  const bookings = await Promise.all(
    looked.map(async ({ location_id }) =>
      (await ledgerEntries(sql, { sku, locationId: location_id, limit: bookingsMost })).map((entry) => {
        return { ...stateOfPlace(location_id), ...entry }
      }),
    ),
  )
  return {
    sku,
    isKnown: promises[0]?.isKnown ?? false,
    places,
    promises,
    bookings: bookings
      .flat()
      .sort((a, b) => (a.occurredAt < b.occurredAt ? 1 : -1))
      .slice(0, bookingsMost),
  }
}

function placeOf(row: PlaceRow): ArticleAtPlace {
  return {
    ...stateOfPlace(row.location_id),
    onHandMilli: row.on_hand,
    reservedMilli: row.reserved,
    isPooled: row.is_pooled,
    ...(row.counted_at === null ? {} : { countedAt: row.counted_at.toISOString() }),
    ...(row.heard_at === null ? {} : { heardAt: row.heard_at.toISOString() }),
    isSilent: row.silence_told_at !== null,
  }
}
