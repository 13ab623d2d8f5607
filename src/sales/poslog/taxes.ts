import { minorDigits, splitMoney } from "../../base/money.ts"
import type { SaleTax } from "../../canonical/sales/receipt-line.ts"
import { optional, type RawLine, type RawTax } from "./lines.ts"
import { scale } from "./spot.ts"

/** A line whose taxes are wanted: what it came to, negative for what comes back. */
export interface Taxed {
  raw: RawLine
  netMinor: number
}

/** Taxes of each line without a sign, or why they cannot be told. */
export type Allotted = { taxes: ReadonlyMap<RawLine, SaleTax[]> } | { place: RawTax["spot"] | undefined; why: string }

/**
 * The taxes of each line, as they were charged. Tills print tax once a rate and note it finer than money on lines: what is printed is split by
 * what lines say, so that the parts add up to it. Where lines do not say what tax they have, it is not guessed.
 */
export function allotTaxes(lines: readonly Taxed[], printed: readonly RawTax[], currency: string): Allotted {
  const unit = 10n ** BigInt(scale - minorDigits(currency))
  const taxes = new Map<RawLine, SaleTax[]>()
  const groups = groupsOf(lines)
  const left = printed.filter(({ amount = 0n }) => amount !== 0n)
  if (groups.length === 0) {
    const own = groupOfReceipt(lines, left)
    if (own === "none") return { taxes }
    if (own === undefined)
      return { place: left[0]?.spot, why: "which lines the tax is on is not said: expected Tax in Sale and Return" }
    groups.push(own)
  }
  // Each is compared with the others.
  if (groups.length > groupsMax)
    return { place: groups[0]?.parts[0]?.tax.spot, why: `expected at most ${groupsMax} different taxes in a receipt` }
  for (const group of groups) {
    const { parts } = group
    const total = totalOf(group, { printed: left, groups, unit })
    if (total === undefined)
      return {
        place: parts[0]?.tax.spot,
        why: "the tax of the lines is not the tax of the receipt, or neither has an amount",
      }
    const isNamed = parts.every(({ tax }) => tax.amount !== undefined)
    const weights = isNamed ? weightsOf(parts) : parts.map(({ line }) => Math.abs(line.netMinor))
    const whole = parts.every(({ tax }) => tax.amount !== undefined && tax.amount % unit === 0n)
    // What is printed of such a group is what is left of both, and how it was made of them nobody says.
    if (!whole && parts.some(({ line }) => line.netMinor < 0) && parts.some(({ line }) => line.netMinor > 0))
      return {
        place: parts[0]?.tax.spot,
        why: "the tax of lines that were sold and of lines that came back is not said to the smallest unit of money",
      }
    const shares = whole
      ? parts.map(({ tax }) => Number((tax.amount ?? 0n) / unit))
      : splitMoney({ amountMinor: total, currency }, weights).map(({ amountMinor }) => amountMinor)
    for (const [n, { tax, line }] of parts.entries()) {
      const { code, ratePercent, baseMinor, exemption } = tax
      const one = { code, ...optional("ratePercent", ratePercent), ...optional("baseMinor", baseMinor) }
      const share = { ...one, amountMinor: shares[n] ?? 0, ...optional("exemption", exemption) }
      taxes.set(line.raw, [...(taxes.get(line.raw) ?? []), share])
    }
  }
  return { taxes }
}

/**
 * Whether what lines have is what the till printed, to a unit a line: net, or what was sold and what came back each by its size (GK has a refund of
 * tax without a sign). A till that prints none says nothing.
 */
export function isAsPrinted(
  taxes: readonly SaleTax[],
  { printed, currency }: { printed: readonly RawTax[]; currency: string },
): boolean {
  const unit = 10n ** BigInt(scale - minorDigits(currency))
  const amounts = printed.flatMap(({ amount = 0n }) => (amount === 0n ? [] : [amount]))
  const sum = (values: readonly bigint[]) => abs(values.reduce((total, value) => total + value, 0n))
  const booked = taxes.map(({ amountMinor }) => BigInt(amountMinor) * unit)
  const isNear = (left: readonly bigint[], right: readonly bigint[]) =>
    abs(sum(left) - sum(right)) <= unit * BigInt(taxes.length)
  return amounts.length === 0 || isNear(booked, amounts) || isNear(booked.map(abs), amounts.map(abs))
}

