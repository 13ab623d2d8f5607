import { AppError } from "../../base/errors.ts"
import { inTransaction, storage, type Sql, type SqlTransaction } from "../../base/sql.ts"
import { epochMs, instant, type Clock, type Instant } from "../../base/time.ts"
import type { ExceptionGroup } from "./groups.ts"

/** What people do with a group besides deciding its cases. */
export interface GroupAct {
  act: "assign" | "unassign" | "acknowledge" | "snooze" | "wake" | "comment"
  /** Assign: to a person or a team. */
  to?: string
  /** Acknowledge: it is known and worked on, and nobody is told of it again so long. */
  forMinutes?: number
  /** Snooze: out of sight until then, or until it has grown by so much, whichever comes first. */
  until?: Instant
  moreCases?: number
  moreMinor?: number
  currency?: string
  text?: string
}

/** A note of a group's history. */
export interface GroupNote {
  at: Instant
  by: string
  act: string
  text: string
}

const snoozeDaysMax = 30
const acknowledgedMinutesDefault = 240

/**
 * Does something with a group, and notes who did it: in its own history and in the audit. REQUEST_INVALID: a time that has passed or is
 * more than thirty days away, or a comment without text.
 */
export async function actOnGroup(
  { sql, clock }: { sql: Sql; clock: Clock },
  group: ExceptionGroup,
  { by, text = "", ...act }: GroupAct & { by: string },
): Promise<void> {
  const nowMs = clock.now()
  check({ ...act, text }, nowMs)
  const marks = marksOf(act, { group, by, nowMs })
  await storage(() =>
    inTransaction(sql, async (transaction) => {
      if (marks) await writeMarks(transaction, group.id, marks)
      const detail = JSON.stringify(act)
      await transaction`
        insert into exception_group_notes (group_id, at, by, act, text, detail)
        values (${group.id}, ${instant(nowMs)}, ${by}, ${act.act}, ${text}, ${detail}::text::jsonb)`
      await transaction`select note_audit(${by}, ${`group: ${act.act}`}, ${`exception group ${group.id}`}, ${detail}::text::jsonb)`
    }),
  )
}

/** A group's history, oldest first. */
export async function notesOf(sql: Sql, groupId: string): Promise<GroupNote[]> {
  const rows = await storage(
    () => sql<{ at: Date; by: string; act: string; text: string }[]>`
      select at, by, act, text from (
        select id, at, by, act, text from exception_group_notes where group_id = ${groupId} order by id desc limit 200
      ) latest order by id`,
  )
  return rows.map(({ at, ...note }) => ({ at: at.toISOString(), ...note }))
}

function check({ act, to, text, until, moreMinor, currency }: GroupAct, nowMs: number): void {
  const problem = (pointer: string, message: string) =>
    new AppError("REQUEST_INVALID", message, { problems: [{ pointer, message }] })
  if (act === "comment" && (text ?? "").trim() === "") throw problem("/text", "a comment needs a text")
  if (act === "assign" && to === undefined) throw problem("/to", "say to whom")
  if (act !== "snooze") return
  const untilMs = until === undefined ? nowMs : epochMs(until)
  if (untilMs <= nowMs) throw problem("/until", "say until when; it must be in the future")
  if (untilMs > nowMs + snoozeDaysMax * 86_400_000) throw problem("/until", `at most ${snoozeDaysMax} days from now`)
  if ((moreMinor === undefined) !== (currency === undefined))
    throw problem("/currency", "an amount and its currency come together")
}

interface Marks {
  assignee?: string | null
  acknowledged?: { by: string; until: Instant }
  snoozed?: { until: Instant | null; cases: number | null; minor: number | null; currency: string | null }
}

function marksOf(
  act: GroupAct,
  { group, by, nowMs }: { group: ExceptionGroup; by: string; nowMs: number },
): Marks | undefined {
  switch (act.act) {
    case "assign":
      return { assignee: act.to ?? null }
    case "unassign":
      return { assignee: null }
    case "acknowledge":
      return { acknowledged: { by, until: instant(nowMs + (act.forMinutes ?? acknowledgedMinutesDefault) * 60_000) } }
    case "wake":
      return { snoozed: { until: null, cases: null, minor: null, currency: null } }
    case "comment":
      return undefined
    case "snooze": {
      const risk = group.atRisk.find(({ currency }) => currency === act.currency)?.amountMinor ?? 0
      const cases = act.moreCases === undefined ? null : group.open + act.moreCases
      const minor = act.moreMinor === undefined ? null : risk + act.moreMinor
      return { snoozed: { until: act.until ?? null, cases, minor, currency: act.currency ?? null } }
    }
  }
}

/** Writes these marks and leaves the others as they are. */
async function writeMarks(
  transaction: SqlTransaction,
  groupId: string,
  { assignee, acknowledged, snoozed }: Marks,
): Promise<void> {
  await transaction`
    insert into exception_group_marks as m (group_id, assignee, acknowledged_by, acknowledged_until, snoozed_until, snoozed_cases,
      snoozed_minor, snoozed_currency)
    values (${groupId}, ${assignee ?? null}, ${acknowledged?.by ?? null}, ${acknowledged?.until ?? null}, ${snoozed?.until ?? null},
      ${snoozed?.cases ?? null}, ${snoozed?.minor ?? null}, ${snoozed?.currency ?? null})
    on conflict (group_id) do update set version = m.version + 1,
      assignee = case when ${assignee !== undefined} then excluded.assignee else m.assignee end,
      acknowledged_by = case when ${acknowledged !== undefined} then excluded.acknowledged_by else m.acknowledged_by end,
      acknowledged_until = case when ${acknowledged !== undefined} then excluded.acknowledged_until else m.acknowledged_until end,
      snoozed_until = case when ${snoozed !== undefined} then excluded.snoozed_until else m.snoozed_until end,
      snoozed_cases = case when ${snoozed !== undefined} then excluded.snoozed_cases else m.snoozed_cases end,
      snoozed_minor = case when ${snoozed !== undefined} then excluded.snoozed_minor else m.snoozed_minor end,
      snoozed_currency = case when ${snoozed !== undefined} then excluded.snoozed_currency else m.snoozed_currency end`
}
