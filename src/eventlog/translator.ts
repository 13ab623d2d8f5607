import { AppError, asAppError, describeError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { inTransaction, isStorageAway, sqlState, type Sql, type SqlTransaction } from "../base/sql.ts"
import { instant, sleep, type Clock } from "../base/time.ts"
import type { Delivery, Translation } from "../ports/capabilities.ts"
import { appendRow, appendRows, type Appended, type EventLog } from "./event-log.ts"
import type { Inbox } from "./inbox.ts"
import { parked, parkedEvent, verdict, type InboxRow, type Outcome, type Translated } from "./verdicts.ts"

interface TranslatorOptions {
  sql: Sql
  log: Log
  clock: Clock
  inbox: Inbox
  eventLog: EventLog
  /** The pure mapping of a connection; throws for one that does not exist. */
  translate: (delivery: Delivery) => Translation
}

const batchSizeMax = 200
const idlePollMs = 250
// While deliveries come in by another process, which cannot wake this one.
const busyPollMs = 40
// Classes of SQLSTATE that say nothing about the row (PostgreSQL 18, appendix A): rolled back, lock not free, cancelled.
const passingStates = /^(40|55|57)/

/**
 * Turns inbox rows into events, after they are safe.
 *
 * Rows of a batch, their events and their verdicts are one transaction, so a crash leaves them "received" and they are
 * translated again: unique facts make that harmless. A row that cannot be translated is parked with its bytes and every
 * problem, opens an exception, and holds up nothing. Several translators may run; each locks the rows it works on.
 */
export class Translator {
  readonly #options: TranslatorOptions
  #stopping = false
  #running: Promise<void> | undefined
  #wake: () => void = () => undefined
  #stopListening: () => void = () => undefined

  constructor(options: TranslatorOptions) {
    this.#options = options
  }

  start(): void {
    this.#stopListening = this.#options.inbox.onReceive(() => this.#wake())
    this.#running = this.#loop()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#stopListening()
    this.#wake()
    await this.#running
  }

  /** Puts parked rows back in line, all of a connection or one row; answers how many. Do this after a mapping was fixed. */
  async retranslate(filter: { connection?: string; inboxId?: number }): Promise<number> {
    const rows = await this.#options.sql`
      update inbox set state = 'received', reason = null, problems = null
      where state = 'parked' and (${filter.connection ?? null}::text is null or connection = ${filter.connection ?? null})
        and (${filter.inboxId ?? null}::bigint is null or id = ${filter.inboxId ?? null})
      returning id`
    this.#wake()
    return rows.length
  }

  async #loop(): Promise<void> {
    const { log } = this.#options
    let last: Promise<number> = Promise.resolve(0)
    let pollMs = idlePollMs
    while (!this.#stopping) {
      try {
        const { read, stored } = this.#begin(last)
        const before = last
        last = stored
        const count = await read
        await before
        pollMs = count > 0 ? busyPollMs : Math.min(pollMs * 2, idlePollMs)
        if (count >= batchSizeMax) continue
        await stored
        await this.#wait(pollMs)
      } catch (thrown) {
        if (!isStorageAway(thrown) && asAppError(thrown).code !== "STORAGE_UNAVAILABLE")
          log.error({ err: thrown }, "a batch of deliveries could not be translated; it will be tried again")
        await sleep(500)
      }
    }
    await last.catch(() => undefined)
  }

  async #wait(ms: number): Promise<void> {
    const timer = AbortSignal.timeout(ms)
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      timer.addEventListener("abort", () => resolve(), { once: true })
    })
  }

  /** Translates what waits, at most one batch; answers how many rows. */
  translateBatch(): Promise<number> {
    return this.#begin(Promise.resolve(0)).stored
  }

  /** Reads and translates a batch at once and stores it after the one before: they overlap, and what came first is first. */
  #begin(before: Promise<number>): { read: Promise<number>; stored: Promise<number> } {
    const read = Promise.withResolvers<number>()
    const after = before.catch(() => 0)
    const stored = this.#translateUpTo(batchSizeMax, { after, onRead: read.resolve }).catch(async (thrown: unknown) => {
      if (isStorageAway(thrown)) throw thrown
      // Something in the batch cannot be stored (a text with U+0000, 30 February): find it row by row, park it alone.
      await after
      return this.#translateSingly()
    })
    // One that fails before it has read anything; `stored` tells the loop of every other failure.
    stored.then(read.resolve, read.reject)
    read.promise.catch(() => undefined)
    return { read: read.promise, stored }
  }

  async #translateSingly(): Promise<number> {
    let done = 0
    while (done < batchSizeMax && (await this.#translateOne())) done += 1
    return done
  }

  /** Translates or parks one row under the same lock, so that what is parked is the row that failed. */
  async #translateOne(): Promise<boolean> {
    const { sql, eventLog, log } = this.#options
    const isFound = await inTransaction(sql, async (transaction) => {
      const [row] = await this.#waiting(transaction, 1)
      if (!row) return false
      await transaction`savepoint one_row`
      try {
        await this.#settle(transaction, [this.#translateRow(row)])
      } catch (thrown) {
        if (isStorageAway(thrown) || passingStates.test(sqlState(thrown) ?? "")) throw thrown
        await transaction`rollback to savepoint one_row`
        log.error({ err: thrown, inboxId: row.id }, "a delivery's facts cannot be stored; it is parked")
        const why = `its facts cannot be stored: ${describeError(thrown).message}`
        const error = new AppError("TRANSLATION_FAILED", why, { cause: thrown })
        await appendRows(transaction, [
          appendRow(parkedEvent(row, error, instant(this.#options.clock.now())), 0, {
            correlation: row.correlation,
            inboxId: row.id,
          }),
        ])
        await this.#note(transaction, [parked(row, error)])
      }
      return true
    })
    if (isFound) eventLog.wake()
    return isFound
  }

  async #translateUpTo(
    limit: number,
    turn: { after: Promise<unknown>; onRead: (count: number) => void },
  ): Promise<number> {
    const { sql, eventLog } = this.#options
    const count = await inTransaction(sql, async (transaction) => {
      const rows = await this.#waiting(transaction, limit)
      const results = rows.map((row) => this.#translateRow(row))
      turn.onRead(rows.length)
      await turn.after
      if (rows.length > 0) await this.#settle(transaction, results)
      return rows.length
    })
    if (count > 0) eventLog.wake()
    return count
  }

  async #waiting(transaction: SqlTransaction, limit: number): Promise<readonly InboxRow[]> {
    const rows = await transaction<Omit<InboxRow, "bytes">[]>`
      select id, connection, via, topic, delivery_id, received_at, headers, correlation, traceparent, attempts
      from inbox where state = 'received' order by id limit ${limit} for update skip locked`
    const bodies = new Map<number, Uint8Array | undefined>(
      rows.map(({ id }) => [id, this.#options.inbox.takeFresh(id)] as const),
    )
    const stored = rows.filter(({ id }) => bodies.get(id) === undefined)
    if (stored.length > 0) for (const [id, bytes] of await readBodies(transaction, stored)) bodies.set(id, bytes)
    return rows.map((row) => {
      const bytes = bodies.get(row.id)
      if (!bytes) throw new AppError("INVARIANT_BROKEN", `delivery ${row.id} has no body`)
      return { ...row, bytes }
    })
  }

  async #settle(transaction: SqlTransaction, results: readonly Translated[]): Promise<void> {
    const appended = await appendRows(
      transaction,
      results
        .flatMap((result) => result.events.map((event) => ({ event, row: result.row })))
        .map(({ event, row }, n) =>
          appendRow(event, n, {
            correlation: row.correlation,
            inboxId: row.id,
            traceparent: row.traceparent ?? undefined,
          }),
        ),
    )
    const first = await this.#broughtBy(transaction, appended)
    let at = 0
    const outcomes = results.map((result) => {
      const answers = appended.slice(at, (at += result.events.length))
      return result.outcome ?? verdict(result, answers, first)
    })
    await this.#note(transaction, outcomes)
  }

  /** How the deliveries came that had brought known facts first. */
  async #broughtBy(transaction: SqlTransaction, appended: readonly Appended[]): Promise<ReadonlyMap<number, string>> {
    const ids = [...new Set(appended.flatMap((answer) => answer.knownInboxId ?? []))]
    if (ids.length === 0) return new Map()
    const rows = await transaction<{ id: number; via: string }[]>`select id, via from inbox where id = any(${ids})`
    return new Map(rows.map((row) => [row.id, row.via]))
  }

  async #note(transaction: SqlTransaction, outcomes: readonly Outcome[]): Promise<void> {
    await transaction`
      update inbox set state = o.state, reason = o.reason, problems = o.problems, new_facts = o.new_facts,
        known_facts = o.known_facts, attempts = attempts + 1, translated_at = now()
      from jsonb_to_recordset(${JSON.stringify(outcomes)}::text::jsonb)
        as o(id bigint, state text, reason text, problems jsonb, new_facts integer, known_facts integer)
      where inbox.id = o.id`
  }

  #translateRow(row: InboxRow): Translated {
    const delivery = { ...row, receivedAt: row.received_at.toISOString() }
    try {
      const translation = this.#options.translate(delivery)
      return {
        row,
        events: translation.events,
        ...(translation.ignored === undefined ? {} : { ignored: translation.ignored }),
      }
    } catch (thrown) {
      const error =
        thrown instanceof AppError ? thrown : new AppError("TRANSLATION_FAILED", String(thrown), { cause: thrown })
      if (!(thrown instanceof AppError)) this.#options.log.error({ err: thrown, inboxId: row.id }, "a mapping threw")
      return { row, events: [parkedEvent(row, error, instant(this.#options.clock.now()))], outcome: parked(row, error) }
    }
  }
}

/** Bodies that only the database has: another process received them, or this one long ago. Most are text, half as long as hex. */
async function readBodies(
  transaction: SqlTransaction,
  rows: readonly { id: number }[],
): Promise<readonly (readonly [number, Uint8Array])[]> {
  const found = await transaction<{ id: number; body: string | null; bytes: Buffer | null }[]>`
    select id, case when is_utf8 then convert_from(bytes, 'UTF8') end as body, case when not is_utf8 then bytes end as bytes
    from inbox where id = any(${rows.map(({ id }) => id)})`
  return found.map(({ id, body, bytes }) => [id, bytes ?? Buffer.from(body ?? "")])
}
