import type { KindRow } from "../../src/rules/tie-out/kinds.ts"
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
    "KINDS OF ORDERS",
    ...grid([
      ["", "orders", "ended right", "with a person (expected)", "with a person (unexpected)"],
      ...report.kinds.map((row) => [row.kind, ...kindFigures(row)]),
      ["all", ...kindFigures(sumOf(report.kinds))],
    ]),
    ...report.unexpected.slice(0, violationsShown).map((text) => `  ${text}`),
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

function kindFigures({ orders, endedRight, asked, askedUnexpectedly }: Omit<KindRow, "kind">): string[] {
  return [orders, endedRight, asked, askedUnexpectedly].map(String)
}

function sumOf(rows: readonly KindRow[]): Omit<KindRow, "kind"> {
  const total = { orders: 0, endedRight: 0, asked: 0, askedUnexpectedly: 0 }
  for (const row of rows) {
    total.orders += row.orders
    total.endedRight += row.endedRight
    total.asked += row.asked
    total.askedUnexpectedly += row.askedUnexpectedly
  }
  return total
}

function grid(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd())
}
