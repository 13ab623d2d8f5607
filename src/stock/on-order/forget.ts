import { storage, type Sql } from "../../base/sql.ts"
import { instant } from "../../base/time.ts"

/** As long as lead times look back (`stock_lead_time_of`). */
const keptForMs = 2 * 366 * 86_400_000
const forgottenAtOnce = 500

/**
 * Forgets purchase orders of which nothing is open and nothing came for two years, with what came of them and what was announced. What is
 * open stays, however old. A repeat forgets what is left.
 */
export async function forgetPurchases(sql: Sql, nowMs: number): Promise<void> {
  const before = instant(nowMs - keptForMs)
  for (let count = forgottenAtOnce; count === forgottenAtOnce;) {
    const [row] = await storage(
      () => sql<{ count: number }[]>`select forget_purchases(${before}::timestamptz, ${forgottenAtOnce}) as count`,
    )
    count = row?.count ?? 0
  }
}
