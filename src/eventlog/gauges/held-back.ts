import { Gauge, type Registry } from "prom-client"
import type { Sql } from "../../base/sql.ts"

/**
 * Registers how long the oldest event has waited that readers may not read yet. Readers stop below the oldest transaction of the
 * whole server, so a transaction that is never ended delays every order. `crossdock doctor` names its connection.
 */
export function registerHeldBack(registry: Registry, sql: Sql): void {
  const heldBack = new Gauge({
    name: "crossdock_log_held_back_seconds",
    help: "How long the oldest event has waited that no reader may pass yet, because an older transaction is still open.",
    registers: [registry],
    collect: async () => {
      const [row] = await sql<{ seconds: number }[]>`
        select coalesce(extract(epoch from clock_timestamp() - min(recorded_at)), 0)::float8 as seconds
        from events where (xid, seq) >= (pg_snapshot_xmin(pg_current_snapshot()), 0)`
      heldBack.set(row?.seconds ?? 0)
    },
  })
}
