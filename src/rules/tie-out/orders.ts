import type { Money } from "../../base/money.ts"
import { ref, type Ref } from "../../canonical/refs.ts"
import type { Finding } from "./finding.ts"

/** An order as its channel has it. */
export interface SoldOrder {
  channel: string
  externalId: string
  total: Money
}

/** An order as the order book has it. */
export interface KnownOrder extends SoldOrder {
  order: Ref
  state: string
  isAtEnd: boolean
  /** An open exception names it: a person has it on the desk. */
  isWithPerson: boolean
}

const keyOf = ({ channel, externalId }: SoldOrder) => JSON.stringify([channel, externalId])

/** Orders that were sold and are not known. */
export function findLostOrders(sold: readonly SoldOrder[], known: readonly KnownOrder[]): Finding[] {
  const there = new Set(known.map(keyOf))
  return sold
    .filter((order) => !there.has(keyOf(order)))
    .map(({ channel, externalId, total }) => ({
      what: "was sold and is not known",
      about: ref("document", channel, "order", externalId),
      expected: "one order",
      found: "none",
      atRisk: total,
    }))
}

/** Orders that are known twice, or were never sold. */
export function findSurplusOrders(sold: readonly SoldOrder[], known: readonly KnownOrder[]): Finding[] {
  const there = new Set(sold.map(keyOf))
  return [...Map.groupBy(known, keyOf)].flatMap(([key, orders]): Finding[] => {
    const [first] = orders
    if (!first) return []
    const { order, total, channel, externalId } = first
    const atRisk = total
    if (!there.has(key))
      return [{ what: "is known and was never sold", about: order, expected: "none", found: "one order", atRisk }]
    const about = ref("document", channel, "order", externalId)
    const found = orders.map((one) => one.order).join(", ")
    return orders.length > 1 ? [{ what: "is known twice", about, expected: "one order", found, atRisk }] : []
  })
}

/** Orders that are neither at an end nor with a person, though nothing is under way any more. */
export function findStuckOrders(known: readonly KnownOrder[]): Finding[] {
  return known
    .filter(({ isAtEnd, isWithPerson }) => !isAtEnd && !isWithPerson)
    .map(({ order, state, total }) => ({
      what: "is neither at an end nor with a person",
      about: order,
      expected: "an end, or an open exception",
      found: state,
      atRisk: total,
    }))
}
