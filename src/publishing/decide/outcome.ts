import { instant as at } from "../../base/time.ts"
import type { ItemOutcome } from "../../ports/bulk-write.ts"
import type { Written } from "../../ports/write.ts"
import { settled } from "./judge.ts"
import type { PublishedRow } from "./row.ts"

const minuteMs = 60_000
/** Whether the channel has it by now, or works it out no more. */
const otherwiseAgainMs = 60 * minuteMs
const refusedAgainMs = 15 * minuteMs
const refusedAgainMaxMs = 24 * 60 * minuteMs

/** What a channel says it took. */
export interface Taken<Value> extends Written {
  value: Value
}

/** What became of a row that was sent. With `readsBack` it is shown only when it was seen: what a channel accepts may not be live. */
export function cameBack<Value>(
  row: PublishedRow<Value>,
  outcome: ItemOutcome<Taken<Value>>,
  { nowMs, settleMs, readsBack = false }: { nowMs: number; settleMs: number; readsBack?: boolean },
): PublishedRow<Value> {
  if (outcome.kind === "done") {
    const { value, reference } = outcome.outcome
    const taken = { ...row, acceptedAt: at(nowMs), ref: reference?.id ?? row.ref }
    if (readsBack) return { ...taken, state: "accepted", needsLook: true, attempts: 0, dueAt: at(nowMs) }
    const done = {
      ...taken,
      state: row.state === "withdrawing" ? row.state : ("due" as const),
      observed: value,
      observedAt: at(nowMs),
      observedBy: "Crossdock",
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
export function again<Value>(
  row: PublishedRow<Value>,
  { state, dueMs, cause }: { state: "stale" | "unknown"; dueMs: number; cause: string },
): PublishedRow<Value> {
  const kept = row.state === "withdrawing" ? row.state : state
  return { ...row, state: kept, needsLook: true, dueAt: at(dueMs), attempts: row.attempts + 1, cause }
}

/** A call of which nothing happened: the row is as it was. */
export function notSent<Value>(row: PublishedRow<Value>, dueMs: number): PublishedRow<Value> {
  return { ...row, state: row.state === "withdrawing" ? row.state : "due", sentKey: null, dueAt: at(dueMs) }
}

/**
 * The channel has no such article, works its value out itself, or refuses it; each is tried again later. What it works out itself is as it
 * should be, unless people want it withdrawn, or shown at most as it was.
 */
export function refused<Value>(
  row: PublishedRow<Value>,
  { code, message }: { code: string; message: string },
  nowMs: number,
): PublishedRow<Value> {
  const attempts = row.attempts + 1
  const base = { ...row, attempts, cause: message, needsLook: true, assessed: row.marks, changedAt: null }
  if (code === "ARTICLE_UNKNOWN")
    return { ...base, state: "unmapped", ref: null, observed: null, dueAt: at(nowMs + otherwiseAgainMs) }
  if (code === "DERIVED_BY_CHANNEL" && row.pinned === null)
    return { ...base, state: "derived", ref: null, observed: null, attempts: 0, dueAt: at(nowMs + otherwiseAgainMs) }
  const waitMs = Math.min(refusedAgainMs * 2 ** (attempts - 1), refusedAgainMaxMs)
  return { ...base, state: "refused", dueAt: at(nowMs + waitMs) }
}
