import { hash } from "node:crypto"
import { AppError, assertInvariant, type Problem } from "../base/errors.ts"
import type { Sql } from "../base/sql.ts"
import type { Instant } from "../base/time.ts"
import { hasControlCharacter, joined, summedLines, type SummedLine } from "./columns.ts"
import { whenContended } from "./contention.ts"

/** Units of one SKU; without a location any pooled location may serve them. */
export interface ReservationLine {
  /** The caller's own reference. It is not stored, because units of one SKU at one location are interchangeable. */
  lineId?: string
  sku: string
  locationId?: string
  milli: number
}

export interface ReserveRequest {
  /** The caller's idempotency key; one key is one request for ever. */
  key: string
  /** The holder, e.g. an order id. */
  owner: string
  channel?: string
  kind: "soft" | "hard"
  /** Only for soft holds. Not part of the key's identity: a repeat keeps the first expiry. */
  expiresAt?: Instant
  lines: readonly ReservationLine[]
  /** The lines as the caller wrote them, where kits among them were taken apart: these are the key's identity. */
  asked?: readonly ReservationLine[]
  /** Whether the safety stock may be used too, for goods that are already sold and cannot be refused lightly. */
  usesSafetyStock?: boolean
  /** What has to stay free of a line's SKU besides the safety stock, because sources may have sold it; by the line. Not part of the identity. */
  floorsMilli?: readonly number[]
}

export interface Shortage {
  sku: string
  /** Absent when the pool is short. */
  locationId?: string
  missingMilli: number
}

export type ReservationState = "held" | "consumed" | "released" | "expired"

/**
 * The result of a request. A grant is stored; a refusal is not, so the same key is decided anew. `ended` means that the
 * key was granted earlier and has been released: nothing is held, and it cannot be granted again.
 */
export type ReserveResult =
  | { key: string; granted: true; duplicate: boolean; state: "held" | "consumed" }
  | { key: string; granted: false; duplicate: false; short: Shortage[] }
  | { key: string; granted: false; duplicate: true; short: []; ended: "released" | "expired" }

/** In a batch a reused key is a result; for a single request it is thrown. */
export type ReserveOutcome =
  | ReserveResult
  | { key: string; granted: false; duplicate: true; short: []; conflict: "RESERVATION_KEY_REUSED" }

/** A request in the form the database takes: lines summed per SKU and location, and a digest of the content. */
export interface Demand {
  request: ReserveRequest
  lines: readonly SummedLine[]
  /** By SKU and location of `lines`. */
  floors: readonly number[]
  digest: string
}

/** Checks a request and sums lines that share a SKU and location, so that they are decided together. */
export function toDemand(request: ReserveRequest): Demand {
  const problems = requestProblems(request)
  if (problems.length > 0)
    throw new AppError("REQUEST_INVALID", `the reservation request ${request.key} is not valid`, { problems })
  const lines = summedLines(request.lines)
  const identity = [request.owner, request.channel ?? "", request.kind, request.usesSafetyStock === true]
  const named = request.asked ? summedLines(request.asked) : lines
  const asked = named.map((line) => [line.sku, line.locationId, line.milli])
  return {
    request,
    lines,
    floors: floorsOf(request, lines),
    digest: hash("sha256", JSON.stringify([identity, asked]), "hex").slice(0, 32),
  }
}

function floorsOf({ lines, floorsMilli }: ReserveRequest, summed: readonly SummedLine[]): number[] {
  if (!floorsMilli) return summed.map(() => 0)
  return summed.map(({ sku, locationId }) =>
    Math.max(
      0,
      ...lines.map((line, n) =>
        line.sku === sku && (line.locationId ?? "") === locationId ? (floorsMilli[n] ?? 0) : 0,
      ),
    ),
  )
}

// Of goods: an order of 500 lines may have kits of several goods each.
const lineCountMax = 5000
const milliMax = 1_000_000_000_000

function requestProblems(request: ReserveRequest): Problem[] {
  const problems: Problem[] = []
  const add = (pointer: string, message: string): void => void problems.push({ pointer, message })
  if (request.key === "" || request.key.length > 200) add("/key", "must have 1 to 200 characters")
  const names = [request.key, request.owner, request.channel ?? ""]
  if (names.some(hasControlCharacter)) add("", "names must not contain control characters")
  if (request.owner === "") add("/owner", "must not be empty: name the order or cart")
  if (request.kind === "hard" && request.expiresAt !== undefined) add("/expiresAt", "a hard reservation never expires")
  if (request.lines.length === 0 || request.lines.length > lineCountMax)
    add("/lines", `must be 1 to ${lineCountMax} lines`)
  for (const [index, line] of request.lines.entries()) {
    if (line.sku === "") add(`/lines/${index}/sku`, "must not be empty")
    if (line.locationId === "") add(`/lines/${index}/locationId`, "leave it out to take from the pool")
    if (hasControlCharacter(line.sku) || hasControlCharacter(line.locationId ?? ""))
      add(`/lines/${index}`, "names must not contain control characters")
    if (!Number.isSafeInteger(line.milli) || line.milli <= 0 || line.milli > milliMax)
      add(`/lines/${index}/milli`, "must be a positive integer of thousandths")
  }
  return problems
}

