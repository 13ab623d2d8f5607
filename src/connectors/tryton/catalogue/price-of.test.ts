import fc from "fast-check"
import { expect, test } from "vitest"
import { halfEven, priceOf, recordOf } from "./price-of.ts"

const settings = { currency: "EUR" } as Parameters<typeof priceOf>[1]["settings"]
const said = (decimal: string, rounding?: "half up") =>
  priceOf(
    { amount: { __class__: "Decimal", decimal } },
    { source: { tax: "exclusive", ...(rounding && { rounding }) }, settings },
  )

test("a price is what Tryton writes, whichever way Python writes it", () => {
  for (const [text, minor] of [
    ["10", 1000],
    ["19.99", 1999],
    ["19.9900", 1999],
    ["1E+1", 1000],
    ["1.25E+2", 12_500],
    ["0.09999999999999999999999999999", 10],
    ["1999E-2", 1999],
  ] as const)
    expect(said(text)?.amount).toEqual({ amountMinor: minor, currency: "EUR" })
})

test("a price finer than a cent is refused with its value and what to do, or rounded where the settings say so", () => {
  expect(() => said("9.995")).toThrow(
    /9\.995 is finer than the smallest unit of EUR; round it in Tryton, or set rounding/,
  )
  expect(said("9.995", "half up")?.amount.amountMinor).toBe(1000)
  expect(said("8.33333333333333333333", "half up")?.amount.amountMinor).toBe(833)
})

test("0 is no price, and neither is nothing", () => {
  for (const text of ["0", "0.00", "0E-26", "0.00001"]) expect(said(text)).toBeUndefined()
  expect(priceOf({ amount: null }, { source: { tax: "exclusive" }, settings })).toBeUndefined()
})

test("what is no decimal is refused, never read as something else", () => {
  for (const text of ["NaN", "Infinity", "", "1,5", "1.5e3"])
    expect(() => said(text)).toThrow(/is not a decimal amount/)
  expect(() => priceOf({ amount: 9.5 }, { source: { tax: "exclusive" }, settings })).toThrow("is no decimal")
})

test("half to even is never more than half a digit off, and leaves what is short enough as it is", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n }), fc.integer({ min: 0, max: 12 }), (value, places) => {
      const text = String(value).padStart(places + 1, "0")
      const decimal = places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`
      const [whole = "", fraction = ""] = halfEven(decimal, 4).split(".")
      const scale = 10n ** 12n
      const before = value * (scale / 10n ** BigInt(places))
      const after = BigInt(`${whole}${fraction.padEnd(12, "0")}`)
      const off = before > after ? before - after : after - before
      expect(off * 2n <= scale / 10n ** 4n).toBe(true)
      if (places <= 4) expect(off).toBe(0n)
    }),
  )
  expect([halfEven("0.00005", 4), halfEven("0.00015", 4), halfEven("0.000151", 4)]).toEqual([
    "0.0000",
    "0.0002",
    "0.0002",
  ])
})

test("prices of one product in several places have records of their own, of any length", () => {
  const sources = [
    { tax: "exclusive" },
    { tax: "exclusive", list: 3 },
    { tax: "exclusive", market: "DE" },
    { tax: "exclusive", channel: "DE" },
    { tax: "exclusive", group: "x".repeat(64), channel: "y".repeat(32) },
    { tax: "exclusive", group: "x".repeat(64), channel: "y".repeat(31) },
  ] as const
  const records = sources.map((source) => recordOf(7, source))
  expect(new Set(records).size).toBe(sources.length)
  for (const record of records) expect(record.length).toBeLessThanOrEqual(128)
})
