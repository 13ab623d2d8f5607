import type { Money } from "../../base/money.ts"
import { ref, type Ref } from "../../canonical/refs.ts"
import type { Finding } from "./finding.ts"

/** A document for an order in another system's books. */
export interface BookedDocument {
  system: string
  type: string
  number: string
  /** The order it says it is for. */
  order: Ref
  /** Not cancelled, rejected or reversed as a whole. */
  isAlive: boolean
}

/** What should be in the other system for an order. */
export interface WantedDocument {
  order: Ref
  total: Money
  /** One document; none that is alive; or either, because the order is under way or a person has it. */
  wanted: "one" | "none alive" | "either"
}

const refOf = ({ system, type, number }: BookedDocument) => ref("document", system, type, number)

/** Orders whose document is missing. */
export function findMissingDocuments(
  documents: readonly BookedDocument[],
  orders: readonly WantedDocument[],
): Finding[] {
  const booked = new Set(documents.map(({ order }) => order))
  return orders
    .filter(({ order, wanted }) => wanted === "one" && !booked.has(order))
    .map(({ order, total }) => ({
      what: "is not in the books",
      about: order,
      expected: "one document",
      found: "none",
      atRisk: total,
    }))
}

/** Orders with more than one document, and documents of no order. */
export function findSurplusDocuments(
  documents: readonly BookedDocument[],
  orders: readonly WantedDocument[],
): Finding[] {
  const totals = new Map(orders.map(({ order, total }) => [order, total]))
  return [...Map.groupBy(documents, ({ order }) => order)].flatMap(([key, own]): Finding[] => {
    const [first] = own
    if (!first) return []
    const found = own.map(({ number }) => number).join(", ")
    const total = totals.get(first.order)
    if (!total)
      return [{ what: "is for an order nobody knows", about: refOf(first), expected: "none", found: key, atRisk: null }]
    if (own.length === 1) return []
    return [{ what: "is in the books more than once", about: first.order, expected: "one", found, atRisk: total }]
  })
}

/** Documents that are alive although their order was cancelled or refused. */
export function findLiveDocuments(documents: readonly BookedDocument[], orders: readonly WantedDocument[]): Finding[] {
  const over = new Map(orders.flatMap(({ order, wanted, total }) => (wanted === "none alive" ? [[order, total]] : [])))
  return documents
    .filter(({ order, isAlive }) => isAlive && over.has(order))
    .map((document) => ({
      what: "is cancelled, and its document is still alive",
      about: document.order,
      expected: "taken back",
      found: document.number,
      atRisk: over.get(document.order) ?? null,
    }))
}
