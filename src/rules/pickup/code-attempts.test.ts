import { expect, test } from "vitest"
import { waitBeforeNext } from "./code-attempts.ts"

const lastMs = 1_000_000_000
const seconds = (count: number, of: "pickup" | "till" = "pickup", laterMs = 0) =>
  waitBeforeNext(of, { count, lastMs }, lastMs + laterMs) / 1000

test("a code that is read out badly costs nothing, guessing costs more each time, up to an hour", () => {
  expect([0, 1, 2, 3, 4, 5, 9, 10, 100].map((count) => seconds(count))).toEqual([
    0, 0, 0, 30, 60, 120, 1920, 3600, 3600,
  ])
  expect(waitBeforeNext("pickup", undefined, lastMs)).toBe(0)
})

test("time takes off the wait, and a clock that was set back adds nothing", () => {
  expect([seconds(4, "pickup", 59_000), seconds(4, "pickup", 60_000), seconds(4, "pickup", -86_400_000)]).toEqual([
    1, 0, 60,
  ])
})

test("a till that serves many buyers has more of them, and they are forgotten within the hour", () => {
  expect([seconds(9, "till"), seconds(10, "till"), seconds(12, "till", 3_600_001)]).toEqual([0, 30, 0])
})

test("all codes of a pickup that is kept for a week: not one in a million is tried", () => {
  let [tried, nowMs] = [0, lastMs]
  let wrong = { count: 0, lastMs }
  while (nowMs < lastMs + 7 * 86_400_000) {
    nowMs += waitBeforeNext("pickup", wrong, nowMs)
    tried += 1
    wrong = { count: tried, lastMs: nowMs }
  }
  expect(tried / 29 ** 6).toBeLessThan(1e-6)
})
