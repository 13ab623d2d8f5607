import { AppError } from "../../../base/errors.ts"
import { minorDigits, roundedMoney, type Money } from "../../../base/money.ts"

/**
 * How a shop writes amounts: integers with so many decimal places (`MoneyStrategy.precision`, 2 unless the shop changed it,
 * https://docs.vendure.io/reference/typescript-api/money/money-strategy, read 2026-11). Absent: those of the currency.
 */
export interface ShopAmounts {
  digits?: number
}

/** An integer of the shop as money. An amount finer than the minor unit is rounded half away from zero (P-45). */
export function fromShop(
  value: number,
  { currency, digits = minorDigits(currency) }: ShopAmounts & { currency: string },
): { amount: Money; isRounded: boolean } {
  const text = String(Math.abs(value)).padStart(digits + 1, "0")
  const cut = text.length - digits
  const fraction = digits === 0 ? "" : `.${text.slice(cut)}`
  return roundedMoney(`${value < 0 ? "-" : ""}${text.slice(0, cut)}${fraction}`, { currency })
}

/** Money as the shop writes it. VENDOR_REJECTED when the shop has no place for its last digits. */
export function toShop({ amountMinor, currency }: Money, { digits = minorDigits(currency) }: ShopAmounts): number {
  const more = digits - minorDigits(currency)
  if (more >= 0) return amountMinor * 10 ** more
  const whole = amountMinor / 10 ** -more
  if (Number.isSafeInteger(whole)) return whole
  throw new AppError(
    "VENDOR_REJECTED",
    `the shop writes ${currency} with ${digits} decimal places, not ${amountMinor} minor units`,
  )
}
