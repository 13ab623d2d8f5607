import { Batcher } from "../base/batch.ts"
import { storage, type Sql } from "../base/sql.ts"
import type { Instant } from "../base/time.ts"
import { availableToPromise, defaultFreshness, widenedBuffer, type FreshnessPolicy } from "./promise.ts"

export interface AvailabilityQuestion {
  sku: string
  channel?: string
  /** Absent: the pool of all locations. */
  locationId?: string
}

/** Units on hand and units that may be promised. A SKU that never had a movement has zeros and `isKnown: false`. */
export interface Availability {
  sku: string
  channel?: string
  locationId?: string
  isKnown: boolean
  onHandMilli: number
  reservedMilli: number
  safetyStockMilli: number
  /** The declared buffer, widened by age. */
  bufferMilli: number
  backorderLimitMilli: number
  availableToPromiseMilli: number
  asOf: Instant
  /** Time since the last report of the location that has been silent longest; null when a location never reported. */
  freshnessAgeMs: number | null
  /** Rises with every change of this availability, so that a publisher can detect an old result. */
  version: number
}

export interface AvailabilityReader {
  /** Returns results in the order of the questions, all read at the same moment. */
  query(questions: readonly AvailabilityQuestion[]): Promise<Availability[]>
  /**
   * Units without a reservation, per SKU and location that ever had stock. Negative where a count left less than is
   * reserved. Calls made at the same time share a round trip.
   */
  freeByLocation(skus: readonly string[]): Promise<Map<string, Map<string, number>>>
}

interface AvailabilityRow {
  known: boolean
  on_hand: number
  reserved: number
  safety: number
  buffer: number
  backorder: number
  version: number
  as_of: Instant
  age_ms: number | null
}

/** Reads availability. The freshness policy is declared per channel; channels without one use the default. */
export function createAvailability(
  sql: Sql,
  freshnessOf: (channel: string | undefined) => FreshnessPolicy = () => defaultFreshness,
): AvailabilityReader {
  const shelves = new Batcher<readonly string[], Map<string, Map<string, number>>>({
    flush: (questions) => storage(() => readShelves(sql, questions)),
    sizeMax: 200,
    queueMax: 10_000,
  })
  return {
    freeByLocation: (skus) => shelves.add(skus),
    query: async (questions) => {
      if (questions.length === 0) return []
      const rows = await storage(() => readRows(sql, questions))
      return questions.flatMap((question, index) => {
        const row = rows[index]
        return row ? [toAvailability(question, row, freshnessOf(question.channel))] : []
      })
    },
  }
}

/** Number of reservations that still hold units at each location, i.e. the parcels it has yet to send. */
export async function openParcelsByLocation(sql: Sql): Promise<Map<string, number>> {
  const rows = await storage(
    () => sql<{ location: string; count: number }[]>`
    select location_id as location, count(distinct reservation_id) as count from stock_reservation_lines
    where held_milli > 0 and location_id <> '' group by 1`,
  )
  return new Map(rows.map(({ location, count }) => [location, count]))
}

async function readShelves(sql: Sql, questions: readonly (readonly string[])[]) {
  const rows = await sql<{ sku: string; location: string; free: number }[]>`
    select sku, location_id as location, on_hand_milli - reserved_milli as free from stock_positions
    where sku = any(${[...new Set(questions.flat())]})`
  const bySku = Map.groupBy(rows, (row) => row.sku)
  return questions.map(
    (skus) =>
      new Map(skus.map((sku) => [sku, new Map((bySku.get(sku) ?? []).map(({ location, free }) => [location, free]))])),
  )
}

async function readRows(sql: Sql, questions: readonly AvailabilityQuestion[]): Promise<AvailabilityRow[]> {
  const skus = questions.map((question) => question.sku)
  const channels = questions.map((question) => question.channel ?? "")
  const locations = questions.map((question) => question.locationId ?? "")
  // Safety stock belongs to the network, so a single location has none.
  return await sql<AvailabilityRow[]>`
    select case when q.location_id = '' then s.sku is not null else p.sku is not null end as known,
      coalesce(case when q.location_id = '' then s.on_hand_milli else p.on_hand_milli end, 0) as on_hand,
      coalesce(case when q.location_id = '' then s.reserved_milli else p.reserved_milli end, 0) as reserved,
      case when q.location_id = '' then coalesce(s.safety_stock_milli, 0) else 0 end as safety,
      (select coalesce(max(b.buffer_milli), 0) from stock_buffers b where b.sku in (q.sku, '')
        and b.channel in (q.channel, '') and b.location_id in (q.location_id, '')) as buffer,
      coalesce(s.backorder_limit_milli, 0) as backorder,
      coalesce(s.version, 0) + case when q.location_id = '' then 0 else coalesce(p.version, 0) end as version,
      to_char(statement_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as as_of,
      h.age_ms
    from unnest(${skus}::text[], ${channels}::text[], ${locations}::text[])
      with ordinality as q(sku, channel, location_id, ordinal)
    left join stock_skus s on s.sku = q.sku
    left join stock_positions p on p.sku = q.sku and p.location_id = q.location_id
    left join lateral (
      select case when bool_or(l.heard_at is null) then null
        else (extract(epoch from statement_timestamp() - min(l.heard_at)) * 1000)::bigint end as age_ms
      from stock_positions x join stock_locations l on l.location_id = x.location_id
      where x.sku = q.sku and (x.location_id = q.location_id or (q.location_id = '' and x.is_pooled))) h on true
    order by q.ordinal`
}

function toAvailability(
  question: AvailabilityQuestion,
  row: AvailabilityRow,
  freshness: FreshnessPolicy,
): Availability {
  const input = {
    onHandMilli: row.on_hand,
    reservedMilli: row.reserved,
    safetyStockMilli: row.safety,
    bufferMilli: row.buffer,
    backorderLimitMilli: row.backorder,
    freshnessAgeMs: row.age_ms,
  }
  return {
    ...question,
    ...input,
    isKnown: row.known,
    bufferMilli: widenedBuffer(input, freshness),
    availableToPromiseMilli: availableToPromise(input, freshness),
    asOf: row.as_of,
    version: row.version,
  }
}

/** How many SKUs there are, lie somewhere, are reserved for somebody. Quantities of different SKUs are never added: their units differ. */
export interface StockCounts {
  skus: number
  onHand: number
  reserved: number
}

export async function readStockCounts(sql: Sql): Promise<StockCounts> {
  const [row] = await storage(
    () => sql<StockCounts[]>`
      select count(*) as skus, count(*) filter (where on_hand_milli > 0) as "onHand",
        count(*) filter (where reserved_milli > 0) as reserved from stock_skus`,
  )
  return row ?? { skus: 0, onHand: 0, reserved: 0 }
}
