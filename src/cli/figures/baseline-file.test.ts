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

test("a decimal comma does not part cells where semicolons do, and stays for the answer to name it", () => {
  const text = 'figure;from;until;value;note\r\norder fallout rate;2026-01-01;2026-03-31;0,08;"all, but; two"\r\n'
  expect(baselineRows(text, "before.csv")).toEqual([
    { ...row, line: 2, figure: "order fallout rate", value: "0,08", note: "all, but; two" },
  ])
})

test("tabs part cells, lines may end as on an old Mac, and a quoted note may have two lines", () => {
  const text =
    'figure\tfrom\tuntil\tvalue\tnote\rorders placed\t2026-01-01\t2026-03-31\t1\t"one\rtwo"\rorder value\t\t\t\t'
  expect(baselineRows(text, "before.csv")).toEqual([
    { ...row, line: 2, figure: "orders placed", value: "1", note: "one\rtwo" },
    { ...row, line: 4, figure: "order value", from: "", until: "", value: "" },
  ])
})

test.each([
  ["UTF-16", Buffer.from("\uFEFFfigure,from", "utf16le")],
  ["an older code page", Buffer.from("figure,from,until,value,note\nx,,,,f\u00FCr", "latin1")],
])("a file in %s is refused with what to do", (_, bytes) => {
  expect(() => baselineRows(bytes.toString("utf8"), "before.csv")).toThrow("not UTF-8; save it as “CSV UTF-8”")
})

test("a quote that does not end is named with its line", () => {
  const text = 'figure,from,until,value,note\norders placed,2026-01-01,2026-03-31,1,"by hand\n'
  expect(() => baselineRows(text, "before.csv")).toThrow("line 2: a quoted cell does not end")
})

test("a JSON array is read, numbers too, also behind a byte order mark", () => {
  const text =
    "\uFEFF" + JSON.stringify([{ figure: "orders placed", from: "2026-01-01", until: "2026-03-31", value: 12_000 }])
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
