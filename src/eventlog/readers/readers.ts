import { asAppError } from "../../base/errors.ts"
import type { Log } from "../../base/log.ts"
import { isStorageAway, storage, type Sql } from "../../base/sql.ts"
import { cut, storable } from "../../base/text.ts"
import { monotonicMs, sleep, type Clock } from "../../base/time.ts"
import type { EventLog } from "../event-log.ts"
import { backAgain, prefixOf, stateOf, toldOf, turnedAwayMin, type ReaderRow, type ReaderState } from "./judge.ts"

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

/** Notes how one reader does. Cheap: what it notes is written every five seconds. */
export interface Reader {
  succeeded(): void
  failed(thrown: unknown): void
  /** It has a good reason not to work now, e.g. a person paused its connection. */
  excused(why: string): void
  /** It turned away what anybody may send, e.g. a delivery with a wrong signature. That says nothing about how it does. */
  turnedAway(thrown: unknown): void
  /** Runs one pass and notes how it went; returns and throws what the pass does. */
  pass<Result>(work: () => Promise<Result>): Promise<Result>
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

/** What a reader noted since it was last written. */
interface Beat {
  succeededMs?: number | undefined
  failedMs?: number | undefined
  /** Since its last success, or since it was last written. */
  failures: number
  turnedAway: number
  error?: { code: string; message: string }
  turnedAwayWhy?: string
  excusedMs?: number | undefined
  excuse?: string
  isNew: boolean
}

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
    const beat: Beat = { failures: 0, turnedAway: 0, isNew: false }
    this.#beats.set(declaration.name, beat)
    const reader: Reader = {
      succeeded() {
        Object.assign(beat, { succeededMs: monotonicMs(), failures: 0, turnedAway: 0, isNew: true })
      },
      failed(thrown) {
        const { code, message, data } = asAppError(thrown)
        if (code === "CONNECTION_PAUSED" && data["pausedBy"] !== undefined) return reader.excused(message)
        // A closed breaker hides the error that opened it.
        const error = code === "CONNECTION_PAUSED" ? (beat.error ?? { code, message }) : { code, message }
        Object.assign(beat, { failedMs: monotonicMs(), failures: beat.failures + 1, error, isNew: true })
      },
      excused(why) {
        Object.assign(beat, { excusedMs: monotonicMs(), excuse: why, isNew: true })
      },
      turnedAway(thrown) {
        Object.assign(beat, {
          turnedAway: beat.turnedAway + 1,
          turnedAwayWhy: asAppError(thrown).message,
          isNew: true,
        })
      },
      async pass(work) {
        try {
          const result = await work()
          reader.succeeded()
          return result
        } catch (thrown) {
          reader.failed(thrown)
          throw thrown
        }
      },
    }
    return reader
  }

  /** Makes the rows of this process's readers, and removes readers that no worker of this estate has any more. */
  async register(): Promise<void> {
    const { sql } = this.#options
    const rows = this.#declared.map((one) => ({
      name: one.name,
      connection: one.connection ?? null,
      what: one.what,
      meanwhile: one.meanwhile,
      every_ms: one.everyMs,
      late_after_ms: one.lateAfterMs ?? lateAfterMs(one.everyMs),
    }))
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

/** The name of the reader that checks a connection. */
export function checkName(connection: string | null): string {
  return `check ${connection ?? ""}`
}

function lateAfterMs(everyMs: number): number {
  return Math.max(30_000, Math.min(3 * everyMs, everyMs + 600_000))
}

function beatRow(name: string, beat: Beat) {
  const { succeededMs, failedMs, failures, error, excusedMs, excuse, turnedAway, turnedAwayWhy } = beat
  const ago = (ms: number | undefined) => (ms === undefined ? null : monotonicMs() - ms)
  return {
    name,
    succeeded_ms: ago(succeededMs),
    failed_ms: ago(failedMs),
    failures,
    error_code: error?.code ?? null,
    last_error: error === undefined ? null : cut(storable(error.message), 500),
    excused_ms: ago(excusedMs),
    excuse: excuse === undefined ? null : cut(storable(excuse), 200),
    turned_away: turnedAway,
    turned_away_why: turnedAwayWhy === undefined ? null : cut(storable(turnedAwayWhy), 500),
  }
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
