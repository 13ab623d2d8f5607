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

/** `unknown`: no reservation has this key. `ended`: the reservation no longer held anything. Neither changed anything. */
export interface ReleaseResult {
  outcome: "released" | "unknown" | "ended"
  releasedMilli: number
  state?: ReservationState
}

export interface ConfirmResult {
  outcome: "confirmed" | "unknown" | "ended"
  state?: ReservationState
}

/**
 * `short`: a location has too little free stock. `exceeds`: more is placed than the reservation has. Neither changed
 * anything.
 */
export interface AllocateResult {
  outcome: "allocated" | "short" | "exceeds" | "unknown" | "ended"
  state?: ReservationState
  short: Shortage[]
}

export interface ConsumeResult {
  duplicate: boolean
  /** Quantity shipped beyond the reservation. It is booked, and a person should check it. */
  unreservedMilli: number
  /** How far the lowest position fell below zero. */
  overdrawnMilli: number
}

export interface Reservations {
  /**
   * Decides one request; parallel requests share a round trip. Throws RESERVATION_KEY_REUSED when the key was used for
   * a different request.
   */
  reserve(request: ReserveRequest): Promise<ReserveResult>
  /** Decides many requests in order; each is granted or refused on its own. */
  reserveMany(requests: readonly ReserveRequest[]): Promise<ReserveOutcome[]>
  /**
   * Releases everything still held. A repeat changes nothing. Before the reservation itself it blocks the key, so that
   * no reservation follows.
   */
  release(key: string, reason: string): Promise<ReleaseResult>
  /** Makes a soft hold hard: it no longer expires. */
  confirm(key: string): Promise<ConfirmResult>
  /**
   * Places units at locations and makes the reservation hard. For every SKU they name, lines state in full which
   * quantity each location is responsible for, shipped units included; the rest of that SKU stays in the pool.
   */
  allocate(key: string, allocations: readonly PlacedLine[]): Promise<AllocateResult>
  /** Books a shipment: on hand and reserved decrease together, once per fact. IDEMPOTENCY_KEY_REUSED for different content. */
  consume(key: string, lines: readonly PlacedLine[], fact: string | ShipmentFact): Promise<ConsumeResult>
  /** Ends expired soft holds and returns their keys. Call again while it returns `limit` keys. */
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

// A batch of 1,000 took 8 to 10 ms here; a larger one would delay its first callers.
const decisionsMax = 1000
const changesMax = 200
const decisionsBeside = 64
const burstBatches = 20
const queueMax = 100_000

/** Reservations in a database. The database makes every decision, so any number of processes may share it. */
export function createReservations(sql: Sql): Reservations {
  // Repeats and shortages come in bursts: after one in recent batches, the next batches check for them first.
  let repeatsFor = 0
  let shortageFor = 0
  const decisions = new Batcher<Demand, ReserveOutcome>({
    flush: async (demands) => {
      const outcomes = await decideBatch(sql, demands, { repeats: repeatsFor > 0, shortage: shortageFor > 0 })
      repeatsFor = outcomes.some((outcome) => outcome.duplicate) ? burstBatches : repeatsFor - 1
      shortageFor = outcomes.some((outcome) => !outcome.granted && !outcome.duplicate) ? burstBatches : shortageFor - 1
      return outcomes
    },
    sizeMax: decisionsMax,
    queueMax,
    // While one batch is written, the next one is prepared and written in parallel; they wait for each other only at a
    // SKU's sums.
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
    throw new AppError(outcome.conflict, `reservation ${outcome.key} exists with different lines`)
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
  // The database returns exactly these words for this operation.
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
    throw new AppError("IDEMPOTENCY_KEY_REUSED", "this shipment was already booked with different content")
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
