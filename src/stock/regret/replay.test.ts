import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { PromiseRule } from "../promise.ts"
import { replay, type BufferPolicy, type Happening, type Regret } from "./replay.ts"

const rule: PromiseRule = { oversellCostMinor: 3000, marginMinor: 1200, currency: "EUR", whileSilentPercent: 100 }
const minute = 60_000

const base = (happenings: Happening[], policy: BufferPolicy, unitsPerHour = 0) =>
  replay({
    openingMilli: 10_000,
    happenings,
    safetyStockMilli: 0,
    source: { locationId: "dc", unitsPerHour, dispersion: 1 },
    ruleOf: () => rule,
    policy,
  })

const order = (at: number, milli = 1000, channel = "shop"): Happening => ({
  kind: "ordered",
  atMs: at * minute,
  channel,
  milli,
})
const unseen = (at: number, known: number, milli: number): Happening => ({
  kind: "seen by the source",
  atMs: at * minute,
  knownMs: known * minute,
  milli,
})

describe("regret by replay (X-06)", () => {
  test("what the source sold unseen and we sold too is oversold, at its cost", () => {
    const [shop] = base([unseen(5, 60, 4_000), order(10, 8_000)], { kind: "fixed", milli: 0 })
    expect(shop).toMatchObject({ soldMilli: 8_000, oversoldMilli: 2_000, regretMinor: 6_000 })
  })

  test("what was refused costs its margin only as far as it was left at the close", () => {
    const [shop] = base([order(10, 8_000), order(11, 4_000)], { kind: "fixed", milli: 3_000 })
    expect(shop).toMatchObject({ soldMilli: 4_000, refusedMilli: 8_000, oversoldMilli: 0, regretMinor: 7_200 })
  })

  test("a sale that was known before the order is in no promise", () => {
    const [shop] = base([unseen(5, 6, 4_000), order(10, 8_000)], { kind: "fixed", milli: 0 })
    expect(shop).toMatchObject({ soldMilli: 0, refusedMilli: 8_000, oversoldMilli: 0 })
  })

  test("units are kept: what is sold is never more than what was there and what is owed", () => {
    const any = fc.array(
      fc.oneof(
        fc
          .record({ at: fc.nat(600), units: fc.integer({ min: 1, max: 3 }) })
          .map(({ at, units }) => order(at, units * 1000)),
        fc.record({ at: fc.nat(600), lag: fc.nat(120) }).map(({ at, lag }) => unseen(at, at + lag, 1000)),
      ),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(any, fc.nat(5), (happenings, fixed) => {
        const [shop] = base(happenings, { kind: "fixed", milli: fixed * 1000 })
        const sold = happenings.reduce((sum, one) => sum + (one.kind === "seen by the source" ? one.milli : 0), 0)
        if (shop)
          expect(10_000 - sold - shop.soldMilli + shop.oversoldMilli).toBeGreaterThanOrEqual(Math.min(10_000 - sold, 0))
      }),
    )
  })
})

