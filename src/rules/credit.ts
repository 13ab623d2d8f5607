import { cut } from "../base/text.ts"
import { derivedId } from "../base/ids.ts"
import { own } from "../base/lookup.ts"
import { money, splitMoney } from "../base/money.ts"
import type { BusinessDate } from "../base/time.ts"
import type { EventData } from "../canonical/events.ts"
import type { CreditDue } from "../canonical/events/finance.ts"
import { assertBalanced, type ChargedTax, type JournalLine } from "../canonical/ledger-entry.ts"
import { leavesShelf, shelfGoods, type Order, type OrderLine, type Tender } from "../canonical/order.ts"
import { taxMinor } from "../canonical/order-invariants.ts"
import type { LineQuantity, RefundedLine } from "../canonical/parts.ts"
import { chargedTax, mergeLines, shipmentAmounts } from "./apportion.ts"
import { debitAccount, soldLines, type SoldPart } from "./invoice.ts"

/** A refund that a channel made, and what was true of its units then. */
export interface HeardRefund {
  refund: EventData<"order.refunded">
  /** Its units, with how many thousandths of them had left. */
  units: readonly { line: RefundedLine; leftMilli: number }[]
  /** Units of earlier refunds that never leave, in thousandths by line. */
  offBefore: ReadonlyMap<string, number>
  /** What the buyer had paid beyond the worth of the order, because an edit took something off. */
  overpaidMinor: number
}

/** What the account of an order says of its units, in thousandths by line. */
export interface UnitsOut {
  left: Readonly<Record<string, number>>
  /** Of these, the ones that nobody was given back for. */
  withBuyer: Readonly<Record<string, number>>
}

const chargeAccount = { shipping: "shipping revenue", duty: "duties payable", adjustment: "revenue" } as const

/**
 * What the books have to take back for a refund: its worth, less what is never invoiced because it never leaves or because the order
 * lacks its line (an edit that waits, or was left out), less what an edit had taken off the invoices before. So invoices less credits are what the buyer has paid in the end, to the cent.
 *
 * Amounts and taxes are those of the channel; where it states none, the order's own in proportion. A negative result means that the
 * channel gave back less than it took off.
 */
export function creditMinor(order: Order, { refund, units, offBefore, overpaidMinor }: HeardRefund): number {
  const worthMinor = (refund.worth ?? refund.amount).shop.amountMinor
  const off = offAfter(offBefore, units)
  const unknown = units.filter(({ line }) => !lineOf(order, line))
  const neverInvoicedMinor =
    worthWithout(order, offBefore) -
    worthWithout(order, off) +
    unknown.reduce((sum, { line }) => sum + worthOf(order, line, line.quantity.milli), 0)
  const ofGoods = units.reduce((sum, { line }) => sum + worthOf(order, line, line.quantity.milli), 0)
  const ofCharges = (refund.charges ?? []).reduce((sum, { kind, worth }) => {
    return kind === "adjustment" ? sum : sum + worth.shop.amountMinor
  }, 0)
  // Only money that is given back for no goods can be what an edit left over.
  const overpaid = Math.min(overpaidMinor, Math.max(0, worthMinor - ofGoods - ofCharges))
  return worthMinor - neverInvoicedMinor - overpaid
}

/** Whether the channel gave back less than it took off, by more than rounding: it rounds net and tax of a line, and so do we. */
export function givesBackTooLittle(order: Order, heard: HeardRefund): boolean {
  return creditMinor(order, heard) < -2 * heard.units.length
}

/** What was taken beyond the worth of the order as it is now, in minor units of the shop's currency. */
export function overpaidBy({ total }: Order, takenMinor: number): number {
  const { shop, presentment } = total
  const overMinor = Math.max(0, takenMinor - presentment.amountMinor)
  return presentment.amountMinor === 0
    ? 0
    : Number((BigInt(overMinor) * BigInt(shop.amountMinor)) / BigInt(presentment.amountMinor))
}

/** Units that never leave, after this refund. */
export function offAfter(before: ReadonlyMap<string, number>, units: HeardRefund["units"]): Map<string, number> {
  const off = new Map(before)
  for (const { line, leftMilli } of units)
    off.set(line.lineId, (off.get(line.lineId) ?? 0) + line.quantity.milli - leftMilli)
  return off
}

