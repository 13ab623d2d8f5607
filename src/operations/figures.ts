import { storage, type Sql } from "../base/sql.ts"

/** Counters of the business by name and label. */
export type Figures = ReadonlyMap<string, ReadonlyMap<string, number>>

/** The counters of the live view. */
const liveNames = ["deliveries", "effects", "attempts", "probes", "money shipped", "money booked", "checks skipped"]

/** Counters summed over the last hours (whole hours, so up to one more), by name and label. */
export async function readFigures(sql: Sql, sinceHours: number): Promise<Figures> {
  const rows = await storage(
    () => sql<{ name: string; label: string; value: number }[]>`
      select name, label, sum(value)::bigint as value from figures
      where name = any(${liveNames}) and hour >= date_trunc('hour', now() - ${sinceHours} * interval '1 hour')
      group by 1, 2 order by 1, 2`,
  )
  const figures = new Map<string, Map<string, number>>()
  for (const { name, label, value } of rows) {
    const labels = figures.get(name) ?? new Map<string, number>()
    figures.set(name, labels.set(label, value))
  }
  return figures
}

/** Merges the rows of concurrent writers of one counter. */
export async function foldFigures(sql: Sql): Promise<void> {
  await storage(() => sql`select fold_figures()`)
}

/** A counter of a figure. */
export interface Count {
  name: string
  label: string
  by: number
}
