import { storage, type Sql } from "../../base/sql.ts"
import type { StockInChannel } from "./stock-in-channel.ts"

/** What a walk over everything that a channel shows has found. */
export interface Walk {
  levels: number
  /** Levels above zero of articles that have no row: nobody publishes them. */
  strangers: number
}

const longestWalk = 1_000_000

/**
 * Reads everything that a channel shows, from the first page to the last; a walk that breaks off throws and is no walk. What it shows of
 * articles that Crossdock does not publish gets a row, so that people see it.
 */
export async function walkAll(
  sql: Sql,
  stock: StockInChannel,
  { channel, places }: { channel: string; places: readonly string[] },
): Promise<Walk> {
  const walk = { levels: 0, strangers: 0 }
  let after: string | undefined
  do {
    const page = await stock.list(places, after)
    walk.levels += page.levels.length
    const shown = page.levels.filter(({ available }) => available.milli > 0)
    const rows = await storage(
      () => sql<{ count: number }[]>`
        select publish_note_strangers(${channel}, ${shown.map(({ sku }) => sku)}::text[], ${shown.map(({ locationId }) => locationId)}::text[],
          ${shown.map(({ available }) => available.milli)}::bigint[], ${shown.map(({ reference }) => reference?.id ?? "")}::text[]) as count`,
    )
    walk.strangers += rows[0]?.count ?? 0
    after = page.after
  } while (after !== undefined && walk.levels < longestWalk)
  return walk
}
