import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { badNeeded, binomialTail, burnOf, poissonAtMost, quantile } from "./chance.ts"

describe("chance", () => {
  it.each([
    [8, 3, 2],
    [50, 5, 3],
    [200, 9, 4],
    [1000, 22, 6],
  ])("of %i outcomes it takes %i misses at 99 %% and %i at 99.9 %% to be no chance", (n, at99, at999) => {
    expect(badNeeded(n, 0.01, 0.001)).toBe(at99)
    expect(badNeeded(n, 0.001, 0.001)).toBe(at999)
  })

  it("tails fall with every further miss, lie between 0 and 1, and rise with the rate", () => {
    const given = fc.record({
      n: fc.integer({ min: 1, max: 2000 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      p: fc.double({ min: 1e-4, max: 0.5, noNaN: true }),
    })
    fc.assert(
      fc.property(given, ({ n, share, p }) => {
        const bad = Math.round(n * share)
        const tail = binomialTail(bad, n, p)
        expect(tail).toBeGreaterThanOrEqual(0)
        expect(tail).toBeLessThanOrEqual(1)
        expect(binomialTail(bad + 1, n, p)).toBeLessThanOrEqual(tail)
        expect(binomialTail(bad, n, Math.min(0.9, p * 1.5))).toBeGreaterThanOrEqual(tail * (1 - 1e-9))
      }),
    )
  })

  it("a tail is the sum of its terms, as counted by hand", () => {
    expect(binomialTail(1, 2, 0.5)).toBeCloseTo(0.75, 12)
    expect(binomialTail(2, 2, 0.1)).toBeCloseTo(0.01, 12)
    expect(binomialTail(0, 5, 0.1)).toBe(1)
    expect(binomialTail(6, 5, 0.1)).toBe(0)
    // Of few and many outcomes the two ways to count factorials meet.
    expect(binomialTail(3, 257, 0.01)).toBeCloseTo(binomialTail(3, 256, 0.01), 2)
  })

  it("no orders at all are news from an expectation of seven on", () => {
    expect(poissonAtMost(0, 7)).toBeLessThan(0.001)
    expect(poissonAtMost(0, 6.8)).toBeGreaterThan(0.001)
    expect(poissonAtMost(2, 2)).toBeCloseTo(0.6767, 4)
  })

  it("burn is how many times faster than agreed the budget goes", () => {
    expect(burnOf({ bad: 2, n: 8, target: 0.99 })).toBeCloseTo(25, 9)
    expect(burnOf({ bad: 1, n: 100, target: 0.99 })).toBeCloseTo(1, 9)
    expect(burnOf({ bad: 0, n: 0, target: 0.99 })).toBe(0)
  })

  it("a quantile is a value of the list", () => {
    expect(quantile([], 0.9)).toBeUndefined()
    expect(quantile([5], 0.9)).toBe(5)
    expect(quantile([9, 1, 2, 3, 4, 5, 6, 7, 8, 10], 0.9)).toBe(9)
  })
})
