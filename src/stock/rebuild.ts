import { textKey } from "../base/ids.ts"
import type { Sql } from "../base/sql.ts"
import { whenContended } from "./contention.ts"

export interface RebuildOptions {
  /** Absent: every SKU. */
  sku?: string
  locationId?: string
  dryRun: boolean
  /** Recorded in the ledger with every correction. */
  reason: string
}

/** A position (or, without location, a SKU's pool) whose running sums differ from ledger and reservations. */
export interface Difference {
  sku: string
  locationId?: string
  onHandMilli: { was: number; is: number }
  reservedMilli: { was: number; is: number }
}

interface DifferenceRow {
  sku: string
  location_id: string
  on_hand_was: number
  on_hand_is: number
  reserved_was: number
  reserved_is: number
}

const skusPerStatement = 500

/** Recomputes sums SKU by SKU in batches. Each batch is locked while it is compared, so a rebuild may run during trading. */
export async function rebuildPositions(sql: Sql, options: RebuildOptions): Promise<Difference[]> {
  const differences: Difference[] = []
  let after = ""
  for (;;) {
    const skus = options.sku === undefined ? await nextSkus(sql, after) : [options.sku]
    if (skus.length === 0) return differences
    differences.push(...(await rebuildSkus(sql, skus, options)))
    if (options.sku !== undefined) return differences
    after = skus.at(-1) ?? ""
  }
}

async function nextSkus(sql: Sql, after: string): Promise<string[]> {
  const rows = await whenContended(
    async () =>
      await sql<{ sku: string }[]>`
      select sku from stock_skus where sku > ${after} order by sku limit ${skusPerStatement}`,
  )
  return rows.map((row) => row.sku)
}

async function rebuildSkus(sql: Sql, skus: readonly string[], options: RebuildOptions): Promise<Difference[]> {
  const rows = await whenContended(
    async () =>
      await sql<DifferenceRow[]>`
      select * from stock_rebuild(${[...skus]}::text[], ${options.locationId ?? null}, ${options.dryRun},
        ${options.reason}, ${textKey(options.reason)}::text::uuid)`,
  )
  return rows.map((row) => ({
    sku: row.sku,
    ...(row.location_id === "" ? {} : { locationId: row.location_id }),
    onHandMilli: { was: row.on_hand_was, is: row.on_hand_is },
    reservedMilli: { was: row.reserved_was, is: row.reserved_is },
  }))
}
