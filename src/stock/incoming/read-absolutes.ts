import { asAppError } from "../../base/errors.ts"
import type { Log } from "../../base/log.ts"
import { isStorageAway, storage, type Sql } from "../../base/sql.ts"
import { instant, repeated, type Clock, type Repeated } from "../../base/time.ts"
import { newEvent } from "../../canonical/events.ts"
import type { EventLog } from "../../eventlog/event-log.ts"
import type { Reader } from "../../eventlog/readers/readers.ts"
import type { StockPage } from "../../ports/capabilities/stock.ts"
import type { Articles } from "../articles/articles.ts"
import { closeGap, openGaps, type Gap } from "./streams.ts"

/** A connection whose absolutes can be asked for. */
export interface StockSource {
  connection: string
  places: readonly string[]
  /** Undefined: only when its movements have a gap, or somebody asks. */
  everyMs: number | undefined
  /** Reads a page through the connection's door. */
  read: (of: { locationId: string; cursor?: string }) => Promise<StockPage>
  reader: Reader
}

interface Options {
  sql: Sql
  log: Log
  clock: Clock
  eventLog: Pick<EventLog, "append">
  articles: Pick<Articles, "ours">
  sources: readonly StockSource[]
}

const lookEveryMs = 2000
/** A number that was overtaken on its way comes within this time, by webhook or by the list. */
const gapGraceMs = 30_000
/** How long a reading has its place without an answer. */
const leaseMs = 120_000

/** Reads absolutes when they are due, and when movements have a gap. */
export function readAbsolutes(options: Options): Repeated {
  return repeated(() => readDue(options), {
    everyMs: lookEveryMs,
    waitsFirst: true,
    onError: (thrown) =>
      isStorageAway(thrown) || options.log.error({ err: thrown }, "stock could not be read; it is tried again"),
  })
}

/** One look at all sources: what is due, what has a gap. Returns how many places were read. */
export async function readDue(options: Options, graceMs: number = gapGraceMs): Promise<number> {
  const gaps = await openGaps(options.sql, graceMs)
  let count = 0
  for (const source of options.sources)
    for (const place of source.places) {
      const gap = gaps.find((one) => one.source === source.connection && one.stream === place)
      if (await readIfDue(options, { source, place, gap })) count += 1
    }
  return count
}

async function readIfDue(
  options: Options,
  { source, place, gap }: { source: StockSource; place: string; gap: Gap | undefined },
): Promise<boolean> {
  if (!gap && source.everyMs === undefined) return false
  if (!(await claim(options.sql, { source, place, isAsked: gap !== undefined }))) return false
  try {
    await readPlace(options, source, place)
    if (gap) await closeGap(options.sql, gap)
    source.reader.succeeded()
    await done(options.sql, { source, place, afterMs: source.everyMs })
    return true
  } catch (thrown) {
    source.reader.failed(thrown)
    await done(options.sql, { source, place, afterMs: 10_000 })
    if (asAppError(thrown).kind !== "unavailable")
      options.log.warn({ err: thrown, connection: source.connection, place }, "stock could not be read")
    return false
  }
}

/** Takes a reading, unless another process has it or it is not due. A gap does not wait for its time, but for who reads already. */
async function claim(
  sql: Sql,
  { source, place, isAsked }: { source: StockSource; place: string; isAsked: boolean },
): Promise<boolean> {
  const [mine] = await storage(
    () => sql`
      insert into stock_readings as r (source, location_id, due_at)
      values (${source.connection}, ${place}, clock_timestamp() + ${leaseMs} * interval '1 ms')
      on conflict (source, location_id) do update set due_at = excluded.due_at
        where r.due_at <= clock_timestamp() or (${isAsked} and r.due_at > clock_timestamp() + ${leaseMs} * interval '1 ms')
      returning 1`,
  )
  return mine !== undefined
}

async function done(
  sql: Sql,
  { source, place, afterMs }: { source: StockSource; place: string; afterMs: number | undefined },
) {
  await storage(
    () => sql`
      update stock_readings set read_at = clock_timestamp(),
        due_at = clock_timestamp() + ${afterMs ?? 0} * interval '1 ms'
      where (source, location_id) = (${source.connection}, ${place})`,
  )
}

/**
 * Reads a place page by page. What differs from the position is told as a count; what does not only makes it fresh, so that a reading
 * without news costs no events. A number that is the same by chance is found by the next reading.
 */
export async function readPlace(
  { sql, eventLog, articles, clock }: Options,
  { connection, read }: Pick<StockSource, "connection" | "read">,
  locationId: string,
): Promise<{ read: number; told: number }> {
  const startedAt = instant(clock.now())
  let asOf: string | undefined
  let count = { read: 0, told: 0 }
  for (let cursor: string | undefined; ;) {
    const page: StockPage = await read({ locationId, ...(cursor === undefined ? {} : { cursor }) })
    asOf ??= page.asOf
    const news = await differing(sql, articles, { connection, locationId, page })
    await Promise.all(news.map((level) => eventLog.append(countedEvent(level, { connection, locationId, page }))))
    count = { read: count.read + page.levels.length, told: count.told + news.length }
    cursor = page.next
    if (cursor === undefined) break
  }
  await storage(
    () => sql`
      insert into stock_locations as l (location_id, heard_at)
      values (${locationId}, least(${asOf ?? startedAt}::timestamptz, ${startedAt}::timestamptz))
      on conflict (location_id) do update set heard_at = greatest(l.heard_at, excluded.heard_at)`,
  )
  return count
}

type Level = StockPage["levels"][number]

function countedEvent(
  { sku, onHand: { milli, unit } }: Level,
  { connection, locationId, page }: { connection: string; locationId: string; page: StockPage },
) {
  const { asOf, ordersUntil } = page
  return newEvent({
    type: "stock.counted",
    fact: `${connection}:stock:${locationId}:${sku}:read:${asOf}`,
    source: connection,
    time: asOf,
    data: {
      sku,
      locationId,
      // Below nothing there is nothing to sell; what is owed is in the system's own orders.
      countedMilli: Math.max(milli, 0),
      unit,
      countedAt: asOf,
      includesReservations: ordersUntil === undefined ? "none" : { until: ordersUntil },
    },
  })
}

async function differing(
  sql: Sql,
  articles: Pick<Articles, "ours">,
  { connection, locationId, page }: { connection: string; locationId: string; page: StockPage },
): Promise<Level[]> {
  const skus = await articles.ours(page.levels.map(({ sku }) => ({ system: connection, article: sku })))
  const rows = await storage(
    () => sql<{ place: number; on_hand: number; reserved: number }[]>`
      select q.place::int - 1 as place, p.on_hand_milli as on_hand, p.reserved_milli as reserved
      from unnest(${skus}::text[]) with ordinality as q (sku, place)
      join stock_positions p on (p.sku, p.location_id) = (q.sku, ${locationId})`,
  )
  const positions = new Map(rows.map((row) => [row.place, row]))
  return page.levels.filter(({ onHand: { milli } }, place) => {
    const known = positions.get(place)
    const expected = known && (page.ordersUntil === undefined ? known.on_hand : known.on_hand - known.reserved)
    return expected !== Math.max(milli, 0)
  })
}
