import { Batcher } from "../base/batch.ts"
import { AppError, asAppError } from "../base/errors.ts"
import { monotonicMs } from "../base/time.ts"
import { sqlState, storage, type Sql } from "../base/sql.ts"
import type { NewEvent } from "../canonical/events.ts"
import {
  readEntry,
  stepKey,
  storedEntry,
  withEntry,
  type StepEntry,
  type StepRow,
  type StoredEntry,
  type Waiting,
} from "../effects/step-rows.ts"
import type { Ref } from "../canonical/refs.ts"
import type { EventLog } from "../eventlog/event-log.ts"
import type { Signal } from "./steps/signals.ts"

/** An instance's row in the database. */
export interface InstanceFacts {
  id: number
  workflow: string
  about: Ref
  state: "expected" | "running" | "undoing" | "done" | "undone"
  input: unknown
  correlation: string
  traceparent: string | null
  failure: { reason: string; kind: "rejected" | "interrupted"; fact?: string } | null
  startedAt: string
  promisedAt: string | null
  /** Runs that failed in a row. */
  failures: number
}

/** A claimed instance in its worker's memory. Nobody else writes its journal while the worker is alive. */
export interface Claimed {
  facts: InstanceFacts
  rows: Map<string, StepRow>
  signals: readonly Signal[]
}

/** How a run leaves its instance. */
export interface RunEnd {
  state: InstanceFacts["state"]
  failure: InstanceFacts["failure"]
  /** It has ended and hears nothing more; its queue row goes. */
  isOver: boolean
  /** The worker keeps its claim, and runs it again from memory. */
  isKept: boolean
  wakeInMs?: number
  waitsFor?: string
  waiting?: readonly Waiting[]
  failures?: number
  /** Number of signals the run knew when it began. If there are more by now, it runs again. */
  heard?: number
}

/** Shared by all writes of one run: after a failed write no later one is made. */
export interface RunFate {
  hasFailedWrite: boolean
}

interface JournalWrite {
  instance: number
  correlation: string
  fate: RunFate
  entries?: StepEntry[]
  events?: NewEvent[]
  end?: RunEnd
  /** Amounts to add to figures. */
  figures?: { name: string; label: string; by: number; msAgo?: number }[]
}

type WriteResult = "written" | "written, woken" | "lost" | "an earlier one failed"

// Raised by sql/0300-durable.sql: this worker was fenced; an instance is not this worker's.
const fencedState = "CD001"
const notClaimedState = "CD002"

/** How much a claim may take. */
export interface ClaimRequest {
  room: number
  /** Connections that may be called, each with the number of waiting instances that may go on. */
  drains: readonly { connection: string; limit: number }[]
}

/**
 * The journal and the queue of workflows under one generation of a worker, in micro-batches.
 *
 * Writes are durable when they resolve, and are applied in the order they were made. After the worker was fenced every call
 * throws LEASE_LOST and changes nothing. After a failed write of a run its later writes are refused: an instance must not end
 * without the steps before its end.
 */
export class Journal {
  readonly #sql: Sql
  readonly #eventLog: EventLog
  readonly #worker: number
  readonly #writes: Batcher<JournalWrite, WriteResult>

