import { own } from "../base/lookup.ts"
import type { Sql } from "../base/sql.ts"

/** What retention removed for good, and by which age. */
export interface Removal {
  what: string
  before: Date
  days: number
}

/** What retention has removed so far, by kind. */
export async function readRemovals(sql: Sql): Promise<readonly Removal[]> {
  return sql<Removal[]>`select what, before, days from removed_by_retention order by what`
}

/**
 * What is missing of something that old, in words. `left` counts by kind what is still there: what was open when the rest went
 * is complete.
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
        `${what} before ${before.toISOString().slice(0, 10)} were removed by retention (kept for ${days} days)`,
    )
}
