/** Lays rows out in columns as wide as their widest cell; the last column is cut to the terminal. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  widthMax = terminalWidth(),
): string {
  const all = [headings, ...rows]
  const widths = headings.map((_, column) => all.reduce((most, row) => Math.max(most, (row[column] ?? "").length), 0))
  return all
    .map((row) => {
      const line = row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join("  ")
      return line.length > widthMax ? `${line.slice(0, widthMax - 1)}…` : line
    })
    .join("\n")
}

function terminalWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns : 400
}

/** Time of day of an instant, to the millisecond. */
export function clockText(at: string): string {
  return at.slice(11, 23)
}
