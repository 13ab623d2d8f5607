import { money, moneyText, type Money } from "../../base/money.ts"
import type { BlindPolicy, TillReturnPolicy } from "../../canonical/returns/till-policy.ts"
import type { Receipt } from "../../canonical/sales/receipt.ts"
import type { ReceiptLine } from "../../canonical/sales/receipt-line.ts"
import { lineMinor } from "../../canonical/sales/receipt-law.ts"

/** The lowest price of one unit at a store, in minor units: with tax, or without it. */
export interface LowestUnit {
  inclusive?: number
  exclusive?: number
}

/** What is not within the policy, and how much money that is: no more than was given. */
export interface Breach {
  why: string
  overMinor: number
}

/** Lines of a sale that take goods back, and name neither a receipt nor an order nor a return. */
export function blindLines({ kind, lines = [] }: Pick<Receipt, "kind" | "lines">): ReceiptLine[] {
  if (kind !== "sale") return []
  return goodsBack(lines).filter(({ returned = {} }) => {
    const { original, orderId, returnId } = returned
    return original === undefined && orderId === undefined && returnId === undefined
  })
}

/** What a receipt gives for goods without their receipt. */
export function blindGivenMinor(receipt: Pick<Receipt, "kind" | "lines">): number {
  return sum(blindLines(receipt))
}

/** What a receipt gives for goods by itself: what an order hands over, and what a return pays, is not among it. */
export function givenForGoodsMinor({ kind, lines = [] }: Pick<Receipt, "kind" | "lines">): number {
  if (kind !== "sale") return 0
  return sum(goodsBack(lines).filter(({ returned }) => returned?.returnId === undefined))
}

function goodsBack(lines: readonly ReceiptLine[]): ReceiptLine[] {
  return lines.filter(
    ({ as = "goods", quantityMilli, orderId }) => as === "goods" && quantityMilli < 0 && orderId === undefined,
  )
}

const sum = (lines: readonly ReceiptLine[]) => lines.reduce((minor, line) => minor + lineMinor(line), 0)

/**
 * What of goods without a receipt is not within the policy, by the receipt alone. `lowest` has the lowest price by line; a line that is left
 * out is of an article whose price nobody knows; of `another unit`, prices are known and none of the line's unit. Empty when nothing is.
 */
export function blindBreaches(
  receipt: Receipt,
  policy: NonNullable<TillReturnPolicy["blind"]>,
  lowest: ReadonlyMap<string, LowestUnit | "another unit">,
): Breach[] {
  const lines = blindLines(receipt)
  if (lines.length === 0) return []
  const givenMinor = blindGivenMinor(receipt)
  if (policy === "never") return [{ why: "nothing is taken back without its receipt", overMinor: givenMinor }]
  const prices = policy.lowestPrice ? lines.flatMap((line) => priceBreach(line, receipt, lowest)) : []
  return [
    ...limitBreach(receipt, policy, givenMinor),
    ...tenderBreach(receipt, policy, givenMinor),
    ...prices,
    ...(policy.perCustomer && receipt.customerId === undefined
      ? [{ why: "the receipt names no customer", overMinor: givenMinor }]
      : []),
  ]
}

function limitBreach(receipt: Receipt, policy: BlindPolicy, givenMinor: number): Breach[] {
  const { currency } = receipt
  const alone = amountIn(policy.aloneUpTo, currency) ?? 0
  const approved = Math.max(alone, amountIn(policy.approvedUpTo ?? [], currency) ?? 0)
  if (givenMinor <= alone) return []
  const not = approved > alone ? notApproved(receipt, policy) : undefined
  const limit = not === undefined ? approved : alone
  if (givenMinor <= limit) return []
  const why = `${moneyText(money(givenMinor, currency))} is above the limit of ${moneyText(money(limit, currency))}`
  return [{ why: not === undefined ? why : `${why}: ${not}`, overMinor: givenMinor - limit }]
}

/** Why nobody has approved a receipt; undefined when somebody did who may. */
function notApproved({ override, cashier }: Receipt, { approvers }: BlindPolicy): string | undefined {
  if (!override) return "nobody approved it"
  if (override.approver === cashier) return `${override.approver} is the cashier and cannot approve it`
  if (approvers && !approvers.includes(override.approver)) return `${override.approver} may not approve it`
  return undefined
}

