import { isStorageAway, storage, type Sql } from "../../base/sql.ts"
import type { Log } from "../../base/log.ts"
import { instant, repeated, type Clock, type Repeated } from "../../base/time.ts"
import { newEvent } from "../../canonical/events.ts"
import type { EventLog } from "../../eventlog/event-log.ts"
import type { Reader } from "../../eventlog/readers/readers.ts"

/** What an order lacks. */
export interface StockWait {
  orderId: string
  /** Since when, e.g. when the order was placed. */
  since: string
  missing: readonly MissingGoods[]
}

export interface MissingGoods {
  sku: string
  /** Absent when any place may have it. */
  locationId?: string
  milli: number
  /** What was free when the order was refused; default: what is free now. */
  freeMilli?: number
}

/** Notes that an order waits for stock. What came in since it was refused counts as news when `freeMilli` is given. */
export async function noteWait(sql: Sql, { orderId, since, missing }: StockWait): Promise<void> {
  const rows = missing.map(({ sku, locationId, milli, freeMilli }) => {
    return { sku, location_id: locationId ?? "", milli, free_milli: freeMilli ?? null }
  })
  await storage(
    () => sql`
      insert into stock_waits (order_id, sku, location_id, missing_milli, since, free_milli)
      select ${orderId}, m.sku, m.location_id, sum(m.milli), ${since}::timestamptz,
        coalesce(min(least(m.free_milli, stock_free_milli(s, p, m.location_id))), -1)
      from json_to_recordset(${JSON.stringify(rows)}::text::json)
          as m (sku text, location_id text, milli bigint, free_milli bigint)
        left join stock_skus s on s.sku = m.sku
        left join stock_positions p on (p.sku, p.location_id) = (m.sku, m.location_id)
      group by m.sku, m.location_id
      on conflict (order_id, sku, location_id) do update set missing_milli = excluded.missing_milli,
        free_milli = excluded.free_milli, noted_at = now()`,
  )
}

interface Options {
  sql: Sql
  log: Log
  clock: Clock
  eventLog: Pick<EventLog, "append">
  reader: Reader
}

const lookEveryMs = 1000
/** How often it looks whether an order has begun to wait. */
export const quietLookEveryMs = 5000
const wokenAtOnceMax = 200

/**
 * Tells orders that stock came in for which they wait, those that have waited longest first, and only as many as there is stock
 * for. Several processes tell the same once.
 */
export function wakeWaiting(options: Options): Repeated {
  let isAnyone = false
  const look = async () => {
    isAnyone = await isAnyoneWaiting(options.sql)
    if (isAnyone) await wakeOnce(options)
  }
  return repeated(() => options.reader.pass(look), {
    everyMs: () => (isAnyone ? lookEveryMs : quietLookEveryMs),
    onError: (thrown) =>
      isStorageAway(thrown) || options.log.error({ err: thrown }, "orders that wait for stock could not be told"),
  })
}

async function isAnyoneWaiting(sql: Sql): Promise<boolean> {
  const [row] = await storage(() => sql<{ isAnyone: boolean }[]>`select exists (select from stock_waits) as "isAnyone"`)
  return row?.isAnyone ?? false
}

interface Woken {
  order_id: string
  sku: string
  /** Seconds, to the microsecond: the name of the note. */
  noted: string
}

/**
 * One look; returns how many orders were told. An order that has seen what is free now, and could not use it, holds up no other.
 * A note is told once, whoever looks, and goes; an order that was refused again meanwhile has made a new one, which stays.
 */
export async function wakeOnce({ sql, clock, eventLog }: Pick<Options, "sql" | "clock" | "eventLog">): Promise<number> {
  const woken = await storage(
    () => sql<Woken[]>`
      select order_id, sku, extract(epoch from noted_at)::text as noted from (
        select w.order_id, w.sku, w.noted_at, f.now_free,
          sum(w.missing_milli) over (partition by w.sku, w.location_id order by w.since, w.order_id)
            - w.missing_milli as before_milli
        from stock_waits w join stock_skus s on s.sku = w.sku
          left join stock_positions p on (p.sku, p.location_id) = (w.sku, w.location_id)
          cross join lateral (select stock_free_milli(s, p, w.location_id) as now_free) f
        where f.now_free > w.free_milli
      ) x where before_milli <= greatest(now_free - 1, 0) limit ${wokenAtOnceMax}`,
  )
  for (const { order_id: orderId, sku, noted } of woken) {
    const at = instant(clock.now())
    const fact = `crossdock:stock:${orderId}:${sku}:arrived:${noted}`
    await eventLog.append(
      newEvent({ type: "stock.arrived", fact, source: "crossdock:stock", time: at, data: { orderId, sku, at } }),
    )
  }
  if (woken.length > 0)
    await storage(
      () => sql`
        delete from stock_waits w using unnest(${woken.map(({ order_id }) => order_id)}::text[],
          ${woken.map(({ noted }) => noted)}::text[]) as x (order_id, noted)
        where w.order_id = x.order_id and extract(epoch from w.noted_at)::text = x.noted`,
    )
  return woken.length
}

/** Forgets waits of orders that ended long ago while nothing came in; one that still waits has noted it again. */
export async function forgetOldWaits(sql: Sql): Promise<void> {
  await storage(() => sql`delete from stock_waits where noted_at < now() - interval '90 days'`)
}
