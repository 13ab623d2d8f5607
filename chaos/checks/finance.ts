import { money, moneyFromDecimal, type Money } from "../../src/base/money.ts"
import { findMisbooked, findPostedTwice, findUnbalanced, type BookedEntry } from "../../src/rules/tie-out/booked.ts"
import { findMiscredited, type Credit, type GivenBack } from "../../src/rules/tie-out/credits.ts"
import { findPaymentDifferences, type Hold, type OrderPayments } from "../../src/rules/tie-out/payments.ts"
import type { JournalLine, ShopOrder } from "../books/books.ts"
import {
  groupBy,
  isCalledOff,
  minorOf,
  shownMinor,
  sum,
  violationsOf,
  type Findings,
  type KnownOrder,
  type View,
} from "./view.ts"

/** Money: every entry balances, what is booked is what was charged, and what was cancelled left nothing behind. */
export function checkFinance(view: View): Findings {
  const parts = [checkEntries(view), checkBooked(view), checkCredits(view), checkPayments(view)]
  return { rows: parts.flatMap(({ rows }) => rows), violations: parts.flatMap(({ violations }) => violations) }
}

function checkEntries({ books }: View): Findings {
  const documents = groupBy(books.erpJournals, ({ AccountingDocument }) => AccountingDocument)
  const entries = [...documents].map(([number, lines]): BookedEntry => ({
    system: "erp",
    number,
    entry: lines[0]?.DocumentReferenceID ?? "",
    lines: lines.map((line) => moneyFromDecimal(line.AmountInTransactionCurrency, line.TransactionCurrency)),
  }))
  const violations = [...violationsOf("I-5", findUnbalanced(entries)), ...violationsOf("I-3", findPostedTwice(entries))]
  return {
    violations,
    rows: [
      {
        what: "journal entries: posted once, balanced",
        ours: String(new Set(entries.map(({ entry }) => entry)).size),
        theirs: String(entries.length),
        differences: violations.length,
      },
    ],
  }
}

/** The lines of an order's entries. Lines of tax have no reference of their own; they stand in a document of others that have. */
function entriesByOrder({ books }: View): (one: KnownOrder) => readonly JournalLine[] {
  const orderOf = new Map(
    books.erpJournals.flatMap((line) =>
      line.AssignmentReference === "" ? [] : [[line.AccountingDocument, line.AssignmentReference] as const],
    ),
  )
  const byOrder = groupBy(books.erpJournals, ({ AccountingDocument }) => orderOf.get(AccountingDocument) ?? "")
  // The field takes 18 characters.
  return (one) => byOrder.get(one.order.id.slice(0, 18)) ?? []
}

/** Compares the shop's refunds with the credits in the books: at most one for each refund, and over no more than it gave back. */
function checkCredits(view: View): Findings {
  const entriesOf = entriesByOrder(view)
  const credits = view.known.flatMap((one) =>
    [...groupBy(entriesOf(one), ({ AccountingDocument }) => AccountingDocument)].flatMap(
      ([number, lines]): Credit[] => {
        const refund = /^refund (\d+)/.exec(lines[0]?.AccountingDocumentHeaderText ?? "")?.[1]
        const amount = money(Math.abs(valueOf(lines)), one.shop.currency)
        return refund === undefined ? [] : [{ order: one.ref, refund, amount, number }]
      },
    ),
  )
  const refunds = view.known.flatMap((one) => one.shop.refunds.map((refund) => givenBackBy(one, refund)))
  const violations = violationsOf("I-5", findMiscredited(credits, refunds))
  return {
    violations,
    rows: [
      {
        what: "credits: one a refund of the shop after goods had left, over no more than it gave back",
        ours: `${credits.length} credits`,
        theirs: `${refunds.length} refunds, those before shipping included`,
        differences: violations.length,
      },
    ],
  }
}

