import type { Money } from "../api/answers.ts"

// ISO 4217, as amounts of the API are counted. What a browser knows differs: of HUF, RSD or IDR it shows no decimals.
const noDecimals = new Set("BIF BYR CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" "))
const threeDecimals = new Set("BHD IQD JOD KWD LYD OMR TND".split(" "))

/** How many decimals a currency has: 2 for EUR, 0 for JPY, 3 for KWD. */
function decimalsOf(currency: string): number {
  return noDecimals.has(currency) ? 0 : threeDecimals.has(currency) ? 3 : 2
}

/** The amount without its currency, in the reader's way of writing numbers, with a real minus sign. */
export function amountText({ amountMinor, currency }: Money, locale?: string): string {
  const digits = decimalsOf(currency)
  const format = new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits })
  // As a text, because a large amount in major units is no longer exact as a number.
  return format.format(decimalText({ amountMinor, currency }) as unknown as number).replace("-", "−")
}

/** Exact, with a point, as programs write it. */
export function decimalText({ amountMinor, currency }: Money): string {
  const digits = decimalsOf(currency)
  const figures = String(Math.abs(amountMinor)).padStart(digits + 1, "0")
  const whole = figures.slice(0, figures.length - digits)
  return `${amountMinor < 0 ? "-" : ""}${whole}${digits === 0 ? "" : `.${figures.slice(-digits)}`}`
}

/** Sums by currency. Amounts of two currencies are never added. */
export function sumByCurrency(amounts: readonly (Money | undefined)[]): Money[] {
  const sums = new Map<string, number>()
  for (const amount of amounts)
    if (amount) sums.set(amount.currency, (sums.get(amount.currency) ?? 0) + amount.amountMinor)
  return [...sums]
    .map(([currency, amountMinor]) => ({ amountMinor, currency }))
    .sort((a, b) => (a.currency < b.currency ? -1 : 1))
}
