import { AppError, type Problem } from "../base/errors.ts"
import { contentDigest } from "../base/ids.ts"
import { storage, type Sql } from "../base/sql.ts"
import { parseInstant, type Instant } from "../base/time.ts"
import type { StockState } from "../canonical/stock/states.ts"
import { hasControlCharacter, joined, plainText } from "./columns.ts"
import { whenContended } from "./contention.ts"
import { rebuildPositions, type Difference, type RebuildOptions } from "./rebuild.ts"

interface MovementBase {
  /** Identity of the business fact (system, document, version); a fact is booked once. */
  fact: string
  sku: string
  locationId: string
  /** Time of the movement in its own system. Default now; a future time counts as now. */
  occurredAt?: Instant
  reason?: string
  /**
   * False: people or orders of ours tell it, not the place's own system. A person who counts one shelf says nothing about the others, so
   * the place is as old as it was.
   */
  isFeed?: false
}

/**
 * A change of the stock at a location.
 *
 * `milli` is positive, except for adjustments, which have a sign. A transfer moves units from `locationId` to
 * `toLocationId`. A count is absolute and says which reservations the counted number already deducts.
 */
export type StockMovement =
  | (MovementBase & { kind: "receipt" | "sale" | "pick" | "return" | "adjustment"; milli: number })
  | (MovementBase & { kind: "transfer"; toLocationId: string; milli: number })
  | (Omit<MovementBase, "occurredAt"> & {
      kind: "count"
      countedMilli: number
      countedAt: Instant
      includesReservations: IncludedReservations
      /** Goods that cannot be sold and are in the number; what lies in these states is taken off. */
      includesStates?: readonly StockState[]
    })

/** The reservations that a counted number has deducted already: by key, or all that were made until a moment. */
export type IncludedReservations = readonly string[] | "none" | "all" | { until: Instant }

/**
 * Result of a movement. Facts are booked even when they leave too little stock: `overdrawnMilli` is how far on hand is
 * below zero, `shortMilli` how much of the reserved stock no longer exists. A person should see both.
 */
export type MovementResult =
  | { fact: string; applied: false; duplicate: true }
  | { fact: string; applied: false; duplicate: false; conflict: "IDEMPOTENCY_KEY_REUSED" }
  /** The article has no stock of its own. */
  | { fact: string; applied: false; duplicate: false; problems: Problem[] }
  | {
      fact: string
      applied: true
      duplicate: false
      /** Change of on hand at `locationId`; 0 when a later count already covers the time. */
      deltaMilli: number
      onHandMilli: number
      reservedMilli: number
      overdrawnMilli: number
      shortMilli: number
      /** A count older than the last one; recorded without effect. */
      superseded: boolean
    }

export interface StockLedger {
  /** Books movements in order, each once; on an error it books none. Their places are as fresh as they are. */
  applyMovements(movements: readonly StockMovement[]): Promise<MovementResult[]>
  /** Recomputes positions from ledger and reservations. Corrects them and records the reason, unless it is a dry run. */
  rebuild(options: RebuildOptions): Promise<Difference[]>
}

interface MovementRow {
  movement: number
  outcome: "applied" | "duplicate" | "reused"
  delta_milli: number
  on_hand_milli: number
  reserved_milli: number
  overdrawn_milli: number
  short_milli: number
  is_superseded: boolean
}

/** Most movements that are booked together or not at all: a statement locks its SKUs while it runs, so longer lists are split. */
export const movementsMax = 1000

/** Which of these facts are booked. */
export async function knownFacts(sql: Sql, facts: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await storage(
    () => sql<{ fact: string }[]>`select fact from stock_ledger where leg = 0 and fact = any (${[...facts]}::text[])`,
  )
  return new Set(rows.map(({ fact }) => fact))
}

/** The ledger of stock movements in a database. */
export function createStockLedger(sql: Sql): StockLedger {
  return {
    applyMovements: async (movements) => {
      refuseInvalid(movements)
      const results: MovementResult[] = []
      for (let start = 0; start < movements.length; start += movementsMax)
        results.push(...(await applyChunk(sql, movements.slice(start, start + movementsMax))))
      return results
    },
    rebuild: (options) => rebuildPositions(sql, options),
  }
}

