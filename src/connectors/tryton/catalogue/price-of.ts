import { AppError } from "../../../base/errors.ts"
import { contentDigest } from "../../../base/ids.ts"
import { roundedMoney, type Money } from "../../../base/money.ts"
import type { Price } from "../../../canonical/catalogue/price.ts"
import { objectOf } from "../client.ts"
import type { TrytonSettings } from "../settings.ts"
import type { PriceSource } from "./settings.ts"
import type { ToldPrice } from "./told-product.ts"

/** Names the record of a price: of a product, a price list, and the place that the settings give it. */
export function recordOf(product: number, { list, market, channel, group }: PriceSource): string {
  const place = [market, channel, group].map((part) => part ?? "").join("/")
  const short = place.length > 80 ? contentDigest(place).slice(0, 32) : place
  return `${product}/${list === undefined ? "list price" : `list ${list}`}/${short}`
}

/** A price of a product, or undefined where Tryton has none. VENDOR_VALUE_UNKNOWN when it cannot be money. */
export function priceOf(
  { amount: told }: ToldPrice,
  { source, settings }: { source: PriceSource; settings: TrytonSettings },
): Price | undefined {
  if (told === null) return undefined
  const text = objectOf(told)["decimal"]
  if (typeof text !== "string") throw new AppError("VENDOR_VALUE_UNKNOWN", "is no decimal")
  const amount = moneyOf(text, { ...source, currency: settings.currency })
  // The list price may not be left empty, so 0 stands where there is none (trytond modules/product/product.py, 6.0).
  if (amount.amountMinor === 0) return undefined
  const { tax: taxBasis, market, channel, group } = source
  const scope = { ...(market && { market }), ...(channel && { channel }), ...(group && { group }) }
  return { type: "base", amount, taxBasis, scope, validity: {} }
}

/** Digits of a price in Tryton (`price_decimal` of its configuration, 4 unless somebody changed it). */
const priceDigits = 4

/**
 * A line of a sale rounds what a list computes to these digits (trytond modules/sale/sale.py, `compute_unit_price`, 6.0), so the price
 * that Tryton itself would ask is the rounded one: of 0.10 a unit of 144 leaves 0.09999999999999999999999999999.
 */
function moneyOf(
  text: string,
  { currency, rounding = "refuse" }: Pick<PriceSource, "rounding"> & { currency: string },
): Money {
  const asked = halfEven(text, priceDigits)
  const { amount, isRounded } = roundedMoney(asked, { currency })
  if (isRounded && rounding === "refuse")
    throw new AppError(
      "VENDOR_VALUE_UNKNOWN",
      `${asked} is finer than the smallest unit of ${currency}; round it in Tryton, or set rounding`,
    )
  return amount
}

/** A decimal text with at most so many digits, as Python's `quantize` rounds by default: half to the even digit. */
export function halfEven(text: string, digits: number): string {
  const { sign, whole, fraction } = plain(text)
  if (fraction.length <= digits) return `${sign}${whole}.${fraction}`
  const kept = BigInt(`${whole}${fraction.slice(0, digits)}`)
  const rest = fraction.slice(digits)
  const half = `5${"0".repeat(rest.length - 1)}`
  const isUp = rest > half || (rest === half && kept % 2n === 1n)
  const all = String(kept + (isUp ? 1n : 0n)).padStart(digits + 1, "0")
  return `${sign}${all.slice(0, -digits)}.${all.slice(-digits)}`
}

/** The digits of a decimal as Python writes it: 0 of 26 places is "0E-26", and ten is "1E+1" after a division. */
function plain(text: string): { sign: string; whole: string; fraction: string } {
  const [, sign = "", whole = "", fraction = "", power = "0"] =
    /^(-?)(\d+)(?:\.(\d*))?(?:E([+-]\d{1,3}))?$/.exec(text) ?? []
  if (whole === "") throw new AppError("VENDOR_VALUE_UNKNOWN", `"${text}" is not a decimal amount`)
  const digits = `${whole}${fraction}`
  const place = whole.length + Number(power)
  if (place <= 0) return { sign, whole: "0", fraction: `${"0".repeat(-place)}${digits}` }
  const padded = digits.padEnd(place, "0")
  return { sign, whole: padded.slice(0, place), fraction: padded.slice(place) }
}
