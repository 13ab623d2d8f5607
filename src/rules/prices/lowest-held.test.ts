import { expect, test } from "vitest"
import { money } from "../../base/money.ts"
import { instant } from "../../base/time.ts"
import type { Price } from "../../canonical/catalogue/price.ts"
import { lowestHeld, type SaidPrice } from "./lowest-held.ts"

const day = (n: number) => instant(Date.UTC(2026, 9, n))
const price = (amountMinor: number, more: Partial<Price> = {}): Price => {
  return { type: "base", amount: money(amountMinor, "EUR"), taxBasis: "inclusive", scope: {}, validity: {}, ...more }
}
const said = (n: number, one: Price | undefined, record = "base"): SaidPrice => {
  return { source: "erp", record, layer: "owned", at: day(n), ...(one ? { price: one } : {}) }
}
const at = (n: number, more: object = {}) => ({
  sku: "TEE-M",
  currency: "EUR",
  location: "117",
  days: 30,
  atMs: Date.UTC(2026, 9, n),
  ...more,
})

test("a sale that ended within the days counts, and one that ended before them does not", () => {
  const sale = price(1500, { type: "sale", validity: { from: day(5), until: day(10) } })
  const all = [said(1, price(1999)), said(1, sale, "sale")]
  expect(lowestHeld(all, at(20))).toEqual({ inclusive: 1500 })
  expect(lowestHeld(all, at(39))).toEqual({ inclusive: 1500 })
  expect(lowestHeld(all, at(41))).toEqual({ inclusive: 1999 })
  // One that is to come does not count.
  expect(lowestHeld(all, at(4))).toEqual({ inclusive: 1999 })
})

test("a record that was said anew held as it was until then, and one that was ended until its end", () => {
  const raised = [said(1, price(1000)), said(20, price(1999))]
  expect(lowestHeld(raised, at(25))).toEqual({ inclusive: 1000 })
  expect(lowestHeld(raised, at(51))).toEqual({ inclusive: 1999 })
  const ended = [said(1, price(1000)), said(8, undefined)]
  expect(lowestHeld(ended, at(20))).toEqual({ inclusive: 1000 })
  expect(lowestHeld(ended, at(60))).toEqual({})
})

test("the first saying of a record holds since its beginning, however late it was said", () => {
  expect(lowestHeld([said(20, price(1500, { validity: { from: day(1), until: day(10) } }))], at(21))).toEqual({
    inclusive: 1500,
  })
})

test("prices of other stores, other currencies, other units and of no buyers do not count, and nothing is made up", () => {
  const others = [
    said(1, price(1, { scope: { location: "118" } }), "a"),
    said(1, price(1, { amount: money(1, "CHF") }), "b"),
    said(1, price(1, { scope: { unit: "CS" } }), "c"),
    said(1, price(1, { type: "cost" }), "d"),
  ]
  expect(lowestHeld(others, at(20))).toEqual({})
  expect(lowestHeld([...others, said(1, price(700, { taxBasis: "exclusive" }))], at(20))).toEqual({ exclusive: 700 })
})
