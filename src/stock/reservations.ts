import { Batcher } from "../base/batch.ts"
import { AppError } from "../base/errors.ts"
import { contentDigest } from "../base/ids.ts"
import { storage, type Sql } from "../base/sql.ts"
import type { Instant } from "../base/time.ts"
import { whenContended } from "./contention.ts"
import {
  decideBatch,
  toDemand,
  type Demand,
  type ReservationState,
  type ReserveOutcome,
  type ReserveRequest,
  type ReserveResult,
  type Shortage,
} from "./reserve.ts"

/** Units at a named place. */
export interface PlacedLine {
  lineId?: string
  sku: string
  locationId: string
  milli: number
}

/** `unknown` means nobody reserved under this key, `ended` that nothing was held any more; both changed nothing. */
export interface ReleaseResult {
  outcome: "released" | "unknown" | "ended"
  releasedMilli: number
  state?: ReservationState
}

export interface ConfirmResult {
  outcome: "confirmed" | "unknown" | "ended"
  state?: ReservationState
}

/** `short`: a location has too little free. `exceeds`: more is placed than the reservation has. Neither changed anything. */
export interface AllocateResult {
  outcome: "allocated" | "short" | "exceeds" | "unknown" | "ended"
  state?: ReservationState
  short: Shortage[]
}

export interface ConsumeResult {
  duplicate: boolean
  /** Shipped beyond what the reservation held; it is booked, and somebody should look. */
  unreservedMilli: number
  /** How far below zero the worst position went. */
  overdrawnMilli: number
}

/** A shipment's own identity, and when it happened if that was not just now. */
export interface ShipmentFact {
  fact: string
  occurredAt?: Instant
}

export interface Reservations {
  /** Decides one request; requests made at the same time share a round trip. RESERVATION_KEY_REUSED when the key asked for something else before. */
  reserve(request: ReserveRequest): Promise<ReserveResult>
  /** Decides many in order; each is granted or refused on its own. */
  reserveMany(requests: readonly ReserveRequest[]): Promise<ReserveOutcome[]>
  /** Gives back what is still held. Twice is once; before the reservation itself it makes sure none comes later. */
  release(key: string, reason: string): Promise<ReleaseResult>
  /** Makes a soft hold hard: it no longer expires. */
  confirm(key: string): Promise<ConfirmResult>
  /**
   * Places units at locations and makes the reservation hard. Lines state in full what each location answers for,
   * shipped units included, for every SKU they name; the rest of that SKU stays in the pool.
   */
  allocate(key: string, allocations: readonly PlacedLine[]): Promise<AllocateResult>
  /** Books a shipment: on hand and reserved go down together, once per fact. IDEMPOTENCY_KEY_REUSED for other content. */
  consume(key: string, lines: readonly PlacedLine[], fact: string | ShipmentFact): Promise<ConsumeResult>
  /** Ends soft holds whose time is over; answers their keys. Call again while it answers `limit` of them. */
  expireDue(limit: number): Promise<string[]>
  find(key: string): Promise<ReservationView | undefined>
}

export interface ReservationView {
  key: string
  owner: string
  channel: string | null
  kind: "soft" | "hard"
  state: ReservationState
  expiresAt: Instant | null
  lines: { sku: string; locationId: string | null; heldMilli: number; consumedMilli: number; releasedMilli: number }[]
}

interface Change {
  op: "release" | "expire" | "confirm" | "allocate" | "consume"
  key: string
  reason?: string
  lines?: readonly PlacedLine[]
  fact?: string
  digest?: string
  occurredAt?: Instant
}

interface ChangeAnswer {
  outcome: string
  state?: ReservationState
  short?: { sku: string; locationId: string; missingMilli: number }[]
  releasedMilli?: number
  unreservedMilli?: number
  overdrawnMilli?: number
}

// A batch of 1,000 took 8 to 10 ms here; a longer one would only make its first callers wait.
const decisionsMax = 1000
const changesMax = 200
const decisionsBeside = 64
const spellBatches = 20
const queueMax = 100_000

