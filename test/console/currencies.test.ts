import { expect, test } from "vitest"
import { decimalText } from "../../console/format/money.ts"
import { minorDigitsByCurrency } from "../../src/base/money/currencies.ts"

test("the console shows the decimals of every currency that Crossdock counts in", () => {
  const shown = Object.keys(minorDigitsByCurrency).map((currency) => {
    const [, decimals = ""] = decimalText({ amountMinor: 123_456, currency }).split(".")
    return [currency, decimals.length]
  })
  expect(Object.fromEntries(shown)).toEqual(minorDigitsByCurrency)
})
