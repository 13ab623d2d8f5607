import type { DiscountAllocation, MoneyPair, OrderLine, ShippingLine, Side, TaxLine } from "./model.ts"
import { add, divideRounded, eachSide, share, sides, subtract, times } from "./money.ts"
import { lineDiscount, lineTotal } from "./totals.ts"

export type TaxRate = { title: string; ratePpm: number }

const million = 1_000_000

/**
 * The tax on one amount. Inside the price the rates share one sum by largest remainder; on top of it each rate is
 * rounded by itself, as Shopify's tax lines show it.
 */
export function taxLinesOn(base: MoneyPair, rates: readonly TaxRate[], taxesIncluded: boolean): TaxLine[] {
  const bySide = (side: Side): number[] => (taxesIncluded ? inside(base[side], rates) : onTop(base[side], rates))
  const shop = bySide("shop")
  const presentment = bySide("presentment")
  return rates.map((rate, index) => ({
    title: rate.title,
    ratePpm: rate.ratePpm,
    price: { shop: shop[index] ?? 0, presentment: presentment[index] ?? 0 },
  }))
}

function inside(amountMinor: number, rates: readonly TaxRate[]): number[] {
  const ppm = rates.map((rate) => rate.ratePpm)
  const sum = ppm.reduce((left, right) => left + right, 0)
  return share(divideRounded(amountMinor * sum, million + sum), ppm)
}

function onTop(amountMinor: number, rates: readonly TaxRate[]): number[] {
  return rates.map((rate) => divideRounded(amountMinor * rate.ratePpm, million))
}

/** Splits one discount over lines in proportion to their remaining amounts, never below zero. */
export function discountAcross(
  lines: readonly OrderLine[],
  application: { index: number; percentage?: number; amount?: MoneyPair },
): void {
  const left = lines.map(lineTotal)
  const whole = add(...left)
  const shared = new Map<Side, number[]>()
  for (const side of sides) {
    const wanted =
      application.percentage === undefined
        ? Math.min(application.amount?.[side] ?? 0, whole[side])
        : divideRounded(whole[side] * application.percentage, 100)
    shared.set(
      side,
      share(
        wanted,
        left.map((pair) => pair[side]),
      ),
    )
  }
  for (const [index, line] of lines.entries()) {
    line.discountAllocations.push({
      amount: eachSide((side) => shared.get(side)?.[index] ?? 0),
      applicationIndex: application.index,
    })
  }
}

/** A discount on one line or shipping line: a percentage of it, or an amount no greater than it. */
export function discountOne(
  line: OrderLine | ShippingLine,
  application: { index: number; percentage?: number; amount?: MoneyPair },
): DiscountAllocation {
  const full = "price" in line ? line.price : times(line.unitPrice, line.quantity)
  const left = subtract(full, lineDiscount(line))
  const amount = eachSide((side) =>
    application.percentage === undefined
      ? Math.min(application.amount?.[side] ?? 0, left[side])
      : divideRounded(left[side] * application.percentage, 100),
  )
  const allocation = { amount, applicationIndex: application.index }
  line.discountAllocations.push(allocation)
  return allocation
}
