import { AppError } from "../../base/errors.ts"
import { randomId } from "../../base/ids.ts"
import { inTransaction, storage, type Sql } from "../../base/sql.ts"
import { epochMs, instant, type Clock, type Instant } from "../../base/time.ts"
import type { AlertRule, AlertSubject, Condition } from "../../rules/alerts/condition.ts"

/** What a silence is about; all that is given has to fit. */
export interface SilenceMatch extends AlertSubject {
  rule?: AlertRule
  key?: string
  owner?: string
}

/** People asked not to be told of something for a time. */
export interface Silence {
  id: string
  matches: SilenceMatch
  reason: string
  by: string
  madeAt: Instant
  endsAt: Instant
  state: "live" | "ended"
  endedBy?: string
  endedAt?: Instant
  /** Notices that were not sent because of it. */
  heldBack: number
}

interface SilenceRow {
  id: string
  matches: SilenceMatch
  reason: string
  made_by: string
  made_at: Date
  ends_at: Date
  ended_by: string | null
  ended_at: Date | null
  held_back: number
}

const daysMax = 30

/** Whether a silence is about a condition. */
export function silences(matches: SilenceMatch, { key, rule, owner, subject }: Condition): boolean {
  const values: Readonly<Record<string, string | undefined>> = { key, rule, owner, ...subject }
  return Object.entries(matches).every(([name, wanted]) => new Map(Object.entries(values)).get(name) === wanted)
}

/** Silences something. REQUEST_INVALID: nothing named, or an end that is past or more than thirty days away. */
export async function makeSilence(
  { sql, clock }: { sql: Sql; clock: Clock },
  { matches, reason, endsAt, by }: { matches: SilenceMatch; reason: string; endsAt: Instant; by: string },
): Promise<Silence> {
  const nowMs = clock.now()
  const problem = (pointer: string, message: string) =>
    new AppError("REQUEST_INVALID", message, { problems: [{ pointer, message }] })
  if (Object.keys(matches).length === 0) throw problem("/matches", "say what: a silence of everything is none")
  if (epochMs(endsAt) <= nowMs) throw problem("/endsAt", "must be in the future")
  if (epochMs(endsAt) > nowMs + daysMax * 86_400_000) throw problem("/endsAt", `at most ${daysMax} days from now`)
  const id = randomId("sil")
  await storage(() =>
    inTransaction(sql, async (transaction) => {
      await transaction`
        insert into alert_silences (id, matches, reason, made_by, made_at, ends_at)
        values (${id}, ${JSON.stringify(matches)}::text::json, ${reason}, ${by}, ${instant(nowMs)}, ${endsAt})`
      await transaction`
        select note_audit(${by}, 'silence alerts', ${`silence ${id}`}, ${JSON.stringify({ matches, reason, endsAt })}::text::jsonb)`
    }),
  )
  return known(await listSilences({ sql, clock }, { id }), id)
}

/** Ends a silence before its time; one that has ended stays as it is. */
export async function endSilence({ sql, clock }: { sql: Sql; clock: Clock }, id: string, by: string): Promise<Silence> {
  await storage(() =>
    inTransaction(sql, async (transaction) => {
      const rows = await transaction`
        update alert_silences set ended_by = ${by}, ended_at = ${instant(clock.now())}
        where id = ${id} and ended_at is null and ends_at > ${instant(clock.now())} returning id`
      if (rows.length > 0) await transaction`select note_audit(${by}, 'end silence', ${`silence ${id}`}, '{}'::jsonb)`
    }),
  )
  return known(await listSilences({ sql, clock }, { id }), id)
}

/** Silences, the newest first. */
export async function listSilences(
  { sql, clock }: { sql: Sql; clock: Clock },
  { id, state }: { id?: string; state?: "live" | "ended" | undefined } = {},
): Promise<Silence[]> {
  const now = instant(clock.now())
  const rows = await storage(
    () => sql<SilenceRow[]>`
      select id, matches, reason, made_by, made_at, ends_at, ended_by, ended_at, held_back from alert_silences
      where (${id ?? null}::text is null or id = ${id ?? null})
        and (${state ?? null}::text is null or (ended_at is null and ends_at > ${now}::timestamptz) = (${state ?? null} = 'live'))
      order by made_at desc, id desc limit 200`,
  )
  return rows.map((row) => silenceOf(row, clock.now()))
}

function known([silence]: readonly Silence[], id: string): Silence {
  if (!silence) throw new AppError("NOT_FOUND", `there is no silence ${id.slice(0, 64)}`)
  return silence
}

function silenceOf(row: SilenceRow, nowMs: number): Silence {
  const isLive = row.ended_at === null && row.ends_at.getTime() > nowMs
  return {
    id: row.id,
    matches: row.matches,
    reason: row.reason,
    by: row.made_by,
    madeAt: row.made_at.toISOString(),
    endsAt: row.ends_at.toISOString(),
    state: isLive ? "live" : "ended",
    ...(row.ended_by === null ? {} : { endedBy: row.ended_by }),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at.toISOString() }),
    heldBack: row.held_back,
  }
}
