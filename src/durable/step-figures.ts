import type { StepRow } from "../effects/step-rows.ts"

/** What a figure for people grows or shrinks by. */
export interface Figure {
  name: string
  label: string
  by: number
}

/** Counts effects by connection and outcome. One whose outcome changes moves, with its attempts and look-ups. */
export function figuresOf(known: StepRow | undefined, row: StepRow): Figure[] {
  if ((row.kind !== "effect" && row.kind !== "undo") || row.outcome === null) return []
  const counted = (one: StepRow, sign: 1 | -1): Figure[] => {
    const label = `${one.connection ?? ""}|${one.lastOutcome ?? ""}`
    return [
      { name: "effects", label, by: sign },
      { name: "attempts", label, by: sign * one.attempts },
      { name: "probes", label, by: sign * one.probes },
    ].filter(({ by }) => by !== 0)
  }
  return [...(known?.lastOutcome ? counted(known, -1) : []), ...counted(row, 1)]
}
