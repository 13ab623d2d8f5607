import type { SqlTransaction } from "../../base/sql.ts"
import type { SnapshotStock } from "../../canonical/sales/snapshot.ts"

interface Row {
  sku: string
  on_hand_milli: number
  reserved_milli: number
  counted_at: Date | null
}

/** What lies at a store, by SKU, behind one. */
export async function storeStockBehind(
  tx: SqlTransaction,
  { storeId, after, limit }: { storeId: string; after: string; limit: number },
): Promise<{ items: Map<string, SnapshotStock>; next?: string }> {
  const rows = await tx<Row[]>`
    select sku, on_hand_milli, reserved_milli, counted_at from stock_positions
    where location_id = ${storeId} and sku > ${after} order by sku limit ${limit}`
  const last = rows.length < limit ? undefined : rows.at(-1)
  return { items: bySku(rows), ...(last ? { next: last.sku } : {}) }
}

/** What lies at a store of some SKUs. */
export async function storeStockOf(
  tx: SqlTransaction,
  { storeId, skus }: { storeId: string; skus: readonly string[] },
): Promise<Map<string, SnapshotStock>> {
  const rows = await tx<Row[]>`
    select sku, on_hand_milli, reserved_milli, counted_at from stock_positions
    where sku = any (${[...skus]}::text[]) and location_id = ${storeId}`
  return bySku(rows)
}

/** Which facts are booked at a store, with the SKU that they were booked under. */
export async function bookedAt(
  tx: SqlTransaction,
  { storeId, facts }: { storeId: string; facts: readonly string[] },
): Promise<{ fact: string; sku: string }[]> {
  if (facts.length === 0) return []
  const rows = await tx<{ fact: string; sku: string }[]>`
    select fact, sku from stock_ledger where fact = any (${[...facts]}::text[]) and leg = 0 and location_id = ${storeId}`
  return rows.map(({ fact, sku }) => ({ fact, sku }))
}

function bySku(rows: readonly Row[]): Map<string, SnapshotStock> {
  return new Map(
    rows.map(({ sku, on_hand_milli: onHandMilli, reserved_milli: reservedMilli, counted_at }) => [
      sku,
      { onHandMilli, reservedMilli, ...(counted_at === null ? {} : { countedAt: counted_at.toISOString() }) },
    ]),
  )
}
