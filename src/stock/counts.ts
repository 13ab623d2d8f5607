import { AppError } from "../base/errors.ts"
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
