import { describe, expect, test } from "vitest"
import { afterOpenTime, openingHoursPattern } from "./opening-hours.ts"

const week = { timeZone: "Europe/Amsterdam", lines: ["mon-fri 09:00-18:00", "sat 10:00-16:00"] }
const hour = 3_600_000

describe("time within opening hours", () => {
  test("passes as the clock does while the store is open", () => {
    expect(afterOpenTime(week, "2026-11-30T09:00:00.000Z", 2 * hour)).toBe("2026-11-30T11:00:00.000Z")
  })

  test("stands still at night: an order at 17:00 is promised for the next morning", () => {
    expect(afterOpenTime(week, "2026-11-30T16:00:00.000Z", 4 * hour)).toBe("2026-12-01T11:00:00.000Z")
  })

  test("stands still from Saturday's end to Monday's begin", () => {
    expect(afterOpenTime(week, "2026-12-05T20:00:00.000Z", hour)).toBe("2026-12-07T09:00:00.000Z")
  })

  test("is counted in the store's own time, also when the clocks change in between", () => {
    // Summer time ends on Sunday, 25 October 2026: nine o'clock is then 08:00 in UTC, no longer 07:00.
    expect(afterOpenTime(week, "2026-10-24T14:00:00.000Z", hour)).toBe("2026-10-26T09:00:00.000Z")
  })

  test("passes over midnight where hours end there, and over the end of a week that is named so", () => {
    const nights = { timeZone: "UTC", lines: ["fri-sat 20:00-24:00", "sat-sun 00:00-02:00"] }
    expect(afterOpenTime(nights, "2026-12-04T23:00:00.000Z", 2 * hour)).toBe("2026-12-05T01:00:00.000Z")
    const over = { timeZone: "UTC", lines: ["sat-mon 10:00-11:00"] }
    expect(afterOpenTime(over, "2026-12-06T12:00:00.000Z", hour)).toBe("2026-12-07T11:00:00.000Z")
  })

  test("is counted once where two lines overlap", () => {
    const twice = { timeZone: "UTC", lines: ["mon 09:00-12:00", "mon 10:00-13:00"] }
    expect(afterOpenTime(twice, "2026-11-30T09:00:00.000Z", 4 * hour)).toBe("2026-11-30T13:00:00.000Z")
  })

  test("always passes at a place without hours, and where none ever come", () => {
    expect(afterOpenTime({ ...week, lines: [] }, "2026-11-30T22:00:00.000Z", hour)).toBe("2026-11-30T23:00:00.000Z")
    const never = { timeZone: "UTC", lines: ["mon 10:00-10:00"] }
    expect(afterOpenTime(never, "2026-11-30T22:00:00.000Z", hour)).toBe("2026-11-30T23:00:00.000Z")
  })

  test.each(["mon 9:00-18:00", "monday 09:00-18:00", "mon 09:00-25:00", "mon,tue 09:00-18:00", "mon 09:00"])(
    "%s is no line of opening hours",
    (line) => {
      expect(new RegExp(openingHoursPattern).test(line)).toBe(false)
    },
  )
})