/**
 * The units of a refund that comes after its order has ended. Unless the channel says that they had left, it means those first that
 * never did, less those that refunds before it gave back.
 */
export function unitsAfterEnd(
  order: Order,
  refund: HeardRefund["refund"],
  { before, left, withBuyer }: UnitsOut & { before: readonly HeardRefund["refund"][] },
): Pick<HeardRefund, "units" | "offBefore"> {
  const offBefore = new Map<string, number>()
  const refundedBefore = mergeLines(before.flatMap(({ lines }) => lines))
  for (const { id, quantity } of order.lines) {
    const [leftMilli, withBuyerMilli] = [own(left, id) ?? 0, own(withBuyer, id) ?? 0]
    const offMilli = (refundedBefore.get(id) ?? 0) - (leftMilli - withBuyerMilli)
    offBefore.set(id, Math.max(0, Math.min(offMilli, quantity.milli - leftMilli)))
  }
  let off: ReadonlyMap<string, number> = offBefore
  const units = refund.lines.map((line) => {
    const { lineId, quantity } = line
    const ordered = lineOf(order, line)?.quantity.milli ?? 0
    const neverMilli = Math.max(0, ordered - (own(left, lineId) ?? 0) - (off.get(lineId) ?? 0))
    const saidMilli = Math.min(Math.max(0, quantity.milli - neverMilli), Math.max(0, own(withBuyer, lineId) ?? 0))
    // A channel may not know yet that units have left. So no more of them count as never left than the account says.
    const unit = { line, leftMilli: line.left ? quantity.milli : saidMilli }
    off = offAfter(off, [unit])
    return unit
  })
  return { units, offBefore }
}

/**
 * What has to follow from a refund in books and stock; undefined when the invoices are right as they are, or people have to look. Where
 * the channel rounded down, the invoices are short of what the buyer has paid: that cent is posted the other way round.
 */
export function creditOf(order: Order, heard: HeardRefund, businessDate: BusinessDate): CreditDue | undefined {
  const minor = creditMinor(order, heard)
  if (minor === 0 || givesBackTooLittle(order, heard)) return undefined
  const { refund, units } = heard
  const { refundId, at } = refund
  const currency = order.currency.shop
  const number = `${order.id}-c${derivedId("crd", order.channel, refundId).slice(4, 12)}`
  const entry = {
    number,
    orderId: order.id,
    kind: "credit" as const,
    text: cut(`refund ${refundId} of ${order.number}`, 120),
    postedAt: at,
    businessDate,
    currency,
    lines: [...takenBack(order, heard, minor), ...paidBack(order, heard, minor)],
  }
  assertBalanced(entry)
  return {
    creditId: number,
    orderId: order.id,
    channel: order.channel,
    orderNumber: order.number,
    refundId,
    amount: money(minor, currency),
    entry,
    units: units.flatMap(({ line, leftMilli }) =>
      leftMilli > 0 && lineOf(order, line) ? [unitsOf(order, line, leftMilli)] : [],
    ),
    at,
  }
}

function unitsOf(order: Order, { lineId, quantity, restock }: RefundedLine, milli: number): CreditDue["units"][number] {
  const line = lineOf(order, { lineId })
  return {
    lineId,
    quantity: { ...quantity, milli },
    goods: line && leavesShelf(line) ? shelfGoods(line, milli) : [],
    ...(restock ? { restock } : {}),
  }
}

/** Worth of the order without these units, in minor units of the shop's currency. */
function worthWithout(order: Order, off: ReadonlyMap<string, number>): number {
  const kept = order.lines.flatMap(({ id, quantity }): LineQuantity[] => {
    const milli = quantity.milli - (off.get(id) ?? 0)
    return milli > 0 ? [{ lineId: id, quantity: { milli, unit: quantity.unit } }] : []
  })
  return kept.length > 0 ? shipmentAmounts(order, new Map(), kept).totalMinor : 0
}

