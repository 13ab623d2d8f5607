import { cut, storable } from "../base/text.ts"
import { asAppError, describeError } from "../base/errors.ts"
import { derivedId } from "../base/ids.ts"
import type { Log } from "../base/log.ts"
import { isStorageAway, type Sql } from "../base/sql.ts"
import { instant, type Clock } from "../base/time.ts"
import type { NewEvent } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import type { Delivery, ObjectName, ReadsObjects } from "../ports/capabilities/intake.ts"
import type { EventLog } from "./event-log.ts"
import type { Inbox } from "./inbox.ts"
import type { Reader } from "./readers/readers.ts"

/** A connection whose objects can be read one by one. */
export interface ObjectReader {
  fetchObject: ReadsObjects["fetchObject"]
  /** Runs a read through the connection's gate. */
  read: <Result>(work: () => Promise<Result>) => Promise<Result>
}

interface FetcherOptions {
  sql: Sql
  log: Log
  clock: Clock
  inbox: Inbox
  eventLog: EventLog
  readers: ReadonlyMap<string, ObjectReader>
  /** Notes how its looks go. */
  heartbeat?: Reader
}

interface FetchRow extends ObjectName {
  connection: string
  inbox_id: number
  /** How the delivery came that named the object; undefined once that is gone. */
  via: Delivery["via"] | undefined
  correlation: string
  wanted: number
  attempts: number
  /** Whether it could not be read before. */
  hasFailed: boolean
}

const batchSizeMax = 20
// Deliveries of this process wake it. Those of others are found by looking, less often while there are none.
const pollMs = 1000
const quietPollMs = 4000
const looksUntilQuiet = 20
const leaseSeconds = 90
const readTimeoutMs = 60_000
const backoffMaxMs = 300_000
// An object that is not there, or cannot be read, may be so for a moment only: vendors' reads lag behind their webhooks.
const attemptsMax = 5

/**
 * Reads the objects that deliveries only named and puts each into the inbox as a delivery.
 *
 * A row is deleted after the delivery is durable, and only when nobody named the object again meanwhile. So a crash reads an
 * object twice, which is harmless, and never leaves one out. Several processes may run: each claims rows for 90 seconds. An
 * unavailable system is asked again without end, with longer pauses; any other failure raises an exception after 5 attempts.
 */
export class ObjectFetcher {
  readonly #options: FetcherOptions
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #isWoken = false
  #wake: () => void = () => undefined

  constructor(options: FetcherOptions) {
    this.#options = options
  }

