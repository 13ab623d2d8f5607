import { keyOf, type PublishedRow } from "./row.ts"

/** Of rows whose changes are shown by now: how long that took, and the moments for which they were planned. */
export function shownNow(
  rows: readonly PublishedRow<unknown>[],
  since: ReadonlyMap<string, string | null>,
  nowMs: number,
): { agesMs: number[]; moments: string[] } {
  const shown = rows.flatMap((row) => {
    const changedAt = row.state === "live" ? since.get(keyOf(row)) : undefined
    return changedAt ? [{ row, changedAt }] : []
  })
  const moments = shown.flatMap(({ row: { why, effectiveAt } }) => {
    const isPlanned = why?.moment !== undefined && Date.parse(why.moment) === Date.parse(effectiveAt ?? "")
    return isPlanned ? [why.moment ?? ""] : []
  })
  return { agesMs: shown.map(({ changedAt }) => nowMs - Date.parse(changedAt)), moments }
}
