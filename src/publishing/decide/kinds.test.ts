import { expect, test } from "vitest"
import { kindOf } from "./kinds.ts"
import type { ShownPrice } from "./row.ts"

const price = kindOf<ShownPrice>({ aspect: "price" })
const wanted: ShownPrice = { amountMinor: 1990, currency: "EUR" }

test("a list in which the channel has no price yet shows something else than what is wanted, and nothing that can be adopted", () => {
  const none: ShownPrice = { none: true }
  expect(price.same(none, wanted)).toBe(false)
  expect(price.same(none, { none: true })).toBe(true)
  expect(price.under(wanted, none)).toEqual(wanted)
  expect(price.text(none)).toBe("no price")
})

test("a first price waits behind prices that are too low", () => {
  const low = price.urgency(wanted, { amountMinor: 199, currency: "EUR" })
  expect(price.urgency(wanted, { none: true }).rank).toBeGreaterThan(low.rank)
})
