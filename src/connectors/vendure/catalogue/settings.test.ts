import { expect, test } from "vitest"
import { assertLists } from "./settings.ts"

const lists = (of: object) => of as never

test("two lists at one place of the shop are refused, and each is named", () => {
  const swiss = { channel: "swiss", currency: "CHF" }
  const prices = {
    currency: "EUR",
    lists: lists({ CH: swiss, LI: swiss, BE: { currency: "EUR" }, US: { currency: "USD" } }),
  }
  expect(() => assertLists(prices, undefined)).toThrow(
    expect.objectContaining({
      code: "CONFIG_INVALID",
      problems: [
        expect.objectContaining({ pointer: "/prices/lists/LI", message: expect.stringContaining("/prices/lists/CH") }),
        expect.objectContaining({ pointer: "/prices/lists/BE", message: expect.stringContaining("/prices is") }),
      ],
    }),
  )
  const apart = { currency: "EUR", lists: lists({ CH: swiss, DE: { channel: "swiss", currency: "EUR" } }) }
  expect(() => assertLists(apart, undefined)).not.toThrow()
})

test("a currency with other than two decimal places is refused until somebody says how the shop writes it", () => {
  const prices = { currency: "JPY", lists: lists({ KW: { currency: "KWD" }, US: { currency: "USD" } }) }
  expect(() => assertLists(prices, undefined)).toThrow(
    expect.objectContaining({
      code: "CONFIG_INVALID",
      problems: [
        {
          pointer: "/prices/currency",
          message: "JPY has 0 decimal places: set moneyDigits to those with which the shop writes it",
        },
        expect.objectContaining({ pointer: "/prices/lists/KW/currency" }),
      ],
    }),
  )
  expect(() => assertLists(prices, 2)).not.toThrow()
})
