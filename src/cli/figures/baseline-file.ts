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
  const rows = /^\s*\[/.test(text) ? jsonRows(text, file) : csvRows(text, file)
  if (rows.length === 0) throw new AppError("REQUEST_INVALID", `there is no figure in ${file}`)
  return rows
}

function csvRows(text: string, file: string): BaselineFileRow[] {
  const filled = linesOf(text).filter(({ cells }) => cells.some((cell) => cell !== ""))
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
    ...filled
      .filter(({ cells }) => cells.some((cell) => cell.startsWith('"')))
      .map(({ line }) => `line ${line}: a quoted cell does not end, or goes on after its quote`),
  ]
  refuse(file, problems)
  return rows.map(({ line, cells }) => rowOf(line, (column) => cells[names.indexOf(column)] ?? ""))
}

interface Line {
  /** Where it begins: a quoted cell may hold line breaks. */
  line: number
  cells: string[]
}

/** Lines as spreadsheets write them. The heading says whether commas, semicolons or tabs part the cells. */
function linesOf(text: string): Line[] {
  const heading = /\S.*/.exec(text)?.[0] ?? ""
  const separator = [";", "\t"].find((one) => heading.includes(one)) ?? ","
  const cell = new RegExp(`("(?:[^"]|"")*"|[^${separator}\\r\\n]*)(${separator}|\\r\\n|\\r|\\n|$)`, "gy")
  const lines: Line[] = []
  let [line, current]: [number, Line] = [1, { line: 1, cells: [] }]
  for (;;) {
    const [whole = "", content = "", end = ""] = cell.exec(text) ?? []
    current.cells.push(/^"(?:[^"]|"")*"$/.test(content) ? content.slice(1, -1).replaceAll('""', '"') : content.trim())
    line += whole.match(/\r\n|\r|\n/g)?.length ?? 0
    if (end === separator) continue
    lines.push(current)
    if (end === "") return lines
    current = { line, cells: [] }
  }
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
