import { Type, type Static } from "typebox"
import { AppError, type Problem } from "../../../base/errors.ts"
import { epochMs } from "../../../base/time.ts"
import { ChannelId, entity, InstantText, linesMax, LocationId, Sku } from "../../../canonical/parts.ts"
import { validator, type Validator } from "../../../canonical/validate.ts"
import { hasScope } from "../../../governance/scopes.ts"
import type { ReserveOutcome, ReserveRequest } from "../../../stock/reserve.ts"
import type { HeldBack } from "../../../stock/demand/held-back.ts"
import type { Reservations } from "../../../stock/reservations.ts"
import type { GatewayCore } from "../../core.ts"
import { route, type Route } from "../../route.ts"
import { AnyObject, query } from "../../requests/page-query.ts"
import { checkChannels } from "./availability.ts"

const Reservation = entity("Reservation request", {
  key: Type.String({
    pattern: "^[\\w.:-]{1,128}$",
    description:
      "1 to 128 letters, digits and _.:- as your own name of the reservation: a repeat with the same key and content is the same reservation",
  }),
  owner: Type.String({ minLength: 1, maxLength: 128, description: "the cart or order it is for" }),
  channel: Type.Optional(ChannelId),
  kind: Type.Union([Type.Literal("soft"), Type.Literal("hard")]),
  expiresAt: Type.Optional(InstantText),
  lines: Type.Array(
    entity("Reservation line", {
      lineId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
      sku: Sku,
      locationId: Type.Optional(LocationId),
      milli: Type.Integer({ minimum: 1, maximum: 1_000_000_000_000, description: "thousandths of the unit" }),
    }),
    { minItems: 1, maxItems: linesMax },
  ),
})
type Reservation = Static<typeof Reservation>

const Many = Type.Array(Reservation, { minItems: 1, maxItems: 500 })
const Body = Type.Union([Reservation, Many])

// Chosen by shape first, so that the problems of a single request are not those of a list.
const one = validator(Reservation, "reservation")
const many = validator(Many, "list of reservations")
const either: Validator<Static<typeof Body>> = {
  problems: (value) => (Array.isArray(value) ? many : one).problems(value),
  parse: (value) => (Array.isArray(value) ? many : one).parse(value),
}

const holdMsMax = 30 * 86_400_000
/** A thousand pieces: more than a cart holds. */
const softMilliMax = 1_000_000

const Decided = Type.Object({
  key: Type.String(),
  granted: Type.Boolean(),
  duplicate: Type.Boolean({ description: "the key was already decided" }),
  state: Type.Optional(Type.String({ description: "of a granted one: held or consumed" })),
  short: Type.Optional(Type.Array(AnyObject, { description: "the missing quantities, when it was not granted" })),
  ended: Type.Optional(Type.String({ description: "it was granted earlier and is now released or expired" })),
  conflict: Type.Optional(Type.String({ description: "in a list only: RESERVATION_KEY_REUSED" })),
})

const governed = {
  tier: "process",
  owner: "inventory",
  criticality: "critical",
  serviceLevel: { p99Ms: 20, availabilityPercent: 99.95 },
  credentials: "consumer",
  scope: "stock:reserve",
  reach: "own",
} as const

/** Reservations as the routes need them; one call is one batch. */
type TakesReservations = Pick<Reservations, "reserve" | "reserveMany" | "release">

