import { expect, test } from "vitest"
import { baselineRows } from "./baseline-file.ts"

const row = { dimension: "", of: "", from: "2026-01-01", until: "2026-03-31", currency: "", note: "" }

test("a table as a spreadsheet writes it is read, with the line of each figure", () => {
  const text =
    '\uFEFFFigure,from,until,value,note\r\norder fallout rate,2026-01-01,2026-03-31,0.04,"by hand, ""estimated"""\r\n\r\nmanual touch rate,2026-01-01,2026-03-31,0.1,\r\n'
  expect(baselineRows(text, "before.csv")).toEqual([
    { ...row, line: 2, figure: "order fallout rate", value: "0.04", note: 'by hand, "estimated"' },
    { ...row, line: 4, figure: "manual touch rate", value: "0.1" },
  ])
})

test("semicolons stand for commas where a spreadsheet writes those", () => {
  const [first] = baselineRows("figure;from;until;value\norders placed;2026-01-01;2026-03-31;12000", "before.csv")
  expect(first).toEqual({ ...row, line: 2, figure: "orders placed", value: "12000" })
})

test("a JSON array is read, numbers too", () => {
  const text = JSON.stringify([{ figure: "orders placed", from: "2026-01-01", until: "2026-03-31", value: 12_000 }])
  expect(baselineRows(text, "before.json")).toEqual([{ ...row, line: 1, figure: "orders placed", value: "12000" }])
})

test("what is wrong with the file is said of every line at once", () => {
  const text = "figure,from,worth\norders placed,2026-01-01,1,2,3\n"
  expect(() => baselineRows(text, "before.csv")).toThrow(
    [
      "nothing was imported from before.csv:",
      '  line 1: there is no column "until"',
      '  line 1: there is no column "value"',
      '  line 1: column "worth" is none of figure, dimension, of, from, until, value, currency, note',
      "  line 2: more cells than the heading has columns",
    ].join("\n"),
  )
})
