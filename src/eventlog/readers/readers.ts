import type { Log } from "../../base/log.ts"
import { isStorageAway, storage, type Sql } from "../../base/sql.ts"
import { sleep, type Clock } from "../../base/time.ts"
import type { EventLog } from "../event-log.ts"
import { beatRow, newBeat, readerOf, type Beat, type Reader } from "./beat.ts"
import { backAgain, prefixOf, stateOf, toldOf, turnedAwayMin, type ReaderRow, type ReaderState } from "./judge.ts"

export type { Reader } from "./beat.ts"

/** A background reader as it is declared. */
export interface ReaderDeclaration {
  /** Its one name, e.g. `poll shopify/orders`. */
  name: string
  /** The connection it reads, if it reads one. */
  connection?: string
  /** Its subject in words, e.g. `The poll of orders of shopify`. */
  what: string
  /** The consequence while it stands still, as a sentence without a full stop. */
  meanwhile: string
  /** 0 for one that works whenever something comes. */
  everyMs: number
  /** Default: three times its interval, at least half a minute, and at most ten minutes more than the interval. */
  lateAfterMs?: number
}

/** A reader as people see it. */
export interface ReaderView {
  name: string
  connection?: string
  state: ReaderState
  everyMs: number
  lateAfterMs: number
  succeededAt?: string
  /** Time since its last success, or since it was first due. */
  ageMs: number
  lastError?: string
  /** The code of that error. */
  errorCode?: string
  failedAt?: string
  excuse?: string
  /** Deliveries that it turned away since its last success. */
  turnedAway?: number
}

interface ReadersOptions {
  sql: Sql
  log: Log
  clock: Clock
  eventLog: Pick<EventLog, "append">
}

const beatEveryMs = 5000

/**
 * The heartbeats of everything that works in the background, and the watch over them (P-41).
 *
 * Every process that runs readers writes how they did, and every process looks whether one is behind its time or has its key
 * refused. Such a reader is an exception, which closes by itself when the reader works again. All processes find the same
 * exception: it is named by the reader and its last success.
 */
export class Readers {
  readonly #options: ReadersOptions
  readonly #declared: ReaderDeclaration[] = []
  readonly #beats = new Map<string, Beat>()
  readonly #stop = new AbortController()
  #loop: Promise<void> | undefined

  constructor(options: ReadersOptions) {
    this.#options = options
  }

  /** Adds a reader of this process. Add all before `register`. */
  add(declaration: ReaderDeclaration): Reader {
    this.#declared.push(declaration)
    return this.#readerOf(declaration.name)
  }

