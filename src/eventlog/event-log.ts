import { EventEmitter } from "node:events"
import {
  aboutOf,
  eventTypes,
  mentionsOf,
  namesOf,
  type EventData,
  type EventName,
  type NewEvent,
} from "../canonical/events.ts"
import { linkedObjects, type Ref } from "../canonical/refs.ts"
import { assertEvents } from "../canonical/check-event.ts"
import { Batcher } from "../base/batch.ts"
import { factKey } from "../base/ids.ts"
import { storage, type Sql } from "../base/sql.ts"
import type { Instant } from "../base/time.ts"

/** Position of an event in the log. Opaque outside; compare by the log's own order only. */
export interface Position {
  xid: string
  seq: number
}

/** An event as the log holds it: CloudEvents 1.0 attributes plus ours. */
export interface StoredEvent<Name extends EventName = EventName> {
  position: Position
  type: Name
  fact: string
  /** What the event is about. */
  key: Ref
  source: string
  time: string
  /** When the log took it. */
  recordedAt: string
  correlation: string
  causation?: string
  traceparent?: string
  schemaversion: number
  inboxId?: number
  data: EventData<Name>
}

/** Result of an append. */
export interface Appended {
  isNew: boolean
  /** For a known fact that came by a delivery: the delivery that brought it first. */
  knownInboxId: number | undefined
}

/** How long a signal waits for the event that starts its workflow before an exception is raised. */
const orphanAfterMs = 15 * 60_000

/** The start of the log. */
export const logStart: Position = { xid: "0", seq: 0 }

/** An event to append, with its origin. */
export interface Append {
  event: NewEvent
  correlation: string
  inboxId?: number
  traceparent?: string | undefined
  /** A step of a workflow appends it. The journal makes sure that this happens once, so it needs no identity. */
  isOwn?: boolean
  /** How the delivery came that brought it. */
  via?: string
}

/** Consequences of an event, stored in its transaction. */
export interface FollowUps {
  /** Instances of workflows it starts. */
  starts: { workflow: string; about: Ref; promisedAt: string }[]
  /** Instances it is a signal for. */
  signals: { workflow: string; about: Ref }[]
  /** The object it inserts or whose state it changes. */
  object?: object
  /** Entries of its order's account, and reports of refunds and returns. */
  entries?: readonly object[]
  reports?: readonly object[]
}

/** A batch of events as `store_events` takes it. */
export interface Prepared {
  events: object[]
  follow: object
  types: ReadonlySet<EventName>
  wakesWork: boolean
}

const listed = ["starts", "signals", "entries", "reports"] as const

const nothingFollows = (): FollowUps => ({ starts: [], signals: [] })

function eventRow({ event, correlation, inboxId, traceparent, isOwn }: Append, n: number) {
  const about = aboutOf(event)
  const links = linkedObjects(about, mentionsOf(event))
  const names = namesOf(event)
  return {
    n,
    ...(isOwn && !sharedTypes.has(event.type) ? {} : { fact_key: factKey(about, event.fact) }),
    fact: event.fact,
    type: event.type,
    key: about,
    // Left out of most rows, because a null would be sent and parsed with each.
    ...(links.length > 0 ? { links } : {}),
    ...(names.length > 0 ? { names } : {}),
    source: event.source,
    time: event.time,
    correlation: event.correlation ?? correlation,
    causation: event.causation ?? null,
    traceparent: event.traceparent ?? traceparent ?? null,
    schemaversion: eventTypes[event.type].version,
    inbox_id: inboxId ?? null,
    data: event.data,
  }
}

/** A person or a step may decide an exception, and a step raises it again at every attempt: the first event counts. */
const sharedTypes: ReadonlySet<EventName> = new Set(["exception.opened", "exception.decided"])

/**
 * The log of canonical business events.
 *
 * `append` is durable when it resolves; a fact that is there already is not stored again and says so. Safe to repeat after
 * STORAGE_UNAVAILABLE. An event that does not fit the catalogue is a defect and is refused alone. `read` returns events in
 * position order and stops below the oldest running transaction, so a reader that keeps its last position misses no late commit.
 * Consequences of an event (objects, workflows started and woken) are stored in the same transaction.
 */
export class EventLog {
  readonly #sql: Sql
  readonly #followUps: (event: NewEvent) => FollowUps
  readonly #batcher: Batcher<Append, Appended>
  readonly #emitter = new EventEmitter()
  /** Whether workers of other processes are notified of new work. */
  notifiesOthers = true

  constructor(sql: Sql, followUps: (event: NewEvent) => FollowUps = nothingFollows) {
    this.#sql = sql
    this.#followUps = followUps
    this.#emitter.setMaxListeners(0)
    this.#batcher = new Batcher({ sizeMax: 500, queueMax: 20_000, flush: (events) => this.#appendAll(events) })
  }

  async append(event: NewEvent): Promise<Appended> {
    assertEvents([event], event.source)
    return this.#batcher.add({ event, correlation: event.correlation ?? aboutOf(event) })
  }

