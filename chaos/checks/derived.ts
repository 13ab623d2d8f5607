import { ref } from "../../src/canonical/refs.ts"
import { finalStates, type EventView } from "../books/books.ts"
import { groupBy, minorOf, sum, type Findings, type KnownOrder, type View, type Violation } from "./view.ts"

/** States are announced in their order, and what people see is what the log says. */
export function checkDerived(view: View): Findings {
  const parts = [checkOrderOfStates(view), checkViews(view)]
  return { rows: parts.flatMap(({ rows }) => rows), violations: parts.flatMap(({ violations }) => violations) }
}

// A later state of an order never comes before an earlier one; what may come in between is left out.
const usualOrder = ["accepted", "reserved", "routed", "in the books", "released", "shipped", "closed"]

function checkOrderOfStates({ books }: View): Findings {
  const violations: Violation[] = []
  const changes = groupBy(
    books.events.filter(({ type }) => type === "order.state-changed"),
    ({ key }) => key,
  )
  for (const [key, events] of changes) {
    const states = events.map(stateOf)
    const ranks = states.map((state) => usualOrder.indexOf(state)).filter((rank) => rank >= 0)
    if (ranks.some((rank, n) => n > 0 && rank < (ranks[n - 1] ?? 0)))
      violations.push({ invariant: "I-7", what: `states of ${key} out of order: ${states.join(", ")}` })
    const end = states.findIndex((state) => finalStates.has(state))
    if (end >= 0 && end < states.length - 1)
      violations.push({ invariant: "I-7", what: `${key} went on after its end: ${states.join(", ")}` })
  }
  return {
    violations,
    rows: [
      {
        what: "states of each order in order",
        ours: String(changes.size),
        theirs: String(books.orders.length),
        differences: violations.length,
      },
    ],
  }
}

/** Rebuilds the order book and the exception desk from the log and compares; and the shop's own fields with the shop. */
function checkViews({ books, known }: View): Findings {
  const violations: Violation[] = []
  const states = new Map<string, string>()
  const opened = new Set<string>()
  const decided = new Set<string>()
  const inMotion = new Set<string>()
  for (const event of books.events) {
    if (String(event.data["at"] ?? "") >= books.run.readAt)
      inMotion.add(event.key).add(String(event.data["exceptionId"]))
    if (event.type === "order.state-changed") states.set(event.key, stateOf(event))
    if (event.type === "exception.opened") opened.add(String(event.data["exceptionId"]))
    if (event.type === "exception.decided") decided.add(String(event.data["exceptionId"]))
  }
  for (const { id, number, state } of books.orders)
    if (states.get(ref("order", id)) !== state && !inMotion.has(ref("order", id)))
      violations.push({
        invariant: "I-10",
        what: `${number} shows "${state}", the log says "${states.get(ref("order", id)) ?? "nothing"}"`,
      })
  for (const { id, state } of books.exceptions)
    if (!inMotion.has(id) && (!opened.has(id) || (state === "decided") !== decided.has(id)))
      violations.push({ invariant: "I-10", what: `exception ${id} shows "${state}", the log says otherwise` })
  for (const id of opened)
    if (!inMotion.has(id) && !books.exceptions.some((exception) => exception.id === id))
      violations.push({ invariant: "I-10", what: `exception ${id} was opened and is not on the desk` })
  for (const one of known) violations.push(...foreignTotal(one))
  return {
    violations,
    rows: [
      {
        what: "order book and desk rebuilt from the log; totals as the shop owns them",
        ours: String(books.orders.length + books.exceptions.length),
        theirs: String(states.size + opened.size),
        differences: violations.length,
      },
    ],
  }
}

// Cash is rounded to five cents beside the shop's total (CashRoundingAdjustment of Shopify's schema).
const cashRoundingMinor = 2

/** An order shows the total its shop gives it, before or after edits, and no other. */
function foreignTotal({ order, shop }: KnownOrder): Violation[] {
  const totals = [shop.total_price_set, shop.current_total_price_set].map(({ shop_money }) =>
    minorOf(shop_money.amount),
  )
  const slack = shop.transactions.some(({ gateway }) => gateway === "cash") ? cashRoundingMinor : 0
  const { amountMinor } = order.total
  // The shop's books do not keep what an order was worth between an edit and a cancellation.
  const refunded = sum(shop.refunds.map(({ quantity }) => quantity))
  const isEdited = refunded < sum(shop.line_items.map(({ quantity, current_quantity }) => quantity - current_quantity))
  if (shop.cancelled_at !== null && isEdited) return []
  if (totals.some((total) => total !== undefined && Math.abs(total - amountMinor) <= slack)) return []
  return [
    { invariant: "I-9", what: `${order.number} shows a total of ${amountMinor}, the shop says ${totals.join(" or ")}` },
  ]
}

function stateOf(event: EventView): string {
  return String(event.data["state"])
}
