import { expect, test } from "vitest"
import { judgeSilence } from "./silence.ts"

const span = (hours: number, now: number, expected: number) => ({
  hours,
  now,
  weeksBefore: Array.from({ length: 8 }, () => expected),
})

test("no orders in an hour that usually has seven are silence", () => {
  expect(judgeSilence(span(1, 0, 7))).toEqual({ says: "silent", hours: 1, now: 0, expected: 7 })
  expect(judgeSilence(span(1, 20, 60))).toMatchObject({ says: "silent", now: 20 })
  expect(judgeSilence(span(1, 45, 60))).toEqual({ says: "normal" })
  expect(judgeSilence(span(4, 3, 8))).toEqual({ says: "normal" })
})

test("it says so when there is not enough to say anything", () => {
  expect(judgeSilence(span(1, 0, 2))).toEqual({ says: "not enough data" })
  expect(judgeSilence({ hours: 1, now: 0, weeksBefore: [40, 40] })).toEqual({ says: "not enough data" })
})
