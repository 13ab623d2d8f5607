import { kinds } from "../stream/kinds.ts"
import { repeated, sum, type Findings, type View, type Violation } from "./view.ts"

/** Each acknowledged delivery is stored and translated, and each of its facts is in the log once. */
export function checkIntake(view: View): Findings {
  const { books } = view
  const violations: Violation[] = []
  // One report of a payment makes two events under the same fact: one about the payment, one about its order. So compare both names.
  const facts = books.events.map(({ fact, key }) => `${fact} of ${key}`)
  for (const fact of repeated(facts))
    violations.push({ invariant: "I-2", what: `the fact ${fact} is in the log twice` })
  const placed = books.events.filter(({ type }) => type === "order.placed")
  for (const key of repeated(placed.map((event) => event.key)))
    violations.push({ invariant: "I-2", what: `order ${key} was placed twice` })
  for (const [connection, { delivered }] of Object.entries(books.webhooks)) {
    const kept = sum(books.inboxRows.flatMap((row) => (row.connection === connection ? [row.count] : [])))
    if (kept < delivered)
      violations.push({
        invariant: "I-1",
        what: `${connection} was told 2xx ${delivered} times, ${kept} deliveries are kept`,
      })
  }
  const rows = (state: string) => sum(books.inboxRows.flatMap((row) => (row.state === state ? [row.count] : [])))
  const unread = unreadDeliveries(view, rows("parked"))
  if (unread > 0) violations.push({ invariant: "I-6", what: `${unread} deliveries could not be understood` })
  const sentTwice = sum(Object.values(books.webhooks).map(({ duplicated }) => duplicated))
  return {
    violations,
    rows: [
      {
        what: "webhooks acknowledged = deliveries kept",
        ours: String(sum(books.inboxRows.map(({ count }) => count))),
        theirs: `≥ ${sum(Object.values(books.webhooks).map(({ delivered }) => delivered))}`,
        differences: violations.filter(({ invariant }) => invariant === "I-1").length,
      },
      {
        what: "events: one per fact",
        ours: String(books.events.length),
        theirs: String(new Set(facts).size),
        differences: violations.filter(({ invariant }) => invariant === "I-2").length,
      },
      {
        what: "duplicate deliveries stopped (doubled on purpose; the rest told the same fact again)",
        ours: String(rows("duplicate")),
        theirs: `${sentTwice} doubled`,
        differences: 0,
      },
      {
        what: "deliveries nobody could understand",
        ours: String(unread),
        theirs: "0",
        differences: unread,
      },
    ],
  }
}

const unreadCauses = ["TRANSLATION_FAILED", "VENDOR_VALUE_UNKNOWN", "refund is on its way", "refund did not arrive"]

/**
 * Deliveries of which a part waits for a person, or nobody was told. A later one may have brought what was missing in an earlier one,
 * and orders of some kinds have a part that nobody can read.
 */
function unreadDeliveries({ books, known }: View, parked: number): number {
  const told = books.exceptions.filter(({ cause }) => unreadCauses.includes(cause))
  if (told.length === 0) return parked
  const kindOf = new Map(known.map(({ order, shop }) => [order.id, books.run.kinds[shop.id]]))
  const asks = new Map(kinds.map(({ kind, right }) => [kind, right.asks]))
  const isExpected = ({ orderId, cause }: (typeof told)[number]) =>
    asks.get(kindOf.get(orderId ?? "") ?? "")?.includes(cause) ?? false
  return told.filter((one) => one.state === "open" && !isExpected(one)).length
}
