import type { Sql } from "../../src/base/sql.ts"

// The benchmark's reads of orders. No other file knows their tables.

/** Orders placed since then that are closed. The query uses an index, so its cost does not grow with older orders. */
export async function countClosed(sql: Sql, since: Date): Promise<number> {
  const [row] = await sql<{ closed: number }[]>`
    select count(*) as closed from orders where state = 'closed' and placed_at >= ${since}`
  return row?.closed ?? 0
}

/** Orders in the database, in any state. */
export async function countOrders(sql: Sql): Promise<number> {
  const [row] = await sql<{ orders: number }[]>`select count(*) as orders from orders`
  return row?.orders ?? 0
}

/** Average number of effects and decisions per order; a run of the floor has the same number of steps. */
export async function stepsPerOrder(sql: Sql): Promise<number> {
  const [row] = await sql<{ steps: number }[]>`
    select (count(*)::float8 / count(distinct s.instance)) as steps
    from (select id from workflow_instances where workflow = 'fulfil order' order by id desc limit 100) newest
    join workflow_steps s on s.instance = newest.id where s.kind in ('effect', 'undo', 'decide')`
  return Math.max(1, Math.round(row?.steps ?? 1))
}

/** From an order's first delivery being durable to the order being closed, for orders received since then. */
export async function closingTimes(sql: Sql, since: Date): Promise<{ p50Ms: number; p99Ms: number }> {
  const [row] = await sql<{ p50: number; p99: number }[]>`
    select percentile_cont(0.5) within group (order by took) as p50, percentile_cont(0.99) within group (order by took) as p99
    from (
      select extract(epoch from o.finished_at - i.received_at)::float8 * 1000 as took
      from orders o join events e on e.key = o.ref and e.type = 'order.placed' join inbox i on i.id = e.inbox_id
      where i.received_at >= ${since}
    ) orders_since`
  return { p50Ms: Math.round(row?.p50 ?? Number.NaN), p99Ms: Math.round(row?.p99 ?? Number.NaN) }
}

/** Reasons, as text, why orders are not closed that should be. */
export async function describeUnfinished(sql: Sql): Promise<string> {
  const states = await sql`select state, count(*) as count from orders group by 1`
  const steps = await sql`
    select s.step, s.outcome, s.error ->> 'message' as error, count(*) as count
    from workflow_queue q join workflow_steps s on s.instance = q.instance
    where kind in ('effect', 'undo') and coalesce(outcome, '') <> 'done' group by 1, 2, 3 order by 4 desc limit 5`
  const waits = await sql`
    select claimed_by is not null as claimed, waiting, count(*) as count from workflow_queue group by 1, 2 order by 3 desc limit 5`
  const exceptions = await sql`select cause, min(summary) as summary, count(*) as count from exceptions group by 1`
  return JSON.stringify({ states, steps, waits, exceptions }, null, 1)
}

/** Invariants once all orders are closed. */
export interface Books {
  orders: number
  closed: number
  openRuns: number
  heldMilli: number
  /** Positions below zero, or reserved for finished orders. */
  wrongPositions: number
}

/** Reads the books of an idle estate. */
export async function readBooks(sql: Sql): Promise<Books | undefined> {
  const [row] = await sql<Books[]>`
    select (select count(*) from orders) as orders, (select count(*) from orders where state = 'closed') as closed,
      (select count(*) from workflow_queue) as "openRuns",
      (select coalesce(sum(held_milli), 0)::bigint from stock_reservation_lines) as "heldMilli",
      (select count(*) from stock_positions where on_hand_milli < 0 or reserved_milli <> 0) as "wrongPositions"`
  return row
}

/** Some orders of all ages, for the operators' reads. */
export async function someOrderIds(sql: Sql, count: number): Promise<string[]> {
  const [range] = await sql<
    { low: Date; high: Date }[]
  >`select min(placed_at) as low, max(placed_at) as high from orders`
  if (!range) return []
  const ids: string[] = []
  for (let place = 0; place < count; place += 1) {
    const at = new Date(range.low.getTime() + (range.high.getTime() - range.low.getTime()) * (place / count))
    const [row] = await sql<{ id: string }[]>`
      select id from orders where placed_at >= ${at} order by placed_at limit 1`
    if (row) ids.push(row.id)
  }
  return ids
}
