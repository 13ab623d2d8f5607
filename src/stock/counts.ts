import { AppError } from "../base/errors.ts"
import { storage, type Sql } from "../base/sql.ts"
import type { EventData } from "../canonical/events.ts"
import type { StoredEvent } from "../eventlog/event-log.ts"
import type { Failure, Subscriber } from "../eventlog/subscriber.ts"
import type { Articles } from "./articles/articles.ts"
import type { StockLedger, StockMovement } from "./stock-ledger.ts"

/**
 * Books counts that other systems reported, under the SKUs that their articles stand for. The movement has the fact of the event, so a redelivered event changes
 * nothing. An older count that arrives late is recorded without effect.
 */
export function stockCountSubscriber(stock: StockLedger, articles: Pick<Articles, "ours">): Subscriber {
  return {
    name: "stock counts",
    types: ["stock.counted"],
    async handle(events) {
      try {
        return await book({ stock, articles }, events)
      } catch (thrown) {
        // The ledger books a whole batch or nothing. After a refusal, book the counts one by one, so that one refused
        // count does not delay the others.
        if (thrown instanceof AppError && thrown.kind === "unavailable") throw thrown
        return bookSingly({ stock, articles }, events)
      }
    },
  }
}

interface Books {
  stock: StockLedger
  articles: Pick<Articles, "ours">
}

async function book({ stock, articles }: Books, events: readonly StoredEvent[]): Promise<Failure[]> {
  // A mapping counts for counts that are booked after it was set.
  const named = events.map(({ source: system, data }) => ({ system, article: (data as Counted).sku }))
  const skus = await articles.ours(named)
  const results = await stock.applyMovements(events.map((event, place) => countOf(event, skus[place])))
  return results.flatMap((result, index) => {
    const event = events[index]
    if (!event || !("conflict" in result)) return []
    const message = `${event.fact} was already booked with different content`
    return [{ event, error: new AppError(result.conflict, message) }]
  })
}

async function bookSingly(books: Books, events: readonly StoredEvent[]): Promise<Failure[]> {
  const failed = new Map<string, Failure>()
  for (const event of events) {
    if (failed.has(event.key)) continue
    const failures = await book(books, [event]).catch((error: unknown) => [{ event, error }])
    for (const failure of failures) failed.set(event.key, failure)
  }
  return [...failed.values()]
}

// The subscription has only this event type.
type Counted = EventData<"stock.counted">

function countOf(event: StoredEvent, ourSku: string | undefined): StockMovement {
  const { sku: theirs, locationId, countedMilli, countedAt, includesReservations } = event.data as Counted
  const sku = ourSku ?? theirs
  return { fact: event.fact, kind: "count", sku, locationId, countedMilli, countedAt, includesReservations }
}

/** Counts of stock at a place, and how far they were from what was expected. */
export interface StockCountFigures {
  place: string
  counts: number
  exact: number
  countedMilli: number
  differingMilli: number
}

/**
 * How counts of a time differed from what was expected. The first count of a position, of which nothing was expected, is left out, and so
 * is one that came late and changed nothing.
 */
export async function readStockCounts(
  sql: Sql,
  { since, until }: { since: string; until: string },
): Promise<StockCountFigures[]> {
  return storage(
    () => sql<StockCountFigures[]>`
      with counted as (
        select sku, location_id, delta_milli, stated_milli, occurred_at,
          max(occurred_at) over (partition by sku, location_id order by id rows between unbounded preceding and 1 preceding) as before
        from stock_ledger
        where kind = 'count' and recorded_at >= ${since}::timestamptz and recorded_at < ${until}::timestamptz
      )
      select location_id as place, count(*) as counts, count(*) filter (where delta_milli = 0) as exact,
        sum(abs(stated_milli))::bigint as "countedMilli", sum(abs(delta_milli))::bigint as "differingMilli"
      from counted c
      where case when c.before is null then exists (
          select from stock_ledger k where k.sku = c.sku and k.location_id = c.location_id and k.occurred_at < c.occurred_at)
        else c.occurred_at >= c.before end
      group by 1`,
  )
}
