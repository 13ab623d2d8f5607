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

/** The lines that can be used; what is wrong with the others is among the file's problems. */
export function usableLines({ lines, problems }: CsvFile): CsvLine[] {
  const wrong = new Set(problems.map(({ line }) => line))
  return lines.filter(({ line }) => !wrong.has(line))
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
    ...twice(names).map((name) => at(name, "stands there twice")),
  ]
}

/** Names that stand in a heading more than once. */
export function twice(names: readonly string[]): string[] {
  return [...Map.groupBy(names, (name) => name)].flatMap(([name, all]) => (all.length > 1 ? [name] : []))
}
