import { storage, type Sql } from "../base/sql.ts"

/** How trading stands, over the last hours. Counters and indexed ranges make asking often cheap. */
export interface Kpis {
  sinceHours: number
  orders: {
    total: number
    perSecondLastMinute: number
    closedPerSecondLastMinute: number
    byState: Record<string, number>
    foundByPoll: number
  }
  /** What unfinished work waits for. */
  waiting: { kind: string; name: string; count: number }[]
  effects: { connection: string; outcome: string; count: number; attempts: number; probes: number }[]
  deliveries: { received: number; duplicates: number; ignored: number; parked: number }
  stock: { onHandMilli: number; reservedMilli: number }
  exceptionsOpen: number
  /** Value of what shipped, and how much of it the general ledger has, by currency. Equal when all is posted. */
  money: { currency: string; shippedMinor: number; bookedMinor: number }[]
}

/** Reads the figures of the live view. */
export async function readKpis(sql: Sql, sinceHours = 24): Promise<Kpis> {
  const since = `${sinceHours} hours`
  const [states, rates, waiting, figures, stock, exceptions] = await storage(() =>
    Promise.all([
      sql<{ state: string; count: number; polled: number }[]>`
        select state, count(*) as count, count(*) filter (where found_via = 'poll') as polled from objects
        where kind = 'order' and placed_at > now() - ${since}::interval group by state order by 2 desc`,
      sql<{ placed: number; closed: number }[]>`
        select count(*) filter (where placed_at > now() - interval '1 minute') as placed,
          count(*) filter (where finished_at > now() - interval '1 minute') as closed
        from objects where kind = 'order' and placed_at > now() - interval '1 hour'`,
      sql<{ kind: string; name: string; count: number }[]>`
        select w ->> 'kind' as kind, w ->> 'name' as name, count(*) as count
        from workflow_queue, jsonb_array_elements(waiting) as w group by 1, 2 order by 3 desc limit 12`,
      readFigures(sql, sinceHours),
      sql<{ on_hand: number; reserved: number }[]>`
        select coalesce(sum(on_hand_milli), 0)::bigint as on_hand, coalesce(sum(reserved_milli), 0)::bigint as reserved from stock_skus`,
      sql<{ count: number }[]>`select count(*) as count from exceptions where state = 'open'`,
    ]),
  )
  const deliveries = figures.get("deliveries") ?? new Map<string, number>()
  const verdict = (state: string) =>
    [...deliveries].reduce((sum, [label, value]) => (label.endsWith(`|${state}`) ? sum + value : sum), 0)
  return {
    sinceHours,
    orders: {
      total: states.reduce((sum, row) => sum + row.count, 0),
      perSecondLastMinute: (rates[0]?.placed ?? 0) / 60,
      closedPerSecondLastMinute: (rates[0]?.closed ?? 0) / 60,
      byState: Object.fromEntries(states.map((row) => [row.state, row.count])),
      foundByPoll: states.reduce((sum, row) => sum + row.polled, 0),
    },
    waiting,
    effects: effectFigures(figures),
    deliveries: {
      received: [...deliveries.values()].reduce((sum, value) => sum + value, 0),
      duplicates: verdict("duplicate"),
      ignored: verdict("ignored"),
      parked: verdict("parked"),
    },
    stock: { onHandMilli: stock[0]?.on_hand ?? 0, reservedMilli: stock[0]?.reserved ?? 0 },
    exceptionsOpen: exceptions[0]?.count ?? 0,
    money: moneyFigures(figures),
  }
}

type Figures = ReadonlyMap<string, ReadonlyMap<string, number>>

/** Counters summed over the hours asked for (whole hours, so up to one more than asked), by name and label. */
export async function readFigures(sql: Sql, sinceHours: number): Promise<Figures> {
  const rows = await storage(
    () => sql<{ name: string; label: string; value: number }[]>`
      select name, label, sum(value)::bigint as value from figures
      where hour >= date_trunc('hour', now() - ${sinceHours} * interval '1 hour') group by 1, 2 order by 1, 2`,
  )
  const figures = new Map<string, Map<string, number>>()
  for (const { name, label, value } of rows) {
    const labels = figures.get(name) ?? new Map<string, number>()
    figures.set(name, labels.set(label, value))
  }
  return figures
}

function effectFigures(figures: Figures): Kpis["effects"] {
  return [...(figures.get("effects") ?? [])].flatMap(([label, count]) => {
    const [connection = "", outcome = ""] = label.split("|")
    if (count <= 0) return []
    const more = (name: string) => figures.get(name)?.get(label) ?? 0
    return [{ connection, outcome, count, attempts: more("attempts"), probes: more("probes") }]
  })
}

function moneyFigures(figures: Figures): Kpis["money"] {
  const shipped = figures.get("money shipped") ?? new Map<string, number>()
  const booked = figures.get("money booked") ?? new Map<string, number>()
  return [...new Set([...shipped.keys(), ...booked.keys()])].map((currency) => ({
    currency,
    shippedMinor: shipped.get(currency) ?? 0,
    bookedMinor: booked.get(currency) ?? 0,
  }))
}
