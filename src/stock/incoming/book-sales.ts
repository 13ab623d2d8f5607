import type { EventData } from "../../canonical/events.ts"
import { placeInState, type StockState } from "../../canonical/stock/states.ts"
import type { ReceiptLine } from "../../canonical/sales/receipt-line.ts"
import { movesStock } from "../../canonical/sales/snapshot.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"
import type { Subscriber } from "../../eventlog/subscriber.ts"
import type { Part } from "../parts/read-parts.ts"
import type { Articles } from "../articles/articles.ts"
import type { StockLedger, StockMovement } from "../stock-ledger.ts"

type Sold = EventData<"sale.recorded">

const stateOf: Readonly<Record<string, StockState>> = {
  inspect: "in-inspection",
  damaged: "damaged",
  blocked: "blocked",
}

/**
 * Books what tills sell and take back at the store's place. A line is booked once under its receipt, so an event that comes again changes
 * nothing. Goods handed over for an order of ours are booked with its shipment.
 */
export function salesSubscriber(books: {
  ledger: Pick<StockLedger, "applyMovements">
  articles: Pick<Articles, "ours">
  /** What kits and sales units are made of: a till that sells one takes its parts off the shelf. */
  partsOf: (skus: readonly string[]) => Promise<ReadonlyMap<string, readonly Part[]>>
}): Subscriber {
  return {
    name: "stock of sales",
    types: ["sale.recorded"],
    batchSizeMax: 500,
    // Several receipts share a statement; channels see it within the second all the same.
    gathersMs: 100,
    async handle(events) {
      const moved = events.flatMap((event) => linesOf(event).map((line) => ({ event, line })))
      const skus = await books.articles.ours(
        moved.map(({ event, line }) => ({ system: event.source, article: line.sku ?? "" })),
      )
      const parts = await books.partsOf(skus)
      await books.ledger.applyMovements(
        moved.flatMap(({ event, line }, n) => {
          const sku = skus[n] ?? line.sku ?? ""
          const movement = movementOf(event, { line, sku })
          return takenApart(movement, parts.get(sku))
        }),
      )
      return []
    },
  }
}

/** Numbered and not named after its parts: a line that comes again after the kit changed is the same line. */
function takenApart<Moved extends StockMovement & { milli: number }>(
  movement: Moved,
  parts: readonly Part[] | undefined,
): Moved[] {
  if (!parts) return [movement]
  return parts.map(({ sku, milli }, n) => ({
    ...movement,
    fact: n === 0 ? movement.fact : `${movement.fact}:${n + 1}`,
    sku,
    milli: Math.ceil((milli * movement.milli) / 1000),
  }))
}

function linesOf(event: StoredEvent): ReceiptLine[] {
  const { lines = [] } = (event.data as Sold).receipt
  return lines.filter(movesStock)
}

function movementOf(event: StoredEvent, { line, sku }: { line: ReceiptLine; sku: string }) {
  const { storeId, endedAt } = (event.data as Sold).receipt
  const { lineId, quantityMilli, returned } = line
  const isBack = quantityMilli < 0
  return {
    fact: `${event.fact}:${lineId}`,
    kind: isBack ? ("return" as const) : ("sale" as const),
    sku,
    locationId: isBack ? placeInState(storeId, stateOf[returned?.disposition ?? ""]) : storeId,
    milli: Math.abs(quantityMilli),
    occurredAt: endedAt,
  }
}
