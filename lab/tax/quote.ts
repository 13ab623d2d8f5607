import type { TaxRate } from "./rates.ts"

export type ChargedTax = { title: string; ratePercent: string; amountMinor: number }

// Rates are counted in ten-thousandths of a percent: 1,000,000 of them are the whole.
const whole = 1_000_000n

/**
 * The taxes on one line: rounded half up once for the line, then shared out by largest remainder, so that the parts sum
 * to it (docs/reference/http-json-systems.md, "Tax").
 */
export function taxLine(options: {
  amountMinor: number
  rates: readonly TaxRate[]
  isIncluded: boolean
}): ChargedTax[] {
  // A credit is taxed like what it takes off.
  const sign = options.amountMinor < 0 ? -1 : 1
  const amount = BigInt(Math.abs(options.amountMinor))
  const rateSum = options.rates.reduce((sum, rate) => sum + BigInt(rate.rateTenThousandths), 0n)
  if (rateSum === 0n) return []
  const divisor = options.isIncluded ? whole + rateSum : whole
  const total = (amount * rateSum * 2n + divisor) / (divisor * 2n)
  const shares = options.rates.map((rate) => {
    const numerator = total * BigInt(rate.rateTenThousandths)
    return { rate, minor: numerator / rateSum, remainder: numerator % rateSum }
  })
  let left = total - shares.reduce((sum, share) => sum + share.minor, 0n)
  for (const share of [...shares].sort((a, b) => Number(b.remainder - a.remainder))) {
    if (left === 0n) break
    share.minor += 1n
    left -= 1n
  }
  return shares.map(({ rate, minor }) => ({
    title: rate.title,
    ratePercent: rate.ratePercent,
    amountMinor: sign * Number(minor),
  }))
}
