import { storage, type Sql } from "../base/sql.ts"

/** How trading stands, over the last hours. Counts and sums come from indexed ranges, so asking often is cheap. */
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
  deliveries: { received: number; duplicates: number; ignored: number; parked: number; waiting: number }
  stock: { onHandMilli: number; reservedMilli: number }
  exceptionsOpen: number
  /** Value of what shipped, and how much of it the general ledger has, by currency. Equal when all is posted. */
  money: { currency: string; shippedMinor: number; bookedMinor: number }[]
}

/** Reads the figures of the live view. */
export async function readKpis(sql: Sql, sinceHours = 24): Promise<Kpis> {
  const since = `${sinceHours} hours`
  const [states, rates, waiting, effects, deliveries, stock, exceptions, sums] = await storage(() =>
    Promise.all([
      sql<{ state: string; count: number; polled: number }[]>`
        select state, count(*) as count, count(*) filter (where found_via = 'poll') as polled from orders
        where placed_at > now() - ${since}::interval group by state order by 2 desc`,
      sql<{ placed: number; closed: number }[]>`
        select count(*) filter (where placed_at > now() - interval '1 minute') as placed,
          count(*) filter (where finished_at > now() - interval '1 minute') as closed
        from orders where placed_at > now() - interval '1 hour'`,
      sql<{ kind: string; name: string; count: number }[]>`
        select w ->> 'kind' as kind, w ->> 'name' as name, count(*) as count
        from workflow_instances, jsonb_array_elements(waiting) as w
        where finished_at is null group by 1, 2 order by 3 desc limit 12`,
      sql<Kpis["effects"]>`
        select connection, coalesce(outcome, 'under way') as outcome, count(*) as count, sum(attempts)::bigint as attempts, sum(probes)::bigint as probes
        from workflow_steps where kind in ('effect', 'undo') and intent_at > now() - ${since}::interval
        group by 1, 2 order by 1, 2`,
      sql<{ state: string; count: number }[]>`
        select state, count(*) as count from inbox where received_at > now() - ${since}::interval group by 1`,
      sql<{ on_hand: number; reserved: number }[]>`
        select coalesce(sum(on_hand_milli), 0)::bigint as on_hand, coalesce(sum(reserved_milli), 0)::bigint as reserved from stock_skus`,
      sql<{ count: number }[]>`select count(*) as count from exceptions where state = 'open'`,
      sql<{ currency: string; shipped: number; booked: number }[]>`
        select v.currency, sum(v.total_minor)::bigint as shipped,
          coalesce(sum(v.total_minor) filter (where s.outcome = 'done'), 0)::bigint as booked
        from shipment_values v
        left join workflow_steps s on s.workflow = 'fulfil order' and s.key = v.order_id and s.step = 'post invoice#' || v.shipment
        where v.at > now() - ${since}::interval group by 1 order by 1`,
    ]),
  )
  const count = (state: string) => deliveries.find((row) => row.state === state)?.count ?? 0
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
    effects,
    deliveries: {
      received: deliveries.reduce((sum, row) => sum + row.count, 0),
      duplicates: count("duplicate"),
      ignored: count("ignored"),
      parked: count("parked"),
      waiting: count("received"),
    },
    stock: { onHandMilli: stock[0]?.on_hand ?? 0, reservedMilli: stock[0]?.reserved ?? 0 },
    exceptionsOpen: exceptions[0]?.count ?? 0,
    money: sums.map((row) => ({ currency: row.currency, shippedMinor: row.shipped, bookedMinor: row.booked })),
  }
}
