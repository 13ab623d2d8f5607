import { isUtf8 } from "node:buffer"

/** A line of a file as it stands there. */
export interface CsvLine {
  /** Where it begins, from 1: a quoted cell may hold line breaks. */
  line: number
  cells: string[]
}

/** A problem of a file and its place; `column` counts cells from 1 or names one. */
export interface CsvProblem {
  line: number
  column: string
  message: string
}

/** A file that was read: its heading and its lines, without empty ones. */
export interface CsvFile {
  separator: string
  heading: CsvLine
  lines: CsvLine[]
  problems: CsvProblem[]
  /** False when nobody can say where its lines and cells end; true when only the lines that `problems` names cannot be used. */
  isReadable: boolean
}

/** No spreadsheet of ours is wider; a file of nothing but separators is. */
const columnsMax = 2000

/**
 * Reads the bytes of a file as spreadsheets of all countries write it: RFC 4180 with commas, semicolons or tabs, with or without a byte
 * order mark, with any line ends. A cell that a spreadsheet would take for a formula may carry an apostrophe before it, as `writeCsv`
 * writes it. Every problem is named with its place.
 */
export function readCsv(bytes: Uint8Array): CsvFile {
  const none = { separator: ",", heading: { line: 1, cells: [] }, lines: [], isReadable: false }
  // A file in UTF-16 has zeros between its letters; letters of an older code page are no UTF-8.
  if (!isUtf8(bytes) || bytes.includes(0))
    return { ...none, problems: [{ line: 1, column: "", message: 'the file is not UTF-8; save it as "CSV UTF-8"' }] }
  const text = Buffer.from(bytes)
    .toString("utf8")
    .replace(/^\uFEFF/, "")
  const separator = separatorOf(text)
  const [heading = none.heading, ...lines]: CsvLine[] = linesOf(text, separator).filter(({ cells }) =>
    cells.some((cell) => cell !== ""),
  )
  if (heading.cells.length > columnsMax)
    return {
      ...none,
      problems: [{ line: heading.line, column: "", message: `has more than ${columnsMax} columns` }],
    }
  const quotes = [heading, ...lines].flatMap(({ line, cells }) =>
    brokenCells(cells).map((n) => ({
      line,
      column: heading.cells[n] ?? String(n + 1),
      message: "a quoted cell does not end, or goes on after its quote",
    })),
  )
  const problems = [...quotes, ...lines.flatMap((line) => lineProblems(heading, line))]
  return { separator, heading, lines, problems, isReadable: quotes.length === 0 }
}

function lineProblems({ cells: names }: CsvLine, { line, cells }: CsvLine): CsvProblem[] {
  // Spreadsheets end lines with empty cells.
  if (cells.slice(names.length).some((cell) => cell !== ""))
    return [{ line, column: String(names.length + 1), message: "more cells than the heading has columns" }]
  // Two files that were put together have two headings.
  const isHeading = names.length > 1 && names.every((name, n) => name === cells[n])
  return isHeading ? [{ line, column: "", message: "the heading stands here again" }] : []
}

function brokenCells(cells: readonly string[]): number[] {
  return cells.flatMap((cell, n) => (cell.startsWith(broken) ? [n] : []))
}

/** Marks a cell whose quotes do not fit; no text of a file begins so. */
const broken = "\u0000"

/** What parts the cells: of semicolons, tabs and commas in the heading the most frequent one outside of quotes. */
function separatorOf(text: string): string {
  const heading = (/\S.*/.exec(text)?.[0] ?? "").replaceAll(/"(?:[^"]|"")*"/g, "")
  const [best = ","] = [";", "\t", ","].sort((a, b) => heading.split(b).length - heading.split(a).length)
  return heading.includes(best) ? best : ","
}

function linesOf(text: string, separator: string): CsvLine[] {
  const cell = new RegExp(`("(?:[^"]|"")*"|[^${separator}\\r\\n]*)(${separator}|\\r\\n|\\r|\\n|$)`, "gy")
  const lines: CsvLine[] = []
  let [line, current]: [number, CsvLine] = [1, { line: 1, cells: [] }]
  for (;;) {
    const found = cell.exec(text)
    // Only a quoted cell with something behind its quote fits nothing.
    if (!found) return [...lines, { ...current, cells: [...current.cells, broken] }]
    const [whole, content = "", end = ""] = found
    current.cells.push(cellOf(content))
    line += whole.match(/\r\n|\r|\n/g)?.length ?? 0
    if (end === separator) continue
    lines.push(current)
    if (end === "") return lines
    current = { line, cells: [] }
  }
}

function cellOf(content: string): string {
  if (/^"(?:[^"]|"")*"$/.test(content)) return plain(content.slice(1, -1).replaceAll('""', '"'))
  return content.startsWith('"') ? broken : plain(content.trim())
}

/** Texts that a spreadsheet would run when it opens the file: https://owasp.org/www-community/attacks/CSV_Injection. */
const looksLikeFormula = /^'*[=+\-@\t\r]/
const isNumber = /^[+-]?\d+([.,]\d+)?$/

const plain = (cell: string) => (cell.startsWith("'") && looksLikeFormula.test(cell) ? cell.slice(1) : cell)

/** Writes lines as RFC 4180 has them, ended by CRLF. What a spreadsheet would take for a formula gets an apostrophe before it. */
export function writeCsv(lines: readonly (readonly string[])[], separator = ","): string {
  const cell = (text: string) => {
    const safe = looksLikeFormula.test(text) && !isNumber.test(text) ? `'${text}` : text
    const needsQuotes = safe.includes(separator) || /["\r\n]/.test(safe) || safe !== safe.trim()
    return needsQuotes ? `"${safe.replaceAll('"', '""')}"` : safe
  }
  return lines.map((cells) => `${cells.map(cell).join(separator)}\r\n`).join("")
}

/**
 * A decimal as people of any country write it, with a point: `19,99`, `1.299,00` and `1,299.00`. Undefined for what is no number,
 * and for one that a spreadsheet has rounded: `4,00638E+12`.
 */
export function decimalText(cell: string): string | undefined {
  const text = cell.replaceAll(/[\s\u00A0']/g, "")
  if (/^[+-]?\d{1,3}(\.\d{3})+,\d+$/.test(text)) return text.replaceAll(".", "").replace(",", ".")
  if (/^[+-]?\d{1,3}(,\d{3})+\.\d+$/.test(text)) return text.replaceAll(",", "")
  return /^[+-]?\d+([.,]\d+)?$/.test(text) ? text.replace(",", ".") : undefined
}