/** In the shop's currency; where the buyer paid in another one, or was given other goods instead of money, at most the order. */
function givenBackBy({ ref: order, shop }: KnownOrder, refund: ShopOrder["refunds"][number]): GivenBack {
  const { shop_money, presentment_money } = shop.total_price_set
  const paid = shop.transactions.filter(({ id, status }) => refund.transaction_ids.includes(id) && status === "success")
  const isOneCurrency = shop_money.currency_code === presentment_money.currency_code
  const amount =
    isOneCurrency && refund.transaction_ids.length > 0
      ? money(sum(paid.map((one) => moneyFromDecimal(one.amount, shop.currency).amountMinor)), shop.currency)
      : moneyFromDecimal(shop_money.amount, shop.currency)
  return { order, refund: String(refund.id), amount }
}

function checkBooked(view: View): Findings {
  const entriesOf = entriesByOrder(view)
  const orders = view.known.flatMap((one) => {
    const charged = due(one)
    if (!charged) return []
    const { currency } = charged
    return [{ order: one.ref, charged, booked: money(valueOf(entriesOf(one)), currency) }]
  })
  const violations = violationsOf("I-5", findMisbooked(orders))
  const currency = orders[0]?.charged.currency ?? ""
  const total = (amounts: readonly Money[]) => shownMinor(sum(amounts.map(({ amountMinor }) => amountMinor)), currency)
  return {
    violations,
    rows: [
      {
        what: "booked = charged for what shipped; cancelled net zero",
        ours: total(orders.map(({ booked }) => booked)),
        theirs: total(orders.map(({ charged }) => charged)),
        differences: violations.length,
      },
    ],
  }
}

/** The amount that the general ledger must hold for an order; undefined when an exception says that it differs. */
function due(one: KnownOrder): Money | undefined {
  const { order, shop, shipments, exceptions } = one
  if (order.state === "closed" && shop.cancelled_at === null && !isLeftToPeople(exceptions))
    return moneyFromDecimal(shop.current_total_price_set.shop_money.amount, shop.currency)
  return isCalledOff(one) && shipments.length === 0 ? money(0, shop.currency) : undefined
}

// Causes with which a closed order may rightly differ from the shop: an edit that was kept out or came too late, goods that could
// not be found or were stopped by a late fraud review, a step that a person left as it is.
const leaveCauses =
  /changed after (release|it was closed)|no stock for the edit|too late to stop|shipped after|was refused|goods are nowhere|capture payment|invoices differ from the order|review opened after|refunded by the shop/

function isLeftToPeople(exceptions: KnownOrder["exceptions"]): boolean {
  return exceptions.some(
    ({ cause, decision }) =>
      (leaveCauses.test(cause) && decision?.action !== "apply") ||
      // A refund that nobody could read yet waits with a person, and its credit with it.
      (cause === "VENDOR_VALUE_UNKNOWN" && decision === undefined),
  )
}

// How it is paid stands on the other side; rounding of cash stands beside the total.
const notSold = new Set(["payment clearing", "receivable", "rounding"])

/** The amount sold according to the entries, with tax and charges. Reversals are deducted. */
function valueOf(lines: readonly JournalLine[]): number {
  const values = [...groupBy(lines, ({ AccountingDocument }) => AccountingDocument).values()].map((entry) => {
    const sold = entry.filter((line) => !notSold.has(line.DocumentItemText) && !isGiftCardSpent(line, entry))
    return 0 - sum(sold.map(amountOf))
  })
  return sum(values)
}

/** A gift card paid with is a debit of the liability that selling it made. */
function isGiftCardSpent(line: JournalLine, entry: readonly JournalLine[]): boolean {
  return line.DocumentItemText === "gift card liability" && amountOf(line) > 0 !== takesBack(entry)
}

/** Whether an entry takes a sale back. A refund by a cent more than it was worth sells that cent. */
function takesBack(entry: readonly JournalLine[]): boolean {
  const goods = sum(entry.filter(({ DocumentItemText: text }) => /revenue|discount/.test(text)).map(amountOf))
  return goods === 0 ? /-r\d+$|^refund /.test(entry[0]?.AccountingDocumentHeaderText ?? "") : goods > 0
}

function amountOf(line: JournalLine): number {
  return minorOf(line.AmountInTransactionCurrency) ?? Number.NaN
}

