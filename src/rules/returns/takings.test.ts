import fc from "fast-check"
import { expect, test } from "vitest"
import { standTakings, type LineSold, type Taking } from "./takings.ts"

const sold: LineSold = { milli: 3000, paidMinor: 1000, unit: "ea", sku: "TEE-M" }
const taking = (of: Partial<Taking> & { pieces: number; givenMinor: number }): Taking => {
  const { pieces, ...more } = of
  return { key: "a", milli: pieces * 1000, amounts: 1, unit: "ea", sku: "TEE-M", ...more }
}

test("a unit that two stores take back counts for the first, and what the second gave is lost", () => {
  expect(
    standTakings({ ...sold, milli: 1000 }, [
      taking({ key: "a", pieces: 1, givenMinor: 1000 }),
      taking({ key: "b", pieces: 1, givenMinor: 1000 }),
    ]),
  ).toEqual([
    { key: "a", grantedMilli: 1000, lostMilli: 0, lostMinor: 0 },
    { key: "b", grantedMilli: 0, lostMilli: 1000, lostMinor: 1000, why: "given back before" },
  ])
})

test("three pieces for 10.00 come back one by one as a till rounds them, and nothing is lost", () => {
  const all = ["a", "b", "c"].map((key) => taking({ key, pieces: 1, givenMinor: 334 }))
  expect(standTakings(sold, all).map(({ lostMinor }) => lostMinor)).toEqual([0, 0, 0])
})

test("O#230778 of two pieces with serials the one that was sold comes back, and no other", () => {
  const one = { ...sold, milli: 1000, serial: "S-1" }
  expect(
    standTakings(one, [
      taking({ key: "a", pieces: 1, givenMinor: 1000, serial: "S-2" }),
      taking({ key: "b", pieces: 1, givenMinor: 1000, serial: "S-1" }),
    ]),
  ).toEqual([
    { key: "a", grantedMilli: 0, lostMilli: 1000, lostMinor: 1000, why: "other goods" },
    { key: "b", grantedMilli: 1000, lostMilli: 0, lostMinor: 0 },
  ])
})

test("another article, and another unit, are other goods", () => {
  const [article, unit] = standTakings(sold, [
    taking({ key: "a", pieces: 1, givenMinor: 300, sku: "MUG" }),
    taking({ key: "b", pieces: 1, givenMinor: 300, unit: "kg" }),
  ])
  expect([article?.why, unit?.why]).toEqual(["other goods", "other goods"])
})

test("E#49189 a discounted sale that comes back at its price before the discount: the discount is lost", () => {
  expect(standTakings(sold, [taking({ key: "a", pieces: 3, givenMinor: 1500 })])).toEqual([
    { key: "a", grantedMilli: 3000, lostMilli: 0, lostMinor: 500, why: "more than was paid" },
  ])
})

const anyTakings = fc.uniqueArray(
  fc.record({
    key: fc.string(),
    milli: fc.integer({ min: 1, max: 5000 }),
    givenMinor: fc.integer({ min: 0, max: 3000 }),
    amounts: fc.integer({ min: 1, max: 3 }),
    unit: fc.constant("ea"),
  }),
  { selector: ({ key }) => key, maxLength: 8 },
)
const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0)

test("P-18: whatever tills take back, in any order: no more than was sold stands, and all that was wanted stands or is lost", () => {
  fc.assert(
    fc.property(anyTakings, fc.integer({ min: 1, max: 9000 }), (takings, milli) => {
      const of = { ...sold, milli, paidMinor: 2000 }
      const standing = standTakings(of, takings)
      const granted = sum(standing.map(({ grantedMilli }) => grantedMilli))
      expect(granted).toBe(Math.min(milli, sum(takings.map((one) => one.milli))))
      for (const [n, { grantedMilli, lostMilli, lostMinor }] of standing.entries()) {
        expect(grantedMilli + lostMilli).toBe(takings[n]?.milli)
        expect(lostMinor).toBeGreaterThanOrEqual(0)
        expect(lostMinor).toBeLessThanOrEqual(takings[n]?.givenMinor ?? 0)
      }
      const backwards = standTakings(of, takings.toReversed())
      expect(sum(backwards.map(({ grantedMilli }) => grantedMilli))).toBe(granted)
    }),
    { numRuns: 2000 },
  )
})

test("P-18: one that is voided is as if it had never been, and takes nothing from the others", () => {
  fc.assert(
    fc.property(anyTakings, fc.nat(), (takings, at) => {
      const without = takings.filter((_, n) => n !== at % Math.max(1, takings.length))
      const before = new Map(standTakings(sold, takings).map((one) => [one.key, one.grantedMilli]))
      for (const { key, grantedMilli } of standTakings(sold, without))
        expect(grantedMilli).toBeGreaterThanOrEqual(before.get(key) ?? 0)
    }),
    { numRuns: 1000 },
  )
})
