import { canonicalJson, textKey } from "../../base/ids.ts"
import type { Problem } from "../../base/errors.ts"
import { offBalanceMinor, paidMinor } from "../../canonical/sales/receipt-law.ts"
import type { Receipt } from "../../canonical/sales/receipt.ts"
import { composed, type RawReceipt, type Readings } from "./compose.ts"
import type { PoslogSetting } from "./header.ts"
import { readLine, readTax, wordsOf, type RawLine, type RawTax } from "./lines.ts"
import { Spot } from "./spot.ts"
import { readTender, type RawTender } from "./tenders.ts"
import { isVoidOpen } from "./voided.ts"

// What money and goods do not depend on: LoyaltyReward is points, and what it takes off is in the line or does not add up.
const lineKinds = [
  "Sale",
  "Return",
  "Tax",
  "Tender",
  "Discount",
  "Rounding",
  "LoyaltyReward",
  "AgeRestriction",
  "ItemNotFound",
]
const header = ["SequenceNumber", "BeginDateTime", "EndDateTime", "DateTime", "EntryMethod", "Voids", "ScanData"]

/**
 * A RetailTransaction as a receipt. What a file's amounts hold differs from maker to maker: whether the amount of a line has its discounts and its tax in it,
 * whether change is in a tender, whether a line with VoidFlag takes back another. The file does not say, but a receipt must add up: each
 * way of reading is tried, and the one that adds up is taken. When none or several do, it is not guessed.
 */
export function readRetail(
  retail: Spot,
  raw: Pick<RawReceipt, "header" | "rest">,
  of: PoslogSetting,
): Receipt | undefined {
  const before = retail.problems.length
  const read = readItems(retail, raw, of)
  const totalMinor = readTotal(retail, raw.header.currency)
  if (retail.problems.length > before) return undefined
  const ways = readingsOf(read)
  const problems: Problem[] = []
  // Of what adds up by digest, and one receipt of each: a long one 64 times over would not fit.
  const made = new Set<string>()
  const looks = new Set<string>()
  let [first, only, likely, other]: (Receipt | undefined)[] = []
  for (const [n, readings] of ways.entries()) {
    const receipt = composed(read, readings, n === 0 ? problems : [])
    first ??= receipt
    if (!receipt || offBalanceMinor(receipt) !== 0) continue
    if (!isTotal(receipt, totalMinor)) {
      other ??= receipt
      continue
    }
    const digest = textKey(canonicalJson(receipt))
    made.add(digest)
    only ??= receipt
    if (!fits(read, readings)) continue
    looks.add(digest)
    likely ??= receipt
  }
  if (only && made.size === 1) return only
  if (likely && looks.size === 1) return likely
  if (made.size > 1)
    return retail.fail(`adds up in ${made.size} ways of reading, so it is not clear what was sold for what`)
  if (!first) {
    retail.problems.push(...problems)
    return undefined
  }
  if (other)
    return retail.fail(
      `adds up to ${paidMinor(other)} minor units that were paid, and the printed total is ${totalMinor}`,
      "/Total",
    )
  if (ways.length === 1) return first
  return retail.fail(
    `does not add up in any of ${ways.length} ways of reading: lines + tax − discounts + rounding are ${offBalanceMinor(first)} minor units more than tenders − change${unread(retail)}`,
  )
}

const grandAmount = "transactiongrandamount"

/** The sum that the till printed. Totals of other kinds are of parts, and makers define them each in a way of their own. */
function readTotal(retail: Spot, currency: string): number | undefined {
  const totals = retail.all("Total").filter((total) => total.attribute("TotalType")?.toLowerCase() === grandAmount)
  const [minor, ...others] = new Set(totals.flatMap((total) => total.minor(currency) ?? []))
  return others.length > 0 ? retail.fail("says several sums: expected one TransactionGrandAmount", "/Total") : minor
}

/** The sum that was printed on a receipt that cannot be read; undefined where there is none, or not one alone. */
export function printedMinor({ element, place }: Spot, currency: string): number | undefined {
  // What is wrong with it is told already.
  return readTotal(new Spot(element, place, []), currency)
}

