import { storage, type Sql } from "../../base/sql.ts"
import { instant } from "../../base/time.ts"
import type { EpisodeRow } from "./episodes.ts"

/** What came of the time in a mode. */
export interface ExitReport {
  /** From the moment the system went away to the end of the mode, and of that the time in which what had waited was done. */
  lastedMs: number
  drainedMs: number
  /** The most that waited at once. */
  mostWaiting: number
  orders: {
    /** Placed meanwhile, with their money: currencies are never added. */
    accepted: number
    money: { amountMinor: number; currency: string }[]
    /** Of these: at their end, going on, and with a person. */
    ended: number
    goingOn: number
    withAPerson: number
    /** Neither: nothing of them goes on and nobody is asked. Must be 0 (I-6). */
    unaccounted: number
  }
  exceptions: { opened: number; open: number }
}

interface OrdersRow {
  currency: string
  amount: number
  accepted: number
  ended: number
  going_on: number
  with_a_person: number
  unaccounted: number
}

/** Reads what came of the orders and exceptions of the time from the beginning of an absence to a moment. */
export async function exitReport(sql: Sql, row: EpisodeRow, endMs: number): Promise<ExitReport> {
  const end = instant(endMs)
  const [orders, exceptions] = await storage(() =>
    Promise.all([
      sql<OrdersRow[]>`
        with taken as materialized (
          select o.ref, o.currency, o.value_minor, o.ended_as is not null as is_ended,
            exists (select from workflow_instances i where i.about = o.ref and i.state in ('expected', 'running', 'undoing')) as goes_on,
            exists (select from exceptions x where x.order_id = o.id and x.state = 'open') as is_asked
          from objects o where o.kind = 'order' and o.opened_at >= ${row.away_since} and o.opened_at < ${end})
        select coalesce(currency, '') as currency, coalesce(sum(value_minor), 0)::float8 as amount, count(*) as accepted,
          count(*) filter (where is_ended) as ended, count(*) filter (where not is_ended and goes_on and not is_asked) as going_on,
          count(*) filter (where not is_ended and is_asked) as with_a_person,
          count(*) filter (where not is_ended and not goes_on and not is_asked) as unaccounted
        from taken group by 1 order by 2 desc`,
      sql<{ opened: number; open: number }[]>`
        select count(*) as opened, count(*) filter (where state = 'open') as open from exceptions
        where opened_at >= ${row.away_since} and opened_at < ${end}`,
    ]),
  )
  const sum = (of: (row: OrdersRow) => number) => orders.reduce((all, each) => all + of(each), 0)
  return {
    lastedMs: endMs - row.away_since.getTime(),
    drainedMs: row.back_at ? endMs - row.back_at.getTime() : 0,
    mostWaiting: row.most_waiting,
    orders: {
      accepted: sum(({ accepted }) => accepted),
      money: orders.flatMap(({ currency, amount }) => (currency === "" ? [] : [{ amountMinor: amount, currency }])),
      ended: sum(({ ended }) => ended),
      goingOn: sum(({ going_on: goingOn }) => goingOn),
      withAPerson: sum(({ with_a_person: asked }) => asked),
      unaccounted: sum(({ unaccounted }) => unaccounted),
    },
    exceptions: exceptions[0] ?? { opened: 0, open: 0 },
  }
}
