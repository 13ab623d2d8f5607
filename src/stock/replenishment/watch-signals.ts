import type { Log } from "../../base/log.ts"
import { inTransaction, isStorageAway, storage, type Sql, type SqlTransaction } from "../../base/sql.ts"
import { instant, repeated, type Clock, type Repeated } from "../../base/time.ts"
import { aboutOf } from "../../canonical/events.ts"
import type { EventLog } from "../../eventlog/event-log.ts"
import type { Reader } from "../../eventlog/readers/readers.ts"
import { crossedEvent, type Crossing } from "./crossings.ts"

interface Options {
  sql: Sql
  clock: Clock
  eventLog: Pick<EventLog, "prepare" | "stored">
  /** The names of all thresholds. */
  names: readonly string[]
}

const restMs = 1000
/** Between looks that found nothing. */
export const quietRestMs = 5000
const notesAtOnce = 5000
const walkAtOnce = 2000
/** Demand fades while nothing moves, so days of cover grow without news. */
const walkEveryMs = 6 * 60 * 60_000

/** Keeps the signal in step with the stock in every worker; one of them at a time does the work. */
export function watchSignals({ reader, log, ...options }: Options & { reader: Reader; log: Log }): Repeated {
  let everyMs = restMs
  const look = async () => {
    const count = await lookAtSignals(options)
    everyMs = count > 0 ? 0 : everyMs === 0 ? restMs : quietRestMs
  }
  return repeated(() => reader.pass(look), {
    everyMs: () => everyMs,
    onError(thrown) {
      everyMs = restMs
      if (!isStorageAway(thrown)) log.error({ err: thrown }, "the signal was not kept; it is tried again")
    },
  })
}

/**
 * One look: at positions that changed since the last one, and at a part of all of them where a walk is under way. What is below a
 * threshold, and the events that tell it, are one transaction: a death before its end leaves the notes for the next look. Returns how many
 * positions were looked at; 0 when there is nothing to do, or another process does it.
 */
export async function lookAtSignals(options: Options): Promise<number> {
  const { sql } = options
  const [watch] = await storage(() => sql<{ is_watched: boolean }[]>`select stock_signals_watched() as is_watched`)
  if (!watch?.is_watched) return 0
  const { count, told } = await storage(() =>
    inTransaction(sql, async (tx) => {
      const [lock] = await tx<{ is_mine: boolean }[]>`select pg_try_advisory_xact_lock(7107, 0) as is_mine`
      if (!lock?.is_mine) return { count: 0, told: () => undefined }
      const changed = await tx<Position[]>`select * from stock_take_signals(${notesAtOnce})`
      const walked = await nextOfWalk(tx)
      const crossings = [
        ...(await cross(tx, options, { positions: changed, isChanged: true })),
        ...(await cross(tx, options, { positions: walked.positions, isChanged: walked.isWhole })),
      ]
      return {
        count: changed.length + walked.positions.length,
        told: await tell(tx, options, crossings),
      }
    }),
  )
  told()
  return count
}

interface Position {
  sku: string
  location_id: string
}

async function cross(
  tx: SqlTransaction,
  { names }: Options,
  { positions, isChanged }: { positions: readonly Position[]; isChanged: boolean },
): Promise<Crossing[]> {
  if (positions.length === 0) return []
  return tx<Crossing[]>`
    select * from stock_cross(${positions.map(({ sku }) => sku)}::text[],
      ${positions.map(({ location_id }) => location_id)}::text[], ${[...names]}::text[], ${isChanged})`
}

/** The next part of a walk, and where it goes on. */
async function nextOfWalk(tx: SqlTransaction): Promise<{ positions: Position[]; isWhole: boolean }> {
  const [walk] = await tx<{ after_sku: string; after_location: string; is_whole: boolean }[]>`
    select coalesce(after_sku, '') as after_sku, after_location, is_whole from stock_signal_walk
    where after_sku is not null or due_at <= clock_timestamp()`
  if (!walk) return { positions: [], isWhole: false }
  const positions = await tx<Position[]>`
    select * from stock_signal_page(${walk.after_sku}, ${walk.after_location}, ${walkAtOnce})`
  const last = positions.length === walkAtOnce ? positions.at(-1) : undefined
  await (last
    ? tx`update stock_signal_walk set after_sku = ${last.sku}, after_location = ${last.location_id}`
    : tx`update stock_signal_walk set after_sku = null, after_location = '', is_whole = false,
        due_at = clock_timestamp() + ${walkEveryMs} * interval '1 ms'`)
  return { positions, isWhole: walk.is_whole }
}

/** Stores what is told; the returned function wakes readers once it is committed. */
async function tell(
  tx: SqlTransaction,
  { eventLog, clock }: Options,
  crossings: readonly Crossing[],
): Promise<() => void> {
  if (crossings.length === 0) return () => undefined
  const at = instant(clock.now())
  const events = crossings.map((one) => crossedEvent(one, at))
  const prepared = eventLog.prepare(events.map((event) => ({ event, correlation: aboutOf(event) })))
  await tx`select from store_events(${JSON.stringify(prepared.events)}::text::json, ${JSON.stringify(prepared.follow)}::text::json)`
  return () => eventLog.stored(prepared)
}
