import { storage, type Sql } from "../../base/sql.ts"
import type { Position } from "../event-log.ts"

/** Whether nothing can come before a position any more: every transaction that began before its own has ended. */
export async function isSettled(sql: Sql, { xid }: Position): Promise<boolean> {
  const [row] = await storage(
    () => sql<{ is_settled: boolean }[]>`
      select ${xid}::text::xid8 < pg_snapshot_xmin(pg_current_snapshot()) as is_settled`,
  )
  return row?.is_settled ?? false
}
