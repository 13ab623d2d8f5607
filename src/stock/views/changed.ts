import { storage, type Sql, type SqlTransaction } from "../../base/sql.ts"

/** A SKU whose stock or policy changed, and when it first did since it was last taken. */
export interface StockChange {
  sku: string
  at: Date
}

/**
 * Has changes of stock noted from now on. False when they were noted already; true means that earlier ones may be missing: nobody
 * watched, or the database came back from a crash. Whoever watches then looks at everything once.
 */
export async function watchStock(sql: Sql, watcher: string): Promise<boolean> {
  const rows = await storage(
    () => sql`insert into stock_watchers (name) values (${watcher}) on conflict do nothing returning 1`,
  )
  return rows.length > 0
}

/** Takes noted changes away, in the transaction that does something about them. */
export async function takeStockChanges(transaction: SqlTransaction, most: number): Promise<StockChange[]> {
  return transaction<StockChange[]>`select sku, at from stock_take_changes(${most})`
}

/** The SKUs that the stock knows in their order, cut into parts of so many. */
export async function skuRanges(sql: Sql, size: number): Promise<{ from: string; to: string; count: number }[]> {
  return storage(
    () => sql<{ from: string; to: string; count: number }[]>`
      select min(sku) as "from", max(sku) as "to", count(*)::integer as count from (
        select sku, (row_number() over (order by sku) - 1) / ${size} as part from stock_skus) s
      group by part order by 1`,
  )
}

export async function skusBetween(sql: Sql, from: string, to: string): Promise<string[]> {
  const rows = await storage(
    () => sql<{ sku: string }[]>`select sku from stock_skus where sku >= ${from} and sku <= ${to} order by sku`,
  )
  return rows.map(({ sku }) => sku)
}
