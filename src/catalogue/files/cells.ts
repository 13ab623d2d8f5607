import type { CsvFile, CsvLine, CsvProblem } from "../../base/csv/csv.ts"

/** Rows that could be read, each with its line, and the problems of the others. */
export interface ReadRows<Row> {
  rows: { line: number; row: Row }[]
  problems: CsvProblem[]
}

/** The filled cells of a line by the name of their column. */
export function cellsOf<Column extends string>(
  { heading }: CsvFile,
  { cells }: CsvLine,
): (column: Column) => string | undefined {
  const named = new Map(heading.cells.map((name, n) => [name.toLowerCase(), cells[n]]))
  return (column) => {
    const cell = named.get(column.toLowerCase())
    return cell === "" ? undefined : cell
  }
}

/** Columns that are missing, that nobody knows, or that stand there twice. */
export function headingProblems(
  { heading }: CsvFile,
  { known, needed }: { known: readonly string[]; needed: readonly string[] },
): CsvProblem[] {
  const names = heading.cells.map((name) => name.toLowerCase())
  const at = (column: string, message: string) => ({ line: heading.line, column, message })
  return [
    ...needed.filter((name) => !names.includes(name)).map((name) => at(name, "the column is missing")),
    ...names
      .filter((name) => !known.includes(name))
      .map((name) => at(name, `is no column; there are ${known.join(", ")}`)),
    ...names.filter((name, n) => names.indexOf(name) !== n).map((name) => at(name, "stands there twice")),
  ]
}