  #readerOf(name: string): Reader {
    const beat = newBeat()
    this.#beats.set(name, beat)
    return readerOf(beat)
  }

  /** Adds a reader while others run already: one that people make and end. */
  async join(declaration: ReaderDeclaration): Promise<Reader> {
    const { sql } = this.#options
    await storage(() => sql`select add_readers(${JSON.stringify([rowOf(declaration)])}::text::json)`)
    return this.#readerOf(declaration.name)
  }

  /** Removes one that people ended; what was told of it is over. */
  async remove(name: string): Promise<void> {
    const row = (await this.#rows()).find((one) => one.name === name)
    if (row) await this.#close(row, row.told)
    await storage(() => this.#options.sql`delete from readers where name = ${name}`)
  }

  /** Makes the rows of this process's readers, and removes readers that no worker of this estate has any more. */
  async register(): Promise<void> {
    const { sql } = this.#options
    const rows = this.#declared.map(rowOf)
    await storage(() => sql`select register_readers(${JSON.stringify(rows)}::text::json)`)
  }

  /** Writes beats and watches, in every process. */
  start(): void {
    this.#loop = this.#watch()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#loop
  }

  /** All readers, by name. */
  async list(): Promise<ReaderView[]> {
    return (await this.#rows()).map(viewOf)
  }

  async #watch(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await sleep(beatEveryMs, this.#stop.signal).catch(() => undefined)
      if (this.#stop.signal.aborted) return
      await this.beat().catch((thrown: unknown) => {
        if (!isStorageAway(thrown)) this.#options.log.error({ err: thrown }, "the watch over background readers failed")
      })
    }
  }

  /** One pass: writes what this process noted, and tells what changed. */
  async beat(): Promise<void> {
    const { sql } = this.#options
    const news = [...this.#beats].filter(([, { isNew }]) => isNew)
    const beats = news.map(([name, beat]) => beatRow(name, beat))
    // Each is written once: written again, its time would come out a little different.
    for (const [, beat] of news)
      Object.assign(beat, {
        succeededMs: undefined,
        failedMs: undefined,
        failures: 0,
        turnedAway: 0,
        excusedMs: undefined,
        isNew: false,
      })
    if (beats.length > 0) await storage(() => sql`select beat_readers(${JSON.stringify(beats)}::text::json)`)
    await this.#tell(await this.#rows())
  }

  async #rows(): Promise<ReaderRow[]> {
    const { sql } = this.#options
    return storage(
      () => sql<ReaderRow[]>`
        select name, connection, what, meanwhile, every_ms, late_after_ms, since, succeeded_at, failed_at, failures, error_code,
          last_error, excused_at, excuse, turned_away, turned_away_why, told, clock_timestamp() as now
        from readers order by name`,
    )
  }

  async #tell(rows: readonly ReaderRow[]): Promise<void> {
    for (const row of rows) {
      const state = stateOf(row)
      const isTurningAway = row.turned_away >= turnedAwayMin
      const isOver = (id: string) => (id.startsWith(prefixOf["turning away"]) ? !isTurningAway : state === "ok")
      await this.#close(row, row.told.filter(isOver))
      if (isTurningAway) await this.#open(row, "turning away")
      if (state !== "behind" && state !== "refused") continue
      // The connection itself is told about; its lists and subscriptions can do nothing about it.
      const own = rows.find(({ name }) => name === checkName(row.connection))
      if (own && own !== row && stateOf(own) !== "ok") await this.#excuse(row, `${own.connection} is not available`)
      else await this.#open(row, state)
    }
  }

  async #open(row: ReaderRow, state: keyof typeof prefixOf): Promise<void> {
    const { sql, eventLog, clock } = this.#options
    const event = toldOf(row, state, clock.now())
    const id = event.data.exceptionId
    if (row.told.some((told) => told.startsWith(prefixOf[state]))) return
    await eventLog.append(event)
    await sql`update readers set told = array_append(told, ${id}) where name = ${row.name} and not ${id} = any (told)`
  }

  async #close(row: ReaderRow, over: readonly string[]): Promise<void> {
    const { sql, eventLog, clock } = this.#options
    if (over.length === 0) return
    for (const id of over) await eventLog.append(backAgain(row, id, clock.now()))
    await sql`
      update readers set told = array(select unnest(told) except select unnest(${[...over]}::text[]))
      where name = ${row.name}`
  }

  async #excuse({ name }: ReaderRow, why: string): Promise<void> {
    await this.#options.sql`
      update readers set excused_at = clock_timestamp(), excuse = ${why} where name = ${name}`
  }
}

function rowOf(one: ReaderDeclaration) {
  return {
    name: one.name,
    connection: one.connection ?? null,
    what: one.what,
    meanwhile: one.meanwhile,
    every_ms: one.everyMs,
    late_after_ms: one.lateAfterMs ?? lateAfterMs(one.everyMs),
  }
}

/** The name of the reader that checks a connection. */
export function checkName(connection: string | null): string {
  return `check ${connection ?? ""}`
}

/** How long after its last success a reader is behind its time that says nothing else. */
export function lateAfterMs(everyMs: number): number {
  return Math.max(30_000, Math.min(3 * everyMs, everyMs + 600_000))
}

function viewOf(row: ReaderRow): ReaderView {
  const state = stateOf(row)
  return {
    name: row.name,
    ...(row.connection === null ? {} : { connection: row.connection }),
    state,
    everyMs: row.every_ms,
    lateAfterMs: row.late_after_ms,
    ...(row.succeeded_at === null ? {} : { succeededAt: row.succeeded_at.toISOString() }),
    ageMs: Math.max(0, row.now.getTime() - (row.succeeded_at ?? row.since).getTime()),
    ...(row.last_error === null || state === "ok" ? {} : { lastError: row.last_error }),
    ...(row.error_code === null || state === "ok" ? {} : { errorCode: row.error_code }),
    ...(row.failed_at === null ? {} : { failedAt: row.failed_at.toISOString() }),
    ...(row.excuse === null || state !== "excused" ? {} : { excuse: row.excuse }),
    ...(row.turned_away === 0 ? {} : { turnedAway: row.turned_away }),
  }
}
