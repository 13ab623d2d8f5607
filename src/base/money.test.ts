import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { minorDigitsByCurrency } from "./money/currencies.ts"
import { AppError } from "./errors.ts"
import {
  minorDigits,
  money,
  moneyFromDecimal,
  moneyToDecimal,
  roundedMoney,
  negateMoney,
  sameMoney,
  splitMoney,
  subtractMoney,
  sumMoney,
} from "./money.ts"

const currency = fc.constantFrom("EUR", "JPY", "KWD", "USD")
const minor = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
const smallMinor = fc.integer({ min: -1_000_000, max: 1_000_000 })
const weights = fc.array(fc.nat({ max: Number.MAX_SAFE_INTEGER }), { minLength: 1, maxLength: 20 })

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (thrown) {
    return thrown instanceof AppError ? thrown.code : String(thrown)
  }
  return "nothing thrown"
}

describe("money", () => {
  it("parts of a split sum to the whole, up to the largest amounts", () => {
    fc.assert(
      fc.property(minor, weights, (amountMinor, parts) => {
        const split = splitMoney(money(amountMinor, "EUR"), parts)
        expect(split.length).toBe(parts.length)
        expect(split.reduce((sum, part) => sum + BigInt(part.amountMinor), 0n)).toBe(BigInt(amountMinor))
      }),
      { numRuns: 500 },
    )
  })

  it("each part of a split is within one minor unit of its exact share", () => {
    fc.assert(
      fc.property(minor, weights, (amountMinor, parts) => {
        const total = parts.reduce((sum, weight) => sum + BigInt(weight), 0n)
        fc.pre(total > 0n)
        for (const [n, part] of splitMoney(money(amountMinor, "EUR"), parts).entries()) {
          const off = BigInt(part.amountMinor) * total - BigInt(amountMinor) * BigInt(parts[n] ?? 0)
          expect(off < total && off > -total).toBe(true)
        }
      }),
    )
  })

  it("a split goes by largest remainder, ties to the earlier part; weights of zero send all to the first", () => {
    const amounts = (whole: number, parts: number[]) =>
      splitMoney(money(whole, "EUR"), parts).map((part) => part.amountMinor)
    expect(amounts(100, [1, 1, 1])).toEqual([34, 33, 33])
    expect(amounts(-100, [1, 1, 1])).toEqual([-34, -33, -33])
    expect(amounts(10, [1, 2])).toEqual([3, 7])
    expect(amounts(7, [0, 0])).toEqual([7, 0])
    expect(amounts(0, [])).toEqual([])
    expect(codeOf(() => amounts(1, []))).toBe("INVARIANT_BROKEN")
    expect(codeOf(() => amounts(1, [-1, 2]))).toBe("INVARIANT_BROKEN")
    expect(codeOf(() => amounts(1, [0.5]))).toBe("INVARIANT_BROKEN")
  })

  it("what is written as decimal text is read back as it was, in every currency", () => {
    fc.assert(
      fc.property(minor, fc.constantFrom(...Object.keys(minorDigitsByCurrency)), (amountMinor, code) => {
        const value = money(amountMinor, code)
        expect(moneyFromDecimal(moneyToDecimal(value), code)).toEqual(value)
      }),
      { numRuns: 500 },
    )
  })

  it("decimal text is read digit by digit, with the currency's own number of digits", () => {
    const read = (text: string, code: string) => moneyFromDecimal(text, code).amountMinor
    expect([read("19.99", "EUR"), read("500", "JPY"), read("1.234", "KWD")]).toEqual([1999, 500, 1234])
    expect([read("-3", "EUR"), read("+0.5", "EUR"), read("1.5000", "EUR"), read("7.", "EUR")]).toEqual([
      -300, 50, 150, 700,
    ])
    // Well-known floating-point errors: 1.005 × 1000, 8.2 × 100, 0.29 × 100.
    expect([read("1.005", "KWD"), read("8.20", "EUR"), read("0.29", "EUR")]).toEqual([1005, 820, 29])
    expect(Object.is(read("-0.00", "EUR"), 0)).toBe(true)
  })

  it.each(["19.999", "0.001", "abc", "", "1e3", "1,50", "0x10", "--1", "1.2.3", "∞", "١"])(
    "%j is no amount of euros",
    (text) => {
      expect(codeOf(() => moneyFromDecimal(text, "EUR"))).toBe("VENDOR_VALUE_UNKNOWN")
    },
  )

  it("P-33: an order of a time when a withdrawn currency was money can be read", () => {
    expect(moneyFromDecimal("149.90", "HRK")).toEqual({ amountMinor: 14990, currency: "HRK" })
    expect(moneyFromDecimal("20", "LTL")).toEqual({ amountMinor: 2000, currency: "LTL" })
  })

  it("P-45: an amount finer than the minor unit is rounded half away from zero, after it was multiplied", () => {
    const read = (text: string, currency: string, times?: number) => {
      const { amount, isRounded } = roundedMoney(text, { currency, ...(times === undefined ? {} : { times }) })
      return [amount.amountMinor, isRounded]
    }
    expect(read("49.1135125", "EUR")).toEqual([4911, true])
    expect(read("0.005", "EUR")).toEqual([1, true])
    expect(read("-0.005", "EUR")).toEqual([-1, true])
    expect(read("0.3333", "EUR", 3)).toEqual([100, true])
    expect(read("0.25", "JPY", 4)).toEqual([1, false])
    expect(read("19.99", "EUR", 0)).toEqual([0, false])
  })

  it("half a yen, an unknown currency and an amount beyond 2^53 are refused, never rounded", () => {
    expect(codeOf(() => moneyFromDecimal("0.5", "JPY"))).toBe("VENDOR_VALUE_UNKNOWN")
    expect(codeOf(() => minorDigits("XXX"))).toBe("VENDOR_VALUE_UNKNOWN")
    expect(codeOf(() => moneyFromDecimal("90071992547409.92", "EUR"))).toBe("VENDOR_VALUE_UNKNOWN")
    expect(codeOf(() => money(0.1, "EUR"))).toBe("INVARIANT_BROKEN")
  })

  it("sums and differences stay in one currency; mixing them is refused", () => {
    fc.assert(
      fc.property(fc.array(smallMinor), smallMinor, currency, (amounts, more, code) => {
        const values = amounts.map((amount) => money(amount, code))
        const sum = sumMoney(values, code)
        expect(sum.amountMinor).toBe(amounts.reduce((total, amount) => total + amount, 0))
        expect(subtractMoney(sumMoney([sum, money(more, code)], code), money(more, code))).toEqual(sum)
        expect(sameMoney(negateMoney(negateMoney(sum)), sum)).toBe(true)
      }),
    )
    expect(codeOf(() => sumMoney([money(1, "EUR"), money(1, "USD")], "EUR"))).toBe("INVARIANT_BROKEN")
    expect(sameMoney(money(1, "EUR"), money(1, "USD"))).toBe(false)
  })

  it("each currency of the list is named once", () => {
    expect(Object.keys(minorDigitsByCurrency).every((code) => /^[A-Z]{3}$/.test(code))).toBe(true)
    expect([minorDigits("JPY"), minorDigits("EUR"), minorDigits("BHD")]).toEqual([0, 2, 3])
  })
})
