import { Type, type Static } from "typebox"
import { AppError, assertInvariant } from "./errors.ts"

/** An amount of goods in thousandths of its unit, because fruit is sold by the kilogram. One piece is `{ milli: 1000, unit: "ea" }`. */
export const Quantity = Type.Object(
  {
    milli: Type.Integer({ minimum: 0, maximum: 1_000_000_000_000 }),
    unit: Type.String({ minLength: 1, maxLength: 8, description: "ea for pieces, otherwise kg, l, m" }),
  },
  { additionalProperties: false },
)
export type Quantity = Static<typeof Quantity>

/** Pieces, weights and lengths: units that say by themselves how much they are. */
export const measures: readonly string[] = ["ea", "kg", "g", "l", "ml", "m", "cm", "m2"]

/** What goods are packed in: how much that is says the product. */
export const packings: readonly string[] = ["case", "tray", "box", "pack", "crate", "pallet"]

/** Whole pieces as a quantity. Throws INVARIANT_BROKEN for fractions and negatives. */
export function pieces(count: number): Quantity {
  assertInvariant(Number.isSafeInteger(count) && count >= 0, `${count} is not a number of pieces`)
  return { milli: count * 1000, unit: "ea" }
}

/** Reads decimal text exactly, at most three digits behind the point; VENDOR_VALUE_UNKNOWN otherwise. */
export function quantityFromDecimal(text: string, unit: string): Quantity {
  const match = /^(\d+)(?:\.(\d*))?$/.exec(text.trim())
  const fraction = match?.[2] ?? ""
  if (!match || /[1-9]/.test(fraction.slice(3)))
    throw new AppError("VENDOR_VALUE_UNKNOWN", `"${text}" is not a quantity in thousandths of ${unit}`)
  return { milli: Number(`${match[1]}${fraction.slice(0, 3).padEnd(3, "0")}`), unit }
}

/** Writes thousandths as the shortest decimal text: 1000 → "1", 1250 → "1.25". */
export function quantityToDecimal(quantity: Quantity): string {
  const text = String(quantity.milli).padStart(4, "0")
  const fraction = text.slice(-3).replace(/0+$/, "")
  return fraction === "" ? text.slice(0, -3) : `${text.slice(0, -3)}.${fraction}`
}
