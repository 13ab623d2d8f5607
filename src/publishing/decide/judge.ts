import { instant as at } from "../../base/time.ts"
import { waitsForItsTime } from "./due.ts"
import { kindOf, type Explanation } from "./kinds.ts"
import type { PublishedRow, Why } from "./row.ts"

/** A value as it was computed now; undefined: there is none, and what the channel shows cannot be taken away. */
export interface Computed<Value = number> {
  value: Value | undefined
  why: Why
}

/** A value as it was read now. */
export interface Seen<Value = number> {
  value: Value
  committedMilli?: number
  /** What its orders hold less what Crossdock holds for them. */
  unheldMilli?: number
  ref?: string
}

export type ForeignRule = "restore" | "adopt" | "hold" | "alert"

const unseenAgainMs = 5000
const editsMax = 3
const editsWindowMs = 3_600_000
const readBackMs = 2000
const readBacksMax = 6

/** Takes a new value over: what the row should show, and whether that has to be sent. Of a row that was looked at, `look` follows. */
export function assessed<Value>(
  row: PublishedRow<Value>,
  { value, why }: Computed<Value>,
  nowMs: number,
): PublishedRow<Value> {
  const kind = kindOf<Value>(row)
  if (value === undefined) return withoutValue(row, { why, nowMs })
  const wanted = isWithdrawn(row) ? (kind.withdrawn ?? value) : value
  const desired = row.pinned === null ? wanted : kind.under(wanted, row.pinned)
  const isNew = row.desired === null || !kind.same(desired, row.desired)
  const moment = isNew ? plannedFor(row, nowMs) : row.why?.moment
  const next: PublishedRow<Value> = {
    ...row,
    assessed: row.marks,
    desired,
    why: moment === undefined ? why : { ...why, moment },
    version: isNew ? row.version + 1 : row.version,
    effectiveAt: isNew ? (moment ?? at(nowMs)) : row.effectiveAt,
    changedAt: row.changedAt ?? (isNew ? (moment ?? null) : null),
    // What was held for want of a value has one.
    heldBy: isWithoutValue(row) ? null : row.heldBy,
  }
  return isLeft(row) && !isNew ? next : settled(next, nowMs)
}

/** The moment at which the value was to change by itself, if that is over. */
function plannedFor({ why, aspect }: PublishedRow<unknown>, nowMs: number): string | undefined {
  // A promise narrows with the age of its sources, which is nobody's appointment.
  if (aspect === "stock" || why?.nextAt === undefined) return undefined
  return Date.parse(why.nextAt) <= nowMs ? why.nextAt : undefined
}

const isWithoutValue = ({ heldBy, desired }: PublishedRow<unknown>): boolean => heldBy === "guard" && desired === null

/** Nothing may be shown any more: what the channel was told once stands there until people act. What it was never told is no matter. */
function withoutValue<Value>(
  row: PublishedRow<Value>,
  { why, nowMs }: { why: Why; nowMs: number },
): PublishedRow<Value> {
  const nextAt = why.nextAt !== undefined && Date.parse(why.nextAt) > nowMs ? why.nextAt : null
  const base = { ...row, assessed: row.marks, desired: null, why, changedAt: null, dueAt: nextAt, needsLook: true }
  if (row.heldBy === "person") return { ...base, state: "held" }
  if (row.sentVersion === null) return { ...base, state: "waiting", cause: why.text ?? null }
  return { ...base, state: "held", heldBy: "guard", cause: why.text ?? null }
}

/** Somebody else's value that stands until there is another one to write. */
function isLeft({ state, dueAt }: PublishedRow<unknown>): boolean {
  return state === "drifted" && dueAt === null
}

/** Zero is shown, whatever may be promised. */
export function isWithdrawn({ state }: Pick<PublishedRow, "state">): boolean {
  return state === "withdrawing" || state === "gone"
}

/** The state that follows from what is wanted and what is shown. */
export function settled<Value>(row: PublishedRow<Value>, nowMs: number): PublishedRow<Value> {
  const { desired, observed, heldBy, state } = row
  const kind = kindOf<Value>(row)
  if (heldBy !== null) return { ...row, state: "held", dueAt: null }
  if (waitsForItsTime(row, nowMs)) return row
  if (row.needsLook || observed === null || desired === null)
    return { ...row, state: stateWhenDue(state), dueAt: at(nowMs), needsLook: true }
  if (kind.same(observed, desired)) return live(row, nowMs)
  const { rank, risk } = kind.urgency(desired, observed)
  // Recalls go first.
  return { ...row, state: stateWhenDue(state), dueAt: at(nowMs), rank: isWithdrawn(row) ? 0 : rank, risk }
}