async function applyChunk(sql: Sql, movements: readonly StockMovement[]): Promise<MovementResult[]> {
  const rows = await whenContended(
    async () =>
      await sql<MovementRow[]>`
      select * from stock_apply(
        stock_split(${joined(segmentsOf(movements))})::int[],
        stock_split(${joined(movements.map(({ fact }) => fact))}),
        stock_split(${joined(movements.map(({ kind }) => kind))}),
        stock_split(${joined(movements.map(({ sku }) => sku))}),
        stock_split(${joined(movements.map(({ locationId }) => locationId))}),
        stock_split(${joined(movements.map((movement) => (movement.kind === "transfer" ? movement.toLocationId : "")))}),
        stock_split(${joined(movements.map((movement) => (movement.kind === "count" ? movement.countedMilli : movement.milli)))})::bigint[],
        stock_split(${joined(movements.map((movement) => momentOf(movement) ?? "infinity"))})::timestamptz[],
        stock_split(${joined(movements.map(({ reason = "" }) => plainText(reason)))}),
        stock_split(${joined(movements.map((movement) => contentDigest(movement).slice(0, 32)))})::uuid[],
        stock_split(${joined(movements.map((movement) => JSON.stringify(insideOf(movement))))})::jsonb[],
        stock_split(${joined(movements.map(({ isFeed = true }) => (isFeed ? "t" : "f")))})::boolean[])`,
  )
  const byNumber = new Map(rows.map((row) => [row.movement, row]))
  return movements.map(({ fact }, index) => toResult(fact, byNumber.get(index + 1)))
}

/** What is inside a counted number. */
function insideOf(movement: StockMovement): object {
  return movement.kind === "count"
    ? { orders: movement.includesReservations, states: movement.includesStates ?? [] }
    : {}
}

function momentOf(movement: StockMovement): Instant | undefined {
  return movement.kind === "count" ? movement.countedAt : movement.occurredAt
}

/**
 * Numbers the runs that the database computes as a whole. In a run no fact repeats. Counts are in runs of their own,
 * one per SKU, because a count reads earlier bookings.
 */
function segmentsOf(movements: readonly StockMovement[]): number[] {
  const seen = new Set<string>()
  let segment = 1
  let isOfCounts = movements[0]?.kind === "count"
  return movements.map(({ fact, kind, sku }) => {
    const isCount = kind === "count"
    const names = isCount ? [`fact ${fact}`, `sku ${sku}`] : [`fact ${fact}`]
    if (isCount !== isOfCounts || names.some((name) => seen.has(name))) {
      segment += 1
      isOfCounts = isCount
      seen.clear()
    }
    for (const name of names) seen.add(name)
    return segment
  })
}

function toResult(fact: string, row: MovementRow | undefined): MovementResult {
  if (row === undefined) throw new AppError("INVARIANT_BROKEN", `stock returned nothing about movement ${fact}`)
  if (row.outcome === "duplicate") return { fact, applied: false, duplicate: true }
  if (row.outcome === "reused") return { fact, applied: false, duplicate: false, conflict: "IDEMPOTENCY_KEY_REUSED" }
  return {
    fact,
    applied: true,
    duplicate: false,
    deltaMilli: row.delta_milli,
    onHandMilli: row.on_hand_milli,
    reservedMilli: row.reserved_milli,
    overdrawnMilli: row.overdrawn_milli,
    shortMilli: row.short_milli,
    superseded: row.is_superseded,
  }
}

function refuseInvalid(movements: readonly StockMovement[]): void {
  const problems = movements.flatMap((movement, index) =>
    movementProblems(movement).map((problem) => ({ ...problem, pointer: `/${index}${problem.pointer}` })),
  )
  if (problems.length > 0) throw new AppError("REQUEST_INVALID", "a stock movement is not valid", { problems })
}

function movementProblems(movement: StockMovement): Problem[] {
  const problems: Problem[] = []
  const add = (pointer: string, message: string): void => void problems.push({ pointer, message })
  if (movement.fact === "") add("/fact", "must not be empty")
  if (movement.sku === "") add("/sku", "must not be empty")
  if (movement.locationId === "") add("/locationId", "must not be empty")
  const names = [movement.fact, movement.sku, movement.locationId]
  if (movement.kind === "transfer") names.push(movement.toLocationId)
  if (names.some(hasControlCharacter)) add("", "names must not contain control characters")
  const moment = momentOf(movement)
  if (moment !== undefined && parseInstant(moment) === undefined)
    add(movement.kind === "count" ? "/countedAt" : "/occurredAt", "must be an instant with an offset")
  if (movement.kind === "count") {
    if (!Number.isSafeInteger(movement.countedMilli)) add("/countedMilli", "must be an integer of thousandths")
    return problems
  }
  const isSigned = movement.kind === "adjustment"
  if (!Number.isSafeInteger(movement.milli) || movement.milli === 0 || (movement.milli < 0 && !isSigned))
    add("/milli", isSigned ? "must be a non-zero integer" : "must be a positive integer of thousandths")
  if (movement.kind === "transfer" && (movement.toLocationId === "" || movement.toLocationId === movement.locationId))
    add("/toLocationId", "must be another location")
  return problems
}
