import { own } from "../../base/lookup.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"
import type { KeepingSubscriber } from "../../eventlog/subscriber.ts"
import type { Articles } from "../articles/articles.ts"
import type { StockEquation } from "../incoming/equation.ts"
import { articlesOf, foldPurchases, isOfPurchase, purchasingTypes, type Told } from "./fold.ts"

interface Books {
  articles: Pick<Articles, "ours">
  /** What each connection has the last word on, as the estate declares it. */
  equations: Readonly<Record<string, StockEquation>>
}

/**
 * Keeps what is on order: by SKU, place and day, what suppliers have yet to bring. Orders, notices and receipts may come in any order and
 * again. A receipt is a movement of stock besides, and is booked as one whether or not anybody knows its order.
 */
export function onOrderSubscriber(books: Books): KeepingSubscriber {
  return {
    name: "goods on order",
    types: purchasingTypes,
    // An order may have two thousand lines.
    batchSizeMax: 100,
    gathersMs: 200,
    async keep(transaction, events) {
      const told = await toldBy(events.filter(isOfPurchase), books)
      if (told.length === 0) return
      await transaction`select on_order_keep(${JSON.stringify(foldPurchases(told))}::text::json)`
    },
  }
}

/** Events with the SKUs that their articles stand for. */
async function toldBy(events: readonly StoredEvent[], { articles, equations }: Books): Promise<Told[]> {
  const named = events.map((event) => articlesOf(event).map((article) => ({ system: event.source, article })))
  const all = named.flat()
  const skus = all.length === 0 ? [] : await articles.ours(all)
  let next = 0
  return events.map((event, n) => {
    const count = named[n]?.length ?? 0
    const ours = skus.slice(next, next + count)
    next += count
    return { event, skus: ours, isBooked: own(equations, event.source)?.tells?.includes("receipt") !== false }
  })
}
