import { Type, type Static } from "typebox"
import type { Problem } from "../../base/errors.ts"
import { isMoment } from "../../base/time.ts"
import { entity, InstantText, LocationId, Sku } from "../../canonical/parts.ts"
import type { StockMovement } from "../../stock/stock-ledger.ts"

const milliMax = 1_000_000_000_000
const kinds = ["receipt", "sale", "pick", "return", "adjustment", "transfer", "count"] as const

/** A stock movement as a consumer sends it. `toMovements` checks which members belong to which kind. */
export const MovementRequest = entity("Stock movement", {
  fact: Type.String({ minLength: 1, maxLength: 256, description: "identifies the movement in your system" }),
  kind: Type.Union(kinds.map((kind) => Type.Literal(kind))),
  sku: Sku,
  locationId: LocationId,
  occurredAt: Type.Optional(InstantText),
  reason: Type.Optional(Type.String({ maxLength: 200 })),
  milli: Type.Optional(
    Type.Integer({
      minimum: -milliMax,
      maximum: milliMax,
      description: "thousandths of the unit, for every kind but a count; only an adjustment may be negative",
    }),
  ),
  toLocationId: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "for a transfer" })),
  countedMilli: Type.Optional(
    Type.Integer({ minimum: 0, maximum: milliMax, description: "for a count: the counted stock" }),
  ),
  includesReservations: Type.Optional(
    Type.Union([Type.Literal("none"), Type.Literal("all")], {
      description: "for a count: whether the counted number has the live reservations deducted already",
    }),
  ),
})
export type MovementRequest = Static<typeof MovementRequest>

/** Movements in the form the ledger books, or their problems. A fact's name is unique per sender. */
export function toMovements(
  requests: readonly MovementRequest[],
  consumerId: string,
): { movements: StockMovement[]; problems: Problem[] } {
  const movements: StockMovement[] = []
  const problems: Problem[] = []
  for (const [index, request] of requests.entries()) {
    const wrong = movementProblems(request)
    problems.push(...wrong.map((problem) => ({ ...problem, pointer: `/movements/${index}${problem.pointer}` })))
    if (wrong.length === 0) movements.push(toMovement({ ...request, fact: `api:${consumerId}:${request.fact}` }))
  }
  return { movements, problems }
}

function movementProblems(request: MovementRequest): Problem[] {
  const problems: Problem[] = []
  const { kind, milli, toLocationId, countedMilli, includesReservations, occurredAt } = request
  const need = (name: string, isThere: boolean, isWanted: boolean) => {
    if (isThere !== isWanted)
      problems.push({
        pointer: `/${name}`,
        message: isWanted ? `a ${kind} needs it` : `a ${kind} must not have it`,
      })
  }
  const isCount = kind === "count"
  need("milli", milli !== undefined, !isCount)
  need("toLocationId", toLocationId !== undefined, kind === "transfer")
  need("countedMilli", countedMilli !== undefined, isCount)
  need("includesReservations", includesReservations !== undefined, isCount)
  if (isCount) need("occurredAt", occurredAt !== undefined, true)
  if (milli !== undefined && (milli === 0 || (milli < 0 && kind !== "adjustment")))
    problems.push({ pointer: "/milli", message: "must be positive; an adjustment may also be negative" })
  if (toLocationId === request.locationId)
    problems.push({ pointer: "/toLocationId", message: "must be another location" })
  if (occurredAt !== undefined && !isMoment(occurredAt))
    problems.push({ pointer: "/occurredAt", message: "is not a valid date and time" })
  return problems
}

// These defaults are never used: movementProblems has refused requests that lack what their kind needs.
function toMovement(request: MovementRequest): StockMovement {
  const { kind, fact, sku, locationId, occurredAt, reason, milli = 0, toLocationId = "" } = request
  const base = { fact, sku, locationId, ...(reason === undefined ? {} : { reason }) }
  if (kind === "count") {
    const { countedMilli = 0, includesReservations = "none" } = request
    return { ...base, kind, countedMilli, countedAt: occurredAt ?? "", includesReservations }
  }
  const moved = { ...base, milli, ...(occurredAt === undefined ? {} : { occurredAt }) }
  return kind === "transfer" ? { ...moved, kind, toLocationId } : { ...moved, kind }
}