interface DecisionRow {
  request: number
  outcome: "short" | "reused" | ReservationState
  sku: string | null
  location_id: string | null
  missing_milli: number | null
}

/** Expectations from the last batches. They only affect speed: a wrong one costs a second attempt. */
export interface Expectations {
  /** Look for used keys first instead of failing on them. */
  repeats: boolean
  /** Lock before writing instead of writing rows that must be rolled back. */
  shortage: boolean
}

/** Decides a batch in one statement, in order; a key that occurs twice in the batch is decided once. */
export async function decideBatch(
  sql: Sql,
  demands: readonly Demand[],
  expects: Expectations = { repeats: false, shortage: false },
): Promise<ReserveOutcome[]> {
  const firstByKey = new Map<string, number>()
  const unique: Demand[] = []
  for (const demand of demands) {
    if (firstByKey.has(demand.request.key)) continue
    firstByKey.set(demand.request.key, unique.length)
    unique.push(demand)
  }
  const rows = await whenContended((attempt) =>
    ask(sql, unique, { repeats: expects.repeats || attempt > 1, shortage: expects.shortage || attempt > 1 }),
  )
  const outcomes = outcomesOf(unique, rows)
  if (unique.length === demands.length) return outcomes
  const seen = new Set<string>()
  return demands.map((demand) => {
    const first = firstByKey.get(demand.request.key)
    const outcome = first === undefined ? undefined : outcomes[first]
    assertInvariant(first !== undefined && outcome !== undefined, "every demand of a batch has an outcome")
    const isRepeat = seen.has(demand.request.key)
    seen.add(demand.request.key)
    if (!isRepeat) return outcome
    if (unique[first]?.digest !== demand.digest) return conflict(demand.request.key)
    return outcome.granted ? { ...outcome, duplicate: true } : outcome
  })
}

async function ask(sql: Sql, demands: readonly Demand[], expects: Expectations): Promise<DecisionRow[]> {
  const requests = demands.map((demand) => demand.request)
  const lines = demands.flatMap((demand) => demand.lines)
  const floors = demands.flatMap((demand) => demand.floors)
  const ordinals = demands.flatMap((demand, index) => demand.lines.map(() => index + 1))
  return await sql<DecisionRow[]>`
    select * from stock_reserve(
      stock_split(${joined(requests.map((request) => request.key))}),
      stock_split(${joined(requests.map((request) => request.owner))}),
      stock_split(${joined(requests.map((request) => request.channel ?? ""))}),
      stock_split(${joined(requests.map((request) => request.kind))}),
      stock_split(${joined(requests.map((request) => request.expiresAt ?? "infinity"))})::timestamptz[],
      stock_split(${joined(demands.map((demand) => demand.digest))})::uuid[],
      stock_split(${joined(requests.map((request) => (request.usesSafetyStock === true ? "f" : "t")))})::boolean[],
      stock_split(${joined(ordinals)})::int[],
      stock_split(${joined(lines.map((line) => line.sku))}),
      stock_split(${joined(lines.map((line) => line.locationId))}),
      stock_split(${joined(lines.map((line) => line.milli))})::bigint[],
      stock_split(${floors.some((floor) => floor > 0) ? joined(floors) : null})::bigint[],
      ${expects.repeats || expects.shortage}, ${expects.shortage})`
}

function outcomesOf(demands: readonly Demand[], rows: readonly DecisionRow[]): ReserveOutcome[] {
  const outcomes: ReserveOutcome[] = demands.map(({ request }) => ({
    key: request.key,
    granted: true,
    duplicate: false,
    state: "held",
  }))
  for (const row of rows) {
    const index = row.request - 1
    const outcome = outcomes[index]
    assertInvariant(outcome !== undefined, `the database decided request ${row.request}, which the batch does not have`)
    outcomes[index] = row.outcome === "short" ? withShortage(outcome, row) : repeated(outcome.key, row.outcome)
  }
  return outcomes
}

function withShortage(outcome: ReserveOutcome, row: DecisionRow): ReserveOutcome {
  const earlier = outcome.granted ? [] : outcome.short
  const shortage = {
    sku: row.sku ?? "",
    ...(row.location_id ? { locationId: row.location_id } : {}),
    missingMilli: row.missing_milli ?? 0,
  }
  return { key: outcome.key, granted: false, duplicate: false, short: [...earlier, shortage] }
}

function repeated(key: string, state: "reused" | ReservationState): ReserveOutcome {
  if (state === "reused") return conflict(key)
  if (state === "held" || state === "consumed") return { key, granted: true, duplicate: true, state }
  return { key, granted: false, duplicate: true, short: [], ended: state }
}

function conflict(key: string): ReserveOutcome {
  return { key, granted: false, duplicate: true, short: [], conflict: "RESERVATION_KEY_REUSED" }
}
