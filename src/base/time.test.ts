import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  businessDate,
  compareInstants,
  dayAfter,
  durationMs,
  epochMs,
  instant,
  momentOf,
  parseInstant,
  sleep,
  withDeadline,
} from "./time.ts"

const moments = fc.integer({ min: 0, max: 253_402_300_799_999 })

describe("time", () => {
  it("a moment written and read is the moment, and text sorts as time does", () => {
    fc.assert(
      fc.property(moments, moments, (left, right) => {
        expect(epochMs(instant(left))).toBe(left)
        expect(parseInstant(instant(left))).toBe(instant(left))
        expect(instant(left) < instant(right)).toBe(left < right)
      }),
    )
  })

  it("P-39: moments are ordered by time and not by their text, whatever fraction they have", () => {
    const inOrder = [
      "2026-11-20T10:00:00Z",
      "2026-11-20T10:00:00.000001Z",
      "2026-11-20T10:00:00.5Z",
      "2026-11-20T10:00:01Z",
    ]
    for (const [n, one] of inOrder.entries())
      for (const [m, other] of inOrder.entries()) expect(compareInstants(one, other)).toBe(Math.sign(n - m))
    expect(compareInstants("2026-11-20T10:00:00Z", "2026-11-20T10:00:00.000Z")).toBe(0)
  })

  it("a time with an offset is brought to UTC", () => {
    expect(parseInstant("2026-11-20T23:30:00+01:00")).toBe("2026-11-20T22:30:00.000Z")
    expect(parseInstant("2026-11-20T23:30-0500")).toBe("2026-11-21T04:30:00.000Z")
    expect(parseInstant("2026-11-20T23:30:00.1234567Z")).toBe("2026-11-20T23:30:00.123Z")
  })

  it.each(["2026-11-20T23:30:00", "2026-11-20", "20/11/2026", "2026-13-01T00:00:00Z", "now", ""])(
    "%j names no moment: no zone is guessed",
    (text) => expect(parseInstant(text)).toBeUndefined(),
  )

  it("the business day is the day at the place", () => {
    const at = "2026-11-21T04:30:00.000Z"
    const berlin = { timeZone: "Europe/Berlin" }
    expect(businessDate(at, { timeZone: "America/New_York" })).toBe("2026-11-20")
    expect(businessDate(at, berlin)).toBe("2026-11-21")
    // The hour that occurs twice, in the night when summer time ends.
    expect(businessDate("2026-10-25T00:30:00.000Z", berlin)).toBe("2026-10-25")
    expect(businessDate("2026-10-24T21:59:59.999Z", berlin)).toBe("2026-10-24")
    expect(businessDate("2026-10-24T22:00:00.000Z", berlin)).toBe("2026-10-25")
  })

  it.each([
    ["04:00", "2026-11-01T02:59:59.999Z", "2026-10-31"],
    ["04:00", "2026-11-01T03:00:00.000Z", "2026-11-01"],
    ["22:00", "2026-10-31T20:59:59.999Z", "2026-10-31"],
    ["22:00", "2026-10-31T21:00:00.000Z", "2026-11-01"],
    ["00:00", "2026-12-31T23:00:00.000Z", "2027-01-01"],
  ])("P-44: where days end at %s, %s belongs to %s", (dayEndsAt, at, day) => {
    expect(businessDate(at, { timeZone: "Europe/Amsterdam", dayEndsAt })).toBe(day)
  })

  it("days are counted by the calendar", () => {
    expect(dayAfter("2026-02-28", 1)).toBe("2026-03-01")
    expect(dayAfter("2026-03-29", -29)).toBe("2026-02-28")
  })

  it("durations add up", () => {
    expect(durationMs({ minutes: 15 })).toBe(900_000)
    expect(durationMs({ days: 1, hours: 1, minutes: 1, seconds: 1, ms: 1 })).toBe(90_061_001)
    expect(durationMs({})).toBe(0)
  })

  it("a sleep ends at once when it is aborted", async () => {
    const controller = new AbortController()
    const slept = sleep(60_000, controller.signal)
    controller.abort()
    await expect(slept).rejects.toThrow("abort")
  })

  it("work under a deadline is told to end when its time is up, and never after it has ended", async () => {
    const aborted = await withDeadline(
      20,
      (signal) => new Promise<unknown>((resolve) => signal.addEventListener("abort", () => resolve(signal.reason))),
    )
    expect(String(aborted)).toContain("not done after 20 ms")
    const inTime = await withDeadline(20, (signal) => Promise.resolve(signal))
    await expect(withDeadline(20, () => Promise.reject(new Error("failed by itself")))).rejects.toThrow("by itself")
    await sleep(40)
    expect(inTime.aborted).toBe(false)
  })

  it("a time zone that does not exist is refused every time", () => {
    for (let time = 1; time <= 2; time += 1)
      expect(() => businessDate("2026-11-21T04:30:00.000Z", { timeZone: "Europe/Atlantis" })).toThrow(
        "Invalid time zone",
      )
  })

  it.each([
    ["2026-11-30 02:00", "Europe/Berlin", "2026-11-30T01:00:00.000Z"],
    ["2026-07-01 02:00", "America/New_York", "2026-07-01T06:00:00.000Z"],
    // The clocks skip this one, and show that one twice.
    ["2026-03-29 02:30", "Europe/Berlin", "2026-03-29T01:30:00.000Z"],
    ["2026-10-25 02:30", "Europe/Berlin", "2026-10-25T00:30:00.000Z"],
    ["2026-11-30 00:00", "Asia/Kathmandu", "2026-11-29T18:15:00.000Z"],
  ])("%s in %s is %s", (local, timeZone, at) => {
    const [day = "", time = ""] = local.split(" ")
    expect(momentOf(day, time, timeZone)).toBe(at)
  })

  it("a local time of a day is on that day, at that time, wherever the clocks do not skip it", () => {
    const zones = fc.constantFrom("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe")
    const hours = fc.integer({ min: 4, max: 23 })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20_000 }), hours, zones, (days, hour, timeZone) => {
        const day = dayAfter("1990-01-01", days)
        const time = `${String(hour).padStart(2, "0")}:15`
        const at = momentOf(day, time, timeZone)
        expect(businessDate(at, { timeZone })).toBe(day)
        expect(businessDate(at, { timeZone, dayEndsAt: "04:00" })).toBe(day)
      }),
    )
  })
})
