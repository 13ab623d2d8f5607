import fc from "fast-check"
import { expect, it } from "vitest"
import { decimalText, readCsv, writeCsv } from "./csv.ts"

const bytes = (text: string) => Buffer.from(text)

it("S-20: a file of any country's spreadsheet is read: semicolons, tabs, a byte order mark, any line ends", () => {
  const lines = [
    { line: 2, cells: ["1", "a,b"] },
    { line: 3, cells: ["2", "c"] },
  ]
  expect(readCsv(bytes('\uFEFFsku;title\r\n1;"a,b"\r\n2;c\r\n'))).toMatchObject({
    heading: { cells: ["sku", "title"] },
    lines,
    problems: [],
  })
  expect(readCsv(bytes('sku\ttitle\n1\t"a,b"\n2\tc'))).toMatchObject({ lines, problems: [] })
  expect(readCsv(bytes('sku,title\r1,"a,b"\r2,c'))).toMatchObject({ lines, problems: [] })
})

it("S-20: a separator inside of a quoted heading does not part the cells", () => {
  expect(readCsv(bytes('sku;"title[locale=de,channel=a,market=b]"\n1;x')).heading.cells).toEqual([
    "sku",
    "title[locale=de,channel=a,market=b]",
  ])
})

it("S-20: what cannot be read is named with line and column, at once", () => {
  expect(readCsv(bytes('sku,title\n1,"a\nb"\n2,"open')).problems).toEqual([
    { line: 4, column: "title", message: "a quoted cell does not end, or goes on after its quote" },
  ])
  expect(readCsv(bytes("sku\n1,2\n")).problems).toMatchObject([{ line: 2, column: "2" }])
  expect(readCsv(Buffer.from("sku\nMüller", "latin1")).problems).toMatchObject([
    { message: expect.stringContaining("not UTF-8") },
  ])
  expect(readCsv(Buffer.from("sku\nx", "utf16le")).problems).toHaveLength(1)
})

it("S-20: a line that cannot be used costs no other, and a file that cannot be parted is not read at all", () => {
  const twoFiles = readCsv(bytes("sku,title\nA,b,\nB,c,d\n\uFEFFsku,title\nC,d\n"))
  expect(twoFiles).toMatchObject({
    isReadable: true,
    problems: [
      { line: 3, column: "3" },
      { line: 4, message: "the heading stands here again" },
    ],
  })
  expect(readCsv(bytes('sku,title\nA,"b\nB,c')).isReadable).toBe(false)
  expect(readCsv(bytes("a,".repeat(100_000)))).toMatchObject({ isReadable: false, problems: { length: 1 } })
})

it("S-20: whatever cells hold, a file that was written is read as the same cells", () => {
  const cell = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 12 }),
    fc.string({
      unit: fc.constantFrom('"', ",", ";", "\t", "\n", "\r", "'", "=", "+", "-", "@", " ", "a"),
      maxLength: 8,
    }),
  )
  const usable = cell.filter((text) => !text.includes("\u0000") && text.isWellFormed())
  const table = fc
    .integer({ min: 1, max: 5 })
    .chain((width) => fc.array(fc.array(usable, { minLength: width, maxLength: width }), { maxLength: 6 }))
  fc.assert(
    fc.property(table, fc.constantFrom(",", ";", "\t"), (rows, separator) => {
      const filled = rows.filter((cells) => cells.some((one) => one !== ""))
      const width = rows[0]?.length ?? 1
      // A heading as ours are, which says what parts the cells.
      const heading = Array.from({ length: width + 1 }, (_, n) => `column ${n}`)
      const written = writeCsv([heading, ...filled.map((cells) => ["x", ...cells])], separator)
      const read = readCsv(bytes(written))
      expect(read.problems).toEqual([])
      expect(read.lines.map(({ cells }) => cells.slice(1))).toEqual(filled)
    }),
  )
})

it("S-20: what a spreadsheet would run as a formula is made harmless, and a number is not touched", () => {
  expect(writeCsv([["=1+1", "-3", "-3,50", "+a", "@x"]])).toBe("'=1+1,-3,\"-3,50\",'+a,'@x\r\n")
})

it("S-20: decimals of all countries are one number, and what a spreadsheet rounded is none", () => {
  const read = ["19,99", "19.99", "1.299,00", "1,299.00", "1 299,5", "-3"].map(decimalText)
  expect(read).toEqual(["19.99", "19.99", "1299.00", "1299.00", "1299.5", "-3"])
  expect(["4,00638E+12", "", "1,2,3", "abc", "1.299.00"].map(decimalText)).toEqual(Array.from({ length: 5 }))
})
