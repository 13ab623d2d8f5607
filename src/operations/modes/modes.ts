import { AppError } from "../../base/errors.ts"
import type { Sql } from "../../base/sql.ts"
import { instant, type Clock } from "../../base/time.ts"
import type { NewEvent } from "../../canonical/events.ts"
import {
  asEpisode,
  enter,
  keepPace,
  noteWaiting,
  readEpisodes,
  readOpen,
  tellTurns,
  turnEpisode,
  type EpisodeRow,
} from "./episodes.ts"
import type { Mode } from "./policies.ts"
import { exitReport } from "./report.ts"
import { turnOf, type Reading, type Turn } from "./standing.ts"

interface ModesOptions {
  sql: Sql
  clock: Clock
  modes: readonly Mode[]
  /** What is known of the systems now, by connection. */
  readings(): Promise<ReadonlyMap<string, Reading>>
  append(event: NewEvent): Promise<unknown>
  /** Has the first of what waits for a connection go on, the earliest promise first. */
  letGo(connection: string, most: number): Promise<unknown>
  /** Stops or lets go the calls to a system, when a person enters or leaves its mode. */
  setPaused(connection: string, pause: { isPaused: boolean; by: string; reason: string }): Promise<void>
}

interface Person {
  by: string
  reason: string
}

const nothingKnown: Reading = { awayForMs: undefined, answersForMs: undefined, waiting: 0 }
const episodesMost = 50

/** The modes of an estate: entered and left by what is seen of their systems, or by a person who expects an absence. */
export class Modes {
  readonly #options: ModesOptions

  constructor(options: ModesOptions) {
    this.#options = options
  }

  /** Looks at every mode once, turns those that are to be turned, and tells of it. Safe in several workers at the same time. */
  async look(): Promise<void> {
    const { sql, modes, append, readings } = this.#options
    if (modes.length === 0) return
    const [all, open] = await Promise.all([readings(), readOpen(sql)])
    for (const mode of modes) {
      const row = open.find((one) => one.mode === mode.name)
      const reading = all.get(mode.connection) ?? nothingKnown
      if (row) await this.#keepUp(mode, row, reading)
      const turn = turnOf(mode, asEpisode(row), reading)
      if (turn) await this.#turn(mode, row, { ...turn, awayForMs: reading.awayForMs ?? 0 })
    }
    await tellTurns(sql, { modes, append })
  }

  /** Every mode as it is now. */
  async list(): Promise<object[]> {
    const { modes, readings, sql } = this.#options
    const [all, open] = await Promise.all([readings(), readOpen(sql)])
    return modes.map((mode) => {
      const row = open.find((one) => one.mode === mode.name)
      return viewOf(mode, row, all.get(mode.connection) ?? nothingKnown)
    })
  }

