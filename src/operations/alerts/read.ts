import { AppError } from "../../base/errors.ts"
import { inTransaction, storage, type Sql } from "../../base/sql.ts"
import { instant, type Clock } from "../../base/time.ts"
import type { Condition } from "../../rules/alerts/condition.ts"
import type { Thread } from "../../rules/alerts/thread.ts"
import type { AlertPolicyBlock } from "./policies.ts"
import { makeCursor, parseCursor } from "../cursor.ts"

/** A thread as people see it. */
export interface AlertView extends Omit<Condition, "explainedBy" | "explains" | "aside" | "acknowledged"> {
  id: string
  state: "open" | "resolved"
  startedAt: string
  seenAt: string
  resolvedAt?: string
  toldAt?: string
  /** Who was told so far: 0 its owner, 1 the stand-in, 2 everybody. */
  level: number
  acknowledged?: { by: string; until: string }
  /** Why nobody is told. */
  held?: string
}

/** One notice of a thread, and what became of it. */
export interface NoticeView {
  id: string
  kind: string
  receiver: string
  title: string
  state: string
  createdAt: string
  dueAt: string
  sentAt?: string
  attempts: number
  error?: string
}

interface AlertRow {
  id: string
  state: "open" | "resolved"
  body: Thread
  held: string | null
  started_at: Date
}

/** Alerts, the newest first. */
export async function listAlerts(
  sql: Sql,
  request: {
    limit: number
    cursor?: string
    state?: "open" | "resolved" | undefined
    group?: string | undefined
    promise?: string | undefined
  },
): Promise<{ items: AlertView[]; cursor?: string }> {
  const { limit, cursor, state, group, promise } = request
  const after = cursor === undefined ? { at: "9999-12-31T00:00:00.000Z", id: "" } : parseCursor(cursor)
  const rows = await storage(
    () => sql<AlertRow[]>`
      select id, state, body, held, started_at from alert_threads
      where state <> 'gathering' and (${state ?? null}::text is null or state = ${state ?? null})
        and (${group ?? null}::text is null or body #>> '{condition,subject,group}' = ${group ?? null})
        and (${promise ?? null}::text is null or body #>> '{condition,subject,promise}' = ${promise ?? null})
        and (started_at, id) < (${after.at}::timestamptz, ${after.id})
      order by started_at desc, id desc limit ${limit + 1}`,
  )
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const next = rows.length > limit && last ? { cursor: makeCursor(last.started_at.toISOString(), last.id) } : {}
  return { items: shown.map(viewOf), ...next }
}

/** One alert with its notices; undefined when there is none. */
export async function findAlert(sql: Sql, id: string): Promise<(AlertView & { notices: NoticeView[] }) | undefined> {
  const [row] = await storage(
    () => sql<AlertRow[]>`
      select id, state, body, held, started_at from alert_threads where id = ${id} and state <> 'gathering'`,
  )
  if (!row) return undefined
  const notices = await storage(
    () => sql<NoticeRow[]>`
      select id, kind, receiver, message, state, created_at, due_at, sent_at, attempts, error from alert_notices
      where thread = ${id} order by n desc limit 200`,
  )
  return { ...viewOf(row), notices: notices.map(noticeOf) }
}

/**
 * Says that a person works on it: nobody is reminded or told next for so long. It begins again when the time is over and nothing has
 * changed. STATE_FORBIDS: it is over.
 */
export async function acknowledgeAlert(
  { sql, clock }: { sql: Sql; clock: Clock },
  id: string,
  { by, forMinutes }: { by: string; forMinutes: number },
): Promise<AlertView | undefined> {
  return storage(() =>
    inTransaction(sql, async (transaction) => {
      const [row] = await transaction<AlertRow[]>`
        select id, state, body, held, started_at from alert_threads where id = ${id} and state <> 'gathering' for update`
      if (!row) return undefined
      if (row.state === "resolved") throw new AppError("STATE_FORBIDS", `alert ${id} is over`)
      const acknowledged = { by, until: instant(clock.now() + forMinutes * 60_000) }
      const body: Thread = { ...row.body, acknowledged }
      await transaction`update alert_threads set body = ${JSON.stringify(body)}::text::json where id = ${id}`
      await transaction`
        select note_audit(${by}, 'acknowledge alert', ${`alert ${id}`}, ${JSON.stringify({ key: body.condition.key, ...acknowledged })}::text::jsonb)`
      return viewOf({ ...row, body })
    }),
  )
}