/** Reservations against the stock in a database. Every decision is made inside it, so any number of processes may share it. */
export function createReservations(sql: Sql): Reservations {
  // Repeats and shortages come in spells: one in the last batches makes the next ones look for them at once.
  let repeatsFor = 0
  let shortageFor = 0
  const decisions = new Batcher<Demand, ReserveOutcome>({
    flush: async (demands) => {
      const outcomes = await decideBatch(sql, demands, { repeats: repeatsFor > 0, shortage: shortageFor > 0 })
      repeatsFor = outcomes.some((outcome) => outcome.duplicate) ? spellBatches : repeatsFor - 1
      shortageFor = outcomes.some((outcome) => !outcome.granted && !outcome.duplicate) ? spellBatches : shortageFor - 1
      return outcomes
    },
    sizeMax: decisionsMax,
    queueMax,
    // While one batch writes, the next one is read and written beside it; only the sums of a SKU wait for each other.
    besideFrom: decisionsBeside,
  })
  const changes = new Batcher<Change, ChangeAnswer>({
    flush: (batch) => whenContended(() => applyChanges(sql, batch)),
    sizeMax: changesMax,
    queueMax,
  })
  return {
    reserve: async (request) => refuseReuse(await decisions.add(toDemand(request))),
    reserveMany: async (requests) => await Promise.all(requests.map(toDemand).map((demand) => decisions.add(demand))),
    release: async (key, reason) => toReleaseResult(await changes.add({ op: "release", key, reason })),
    confirm: async (key) => toConfirmResult(await changes.add({ op: "confirm", key })),
    allocate: async (key, lines) => toAllocateResult(await changes.add({ op: "allocate", key, lines: checked(lines) })),
    consume: async (key, lines, fact) => toConsumeResult(await changes.add(toShipment(key, checked(lines), fact))),
    expireDue: async (limit) => {
      const due = await dueKeys(sql, limit)
      const answers = await Promise.all(due.map((key) => changes.add({ op: "expire", key, reason: "expired" })))
      return due.filter((_, index) => answers[index]?.outcome === "released")
    },
    find: (key) => findReservation(sql, key),
  }
}

function refuseReuse(outcome: ReserveOutcome): ReserveResult {
  if ("conflict" in outcome)
    throw new AppError(outcome.conflict, `reservation ${outcome.key} exists and asks for something else`)
  return outcome
}

async function applyChanges(sql: Sql, batch: readonly Change[]): Promise<ChangeAnswer[]> {
  const [row] = await sql<{ answers: ChangeAnswer[] }[]>`
    select stock_change(${JSON.stringify(batch)}::text::jsonb) as answers`
  return row?.answers ?? []
}

function dueKeys(sql: Sql, limit: number): Promise<string[]> {
  return storage(async () => {
    const rows = await sql<{ key: string }[]>`
      select key from stock_reservations
      where state = 'held' and expires_at <= clock_timestamp() order by expires_at limit ${limit}`
    return rows.map((row) => row.key)
  })
}

function checked(lines: readonly PlacedLine[]): readonly PlacedLine[] {
  const isValid = lines.every(
    (line) => line.sku !== "" && line.locationId !== "" && Number.isSafeInteger(line.milli) && line.milli > 0,
  )
  if (isValid && lines.length > 0) return lines
  throw new AppError("REQUEST_INVALID", "every line needs a SKU, a location and a positive number of thousandths")
}

function toShipment(key: string, lines: readonly PlacedLine[], fact: string | ShipmentFact): Change {
  const shipment: ShipmentFact = typeof fact === "string" ? { fact } : fact
  const content = lines.map((line) => `${line.sku} ${line.locationId} ${line.milli}`).sort()
  // The fact's name is the identity; the rest of the digest is what must be the same when it is told again.
  const digest = contentDigest({ key, content }).slice(0, 32)
  return { op: "consume", key, lines, digest, ...shipment }
}

function stateOf(answer: ChangeAnswer): { state?: ReservationState } {
  return answer.state === undefined ? {} : { state: answer.state }
}

function toReleaseResult(answer: ChangeAnswer): ReleaseResult {
  // The function answers exactly these words for this op.
  const outcome = answer.outcome as ReleaseResult["outcome"]
  return { outcome, releasedMilli: answer.releasedMilli ?? 0, ...stateOf(answer) }
}

function toConfirmResult(answer: ChangeAnswer): ConfirmResult {
  // As above.
  return { outcome: answer.outcome as ConfirmResult["outcome"], ...stateOf(answer) }
}

function toAllocateResult(answer: ChangeAnswer): AllocateResult {
  const short = (answer.short ?? []).map(({ sku, locationId, missingMilli }) =>
    locationId === "" ? { sku, missingMilli } : { sku, locationId, missingMilli },
  )
  // As above.
  return { outcome: answer.outcome as AllocateResult["outcome"], short, ...stateOf(answer) }
}

function toConsumeResult(answer: ChangeAnswer): ConsumeResult {
  if (answer.outcome === "reused")
    throw new AppError("IDEMPOTENCY_KEY_REUSED", "this shipment was booked before with other content")
  return {
    duplicate: answer.outcome === "duplicate",
    unreservedMilli: answer.unreservedMilli ?? 0,
    overdrawnMilli: answer.overdrawnMilli ?? 0,
  }
}

async function findReservation(sql: Sql, key: string): Promise<ReservationView | undefined> {
  const [row] = await storage(
    () => sql<ReservationView[]>`
    select r.key, r.owner, r.channel, r.kind, r.state,
      to_char(r.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "expiresAt",
      coalesce((select jsonb_agg(jsonb_build_object('sku', l.sku, 'locationId', nullif(l.location_id, ''),
          'heldMilli', l.held_milli, 'consumedMilli', l.consumed_milli, 'releasedMilli', l.released_milli)
          order by l.sku, l.location_id)
        from stock_reservation_lines l where l.reservation_id = r.id), '[]') as lines
    from stock_reservations r where r.key = ${key}`,
  )
  return row
}
