import { instant as at } from "../../base/time.ts"
import type { ItemOutcome } from "../../ports/bulk-write.ts"
import type { PublishedLevel } from "../../ports/capabilities/stock.ts"
import { settled } from "./judge.ts"
import type { PublishedRow } from "./row.ts"

const minuteMs = 60_000
const unmappedAgainMs = 60 * minuteMs
const refusedAgainMs = 15 * minuteMs
const refusedAgainMaxMs = 24 * 60 * minuteMs

/** What became of a row that was sent. */
export function cameBack(
  row: PublishedRow,
  outcome: ItemOutcome<PublishedLevel>,
  { nowMs, settleMs }: { nowMs: number; settleMs: number },
): PublishedRow {
  if (outcome.kind === "done") {
    const { available, reference } = outcome.outcome
    const done = {
      ...row,
      state: row.state === "withdrawing" ? row.state : ("accepted" as const),
      observed: available.milli,
      observedAt: at(nowMs),
      observedBy: "Crossdock",
      acceptedAt: at(nowMs),
      ref: reference?.id ?? row.ref,
    }
    return settled(done, nowMs)
  }
  // News: the next look finds out whose.
  if (outcome.kind === "stale")
    return again(row, { state: "stale", dueMs: nowMs, cause: "it shows something else than we knew" })
  if (outcome.kind === "unknown")
    return again(row, { state: "unknown", dueMs: nowMs + settleMs, cause: outcome.message })
  return refused(row, outcome, nowMs)
}

/** A row that is read before anything is sent again. */
export function again(
  row: PublishedRow,
  { state, dueMs, cause }: { state: "stale" | "unknown"; dueMs: number; cause: string },
): PublishedRow {
  const kept = row.state === "withdrawing" ? row.state : state
  return { ...row, state: kept, needsLook: true, dueAt: at(dueMs), attempts: row.attempts + 1, cause }
}

/** A call of which nothing happened: the row is as it was. */
export function notSent(row: PublishedRow, dueMs: number): PublishedRow {
  return { ...row, state: row.state === "withdrawing" ? row.state : "due", sentKey: null, dueAt: at(dueMs) }
}

/** The channel has no such article, or refuses it; both are tried again later. */
export function refused(
  row: PublishedRow,
  { code, message }: { code: string; message: string },
  nowMs: number,
): PublishedRow {
  const attempts = row.attempts + 1
  const base = { ...row, attempts, cause: message, needsLook: true, assessed: row.marks, changedAt: null }
  if (code === "ARTICLE_UNKNOWN")
    return { ...base, state: "unmapped", ref: null, observed: null, dueAt: at(nowMs + unmappedAgainMs) }
  const waitMs = Math.min(refusedAgainMs * 2 ** (attempts - 1), refusedAgainMaxMs)
  return { ...base, state: "refused", dueAt: at(nowMs + waitMs) }
}