/** Ways to people, who is told by each, and whether it takes what is sent. Without addresses: they hold secrets. */
export async function listReceivers(
  sql: Sql,
  { receivers = {}, teams = {}, everybody = [], deadMansSwitch }: AlertPolicyBlock,
): Promise<ReceiverView[]> {
  const rows = await storage(
    () => sql<ReceiverRow[]>`
      select r.name, r.failing_since, r.last_error, r.sent_at,
        (select count(*) from alert_notices a where a.receiver = r.name and a.state = 'waiting') as waiting
      from alert_receivers r`,
  )
  const states = new Map(rows.map((row) => [row.name, row]))
  return Object.entries(receivers).map(([name, { kind }]) => {
    const row = states.get(name)
    const ofTeams = Object.entries(teams).flatMap(([team, { onDuty, standIn = [] }]) => [
      ...(onDuty.includes(name) ? [team] : []),
      ...(standIn.includes(name) ? [`${team}, standing in`] : []),
    ])
    const others = [
      ...(everybody.includes(name) ? ["everybody"] : []),
      ...(deadMansSwitch?.receiver === name ? ["dead man's switch"] : []),
    ]
    return {
      name,
      kind,
      tells: [...ofTeams, ...others],
      waiting: row?.waiting ?? 0,
      ...(row?.sent_at ? { sentAt: row.sent_at.toISOString() } : {}),
      ...(row?.failing_since ? { failingSince: row.failing_since.toISOString() } : {}),
      ...(row?.last_error ? { lastError: row.last_error } : {}),
    }
  })
}

interface ReceiverRow {
  name: string
  failing_since: Date | null
  last_error: string | null
  sent_at: Date | null
  waiting: number
}

/** A way to people. */
export interface ReceiverView {
  name: string
  kind: string
  /** Whose way it is. */
  tells: string[]
  waiting: number
  sentAt?: string
  failingSince?: string
  lastError?: string
}

/** Deletes what is over for a year. */
export async function forgetAlerts({ sql, clock }: { sql: Sql; clock: Clock }): Promise<void> {
  await storage(() => sql`select forget_alerts(${instant(clock.now() - 365 * 86_400_000)}::timestamptz)`)
}

function viewOf({ id, state, body, held }: AlertRow): AlertView {
  const { condition, startedAt, seenAt, resolvedAt, told, level, acknowledged } = body
  const { explainedBy: _, explains: __, aside: ___, acknowledged: ____, ...shown } = condition
  return {
    id,
    ...shown,
    state,
    startedAt,
    seenAt,
    level,
    ...(resolvedAt === undefined ? {} : { resolvedAt }),
    ...(told === undefined || !body.isTold ? {} : { toldAt: told.at }),
    ...(acknowledged === undefined ? {} : { acknowledged }),
    ...(held === null || state === "resolved" ? {} : { held }),
  }
}

interface NoticeRow {
  id: string
  kind: string
  receiver: string
  message: { title: string }
  state: string
  created_at: Date
  due_at: Date
  sent_at: Date | null
  attempts: number
  error: string | null
}

function noticeOf({ message, created_at, due_at, sent_at, error, ...row }: NoticeRow): NoticeView {
  return {
    ...row,
    title: message.title,
    createdAt: created_at.toISOString(),
    dueAt: due_at.toISOString(),
    ...(sent_at === null ? {} : { sentAt: sent_at.toISOString() }),
    ...(error === null ? {} : { error }),
  }
}