/**
 * Whether the sum that was printed is what was paid, before or after cash was rounded, with or without tips; some write it without a sign. All
 * receipts of the files at hand print what was paid (github.com/kjbreil/poslog, sample/POSLog.xml).
 */
function isTotal(receipt: Receipt, totalMinor: number | undefined): boolean {
  if (totalMinor === undefined) return true
  const { roundingMinor = 0, charges = [] } = receipt
  const tips = charges.reduce((sum, { kind, amountMinor }) => sum + (kind === "tip" ? amountMinor : 0), 0)
  const paid = paidMinor(receipt)
  return [0, roundingMinor].some((rounding) =>
    [0, tips].some((tip) => Math.abs(paid - rounding - tip) === Math.abs(totalMinor)),
  )
}

/** What is in the file and is not read: people find in it what a receipt lacks. */
function unread(retail: Spot): string {
  const names = retail.all("LineItem").flatMap((item) => item.own().map(({ element }) => element.local))
  const others = [...new Set(names)].filter((name) => name === "LoyaltyReward")
  return others.length === 0 ? "" : `; not read: ${others.join(", ")}`
}

/** What a receipt has at most: what its envelope can hold, and change as a tender of its own. Each way of reading goes through all of it. */
const most = { lines: 2000, tenders: 100, taxes: 100, discounts: 50, roundings: 50 } as const
const tagsOf = {
  lines: ["Sale", "Return"],
  tenders: ["Tender"],
  taxes: ["Tax"],
  discounts: ["Discount"],
  roundings: [],
}
/** As many as are told. */
const problemsMax = 50
const childrenMax = 1000
/** More would not fit in the mebibyte of a receipt. */
const spreadMax = 20_000

/** Whether a line and what was read before it is no more than a receipt may have; before anything of it is read. */
function hasRoom(item: Spot, read: Readonly<Record<keyof typeof most, readonly unknown[]>>): boolean {
  if (item.element.children.length > childrenMax) {
    item.fail(`has more than ${childrenMax} parts`)
    return false
  }
  for (const kind of Object.keys(most) as (keyof typeof most)[]) {
    const more = tagsOf[kind].reduce((sum, tag) => sum + item.all(tag).length, 0)
    if (read[kind].length + more <= most[kind]) continue
    item.fail(`expected at most ${most[kind]} ${kind} in a receipt`)
    return false
  }
  return true
}

function readItems(retail: Spot, raw: Pick<RawReceipt, "header" | "rest">, setting: PoslogSetting): RawReceipt {
  const of = { ...setting, currency: raw.header.currency }
  const lines: RawLine[] = []
  const tenders: RawTender[] = []
  const taxes: RawTax[] = []
  const discounts: RawReceipt["discounts"][number][] = []
  const roundings: RawReceipt["roundings"][number][] = []
  for (const item of retail.all("LineItem")) {
    if (retail.problems.length >= problemsMax) break
    if (!hasRoom(item, { lines, tenders, taxes, discounts, roundings })) break
    if (item.flag("CancelFlag") || item.flag("DeleteFlag")) continue
    const kind = item.own().find(({ element }) => !header.includes(element.local))
    if (kind && !lineKinds.includes(kind.element.local))
      item.fail(
        `"${kind.element.local}" is no kind of line that is read: it may move money or goods`,
        `/${kind.element.local}`,
      )
    for (const sold of [...item.all("Sale"), ...item.all("Return")])
      lines.push(...[readLine(item, sold, of)].flatMap((one) => one ?? []))
    for (const tender of item.all("Tender")) tenders.push(...[readTender(item, tender, of)].flatMap((one) => one ?? []))
    if (item.flag("VoidFlag") && !item.child("Sale") && !item.child("Return") && !item.child("Tender")) continue
    for (const tax of item.all("Tax")) taxes.push(...[readTax(tax, of)].flatMap((one) => one ?? []))
    for (const discount of item.all("Discount")) discounts.push(...readDiscount(discount, of.currency))
    roundings.push(...readRounding(item, of.currency))
  }
  // Each discount on the whole receipt is on each line.
  if (lines.length * discounts.length > spreadMax)
    retail.fail(
      `has ${discounts.length} discounts on the whole of ${lines.length} lines, which is too much for a receipt`,
    )
  const sellers = new Set(lines.map(({ spot }) => spot.child("Associate")?.value("AssociateID")))
  const [seller, ...others] = sellers
  const rest = { ...raw.rest, ...(seller !== undefined && others.length === 0 ? { seller } : {}) }
  return {
    header: raw.header,
    rest,
    voidsAre: setting.policy.voids,
    lines,
    tenders: withChange(tenders),
    taxes,
    discounts,
    roundings,
  }
}

