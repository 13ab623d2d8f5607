import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { availableToPromise, defaultFreshness, widenedBuffer, type PromiseInput } from "./promise.ts"

const amount = fc.integer({ min: 0, max: 1_000_000 })
const anyInput: fc.Arbitrary<PromiseInput> = fc.record({
  onHandMilli: fc.integer({ min: -10_000, max: 1_000_000 }),
  reservedMilli: amount,
  safetyStockMilli: amount,
  bufferMilli: amount,
  backorderLimitMilli: amount,
  freshnessAgeMs: fc.option(amount),
})
const policy = { freshForMs: 1_000, staleAfterMs: 11_000, widestPercent: 50 }
const input: PromiseInput = {
  onHandMilli: 10_000,
  reservedMilli: 2_000,
  safetyStockMilli: 1_000,
  bufferMilli: 500,
  backorderLimitMilli: 0,
  freshnessAgeMs: 0,
}

describe("what may be promised", () => {
  test("on hand less reserved, safety stock and buffer while the source is fresh", () => {
    expect(availableToPromise(input, policy)).toBe(6_500)
  })

  test("half way to stale a quarter of what stands there is held back besides the buffer", () => {
    expect(widenedBuffer({ ...input, freshnessAgeMs: 6_000 }, policy)).toBe(3_000)
    expect(availableToPromise({ ...input, freshnessAgeMs: 6_000 }, policy)).toBe(4_000)
  })

  test("nothing once the source is stale", () => {
    expect(availableToPromise({ ...input, freshnessAgeMs: 11_000 }, policy)).toBe(0)
  })

  test("never below zero, and never more as the source grows older", () => {
    fc.assert(
      fc.property(anyInput, amount, (given, older) => {
        const now = availableToPromise(given, policy)
        expect(now).toBeGreaterThanOrEqual(0)
        const age = given.freshnessAgeMs ?? 0
        const aged = { ...given, freshnessAgeMs: age + older }
        expect(availableToPromise(aged, policy)).toBeLessThanOrEqual(
          availableToPromise({ ...given, freshnessAgeMs: age }, policy),
        )
      }),
    )
  })

  test("the default policy does not widen", () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        expect(widenedBuffer(given, defaultFreshness)).toBe(given.bufferMilli)
      }),
    )
  })
})
