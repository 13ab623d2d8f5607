import { expect, test } from "vitest"
import { spanOf, withinOf } from "./spans.ts"

test("a time is counted in the span that it ends in", () => {
  expect([0, 1000, 1001, 59_999, 3_600_000, 99 * 86_400_000].map(spanOf)).toEqual(["1", "1", "5", "60", "3600", "more"])
})

test("half of all lie within the median, as exact as the spans are", () => {
  const counts = new Map([
    ["60", 10],
    ["120", 10],
  ])
  expect(withinOf(counts, 0.5)).toBe(60)
  expect(withinOf(counts, 0.75)).toBe(90)
  expect(withinOf(new Map(), 0.5)).toBeUndefined()
})