function readDiscount(spot: Spot, currency: string): RawReceipt["discounts"][number][] {
  const amount = spot.child("Amount")
  const minor = amount ? amount.minor(currency) : spot.fail("expected an amount", "/Amount")
  return minor === undefined || minor === 0 ? [] : [{ spot, ...wordsOf(spot), amountMinor: Math.abs(minor) }]
}

/** Rounding of the standard has its amount; GK's says the way beside it (POSLog Structure v3, 4.3.6.1). */
function readRounding(item: Spot, currency: string): { amountMinor: number; isSigned: boolean }[] {
  const spot = item.child("Rounding") ?? item.child("SesRounding")
  if (!spot) return []
  const amount = spot.child("Amount") ?? spot
  const minor = amount.minor(currency)
  if (minor === undefined || minor === 0) return []
  const way = spot.value("RoundingDirection")
  const sign = way === "Down" ? -1 : 1
  return [{ amountMinor: way === undefined ? minor : sign * Math.abs(minor), isSigned: way !== undefined || minor < 0 }]
}

/** NCR writes change as a tender of its own, negative and with a TenderChange: it belongs to the one before it of its kind. */
function withChange(tenders: readonly RawTender[]): RawTender[] {
  const kept: RawTender[] = []
  for (const one of tenders) {
    const isChange = one.amountMinor < 0 && one.changeMinor === -one.amountMinor && !one.voids
    const of = isChange ? kept.findLast(({ tender, voids }) => tender.kind === one.tender.kind && !voids) : undefined
    if (of) of.changeMinor += one.changeMinor
    else kept.push(isChange ? { ...one, changeMinor: 0 } : { ...one })
  }
  return kept
}

function readingsOf({ lines, tenders, discounts, roundings, rest, taxes }: RawReceipt): Readings[] {
  const hasDiscounts = lines.some((line) => line.discounts.length > 0)
  const hasTax = [...taxes, ...lines.flatMap((line) => line.taxes)].some(({ amount = 0n }) => amount !== 0n)
  const isOpen = hasTax && lines.some(({ isTaxIncluded }) => isTaxIncluded === undefined)
  const given = tenders.some(({ changeMinor }) => changeMinor !== 0)
  const between = <Value>(is: boolean, first: Value, second: Value): Value[] => (is ? [first, second] : [first])
  let all: Readings[] = [
    { voids: "itself", discounts: "before", whole: "counts", tax: "included", change: "given", rounding: 1, paid: 1 },
  ]
  const vary = <Key extends keyof Readings>(key: Key, values: readonly Readings[Key][]) =>
    void (all = all.flatMap((one) => values.map((value) => ({ ...one, [key]: value }))))
  vary("voids", between(isVoidOpen(lines) || isVoidOpen(tenders), "itself", "an earlier one"))
  vary("discounts", between(hasDiscounts, "before", "after"))
  vary("whole", between(discounts.length > 0, "counts", "repeats"))
  vary("tax", between(isOpen, "included", "added"))
  vary("change", between(given, "given", "kept"))
  vary(
    "rounding",
    between(
      roundings.some(({ isSigned }) => !isSigned),
      1,
      -1,
    ),
  )
  vary("paid", between(rest.kind === "void", 1, -1))
  return all
}

/** Whether a reading is what unit prices say of the lines. */
function fits({ lines }: RawReceipt, { discounts }: Readings): boolean {
  return lines.every(({ discountsLookTaken }) => discountsLookTaken === undefined || discountsLookTaken === discounts)
}
