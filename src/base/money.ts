import { Type, type Static } from "typebox"
import { own } from "./lookup.ts"
import { AppError, assertInvariant } from "./errors.ts"
import { minorDigitsByCurrency } from "./money/currencies.ts"

/** A currency by its code. */
export const CurrencyCode = Type.String({ pattern: "^[A-Z]{3}$", description: "a currency code of ISO 4217, e.g. EUR" })

/** An amount in the currency's smallest unit (cents, yen, fils). `amountMinor` is a safe integer and may be negative. */
export const Money = Type.Object(
  {
    amountMinor: Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
    currency: CurrencyCode,
  },
  { additionalProperties: false },
)
export type Money = Static<typeof Money>

/** Makes money from integer minor units. Throws INVARIANT_BROKEN for fractions and amounts beyond 2^53. */
export function money(amountMinor: number, currency: string): Money {
  assertInvariant(Number.isSafeInteger(amountMinor), `${amountMinor} ${currency} is not a whole number of minor units`)
  return { amountMinor: amountMinor === 0 ? 0 : amountMinor, currency }
}

/** Whether a code is a currency whose digits behind the decimal point are known. */
export function isCurrency(code: string): boolean {
  return own(minorDigitsByCurrency, code) !== undefined
}

/** Digits behind the decimal point of a currency (ISO 4217 list one). Throws VENDOR_VALUE_UNKNOWN for others. */
export function minorDigits(currency: string): number {
  const digits = own(minorDigitsByCurrency, currency)
  if (digits === undefined) throw new AppError("VENDOR_VALUE_UNKNOWN", `${currency} is not a currency of ISO 4217`)
  return digits
}

/**
 * Reads a vendor's decimal text ("19.99", "-3", "1.5000") exactly; no float is involved.
 * Digits beyond the minor unit must be zeros, otherwise VENDOR_VALUE_UNKNOWN: a finer amount is never rounded here.
 */
export function moneyFromDecimal(text: string, currency: string): Money {
  const { amount, isRounded } = roundedMoney(text, { currency })
  if (isRounded) throw new AppError("VENDOR_VALUE_UNKNOWN", `"${text}" is finer than the smallest unit of ${currency}`)
  return amount
}

/**
 * Reads a decimal text, times a whole number, to the minor unit: half a unit goes away from zero. Says whether anything was rounded, so
 * that the caller accounts for the rest.
 */
export function roundedMoney(
  text: string,
  { currency, times = 1 }: { currency: string; times?: number },
): { amount: Money; isRounded: boolean } {
  const match = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(text.trim())
  if (!match) throw new AppError("VENDOR_VALUE_UNKNOWN", `"${text}" is not a decimal amount of ${currency}`)
  const digits = minorDigits(currency)
  const fraction = (match[3] ?? "").padEnd(digits, "0")
  const product = BigInt(`${match[2]}${fraction}`) * BigInt(times)
  const finer = 10n ** BigInt(fraction.length - digits)
  const minor = Number(product / finer + ((product % finer) * 2n >= finer && finer > 1n ? 1n : 0n))
  if (!Number.isSafeInteger(minor))
    throw new AppError("VENDOR_VALUE_UNKNOWN", `"${text}" is more ${currency} than can be counted exactly`)
  return { amount: money(match[1] === "-" ? -minor : minor, currency), isRounded: product % finer !== 0n }
}

/** Writes money as decimal text with the currency's own number of digits: 1999 EUR → "19.99", 500 JPY → "500". */
export function moneyToDecimal(value: Money): string {
  const digits = minorDigits(value.currency)
  const text = String(Math.abs(value.amountMinor)).padStart(digits + 1, "0")
  const sign = value.amountMinor < 0 ? "-" : ""
  return digits === 0 ? `${sign}${text}` : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`
}

/** Money as people read it: 1999 of EUR → "19.99 EUR". */
export function moneyText(value: Money): string {
  return `${moneyToDecimal(value)} ${value.currency}`
}

/** Adds amounts of one currency; an empty list is zero. Throws INVARIANT_BROKEN when currencies mix. */
export function sumMoney(values: readonly Money[], currency: string): Money {
  let total = 0
  for (const value of values) {
    assertInvariant(value.currency === currency, `cannot add ${value.currency} to ${currency}`)
    total += value.amountMinor
  }
  return money(total, currency)
}

/** Negative of an amount. */
export function negateMoney(value: Money): Money {
  return money(-value.amountMinor, value.currency)
}

/** `left - right` in one currency. */
export function subtractMoney(left: Money, right: Money): Money {
  return sumMoney([left, negateMoney(right)], left.currency)
}

/** Whether two amounts are equal, in amount and currency. */
export function sameMoney(left: Money, right: Money): boolean {
  return left.amountMinor === right.amountMinor && left.currency === right.currency
}

/**
 * Splits an amount in proportion to weights by largest remainder, so that the parts always sum to the whole.
 * Weights are non-negative safe integers; when all are zero everything goes to the first part. Ties go to the earlier part.
 * An empty list of weights is only allowed for zero.
 */
export function splitMoney(whole: Money, weights: readonly number[]): Money[] {
  if (weights.length === 0) {
    assertInvariant(whole.amountMinor === 0, "cannot split a non-zero amount into no parts")
    return []
  }
  for (const weight of weights)
    assertInvariant(Number.isSafeInteger(weight) && weight >= 0, `${weight} is not a weight to split money by`)
  // bigint because amount × weight overflows a double long before the amount does.
  const bigWeights = weights.map(BigInt)
  const totalWeight = bigWeights.reduce((sum, weight) => sum + weight, 0n)
  if (totalWeight === 0n) return weights.map((_, index) => money(index === 0 ? whole.amountMinor : 0, whole.currency))
  const sign = whole.amountMinor < 0 ? -1 : 1
  const magnitude = BigInt(Math.abs(whole.amountMinor))
  const floors = bigWeights.map((weight) => (magnitude * weight) / totalWeight)
  const remainders = bigWeights.map((weight, index) => ({ index, rest: (magnitude * weight) % totalWeight }))
  remainders.sort((a, b) => (a.rest === b.rest ? a.index - b.index : a.rest > b.rest ? -1 : 1))
  let left = magnitude - floors.reduce((sum, part) => sum + part, 0n)
  for (const { index } of remainders) {
    if (left === 0n) break
    floors[index] = (floors[index] ?? 0n) + 1n
    left -= 1n
  }
  return floors.map((part) => money(sign * Number(part), whole.currency))
}