export function reservationRoutes(
  { clock }: Pick<GatewayCore, "clock">,
  reservations: TakesReservations,
  held: HeldBack,
): Route[] {
  const scoped = async (request: Reservation, consumerId: string): Promise<ReserveRequest> => ({
    ...request,
    ...(await held(request.lines, request.channel)),
    key: keyOf(consumerId, request.key),
    // A kit whose components change meanwhile is the same request all the same.
    asked: request.lines,
  })
  return [
    route({
      ...governed,
      method: "POST",
      path: "/v1/reservations",
      summary:
        "Reserve stock, one request or a list, beside what is held back from the channel; each is all or nothing. A refusal is no error: `granted` is false.",
      repeats: "natural key",
      bodySchema: Body,
      bodyValidator: either,
      responses: {
        200: { description: "Decided and durable", schema: Type.Union([Decided, Type.Array(Decided)]) },
      },
      cost: (body) => (Array.isArray(body) ? body.length : 1),
      handle: async (exchange) => {
        const { body, consumerId, channels, grant } = exchange
        const requests = Array.isArray(body) ? body : [body]
        checkChannels(requests, channels)
        if (!hasScope(grant.scopes, hardScope)) refuseHard(requests)
        checkHolds(requests, { nowMs: clock.now(), isList: Array.isArray(body) })
        if (!Array.isArray(body)) {
          const answer = await reservations.reserve(await scoped(body, consumerId))
          return { status: 200, body: decided(body.key, answer) }
        }
        const answers = await reservations.reserveMany(
          await Promise.all(body.map((request) => scoped(request, consumerId))),
        )
        return { status: 200, body: body.map((request, at) => decided(request.key, answers[at])) }
      },
    }),
    route({
      ...governed,
      method: "DELETE",
      path: "/v1/reservations/{id}",
      summary: "Release a reservation. Releasing one that has ended or never existed changes nothing.",
      repeats: "natural key",
      querySchema: query({ reason: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) }),
      responses: { 200: { description: "Released", schema: AnyObject } },
      handle: async (exchange) => {
        const key = exchange.parameter("id")
        const released = await reservations.release(
          keyOf(exchange.consumerId, key),
          exchange.query.reason ?? `released by ${exchange.consumerId}`,
        )
        return { status: 200, body: { ...released, key } }
      },
    }),
  ]
}

/**
 * Keys belong to their consumer, so that nobody can read, repeat or release another consumer's reservation by guessing
 * its key.
 */
function keyOf(consumerId: string, key: string): string {
  return `${consumerId}/${key}`
}

// Stock returns its internal key; the caller gets back its own.
function decided(key: string, outcome: ReserveOutcome | undefined): ReserveOutcome {
  if (!outcome) throw new AppError("INVARIANT_BROKEN", "stock decided fewer reservations than were requested")
  outcome.key = key
  return outcome
}

/** Hard reservations never end by themselves, so they need a scope of their own. */
const hardScope = "stock:reserve-hard"

function refuseHard(requests: readonly Reservation[]): void {
  if (requests.some(({ kind }) => kind === "hard"))
    throw new AppError("PERMISSION_MISSING", `the scope ${hardScope} is needed for a hard reservation`)
}

/**
 * A reservation without an end, or with one in years, or of more than a cart ever holds, takes stock off sale (OWASP API6:2023,
 * sensitive business flows).
 */
function checkHolds(requests: readonly Reservation[], { nowMs, isList }: { nowMs: number; isList: boolean }): void {
  const problems = requests.flatMap((request, index) => {
    const place = isList ? `/${index}` : ""
    return [...endProblems(request, nowMs), ...sizeProblems(request)].map(({ pointer, message }) => ({
      pointer: place + pointer,
      message,
    }))
  })
  if (problems.length > 0)
    throw new AppError("REQUEST_INVALID", `the reservations have ${problems.length} problem(s)`, { problems })
}

function endProblems({ kind, expiresAt }: Reservation, nowMs: number): Problem[] {
  if (kind === "hard" && expiresAt === undefined) return []
  if (kind === "soft" && expiresAt !== undefined && epochMs(expiresAt) - nowMs <= holdMsMax) return []
  const message =
    kind === "hard" ? "a hard reservation does not expire" : "a soft reservation needs an end, at most 30 days from now"
  return [{ pointer: "/expiresAt", message }]
}

function sizeProblems({ kind, lines }: Reservation): Problem[] {
  if (kind === "hard") return []
  return lines.flatMap(({ milli }, index) =>
    milli > softMilliMax
      ? [{ pointer: `/lines/${index}/milli`, message: `a soft reservation holds at most ${softMilliMax} of a SKU` }]
      : [],
  )
}
