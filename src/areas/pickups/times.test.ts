import { expect, test } from "vitest"
import type { EstateLocation } from "../../estate/frame.ts"
import { keptAt } from "./times.ts"

const place = (id: string, timeZone: string): EstateLocation => {
  return { id, kind: "store", timeZone, dayEndsAt: "00:00", currency: "EUR" }
}
const places = [place("ams", "Europe/Amsterdam"), place("nyc", "America/New_York")]
const times = { readyWithin: { hours: 4 }, putBackWithin: { days: 1 } }

test("goods that are kept for days are kept to the end of the last day at the store, and that day is told", () => {
  const { keptUntil, lastDay } = keptAt(places, { ...times, keepFor: { days: 5 } })
  const readyAt = "2026-11-30T09:13:00.000Z"
  expect(["ams", "nyc"].map((id) => keptUntil(id, readyAt))).toEqual([
    "2026-12-05T23:00:00.000Z",
    "2026-12-06T05:00:00.000Z",
  ])
  expect(["ams", "nyc"].map((id) => lastDay(id, keptUntil(id, readyAt)))).toEqual(["2026-12-05", "2026-12-05"])
  // Over the end of summer time, which makes the last day an hour longer.
  expect(keptUntil("ams", "2026-10-20T22:30:00.000Z")).toBe("2026-10-25T23:00:00.000Z")
})

test("goods that are kept for less than a day are kept for that time", () => {
  const { keptUntil, lastDay } = keptAt(places, { ...times, keepFor: { hours: 2 } })
  expect(keptUntil("ams", "2026-11-30T21:30:00.000Z")).toBe("2026-11-30T23:30:00.000Z")
  expect(lastDay("ams", "2026-11-30T23:30:00.000Z")).toBe("2026-12-01")
})
