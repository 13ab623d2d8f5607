import { storage, type Sql } from "../../base/sql.ts"

/** What Crossdock holds of a SKU for the orders of a channel. Thousandths. */
export interface HeldForChannel {
  heldMilli: number
  /** What was reserved after `since`, whether it is still held or has left by now. */
  newMilli: number
  /** What was given back after `since`; 0 where it is not asked. */
  givenBackMilli: number
}

/** Reservations of a channel's orders, in the order of the questions. */
export async function heldForChannel(
  sql: Sql,
  channel: string,
  questions: readonly { sku: string; since: string; asksGivenBack: boolean }[],
): Promise<HeldForChannel[]> {
  if (questions.length === 0) return []
  return storage(
    () => sql<HeldForChannel[]>`
      select coalesce(h.held, 0)::bigint as "heldMilli", (coalesce(h.new, 0) + coalesce(s.milli, 0))::bigint as "newMilli",
        coalesce(g.milli, 0)::bigint as "givenBackMilli"
      from unnest(${questions.map(({ sku }) => sku)}::text[], ${questions.map(({ since }) => since)}::timestamptz[],
        ${questions.map(({ asksGivenBack }) => Number(asksGivenBack))}::integer[]) with ordinality as q(sku, since, asks, place)
      left join lateral (
        select sum(l.held_milli) as held, sum(l.held_milli) filter (where l.reserved_at > q.since) as new
        from stock_reservation_lines l join stock_reservations r on r.id = l.reservation_id
        where l.sku = q.sku and l.held_milli > 0 and r.channel = ${channel}) h on true
      left join lateral (
        select -sum(e.delta_milli) as milli
        from stock_ledger e join stock_reservations r on r.key = e.reservation_key
        where e.sku = q.sku and e.occurred_at > q.since and e.kind = 'shipment' and r.channel = ${channel}
          and r.created_at > q.since) s on true
      left join lateral (
        select sum(l.released_milli) as milli
        from stock_reservations r join stock_reservation_lines l on l.reservation_id = r.id
        where q.asks = 1 and r.given_back_at > q.since and r.channel = ${channel} and l.sku = q.sku) g on true
      order by q.place`,
  )
}
