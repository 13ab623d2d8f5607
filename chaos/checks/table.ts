import type { Report } from "../checker.ts"

const violationsShown = 60

/** The report as people read it. */
export function reportText(report: Report): string {
  const mark = (isGood: boolean) => (isGood ? "ok" : "VIOLATED")
  const rows = report.rows.map((row) => [
    row.what,
    row.ours,
    row.theirs,
    String(row.differences),
    mark(row.differences === 0),
  ])
  const counts = Object.entries(report.counts).map(([what, text]) => `  ${what}: ${text}`)
  const invariants = report.invariants.map(({ id, isKept, how, violations }) => [
    id,
    isKept ? "ok" : `VIOLATED ×${violations}`,
    how,
  ])
  const violations = report.violations.slice(0, violationsShown).map(({ invariant, what }) => `  ${invariant}: ${what}`)
  const rest = report.violations.length - violations.length
  return [
    "",
    "TIE-OUT, from the vendors' own books and the public API",
    ...grid([["", "one side", "other side", "differ", ""], ...rows]),
    "",
    "COUNTS",
    ...counts,
    "",
    "INVARIANTS",
    ...grid(invariants),
    ...(violations.length > 0 ? ["", "VIOLATIONS", ...violations] : []),
    ...(rest > 0 ? [`  … and ${rest} more`] : []),
    "",
  ].join("\n")
}

function grid(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd())
}
