import type { Problem } from "../../base/errors.ts"
import { splitMoney } from "../../base/money.ts"
import type { ReceiptLine, SaleTax } from "../../canonical/sales/receipt-line.ts"
import type { Receipt } from "../../canonical/sales/receipt.ts"
import type { Header } from "./header.ts"
import type { RawDiscount, RawLine, RawTax } from "./lines.ts"
import type { PoslogPolicy } from "./policy.ts"
import type { Spot } from "./spot.ts"
import { allotTaxes, isAsPrinted } from "./taxes.ts"
import type { RawTender } from "./tenders.ts"
import { withoutVoided, type VoidReading } from "./voided.ts"

/** The lines of a receipt as the file writes them. */
export interface RawReceipt {
  header: Header
  rest: Pick<Receipt, "kind" | "voids" | "resumes" | "customerId" | "seller">
  lines: readonly RawLine[]
  /** Which signs a void has, where the retailer says it. */
  voidsAre: PoslogPolicy["voids"]
  tenders: readonly RawTender[]
  taxes: readonly RawTax[]
  discounts: readonly (RawDiscount & { spot: Spot })[]
  /** Cash rounding; with a sign only where the file says which way. */
  roundings: readonly { amountMinor: number; isSigned: boolean }[]
}

/** One way to read what the file does not say. */
export interface Readings {
  voids: VoidReading
  /** The amount of a line is what it was before its discounts, or after them. */
  discounts: "before" | "after"
  /** A discount on the whole receipt counts, or repeats what the lines have. */
  whole: "counts" | "repeats"
  tax: "included" | "added"
  /** A tender's amount is what was given, or what was kept of it. */
  change: "given" | "kept"
  rounding: 1 | -1
  /** Of a void: whether its tenders are written as those of the sale. */
  paid: 1 | -1
}

interface Composed {
  raw: RawLine
  line: ReceiptLine
  netMinor: number
}

/** The receipt in one way of reading; undefined, with why, when it cannot be read in this way. */
export function composed(read: RawReceipt, readings: Readings, problems: Problem[]): Receipt | undefined {
  const { header, rest, roundings } = read
  const currency = header.currency
  const fail = (spot: Spot | undefined, message: string): undefined =>
    void problems.push({ pointer: spot?.place ?? "RetailTransaction", message })
  const isVoid = rest.kind === "void"
  const kept = withoutVoided(read.lines, readings.voids, problems)
  const paid = withoutVoided(read.tenders, readings.voids, problems)
  if (problems.length > 0) return undefined
  if (isVoid && read.voidsAre === undefined) {
    const odd = kept.find(({ isReturn, extendedMinor }) => !isReturn && extendedMinor < 0)
    if (odd)
      return fail(
        odd.spot,
        "a void with a negative amount of Sale: whether its sale is turned round or repeated is not clear; say it in policies.sales.poslog.voids",
      )
  }
  const lines = kept.map((raw) =>
    composedLine(raw, { isVoid, voidsAre: read.voidsAre, isAfter: readings.discounts === "after" }),
  )
  if (readings.whole === "counts")
    for (const one of read.discounts)
      if (!spread(one, lines, { currency, isVoid })) return fail(one.spot, "is on nothing")
  const allotted = allotTaxes(lines, read.taxes, currency)
  if ("why" in allotted) return fail(allotted.place, allotted.why)
  const done = lines.map(({ raw, line }) => ({
    raw,
    line: taxed(raw, line, { taxes: allotted.taxes.get(raw) ?? [], isVoid, readings }),
  }))
  if (
    !isAsPrinted(
      done.flatMap(({ line }) => line.taxes ?? []),
      { printed: read.taxes, currency },
    )
  )
    return fail(read.taxes[0]?.spot, "the tax that was printed is not the tax of the lines")
  const tenders = paid.map((one) => tenderOf(one, readings))
  const tips = paid.filter(({ tipMinor }) => tipMinor !== 0)
  const charges = [
    ...done.flatMap(({ raw, line }) =>
      raw.charge
        ? [{ kind: raw.charge, amountMinor: line.amountMinor, ...(line.taxes ? { taxes: line.taxes } : {}) }]
        : [],
    ),
    ...tips.map(({ tipMinor }) => ({ kind: "tip" as const, amountMinor: readings.paid * tipMinor })),
  ]
  const rounding = roundings.reduce(
    (sum, { amountMinor, isSigned }) => sum + (isSigned ? 1 : readings.rounding) * amountMinor,
    0,
  )
  const goods = done.flatMap(({ raw, line }) => (raw.charge ? [] : [line]))
  return {
    ...header,
    ...rest,
    ...(goods.length > 0 ? { lines: goods } : {}),
    ...(charges.length > 0 ? { charges } : {}),
    ...(tenders.length > 0 ? { tenders } : {}),
    ...(rounding === 0 ? {} : { roundingMinor: readings.paid * rounding }),
  }
}