const groupsMax = 100

interface Group {
  key: string
  percent: string | undefined
  parts: { tax: RawTax; line: Taxed }[]
}

function groupsOf(lines: readonly Taxed[]): Group[] {
  const groups = new Map<string, Group>()
  for (const line of lines)
    for (const tax of line.raw.taxes) {
      const key = `${tax.code} ${tax.ratePercent ?? ""}`
      const group = groups.get(key) ?? { key, percent: tax.ratePercent, parts: [] }
      groups.set(key, group)
      group.parts.push({ tax, line })
    }
  return [...groups.values()]
}

/** No line names a tax: the one of the receipt is on the lines that are taxable, where those are told by their flag or are all there are. */
function groupOfReceipt(lines: readonly Taxed[], printed: readonly RawTax[]): Group | "none" | undefined {
  const [only, ...others] = printed
  if (!only) return "none"
  const flagged = lines.filter(({ raw }) => raw.isTaxable !== undefined)
  const taxable = flagged.length > 0 ? lines.filter(({ raw }) => raw.isTaxable) : lines
  const net = taxable.reduce((sum, { netMinor }) => sum + netMinor, 0)
  const isAll = only.baseMinor === undefined ? lines.length === 1 : Math.abs(net) === Math.abs(only.baseMinor)
  if (others.length > 0 || taxable.length === 0 || !(isAll || flagged.length === lines.length)) return undefined
  const { amount: _, baseMinor: __, ...tax } = only
  return { key: tax.code, percent: tax.ratePercent, parts: taxable.map((line) => ({ tax, line })) }
}

function totalOf(
  { parts, percent }: Group,
  { printed, groups, unit }: { printed: readonly RawTax[]; groups: readonly Group[]; unit: bigint },
): number | undefined {
  const sum = parts.reduce((total, { tax }) => total + (tax.amount ?? 0n), 0n)
  const isNamed = parts.every(({ tax }) => tax.amount !== undefined)
  // Rates may be written with other digits at the two places.
  const isSame = (other: string | undefined) =>
    Number(other ?? Number.NaN) === Number(percent ?? Number.NaN) || groups.length === 1
  const own = printed.filter(({ ratePercent }) => isSame(ratePercent))
  const isOnly = groups.filter((group) => isSame(group.percent)).length === 1
  if (!isNamed) {
    if (own.length === 0 || !isOnly)
      return printed.length === 0 && sum === 0n && parts.every(isZeroRated) ? 0 : undefined
    return rounded(
      own.reduce((total, { amount = 0n }) => total + amount, 0n),
      unit,
    )
  }
  if (parts.every(({ tax }) => (tax.amount ?? 0n) % unit === 0n) || own.length === 0 || !isOnly)
    return rounded(sum, unit)
  const charged = own.reduce((total, { amount = 0n }) => total + amount, 0n)
  return abs(charged - sum) <= unit * BigInt(parts.length) ? rounded(charged, unit) : undefined
}

/** Their amounts as weights, as fine as safe integers can be. */
function weightsOf(parts: Group["parts"]): number[] {
  const sizes = parts.map(({ tax }) => abs(tax.amount ?? 0n))
  const most = sizes.reduce((size, one) => (one > size ? one : size), 0n)
  const by = most / BigInt(Number.MAX_SAFE_INTEGER) + 1n
  return sizes.map((size) => Number(size / by))
}

const isZeroRated = ({ tax }: { tax: RawTax }) => Number(tax.ratePercent ?? Number.NaN) === 0

const abs = (value: bigint) => (value < 0n ? -value : value)

/** To the smallest unit; half of one goes away from zero. */
function rounded(value: bigint, unit: bigint): number {
  const whole = (abs(value) * 2n + unit) / (unit * 2n)
  return Number(value < 0n ? -whole : whole)
}