function checkPayments({ books, known }: View): Findings {
  const intents = new Map(books.payments.map((intent) => [intent.id, intent]))
  const orders = known.map((one): OrderPayments => ({
    order: one.ref,
    isCalledOff: isCalledOff(one) && one.shipments.length === 0 && !isKeptByShop(one),
    holds: authorisations(one.shop).flatMap(({ id, currency, chargedMinor }): Hold[] => {
      const intent = intents.get(id)
      return intent
        ? [
            holdOf(withoutByHand(intent, one.shop), {
              currency,
              ...(isPaidInFull(one) ? { dueMinor: chargedMinor } : {}),
            }),
          ]
        : []
    }),
    kept: keptOf(one.shop),
  }))
  const holds = orders.flatMap((order) => order.holds)
  const calledOff = String(orders.filter((order) => order.isCalledOff).length)
  const violations = violationsOf("I-5", findPaymentDifferences(orders))
  return {
    violations,
    rows: [
      {
        what: "authorisations: taken once when shipped, let go when cancelled",
        ours: `${holds.filter(({ takenMinor }) => takenMinor > 0).length} taken`,
        theirs: `${holds.length} held`,
        differences: violations.length,
      },
      {
        what: "cancelled or refused: everything given back",
        ours: calledOff,
        theirs: calledOff,
        differences: 0,
      },
    ],
  }
}

function isPaidInFull({ order, shop, exceptions }: KnownOrder): boolean {
  const isEdited = shop.total_price_set.shop_money.amount !== shop.current_total_price_set.shop_money.amount
  // A person let it go as a claim on the buyer: nothing is held that could be taken.
  const isOnAccount = exceptions.some(
    ({ cause, decision }) =>
      decision?.action === "ship on account" || (cause === "nothing more can be captured" && decision !== undefined),
  )
  return (
    order.state === "closed" && shop.cancelled_at === null && !isEdited && !isOnAccount && !isLeftToPeople(exceptions)
  )
}

function holdOf(
  { id, amount, amount_received, captures, status }: Intent,
  more: Pick<Hold, "currency" | "dueMinor">,
): Hold {
  const isOpen = status === "requires_capture"
  return { id, heldMinor: amount, takenMinor: amount_received, timesTaken: captures, isOpen, ...more }
}

/** A shop cancels nothing that it has fulfilled a part of; a person has that. */
function isKeptByShop({ exceptions }: KnownOrder): boolean {
  return exceptions.some(({ cause }) => cause === "tell the shop it is cancelled")
}

type Intent = View["books"]["payments"][number]

/** Captures that the shop's staff made are theirs, and so is what the shop gave back of them. */
function withoutByHand(intent: Intent, shop: ShopOrder): Intent {
  const byHand = shop.transactions.filter(({ kind, payment_id }) => kind === "capture" && payment_id === intent.id)
  const ids = new Set<number | null>(byHand.map(({ id }) => id))
  const back = shop.transactions.filter(
    (one) => one.kind === "refund" && one.status === "success" && ids.has(one.parent_id),
  )
  const currency = shop.total_price_set.presentment_money.currency_code
  const backMinor = sum(back.map(({ amount }) => moneyFromDecimal(amount, currency).amountMinor))
  return { ...intent, captures: intent.captures - byHand.length, amount_received: intent.amount_received - backMinor }
}

/** Holds with what the shop charged on each. */
function authorisations(shop: ShopOrder): { id: string; currency: string; chargedMinor: number }[] {
  const currency = shop.total_price_set.presentment_money.currency_code
  return shop.transactions
    .filter(({ kind }) => kind === "authorization")
    .map(({ payment_id, amount }) => {
      const { amountMinor } = moneyFromDecimal(amount, currency)
      return { id: payment_id, currency, chargedMinor: amountMinor }
    })
}

/** The money that transactions moved to the shop, in the buyer's currency. An authorisation moves none. */
function keptOf(shop: ShopOrder): Money[] {
  const currency = shop.total_price_set.presentment_money.currency_code
  const moved = shop.transactions.map(({ kind, status, amount }) => {
    const { amountMinor } = moneyFromDecimal(amount, currency)
    if (status !== "success") return 0
    if (kind === "sale" || kind === "capture") return amountMinor
    return kind === "refund" ? 0 - amountMinor : 0
  })
  return [money(sum(moved), currency)]
}