  /** What channels may tell their buyers now, by language; nothing else of the modes. */
  async notices(): Promise<object[]> {
    const open = await readOpen(this.#options.sql)
    return this.#options.modes.flatMap(({ name, buyersAreTold }) => {
      const row = open.find((one) => one.mode === name)
      return row && buyersAreTold ? [{ since: instant(row.entered_at.getTime()), texts: buyersAreTold }] : []
    })
  }

  /** One mode with its last episodes; undefined when the estate has none of this name. */
  async find(name: string, before?: number): Promise<object | undefined> {
    const mode = this.#modeOf(name)
    if (!mode) return undefined
    const { readings, sql } = this.#options
    const [all, open, rows] = await Promise.all([
      readings(),
      readOpen(sql),
      readEpisodes(sql, { mode: name, before, most: episodesMost + 1 }),
    ])
    const row = open.find((one) => one.mode === name)
    const episodes = rows.slice(0, episodesMost).map(episodeView)
    const next = rows.length > episodesMost ? Number(rows[episodesMost - 1]?.id) : undefined
    return {
      ...viewOf(mode, row, all.get(mode.connection) ?? nothingKnown),
      episodes,
      ...(next === undefined ? {} : { next }),
    }
  }

  /**
   * A person enters a mode, for an absence that is planned or that Crossdock cannot see, or takes over one that Crossdock entered: the
   * system is not called until a person leaves the mode. A repeat changes nothing.
   */
  async enter(name: string, { by, reason }: Person): Promise<object | undefined> {
    const mode = this.#modeOf(name)
    if (!mode) return undefined
    const { sql, clock, setPaused } = this.#options
    // First the pause: when this process dies in between, a repeat enters the mode.
    await setPaused(mode.connection, { isPaused: true, by, reason: `${name}: ${reason}` })
    await enter(sql, mode, { because: reason, by, byPerson: true, atMs: clock.now(), awayForMs: 0 })
    await this.#tell()
    return this.find(name)
  }

  /**
   * A person ends what a person has entered: the system is called again. STATE_FORBIDS when nobody has entered it; a mode that Crossdock
   * entered ends by itself.
   */
  async leave(name: string, { by, reason }: Person): Promise<object | undefined> {
    const mode = this.#modeOf(name)
    if (!mode) return undefined
    const { sql, clock, setPaused } = this.#options
    const row = (await readOpen(sql)).find((one) => one.mode === name)
    // A repeat, after an answer was lost.
    if (row?.state === "draining" && row.by_person) return this.find(name)
    if (row?.state !== "entered") throw new AppError("STATE_FORBIDS", `"${name}" is not entered`)
    if (!row.by_person)
      throw new AppError(
        "STATE_FORBIDS",
        `"${name}" was entered because ${row.because}; it ends by itself when ${mode.connection} answers`,
      )
    // First the pause: when this process dies in between, the person sees the mode entered and leaves it again.
    await setPaused(mode.connection, { isPaused: false, by, reason: `${name}: ${reason}` })
    const isTurned = await turnEpisode(sql, row, {
      to: "draining",
      because: reason,
      by,
      byPerson: true,
      atMs: clock.now(),
    })
    if (!isTurned) throw new AppError("STATE_FORBIDS", `"${name}" has just been turned by somebody else`)
    await this.#tell()
    return this.find(name)
  }

  /** What is noted and done with every look while a mode is entered. */
  async #keepUp({ connection, leave }: Mode, row: EpisodeRow, { waiting, awayForMs }: Reading): Promise<void> {
    const { sql, letGo } = this.#options
    await noteWaiting(sql, row, waiting)
    if (leave.perMinute === undefined) return
    const may = await keepPace(sql, row, leave.perMinute)
    if (row.state === "draining" && awayForMs === undefined && may > 0) await letGo(connection, may)
  }

  async #turn(mode: Mode, row: EpisodeRow | undefined, turn: Turn & { awayForMs: number }): Promise<void> {
    const { sql, clock } = this.#options
    const atMs = clock.now()
    const how = { by: "crossdock", byPerson: false, atMs }
    if (!row) return void (await enter(sql, mode, { ...how, ...turn }))
    const report = turn.to === "left" ? await exitReport(sql, row, atMs) : undefined
    await turnEpisode(sql, row, { ...turn, ...how, ...(report && { report }) })
  }

  #tell(): Promise<void> {
    const { sql, modes, append } = this.#options
    return tellTurns(sql, { modes, append })
  }

  #modeOf(name: string): Mode | undefined {
    return this.#options.modes.find((mode) => mode.name === name)
  }
}

function viewOf(mode: Mode, row: EpisodeRow | undefined, { awayForMs, waiting }: Reading): object {
  const { name, connection, accepts, defers, buyersAreTold, owner, runbooks, leave } = mode
  const { perMinute } = leave
  return {
    name,
    connection,
    state: row?.state ?? "normal",
    ...(row && { since: instant(row.turned_at.getTime()), because: row.because, by: row.turned_by }),
    ...(row && { byPerson: row.by_person, enteredAt: instant(row.entered_at.getTime()), episode: Number(row.id) }),
    ...(awayForMs === undefined ? {} : { awayForMs }),
    waiting,
    ...(perMinute === undefined ? {} : { perMinute }),
    ...(row?.state === "draining" && perMinute !== undefined
      ? { drainsForMs: Math.ceil((waiting * 60_000) / perMinute) }
      : {}),
    accepts,
    defers,
    ...(row && buyersAreTold ? { buyersAreTold } : {}),
    owner,
    runbooks: Object.keys(runbooks),
  }
}

function episodeView(row: EpisodeRow): object {
  const { back_at: backAt, left_at: leftAt, report } = row
  return {
    episode: Number(row.id),
    state: row.state,
    because: row.because,
    enteredBy: row.entered_by,
    awaySince: instant(row.away_since.getTime()),
    enteredAt: instant(row.entered_at.getTime()),
    ...(backAt ? { backAt: instant(backAt.getTime()) } : {}),
    ...(leftAt ? { leftAt: instant(leftAt.getTime()) } : {}),
    mostWaiting: row.most_waiting,
    ...(report ? { report } : {}),
  }
}
