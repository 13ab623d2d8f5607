import { money, type Money } from "../base/money.ts"
import { assertBalanced, type ChargedTax, type JournalEntry, type JournalLine } from "../canonical/ledger-entry.ts"
import type { Order, Tender } from "../canonical/order.ts"
import type { ShipmentAmounts } from "./apportion.ts"

const chargeAccount = {
  shipping: "shipping revenue",
  tip: "tips payable",
  duty: "duties payable",
  fee: "shipping revenue",
  credit: "revenue",
  rounding: "rounding",
} as const

/**
 * The balanced entry of one shipment: the goods sold (credits) against their payments (debits).
 *
 * Tenders cover the order's value in their order, so that all shipments together use up each exactly. Value that no
 * tender covers is receivable. Selling a gift card creates a liability, and paying with one reduces it, so revenue is
 * booked once (P-22).
 */
export function invoiceEntry(input: {
  order: Order
  amounts: ShipmentAmounts
  number: string
  postedAt: string
  businessDate: string
  /** Value invoiced by earlier shipments. */
  invoicedBeforeMinor: number
}): JournalEntry {
  const { order, amounts } = input
  const currency = order.currency.shop
  const lines = soldLines(
    [
      ...amounts.lines.map(({ isGiftCard, ...part }) => {
        return { ...part, account: isGiftCard ? ("gift card liability" as const) : ("revenue" as const) }
      }),
      ...amounts.charges.map(({ kind, ...part }) => ({ ...part, account: chargeAccount[kind] })),
    ].map((part) => ({ ...part, netMinor: -part.netMinor, taxMinor: -part.taxMinor })),
    currency,
  )
  const add = (account: JournalLine["account"], amountMinor: number) => {
    if (amountMinor !== 0) lines.push({ account, amount: money(amountMinor, currency) })
  }
  add("rounding", -amounts.roundingMinor)
  for (const { kind, amountMinor } of tendersFor(order, input.invoicedBeforeMinor, amounts.totalMinor))
    add(debitAccount(kind), amountMinor)
  const entry: JournalEntry = {
    number: input.number,
    orderId: order.id,
    kind: "invoice",
    postedAt: input.postedAt,
    businessDate: input.businessDate,
    currency,
    // A free order still needs a document.
    lines: lines.length > 0 ? lines : [zeroLine("receivable", currency), zeroLine("revenue", currency)],
  }
  assertBalanced(entry)
  return entry
}

/** What was sold, or taken back, net on one account, with the tax on it. */
export interface SoldPart {
  account: JournalLine["account"]
  netMinor: number
  taxMinor: number
  tax?: ChargedTax
}

/** One line for each account and tax, then one for each tax; those of zero are left out. */
export function soldLines(parts: readonly SoldPart[], currency: string): JournalLine[] {
  const net = parts.map(({ account, netMinor, tax }) => ({ account, amountMinor: netMinor, tax }))
  const taxes = parts.map(({ taxMinor, tax }) => ({ account: "tax payable" as const, amountMinor: taxMinor, tax }))
  const grouped = Map.groupBy([...net, ...taxes], ({ account, tax }) => JSON.stringify([account, tax]))
  return [...grouped.values()].flatMap((own): JournalLine[] => {
    const [first] = own
    const amountMinor = own.reduce((sum, one) => sum + one.amountMinor, 0)
    if (!first || amountMinor === 0) return []
    const { account, tax } = first
    return [{ account, amount: money(amountMinor, currency), ...(tax ? { tax } : {}) }]
  })
}

function zeroLine(account: JournalLine["account"], currency: string): JournalLine {
  return { account, amount: money(0, currency) }
}

/** The account that stands for the money of a way to pay. */
export function debitAccount(kind: Tender["kind"] | "open"): JournalLine["account"] {
  if (kind === "giftCard") return "gift card liability"
  return kind === "open" || kind === "invoice" ? "receivable" : "payment clearing"
}

/** The tenders that pay for the value between two points of the order's total; "open" is the part that no tender covers. */
export function tendersFor(
  order: Order,
  fromMinor: number,
  valueMinor: number,
): { kind: Tender["kind"] | "open"; amountMinor: number }[] {
  const parts: { kind: Tender["kind"] | "open"; amountMinor: number }[] = []
  let position = 0
  const end = fromMinor + valueMinor
  for (const tender of order.tenders) {
    if (tender.state === "failed") continue
    const next = position + tender.amount.shop.amountMinor
    const covered = Math.min(next, end) - Math.max(position, fromMinor)
    // What ships on account is owed, however it will be paid.
    const kind = tender.state === "pending" ? "open" : tender.kind
    if (covered > 0) parts.push({ kind, amountMinor: covered })
    position = next
  }
  const covered = parts.reduce((total, part) => total + part.amountMinor, 0)
  if (covered !== valueMinor) parts.push({ kind: "open", amountMinor: valueMinor - covered })
  return parts
}

/**
 * The amounts still to be captured from authorised tenders so that `dueMinor` of the order is paid; in each tender's
 * own currency.
 */
export function capturesFor(
  order: Order,
  capturedMinor: ReadonlyMap<string, number>,
  dueMinor: number,
): { tender: Tender; amount: Money }[] {
  const captures: { tender: Tender; amount: Money }[] = []
  let left = dueMinor
  let leftOfTotal = order.total.presentment.amountMinor
  const isAllDue = dueMinor >= order.total.shop.amountMinor
  for (const tender of order.tenders) {
    // A tender can be zero in the shop's currency and not in the buyer's. Capture it when the whole order is due.
    const isNothingHere = tender.amount.shop.amountMinor === 0
    const isDue = isNothingHere ? isAllDue : left > 0
    if (tender.state === "failed" || !isDue) continue
    const share = Math.min(left, tender.amount.shop.amountMinor)
    left -= share
    const whole = tender.amount.presentment
    const isWhole = share === tender.amount.shop.amountMinor
    // Captured in the buyer's currency, in which the authorisation was made. A part is converted by the tender's own
    // ratio; the last part is the rest of the order's total, so that conversion loses nothing.
    const converted = isWhole
      ? whole.amountMinor
      : Number((BigInt(share) * BigInt(whole.amountMinor)) / BigInt(Math.max(1, tender.amount.shop.amountMinor)))
    const isRest = !isWhole && isAllDue && whole.currency === order.total.presentment.currency
    const upTo = isRest ? Math.max(0, Math.min(whole.amountMinor, leftOfTotal)) : converted
    leftOfTotal -= upTo
    if (tender.state === "captured") continue
    const amountMinor = upTo - (capturedMinor.get(tender.id) ?? 0)
    if (amountMinor > 0) captures.push({ tender, amount: money(amountMinor, whole.currency) })
  }
  return captures
}