function tenderBreach({ tenders = [], currency }: Receipt, policy: BlindPolicy, givenMinor: number): Breach[] {
  const wrong = tenders.filter(({ kind, amountMinor }) => amountMinor < 0 && !policy.tenders.includes(kind))
  if (wrong.length === 0) return []
  const paidMinor = wrong.reduce((minor, { amountMinor }) => minor - amountMinor, 0)
  const overMinor = Math.min(paidMinor, givenMinor)
  const kinds = [...new Set(wrong.map(({ kind }) => kind))].join(" and ")
  return [
    {
      why: `${moneyText(money(overMinor, currency))} went back as ${kinds} and not as ${policy.tenders.join(" or ")}`,
      overMinor,
    },
  ]
}

function priceBreach(
  line: ReceiptLine,
  { currency }: Receipt,
  lowest: ReadonlyMap<string, LowestUnit | "another unit">,
): Breach[] {
  const { lineId, sku, unit: soldBy, quantityMilli, discounts = [], taxes = [] } = line
  const what = sku ?? line.text ?? `line ${lineId}`
  const found = lowest.get(lineId)
  const [grossMinor, untaxedMinor] = [lineMinor(line), withoutTax(line)]
  if (found === "another unit")
    return [{ why: `the prices of ${what} are not known to be of its unit ${soldBy}`, overMinor: grossMinor }]
  if (found?.inclusive === undefined && found?.exclusive === undefined)
    return [{ why: `nobody knows a price of ${what}`, overMinor: grossMinor }]
  // The till rounds each of its amounts by itself.
  const roundings = 1 + discounts.length + taxes.length
  const over = (given: number, unitMinor: number | undefined) =>
    unitMinor === undefined ? 0 : given - Math.round((unitMinor * -quantityMilli) / 1000)
  const overMinor = Math.max(over(grossMinor, found.inclusive), over(untaxedMinor, found.exclusive))
  if (overMinor <= roundings) return []
  const unit = moneyText(money(found.inclusive ?? found.exclusive ?? 0, currency))
  return [{ why: `${what} was ${unit} at its lowest`, overMinor }]
}

const withoutTax = (line: ReceiptLine) =>
  Math.max(0, lineMinor(line) - Math.abs((line.taxes ?? []).reduce((minor, tax) => minor + tax.amountMinor, 0)))

/** A receipt among others that count with it: of one customer, or of one till on one day. The first one that came is the first. */
export interface Given {
  givenMinor: number
  /** When its till ended it. */
  atMs: number
}

const dayMs = 86_400_000

/** What is too much of the last of some receipts of one customer without the goods' receipts. */
export function customerBreach(all: readonly Given[], policy: BlindPolicy): Breach[] {
  const [last, { perCustomer }] = [all.at(-1), policy]
  if (!last || !perCustomer) return []
  const near = all.slice(0, -1).filter(({ atMs }) => Math.abs(atMs - last.atMs) < perCustomer.days * dayMs)
  if (near.length < perCustomer.receipts) return []
  const why = `the customer brought goods without a receipt ${near.length} times before within ${perCustomer.days} days, and may ${perCustomer.receipts} times`
  return [{ why, overMinor: last.givenMinor }]
}

/** What is too much of the last of some receipts that one till made on one day while it was offline. */
export function offlineBreaches(
  all: readonly Pick<Given, "givenMinor">[],
  { offline }: TillReturnPolicy,
  currency: string,
): Breach[] {
  const last = all.at(-1)
  if (!last || !offline) return []
  const breaches: Breach[] = []
  const add = (overMinor: number, what: string, limit: number) => {
    if (overMinor > 0)
      breaches.push({ why: `${what} above the limit of ${moneyText(money(limit, currency))}`, overMinor })
  }
  const one = amountIn(offline.receiptUpTo ?? [], currency)
  if (one !== undefined)
    add(last.givenMinor - one, `one receipt gave ${moneyText(money(last.givenMinor, currency))}`, one)
  const day = amountIn(offline.tillDayUpTo ?? [], currency)
  const total = all.reduce((minor, { givenMinor }) => minor + givenMinor, 0)
  if (day !== undefined)
    add(Math.min(total - day, last.givenMinor), `the till gave ${moneyText(money(total, currency))} that day`, day)
  return breaches
}

/** The money that is beyond the policy: breaches are of the same money, so the largest of them. */
export function overMinorOf(breaches: readonly Breach[]): number {
  return Math.max(0, ...breaches.map(({ overMinor }) => overMinor))
}

function amountIn(amounts: readonly Money[], currency: string): number | undefined {
  return amounts.find((one) => one.currency === currency)?.amountMinor
}
