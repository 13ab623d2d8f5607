import { readCsv } from "../../base/csv/csv.ts"
import { AppError } from "../../base/errors.ts"

/** A row of a file of figures of the time before, with the line it stands in. */
export interface BaselineFileRow {
  line: number
  figure: string
  dimension: string
  of: string
  from: string
  until: string
  value: string
  currency: string
  note: string
}

const columns = ["figure", "dimension", "of", "from", "until", "value", "currency", "note"] as const
const needed = ["figure", "from", "until", "value"]

/** Reads a file: CSV with a heading line, or a JSON array of objects, by what it begins with. Every wrong line is named at once. */
export function baselineRows(content: string, file: string): BaselineFileRow[] {
  const text = content.replace(/^\uFEFF/, "")
  // A file in UTF-16 has zeros between its letters; letters of an older code page are no UTF-8.
  if (/[\0\uFFFD]/.test(text)) refuse(file, ["it is not UTF-8; save it as “CSV UTF-8”"])
  const rows = /^\s*\[/.test(text) ? jsonRows(text, file) : csvRows(Buffer.from(text), file)
  if (rows.length === 0) throw new AppError("REQUEST_INVALID", `there is no figure in ${file}`)
  return rows
}

function csvRows(bytes: Uint8Array, file: string): BaselineFileRow[] {
  const { heading, lines, problems } = readCsv(bytes)
  const names = heading.cells.map((cell) => cell.toLowerCase())
  refuse(file, [
    ...needed
      .filter((name) => !names.includes(name))
      .map((name) => `line ${heading.line}: there is no column "${name}"`),
    ...names
      .filter((name) => !columns.some((one) => one === name))
      .map((name) => `line ${heading.line}: column "${name}" is none of ${columns.join(", ")}`),
    ...problems.map(({ line, message }) => `line ${line}: ${message}`),
  ])
  return lines.map(({ line, cells }) => rowOf(line, (column) => cells[names.indexOf(column)] ?? ""))
}

function jsonRows(text: string, file: string): BaselineFileRow[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (thrown) {
    refuse(file, [thrown instanceof Error ? thrown.message : "it is no JSON"])
  }
  const items = parsed as unknown[]
  const isRow = (item: unknown): item is Record<string, unknown> => typeof item === "object" && item !== null
  refuse(
    file,
    items.flatMap((item, index) => (isRow(item) ? [] : [`entry ${index + 1}: is no object`])),
  )
  // An entry's place stands for its line.
  return items.filter(isRow).map((item, index) =>
    rowOf(index + 1, (column) => {
      const value = item[column]
      return typeof value === "string" || typeof value === "number" ? String(value) : ""
    }),
  )
}

function rowOf(line: number, cell: (column: (typeof columns)[number]) => string): BaselineFileRow {
  return {
    line,
    ...(Object.fromEntries(columns.map((column) => [column, cell(column)])) as Omit<BaselineFileRow, "line">),
  }
}

function refuse(file: string, problems: readonly string[]): void {
  if (problems.length > 0)
    throw new AppError(
      "REQUEST_INVALID",
      [`nothing was imported from ${file}:`, ...problems.map((one) => `  ${one}`)].join("\n"),
    )
}
