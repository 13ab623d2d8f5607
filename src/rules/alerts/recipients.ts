import { businessDate, dayAfter, epochMs, instant, momentOf, type Instant } from "../../base/time.ts"
import { own } from "../../base/lookup.ts"
import type { Severity } from "./condition.ts"
import type { NoticeKind } from "./thread.ts"

/** Hours in which a team is not told, unless it is of a class that pierces them. */
export interface QuietHours {
  from: string
  to: string
  timeZone: string
  pierced?: readonly Severity[]
}

/** Who answers for something: the receivers of those on duty, and of who stands in for them. */
export interface Team {
  onDuty: readonly string[]
  standIn?: readonly string[]
  quiet?: QuietHours
}

/** Who is told. */
export interface Recipients {
  teams: Readonly<Record<string, Team>>
  /** In the end, and for owners without a team. */
  everybody: readonly string[]
}

/** A receiver of one notice, and not before when. */
export interface Recipient {
  receiver: string
  notBefore: Instant
}

/** The receivers of a notice. An escalation goes to those that are new; everything else to all who were told before. */
export function recipientsOf(
  { owner, severity, kind, level }: { owner: string; severity: Severity; kind: NoticeKind; level: number },
  { teams, everybody }: Recipients,
  nowMs: number,
): Recipient[] {
  const team = own(teams, owner)
  const levels = [team?.onDuty ?? everybody, team?.standIn ?? [], everybody]
  const before = new Set(levels.slice(0, level).flat())
  const receivers =
    kind === "escalated" ? (levels[level] ?? []).filter((one) => !before.has(one)) : levels.slice(0, level + 1).flat()
  const notBefore = quietUntil(team?.quiet, severity, nowMs)
  return [...new Set(receivers)].map((receiver) => ({ receiver, notBefore }))
}

/** The end of the quiet hours that a moment is in, or the moment. */
export function quietUntil(quiet: QuietHours | undefined, severity: Severity, nowMs: number): Instant {
  const now = instant(nowMs)
  if (!quiet || (quiet.pierced ?? ["page"]).includes(severity)) return now
  const { from, to, timeZone } = quiet
  const today = businessDate(now, { timeZone })
  for (const day of [dayAfter(today, -1), today]) {
    const begins = epochMs(momentOf(day, from, timeZone))
    const ends = momentOf(to > from ? day : dayAfter(day, 1), to, timeZone)
    if (nowMs >= begins && nowMs < epochMs(ends)) return ends
  }
  return now
}
