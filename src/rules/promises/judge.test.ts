import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { chanceMost, concentrationOf, judgeWindow, windowsToJudge } from "./judge.ts"
import { windowsOf } from "./windows.ts"

const how = { target: 0.99, least: 50, series: 1, money: 1000, floor: 100 }

describe("a promise's window", () => {
  it("tells people when the budget burns fast, chance explains nothing, and the money is enough", () => {
    expect(judgeWindow({ n: 50, bad: 8 }, how).says).toBe("page")
    expect(judgeWindow({ n: 50, bad: 7 }, how)).toMatchObject({ says: "list", why: "the budget burns slowly" })
    expect(judgeWindow({ n: 50, bad: 4 }, how).says).toBe("kept")
    expect(judgeWindow({ n: 50, bad: 8 }, { ...how, money: 99 })).toMatchObject({ says: "list" })
  })

  it("lists what too few outcomes say, and tells nobody", () => {
    expect(judgeWindow({ n: 8, bad: 3 }, how)).toMatchObject({ says: "list" })
    expect(judgeWindow({ n: 8, bad: 2 }, how).says).toBe("too few")
    expect(judgeWindow({ n: 0, bad: 0 }, how).says).toBe("too few")
  })

  it("a target of 90 % can still be missed: half of everything tells people", () => {
    expect(judgeWindow({ n: 50, bad: 25 }, { ...how, target: 0.9 }).says).toBe("page")
  })

  it("never tells people of what chance explains, of fewer outcomes than it takes, or of less money", () => {
    const given = fc.record({
      n: fc.integer({ min: 0, max: 400 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      target: fc.constantFrom(0.9, 0.95, 0.99, 0.999),
      series: fc.integer({ min: 1, max: 200 }),
      money: fc.integer({ min: 0, max: 2000 }),
    })
    fc.assert(
      fc.property(given, ({ n, share, target, series, money }) => {
        const window = { n, bad: Math.round(n * share) }
        const verdict = judgeWindow(window, { ...how, target, series, money })
        if (verdict.says !== "page") return
        expect(n).toBeGreaterThanOrEqual(how.least)
        expect(money).toBeGreaterThanOrEqual(how.floor)
        expect(verdict.chance).toBeLessThan(chanceMost / series)
        // One more miss, or more money, takes no alert back.
        const worse = { n, bad: Math.min(n, window.bad + 1) }
        expect(judgeWindow(worse, { ...how, target, series, money: money + 1 }).says).toBe("page")
      }),
    )
  })
})

/** A generator of numbers from 0 to 1 that always gives the same ones. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return state / 4_294_967_296
  }
}

describe("a month of 8 orders an hour in 50 stores, with misses by chance alone at 99 %", () => {
  const random = seeded(20_261_129)
  const stores = Array.from({ length: 50 }, () =>
    Array.from({ length: 30 * 24 }, () => Array.from({ length: 8 }, () => random() < 0.01)),
  )
  const missed = (outcomes: readonly boolean[]) => outcomes.filter(Boolean).length

  it("the usual rule for services, 14.4 times in an hour, would wake people about a hundred times", () => {
    const pages = stores.flat().filter((hour) => missed(hour) / 8 / 0.01 >= 14.4).length
    expect(pages).toBeGreaterThan(60)
    expect(pages).toBeLessThan(140)
  })

  it("ours wakes nobody, after any order of the month", () => {
    const pages = stores.flatMap((hours) => {
      const all = hours.flat()
      return all.filter((_, end) => {
        const last = all.slice(Math.max(0, end - 49), end + 1)
        const bad = missed(last)
        return bad > 0 && judgeWindow({ n: last.length, bad }, { ...how, series: 50 }).says === "page"
      })
    })
    expect(pages).toEqual([])
  })
})

describe("which window speaks", () => {
  const window = (scope: string[], n: number) => ({ scope, n, bad: 0 })

  it("is the narrow one where it has enough outcomes, else the next wider one that has", () => {
    const busy = window(["store-1", "de"], 60)
    const quiet = window(["store-2", "de"], 8)
    const region = window(["de"], 68)
    expect(windowsToJudge([busy, quiet, region, window([], 68)], 50)).toEqual([busy, region])
  })

  it("is the widest when none has enough, and each only once", () => {
    const all = window([], 20)
    expect(windowsToJudge([window(["a"], 8), window(["b"], 12), all], 50)).toEqual([all])
    expect(windowsToJudge([], 50)).toEqual([])
  })
})

describe("windows of the last outcomes", () => {
  const outcome = (store: string, n: number, isMissed = false) => ({
    scope: [store, "de"],
    isMissed,
    finishedMs: 1000 - n,
    minor: 500,
    currency: n % 2 === 0 ? "EUR" : "CHF",
  })

  it("hold at most so many of each scope, the latest, and money of the missed ones by currency", () => {
    const outcomes = [outcome("a", 0, true), outcome("a", 1, true), outcome("b", 2), outcome("a", 3, true)]
    const [narrow, region, all, other] = windowsOf(outcomes, 2)
    expect(narrow).toMatchObject({ scope: ["a", "de"], n: 2, bad: 2, badSinceMs: 999 })
    expect([...(narrow?.money ?? [])]).toEqual([
      ["EUR", 500],
      ["CHF", 500],
    ])
    expect(region).toMatchObject({ scope: ["de"], n: 2 })
    expect(all).toMatchObject({ scope: [], n: 2, bad: 2 })
    expect(other).toMatchObject({ scope: ["b", "de"], n: 1, bad: 0, badSinceMs: undefined })
  })
})

describe("what misses have in common", () => {
  const outcome = (method: string, isMissed: boolean) => ({ isMissed, dimensions: { method, channel: "shop" } })

  it("is the value that nearly all of them have and the others have not", () => {
    const outcomes = [
      ...Array.from({ length: 9 }, () => outcome("stripe", true)),
      outcome("paypal", true),
      ...Array.from({ length: 40 }, () => outcome("paypal", false)),
    ]
    expect(concentrationOf(outcomes)).toEqual({ dimension: "method", value: "stripe", bad: 9, of: 10 })
  })

  it("is nothing when they are like all others, or too few", () => {
    expect(concentrationOf([outcome("a", true), outcome("b", true), outcome("a", false)])).toBeUndefined()
    expect(concentrationOf([outcome("a", true), outcome("b", false)])).toBeUndefined()
  })
})
