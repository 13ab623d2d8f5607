import { Batcher } from "../base/batch.ts"
import { AppError } from "../base/errors.ts"
import { storage, type Sql } from "../base/sql.ts"
import type { Instant } from "../base/time.ts"
import {
  applyChanges,
  plainChange,
  toAllocation,
  toShipment,
  type Change,
  type ChangeResult,
  type PlacedLine,
  type ShipmentFact,
} from "./changes.ts"
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

export type { PlacedLine, ShipmentFact } from "./changes.ts"

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
  const changes = new Batcher<Change, ChangeResult>({
    flush: (batch) => whenContended(() => applyChanges(sql, batch)),
    sizeMax: changesMax,
    queueMax,
  })
  return {
    reserve: async (request) => refuseReuse(await decisions.add(toDemand(request))),
    reserveMany: async (requests) => await Promise.all(requests.map(toDemand).map((demand) => decisions.add(demand))),
    release: async (key, reason) => toReleaseResult(await changes.add(plainChange("release", key, reason))),
    confirm: async (key) => toConfirmResult(await changes.add(plainChange("confirm", key))),
    allocate: async (key, lines) => toAllocateResult(await changes.add(toAllocation(key, lines))),
    consume: async (key, lines, fact) => toConsumeResult(await changes.add(toShipment(key, lines, fact))),
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

function dueKeys(sql: Sql, limit: number): Promise<string[]> {
  return storage(async () => {
    const rows = await sql<{ key: string }[]>`
      select key from stock_reservations
      where expires_at <= clock_timestamp() order by expires_at limit ${limit}`
    return rows.map((row) => row.key)
  })
}

function stateOf(result: ChangeResult): { state?: ReservationState } {
  return result.state === undefined ? {} : { state: result.state }
}

function toReleaseResult(result: ChangeResult): ReleaseResult {
  // The database returns exactly these words for this op.
  const outcome = result.outcome as ReleaseResult["outcome"]
  return { outcome, releasedMilli: result.milli, ...stateOf(result) }
}

function toConfirmResult(result: ChangeResult): ConfirmResult {
  // As above.
  return { outcome: result.outcome as ConfirmResult["outcome"], ...stateOf(result) }
}

function toAllocateResult(result: ChangeResult): AllocateResult {
  const short = result.short.map(({ sku, locationId, milli }) =>
    locationId === "" ? { sku, missingMilli: milli } : { sku, locationId, missingMilli: milli },
  )
  // As above.
  return { outcome: result.outcome as AllocateResult["outcome"], short, ...stateOf(result) }
}

function toConsumeResult(result: ChangeResult): ConsumeResult {
  if (result.outcome === "reused")
    throw new AppError("IDEMPOTENCY_KEY_REUSED", "this shipment was booked before with other content")
  return {
    duplicate: result.outcome === "duplicate",
    unreservedMilli: result.milli,
    overdrawnMilli: result.overdrawnMilli,
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
