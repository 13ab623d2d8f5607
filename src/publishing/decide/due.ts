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

/** Whether something changed that its value has not seen. */
export const isMarked = ({ marks, assessed }: PublishedRow<unknown>): boolean => marks > assessed

/** Whether a row waits for its turn to be sent as it did before: there is nothing to write down. */
export function isWhereItStood(row: PublishedRow<unknown>, before: PublishedRow<unknown> | undefined): boolean {
  if (before?.state !== "due" || row.state !== "due" || isMarked(before)) return false
  return !before.needsLook && !row.needsLook && before.dueAt !== null && before.version === row.version
}