  start(): void {
    this.#options.inbox.onFetchesNoted(() => {
      this.#isWoken = true
      this.#wake()
    })
    this.#running = this.#loop()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await this.#running
  }

  async #loop(): Promise<void> {
    let fruitlessLooks = 0
    while (!this.#stop.signal.aborted) {
      this.#isWoken = false
      const look = () => this.fetchDue()
      const count = await (this.#options.heartbeat?.pass(look) ?? look()).catch((thrown: unknown) => {
        if (!isStorageAway(thrown))
          this.#options.log.error(
            { err: thrown },
            "objects that deliveries only name could not be read; it is tried again",
          )
        return 0
      })
      fruitlessLooks = count > 0 ? 0 : fruitlessLooks + 1
      if (count < batchSizeMax) await this.#rest(fruitlessLooks < looksUntilQuiet ? pollMs : quietPollMs)
    }
  }

  async #rest(ms: number): Promise<void> {
    if (this.#isWoken || this.#stop.signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Fetches what is due, at most one batch; returns how many objects it asked for. */
  async fetchDue(): Promise<number> {
    const rows = await this.#options.sql<FetchRow[]>`
      update object_fetches f set due_at = clock_timestamp() + ${leaseSeconds} * interval '1 second', attempts = f.attempts + 1
      from (
        select connection, type, id from object_fetches where state = 'open' and due_at <= clock_timestamp()
        order by due_at limit ${batchSizeMax} for update skip locked
      ) due
      where (f.connection, f.type, f.id) = (due.connection, due.type, due.id)
      returning f.connection, f.type, f.id, f.inbox_id, f.correlation, f.wanted, f.attempts,
        f.last_error is not null as "hasFailed", (select i.via from inbox i where i.id = f.inbox_id) as via`
    await Promise.all(rows.map((row) => this.#fetch(row)))
    return rows.length
  }

  async #fetch(row: FetchRow): Promise<void> {
    const { inbox, readers } = this.#options
    try {
      const reader = readers.get(row.connection)
      if (!reader) return await this.#giveUp(row, "the connection cannot read single objects")
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(readTimeoutMs)])
      const delivery = await reader.read(() =>
        reader.fetchObject({ type: row.type, id: row.id }, { signal, correlation: row.correlation }),
      )
      if (!delivery) return await this.#retry(row, "the system does not have it")
      await inbox.receive(incoming(delivery, row))
      if (row.hasFailed) await this.#closeFailures(row)
      await this.#done(row)
    } catch (thrown) {
      if (isStorageAway(thrown)) throw thrown
      const { kind, message, retryAfterMs } = asAppError(thrown)
      // Reads have no effect, so "uncertain" means no more than "unavailable" here.
      if (kind === "unavailable" || kind === "uncertain") await this.#defer(row, message, retryAfterMs)
      else await this.#retry(row, describeError(thrown).message)
    }
  }

  /** Before the row goes: after a crash in between, it is read and closed once more. */
  async #closeFailures(row: FetchRow): Promise<void> {
    const { sql, clock, eventLog } = this.#options
    const about = aboutOf(row)
    const rows = await sql<{ id: string }[]>`select id from exceptions_about(${about}, ${cause})`
    for (const { id } of rows) await eventLog.append(readEvent(row, id, instant(clock.now())))
  }

  async #done(row: FetchRow): Promise<void> {
    const { sql } = this.#options
    const [gone] = await sql`
      delete from object_fetches where (connection, type, id) = (${row.connection}, ${row.type}, ${row.id})
        and wanted = ${row.wanted} returning 1`
    // Named again while it was read: what was read may be older than that.
    if (!gone)
      await sql`
        update object_fetches set due_at = clock_timestamp()
        where (connection, type, id) = (${row.connection}, ${row.type}, ${row.id})`
  }

  async #retry(row: FetchRow, why: string): Promise<void> {
    if (row.attempts < attemptsMax) await this.#defer(row, why)
    else await this.#giveUp(row, why)
  }

  async #defer(row: FetchRow, why: string, retryAfterMs = 0): Promise<void> {
    const waitMs = Math.min(backoffMaxMs, Math.max(retryAfterMs, 500 * 2 ** Math.min(row.attempts, 12)))
    await this.#options.sql`
      update object_fetches set due_at = clock_timestamp() + ${waitMs} * interval '1 ms', last_error = ${storable(why)}
      where (connection, type, id) = (${row.connection}, ${row.type}, ${row.id}) and wanted = ${row.wanted}`
  }

  /** Marks the object as failed and tells people, unless it was named again meanwhile: the newer wish speaks for itself. */
  async #giveUp(row: FetchRow, why: string): Promise<void> {
    const { sql, clock, eventLog } = this.#options
    const event = failedEvent(row, storable(why), instant(clock.now()))
    const prepared = eventLog.prepare([{ event, correlation: row.correlation, inboxId: row.inbox_id }])
    await sql`
        select give_up_fetch(${row.connection}, ${row.type}, ${row.id}, ${row.wanted}, ${storable(why)},
          ${JSON.stringify(prepared.events)}::text::json, ${JSON.stringify(prepared.follow)}::text::json)`
    eventLog.stored(prepared)
  }
}

const cause = "object cannot be fetched"
const aboutOf = (row: FetchRow) => ref("document", row.connection, row.type, row.id)

function readEvent(row: FetchRow, exceptionId: string, at: string): NewEvent<"exception.decided"> {
  const reason = "the object could be read"
  return {
    type: "exception.decided",
    fact: `exception:${exceptionId}:decided`,
    source: "crossdock:inbox",
    time: at,
    data: { exceptionId, about: aboutOf(row), action: "acknowledge", decidedBy: "crossdock", reason, at },
  }
}

function failedEvent(row: FetchRow, why: string, at: string): NewEvent<"exception.opened"> {
  const name = `${row.connection}:${row.type}:${row.id}`
  const summary = `Delivery ${row.inbox_id} from ${row.connection} names ${row.type} ${row.id}, which cannot be read: ${why}`
  return {
    type: "exception.opened",
    fact: `fetch:${name}:${row.inbox_id}:${row.wanted}`,
    source: "crossdock:inbox",
    time: at,
    data: {
      exceptionId: derivedId("fetch", name, String(row.inbox_id), String(row.wanted)),
      about: aboutOf(row),
      cause,
      because: { kind: "data", connection: row.connection, operation: `read ${row.type}` },
      summary: cut(summary, 1000),
      doneSoFar: [`it was asked for ${row.attempts} times`],
      ifNobodyActs:
        "what happened to it is unknown until the system names it again or a poll lists it; this closes by itself when it can be read",
      allowedActions: ["acknowledge"],
      owner: "integration",
      at,
    },
  }
}

function incoming(delivery: Delivery, row: FetchRow) {
  // An object that a webhook named was not missed by webhooks, so it does not count as found by a poll.
  const via = row.via ?? delivery.via
  return {
    ...delivery,
    via,
    deliveryId: "",
    topic: delivery.headers["topic"] ?? row.type,
    correlation: row.correlation,
  }
}
