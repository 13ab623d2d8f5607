import { inTransaction, storage, type Sql } from "../../base/sql.ts"
import { takeStockChanges } from "../../stock/views/changed.ts"
import type { StockChannel } from "../policies.ts"

const changesAtOnce = 5000

/** Marks what changed in the stock since the last look, for all channels. Returns how many SKUs. */
export async function markStockChanges(sql: Sql, channels: readonly StockChannel[]): Promise<number> {
  return storage(() =>
    inTransaction(sql, async (transaction) => {
      const changes = await takeStockChanges(transaction, changesAtOnce)
      if (changes.length === 0) return 0
      const { of, at } = keysOf(channels)
      const skus = changes.map(({ sku }) => sku)
      const moments = changes.map(({ at: moment }) => moment.toISOString())
      await transaction`select publish_mark(${of}::text[], ${at}::text[], 'stock', ${skus}::text[], ${moments}::timestamptz[])`
      return changes.length
    }),
  )
}

function keysOf(channels: readonly StockChannel[]): { of: string[]; at: string[] } {
  const keys = channels.flatMap(({ channel, places }) => places.map(({ locationId }) => ({ channel, locationId })))
  return { of: keys.map(({ channel }) => channel), at: keys.map(({ locationId }) => locationId) }
}