  /** Makes the partitions for the month of a moment and the one after it. */
  async makePartitions(at: Instant): Promise<void> {
    await storage(() => this.#sql`select ensure_partitions(${at}::timestamptz)`)
  }

  async #appendAll(appends: readonly Append[]): Promise<Appended[]> {
    const prepared = this.prepare(appends)
    const rows = await storage(
      () => this.#sql<{ is_new: boolean; known_inbox_id: number | null }[]>`
        select is_new, known_inbox_id
        from store_events(${JSON.stringify(prepared.events)}::text::json, ${JSON.stringify(prepared.follow)}::text::json)
        order by n`,
    )
    this.stored(prepared)
    return rows.map((row) => ({ isNew: row.is_new, knownInboxId: row.known_inbox_id ?? undefined }))
  }

  /** Returns the arguments of `store_events`, for callers that store events in a transaction of their own. */
  prepare(appends: readonly Append[]): Prepared {
    const lists: Partial<Record<"objects" | (typeof listed)[number], object[]>> = {}
    for (const [n, append] of appends.entries()) {
      const { object, ...more } = this.#followUps(append.event)
      const via = append.via === undefined ? {} : { foundVia: append.via }
      if (object) (lists.objects ??= []).push({ n, ...object, ...via })
      for (const name of listed) for (const item of more[name] ?? []) (lists[name] ??= []).push({ n, ...item })
    }
    const wakesWork = lists.starts !== undefined || lists.signals !== undefined
    const types = new Set(appends.map(({ event }) => event.type))
    const hasExceptions = types.has("exception.opened") || types.has("exception.decided")
    return {
      events: appends.map(eventRow),
      follow: {
        ...lists,
        ...(lists.signals ? { orphanAfterMs } : {}),
        ...(hasExceptions ? { hasExceptions } : {}),
        ...(wakesWork && this.notifiesOthers ? { notify: true } : {}),
      },
      types,
      wakesWork,
    }
  }

  /** Wakes readers and the worker of this process after a prepared batch was committed. Other processes poll. */
  stored({ types, wakesWork }: Pick<Prepared, "types" | "wakesWork">): void {
    if (types.size > 0) this.#emitter.emit("appended", types)
    if (wakesWork) this.#emitter.emit("work")
  }

  /** Calls back after appends made in this process, with the types that were appended; returns the way to stop that. */
  onAppend(listener: (types: ReadonlySet<EventName>) => void): () => void {
    this.#emitter.on("appended", listener)
    return () => this.#emitter.off("appended", listener)
  }

  /** Calls back when an append of this process started or woke workflows; returns the way to stop that. */
  onWork(listener: () => void): () => void {
    this.#emitter.on("work", listener)
    return () => this.#emitter.off("work", listener)
  }

  /** Events after a position. With `types`, events of other types are left out; `last` is the last position read. */
  async read(options: {
    after: Position
    limit: number
    types?: readonly EventName[]
  }): Promise<{ events: StoredEvent[]; last: Position }> {
    const { after, limit, types } = options
    const rows = await storage(
      () => this.#sql<EventRow[]>`
        select xid, seq, type, fact, key, source, time, recorded_at, correlation, causation, traceparent, schemaversion, inbox_id,
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

  /** Events about one object, the oldest 5,000 first, also those that readers may not read yet. */
  async readKey(key: Ref): Promise<StoredEvent[]> {
    const rows = await storage(
      () => this.#sql<EventRow[]>`
        select xid, seq, type, fact, key, source, time, recorded_at, correlation, causation, traceparent, schemaversion, inbox_id, data
        from events where key = ${key} order by xid, seq limit 5000`,
    )
    return rows.map(storedEvent)
  }

  /** Events about one object at these positions, oldest first; however long the key's history is. */
  async readAt(key: string, positions: readonly Position[]): Promise<StoredEvent[]> {
    const rows = await storage(
      () => this.#sql<EventRow[]>`
        select xid, seq, type, fact, key, source, time, recorded_at, correlation, causation, traceparent, schemaversion, inbox_id, data
        from events where key = ${key} and (xid, seq) in (
          select * from unnest(${positions.map((at) => at.xid)}::text[]::xid8[], ${positions.map((at) => at.seq)}::bigint[]))
        order by xid, seq`,
    )
    return rows.map(storedEvent)
  }

  /** Which of these events' facts the log already knows. */
  async knownFacts(events: readonly Pick<NewEvent, "type" | "fact" | "data">[]): Promise<Set<string>> {
    if (events.length === 0) return new Set()
    const byKey = new Map(events.map((event) => [factKey(aboutOf(event), event.fact), event.fact]))
    const rows = await storage(
      () => this.#sql<{ factKey: string }[]>`
        select fact_key as "factKey" from event_facts where fact_key = any(${[...byKey.keys()]}::uuid[])`,
    )
    return new Set(rows.flatMap((row) => byKey.get(row.factKey) ?? []))
  }
}

/** A row of the log. */
export interface EventRow {
  xid: string
  seq: number
  type: string
  fact: string
  key: Ref
  source: string
  time: Date
  recorded_at: Date
  correlation: string
  causation: string | null
  traceparent: string | null
  schemaversion: number
  inbox_id: number | null
  data: unknown
}

/** An event as the log returns it. */
export function storedEvent(row: EventRow): StoredEvent {
  return {
    position: { xid: row.xid, seq: row.seq },
    type: row.type as EventName,
    fact: row.fact,
    key: row.key,
    source: row.source,
    time: row.time.toISOString(),
    recordedAt: row.recorded_at.toISOString(),
    correlation: row.correlation,
    ...(row.causation === null ? {} : { causation: row.causation }),
    ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
    schemaversion: row.schemaversion,
    ...(row.inbox_id === null ? {} : { inboxId: row.inbox_id }),
    // The log only takes data that its catalogue's schema admitted.
    data: row.data as EventData<EventName>,
  }
}