/** What comes back has a negative quantity and negative amounts, however the file writes it: Return says it, and a void turns it round. */
function composedLine(
  raw: RawLine,
  { isVoid, voidsAre, isAfter }: { isVoid: boolean; voidsAre: RawReceipt["voidsAre"]; isAfter: boolean },
): Composed {
  const size = Math.abs(raw.extendedMinor)
  const written = raw.isReturn ? -size : raw.extendedMinor
  const turned = voidsAre === "turned round" && !raw.isReturn ? written : -written
  const amount = isVoid ? turned : written
  const sign = amount < 0 ? -1 : 1
  const less = raw.discounts.reduce((sum, { amountMinor }) => sum + amountMinor, 0)
  // Goods of a line that costs nothing move all the same.
  const goods = raw.isReturn === isVoid ? 1 : -1
  const discounts = raw.discounts.map((one) => ({ ...one, amountMinor: sign * one.amountMinor }))
  const amountMinor = amount + (isAfter ? sign * less : 0)
  return {
    raw,
    netMinor: amountMinor - sign * less,
    line: {
      ...raw.line,
      quantityMilli: (amount === 0 ? goods : sign) * raw.quantityMilli,
      amountMinor,
      ...(discounts.length > 0 ? { discounts } : {}),
    },
  }
}

/** Spreads a discount on the whole receipt over what was sold, in proportion and to the cent. */
function spread(
  { amountMinor, promotionId, reason }: RawReceipt["discounts"][number],
  lines: readonly Composed[],
  { currency, isVoid }: { currency: string; isVoid: boolean },
): boolean {
  const sold = lines.filter(({ raw, netMinor }) => !raw.charge && (isVoid ? netMinor < 0 : netMinor > 0))
  if (sold.length === 0) return false
  const shares = splitMoney(
    { amountMinor, currency },
    sold.map(({ netMinor }) => Math.abs(netMinor)),
  )
  for (const [n, one] of sold.entries()) {
    const share = (isVoid ? -1 : 1) * (shares[n]?.amountMinor ?? 0)
    if (share === 0) continue
    const words = { ...(promotionId === undefined ? {} : { promotionId }), ...(reason === undefined ? {} : { reason }) }
    one.line.discounts = [...(one.line.discounts ?? []), { amountMinor: share, scope: "receipt", ...words }]
    one.netMinor -= share
  }
  return true
}

function taxed(
  raw: RawLine,
  line: ReceiptLine,
  { taxes, isVoid, readings }: { taxes: readonly SaleTax[]; isVoid: boolean; readings: Readings },
): ReceiptLine {
  if (taxes.length === 0) return line
  const isIncluded = raw.isTaxIncluded ?? readings.tax === "included"
  const isTurned = raw.isReturn || isVoid
  const turned = line.amountMinor === 0 ? (raw.isReturn === isVoid ? 1 : -1) : Math.sign(line.amountMinor)
  const signed = (amountMinor: number) => {
    // A line of Sale has the sign that the file writes, e.g. of a bottle that came back.
    const size = isTurned || (line.amountMinor < 0 && amountMinor > 0) ? Math.abs(amountMinor) : amountMinor
    const sign = isTurned ? turned : line.amountMinor < 0 && amountMinor > 0 ? -1 : 1
    return sign * size === 0 ? 0 : sign * size
  }
  const told = taxes.map((tax) => ({
    ...tax,
    ...(tax.baseMinor === undefined ? {} : { baseMinor: signed(tax.baseMinor) }),
    amountMinor: signed(tax.amountMinor),
    ...(isIncluded && (tax.amountMinor !== 0 || raw.isTaxIncluded) ? { isIncluded } : {}),
  }))
  return { ...line, taxes: told }
}

function tenderOf(
  { tender, amountMinor, changeMinor }: RawTender,
  { change, paid }: Readings,
): NonNullable<Receipt["tenders"]>[number] {
  const given = change === "kept" ? amountMinor + changeMinor : amountMinor
  // Change of a void comes back as money: it is not kept apart.
  if (paid === -1) return { ...tender, amountMinor: changeMinor - given }
  return { ...tender, amountMinor: given, ...(changeMinor === 0 ? {} : { changeMinor }) }
}
