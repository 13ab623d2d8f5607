import { isEffective } from "../../canonical/sales/receipt-law.ts"
import type { ReceiptLine, SaleTax } from "../../canonical/sales/receipt-line.ts"
import type { Tender } from "../../canonical/sales/receipt-tender.ts"
import type { Receipt } from "../../canonical/sales/receipt.ts"
import type { StoreLine, StoreLineKey } from "../../canonical/sales/store-entry.ts"

/**
 * The accounts that one receipt moves, debit positive. For a receipt whose law holds they sum to zero, so any sum of receipts balances
 * as well. Charged tax is taken as it is.
 */
export function postReceipt(receipt: Receipt): StoreLine[] {
  if (!isEffective(receipt)) return []
  const { lines = [], charges = [], tenders = [], roundingMinor = 0 } = receipt
  return summed([
    ...lines.flatMap(postLine),
    ...charges.flatMap(({ kind, amountMinor, taxes = [] }) => [
      { ...chargeKey(kind, taxes), amountMinor: includedIn(taxes) - amountMinor },
      ...postTaxes(taxes),
    ]),
    { account: "rounding", amountMinor: -roundingMinor },
    ...tenders.map(postTender),
    ...postMoney(receipt),
  ])
}

/** Lines of one account and detail added up, without those that come to nothing. */
export function summed(lines: readonly StoreLine[]): StoreLine[] {
  const sums = new Map<string, StoreLine>()
  for (const line of lines) {
    const key = lineKey(line)
    const sum = sums.get(key)
    if (sum) sum.amountMinor += line.amountMinor
    else sums.set(key, { ...line })
  }
  return [...sums.values()].filter(({ amountMinor }) => amountMinor !== 0)
}

/** What tells two lines apart, as text. */
export function lineKey({ account, taxCode, tender, merchantAccount }: StoreLineKey): string {
  return JSON.stringify([account, taxCode ?? "", tender ?? "", merchantAccount ?? ""])
}

/** Reads what `lineKey` made. */
export function keyOfLine(text: string): StoreLineKey {
  const [account, taxCode, tender, merchantAccount] = JSON.parse(text) as [StoreLineKey["account"], ...string[]]
  return {
    account,
    ...(taxCode ? { taxCode } : {}),
    ...(tender ? { tender } : {}),
    ...(merchantAccount ? { merchantAccount } : {}),
  }
}

/** What people count a tender as: cash of another currency is a drawer of its own. */
function tenderName({ kind, name, foreign }: Pick<Tender, "kind" | "name" | "foreign">): string {
  return [name ?? kind, ...(foreign ? [foreign.amount.currency] : [])].join(" ")
}

const owed = { "gift card": "gift card liability", deposit: "deposits", "account payment": "receivable" } as const

function postLine({ as = "goods", amountMinor, taxes = [], discounts = [] }: ReceiptLine): StoreLine[] {
  const discountMinor = discounts.reduce((sum, one) => sum + one.amountMinor, 0)
  if (as !== "goods" && as !== "service")
    return [{ account: owed[as], amountMinor: discountMinor + includedIn(taxes) - amountMinor }, ...postTaxes(taxes)]
  const taxCode = codeOf(taxes)
  const code = taxCode === undefined ? {} : { taxCode }
  const netMinor = amountMinor - discountMinor - includedIn(taxes)
  const discountNetMinor = withoutTax(discountMinor, { netMinor, grossMinor: amountMinor - discountMinor })
  return [
    { account: "revenue", ...code, amountMinor: -netMinor - discountNetMinor },
    { account: "discounts", ...code, amountMinor: discountNetMinor },
    ...postTaxes(taxes),
  ]
}

/** The part of a discount that is not tax, in the proportion of what is left of the line. All of it where nothing is left. */
function withoutTax(discountMinor: number, { netMinor, grossMinor }: { netMinor: number; grossMinor: number }): number {
  if (grossMinor === 0 || netMinor === grossMinor) return discountMinor
  const [whole, part, rate] = [BigInt(grossMinor), BigInt(netMinor), BigInt(discountMinor)]
  const doubled = (2n * rate * part) / whole
  // Half a unit goes away from zero; the revenue line takes the other side of it.
  return Number((doubled + (doubled < 0n ? -1n : 1n)) / 2n)
}

function postTaxes(taxes: readonly SaleTax[]): StoreLine[] {
  return taxes.map(({ code, amountMinor }) => ({ account: "tax payable", taxCode: code, amountMinor: -amountMinor }))
}

function includedIn(taxes: readonly SaleTax[]): number {
  return taxes.reduce((sum, { amountMinor, isIncluded }) => sum + (isIncluded ? amountMinor : 0), 0)
}

/** Several taxes on one amount are a code together, whatever their order. */
function codeOf(taxes: readonly SaleTax[]): string | undefined {
  const codes = [...new Set(taxes.map(({ code }) => code))].sort()
  return codes.length === 0 ? undefined : codes.join("+").slice(0, 64)
}

function chargeKey(kind: "tip" | "fee" | "shipping" | "donation", taxes: readonly SaleTax[]): StoreLineKey {
  if (kind === "tip") return { account: "tips payable" }
  if (kind === "donation") return { account: "donations payable" }
  const taxCode = codeOf(taxes)
  return { account: "charges", ...(taxCode === undefined ? {} : { taxCode }) }
}

const accountOfTender = {
  cash: "drawer",
  card: "card clearing",
  "gift card": "gift card liability",
  "store credit": "store credit liability",
  voucher: "voucher clearing",
  deposit: "deposits",
  account: "receivable",
  other: "other tenders",
} as const

function postTender(tender: Tender): StoreLine {
  const { kind, amountMinor, changeMinor = 0, card } = tender
  return {
    account: accountOfTender[kind],
    tender: tenderName(tender),
    ...(card ? { merchantAccount: card.merchantAccount } : {}),
    amountMinor: card?.authorisation === "declined" ? 0 : amountMinor - changeMinor,
  }
}

/** Where money that moved without a sale came from or went to, and whether it came into the drawer. */
const moved = {
  open: { account: "safe", sign: 1 },
  float: { account: "safe", sign: 1 },
  "safe-drop": { account: "safe", sign: -1 },
  "paid-in": { account: "paid in", sign: 1 },
  "paid-out": { account: "paid out", sign: -1 },
} as const

function postMoney({ kind, money }: Receipt): StoreLine[] {
  if (!money || !Object.hasOwn(moved, kind)) return []
  const { account, sign } = moved[kind as keyof typeof moved]
  const { amountMinor, tender = "cash" } = money
  return [
    { account: "drawer", tender, amountMinor: sign * amountMinor },
    { account, amountMinor: -sign * amountMinor },
  ]
}
