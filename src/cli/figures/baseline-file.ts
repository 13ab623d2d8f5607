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
export function baselineRows(text: string, file: string): BaselineFileRow[] {
  const rows = /^\s*\[/.test(text) ? jsonRows(text, file) : csvRows(text, file)
  if (rows.length === 0) throw new AppError("REQUEST_INVALID", `there is no figure in ${file}`)
  return rows
}

function csvRows(text: string, file: string): BaselineFileRow[] {
  const lines = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((line, index) => ({ line: index + 1, cells: cellsOf(line) }))
  const filled = lines.filter(({ cells }) => cells.some((cell) => cell !== ""))
  const [heading, ...rows] = filled
  const names = (heading?.cells ?? []).map((cell) => cell.toLowerCase())
  const problems = [
    ...needed
      .filter((name) => !names.includes(name))
      .map((name) => `line ${heading?.line ?? 1}: there is no column "${name}"`),
    ...names
      .filter((name) => !columns.some((one) => one === name))
      .map((name) => `line ${heading?.line ?? 1}: column "${name}" is none of ${columns.join(", ")}`),
    ...rows
      .filter(({ cells }) => cells.length > names.length)
      .map(({ line }) => `line ${line}: more cells than the heading has columns`),
  ]
  refuse(file, problems)
  return rows.map(({ line, cells }) => rowOf(line, (column) => cells[names.indexOf(column)] ?? ""))
}

/** Cells of a line: commas, and quotes as spreadsheets write them. Semicolons stand for commas where a line has no comma. */
function cellsOf(line: string): string[] {
  const cell =
    line.includes(",") || !line.includes(";") ? /("(?:[^"]|"")*"|[^,]*)(?:,|$)/gy : /("(?:[^"]|"")*"|[^;]*)(?:;|$)/gy
  const cells: string[] = []
  while (cell.lastIndex < line.length) {
    const text = cell.exec(line)?.[1]?.trim()
    if (text === undefined) return [...cells, line]
    cells.push(text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text)
  }
  return line.endsWith(",") ? [...cells, ""] : cells
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
