import { storage, type Sql } from "../base/sql.ts"
import type { Figures } from "./figures.ts"

/** Figures about orders of the last hours. */
export interface OrderKpis {
  total: number
  perSecondLastMinute: number
  closedPerSecondLastMinute: number
  byState: Record<string, number>
  foundByPoll: number
}

/** Most orders read for the rate per minute. */
const newestMost = 10_000

/** Orders placed within this many hours. `finals` are the last states of orders. */
export interface OrderSpan {
  hours: number
  finals: readonly string[]
}

/** Reads the figures by index ranges, so that frequent calls are cheap. */
export async function readOrderKpis(sql: Sql, span: OrderSpan): Promise<OrderKpis> {
  const [states, polled, rates] = await storage(() =>
    Promise.all([
      countByState(sql, span),
      sql<{ count: number }[]>`
        select count(*) as count from objects
        where kind = 'order' and found_via = 'poll' and opened_at > now() - ${span.hours} * interval '1 hour'`,
      sql<{ placed: number; closed: number }[]>`
        select count(*) filter (where opened_at > now() - interval '1 minute') as placed,
          count(*) filter (where finished_at > now() - interval '1 minute') as closed
        from (
          select opened_at, finished_at from objects where kind = 'order' and opened_at > now() - interval '1 hour'
          order by opened_at desc, ref desc limit ${newestMost}) newest`,
    ]),
  )
  return {
    total: states.reduce((sum, row) => sum + row.count, 0),
    perSecondLastMinute: (rates[0]?.placed ?? 0) / 60,
    closedPerSecondLastMinute: (rates[0]?.closed ?? 0) / 60,
    byState: Object.fromEntries(states.map((row) => [row.state, row.count])),
    foundByPoll: polled[0]?.count ?? 0,
  }
}

/** Number of orders per state, the most frequent first. Orders in a last state are counted by an index-only scan. */
export async function countByState(
  sql: Sql,
  { hours, finals }: OrderSpan,
): Promise<{ state: string; count: number }[]> {
  return storage(
    () => sql<{ state: string; count: number }[]>`
      select ended_as as state, count(*) as count from objects
      where kind = 'order' and ended_as = any(${[...finals]}) and ended_as is not null
        and opened_at > now() - ${hours} * interval '1 hour' group by 1
      union all
      select state, count(*) from objects
      where kind = 'order' and ended_as is null and opened_at > now() - ${hours} * interval '1 hour' group by 1
      order by 2 desc`,
  )
}

/** Deliveries by state. */
export function deliveryFigures(figures: Figures) {
  const deliveries = figures.get("deliveries") ?? new Map<string, number>()
  const verdict = (state: string) =>
    [...deliveries].reduce((sum, [label, value]) => (label.endsWith(`|${state}`) ? sum + value : sum), 0)
  return {
    received: [...deliveries.values()].reduce((sum, value) => sum + value, 0),
    duplicates: verdict("duplicate"),
    ignored: verdict("ignored"),
    parked: verdict("parked"),
  }
}

/** Effects by connection and outcome. */
export function effectFigures(figures: Figures) {
  return [...(figures.get("effects") ?? [])].flatMap(([label, count]) => {
    const [connection = "", outcome = ""] = label.split("|")
    if (count <= 0) return []
    const more = (name: string) => figures.get(name)?.get(label) ?? 0
    return [{ connection, outcome, count, attempts: more("attempts"), probes: more("probes") }]
  })
}

/** Value of shipped goods and of that posted to the general ledger, by currency. Equal once everything is posted. */
export function moneyFigures(figures: Figures) {
  const shipped = figures.get("money shipped") ?? new Map<string, number>()
  const booked = figures.get("money booked") ?? new Map<string, number>()
  return [...new Set([...shipped.keys(), ...booked.keys()])].map((currency) => ({
    currency,
    shippedMinor: shipped.get(currency) ?? 0,
    bookedMinor: booked.get(currency) ?? 0,
  }))
}
