import { instant as at } from "../../base/time.ts"
import type { PublishedRow, Why } from "./row.ts"

/** A value as it was computed now. */
export interface Computed {
  milli: number
  why: Why
}

/** A level as it was read now. */
export interface Seen {
  milli: number
  committedMilli?: number
  ref?: string
}

/** What may explain that a channel shows something else than before, without anybody's edit. */
export interface Explanation {
  /** Sold by the channel and not reserved here yet. */
  unseenMilli: number
  /** Reserved for the channel's orders since the row was last observed. */
  newMilli: number
  /** Given back since then: a shop puts the goods of a cancelled order back by itself. */
  givenBackMilli: number
}

export type ForeignRule = "restore" | "adopt" | "hold" | "alert"

const unseenAgainMs = 5000
const editsMax = 3
const editsWindowMs = 3_600_000
const hasItsTime: ReadonlySet<PublishedRow["state"]> = new Set(["unmapped", "refused", "unknown"])

/** Takes a new value over: what the row should show, and whether that has to be sent. Of a row that was looked at, `look` follows. */
export function assessed(row: PublishedRow, { milli, why }: Computed, nowMs: number): PublishedRow {
  const wanted = isWithdrawn(row) ? 0 : milli
  const desired = row.pinned === null ? wanted : Math.min(wanted, row.pinned)
  const isNew = desired !== row.desired
  const next = {
    ...row,
    assessed: row.marks,
    desired,
    why,
    version: isNew ? row.version + 1 : row.version,
    effectiveAt: isNew ? at(nowMs) : row.effectiveAt,
  }
  return isLeft(row) && !isNew ? next : settled(next, nowMs)
}

/** Somebody else's value that stands until there is another one to write. */
function isLeft({ state, dueAt }: PublishedRow): boolean {
  return state === "drifted" && dueAt === null
}

/** Zero is shown, whatever may be promised. */
export function isWithdrawn({ state }: Pick<PublishedRow, "state">): boolean {
  return state === "withdrawing" || state === "gone"
}

/** The state that follows from what is wanted and what is shown. */
export function settled(row: PublishedRow, nowMs: number): PublishedRow {
  const { desired, observed, heldBy, state, dueAt } = row
  if (heldBy !== null) return { ...row, state: "held", dueAt: null }
  // These are looked at when their time comes, whatever the stock does.
  if (hasItsTime.has(state) && dueAt !== null && Date.parse(dueAt) > nowMs) return row
  if (row.needsLook || observed === null || desired === null)
    return { ...row, state: stateWhenDue(state), dueAt: at(nowMs), needsLook: true }
  if (observed === desired) return live(row, nowMs)
  return { ...row, state: stateWhenDue(state), dueAt: at(nowMs), ...urgency({ desired, observed, state }) }
}

function stateWhenDue(state: PublishedRow["state"]): PublishedRow["state"] {
  if (isWithdrawn({ state })) return "withdrawing"
  return state === "stale" || state === "unknown" ? state : "due"
}

/** Recalls first, then to zero, then falls: what is shown too much can be sold twice. Within a rank by the share that is wrong. */
function urgency({
  desired,
  observed,
  state,
}: {
  desired: number
  observed: number
  state: PublishedRow["state"]
}): Pick<PublishedRow, "rank" | "risk"> {
  const risk = Math.abs(observed - desired) / (Math.max(0, Math.min(observed, desired)) + 1000)
  if (isWithdrawn({ state })) return { rank: 0, risk }
  if (desired < observed) return { rank: desired === 0 ? 1 : 2, risk }
  return { rank: 3, risk }
}

