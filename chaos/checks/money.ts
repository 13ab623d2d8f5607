import type { JournalLine, ShopOrder } from "./books.ts"
import {
  groupBy,
  minorOf,
  repeated,
  shownMinor,
  sum,
  type Findings,
  type KnownOrder,
  type View,
  type Violation,
} from "./view.ts"

/** Money: every entry balances, what is booked is what was charged, and what was cancelled left nothing behind. */
export function checkMoney(view: View): Findings {
  const entries = checkEntries(view)
  const booked = checkBooked(view)
  const payments = checkPayments(view)
  return {
    rows: [...entries.rows, ...booked.rows, ...payments.rows],
    violations: [...entries.violations, ...booked.violations, ...payments.violations],
  }
}

function checkEntries({ books }: View): Findings {
  const violations: Violation[] = []
  const documents = groupBy(books.erpJournals, ({ AccountingDocument }) => AccountingDocument)
  for (const [document, lines] of documents) {
    for (const [currency, own] of groupBy(lines, (line) => line.TransactionCurrency)) {
      const balance = sum(own.map(amountOf))
      if (balance !== 0)
        violations.push({ invariant: "I-5", what: `entry ${document} is off by ${shownMinor(balance, currency)}` })
    }
  }
  const texts = [...documents.values()].flatMap(([first]) => first?.AccountingDocumentHeaderText ?? [])
  for (const text of repeated(texts)) violations.push({ invariant: "I-3", what: `entry ${text} is posted twice` })
  return {
    violations,
    rows: [
      {
        what: "journal entries: posted once, balanced",
        ours: String(new Set(texts).size),
        theirs: String(documents.size),
        differences: violations.length,
      },
    ],
  }
}

function checkBooked({ books, known }: View): Findings {
  const violations: Violation[] = []
  const byOrder = groupBy(books.erpJournals, (line) => line.AccountingDocumentHeaderText.replace(/-[a-z]\d+$/, ""))
  let bookedMinor = 0
  let chargedMinor = 0
  let currency = ""
  for (const one of known) {
    const lines = byOrder.get(one.order.id) ?? []
    const booked = valueOf(lines)
    const charged = dueMinor(one)
    if (charged === undefined) continue
    currency = one.shop.currency
    bookedMinor += booked
    chargedMinor += charged
    if (booked !== charged)
      violations.push({
        invariant: "I-5",
        what: `order ${one.order.number} (${one.order.state}): charged ${shownMinor(charged, currency)}, booked ${shownMinor(booked, currency)}`,
      })
  }
  return {
    violations,
    rows: [
      {
        what: "booked = charged for what shipped; cancelled net zero",
        ours: shownMinor(bookedMinor, currency),
        theirs: shownMinor(chargedMinor, currency),
        differences: violations.length,
      },
    ],
  }
}

/** What must be in the general ledger for an order; undefined where a person was told that it differs. */
function dueMinor({ order, shop, shipments, exceptions }: KnownOrder): number | undefined {
  if (order.state === "closed" && shop.cancelled_at === null && !isLeftToPeople(exceptions))
    return minorOf(shop.current_total_price_set.shop_money.amount)
  const hasShipped = shipments.length > 0
  const isOver = order.state === "cancelled" || order.state === "refused"
  return isOver && !hasShipped ? 0 : undefined
}

// Causes with which a closed order may rightly differ from the shop: an edit that was kept out or came too late, goods that could
// not be found or were stopped by a late fraud review, a step that a person left as it is.
const leaveCauses =
  /changed after release|no stock for the edit|too late to stop|shipped after|was refused|goods are nowhere|review opened after/

function isLeftToPeople(exceptions: KnownOrder["exceptions"]): boolean {
  return exceptions.some(({ cause, decision }) => leaveCauses.test(cause) && decision?.action !== "apply")
}

// How it is paid stands on the other side; rounding of cash stands beside the total.
const notSold = new Set(["payment clearing", "receivable", "rounding"])

