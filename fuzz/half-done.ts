import { checkEvent } from "../src/canonical/check-event.ts"
import type { NewEvent } from "../src/canonical/events.ts"
import { shippedOrders, type Stage } from "./stage.ts"

/** States that no input may leave behind: begun and never ended, told and not kept, stopped for others. */
export async function halfDoneStates(stage: Stage): Promise<string[]> {
  await resumeAll(stage)
  const found = await stuckTrade(stage)
  for (const [what, look] of Object.entries(looks)) {
    const rows = await look(stage)
    if (rows.length > 0) found.push(`${what}: ${rows.length}, e.g. ${JSON.stringify(rows[0])}`)
  }
  return found
}

/** Whatever was sent before, an order of the shop still ships. */
async function stuckTrade(stage: Stage): Promise<string[]> {
  const [before] = await stage.sql<{ count: number }[]>`
    select count(*) as count from objects where kind = 'order' and state in ('shipped', 'closed')`
  await stage.buy(2)
  const tookMs = await shippedOrders(stage, (before?.count ?? 0) + 2)
  return tookMs === undefined ? ["orders of the shop no longer ship"] : []
}

async function resumeAll(stage: Stage): Promise<void> {
  const { items } = (await stage.api("GET", "/v1/connections")) as { items: { id: string; isPaused: boolean }[] }
  for (const { id, isPaused } of items) if (isPaused) await stage.api("POST", `/v1/connections/${id}/resume`)
}

const looks: Readonly<Record<string, (stage: Stage) => Promise<readonly object[]>>> = {
  "events that do not fit the catalogue": async ({ sql }) => {
    const rows = await sql<(NewEvent & { key: string })[]>`
      select type, fact, source, time::text as time, data, key from events`
    return rows.flatMap(({ time, ...event }) => {
      const problems = checkEvent({ ...event, time: new Date(time).toISOString() } as NewEvent)
      return problems.length > 0 ? [{ fact: event.fact, problems }] : []
    })
  },
  // A part of an order that waits already is one exception, however many deliveries state it: a fact that is known.
  "parked deliveries without an exception": ({ sql }) => sql`
    select i.id, i.connection, i.reason from inbox i where i.state = 'parked' and i.known_facts = 0
      and not exists (select from exceptions e where starts_with(e.id, 'inbox-' || i.id))`,
  "requests whose key was never answered": ({ sql }) => sql`
    select consumer_id, key from idempotency_keys where status is null`,
  "orders that neither go on nor wait nor have ended": ({ sql }) => sql`
    select i.about, i.workflow, i.state, q.failures from workflow_instances i join workflow_queue q on q.instance = i.id
    where q.failures > 0`,
  "readers with parked or late events": ({ sql }) => sql`
    select name, key, is_parked from subscription_backlog`,
  "orders taken without an object": ({ sql }) => sql`
    select e.key from events e where e.type = 'order.placed' and not exists (select from objects o where o.ref = e.key)`,
  "sums of stock that differ from the ledger": async ({ sql }) => {
    const rows = await sql<{ skus: string[] }[]>`select coalesce(array_agg(sku), '{}') as skus from stock_skus`
    return sql`
      select * from stock_rebuild(${rows[0]?.skus ?? []}::text[], null, true, 'fuzz', gen_random_uuid())`
  },
}
