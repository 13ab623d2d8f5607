import { hash } from "node:crypto"
import { spanned } from "../base/log/spans.ts"
import { Batcher } from "../base/batch.ts"
import { AppError, asAppError, describeError, type Problem } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { isStorageAway, sqlState, storage, type Sql } from "../base/sql.ts"
import { storable } from "../base/text.ts"
import { instant, monotonicMs, type Clock } from "../base/time.ts"
import type { Delivery, Translation } from "../ports/capabilities/intake.ts"
import type { Stating } from "../ports/statements.ts"
import type { NewEvent } from "../canonical/events.ts"
import type { Ref } from "../canonical/refs.ts"
import type { EventLog } from "./event-log.ts"
import { onlyOwnOrders, type AskedFor } from "./own-orders.ts"
import { appendsOf, fetchesOf } from "./deliveries/appends.ts"
import { corrected, readCorrected } from "./deliveries/corrections.ts"
import {
  doorSpan,
  replayPrefix,
  packedTogether,
  unpacked,
  type IncomingDelivery,
  type StoredDelivery,
} from "./deliveries/stored-deliveries.ts"
import { parked, translateDelivery, type Translated } from "./translate.ts"
import { newsOf } from "./news/news-of.ts"
import { partsRead, settleParts } from "./news/waiting-parts.ts"

/** What a delivery would tell if it were taken again. */
export interface WouldTell {
  /** It cannot be understood, or not all of it. */
  isParked: boolean
  reason?: string
  /** Facts that the log has, and facts that it has not. */
  known: number
  fresh: number
}

export interface ReceivedDelivery {
  inboxId: number
  state: "translated" | "duplicate" | "ignored" | "parked"
}

interface InboxOptions {
  sql: Sql
  log: Log
  clock: Clock
  eventLog: EventLog
  /** The pure mapping of a connection; throws for one that does not exist. */
  translate: (delivery: Delivery) => Translation
  /** What a connection may state; without it only the catalogue of events is checked. */
  stating?: (connection: string) => Stating | undefined
  /** Which orders connections that are no channels were asked to do something for; without it any. */
  askedFor?: AskedFor
}

/** How a delivery is named that was taken again. */
const replayOf = (inboxId: number) => `${replayPrefix}${inboxId}`

const idsInBlock = 1000
// An id names the day on which its block was drawn, and with that the partition its row goes to.
const blockForMs = 3_600_000
// Classes of SQLSTATE that say nothing about the delivery (PostgreSQL 18, appendix A): rolled back, lock not free, cancelled.
const passingStates = /^(40|55|57)/

/**
 * Stores raw deliveries together with the events they state.
 *
 * `receive` resolves only after the bytes are committed (I-1): return 2xx after that and not before. A delivery is translated
 * first, by a pure mapping, so that its bytes, its verdict, its events and the workflows these start or wake are one
 * transaction, written once. A delivery that cannot be translated is stored too, parked, with an exception. Deliveries that
 * arrive during a commit share the next one. Objects that a delivery only names are stored in the same transaction, for
 * `ObjectFetcher`. A repeated delivery is a second row without new facts.
 */
export class Inbox {
  readonly #options: InboxOptions
  readonly #batcher: Batcher<IncomingDelivery, ReceivedDelivery>
  #onFetchesNoted: () => void = () => undefined
  #ids = { next: 0, end: 0, drawnMs: 0 }

