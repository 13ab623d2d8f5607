import { AppError } from "../../../base/errors.ts"
import { own } from "../../../base/lookup.ts"
import { minorDigits, money, type Money } from "../../../base/money.ts"

/**
 * Decimals in Stripe's amounts where they differ from ISO 4217: ISK and UGX are sent with two although they have none,
 * MGA without although it has two. Source: docs.stripe.com/currencies, "Zero-decimal currencies" and "Special cases",
 * read 2026-11.
 */
const stripeDigits: Readonly<Record<string, number>> = { ISK: 2, UGX: 2, MGA: 0 }

/** Minor units → Stripe's integer. VENDOR_REJECTED when Stripe cannot express the amount; nothing is rounded. */
export function toStripeAmount(value: Money): number {
  const factor = stripeFactor(value.currency)
  if (factor.multiply >= 1) return value.amountMinor * factor.multiply
  if (value.amountMinor % factor.divide !== 0)
    throw new AppError(
      "VENDOR_REJECTED",
      `Stripe has no fractions of ${value.currency}: ${value.amountMinor} minor units`,
    )
  return value.amountMinor / factor.divide
}

/** Stripe's integer and lower-case currency → minor units. */
export function fromStripeAmount(amount: number, currency: string): Money {
  const code = currency.toUpperCase()
  const factor = stripeFactor(code)
  if (factor.multiply < 1) return money(amount * factor.divide, code)
  if (amount % factor.multiply !== 0)
    throw new AppError(
      "VENDOR_VALUE_UNKNOWN",
      `${amount} ${code} from Stripe is finer than the currency's smallest unit`,
    )
  return money(amount / factor.multiply, code)
}

function stripeFactor(currency: string): { multiply: number; divide: number } {
  const digits = minorDigits(currency)
  const shift = (own(stripeDigits, currency) ?? digits) - digits
  return shift >= 0 ? { multiply: 10 ** shift, divide: 1 } : { multiply: 0, divide: 10 ** -shift }
}
