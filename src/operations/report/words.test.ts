import { expect, test } from "vitest"
import type { KpiAnswer, KpiRow } from "../kpis/answer.ts"
import { mondayOf } from "./weekly.ts"
import { lineOf } from "./words.ts"

const answer = (name: string, unit: "share" | "count" | "money" | "seconds", row: KpiRow): KpiAnswer => ({
  asOf: "",
  since: "",
  until: "",
  notPosted: [],
  unknown: [],
  figures: [{ name, unit, better: unit === "share" ? "lower" : "higher", rows: [row] }],
})
const line = (
  unit: "share" | "count" | "money" | "seconds",
  [now, before, target]: [KpiRow["now"], KpiRow["now"], number?],
) =>
  lineOf("a figure", {
    now: answer("a figure", unit, { now }),
    last: answer("a figure", unit, { now: before }),
    target,
    isOver: true,
  })[0]

test("a figure is better or worse than the week before by which way is better", () => {
  expect(
    line("share", [
      { value: 0.02, n: 100 },
      { value: 0.04, n: 100 },
    ]),
  ).toMatchObject({
    now: "2.0 %",
    weekBefore: "4.0 %",
    verdict: "better",
  })
  expect(
    line("count", [
      { value: 80, n: 80 },
      { value: 100, n: 100 },
    ])?.verdict,
  ).toBe("worse")
  expect(
    line("count", [
      { value: 98, n: 98 },
      { value: 100, n: 100 },
    ])?.verdict,
  ).toBe("about the same")
})

test("a target counts more than the week before", () => {
  expect(line("share", [{ value: 0.03, n: 100 }, { value: 0.01, n: 100 }, 0.05])).toMatchObject({
    target: "5.0 %",
    verdict: "target met",
  })
  expect(line("count", [{ value: 80, n: 80 }, undefined as never, 100])?.verdict).toBe("target missed")
})

test("what was not counted is not enough data, and no zero", () => {
  expect(line("seconds", [null, null])).toMatchObject({
    now: "not enough data",
    weekBefore: "not enough data",
    verdict: "not enough data",
  })
})

test("money of several currencies is shown by currency and never compared as one sum", () => {
  const amounts = [
    { currency: "EUR", amountMinor: 1000 },
    { currency: "JPY", amountMinor: 500 },
  ]
  expect(
    line("money", [
      { amounts, n: 2 },
      { amounts, n: 2 },
    ]),
  ).toMatchObject({
    now: "10.00 EUR + 500 JPY",
    verdict: "not enough data",
  })
})

test("a week begins on Monday where the company's days are counted", () => {
  const sundayLate = Date.parse("2026-11-29T23:30:00Z")
  expect(mondayOf(sundayLate, "UTC")).toBe("2026-11-23")
  expect(mondayOf(sundayLate, "Europe/Amsterdam")).toBe("2026-11-30")
})
