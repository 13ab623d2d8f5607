import { readFileSync, writeFileSync } from "node:fs"
import { readCsv, writeCsv } from "../../base/csv/csv.ts"
import { AppError } from "../../base/errors.ts"
import type { Api } from "../api.ts"

interface Imported {
  dryRun: boolean
  rows: number
  counts: Record<string, number>
  problems: { line: number; column: string; message: string; rule?: string }[]
}

/** Lines that are sent at a time; the gateway takes 4 MB. */
const atOnce = 5000
const shownMost = 50

/** Imports a file in parts, and says what became of its rows and where the problems are. */
export async function importFile(
  api: Api,
  kind: "products" | "prices",
  { file, dryRun }: { file: string; dryRun: boolean },
) {
  const bytes = readFileSync(file)
  const read = readCsv(bytes)
  const data: Imported = { dryRun, rows: 0, counts: {}, problems: [] }
  const path = `/v1/imports/${kind}?dryRun=${dryRun}`
  if (!read.isReadable || read.lines.length <= atOnce)
    add(data, await api.postFile(path, bytes.toString("utf8")), (line) => line)
  else
    for (let from = 0; from < read.lines.length; from += atOnce) {
      const part = read.lines.slice(from, from + atOnce)
      const text = writeCsv([read.heading.cells, ...part.map(({ cells }) => cells)])
      const places = lineOf(part.map(({ cells }) => cells))
      add(data, await api.postFile(path, text), (line) => part[places(line)]?.line ?? line)
    }
  if (data.rows > 0 && Object.keys(data.counts).length === 0)
    throw new AppError("REQUEST_INVALID", [`nothing was imported from ${file}:`, ...problemLines(data)].join("\n"))
  return { data, text: () => importedText(data) }
}

/** Which row of a part stands at a line of it. */
function lineOf(rows: readonly (readonly string[])[]): (line: number) => number {
  const starts: number[] = []
  let line = 2
  for (const cells of rows) {
    starts.push(line)
    line += 1 + cells.reduce((sum, cell) => sum + (cell.match(/\r\n|\r|\n/g)?.length ?? 0), 0)
  }
  return (wanted) => starts.indexOf(wanted)
}

function add(data: Imported, part: Imported, lineIn: (line: number) => number): void {
  data.rows += part.rows
  for (const [outcome, count] of Object.entries(part.counts)) data.counts[outcome] = (data.counts[outcome] ?? 0) + count
  data.problems.push(...part.problems.map((one) => ({ ...one, line: lineIn(one.line) })))
}

const problemLines = ({ problems }: Imported) =>
  problems
    .slice(0, shownMost)
    .map(({ line, column, message }) => `  line ${line}${column === "" ? "" : `, ${column}`}: ${message}`)

function importedText(data: Imported): string {
  const counts = Object.entries(data.counts).map(([outcome, count]) => `${count} ${outcome}`)
  const more = data.problems.length - shownMost
  return [
    `${data.rows} rows${data.dryRun ? " tried, nothing changed" : ""}: ${counts.join(", ") || "none counts"}`,
    ...problemLines(data),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join("\n")
}

/** Writes all products or prices into a file. */
export async function exportFile(api: Api, kind: "products" | "prices", file: string) {
  const text = await api.getFile(`/v1/exports/${kind}`)
  writeFileSync(file, text)
  const rows = readCsv(Buffer.from(text)).lines.length
  return { data: { file, rows }, text: () => `${rows} rows are in ${file}` }
}
