import { expect, test } from "vitest"
import { firstDayOf, firstDayProblems } from "./policies.ts"

test("a store's own first day goes before that of all, and a name that objects inherit is no store", () => {
  const firstDays = { all: "2026-12-01", stores: { "117": "2027-01-11" } }
  expect(firstDayOf("117", { firstDays })).toBe("2027-01-11")
  expect(firstDayOf("118", { firstDays })).toBe("2026-12-01")
  expect(firstDayOf("constructor", { firstDays: {} })).toBeUndefined()
})

test("first days that are no days, and those of no store, are told at once with their places", () => {
  const firstDays = { all: "2026-02-30", stores: { "117": "2026-13-01", "119": "2026-12-01" } }
  expect(firstDayProblems(firstDays, new Set(["117"]))).toEqual([
    { pointer: "/firstDays/all", message: "2026-02-30 is no day" },
    { pointer: "/firstDays/stores/117", message: "2026-13-01 is no day" },
    { pointer: "/firstDays/stores/119", message: 'there is no store "119"' },
  ])
})
