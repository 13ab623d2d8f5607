import { ref, type Ref } from "../../src/canonical/refs.ts"
import { findingText, type Finding } from "../../src/rules/tie-out/finding.ts"
import {
  finalStates,
  type Books,
  type ExceptionView,
  type OrderView,
  type Shipment,
  type ShopOrder,
} from "../books/books.ts"

/** A violation of an invariant. */
export interface Violation {
  invariant: InvariantId
  what: string
}

export type InvariantId = "I-1" | "I-2" | "I-3" | "I-4" | "I-5" | "I-6" | "I-7" | "I-8" | "I-9" | "I-10"

/** One line of the tie-out: the figures of two sides. */
export interface TieOutRow {
  what: string
  ours: string
  theirs: string
  /** Number of single differences. */
  differences: number
}

/** Turns findings of the tie-out rules into violations of an invariant. */
export function violationsOf(invariant: InvariantId, findings: readonly Finding[]): Violation[] {
  return findings.map((finding) => ({ invariant, what: findingText(finding) }))
}

/** What one group of checks found. */
export interface Findings {
  rows: TieOutRow[]
  violations: Violation[]
}

/** One order as every system knows it. */
export interface KnownOrder {
  ref: Ref
  order: OrderView
  shop: ShopOrder
  shipments: readonly Shipment[]
  exceptions: readonly ExceptionView[]
  isFinal: boolean
  /** Not finished, but a person has an exception about it. */
  isWithPerson: boolean
}

/** The books with their indexes. */
export interface View {
  books: Books
  known: readonly KnownOrder[]
}

/** Joins the books by order. The checks of orders report entries without a partner. */
export function viewOf(books: Books): View {
  const shopById = new Map(books.shop.map((order) => [String(order.id), order]))
  const shipments = groupBy(books.shipments, ({ orderId }) => orderId)
  // An order that a person has on the desk because of its delivery is not held up by it.
  const ofOrders = books.exceptions.filter(({ about }) => !about.startsWith("delivery/"))
  const exceptions = groupBy(ofOrders, ({ orderId }) => orderId ?? "")
  const known = books.orders.flatMap((order): KnownOrder[] => {
    const shop = shopById.get(order.externalId)
    if (!shop) return []
    const own = exceptions.get(order.id) ?? []
    const isFinal = finalStates.has(order.state)
    return [
      {
        ref: ref("order", order.id),
        order,
        shop,
        shipments: shipments.get(order.id) ?? [],
        exceptions: own,
        isFinal,
        isWithPerson: !isFinal && own.some(({ state }) => state === "open"),
      },
    ]
  })
  return { books, known }
}

/** Cancelled or refused, whatever left before. */
export function isCalledOff({ order }: KnownOrder): boolean {
  return order.state === "cancelled" || order.state === "refused"
}

export function groupBy<Item>(items: Iterable<Item>, keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}

/** Keys that occur more than once. */
export function repeated(keys: Iterable<string>): string[] {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return [...counts].flatMap(([key, count]) => (count > 1 ? [key] : []))
}

/** A vendor's decimal as minor units; undefined when it is no amount of that scale. */
export function minorOf(text: string, scale = 2): number | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)
  if (!match) return undefined
  const [, sign = "", whole = "0", fraction = ""] = match
  if (fraction.length > scale && /[1-9]/.test(fraction.slice(scale))) return undefined
  const minor = Number(whole + fraction.slice(0, scale).padEnd(scale, "0"))
  return sign === "-" ? 0 - minor : minor
}

/** Minor units as people read them. */
export function shownMinor(minor: number, currency: string): string {
  const digits = String(Math.abs(minor)).padStart(3, "0")
  return `${minor < 0 ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)} ${currency}`
}

/** "quantity" text of the ERP in thousandths. */
export function milliOf(text: string): number {
  return minorOf(text, 3) ?? Number.NaN
}

export function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const number of numbers) total += number
  return total
}
