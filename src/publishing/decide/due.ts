import type { PublishedRow, RowState } from "./row.ts"

const hasItsTime: ReadonlySet<RowState> = new Set(["unmapped", "refused", "derived", "unknown", "accepted"])

/** Looked at when its time comes, whatever else changes. */
export function waitsForItsTime({ state, dueAt }: Pick<PublishedRow, "state" | "dueAt">, nowMs: number): boolean {
  return hasItsTime.has(state) && dueAt !== null && Date.parse(dueAt) > nowMs
}

/** News of a row comes before one that was never seen, and that before what is only read back in its turn. */
export function lookRank({ observed, marks, assessed: seen, state }: PublishedRow<unknown>): number {
  if (observed === null) return 1
  return marks > seen || state === "unknown" || state === "stale" || state === "drifted" || state === "accepted" ? 0 : 2
}

/** Whether a row is read before anything else is done with it. */
export function needsLook(row: PublishedRow<unknown>, nowMs: number): boolean {
  return !waitsForItsTime(row, nowMs) && (row.needsLook || row.observed === null)
}
