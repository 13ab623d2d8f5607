import { EventEmitter } from "node:events"
import { eventKey, eventTypes, type EventData, type EventName, type NewEvent } from "../canonical/events.ts"
import { Batcher } from "../base/batch.ts"
import { factKey } from "../base/ids.ts"
import { storage, type Sql, type SqlTransaction } from "../base/sql.ts"

/** Where an event stands in the log. Opaque outside; compare by the log's own order only. */
export interface Position {
  xid: string
  seq: number
}

/** An event as the log holds it: CloudEvents 1.0 attributes plus ours. */
export interface StoredEvent<Name extends EventName = EventName> {
  position: Position
  type: Name
  fact: string
  key: string
  source: string
  time: string
  correlation: string
  causation?: string
  traceparent?: string
  schemaversion: number
  inboxId?: number
  data: EventData<Name>
}

/** What became of one appended event. */
export interface Appended {
  isNew: boolean
  /** The delivery that brought the fact first, when this one was not the first and the first came by a delivery. */
  knownInboxId: number | undefined
}

/** The start of the log. */
export const logStart: Position = { xid: "0", seq: 0 }

/** An event as one element of the JSON argument of `append_events`; `n` is its place in the batch. */
export function appendRow(
  event: NewEvent,
  n: number,
  defaults: { correlation: string; inboxId?: number; traceparent?: string | undefined },
) {
  return {
    n,
    fact_key: factKey(event.fact),
    fact: event.fact,
    type: event.type,
    key: eventKey(event),
    source: event.source,
    time: event.time,
    correlation: event.correlation ?? defaults.correlation,
    causation: event.causation ?? null,
    traceparent: event.traceparent ?? defaults.traceparent ?? null,
    schemaversion: eventTypes[event.type].version,
    inbox_id: defaults.inboxId ?? null,
    data: event.data,
  }
}

/**
 * The log of canonical business events.
 *
 * `append` is durable when it resolves; a fact that is there already is not stored again and says so. Safe to repeat after
 * STORAGE_UNAVAILABLE. `read` returns events in position order and stops below the oldest transaction still running, so a
 * reader that remembers its last position misses nothing, whatever commits late.
 */
export class EventLog {
  readonly #sql: Sql
  readonly #batcher: Batcher<NewEvent, Appended>
  readonly #emitter = new EventEmitter()

  constructor(sql: Sql) {
    this.#sql = sql
    this.#emitter.setMaxListeners(0)
    this.#batcher = new Batcher({ sizeMax: 500, queueMax: 20_000, flush: (events) => this.#appendAll(events) })
  }

  append(event: NewEvent): Promise<Appended> {
    return this.#batcher.add(event)
  }

  async #appendAll(events: readonly NewEvent[]): Promise<Appended[]> {
    const rows = events.map((event, n) => appendRow(event, n, { correlation: event.correlation ?? eventKey(event) }))
    const answers = await storage(() => appendRows(this.#sql, rows))
    this.wake()
    return answers
  }

  /** Tells readers in this process that something was committed. Others find it by polling. */
  wake(): void {
    this.#emitter.emit("appended")
  }

  /** Calls back after appends made in this process; returns the way to stop that. */
  onAppend(listener: () => void): () => void {
    this.#emitter.on("appended", listener)
    return () => this.#emitter.off("appended", listener)
  }

  /** Events after a position. With `types`, others are left out but their positions are passed over by `last`. */
  async read(options: {
    after: Position
    limit: number
    types?: readonly EventName[]
  }): Promise<{ events: StoredEvent[]; last: Position }> {
    const { after, limit, types } = options
    const rows = await storage(
      () => this.#sql<EventRow[]>`
        select xid, seq, type, fact, key, source, time, correlation, causation, traceparent, schemaversion, inbox_id,
          case when ${types === undefined} or type = any(${(types ?? []) as string[]}) then data end as data
        from events
        where (xid, seq) > (${after.xid}::xid8, ${after.seq}) and xid < pg_snapshot_xmin(pg_current_snapshot())
        order by xid, seq limit ${limit}`,
    )
    const final = rows.at(-1)
    return {
      events: rows.filter((row) => row.data !== null).map(storedEvent),
      last: final ? { xid: final.xid, seq: final.seq } : after,
    }
  }

  /** All events of one ordering key, oldest first; includes what readers may not pass yet. */
  async readKey(key: string): Promise<StoredEvent[]> {
    const rows = await storage(
      () => this.#sql<EventRow[]>`
        select xid, seq, type, fact, key, source, time, correlation, causation, traceparent, schemaversion, inbox_id, data
        from events where key = ${key} order by xid, seq limit 5000`,
    )
    return rows.map(storedEvent)
  }

  /** Events of one ordering key at these positions, oldest first; however long the key's history is. */
  async readAt(key: string, positions: readonly Position[]): Promise<StoredEvent[]> {
    const rows = await storage(
      () => this.#sql<EventRow[]>`
        select xid, seq, type, fact, key, source, time, correlation, causation, traceparent, schemaversion, inbox_id, data
        from events where key = ${key} and (xid, seq) in (
          select * from unnest(${positions.map((at) => at.xid)}::text[]::xid8[], ${positions.map((at) => at.seq)}::bigint[]))
        order by xid, seq`,
    )
    return rows.map(storedEvent)
  }

  /** Which of these facts the log already knows. */
  async knownFacts(facts: readonly string[]): Promise<Set<string>> {
    const byKey = new Map(facts.map((fact) => [factKey(fact), fact]))
    const rows = await storage(
      () => this.#sql<{ factKey: string }[]>`
        select fact_key as "factKey" from event_facts where fact_key = any(${[...byKey.keys()]}::uuid[])`,
    )
    return new Set(rows.flatMap((row) => byKey.get(row.factKey) ?? []))
  }
}

interface EventRow {
  xid: string
  seq: number
  type: string
  fact: string
  key: string
  source: string
  time: Date
  correlation: string
  causation: string | null
  traceparent: string | null
  schemaversion: number
  inbox_id: number | null
  data: unknown
}

/** Appends prepared rows inside the caller's transaction or on a pool. */
export async function appendRows(
  sql: SqlTransaction,
  rows: readonly ReturnType<typeof appendRow>[],
): Promise<Appended[]> {
  if (rows.length === 0) return []
  const answers = await sql<{ is_new: boolean; known_inbox_id: number | null }[]>`
    select is_new, known_inbox_id from append_events(${JSON.stringify(rows)}::text::json) order by n`
  return answers.map((answer) => ({ isNew: answer.is_new, knownInboxId: answer.known_inbox_id ?? undefined }))
}

function storedEvent(row: EventRow): StoredEvent {
  return {
    position: { xid: row.xid, seq: row.seq },
    type: row.type as EventName,
    fact: row.fact,
    key: row.key,
    source: row.source,
    time: row.time.toISOString(),
    correlation: row.correlation,
    ...(row.causation === null ? {} : { causation: row.causation }),
    ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
    schemaversion: row.schemaversion,
    ...(row.inbox_id === null ? {} : { inboxId: row.inbox_id }),
    // The log only takes data that its catalogue's schema admitted.
    data: row.data as EventData<EventName>,
  }
}
