import { readCsv, type CsvProblem } from "../../base/csv/csv.ts"
import { AppError } from "../../base/errors.ts"
import type { Author } from "../../governance/ownership/judge.ts"
import { writePrices } from "../writes/price-writes.ts"
import { writeProducts } from "../writes/product-writes.ts"
import type { Outcome, Writing } from "../writes/writing.ts"
import { columnOf, readPriceFile } from "./price-file.ts"
import { readProductFile } from "./product-file.ts"

/** What became of a file, with every problem at its line and column. */
export interface Imported {
  dryRun: boolean
  rows: number
  counts: Partial<Record<Outcome["outcome"], number>>
  problems: (CsvProblem & { rule?: string; exceptionId?: string })[]
}

/** What a file holds. */
export type FileKind = "products" | "prices"

const atOnce = 500
/** More than fit the time of a request; `crossdock prices import` sends longer files in parts. */
const linesMax = 50_000

/**
 * Imports a file. A row that fails costs no other; a heading that cannot be read stops the file. A dry run says what would become of
 * every row, and changes nothing.
 */
export async function importFile(
  writing: Writing,
  { kind, bytes, author, dryRun }: { kind: FileKind; bytes: Uint8Array; author: Author; dryRun: boolean },
): Promise<Imported> {
  const file = readCsv(bytes)
  if (file.lines.length > linesMax)
    throw new AppError("REQUEST_INVALID", `the file has more than ${linesMax} lines; send it in parts`)
  const judging = dryRun ? { ...writing, isDryRun: true } : writing
  const result: Imported = { dryRun, rows: file.lines.length, counts: {}, problems: [] }
  const take = async <Row>(
    read: { rows: { line: number; row: Row }[]; problems: CsvProblem[] },
    write: (rows: Row[]) => Promise<Outcome[]>,
  ) => {
    result.problems = [...read.problems]
    const lines = new Set(read.problems.map(({ line }) => line))
    lines.delete(file.heading.line)
    count(result, "refused", lines.size)
    for (let from = 0; from < read.rows.length; from += atOnce) {
      const part = read.rows.slice(from, from + atOnce)
      const outcomes = await write(part.map(({ row }) => row))
      for (const [n, outcome] of outcomes.entries()) note(result, part[n]?.line ?? 0, outcome)
    }
  }
  if (kind === "prices") await take(readPriceFile(file), (rows) => writePrices(judging, rows, { author }))
  else await take(readProductFile(file), (rows) => writeProducts(judging, rows, { author }))
  result.problems.sort((a, b) => a.line - b.line)
  return result
}

function count({ counts }: Imported, outcome: Outcome["outcome"], more = 1): void {
  if (more > 0) counts[outcome] = (counts[outcome] ?? 0) + more
}

function note(result: Imported, line: number, { outcome, why, problems, rule, exceptionId }: Outcome): void {
  count(result, outcome)
  if (outcome !== "held" && outcome !== "refused") return
  const [first] = problems ?? []
  result.problems.push({
    line,
    column: first ? columnOf(first.pointer) : "",
    message: why ?? "is refused",
    ...(rule === undefined ? {} : { rule }),
    ...(exceptionId === undefined ? {} : { exceptionId }),
  })
}
