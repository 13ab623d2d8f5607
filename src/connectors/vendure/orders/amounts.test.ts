import { describe, expect, test } from "vitest"
import { money } from "../../../base/money.ts"
import { fromShop, toShop } from "./amounts.ts"

describe("P-45: amounts as a shop writes them", () => {
  test.each([
    [1234, "EUR", undefined, 1234],
    [-5, "EUR", undefined, -5],
    [10_000, "JPY", undefined, 10_000],
    [10_000, "JPY", 2, 100],
    [12_345, "EUR", 3, 1235],
    [-12_345, "EUR", 3, -1235],
    [12, "EUR", 0, 1200],
    [7, "KWD", 2, 70],
  ])("%i of %s with %s decimal places are %i minor units", (...row) => {
    const [value, currency, digits, amountMinor] = row
    expect(fromShop(value, { currency, ...(digits === undefined ? {} : { digits }) }).amount).toEqual(
      money(amountMinor, currency),
    )
  })

  test("go back as they came, and one that the shop cannot write is refused", () => {
    expect(toShop(money(1235, "EUR"), { digits: 3 })).toBe(12_350)
    expect(toShop(money(100, "JPY"), { digits: 2 })).toBe(10_000)
    expect(toShop(money(1200, "EUR"), { digits: 0 })).toBe(12)
    expect(() => toShop(money(1235, "EUR"), { digits: 0 })).toThrow("decimal places")
  })
})
