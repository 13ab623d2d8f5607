import type { MoneyPair, Side } from "./model.ts"

// ISO 4217 list one (SIX Group, 2025): minor unit digits where they are not 2, of the currencies used here.
const exponents: Record<string, number> = { JPY: 0, KRW: 0, CLP: 0, KWD: 3, BHD: 3, TND: 3 }

export const sides: readonly Side[] = ["shop", "presentment"]

export function exponentOf(currency: string): number {
  return exponents[currency] ?? 2
}

/** `1999` EUR as `19.99`, `500` JPY as `500`: the way webhook payloads write money. */
export function decimalText(amountMinor: number, currency: string): string {
  const exponent = exponentOf(currency)
  const digits = String(Math.abs(amountMinor)).padStart(exponent + 1, "0")
  const sign = amountMinor < 0 ? "-" : ""
  if (exponent === 0) return sign + digits
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`
}

/**
 * The Admin GraphQL API writes decimals without trailing zeros but always with one digit: `100.0`, `19.99`
 * (general knowledge, not verified; the schema only says a decimal as text).
 */
export function graphDecimal(amountMinor: number, currency: string): string {
  const text = decimalText(amountMinor, currency)
  if (!text.includes(".")) return `${text}.0`
  return text.replace(/0+$/, "").replace(/\.$/, ".0")
}

/** Reads decimal text without ever making a float of it; undefined when it is not an amount of the currency. */
export function minorFromText(text: string, currency: string): number | undefined {
  const match = /^(-?)(\d{1,12})(?:\.(\d+))?$/.exec(text.trim())
  if (match === null) return undefined
  const exponent = exponentOf(currency)
  const fraction = (match[3] ?? "").replace(/0+$/, "")
  if (fraction.length > exponent) return undefined
  const minor = Number(`${match[2] ?? ""}${fraction.padEnd(exponent, "0")}`)
  return match[1] === "-" ? -minor : minor
}

export function add(...pairs: readonly MoneyPair[]): MoneyPair {
  let shop = 0
  let presentment = 0
  for (const pair of pairs) {
    shop += pair.shop
    presentment += pair.presentment
  }
  return { shop, presentment }
}

export function subtract(from: MoneyPair, what: MoneyPair): MoneyPair {
  return { shop: from.shop - what.shop, presentment: from.presentment - what.presentment }
}

export function times(pair: MoneyPair, count: number): MoneyPair {
  return { shop: pair.shop * count, presentment: pair.presentment * count }
}

export function negative(pair: MoneyPair): MoneyPair {
  return subtract({ shop: 0, presentment: 0 }, pair)
}

export function isZero(pair: MoneyPair): boolean {
  return pair.shop === 0 && pair.presentment === 0
}

export function eachSide(amountOf: (side: Side) => number): MoneyPair {
  return { shop: amountOf("shop"), presentment: amountOf("presentment") }
}

/** Half away from zero, exact while numerator × 2 stays a safe integer. */
export function divideRounded(numerator: number, denominator: number): number {
  const quotient = Math.floor((2 * Math.abs(numerator) + denominator) / (2 * denominator))
  return numerator < 0 ? -quotient : quotient
}

/** Splits a total by weights with the largest remainder, so that the parts always sum to it. */
export function share(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((left, right) => left + right, 0)
  if (sum === 0) return weights.map(() => 0)
  const parts = weights.map((weight) => Math.floor((total * weight) / sum))
  const remainders = weights.map((weight, index) => ({ index, remainder: (total * weight) % sum }))
  let left = total - parts.reduce((a, b) => a + b, 0)
  for (const { index } of remainders.sort((a, b) => b.remainder - a.remainder || a.index - b.index)) {
    if (left === 0) break
    parts[index] = (parts[index] ?? 0) + 1
    left -= 1
  }
  return parts
}

/** The part of a line's amount that falls on units `from` to `to` of `count`; all parts together are the whole. */
export function portion(amount: MoneyPair, range: { from: number; to: number; count: number }): MoneyPair {
  const upTo = (side: Side, units: number): number => Math.floor((amount[side] * units) / range.count)
  return eachSide((side) => upTo(side, range.to) - upTo(side, range.from))
}
