import type { StepRow } from "../effects/step-rows.ts"

/** What a figure for people grows or shrinks by. */
export interface Figure {
  name: string
  label: string
  by: number
  /** How long ago it was counted, of what is taken back: from the hour it stands in. */
  msAgo?: number
}

/**
 * Counts effects by connection and outcome. One whose outcome changes moves, with its attempts and look-ups; it is taken back from the
 * hour that it was counted in, so that no hour holds fewer than none.
 */
export function figuresOf(known: StepRow | undefined, row: StepRow): Figure[] {
  const { counted: now } = row
  if ((row.kind !== "effect" && row.kind !== "undo") || row.outcome === null || !now) return []
  const before = known?.counted
  const back = before ? figures(known, -1).map((figure) => ({ ...figure, msAgo: now.atMs - before.atMs })) : []
  return [...back, ...figures(row, 1)]
}

function figures({ connection = "", counted }: StepRow, sign: 1 | -1): Figure[] {
  if (!counted) return []
  const label = `${connection}|${counted.outcome}`
  return [
    { name: "effects", label, by: sign },
    { name: "attempts", label, by: sign * counted.attempts },
    { name: "probes", label, by: sign * counted.probes },
  ].filter(({ by }) => by !== 0)
}