  constructor(sql: Sql, eventLog: EventLog, worker: number) {
    this.#sql = sql
    this.#eventLog = eventLog
    this.#worker = worker
    this.#writes = new Batcher({
      sizeMax: 300,
      queueMax: 20_000,
      gatherMs: 5,
      flush: (writes) => this.#writeAll(writes),
    })
  }

  /** Claims due instances, and reads the signals of instances claimed before that got new ones. */
  async claim(
    request: ClaimRequest,
  ): Promise<{ claimed: Claimed[]; woken: { instance: number; signals: Signal[] }[] }> {
    const rows = await this.#guard(
      () => this.#sql<ClaimRow[]>`
        select instance, is_claim, facts, journal, signals
        from workflow_claim(${this.#worker}, ${request.room}, ${JSON.stringify(request.drains)}::text::json)`,
    )
    const now = monotonicMs()
    return {
      claimed: rows.flatMap(({ instance, is_claim, facts, journal, signals }) =>
        is_claim
          ? [{ facts: { ...facts, id: instance }, rows: foldJournal(journal ?? [], now), signals: signals ?? [] }]
          : [],
      ),
      woken: rows.flatMap(({ instance, is_claim, signals }) =>
        is_claim ? [] : [{ instance, signals: signals ?? [] }],
      ),
    }
  }

  /** Returns whether signals have come that the run does not know. */
  async write(write: JournalWrite): Promise<boolean> {
    const result = await this.#writes.add(write)
    if (result === "lost") throw new AppError("LEASE_LOST", `instance ${write.instance} is no longer this worker's`)
    if (result === "an earlier one failed")
      throw new AppError("STORAGE_UNAVAILABLE", `an earlier write of this run of instance ${write.instance} failed`)
    return result === "written, woken"
  }

  /** Releases claims; each instance may be due again after a while. `failed` counts a failed run. */
  async release(rows: readonly { instance: number; wakeInMs?: number; failed?: boolean }[]): Promise<void> {
    if (rows.length === 0) return
    await this.#guard(() => this.#sql`select workflow_release(${this.#worker}, ${JSON.stringify(rows)}::text::json)`)
  }

  /** Releases all claims and ends the registration. */
  async end(): Promise<void> {
    await storage(() => this.#sql`select worker_end(${this.#worker})`)
  }

  async #writeAll(writes: readonly JournalWrite[]): Promise<WriteResult[]> {
    const sound = writes.filter((write) => !write.fate.hasFailedWrite)
    try {
      const results = sound.length > 0 ? await this.#writeSound(sound) : []
      let next = 0
      return writes.map((write) => (write === sound[next] ? results[next++] : undefined) ?? "an earlier one failed")
    } catch (thrown) {
      // If it was committed nevertheless, the next run reads it. A batch of several is tried again in halves.
      const { code } = asAppError(thrown)
      const isLost = code === "LEASE_LOST"
      const isFinal = writes.length === 1 || code === "STORAGE_UNAVAILABLE" || isLost
      if (isFinal) for (const { fate } of sound) fate.hasFailedWrite = true
      if (isLost || (sqlState(thrown) === notClaimedState && writes.length === 1)) return writes.map(() => "lost")
      throw thrown
    }
  }

  async #writeSound(writes: readonly JournalWrite[]): Promise<WriteResult[]> {
    const merged = mergeWrites(writes)
    const batch = merged.map(({ write: { instance, entries = [], end } }, n) => ({
      n,
      instance,
      ...(entries.length > 0 ? { entries: entries.map(storedEntry) } : {}),
      ...(entries.some(isTrouble) ? { hasTrouble: true } : {}),
      ...(end ? { end } : {}),
    }))
    const prepared = this.#eventLog.prepare(
      merged.flatMap(({ write }) =>
        (write.events ?? []).map((event) => ({ event, correlation: write.correlation, isOwn: true })),
      ),
    )
    const rows = await this.#guard(
      () => this.#sql<{ n: number; is_woken: boolean }[]>`
        select n, is_woken from journal_write(${this.#worker}, ${JSON.stringify(batch)}::text::json,
          ${JSON.stringify(prepared.events)}::text::json, ${JSON.stringify(prepared.follow)}::text::json,
          ${JSON.stringify(merged.flatMap(({ write }) => write.figures ?? []))}::text::json)`,
    )
    this.#eventLog.stored(prepared)
    const results: WriteResult[] = writes.map(() => "written")
    const told = new Map(rows.map(({ n, is_woken }) => [n, is_woken]))
    // No row for an end: a signal came in the same moment, so the instance stays claimed and runs again.
    for (const [n, { write, places }] of merged.entries())
      for (const place of places) if (write.end && (told.get(n) ?? true)) results[place] = "written, woken"
    return results
  }

  async #guard<Rows>(work: () => Promise<Rows>): Promise<Rows> {
    try {
      return await storage(work)
    } catch (thrown) {
      if (sqlState(thrown) !== fencedState) throw thrown
      throw new AppError("LEASE_LOST", `worker ${this.#worker} was fenced: another worker has its instances`, {
        cause: thrown,
      })
    }
  }
}

/**
 * Fences dead and silent workers and makes their instances due. Returns their ids, and the number of workers that are alive,
 * this one included.
 */
export async function rescueWorkers(sql: Sql, silentMs: number): Promise<{ dead: number[]; liveCount: number }> {
  const [row] = await storage(
    () => sql<{ dead: number[]; liveCount: number }[]>`
      select array(select workflow_rescue(${silentMs})) as dead,
        (select count(*) from workers where fenced_at is null) as "liveCount"`,
  )
  return { dead: row?.dead ?? [], liveCount: Math.max(1, row?.liveCount ?? 1) }
}

/** Deletes workers that were fenced more than a day ago. */
export async function forgetWorkers(sql: Sql): Promise<void> {
  await storage(() => sql`delete from workers where fenced_at < now() - interval '1 day'`)
}

interface ClaimRow {
  instance: number
  is_claim: boolean
  facts: Omit<InstanceFacts, "id">
  journal: JournalRow[] | null
  signals: Signal[] | null
}

interface JournalRow {
  ageMs: number
  entries: StoredEntry[]
}

function isTrouble({ outcome }: StepEntry): boolean {
  return outcome !== null && outcome !== "done"
}

function foldJournal(journal: readonly JournalRow[], now: number): Map<string, StepRow> {
  const rows = new Map<string, StepRow>()
  for (const { ageMs, entries } of journal)
    for (const stored of entries) {
      const entry = readEntry(stored)
      const key = stepKey(entry.kind, entry)
      rows.set(key, withEntry(rows.get(key), entry, now - ageMs))
    }
  return rows
}

/** Folds all writes of one instance in a batch into one row of the journal. */
function mergeWrites(writes: readonly JournalWrite[]): { write: JournalWrite; places: number[] }[] {
  const byInstance = new Map<number, { write: JournalWrite; places: number[] }>()
  for (const [place, write] of writes.entries()) {
    const known = byInstance.get(write.instance)
    if (!known) {
      const { entries = [], events = [], figures = [] } = write
      const copy = { ...write, entries: [...entries], events: [...events], figures: [...figures] }
      byInstance.set(write.instance, { write: copy, places: [place] })
      continue
    }
    known.places.push(place)
    known.write.entries?.push(...(write.entries ?? []))
    known.write.events?.push(...(write.events ?? []))
    known.write.figures?.push(...(write.figures ?? []))
    if (write.end) known.write.end = write.end
  }
  return [...byInstance.values()]
}
