import { storage, type Sql } from "../../base/sql.ts"
import type { EventData } from "../../canonical/events.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"

/** A place whose movements have a gap. */
export interface Gap {
  source: string
  stream: string
  upto: number
  /** The last number that had come. */
  last: number
}

/** Notes the numbers of movements, in whatever order they come; a repeat changes nothing. */
export async function noteNumbers(sql: Sql, events: readonly StoredEvent[]): Promise<void> {
  const numbered = events.flatMap(({ type, source, data }) => {
    const { number } = type === "stock.moved" ? (data as EventData<"stock.moved">) : {}
    return number ? [{ source, ...number }] : []
  })
  if (numbered.length === 0) return
  await storage(
    () => sql`select stock_note_numbers(${numbered.map(({ source }) => source)}::text[],
      ${numbered.map(({ stream }) => stream)}::text[], ${numbered.map(({ n }) => n)}::bigint[])`,
  )
}

/** Streams with a number that did not come within a time: what overtook it on the way has had its chance. */
export async function openGaps(sql: Sql, olderThanMs: number): Promise<Gap[]> {
  return storage(
    () => sql<Gap[]>`
      select source, stream, upto::float8 as upto, ahead[cardinality(ahead)]::float8 as last from stock_streams
      where gap_at <= clock_timestamp() - ${olderThanMs} * interval '1 ms' order by gap_at limit 100`,
  )
}

/**
 * The missing movements are inside an absolute now: numbers go on from the last one that was known when it was asked for. What came since
 * may have a gap of its own, which is none the absolute can make good.
 */
export async function closeGap(sql: Sql, { source, stream, upto, last }: Gap): Promise<void> {
  await storage(() => sql`select stock_close_gap(${source}, ${stream}, ${upto}, ${last})`)
}