function stateWhenDue(state: PublishedRow["state"]): PublishedRow["state"] {
  if (isWithdrawn({ state })) return "withdrawing"
  return state === "stale" || state === "unknown" || state === "accepted" ? state : "due"
}

/** It shows what it should. What the channel sold and we have not heard of is asked for again soon. */
function live<Value>(row: PublishedRow<Value>, nowMs: number): PublishedRow<Value> {
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
export function looked<Value>(
  row: PublishedRow<Value>,
  seen: Seen<Value>,
  { explanation, rule, nowMs }: { explanation: Explanation; rule: ForeignRule; nowMs: number },
): PublishedRow<Value> {
  const kind = kindOf<Value>(row)
  const same = (one: Value | null) => one !== null && kind.same(seen.value, one)
  const before = row.observed
  const next: PublishedRow<Value> = {
    ...row,
    observed: seen.value,
    token: tokenOf(seen),
    observedAt: at(nowMs),
    ref: seen.ref ?? row.ref,
    needsLook: false,
    // What is gone and is shown again is withdrawn again.
    state: isWithdrawn(row) ? "withdrawing" : "due",
  }
  if (row.heldBy !== null || (isLeft(row) && same(before) && !same(row.desired)))
    return { ...next, state: row.state, dueAt: row.dueAt }
  const isOurs = row.sentVersion !== null && same(row.sent)
  if (row.state === "accepted" && !isOurs && same(before)) return notLive(next, nowMs)
  // An echo, our own write, and what somebody set to the very value that it should have: no news (P-08).
  if (same(next.desired) || same(before) || isOurs)
    return settled({ ...next, observedBy: isOurs ? "Crossdock" : row.observedBy }, nowMs)
  if (before === null || isWithdrawn(row) || kind.isExplained(seen.value, before, explanation))
    return settled({ ...next, observedBy: "the channel" }, nowMs)
  return edited({ ...next, observedBy: "somebody else" }, { rule, nowMs })
}

function tokenOf<Value>({ committedMilli, unheldMilli }: Seen<Value>): PublishedRow["token"] {
  if (committedMilli === undefined) return null
  return { committedMilli, ...(unheldMilli === undefined ? {} : { unheldMilli }) }
}

/** The channel took it and shows what it showed before: it is read again, later each time, and after the last time people are told. */
function notLive<Value>(row: PublishedRow<Value>, nowMs: number): PublishedRow<Value> {
  const attempts = row.attempts + 1
  if (attempts < readBacksMax)
    return { ...row, state: "accepted", attempts, needsLook: true, dueAt: at(nowMs + readBackMs * 2 ** attempts) }
  const cause = "the channel took it and still shows what it showed before"
  return { ...row, state: "refused", attempts, needsLook: true, cause, dueAt: at(nowMs + editsWindowMs) }
}

/** Somebody else changed what Crossdock publishes: the owner's rule says what follows. One who does it again and again is no accident. */
function edited<Value>(
  row: PublishedRow<Value>,
  { rule, nowMs }: { rule: ForeignRule; nowMs: number },
): PublishedRow<Value> {
  const kind = kindOf<Value>(row)
  const isFirst = row.editsSince === null || nowMs - Date.parse(row.editsSince) > editsWindowMs
  const counted: PublishedRow<Value> = {
    ...row,
    edits: isFirst ? 1 : row.edits + 1,
    editsSince: isFirst ? at(nowMs) : row.editsSince,
  }
  const cause = `shows ${kind.text(row.observed)}, ${kind.isOdd}`
  if (rule === "hold")
    return { ...counted, state: "held", heldBy: "owner", dueAt: null, cause: "changed in the channel" }
  if (rule === "adopt") {
    // Never more than was adopted or withdrawn before.
    const found = row.observed === null ? null : kind.adopted(row.observed)
    const pinned = found === null || row.pinned === null ? found : kind.under(row.pinned, found)
    const desired = row.desired === null || pinned === null ? row.desired : kind.under(row.desired, pinned)
    return settled({ ...counted, pinned, desired }, nowMs)
  }
  if (rule === "alert") return { ...counted, state: "drifted", dueAt: null, cause: "changed in the channel" }
  if (counted.edits >= editsMax)
    return { ...counted, state: "held", heldBy: "guard", dueAt: null, cause: "changed in the channel again and again" }
  return { ...settled(counted, nowMs), state: "drifted", cause }
}

/** Under way: until `lostAtMs` nobody else touches it, then its outcome is unknown. */
export function sent<Value>(
  row: PublishedRow<Value>,
  { key, nowMs, lostAtMs }: { key: string; nowMs: number; lostAtMs: number },
): PublishedRow<Value> {
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
