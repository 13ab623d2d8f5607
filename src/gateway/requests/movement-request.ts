import { Type, type Static } from "typebox"
import type { Problem } from "../../base/errors.ts"
import { isMoment } from "../../base/time.ts"
import { entity, InstantText, LocationId, Sku } from "../../canonical/parts.ts"
import { placeInState, stockStates } from "../../canonical/stock/states.ts"
import { validator } from "../../canonical/validate.ts"
import { hasControlCharacter } from "../../stock/columns.ts"
import type { StockMovement } from "../../stock/stock-ledger.ts"

const milliMax = 1_000_000_000_000
const kinds = ["receipt", "sale", "pick", "return", "adjustment", "transfer", "count"] as const

/** A stock movement as a consumer sends it. `toMovement` checks which members belong to which kind. */
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
  state: Type.Optional(
    Type.Enum(stockStates, {
      description: "of goods that cannot be sold: damaged, in transit to the place, and so on",
    }),
  ),
  toLocationId: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "for a transfer" })),
  toState: Type.Optional(Type.Enum(stockStates, { description: "for a transfer: in which state it arrives" })),
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

const movementRequest = validator(MovementRequest, "stock movement")

/** A movement in the form the ledger books, or its problems. A fact's name is unique per sender. */
export function toMovement(
  row: unknown,
  consumerId: string,
): { movement: StockMovement; places: string[] } | { problems: readonly Problem[] } {
  const unfit = movementRequest.problems(row)
  if (unfit.length > 0) return { problems: unfit }
  const request = movementRequest.parse(row)
  const problems = movementProblems(request)
  if (problems.length > 0) return { problems }
  const places = [request.locationId, ...(request.toLocationId === undefined ? [] : [request.toLocationId])]
  return { places, movement: movementOf({ ...request, fact: `api:${consumerId}:${request.fact}` }) }
}

function movementProblems(request: MovementRequest): Problem[] {
  const problems: Problem[] = []
  const { kind, milli, state, toLocationId, toState, countedMilli, includesReservations, occurredAt } = request
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
  need("toState", toState !== undefined, kind === "transfer" && toState !== undefined)
  if (toLocationId === request.locationId && state === toState)
    problems.push({ pointer: "/toLocationId", message: "must be another location" })
  for (const name of ["fact", "sku", "locationId", "toLocationId"] as const)
    if (hasControlCharacter(request[name] ?? ""))
      problems.push({ pointer: `/${name}`, message: "must not contain control characters" })
  if (occurredAt !== undefined && !isMoment(occurredAt))
    problems.push({ pointer: "/occurredAt", message: "is not a valid date and time" })
  return problems
}

// These defaults are never used: movementProblems has refused requests that lack what their kind needs.
function movementOf(request: MovementRequest): StockMovement {
  const { kind, fact, sku, occurredAt, reason, milli = 0, toLocationId = "" } = request
  const base = {
    fact,
    sku,
    locationId: placeInState(request.locationId, request.state),
    ...(reason === undefined ? {} : { reason }),
  }
  if (kind === "count") {
    const { countedMilli = 0, includesReservations = "none" } = request
    return { ...base, kind, countedMilli, countedAt: occurredAt ?? "", includesReservations }
  }
  const moved = { ...base, milli, ...(occurredAt === undefined ? {} : { occurredAt }) }
  return kind === "transfer"
    ? { ...moved, kind, toLocationId: placeInState(toLocationId, request.toState) }
    : { ...moved, kind }
}