/** It shows what it should. What the channel sold and we have not heard of is asked for again soon. */
function live(row: PublishedRow, nowMs: number): PublishedRow {
  const isGone = isWithdrawn(row)
  const isUnseen = !isGone && (row.why?.unseenMilli ?? 0) > 0
  const nextAt = isGone ? null : (row.why?.nextAt ?? null)
  return {
    ...row,
    state: isGone ? "gone" : "live",
    dueAt: isUnseen ? at(nowMs + unseenAgainMs) : nextAt,
    rank: 3,
    needsLook: isUnseen,
    changedAt: row.marks > row.assessed ? row.changedAt : null,
    cause: null,
    attempts: 0,
  }
}

/** What a look at the channel says of a row whose value was computed in the same moment. */
export function looked(
  row: PublishedRow,
  seen: Seen,
  { explanation, rule, nowMs }: { explanation: Explanation; rule: ForeignRule; nowMs: number },
): PublishedRow {
  const before = row.observed
  const next: PublishedRow = {
    ...row,
    observed: seen.milli,
    token: seen.committedMilli === undefined ? null : { committedMilli: seen.committedMilli },
    observedAt: at(nowMs),
    ref: seen.ref ?? row.ref,
    needsLook: false,
    // What is gone and is shown again is withdrawn again.
    state: isWithdrawn(row) ? "withdrawing" : "due",
  }
  if (row.heldBy !== null || (isLeft(row) && seen.milli === before && seen.milli !== row.desired))
    return { ...next, state: row.state, dueAt: null }
  const isOurs = row.sent !== null && seen.milli === row.sent && row.sentVersion !== null
  // An echo, our own write, and what somebody set to the very value that it should have: no news (P-08).
  if (seen.milli === next.desired || seen.milli === before || isOurs)
    return settled({ ...next, observedBy: isOurs ? "Crossdock" : row.observedBy }, nowMs)
  if (before === null || isWithdrawn(row) || isExplained(seen.milli - before, explanation))
    return settled({ ...next, observedBy: "the channel" }, nowMs)
  return edited({ ...next, observedBy: "somebody else" }, { rule, nowMs })
}

function isExplained(change: number, { unseenMilli, newMilli, givenBackMilli }: Explanation): boolean {
  return change < 0 ? -change <= unseenMilli + newMilli : change <= givenBackMilli
}

/** Somebody else changed what Crossdock publishes: the owner's rule says what follows. One who does it again and again is no accident. */
function edited(row: PublishedRow, { rule, nowMs }: { rule: ForeignRule; nowMs: number }): PublishedRow {
  const isFirst = row.editsSince === null || nowMs - Date.parse(row.editsSince) > editsWindowMs
  const counted = { ...row, edits: isFirst ? 1 : row.edits + 1, editsSince: isFirst ? at(nowMs) : row.editsSince }
  const cause = `shows ${row.observed ?? 0}, which is nobody's order`
  if (rule === "hold")
    return { ...counted, state: "held", heldBy: "owner", dueAt: null, cause: "changed in the channel" }
  if (rule === "adopt") {
    // Never more than was adopted or withdrawn before, and never less than nothing where the channel oversold.
    const pinned = Math.min(row.pinned ?? Number.POSITIVE_INFINITY, Math.max(0, row.observed ?? 0))
    return settled({ ...counted, pinned, desired: Math.min(row.desired ?? 0, pinned) }, nowMs)
  }
  if (rule === "alert") return { ...counted, state: "drifted", dueAt: null, cause: "changed in the channel" }
  if (counted.edits >= editsMax)
    return { ...counted, state: "held", heldBy: "guard", dueAt: null, cause: "changed in the channel again and again" }
  return { ...settled(counted, nowMs), state: "drifted", cause }
}

/** Under way: until `lostAtMs` nobody else touches it, then its outcome is unknown. */
export function sent(
  row: PublishedRow,
  { key, nowMs, lostAtMs }: { key: string; nowMs: number; lostAtMs: number },
): PublishedRow {
  return {
    ...row,
    state: row.state === "withdrawing" ? "withdrawing" : "sent",
    sentVersion: row.version,
    sentKey: key,
    sent: row.desired,
    sentAt: at(nowMs),
    dueAt: at(lostAtMs),
  }
}
