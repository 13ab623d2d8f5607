import { isStorageAway, storage, type Sql } from "../../base/sql.ts"
import type { Log } from "../../base/log.ts"
import { instant, sleep, type Clock } from "../../base/time.ts"
import { newEvent } from "../../canonical/events.ts"
import type { EventLog } from "../../eventlog/event-log.ts"
import type { Reader } from "../../eventlog/readers/readers.ts"

/** What an order lacks. */
export interface StockWait {
  orderId: string
  /** Since when, e.g. when the order was placed. */
  since: string
  missing: readonly { sku: string; milli: number }[]
}

/** Notes that an order waits for stock. What came in since it was refused is found by its own next look. */
export async function noteWait(sql: Sql, { orderId, since, missing }: StockWait): Promise<void> {
  await storage(
    () => sql`
      insert into stock_waits (order_id, sku, missing_milli, since, free_milli)
      select ${orderId}, m.sku, sum(m.milli), ${since}::timestamptz, coalesce(max(stock_free_milli(s)), -1)
      from unnest(${missing.map(({ sku }) => sku)}::text[], ${missing.map(({ milli }) => milli)}::bigint[]) as m (sku, milli)
      left join stock_skus s on s.sku = m.sku group by m.sku
      on conflict (order_id, sku) do update set missing_milli = excluded.missing_milli, free_milli = excluded.free_milli,
        noted_at = now()`,
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
const wokenAtOnceMax = 200

/**
 * Tells orders that stock came in for which they wait, those that have waited longest first, and only as many as there is stock
 * for. Several processes tell the same once. Returns the way to stop.
 */
export function wakeWaiting(options: Options): () => Promise<void> {
  const stop = new AbortController()
  const loop = async () => {
    while (!stop.signal.aborted) {
      await options.reader
        .pass(() => wakeOnce(options))
        .catch((thrown: unknown) => {
          if (!isStorageAway(thrown)) options.log.error({ err: thrown }, "orders that wait for stock could not be told")
        })
      await sleep(lookEveryMs, stop.signal).catch(() => undefined)
    }
  }
  const running = loop()
  return async () => {
    stop.abort()
    await running
  }
}

interface Woken {
  order_id: string
  sku: string
  version: string
}

/** One look; returns how many orders were told. */
export async function wakeOnce({ sql, clock, eventLog }: Pick<Options, "sql" | "clock" | "eventLog">): Promise<number> {
  const woken = await storage(
    () => sql<Woken[]>`
      select order_id, sku, version from (
        select w.order_id, w.sku, s.version::text, w.free_milli, stock_free_milli(s) as now_free,
          sum(w.missing_milli) over (partition by w.sku order by w.since, w.order_id) - w.missing_milli as before_milli
        from stock_waits w join stock_skus s on s.sku = w.sku
      ) x where now_free > free_milli and before_milli <= greatest(now_free - 1, 0) limit ${wokenAtOnceMax}`,
  )
  for (const { order_id: orderId, sku, version } of woken) {
    const at = instant(clock.now())
    const fact = `crossdock:stock:${orderId}:${sku}:arrived:${version}`
    await eventLog.append(
      newEvent({ type: "stock.arrived", fact, source: "crossdock:stock", time: at, data: { orderId, sku, at } }),
    )
  }
  if (woken.length > 0)
    await storage(
      () => sql`
        delete from stock_waits w using unnest(${woken.map(({ order_id }) => order_id)}::text[],
          ${woken.map(({ sku }) => sku)}::text[]) as x (order_id, sku) where (w.order_id, w.sku) = (x.order_id, x.sku)`,
    )
  return woken.length
}

/** Forgets waits of orders that ended long ago while nothing came in; one that still waits has noted it again. */
export async function forgetOldWaits(sql: Sql): Promise<void> {
  await storage(() => sql`delete from stock_waits where noted_at < now() - interval '90 days'`)
}
