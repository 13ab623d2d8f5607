import { storage, type Sql } from "../base/sql.ts"
import type { Figures } from "./figures.ts"

/** How orders stand, over the last hours. */
export interface OrderKpis {
  total: number
  perSecondLastMinute: number
  closedPerSecondLastMinute: number
  byState: Record<string, number>
  foundByPoll: number
}

/** Reads how orders stand. Indexed ranges make asking often cheap. */
export async function readOrderKpis(sql: Sql, sinceHours: number): Promise<OrderKpis> {
  const since = `${sinceHours} hours`
  const [states, rates] = await storage(() =>
    Promise.all([
      sql<{ state: string; count: number; polled: number }[]>`
        select state, count(*) as count, count(*) filter (where found_via = 'poll') as polled from objects
        where kind = 'order' and opened_at > now() - ${since}::interval group by state order by 2 desc`,
      sql<{ placed: number; closed: number }[]>`
        select count(*) filter (where opened_at > now() - interval '1 minute') as placed,
          count(*) filter (where finished_at > now() - interval '1 minute') as closed
        from objects where kind = 'order' and opened_at > now() - interval '1 hour'`,
    ]),
  )
  return {
    total: states.reduce((sum, row) => sum + row.count, 0),
    perSecondLastMinute: (rates[0]?.placed ?? 0) / 60,
    closedPerSecondLastMinute: (rates[0]?.closed ?? 0) / 60,
    byState: Object.fromEntries(states.map((row) => [row.state, row.count])),
    foundByPoll: states.reduce((sum, row) => sum + row.polled, 0),
  }
}

/** Deliveries by what became of them. */
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

/** Value of what shipped, and how much of it the general ledger has, by currency. Equal when all is posted. */
export function moneyFigures(figures: Figures) {
  const shipped = figures.get("money shipped") ?? new Map<string, number>()
  const booked = figures.get("money booked") ?? new Map<string, number>()
  return [...new Set([...shipped.keys(), ...booked.keys()])].map((currency) => ({
    currency,
    shippedMinor: shipped.get(currency) ?? 0,
    bookedMinor: booked.get(currency) ?? 0,
  }))
}
