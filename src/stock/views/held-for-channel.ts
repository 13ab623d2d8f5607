import { storage, type Sql } from "../../base/sql.ts"

/** What Crossdock holds of a SKU for the orders of a channel. Thousandths. */
export interface HeldForChannel {
  heldMilli: number
  /** What was reserved after `since`, whether it is still held or has left by now. */
  newMilli: number
  /** What was given back after `since`; 0 where it is not asked. */
  givenBackMilli: number
  /** What left places other than `place` for its orders lately; 0 where it is not asked. */
  leftElsewhereMilli: number
}

/** Reservations of a channel's orders, in the order of the questions. */
export async function heldForChannel(
  sql: Sql,
  channel: string,
  questions: readonly { sku: string; place: string; since: string; asksGivenBack: boolean }[],
): Promise<HeldForChannel[]> {
  if (questions.length === 0) return []
  return storage(
    () => sql<HeldForChannel[]>`
      select coalesce(h.held, 0)::bigint as "heldMilli", (coalesce(h.new, 0) + coalesce(s.milli, 0))::bigint as "newMilli",
        coalesce(g.milli, 0)::bigint as "givenBackMilli", coalesce(x.milli, 0)::bigint as "leftElsewhereMilli"
      from unnest(${questions.map(({ sku }) => sku)}::text[], ${questions.map(({ place }) => place)}::text[],
        ${questions.map(({ since }) => since)}::timestamptz[],
        ${questions.map(({ asksGivenBack }) => Number(asksGivenBack))}::integer[]) with ordinality as q(sku, place, since, asks, n)
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
      left join lateral (
        -- The channel is told of a parcel after it has left, and later still where the channel was away.
        select -sum(e.delta_milli) as milli
        from stock_ledger e join stock_reservations r on r.key = e.reservation_key
        where q.asks = 1 and e.sku = q.sku and e.location_id <> q.place and e.occurred_at > q.since - interval '1 hour'
          and e.kind = 'shipment' and r.channel = ${channel}) x on true
      order by q.n`,
  )
}
