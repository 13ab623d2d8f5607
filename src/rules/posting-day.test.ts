import { assert, date, property } from "fast-check"
import { expect, it } from "vitest"
import type { BusinessDate } from "../base/time.ts"
import { nextDayToTry } from "./posting-day.ts"

/** Every day that is tried until one is open. */
function daysTried(closed: BusinessDate, today: BusinessDate): BusinessDate[] {
  const next = nextDayToTry(closed, today)
  return next === undefined ? [] : [next, ...daysTried(next, today)]
}

it("P-44: after a closed day the first of each later month is tried, and at last today", () => {
  expect(daysTried("2026-09-30", "2026-11-20")).toEqual(["2026-10-01", "2026-11-01", "2026-11-20"])
  expect(daysTried("2026-12-31", "2027-01-01")).toEqual(["2027-01-01"])
  expect(daysTried("2026-11-19", "2026-11-20")).toEqual(["2026-11-20"])
  expect(daysTried("2026-11-20", "2026-11-20")).toEqual([])
})

it("P-44: the days tried rise, end today, and are one a month at most", () => {
  const day = date({ min: new Date("2020-01-01"), max: new Date("2027-12-31"), noInvalidDate: true }).map((at) =>
    at.toISOString().slice(0, 10),
  )
  assert(
    property(day, day, (closed, today) => {
      const tried = daysTried(closed, today)
      expect(tried).toEqual(tried.toSorted())
      expect(tried.at(-1)).toBe(closed < today ? today : undefined)
      expect(new Set(tried.slice(0, -1).map((one) => one.slice(0, 7))).size).toBe(Math.max(0, tried.length - 1))
    }),
  )
})
