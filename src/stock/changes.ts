import { AppError, type Problem } from "../base/errors.ts"
import { contentDigest } from "../base/ids.ts"
import type { Sql } from "../base/sql.ts"
import { parseInstant, type Instant } from "../base/time.ts"
import { hasControlCharacter, joined, plainText, summedLines, type SummedLine } from "./columns.ts"
import type { ReservationState } from "./reserve.ts"

/** Units at a location. */
export interface PlacedLine {
  lineId?: string
  sku: string
  locationId: string
  milli: number
}

/** A shipment's own identity, and when it happened if that was not just now. */
export interface ShipmentFact {
  fact: string
  occurredAt?: Instant
}

/** A change of one reservation in the form the database takes. */
export interface Change {
  op: "release" | "expire" | "confirm" | "allocate" | "consume"
  key: string
  reason?: string
  /** Summed by SKU and location. */
  lines?: readonly SummedLine[]
  fact?: string
  digest?: string
  occurredAt?: Instant
}

/** Result of a change; `milli` is the quantity released, or the quantity shipped without a reservation. */
export interface ChangeResult {
  outcome: string
  state?: ReservationState
  milli: number
  overdrawnMilli: number
  short: SummedLine[]
}

interface ChangeRow {
  change: number
  outcome: string
  state: ReservationState | null
  milli: number
  overdrawn_milli: number
  sku: string | null
  location_id: string | null
}

// These stand for "none" in columns that do not allow null.
const noDigest = "00000000-0000-0000-0000-000000000000"
const noMoment = "infinity"

/** Applies a batch of changes in one statement, as if one after another. */
export async function applyChanges(sql: Sql, batch: readonly Change[]): Promise<ChangeResult[]> {
  const lines = batch.flatMap(({ lines: own = [] }, index) => own.map((line) => ({ ...line, change: index + 1 })))
  const rows = await sql<ChangeRow[]>`
    select * from stock_change(
      stock_split(${joined(segmentsOf(batch))})::int[],
      stock_split(${joined(batch.map((change) => change.op))}),
      stock_split(${joined(batch.map((change) => change.key))}),
      stock_split(${joined(batch.map((change) => change.reason ?? ""))}),
      stock_split(${joined(batch.map((change) => change.fact ?? ""))}),
      stock_split(${joined(batch.map((change) => change.digest ?? noDigest))})::uuid[],
      stock_split(${joined(batch.map((change) => change.occurredAt ?? noMoment))})::timestamptz[],
      stock_split(${joined(lines.map((line) => line.change))})::int[],
      stock_split(${joined(lines.map((line) => line.sku))}),
      stock_split(${joined(lines.map((line) => line.locationId))}),
      stock_split(${joined(lines.map((line) => line.milli))})::bigint[])`
  return resultsOf(batch.length, rows)
}

/** Numbers the runs of the batch in which no key and no fact repeats, because the database computes a run as a whole. */
function segmentsOf(batch: readonly Change[]): number[] {
  const seen = new Set<string>()
  let segment = 1
  return batch.map(({ key, fact }) => {
    const names = fact === undefined ? [`key ${key}`] : [`key ${key}`, `fact ${fact}`]
    if (names.some((name) => seen.has(name))) {
      segment += 1
      seen.clear()
    }
    for (const name of names) seen.add(name)
    return segment
  })
}

function resultsOf(count: number, rows: readonly ChangeRow[]): ChangeResult[] {
  const results = new Map<number, ChangeResult>()
  for (const { change, outcome, state, milli, overdrawn_milli, sku, location_id } of rows) {
    const result = results.get(change) ?? { outcome, milli, overdrawnMilli: overdrawn_milli, short: [] }
    if (state !== null) result.state = state
    if (sku !== null) result.short.push({ sku, locationId: location_id ?? "", milli })
    results.set(change, result)
  }
  return Array.from({ length: count }, (_, index) => {
    const result = results.get(index + 1)
    if (!result) throw new AppError("INVARIANT_BROKEN", `stock returned nothing about change ${index + 1} of ${count}`)
    return result
  })
}

/** A release or a confirmation, checked. */
export function plainChange(op: "release" | "confirm", key: string, reason?: string): Change {
  refuse(nameProblems(key, "/key"))
  return { op, key, ...(reason === undefined ? {} : { reason: plainText(reason) }) }
}

/** An allocation, checked and summed. */
export function toAllocation(key: string, lines: readonly PlacedLine[]): Change {
  refuse([...nameProblems(key, "/key"), ...lineProblems(lines)])
  return { op: "allocate", key, lines: summedLines(lines) }
}

/** A shipment, checked and summed, with a digest of everything that must be equal in a repeat. */
export function toShipment(key: string, lines: readonly PlacedLine[], shipment: string | ShipmentFact): Change {
  const { fact, occurredAt }: ShipmentFact = typeof shipment === "string" ? { fact: shipment } : shipment
  const problems = [...nameProblems(key, "/key"), ...nameProblems(fact, "/fact"), ...lineProblems(lines)]
  if (occurredAt !== undefined && parseInstant(occurredAt) === undefined)
    problems.push({ pointer: "/occurredAt", message: "must be an instant with an offset" })
  refuse(problems)
  const content = lines.map((line) => `${line.sku} ${line.locationId} ${line.milli}`).sort()
  const digest = contentDigest({ key, content }).slice(0, 32)
  return { op: "consume", key, lines: summedLines(lines), fact, digest, ...(occurredAt ? { occurredAt } : {}) }
}

// Of goods: an order of 500 lines may have kits of several goods each.
const lineCountMax = 5000
const milliMax = 1_000_000_000_000

function lineProblems(lines: readonly PlacedLine[]): Problem[] {
  const problems: Problem[] = []
  if (lines.length === 0 || lines.length > lineCountMax)
    problems.push({ pointer: "/lines", message: `must be 1 to ${lineCountMax} lines` })
  for (const [index, line] of lines.entries()) {
    problems.push(...nameProblems(line.sku, `/lines/${index}/sku`))
    problems.push(...nameProblems(line.locationId, `/lines/${index}/locationId`))
    if (!Number.isSafeInteger(line.milli) || line.milli <= 0 || line.milli > milliMax)
      problems.push({ pointer: `/lines/${index}/milli`, message: "must be a positive integer of thousandths" })
  }
  return problems
}

function nameProblems(name: string, pointer: string): Problem[] {
  if (name === "") return [{ pointer, message: "must not be empty" }]
  return hasControlCharacter(name) ? [{ pointer, message: "must not contain control characters" }] : []
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0)
    throw new AppError("REQUEST_INVALID", "the change of a reservation is not valid", { problems: [...problems] })
}