/** What entries say was sold, with its tax and charges; reversals take away. */
function valueOf(lines: readonly JournalLine[]): number {
  const sold = lines.filter((line) => !notSold.has(line.DocumentItemText) && !isGiftCardSpent(line))
  return 0 - sum(sold.map(amountOf))
}

/** A gift card paid with is a debit of the liability that selling it made. */
function isGiftCardSpent(line: JournalLine): boolean {
  const isReversal = /-r\d+$/.test(line.AccountingDocumentHeaderText)
  return line.DocumentItemText === "gift card liability" && amountOf(line) > 0 !== isReversal
}

function amountOf(line: JournalLine): number {
  return minorOf(line.AmountInTransactionCurrency) ?? Number.NaN
}

function checkPayments({ books, known }: View): Findings {
  const violations: Violation[] = []
  const intents = new Map(books.payments.map((intent) => [intent.id, intent]))
  let held = 0
  let taken = 0
  let returned = 0
  for (const one of known) {
    const { order, shop, shipments } = one
    const isOver = (order.state === "cancelled" || order.state === "refused") && shipments.length === 0
    for (const { id, chargedMinor } of authorisations(shop)) {
      const intent = intents.get(id)
      if (!intent) continue
      held += 1
      taken += intent.amount_received > 0 ? 1 : 0
      const wrong = captureProblem(intent, { isOver, ...(isPaidInFull(one) ? { chargedMinor } : {}) })
      if (wrong)
        violations.push({ invariant: "I-5", what: `payment ${id} of ${order.number} (${order.state}) ${wrong}` })
    }
    if (!isOver) continue
    returned += 1
    const open = sum(shop.transactions.map(moved))
    if (open !== 0)
      violations.push({
        invariant: "I-5",
        what: `order ${order.number} is ${order.state}, and the shop still keeps money for it (${open} minor units)`,
      })
  }
  return {
    violations,
    rows: [
      {
        what: "authorisations: taken once when shipped, let go when cancelled",
        ours: `${taken} taken`,
        theirs: `${held} held`,
        differences: violations.length,
      },
      {
        what: "cancelled or refused: everything given back",
        ours: String(returned),
        theirs: String(returned),
        differences: 0,
      },
    ],
  }
}

function isPaidInFull({ order, shop, exceptions }: KnownOrder): boolean {
  const isEdited = shop.total_price_set.shop_money.amount !== shop.current_total_price_set.shop_money.amount
  return order.state === "closed" && shop.cancelled_at === null && !isEdited && !isLeftToPeople(exceptions)
}

function captureProblem(
  intent: { status: string; amount: number; amount_received: number; captures: number },
  expected: { isOver: boolean; chargedMinor?: number },
): string | undefined {
  if (intent.captures > 1) return `was taken ${intent.captures} times`
  if (intent.amount_received > intent.amount) return `took ${intent.amount_received} of ${intent.amount}`
  if (expected.isOver && intent.amount_received !== 0) return "was taken although nothing shipped"
  if (expected.isOver && intent.status !== "canceled") return `is still held (${intent.status})`
  if (expected.chargedMinor !== undefined && intent.amount_received !== expected.chargedMinor)
    return `took ${intent.amount_received}, charged were ${expected.chargedMinor}`
  return undefined
}

/** Holds with what the shop charged on each; the amount's own digits are the minor units, whatever the currency. */
function authorisations(shop: ShopOrder): { id: string; chargedMinor: number }[] {
  return shop.transactions.flatMap(({ kind, payment_id, amount }) =>
    kind === "authorization" ? [{ id: payment_id, chargedMinor: Number(amount.replace(".", "")) }] : [],
  )
}

/** What a transaction moved towards the shop, in minor units of the buyer's currency; holds move nothing. */
function moved({ kind, status, amount }: ShopOrder["transactions"][number]): number {
  if (status !== "success") return 0
  const minor = Math.round(Number(amount) * 1000)
  if (kind === "sale" || kind === "capture") return minor
  return kind === "refund" ? 0 - minor : 0
}
