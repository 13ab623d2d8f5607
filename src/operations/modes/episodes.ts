import { inTransaction, storage, type Sql } from "../../base/sql.ts"
import { instant } from "../../base/time.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import type { Mode } from "./policies.ts"
import type { Episode, Turn } from "./standing.ts"

/** One time that a mode was entered, and what came of it. */
export interface EpisodeRow {
  id: number
  mode: string
  connection: string
  state: Turn["to"]
  because: string
  entered_by: string
  by_person: boolean
  away_since: Date
  entered_at: Date
  back_at: Date | null
  left_at: Date | null
  most_waiting: number
  turn: number
  turned_by: string
  turned_at: Date
  report: object | null
}

/** An episode that is under way, as the rule needs it. */
export function asEpisode(row: EpisodeRow | undefined): Episode | undefined {
  return row && row.state !== "left" ? { state: row.state, byPerson: row.by_person } : undefined
}

/** The episodes of modes that are under way. */
export async function readOpen(sql: Sql): Promise<EpisodeRow[]> {
  return storage(() => sql<EpisodeRow[]>`select * from mode_episodes where left_at is null`)
}

/** The episodes of a mode before one of them, newest first. */
export async function readEpisodes(
  sql: Sql,
  { mode, before, most }: { mode: string; before: number | undefined; most: number },
): Promise<EpisodeRow[]> {
  return storage(
    () => sql<EpisodeRow[]>`
      select * from mode_episodes where mode = ${mode} and id < ${before ?? Number.MAX_SAFE_INTEGER}
      order by id desc limit ${most}`,
  )
}

/** Who turns a mode, and when. */
export interface TurnedBy {
  by: string
  byPerson: boolean
  reason?: string
  atMs: number
}

/**
 * Enters a mode. A person takes over one that Crossdock entered. False when it is entered already and nothing changes, also by another
 * worker at the same moment.
 */
export async function enter(
  sql: Sql,
  { name, connection }: Mode,
  turn: TurnedBy & { because: string; awayForMs: number },
): Promise<boolean> {
  const at = instant(turn.atMs)
  const awaySince = instant(turn.atMs - turn.awayForMs)
  const rows = await inTransaction(sql, async (transaction) => {
    const entered = await transaction<{ id: number }[]>`
      insert into mode_episodes as e (mode, connection, state, because, entered_by, by_person, away_since, entered_at, turned_by, turned_at)
      values (${name}, ${connection}, 'entered', ${turn.because}, ${turn.by}, ${turn.byPerson}, ${awaySince}, ${at}, ${turn.by}, ${at})
      on conflict (mode) where left_at is null do update set state = 'entered', because = excluded.because, by_person = true,
        back_at = null, turn = e.turn + 1, turned_by = excluded.turned_by, turned_at = excluded.turned_at
      where excluded.by_person and not (e.by_person and e.state = 'entered') returning id`
    if (entered.length > 0 && turn.byPerson) {
      const detail = JSON.stringify({ reason: turn.because })
      await transaction`select note_audit(${turn.by}, 'enter mode', ${name}, ${detail}::text::jsonb)`
    }
    return entered
  })
  return rows.length > 0
}

/** Turns an episode that is under way. False when somebody else has turned it since it was read. */
export async function turnEpisode(
  sql: Sql,
  { id, turn: before }: EpisodeRow,
  { to, because, by, byPerson, atMs, report }: Turn & TurnedBy & { report?: object },
): Promise<boolean> {
  const at = instant(atMs)
  const kept = report === undefined ? null : JSON.stringify(report)
  const rows = await inTransaction(sql, async (transaction) => {
    const turned = await transaction<{ mode: string }[]>`
      update mode_episodes set state = ${to}, because = ${because}, turn = turn + 1, turned_by = ${by}, turned_at = ${at},
        back_at = case ${to} when 'entered' then null when 'draining' then ${at}::timestamptz else coalesce(back_at, ${at}) end,
        left_at = case ${to} when 'left' then ${at}::timestamptz end, report = coalesce(${kept}::text::jsonb, report)
      where id = ${id} and turn = ${before} and left_at is null returning mode`
    const [row] = turned
    if (row && byPerson)
      await transaction`select note_audit(${by}, 'leave mode', ${row.mode}, ${JSON.stringify({ reason: because })}::text::jsonb)`
    return turned
  })
  return rows.length > 0
}

/**
 * Keeps the pace of an episode's way back: nothing else lets go what waits for its connection. Returns how many may go on now; workers
 * share the pace.
 */
export async function keepPace(sql: Sql, { id }: EpisodeRow, perMinute: number): Promise<number> {
  const [row] = await storage(() => sql<{ may: number }[]>`select pace_mode(${id}, ${perMinute}) as may`)
  return row?.may ?? 0
}

/** Keeps the most that waited at once. */
export async function noteWaiting(sql: Sql, { id, most_waiting }: EpisodeRow, waiting: number): Promise<void> {
  if (waiting <= most_waiting) return
  await storage(() => sql`update mode_episodes set most_waiting = greatest(most_waiting, ${waiting}) where id = ${id}`)
}

/**
 * Tells every change of state that nobody has told yet. A process that dies after the append tells the same fact again, which is stored
 * once. A mode that the estate no longer has is told without its words.
 */
export async function tellTurns(
  sql: Sql,
  { modes, append }: { modes: readonly Mode[]; append: (event: NewEvent) => Promise<unknown> },
): Promise<void> {
  const rows = await storage(
    () => sql<EpisodeRow[]>`select * from mode_episodes where told_turn < turn order by id limit 100`,
  )
  for (const row of rows) {
    await append(
      toldOf(
        row,
        modes.find(({ name }) => name === row.mode),
      ),
    )
    await storage(() => sql`update mode_episodes set told_turn = greatest(told_turn, ${row.turn}) where id = ${row.id}`)
  }
}

function toldOf(row: EpisodeRow, mode: Mode | undefined): NewEvent {
  const at = instant(row.turned_at.getTime())
  return newEvent({
    type: "mode.state-changed",
    fact: `mode:${row.id}:${row.turn}`,
    source: "crossdock:modes",
    time: at,
    data: {
      mode: row.mode,
      episode: Number(row.id),
      connection: row.connection,
      state: row.state,
      because: row.because,
      by: row.turned_by,
      accepts: mode?.accepts ?? [],
      defers: mode?.defers ?? [],
      ...(mode?.buyersAreTold ? { buyersAreTold: mode.buyersAreTold } : {}),
      at,
    },
  })
}
