import { Gauge, type Registry } from "prom-client"
import type { Sql } from "../../base/sql.ts"
import { monotonicMs } from "../../base/time.ts"

const newestMost = 10_000

interface Brought {
  connection: string
  type: string
  polled: number
  total: number
}

/**
 * The share of facts that no webhook brought (P-04), by connection and event type, because single topics go missing.
 *
 * A fact counts for the delivery that brought it first. Reads one hour, and a limited number of facts, whatever the load.
 */
async function readBrought(sql: Sql): Promise<readonly Brought[]> {
  return sql<Brought[]>`
    select i.connection, e.type, count(*) filter (where i.via = 'poll') as polled, count(*) as total
    from (select * from events order by xid desc, seq desc limit ${newestMost}) e join inbox i on i.id = e.inbox_id
    where e.recorded_at > now() - interval '1 hour' and i.received_at > now() - interval '1 day'
      and i.via in ('webhook', 'poll') and e.type <> 'exception.opened'
    group by 1, 2`
}

// An hour of facts is a wide read; scrapes and both gauges share one.
const freshForMs = 30_000

function readNowAndThen(sql: Sql): () => Promise<readonly Brought[]> {
  let last: { atMs: number; rows: Promise<readonly Brought[]> } | undefined
  return async () => {
    if (!last || monotonicMs() - last.atMs > freshForMs) last = { atMs: monotonicMs(), rows: readBrought(sql) }
    try {
      return await last.rows
    } catch (thrown) {
      last = undefined
      throw thrown
    }
  }
}

/** Registers the gauges of what webhooks missed. */
export function registerMissedEvents(registry: Registry, sql: Sql): void {
  const read = readNowAndThen(sql)
  const facts = new Gauge({
    name: "crossdock_facts_first_brought",
    help: "New facts of the last hour by event type and by what brought them first, a webhook or the poll.",
    labelNames: ["connection", "type", "via"],
    registers: [registry],
    collect: async () => {
      const rows = await read()
      facts.reset()
      for (const { connection, type, polled, total } of rows) {
        facts.set({ connection, type, via: "poll" }, polled)
        facts.set({ connection, type, via: "webhook" }, total - polled)
      }
    },
  })
  const missed = new Gauge({
    name: "crossdock_missed_events_ratio",
    help: "Share of the last hour's facts that no webhook brought in time and the poll found, by event type.",
    labelNames: ["connection", "type"],
    registers: [registry],
    collect: async () => {
      const rows = await read()
      missed.reset()
      for (const { connection, type, polled, total } of rows) missed.set({ connection, type }, polled / total)
    },
  })
}
