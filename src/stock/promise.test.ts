import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { busyHours, busyUntil, profileOf } from "./demand/profile.ts"
import { demandQuantile, demandWithin, meanBeyond } from "./demand/quantile.ts"
import { nextPromiseChange, promiseOf, serviceLevel, type PromiseInput, type PromiseRule } from "./promise.ts"

const hour = 3_600_000
const now = Date.UTC(2026, 10, 25, 12)
const rule: PromiseRule = { oversellCostMinor: 3000, marginMinor: 1200, currency: "EUR", whileSilentPercent: 100 }
const source = { locationId: "store-1", heardMs: now, unitsPerHour: 2, dispersion: 1 }
const input: PromiseInput = {
  onHandMilli: 10_000,
  reservedMilli: 2_000,
  safetyStockMilli: 1_000,
  declaredBufferMilli: 0,
  backorderLimitMilli: 0,
  sources: [source],
  silentMilli: 0,
}
const promised = (more: Partial<PromiseInput>, at = now, by = rule) =>
  promiseOf({ ...input, ...more }, by, at).availableToPromiseMilli

const amount = fc.integer({ min: 0, max: 1_000_000 })
const anySource = fc.record({
  locationId: fc.constantFrom("store-1", "store-2"),
  heardMs: fc.integer({ min: now - 30 * hour, max: now }),
  unitsPerHour: fc.double({ min: 0, max: 40, noNaN: true }),
  dispersion: fc.double({ min: 1, max: 8, noNaN: true }),
})
const anyInput: fc.Arbitrary<PromiseInput> = fc.record({
  onHandMilli: fc.integer({ min: -10_000, max: 1_000_000 }),
  reservedMilli: amount,
  safetyStockMilli: amount,
  declaredBufferMilli: amount,
  backorderLimitMilli: amount,
  sources: fc.array(anySource, { maxLength: 3 }),
  silentMilli: amount,
})

describe("what may be promised (X-06, P-11)", () => {
  test("on hand less reserved and safety stock while the source is fresh", () => {
    expect(promised({})).toBe(7_000)
  })

  test("as a source goes silent the buffer grows to the quantile of what it sells, unit by unit", () => {
    // Costs of 30 and 12 cover 71.4 % of what may happen; of Poisson(2) that is 3 units, of Poisson(4) 5.
    expect(serviceLevel(rule)).toBeCloseTo(0.714, 3)
    expect(promised({}, now + hour)).toBe(4_000)
    expect(promised({}, now + 2 * hour)).toBe(2_000)
    expect(promised({}, now + 6 * hour)).toBe(0)
  })

  test("a declared buffer is the least that is held back, and is not added to the quantile", () => {
    expect(promised({ declaredBufferMilli: 2_000 })).toBe(5_000)
    expect(promised({ declaredBufferMilli: 2_000 }, now + hour)).toBe(4_000)
  })

  test("bursts need more than a steady trickle of the same mean", () => {
    const bursty = [{ ...source, dispersion: 6 }]
    expect(promised({ onHandMilli: 100_000, sources: bursty }, now + 4 * hour)).toBeLessThan(
      promised({ onHandMilli: 100_000 }, now + 4 * hour),
    )
  })

  test("S-91: of what a silent source had only the declared part is promised", () => {
    const half = { ...rule, whileSilentPercent: 50 }
    expect(promised({ sources: [], silentMilli: 4_000 }, now, half)).toBe(5_000)
    expect(promised({ sources: [], silentMilli: 8_000 }, now, { ...rule, whileSilentPercent: 0 })).toBe(0)
  })

  test("never below zero, and never more as the sources grow older", () => {
    fc.assert(
      fc.property(anyInput, fc.integer({ min: 0, max: 200 * hour }), (given, older) => {
        const { availableToPromiseMilli: one } = promiseOf(given, rule, now)
        const { availableToPromiseMilli: later } = promiseOf(given, rule, now + older)
        expect(later).toBeGreaterThanOrEqual(0)
        expect(later).toBeLessThanOrEqual(one)
      }),
      { numRuns: 300 },
    )
  })
})

describe("when the promise changes next", () => {
  test("the promise is the same until just before, and lower just after, for any sources", () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const at = nextPromiseChange(given, rule, now)
        const before = promiseOf(given, rule, now)
        if (at === undefined) return
        expect(at).toBeGreaterThan(now)
        expect(promiseOf(given, rule, Math.max(now, at - 2000)).bufferMilli).toBe(before.bufferMilli)
        expect(promiseOf(given, rule, at + 2000).bufferMilli).toBeGreaterThan(before.bufferMilli)
      }),
      { numRuns: 300 },
    )
  })

  test("never, when nothing is promised or nobody else sells", () => {
    expect(nextPromiseChange({ ...input, onHandMilli: 0 }, rule, now)).toBeUndefined()
    expect(nextPromiseChange({ ...input, sources: [] }, rule, now)).toBeUndefined()
  })
})

describe("demand", () => {
  test("the quantile is the smallest number with enough probability behind it", () => {
    const mean = fc.double({ min: 0, max: 300, noNaN: true })
    const dispersion = fc.double({ min: 1, max: 10, noNaN: true })
    fc.assert(
      fc.property(mean, dispersion, fc.double({ min: 0.05, max: 0.99, noNaN: true }), (m, d, level) => {
        const units = demandQuantile({ mean: m, dispersion: d }, level)
        expect(demandWithin({ mean: m, dispersion: d }, units)).toBeGreaterThanOrEqual(level - 1e-9)
        expect(demandWithin({ mean: m, dispersion: d }, units - 1)).toBeLessThan(level + 1e-9)
        expect(meanBeyond(units, { dispersion: d, level })).toBeGreaterThanOrEqual(m * (1 - 1e-6))
      }),
      { numRuns: 200 },
    )
  })

  test("an hour twice as busy counts twice, and no other hour", () => {
    const monday = Date.UTC(2026, 10, 23)
    const busy = profileOf(new Map([[9, 1_000]]))
    expect(busyHours(monday + 9 * hour, monday + 10 * hour, busy)).toBeGreaterThan(100)
    expect(busyHours(monday + 10 * hour, monday + 11 * hour, busy)).toBeLessThan(0.5)
    expect(busyHours(monday, monday + 7 * 24 * hour, busy)).toBeCloseTo(168, 6)
    const until = busyUntil(monday, 20, busy)
    expect(busyHours(monday, until ?? 0, busy)).toBeCloseTo(20, 6)
  })
})
