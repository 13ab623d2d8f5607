import { storage, type Sql } from "../base/sql.ts"

/** Counts of stock at a place, and how far they were from what was expected. */
export interface StockCountFigures {
  place: string
  counts: number
  exact: number
  countedMilli: number
  differingMilli: number
}

/**
 * How counts of a time differed from what was expected. The first count of a position, of which nothing was expected, is left out, and so
 * is one that came late and changed nothing.
 */
export async function readStockCounts(
  sql: Sql,
  { since, until }: { since: string; until: string },
): Promise<StockCountFigures[]> {
  return storage(
    () => sql<StockCountFigures[]>`
      with counted as (
        select sku, location_id, delta_milli, stated_milli, occurred_at,
          max(occurred_at) over (partition by sku, location_id order by id rows between unbounded preceding and 1 preceding) as before
        from stock_ledger
        where kind = 'count' and recorded_at >= ${since}::timestamptz and recorded_at < ${until}::timestamptz
      )
      select location_id as place, count(*) as counts, count(*) filter (where delta_milli = 0) as exact,
        sum(abs(stated_milli))::bigint as "countedMilli", sum(abs(delta_milli))::bigint as "differingMilli"
      from counted c
      where case when c.before is null then exists (
          select from stock_ledger k where k.sku = c.sku and k.location_id = c.location_id and k.occurred_at < c.occurred_at)
        else c.occurred_at >= c.before end
      group by 1`,
  )
}
