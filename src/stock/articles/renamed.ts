import { derivedId } from "../../base/ids.ts"
import { storage, type Sql } from "../../base/sql.ts"
import { newEvent, type EventData, type NewEvent } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import type { Subscriber } from "../../eventlog/subscriber.ts"
import type { AvailabilityReader } from "../availability.ts"
import type { StockLedger } from "../stock-ledger.ts"
import type { Articles } from "./articles.ts"

/** Has the stock follow articles that get another SKU: the new one is an alias of the one that the stock keeps (PUBLISHING 21). */
export function renamedArticles({
  sql,
  append,
}: {
  sql: Sql
  append: (event: NewEvent) => Promise<unknown>
}): Subscriber {
  return {
    name: "renamed articles",
    types: ["product.renamed"],
    async handle(events) {
      for (const { data } of events) {
        const { from, to, at, productId } = data as EventData<"product.renamed">
        const [noted] = await storage(
          () => sql<{ kept: string | null }[]>`select note_alias(${from}, ${to}, ${at}::timestamptz) as kept`,
        )
        if (noted?.kept === null) await append(twoStocks({ from, to, at, productId }))
      }
      return []
    },
  }
}

function twoStocks({
  from,
  to,
  at,
  productId,
}: Pick<EventData<"product.renamed">, "from" | "to" | "at" | "productId">): NewEvent {
  const exceptionId = derivedId("alias", productId, from, to)
  return newEvent({
    type: "exception.opened",
    fact: `exception:${exceptionId}`,
    source: "crossdock:stock",
    time: at,
    data: {
      exceptionId,
      about: ref("sku", to),
      cause: "article has two stocks",
      summary: `${from} is ${to} now, and goods were booked under both names.`,
      doneSoFar: ["neither stock was changed"],
      ifNobodyActs: "each name keeps its own stock",
      allowedActions: ["acknowledge"],
      owner: "inventory",
      sku: to,
      because: { kind: "data", operation: "rename article", value: to.slice(0, 200) },
      at,
    },
  })
}

/** Answers for articles that nobody knows under the name asked, and that the stock keeps under another. */
export function findingRenamed(
  availability: AvailabilityReader,
  articles: Pick<Articles, "byAlias">,
): AvailabilityReader {
  return {
    freeByLocation: (skus) => availability.freeByLocation(skus),
    async query(questions) {
      const answers = await availability.query(questions)
      // Only what is unknown costs a second look.
      const unknown = answers.filter(({ isKnown }) => !isKnown).map(({ sku }) => sku)
      if (unknown.length === 0) return answers
      const kept = await articles.byAlias(unknown)
      if (kept.size === 0) return answers
      const again = await availability.query(questions.map((one) => ({ ...one, sku: kept.get(one.sku) ?? one.sku })))
      return again.map((answer, n) => ({ ...answer, sku: questions[n]?.sku ?? answer.sku }))
    },
  }
}

/** Books movements under the SKU that the stock keeps, whatever today's is. */
export function bookingRenamed(
  ledger: Pick<StockLedger, "applyMovements">,
  articles: Pick<Articles, "byAlias">,
): Pick<StockLedger, "applyMovements"> {
  return {
    async applyMovements(movements) {
      const kept = await articles.byAlias(movements.map(({ sku }) => sku))
      return ledger.applyMovements(
        kept.size === 0 ? movements : movements.map((one) => ({ ...one, sku: kept.get(one.sku) ?? one.sku })),
      )
    },
  }
}
