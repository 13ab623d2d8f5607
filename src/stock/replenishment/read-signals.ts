import { storage, type Sql } from "../../base/sql.ts"
import { instant, type Instant } from "../../base/time.ts"
import { daysOfCover } from "./crossings.ts"

/** What planning reads of one SKU at one place. Quantities in thousandths of the unit. */
export interface ReplenishmentSignal {
  sku: string
  locationId: string
  onHandMilli: number
  reservedMilli: number
  /** On hand less reserved; below zero where more is promised than there is. */
  availableMilli: number
  /** Sent to the place from other places. */
  inTransitMilli: number
  onOrder: OnOrder
  demand: Demand
  /** How long what is available lasts; null where nothing sells. */
  daysOfCover: number | null
  leadTime: LeadTime
  /** When the place's own system was last heard; null where it never was. */
  stockHeardAt: Instant | null
  stockAgeMs: number | null
  /** The thresholds it is below, and since when. */
  below: { threshold: string; since: Instant; levelMilli: number }[]
}

interface OnOrder {
  milli: number
  /** The part of it that suppliers say is on its way. */
  announcedMilli: number
  /** The part of it whose day is over. */
  overdueMilli: number
  /** The next day from today on. */
  nextExpectedOn?: string
  /** By day and order, the earliest first; at most twenty. */
  expected: { purchaseOrderId: string; expectedOn?: string; milli: number; isAnnounced: boolean }[]
}

interface Demand {
  milliPerDay: number
  /** Taken over the counter, or by channels that are not ours. */
  counterMilliPerDay: number
  /** Left for orders of ours. */
  orderMilliPerDay: number
}

/** From the order of goods to the last receipt of their order line: of the newest hundred lines within two years that are complete. */
interface LeadTime {
  count: number
  medianDays?: number
  p90Days?: number
  declaredDays?: number
}

/** Freshness of what is not of one place. */
export interface SignalSources {
  asOf: Instant
  /** Up to when sales are in the rates of demand. */
  demandUpTo: Instant | null
  /** Each system that tells of purchase orders, notices and receipts. */
  purchasing: { source: string; heardAt: Instant; ageMs: number }[]
}

interface Row {
  sku: string
  location_id: string
  n: number
  on_hand_milli: number
  reserved_milli: number
  in_transit_milli: number
  counter_milli_per_day: number
  order_milli_per_day: number
  heard_ms: number | null
  milli: number
  announced_milli: number
  overdue_milli: number
  next_on: string | null
  expected: { order: string; on: string | null; milli: number; is_announced: boolean }[] | null
  lines: number
  median: number | null
  p90: number | null
  below: { name: string; since: string; level: number }[] | null
}

export interface SignalRequest {
  sku?: string | undefined
  /** Only these places. */
  locationIds?: readonly string[] | undefined
  /** Only what is below this threshold. */
  below?: string | undefined
  /** Only what changed after this number, in that order. */
  changedSince?: number | undefined
  after?: { sku: string; locationId: string } | undefined
  limit: number
}

export interface SignalPage {
  items: ReplenishmentSignal[]
  /** Where the next page begins; of what changed, its last number. */
  next?: { sku: string; locationId: string; n: number }
}

/** Reads the signal in pages by SKU and place, or by change. Every part is found by key. */
export async function readSignals(
  sql: Sql,
  request: SignalRequest,
  { nowMs, declaredMs }: { nowMs: number; declaredMs: (sku: string, locationId: string) => number | undefined },
): Promise<SignalPage> {
  const { sku = null, locationIds = null, below = null, changedSince = null, after, limit } = request
  const rows = await storage(
    () => sql<Row[]>`
      select f.*, extract(epoch from greatest(l.heard_at, p.counted_at))::float8 * 1000 as heard_ms, s.n::float8 as n, o.*, t.*, b.*
      from stock_signal_keys(${sku}, ${locationIds === null ? null : [...locationIds]}::text[], ${below}, ${changedSince}::bigint,
        ${after?.sku ?? ""}, ${after?.locationId ?? ""}, ${limit + 1}) k
      cross join lateral stock_signal_facts(array[k.sku], array[k.location_id]) f
      cross join lateral stock_on_order_of(k.sku, k.location_id, ${instant(nowMs)}::timestamptz) o
      cross join lateral stock_lead_time_of(k.sku, k.location_id) t
      cross join lateral (select k.n) s
      cross join lateral (
        select json_agg(json_build_object('name', x.name, 'since', x.since, 'level', x.level_milli) order by x.name) as below
        from stock_below x where x.sku = k.sku and x.location_id = k.location_id) b
      left join stock_positions p on p.sku = k.sku and p.location_id = k.location_id
      left join stock_locations l on l.location_id = k.location_id
      order by k.ordinal`,
  )
  const page = rows.slice(0, limit)
  const last = rows.length > limit || changedSince !== null ? page.at(-1) : undefined
  return {
    items: page.map((row) => signalOf(row, { nowMs, declaredMs })),
    ...(last ? { next: { sku: last.sku, locationId: last.location_id, n: last.n } } : {}),
  }
}

