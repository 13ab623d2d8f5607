import type { Money } from "../../base/money.ts"
import { epochMs, instant, type Instant } from "../../base/time.ts"
import type { Condition, Figures } from "./condition.ts"

/** Everything that is told about one condition, from its beginning to its end. */
export interface Thread {
  /** gathering: it may still go away; open: people were told, or would have been; resolved: it has been quiet for a while. */
  state: "gathering" | "open" | "resolved"
  startedAt: Instant
  seenAt: Instant
  /** As it was last, for its page and its end. */
  condition: Condition
  /** What was told last, and when; also when it was held back. */
  told?: Figures & { at: Instant }
  /** Whether people really know of it: nothing was held back since. */
  isKnown: boolean
  /** Whether anybody was ever told. */
  isTold: boolean
  /** Who was told: 0 its owner, 1 the stand-in as well, 2 everybody. */
  level: number
  levelAt?: Instant
  acknowledged?: { by: string; until: Instant }
  resolvedAt?: Instant
}

/** Why a notice is sent. */
export type NoticeKind = "opened" | "changed" | "reminder" | "escalated" | "resolved"

/** One step of a thread: how it stands, and what is told. */
export interface Step {
  thread: Thread | undefined
  notice?: NoticeKind
  /** It would have been told, and was not. */
  isHeldBack?: boolean
}

/** Times by which threads go. */
export interface ThreadTimes {
  gatherMs: number
  changeMs: number
  remindMs: number
  quietMs: number
  escalateMs: number
}

/** As people asked for them. */
export const usualTimes: ThreadTimes = {
  gatherMs: 30_000,
  changeMs: 5 * 60_000,
  remindMs: 4 * 3_600_000,
  quietMs: 10 * 60_000,
  escalateMs: 10 * 60_000,
}

interface Now {
  nowMs: number
  times: ThreadTimes
  /** Silenced, explained by another alert, or put aside by people. */
  isHeld: boolean
  /** Money of several currencies as one figure, for comparing alone. */
  worth: (money: readonly Money[]) => number
}

/** Goes one step: what follows for a thread from what is wrong now. Pure, and safe to repeat. */
export function advance(before: Thread | undefined, condition: Condition | undefined, now: Now): Step {
  const thread = before && notAhead(before, now.nowMs)
  if (thread === undefined || thread.state === "resolved")
    return condition ? { thread: begun(condition, now.nowMs) } : { thread }
  if (!condition) return ended(thread, now)
  const seen: Thread = { ...thread, condition, seenAt: instant(now.nowMs), ...acknowledgedBy(thread, condition) }
  if (seen.state === "gathering" && now.nowMs - epochMs(seen.startedAt) < now.times.gatherMs) return { thread: seen }
  const notice = noticeOf(seen, now)
  const open: Thread = { ...seen, state: "open" }
  if (!notice) return { thread: open }
  return now.isHeld
    ? { thread: { ...toldNow(open, notice, now.nowMs), isKnown: false }, isHeldBack: true }
    : { thread: { ...toldNow(open, notice, now.nowMs), isKnown: true, isTold: true }, notice }
}

/** If the clock was set back, times of the thread lie in the future; they begin again now, so that nothing is told an hour late. */
function notAhead(thread: Thread, nowMs: number): Thread {
  const now = instant(nowMs)
  const past = (at: Instant) => (epochMs(at) > nowMs ? now : at)
  const { startedAt, seenAt, told, levelAt } = thread
  return {
    ...thread,
    startedAt: past(startedAt),
    seenAt: past(seenAt),
    ...(told ? { told: { ...told, at: past(told.at) } } : {}),
    ...(levelAt === undefined ? {} : { levelAt: past(levelAt) }),
  }
}

function begun(condition: Condition, nowMs: number): Thread {
  const at = instant(nowMs)
  const { acknowledged } = condition
  const known = acknowledged ? { acknowledged } : {}
  return { state: "gathering", startedAt: at, seenAt: at, condition, isKnown: false, isTold: false, level: 0, ...known }
}

/** What goes away while it is gathered was nothing; what was told is told to be over. */
function ended(thread: Thread, { nowMs, times, isHeld }: Now): Step {
  if (thread.state === "gathering") return { thread: undefined }
  if (nowMs - epochMs(thread.seenAt) < times.quietMs) return { thread }
  const resolved: Thread = { ...thread, state: "resolved", resolvedAt: instant(nowMs) }
  if (!thread.isTold) return { thread: resolved }
  return isHeld ? { thread: resolved, isHeldBack: true } : { thread: resolved, notice: "resolved" }
}

/** The later of what was said here and of its group. */
function acknowledgedBy(thread: Thread, { acknowledged }: Condition): Pick<Thread, "acknowledged"> {
  const known = [thread.acknowledged, acknowledged].filter((one) => one !== undefined)
  const latest = known.toSorted((a, b) => epochMs(b.until) - epochMs(a.until))[0]
  return latest ? { acknowledged: latest } : {}
}

function noticeOf(thread: Thread, { nowMs, times, isHeld, worth }: Now): NoticeKind | undefined {
  const { told, condition, isKnown, isTold, level, levelAt, acknowledged } = thread
  if (!told) return "opened"
  // What was held back is told as soon as nothing holds it any more.
  if (!isKnown) return isHeld ? undefined : isTold ? "reminder" : "opened"
  const sinceTold = nowMs - epochMs(told.at)
  const [before, after] = [worth(told.money), worth(condition.money)]
  if (after > 0 && after >= 2 * before && before >= 0 && after !== before) return "changed"
  const isAcknowledged = acknowledged !== undefined && epochMs(acknowledged.until) > nowMs
  if (isAcknowledged) return undefined
  if (acknowledged !== undefined && epochMs(acknowledged.until) > epochMs(told.at)) return "reminder"
  const isUrgent = condition.severity === "page"
  if (isUrgent && level < 2 && nowMs - epochMs(levelAt ?? told.at) >= times.escalateMs) return "escalated"
  if (sinceTold >= times.changeMs && isChanged(told.count, condition.count)) return "changed"
  if (sinceTold >= times.changeMs && isChanged(before, after)) return "changed"
  return sinceTold >= times.remindMs ? "reminder" : undefined
}

/** By a tenth at least: a figure that trembles is no news. */
const isChanged = (before: number, after: number) => Math.abs(after - before) > 0.1 * Math.max(before, 1)

function toldNow(thread: Thread, notice: NoticeKind, nowMs: number): Thread {
  const at = instant(nowMs)
  const { count, money } = thread.condition
  const told = { count, money, at }
  if (notice === "escalated") return { ...thread, told, level: thread.level + 1, levelAt: at }
  // An acknowledgement that has run out begins with its owner again.
  if (notice === "opened" || (notice === "reminder" && thread.acknowledged)) {
    const { acknowledged: _, ...rest } = thread
    const isOver = thread.acknowledged !== undefined && epochMs(thread.acknowledged.until) <= nowMs
    return { ...(isOver ? rest : thread), told, level: 0, levelAt: at }
  }
  return { ...thread, told }
}
