/** What came of one law for one subject under one fault. */
export interface Verdict {
  subject: string
  law: string
  fault: string
  /** `kept`, `broken`, or why it could not be judged. */
  outcome: string
}

const mark = (outcome: string) => (outcome === "kept" ? "✓" : outcome.startsWith("broken") ? "✗" : "–")

/** The table of a run: a row for each subject and law, a mark for each fault, and every reason for a dash below. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  const faults = [...new Set(verdicts.map(({ fault }) => fault))]
  const rows = new Map<string, Verdict[]>()
  for (const verdict of verdicts) {
    const name = `${verdict.subject}\t${verdict.law}`
    rows.set(name, [...(rows.get(name) ?? []), verdict])
  }
  const width = Math.max(0, ...[...rows.keys()].map((name) => name.split("\t")[1]?.length ?? 0))
  const lines = [`${" ".repeat(width + 4)}${faults.join(" | ")}`]
  let subject = ""
  for (const [name, row] of rows) {
    const [current = "", law = ""] = name.split("\t")
    if (current !== subject) lines.push((subject = current))
    const cells = faults.map((fault) => {
      const verdict = row.find((candidate) => candidate.fault === fault)
      return (verdict ? mark(verdict.outcome) : " ").padEnd(fault.length)
    })
    lines.push(`  ${law.padEnd(width)}  ${cells.join(" | ")}`)
  }
  const notes = verdicts
    .filter(({ outcome }) => mark(outcome) === "–")
    .map(({ subject, law, fault, outcome }) => `– ${subject}, ${law}, ${fault}: ${outcome}`)
  return [...lines, "✓ kept   ✗ broken   – cannot apply", ...new Set(notes)].join("\n")
}
