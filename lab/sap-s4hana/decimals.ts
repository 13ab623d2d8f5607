/** SAP's decimals travel as text; here they are integers of a fixed scale while they are worked with. */
export function scaled(text: unknown, scale: number): bigint | undefined {
  const match = /^\s*(-?)(\d{1,20})(?:\.(\d+))?\s*$/.exec(String(text ?? ""))
  if (match === null) return undefined
  const fraction = (match[3] ?? "").replace(/0+$/, "")
  if (fraction.length > scale) return undefined
  const value = BigInt(`${match[2] ?? "0"}${fraction.padEnd(scale, "0")}`)
  return match[1] === "-" ? -value : value
}

export function decimalOf(value: bigint, scale: number): string {
  const sign = value < 0n ? "-" : ""
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0")
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** Quantities have three decimals at most and are written without trailing zeros: `2`, `0.5`. */
export function quantityText(milli: bigint): string {
  return decimalOf(milli, 3).replace(/\.?0+$/, "")
}

/** Half away from zero. */
export function dividedRounded(numerator: bigint, denominator: bigint): bigint {
  const isNegative = numerator < 0n
  const absolute = isNegative ? -numerator : numerator
  const quotient = (2n * absolute + denominator) / (2n * denominator)
  return isNegative ? -quotient : quotient
}

// ISO 4217 minor unit digits where they are not 2, of the currencies the lab uses.
const exponents: Record<string, number> = { JPY: 0, KRW: 0, KWD: 3, BHD: 3, TND: 3 }

export function currencyScale(currency: string): number {
  return exponents[currency] ?? 2
}
