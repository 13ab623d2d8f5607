import { AppError } from "../base/errors.ts"
import type { EventData } from "../canonical/events.ts"
import type { StoredEvent } from "../eventlog/event-log.ts"
import type { Failure, Subscriber } from "../eventlog/subscriber.ts"
import type { StockLedger, StockMovement } from "./stock-ledger.ts"

/**
 * Books counts that other systems reported. The movement has the fact of the event, so a redelivered event changes
 * nothing. An older count that arrives late is recorded without effect.
 */
export function stockCountSubscriber(stock: StockLedger): Subscriber {
  return {
    name: "stock counts",
    types: ["stock.counted"],
    async handle(events) {
      try {
        return await book(stock, events)
      } catch (thrown) {
        // The ledger books a whole batch or nothing. After a refusal, book the counts one by one, so that one refused
        // count does not delay the others.
        if (thrown instanceof AppError && thrown.kind === "unavailable") throw thrown
        return bookSingly(stock, events)
      }
    },
  }
}

async function book(stock: StockLedger, events: readonly StoredEvent[]): Promise<Failure[]> {
  const results = await stock.applyMovements(events.map(countOf))
  return results.flatMap((result, index) => {
    const event = events[index]
    if (!event || !("conflict" in result)) return []
    const message = `${event.fact} was already booked with different content`
    return [{ event, error: new AppError(result.conflict, message) }]
  })
}

async function bookSingly(stock: StockLedger, events: readonly StoredEvent[]): Promise<Failure[]> {
  const failed = new Map<string, Failure>()
  for (const event of events) {
    if (failed.has(event.key)) continue
    const failures = await book(stock, [event]).catch((error: unknown) => [{ event, error }])
    for (const failure of failures) failed.set(event.key, failure)
  }
  return [...failed.values()]
}

function countOf(event: StoredEvent): StockMovement {
  // The subscription has only this event type.
  const { sku, locationId, countedMilli, countedAt, includesReservations } = event.data as EventData<"stock.counted">
  return { fact: event.fact, kind: "count", sku, locationId, countedMilli, countedAt, includesReservations }
}
