import { AppError, type Problem } from "../base/errors.ts"
import { contentDigest } from "../base/ids.ts"
import type { Sql } from "../base/sql.ts"
import type { Instant } from "../base/time.ts"
import { whenContended } from "./contention.ts"
import { rebuildPositions, type Difference, type RebuildOptions } from "./rebuild.ts"

interface MovementBase {
  /** Identity of the business fact (system, document, version); one fact is booked once. */
  fact: string
  sku: string
  locationId: string
  /** When it happened there. Default now; a moment in the future counts as now. */
  occurredAt?: Instant
  reason?: string
}

/**
 * A change of what stands at a location.
 *
 * `milli` is positive except for adjustments, which say the sign. A transfer leaves `locationId` for `toLocationId`.
 * A count is absolute and says which reservations the counted number had already deducted, by key.
 */
export type StockMovement =
  | (MovementBase & { kind: "receipt" | "sale" | "pick" | "return" | "adjustment"; milli: number })
  | (MovementBase & { kind: "transfer"; toLocationId: string; milli: number })
  | (Omit<MovementBase, "occurredAt"> & {
      kind: "count"
      countedMilli: number
      countedAt: Instant
      includesReservations: readonly string[] | "none" | "all"
    })

/**
 * What became of a movement. Facts are booked even when they leave too little: `overdrawnMilli` is how far on hand is
 * below zero, `shortMilli` how much of what is reserved is no longer there. Both belong in front of a person.
 */
export type MovementResult =
  | { fact: string; applied: false; duplicate: true }
  | { fact: string; applied: false; duplicate: false; conflict: "IDEMPOTENCY_KEY_REUSED" }
  | {
      fact: string
      applied: true
      duplicate: false
      /** What on hand changed by at `locationId`; 0 when a later count had covered the moment already. */
      deltaMilli: number
      onHandMilli: number
      reservedMilli: number
      overdrawnMilli: number
      shortMilli: number
      /** A count older than the last one; recorded, without effect. */
      superseded: boolean
    }

export interface StockLedger {
  /** Books movements in order, each once; all of them or, on an error, none. */
  applyMovements(movements: readonly StockMovement[]): Promise<MovementResult[]>
  /** Recomputes positions from ledger and reservations; unless it is a dry run, corrects them and records why. */
  rebuild(options: RebuildOptions): Promise<Difference[]>
}

interface ApplyAnswer {
  outcome: "applied" | "duplicate" | "reused"
  deltaMilli: number
  onHandMilli: number
  reservedMilli: number
  overdrawnMilli: number
  shortMilli: number
  superseded?: boolean
}

// One statement holds its SKUs while it runs, so long lists go in several.
const movementsMax = 1000

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
  const rows = movements.map((movement) => ({
    ...movement,
    ...(movement.kind === "count" ? { occurredAt: movement.countedAt } : {}),
    digest: contentDigest(movement).slice(0, 32),
  }))
  const answers = await whenContended(async () => {
    const [row] = await sql<{ answers: ApplyAnswer[] }[]>`
      select stock_apply(${JSON.stringify(rows)}::text::jsonb) as answers`
    return row?.answers ?? []
  })
  return movements.map((movement, index) => toResult(movement.fact, answers[index]))
}

function toResult(fact: string, answer: ApplyAnswer | undefined): MovementResult {
  if (answer === undefined) throw new AppError("INVARIANT_BROKEN", `no answer about movement ${fact}`)
  if (answer.outcome === "duplicate") return { fact, applied: false, duplicate: true }
  if (answer.outcome === "reused") return { fact, applied: false, duplicate: false, conflict: "IDEMPOTENCY_KEY_REUSED" }
  const { deltaMilli, onHandMilli, reservedMilli, overdrawnMilli, shortMilli, superseded = false } = answer
  return {
    fact,
    applied: true,
    duplicate: false,
    deltaMilli,
    onHandMilli,
    reservedMilli,
    overdrawnMilli,
    shortMilli,
    superseded,
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