  constructor(options: InboxOptions) {
    this.#options = options
    this.#batcher = new Batcher({
      sizeMax: 200,
      queueMax: 5000,
      gatherMs: 5,
      flush: (deliveries) => this.#store(deliveries),
    })
  }

  receive(delivery: IncomingDelivery): Promise<ReceivedDelivery> {
    return spanned(
      () => doorSpan(delivery),
      () => this.#batcher.add(delivery),
    )
  }

  /** Calls back when a delivery of this process named objects that are to be read. One listener. */
  onFetchesNoted(listener: () => void): void {
    this.#onFetchesNoted = listener
  }

  /**
   * Translates parked deliveries again, all of a connection or one, after a mapping was corrected. Returns how many. A delivery
   * that still cannot be translated raises a new exception.
   */
  async retranslate(filter: { connection?: string; inboxId?: number }): Promise<number> {
    const { sql } = this.#options
    let after = 0
    let count = 0
    for (;;) {
      const rows = await storage(
        () => sql<StoredDelivery[]>`
          select i.*, b.bytes as packed from inbox i join inbox_bodies b on b.id = i.bodies
          where i.state = 'parked' and i.id > ${after}
            and (${filter.connection ?? null}::text is null or i.connection = ${filter.connection ?? null})
            and (${filter.inboxId ?? null}::bigint is null or i.id = ${filter.inboxId ?? null})
          order by i.id limit 100`,
      )
      for (const row of rows) await this.#retranslateOne(row)
      count += rows.length
      const last = rows.at(-1)
      if (!last) return count
      after = last.id
    }
  }

  /**
   * Takes a stored delivery again, by the mapping of today: a parked one in its place, any other as a delivery of its own. Facts that
   * are known change nothing. Undefined when it is gone.
   */
  async replay(inboxId: number): Promise<ReceivedDelivery["state"] | undefined> {
    if ((await this.retranslate({ inboxId })) > 0) return "translated"
    // As it came it may be one that cannot be understood.
    const delivery = await readCorrected(this.#options.sql, inboxId)
    return delivery && (await this.receive({ ...delivery, deliveryId: replayOf(inboxId) })).state
  }

  /** What the mapping of today makes of a delivery, also what may not be stored, and every problem. Writes nothing. */
  readAgain(delivery: IncomingDelivery): { facts: readonly NewEvent[]; problems: readonly Problem[] } {
    const { problems = [] } = this.#translate(delivery, { inboxId: 0, attempts: 0 })
    try {
      return { facts: this.#options.translate(delivery).events, problems }
    } catch {
      return { facts: [], problems }
    }
  }

  /** What deliveries would tell if they were taken again. Writes nothing. */
  async wouldTell(rows: readonly { inboxId: number; delivery: IncomingDelivery }[]): Promise<WouldTell[]> {
    const at = instant(this.#options.clock.now())
    const all = rows.map(({ inboxId, delivery }) => this.#translate(delivery, { inboxId, attempts: 0 }))
    const own = await onlyOwnOrders(
      rows.map(({ inboxId, delivery }) => ({ ...delivery, inboxId, attempts: 0, at })),
      all,
      this.#options,
    )
    const news = await newsOf(this.#options.sql, own)
    const told = news.map(({ events }) => events.filter(({ source }) => source !== "crossdock:inbox"))
    const known = await this.#options.eventLog.knownFacts(told.flat())
    return news.map(({ isParked, reason }, n) => {
      const fresh = (told[n] ?? []).filter(({ fact }) => !known.has(fact)).length
      return { isParked, known: (told[n] ?? []).length - fresh, fresh, ...(reason === undefined ? {} : { reason }) }
    })
  }

  async #retranslateOne(row: StoredDelivery): Promise<void> {
    const { eventLog, sql } = this.#options
    const delivery = await corrected(sql, { inboxId: row.id, delivery: await unpacked(row) })
    const rowOf = { inboxId: row.id, attempts: row.attempts }
    const at = instant(this.#options.clock.now())
    const all = [this.#translate(delivery, rowOf)]
    const own = await onlyOwnOrders([{ ...delivery, ...rowOf, at }], all, this.#options)
    const [translated] = await newsOf(sql, own)
    if (!translated) return
    const prepared = eventLog.prepare(appendsOf(translated, delivery, row.id))
    await storage(
      () => sql`
        select inbox_retranslated(${row.id}, ${translated.reason ?? null}, ${JSON.stringify(translated.problems ?? null)}::text::jsonb,
          ${translated.isParked}, ${translated.exceptions ?? 0}, ${JSON.stringify(fetchesOf(translated, delivery, row.id))}::text::json,
          ${JSON.stringify(prepared.events)}::text::json, ${JSON.stringify(prepared.follow)}::text::json)`,
    )
    eventLog.stored(prepared)
    await this.#settle([translated])
    // What was mended needs no decision of a person.
    if (!translated.isParked) await this.#endExceptionsOf(row.id)
  }

  /** Ends what waited for these deliveries. They are durable; if this fails, the next poll of the order does it. */
  async #settle(translated: readonly Translated[]): Promise<void> {
    const { sql, eventLog, clock, log } = this.#options
    const settles = translated.flatMap((one) => one.settles ?? [])
    try {
      await settleParts({ sql, eventLog }, { parts: await partsRead(sql, settles), at: instant(clock.now()) })
    } catch (thrown) {
      log.error({ err: thrown }, "exceptions of parts that were read could not be ended")
    }
  }

  async #endExceptionsOf(inboxId: number): Promise<void> {
    const { sql, eventLog, clock } = this.#options
    const parts = await storage(
      () => sql<{ id: string; about: Ref }[]>`select id, about from delivery_exceptions(${inboxId})`,
    )
    await settleParts({ sql, eventLog }, { parts, at: instant(clock.now()) })
  }

  #translate(delivery: IncomingDelivery, row: { inboxId: number; attempts: number }, refusal?: AppError): Translated {
    const { clock, translate, stating, log } = this.#options
    const at = instant(clock.now())
    if (refusal) return parked({ ...delivery, ...row, at }, refusal)
    return translateDelivery({ ...delivery, ...row, at }, { translate, stating, log })
  }

  async #store(deliveries: readonly IncomingDelivery[]): Promise<ReceivedDelivery[]> {
    try {
      return await this.#write(deliveries)
    } catch (thrown) {
      const isPassing = isStorageAway(thrown) || passingStates.test(sqlState(thrown) ?? "")
      if (deliveries.length > 1 || isPassing || asAppError(thrown).code === "STORAGE_UNAVAILABLE") throw thrown
      // It holds a value that cannot be stored (a text with U+0000, 30 February): it alone is parked, its bytes unchanged.
      this.#options.log.error({ err: thrown }, "a delivery's facts cannot be stored; it is parked")
      const why = `its facts cannot be stored: ${describeError(thrown).message}`
      return this.#write(deliveries, new AppError("TRANSLATION_FAILED", why, { cause: thrown }))
    }
  }

  async #write(deliveries: readonly IncomingDelivery[], refusal?: AppError): Promise<ReceivedDelivery[]> {
    const { sql, eventLog } = this.#options
    const first = await this.#nextIds(deliveries.length)
    const heads = deliveries.map(({ headers }) => Buffer.from(JSON.stringify(headers)))
    const packed = await packedTogether(
      deliveries.flatMap(({ bytes }, place) => [heads[place] ?? new Uint8Array(), bytes]),
    )
    const rowOf = (place: number) => ({ inboxId: first + place, attempts: 0 })
    const all = deliveries.map((delivery, place) => this.#translate(delivery, rowOf(place), refusal))
    const at = instant(this.#options.clock.now())
    const rowed = deliveries.map((delivery, place) => ({ ...delivery, ...rowOf(place), at }))
    const translated = await newsOf(sql, await onlyOwnOrders(rowed, all, this.#options))
    const prepared = eventLog.prepare(
      translated.flatMap((one, place) => appendsOf(one, deliveries[place], first + place)),
    )
    let startsAt = 0
    const rows = deliveries.map((delivery, n) => {
      const { connection, via, topic, deliveryId, receivedAt, correlation, traceparent, bytes } = delivery
      const { isParked, reason, problems, exceptions = 0 } = translated[n] ?? { isParked: false }
      const headLength = heads[n]?.length ?? 0
      const row = {
        n,
        id: first + n,
        connection,
        via,
        // Senders choose both, some of them inside the body.
        topic: storable(topic),
        correlation,
        is_parked: isParked,
        delivery_id: storable(deliveryId),
        received_at: receivedAt,
        starts_at: startsAt,
        head_length: headLength,
        body_length: bytes.length,
        ...(traceparent === undefined ? {} : { traceparent }),
        ...(reason === undefined ? {} : { reason }),
        ...(problems === undefined ? {} : { problems }),
        ...(isParked ? { digest: hash("sha256", bytes), exceptions } : {}),
      }
      startsAt += headLength + bytes.length
      return row
    })
    const fetches = translated.flatMap((one, place) => fetchesOf(one, deliveries[place], first + place))
    const stored = await storage(
      () => sql<{ id: number; state: ReceivedDelivery["state"]; parts_wait: boolean }[]>`
        select id, state, parts_wait from inbox_receive(${JSON.stringify(rows)}::text::json, ${packed}::bytea,
          ${deliveries.flatMap(({ replayKey }) => replayKey ?? [])}::text[]::uuid[], ${JSON.stringify(fetches)}::text::json,
          ${JSON.stringify(prepared.events)}::text::json, ${JSON.stringify(prepared.follow)}::text::json)`,
    )
    eventLog.stored(prepared)
    if (fetches.length > 0) this.#onFetchesNoted()
    // One statement sees no part that began to wait in it, so those of this batch are looked at as well.
    if (stored[0]?.parts_wait || translated.some(({ exceptions = 0 }) => exceptions > 0)) await this.#settle(translated)
    return stored.map(({ id, state }) => ({ inboxId: id, state }))
  }

  /** Ids rise by process: a block is drawn from the database when the last one is used up, or says another day than today's. */
  async #nextIds(count: number): Promise<number> {
    const isOld = monotonicMs() - this.#ids.drawnMs > blockForMs
    if (isOld || this.#ids.next + count > this.#ids.end) {
      const { sql } = this.#options
      const [row] = await storage(() => sql<{ first: number }[]>`select inbox_next_block() as first`)
      if (!row) throw new AppError("STORAGE_UNAVAILABLE", "no ids for deliveries")
      this.#ids = { next: row.first, end: row.first + idsInBlock, drawnMs: monotonicMs() }
    }
    const first = this.#ids.next
    this.#ids.next += count
    return first
  }
}