function signalOf(
  row: Row,
  { nowMs, declaredMs }: { nowMs: number; declaredMs: (sku: string, locationId: string) => number | undefined },
): ReplenishmentSignal {
  const { sku, location_id: locationId, counter_milli_per_day: counter, order_milli_per_day: order } = row
  const declared = declaredMs(sku, locationId)
  const availableMilli = row.on_hand_milli - row.reserved_milli
  return {
    sku,
    locationId,
    onHandMilli: row.on_hand_milli,
    reservedMilli: row.reserved_milli,
    availableMilli,
    inTransitMilli: row.in_transit_milli,
    onOrder: {
      milli: row.milli,
      announcedMilli: row.announced_milli,
      overdueMilli: row.overdue_milli,
      ...(row.next_on === null ? {} : { nextExpectedOn: row.next_on }),
      expected: (row.expected ?? []).map(({ order: purchaseOrderId, on, milli, is_announced: isAnnounced }) => ({
        purchaseOrderId,
        ...(on === null ? {} : { expectedOn: on }),
        milli,
        isAnnounced,
      })),
    },
    demand: {
      milliPerDay: Math.round(counter + order),
      counterMilliPerDay: Math.round(counter),
      orderMilliPerDay: Math.round(order),
    },
    daysOfCover: daysOfCover(availableMilli, counter + order) ?? null,
    leadTime: {
      count: row.lines,
      ...(row.median === null ? {} : { medianDays: tenth(row.median) }),
      ...(row.p90 === null ? {} : { p90Days: tenth(row.p90) }),
      ...(declared === undefined ? {} : { declaredDays: tenth(declared / 86_400_000) }),
    },
    stockHeardAt: row.heard_ms === null ? null : instant(row.heard_ms),
    stockAgeMs: row.heard_ms === null ? null : Math.max(Math.round(nowMs - row.heard_ms), 0),
    below: (row.below ?? []).map(({ name, since, level }) => ({
      threshold: name,
      since: instant(Date.parse(since)),
      levelMilli: level,
    })),
  }
}

const tenth = (days: number) => Math.round(days * 10) / 10

/** Freshness of demand and of what is on order, and the number of the newest change. */
export async function readSignalSources(
  sql: Sql,
  nowMs: number,
): Promise<{ sources: SignalSources; changedUpTo: number }> {
  const [row] = await storage(
    () => sql<{ upto: Date | null; n: number; told: { source: string; heard: string }[] | null }[]>`
      select (select case when isfinite(d.upto) then d.upto end from stock_demand_upto d) as upto,
        (select coalesce(max(s.n), 0) from stock_signals s)::float8 as n,
        (select json_agg(json_build_object('source', p.source, 'heard', p.heard_at) order by p.source) from purchase_sources p) as told`,
  )
  return {
    changedUpTo: row?.n ?? 0,
    sources: {
      asOf: instant(nowMs),
      demandUpTo: row?.upto?.toISOString() ?? null,
      purchasing: (row?.told ?? []).map(({ source, heard }) => {
        const heardMs = Date.parse(heard)
        return { source, heardAt: instant(heardMs), ageMs: Math.max(Math.round(nowMs - heardMs), 0) }
      }),
    },
  }
}
