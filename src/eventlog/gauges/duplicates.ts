import { Gauge, type Registry } from "prom-client"
import type { Sql } from "../../base/sql.ts"

// However many come in an hour, a scrape costs the same.
const newestMost = 10_000

/** Registers the dedupe report in figures: ids are left out of the reasons, so that their number stays small. */
export function registerDuplicates(registry: Registry, sql: Sql): void {
  const duplicates = new Gauge({
    name: "crossdock_duplicates_stopped",
    help: `Deliveries of the last hour that told nothing new, by why; of the newest ${newestMost} deliveries.`,
    labelNames: ["connection", "reason"],
    registers: [registry],
    collect: async () => {
      const rows = await sql<{ connection: string; reason: string; count: number }[]>`
        select connection, regexp_replace(coalesce(reason, ''), '[0-9]+', 'n', 'g') as reason, count(*) as count
        from (select * from inbox order by id desc limit ${newestMost}) newest
        where state = 'duplicate' and received_at > now() - interval '1 hour' group by 1, 2`
      duplicates.reset()
      for (const { connection, reason, count } of rows) duplicates.set({ connection, reason }, count)
    },
  })
}