/** Numbers that look random and are the same in every run. */
function stream(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** Moments of sales at a rate, within so many minutes. */
function sales(next: () => number, perHour: number, minutes: number): number[] {
  const all: number[] = []
  for (let at = 0; ; all.push(at)) {
    at += (-Math.log(1 - next()) / perHour) * 60
    if (at >= minutes) return all
  }
}

/**
 * A day of twelve hours: the ERP reports every 15 minutes and is dark now and then, up to six hours; channels want as much as there is
 * on most days, and the counter sells three an hour.
 */
function day(seed: number): { happenings: Happening[]; openingMilli: number } {
  const next = stream(seed)
  const minutes = 720
  const darkFrom = next() * minutes
  const darkFor = [0, 0, 0, 0, 10, 30, 120, 360][Math.floor(next() * 8)] ?? 0
  const polls = Array.from({ length: minutes / 15 + 1 }, (_, n) => n * 15)
  const heard = polls.filter((at) => at < darkFrom || at >= darkFrom + darkFor)
  const knownAt = (at: number) => heard.find((poll) => poll >= at) ?? minutes
  const counter = sales(next, 3, minutes).map((at): Happening => unseen(at, knownAt(at), 1000))
  const perHour = 1 + next() * 5
  const orders = ["shop", "market", "app"].flatMap((channel) =>
    sales(next, perHour / 3, minutes).map((at) => order(at, 1000, channel)),
  )
  return {
    openingMilli: (50 + Math.floor(next() * 70)) * 1000,
    happenings: [
      ...counter,
      ...orders,
      ...heard.map((at): Happening => ({ kind: "heard", atMs: at * minute, asOfMs: at * minute })),
    ],
  }
}

describe("the buffer beside fixed ones", () => {
  test("X-06: of 100 units two are sold unseen in ten dark minutes while channels want 5,000: what each buffer costs", () => {
    const dear = { ...rule, oversellCostMinor: 60_000 }
    const channels = ["shop-de", "market", "app"]
    const happenings: Happening[] = [
      { kind: "heard", atMs: 0, asOfMs: 0 },
      unseen(4, 11, 1000),
      unseen(7, 11, 1000),
      ...Array.from({ length: 5000 }, (_, n) => order(10, 1000, channels[n % 3])),
    ]
    const cost = (policy: BufferPolicy) => {
      const all = replay({
        openingMilli: 100_000,
        happenings,
        safetyStockMilli: 0,
        source: { locationId: "dc", unitsPerHour: 2, dispersion: 1 },
        ruleOf: () => dear,
        policy,
      })
      const sum = (pick: (one: Regret) => number) => all.reduce((total, one) => total + pick(one), 0)
      return [sum((one) => one.soldMilli), sum((one) => one.oversoldMilli), sum((one) => one.regretMinor)]
    }
    expect(cost({ kind: "quantile" })).toEqual([98_000, 0, 0])
    expect(cost({ kind: "fixed", milli: 0 })).toEqual([100_000, 2_000, 120_000])
    expect(cost({ kind: "fixed", milli: 10_000 })).toEqual([90_000, 0, 9_600])
  })

  test("over 400 days of three channels the quantile costs less than no buffer and than every fixed one", () => {
    const total = (policy: BufferPolicy, unitsPerHour = 3) => {
      const all = Array.from({ length: 400 }, (_, n) => day(n + 1)).flatMap(({ openingMilli, happenings }): Regret[] =>
        replay({
          openingMilli,
          happenings,
          safetyStockMilli: 0,
          source: { locationId: "dc", unitsPerHour, dispersion: 1 },
          ruleOf: () => rule,
          policy,
        }),
      )
      const sum = (pick: (one: Regret) => number) => all.reduce((total, one) => total + pick(one), 0)
      return {
        regretPerDay: Math.round(sum((one) => one.regretMinor) / 400),
        oversold: sum((one) => one.oversoldMilli) / 1000,
        sold: sum((one) => one.soldMilli) / 1000,
      }
    }
    const quantile = total({ kind: "quantile" })
    const fixed = [0, 1, 2, 3, 5, 8, 12, 20].map(
      (units) => [units, total({ kind: "fixed", milli: units * 1000 })] as const,
    )
    const best = fixed.toSorted(([, one], [, other]) => one.regretPerDay - other.regretPerDay)[0]
    // The figures of docs/decisions/stock-buffer.md.
    expect(quantile.regretPerDay).toBe(555)
    expect(fixed[0]?.[1].regretPerDay).toBe(1515)
    expect([best?.[0], best?.[1].regretPerDay]).toEqual([3, 1272])
    const learntWrong = [1.5, 6].map((unitsPerHour) => total({ kind: "quantile" }, unitsPerHour).regretPerDay)
    expect(learntWrong).toEqual([1155, 260])
  })
})
