import { businessDate } from "../base/time.ts"
import { own } from "../base/lookup.ts"
import type { Sql } from "../base/sql.ts"

/** Data deleted by retention, and the age limit. */
export interface Removal {
  what: string
  before: Date
  days: number
}

/** Deletions of retention so far, by kind. */
export async function readRemovals(sql: Sql): Promise<readonly Removal[]> {
  return sql<Removal[]>`select what, before, days from removed_by_retention order by what`
}

// Parts of the tables that are removed as a whole hold days of UTC.
const utc = { timeZone: "UTC" }

/**
 * Describes for people which parts of an object of this age are deleted. `left`: rows that are still there, by kind; an object that
 * was open at the time of the deletion is complete.
 */
export function removedOf(
  since: string,
  removals: readonly Removal[],
  left: Readonly<Record<string, number>>,
): string[] {
  return removals
    .filter(({ what, before }) => own(left, what) === 0 && since < before.toISOString())
    .map(
      ({ what, before, days }) =>
        `${what} before ${businessDate(before.toISOString(), utc)} were removed by retention (kept for ${days} days)`,
    )
}