/** The debits: goods that had left, charges, and the rest, which is money for nothing in particular. */
function takenBack(order: Order, { refund, units }: HeardRefund, minor: number): JournalLine[] {
  const parts: SoldPart[] = [
    ...units.flatMap(({ line, leftMilli }) => (lineOf(order, line) ? [partOfGoods(order, line, leftMilli)] : [])),
    ...(refund.charges ?? []).map(({ kind, worth, tax }) => {
      const ofTax = tax?.shop.amountMinor ?? 0
      const netMinor = worth.shop.amountMinor - ofTax
      const sold = order.charges.find((charge) => charge.kind === kind)
      return {
        account: chargeAccount[kind],
        netMinor,
        taxMinor: ofTax,
        ...taxedAs(order, ofTax === 0 ? undefined : sold),
      }
    }),
  ]
  const stated = parts.reduce((sum, part) => sum + part.netMinor + part.taxMinor, 0)
  parts.push({ account: "revenue", netMinor: minor - stated, taxMinor: 0 })
  return soldLines(parts, order.currency.shop)
}

/** The tax of what was sold, as its invoice has it. */
function taxedAs(order: Order, sold: Pick<OrderLine, "taxes"> | undefined): { tax?: ChargedTax } {
  const tax = sold && chargedTax(order, sold)
  return tax ? { tax } : {}
}

function partOfGoods(order: Order, line: RefundedLine, milli: number): SoldPart {
  const sold = lineOf(order, line)
  const worthMinor = worthOf(order, line, milli)
  const tax = line.tax ? share(line.tax.shop.amountMinor, milli, line.quantity.milli) : taxOf(sold, milli)
  return {
    account: sold?.isGiftCard ? "gift card liability" : "revenue",
    netMinor: worthMinor - tax,
    taxMinor: tax,
    ...taxedAs(order, tax === 0 ? undefined : sold),
  }
}

function lineOf(order: Order, { lineId }: Pick<RefundedLine, "lineId">): OrderLine | undefined {
  return order.lines.find(({ id }) => id === lineId)
}

/** Worth of so many units of a refunded line, tax included. */
function worthOf(order: Order, { lineId, quantity, worth }: RefundedLine, milli: number): number {
  if (worth) return share(worth.shop.amountMinor, milli, quantity.milli)
  const sold = lineOf(order, { lineId })
  return sold ? share(sold.total.shop.amountMinor, milli, sold.quantity.milli) : 0
}

function taxOf(sold: Order["lines"][number] | undefined, milli: number): number {
  return sold ? share(taxMinor(sold, "shop"), milli, sold.quantity.milli) : 0
}

/** Floor of amount × part ÷ whole, exactly. */
function share(amountMinor: number, part: number, whole: number): number {
  return whole === 0 ? 0 : Number((BigInt(amountMinor) * BigInt(Math.min(part, whole))) / BigInt(whole))
}

/**
 * The credits: what was paid back, by the way it was paid. What the refund is worth beyond the money pays for something else: in an
 * exchange the new goods, whose invoice is owed.
 */
function paidBack(order: Order, { refund }: HeardRefund, minor: number): JournalLine[] {
  const { amount, worth = amount, payments = [{ amount: amount.presentment }] } = refund
  const exchangedMinor = Math.max(0, worth.shop.amountMinor - amount.shop.amountMinor)
  const paidMinor = minor < 0 ? minor : Math.max(0, minor - exchangedMinor)
  const currency = order.currency.shop
  const byAccount = new Map<JournalLine["account"], number>([["receivable", paidMinor - minor]])
  const weights = payments.map((payment) => payment.amount.amountMinor)
  const parts = splitMoney(money(paidMinor, currency), weights)
  payments.forEach((payment, index) => {
    const { tenderId, asCredit } = { tenderId: undefined, asCredit: false, ...payment }
    const account = asCredit ? debitAccount("giftCard") : accountOf(order.tenders, tenderId)
    byAccount.set(account, (byAccount.get(account) ?? 0) - (parts[index]?.amountMinor ?? 0))
  })
  return linesOf(byAccount, currency)
}

/** A refund names the payment it takes back, or a capture of it, which is no tender: then the only tender is meant. */
function accountOf(tenders: readonly Tender[], tenderId: string | undefined): JournalLine["account"] {
  const paying = tenders.filter(({ state }) => state !== "failed")
  const tender = paying.find(({ id }) => id === tenderId) ?? (paying.length === 1 ? paying[0] : undefined)
  if (!tender) return "payment clearing"
  return debitAccount(tender.state === "pending" ? "open" : tender.kind)
}

function linesOf(byAccount: ReadonlyMap<JournalLine["account"], number>, currency: string): JournalLine[] {
  return [...byAccount].flatMap(([account, amountMinor]) =>
    amountMinor === 0 ? [] : [{ account, amount: money(amountMinor, currency) }],
  )
}
