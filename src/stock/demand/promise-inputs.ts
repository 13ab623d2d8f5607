import { storage, type Sql } from "../../base/sql.ts"
import { instant, type Instant } from "../../base/time.ts"
import type { WeekProfile } from "./profile.ts"
import type { PromiseInput, PromiseRule } from "../promise.ts"

export interface PromiseQuestion {
  sku: string
  channel?: string
  /** Absent: the pool of all locations. */
  locationId?: string
}

/** What a promise is computed from, and what people ask besides. */
export interface PromiseRow extends PromiseInput {
  isKnown: boolean
  /** Whether it has no stock of its own: what may be promised follows from its parts. */
  hasParts: boolean
  version: number
  asOf: Instant
  freshnessAgeMs: number | null
  /** When the next source becomes silent. */
  silentNextMs?: number
}

interface Row {
  known: boolean
  has_parts: boolean
  on_hand: number
  reserved: number
  safety: number
  buffer: number
  backorder: number
  version: number
  age_ms: number | null
  silent_milli: number
  silent_next_ms: number | null
  sources: { place: string; heard_ms: number; per_hour: number; squares_per_hour: number }[] | null
}

interface Asked {
  questions: readonly PromiseQuestion[]
  rules: readonly PromiseRule[]
  weeks: ReadonlyMap<string, WeekProfile>
  nowMs: number
}

/** Reads what promises are computed from, in the order of the questions. Every part is found by key, also at ten million positions. */
export async function readPromiseInputs(sql: Sql, { questions, rules, weeks, nowMs }: Asked): Promise<PromiseRow[]> {
  const rows = await storage(() => readRows(sql, { questions, rules, nowMs }))
  return rows.map((row) => ({
    isKnown: row.known,
    hasParts: row.has_parts,
    onHandMilli: row.on_hand,
    reservedMilli: row.reserved,
    safetyStockMilli: row.safety,
    declaredBufferMilli: row.buffer,
    backorderLimitMilli: row.backorder,
    silentMilli: row.silent_milli,
    version: row.version,
    asOf: instant(nowMs),
    freshnessAgeMs: row.age_ms,
    ...(row.silent_next_ms === null ? {} : { silentNextMs: row.silent_next_ms }),
    sources: (row.sources ?? []).map(
      ({ place, heard_ms: heardMs, per_hour: unitsPerHour, squares_per_hour: squares }) => {
        const profile = weeks.get(place)
        const dispersion = dispersionOf(unitsPerHour, squares, profile)
        return { locationId: place, heardMs, unitsPerHour, dispersion, ...(profile ? { profile } : {}) }
      },
    ),
  }))
}

/** Few sales tell nothing of bursts, and one odd day is not the rule. */
const dispersionMax = 20

/** The variance of an hour's sales over their mean, without what the hours of the week explain. */
function dispersionOf(mean: number, squares: number, profile: WeekProfile | undefined): number {
  if (mean <= 0) return 1
  const week = profile ? profile.reduce((sum, share) => sum + share * share, 0) / profile.length : 1
  return Math.min(Math.max((squares - mean * mean * week) / mean, 1), dispersionMax)
}

async function readRows(sql: Sql, { questions, rules, nowMs }: Omit<Asked, "weeks">): Promise<Row[]> {
  const skus = questions.map((question) => question.sku)
  const channels = questions.map((question) => question.channel ?? "")
  const locations = questions.map((question) => question.locationId ?? "")
  const silentAfter = rules.map(({ silentAfterMs }) => silentAfterMs ?? null)
  // Safety stock belongs to the network, so a single location has none.
  return await sql<Row[]>`
    select case when q.location_id = '' then s.sku is not null else p.sku is not null end as known,
      exists (select from stock_parts t where t.sku = q.sku) as has_parts,
      coalesce(case when q.location_id = '' then s.on_hand_milli else p.on_hand_milli end, 0) as on_hand,
      coalesce(case when q.location_id = '' then s.reserved_milli else p.reserved_milli end, 0) as reserved,
      case when q.location_id = '' then coalesce(s.safety_stock_milli, 0) else 0 end as safety,
      (select coalesce(max(b.buffer_milli), 0) from stock_buffers b where b.sku in (q.sku, '')
        and b.channel in (q.channel, '') and b.location_id in (q.location_id, '')) as buffer,
      coalesce(s.backorder_limit_milli, 0) as backorder,
      coalesce(s.version, 0) + case when q.location_id = '' then 0 else coalesce(p.version, 0) end as version,
      h.age_ms, coalesce(h.silent_milli, 0) as silent_milli, h.silent_next_ms, d.sources
    from unnest(${skus}::text[], ${channels}::text[], ${locations}::text[], ${silentAfter}::bigint[])
      with ordinality as q(sku, channel, location_id, silent_after_ms, ordinal)
    left join stock_skus s on s.sku = q.sku
    left join stock_positions p on p.sku = q.sku and p.location_id = q.location_id
    left join lateral (
      select case when bool_or(t.ms is null) then null else greatest(${nowMs}::float8 - min(t.ms), 0)::bigint end as age_ms,
        sum(greatest(x.on_hand_milli - x.reserved_milli, 0))
          filter (where t.ms + q.silent_after_ms <= ${nowMs}::float8)::bigint as silent_milli,
        min(t.ms + q.silent_after_ms) filter (where t.ms + q.silent_after_ms > ${nowMs}::float8) as silent_next_ms
      from stock_positions x join stock_locations l on l.location_id = x.location_id,
        lateral (select stock_heard_ms(l.heard_at, x.counted_at) as ms) t
      where x.sku = q.sku and (x.location_id = q.location_id or (q.location_id = '' and x.is_pooled))) h on true
    left join lateral (
      select json_agg(json_build_object('place', e.location_id, 'heard_ms', stock_heard_ms(l.heard_at, x.counted_at),
        'per_hour', e.units * stock_weight(e.hour, now()) / stock_weighed_hours(e.since, now()),
        'squares_per_hour', e.squares * stock_weight(e.hour, now()) / stock_weighed_hours(e.since, now()))) as sources
      from stock_demand e join stock_positions x on x.sku = e.sku and x.location_id = e.location_id
        join stock_locations l on l.location_id = e.location_id
      where e.sku = q.sku and l.heard_at is not null
        and (e.location_id = q.location_id or (q.location_id = '' and x.is_pooled))) d on true
    order by q.ordinal`
}
