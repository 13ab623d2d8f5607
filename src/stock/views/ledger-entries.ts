import { storage, type Sql } from "../../base/sql.ts"
import type { Instant } from "../../base/time.ts"

/** One booking of a position: why it holds what it holds. */
export interface LedgerEntry {
  kind: string
  deltaMilli: number
  onHandAfterMilli: number
  reason?: string
  /** The order whose goods left, where the fact is one of an order. */
  orderId?: string
  occurredAt: Instant
  recordedAt: Instant
}

interface EntryRow {
  kind: string
  delta_milli: number
  on_hand_after_milli: number
  reason: string | null
  reservation_key: string | null
  occurred_at: Date
  recorded_at: Date
}

const orderInKey = /ord_[0-9a-z]{16}/

/** The latest bookings of a SKU at a place, newest first, found by index. */
export async function ledgerEntries(
  sql: Sql,
  { sku, locationId, limit }: { sku: string; locationId: string; limit: number },
): Promise<LedgerEntry[]> {
  const rows = await storage(
    () => sql<EntryRow[]>`
      select kind, delta_milli, on_hand_after_milli, reason, reservation_key, occurred_at, recorded_at from stock_ledger
      where sku = ${sku} and location_id = ${locationId} order by occurred_at desc limit ${limit}`,
  )
  return rows.map((row) => {
    const orderId = orderInKey.exec(row.reservation_key ?? "")?.[0]
    return {
      kind: row.kind,
      deltaMilli: row.delta_milli,
      onHandAfterMilli: row.on_hand_after_milli,
      ...(row.reason === null ? {} : { reason: row.reason }),
      ...(orderId === undefined ? {} : { orderId }),
      occurredAt: row.occurred_at.toISOString(),
      recordedAt: row.recorded_at.toISOString(),
    }
  })
}
