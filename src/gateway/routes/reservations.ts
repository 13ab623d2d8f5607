import { Type, type Static } from "typebox"
import { AppError } from "../../base/errors.ts"
import { ChannelId, entity, InstantText, LocationId, Sku } from "../../canonical/parts.ts"
import { validator, type Validator } from "../../canonical/validate.ts"
import type { GatewayDependencies, ReservationAnswer, ReservationRequest } from "../dependencies.ts"
import { route, type Route } from "../route.ts"
import { AnyObject, query } from "./page-query.ts"

export const Reservation = entity("Reservation request", {
  key: Type.String({
    pattern: "^[\\w.:-]{1,128}$",
    description: "your name for it: the same key and content is the same reservation, however often it is sent",
  }),
  owner: Type.String({ minLength: 1, maxLength: 128, description: "what it is for: a cart, an order" }),
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
    { minItems: 1, maxItems: 500 },
  ),
})
export type Reservation = Static<typeof Reservation>

const Many = Type.Array(Reservation, { minItems: 1, maxItems: 500 })
const Body = Type.Union([Reservation, Many])

// Chosen by shape first, so that a wrong single request is not told what is wrong with it as a list.
const one = validator(Reservation, "reservation")
const many = validator(Many, "list of reservations")
const either: Validator<Static<typeof Body>> = {
  problems: (value) => (Array.isArray(value) ? many : one).problems(value),
  parse: (value) => (Array.isArray(value) ? many : one).parse(value),
}

const Decided = Type.Object({
  key: Type.String(),
  granted: Type.Boolean(),
  short: Type.Optional(Type.Array(AnyObject, { description: "what is missing, when it was not granted" })),
})

const governed = {
  tier: "process",
  owner: "inventory",
  criticality: "critical",
  serviceLevel: { p99Ms: 20, availabilityPercent: 99.95 },
  credentials: "consumer",
  scope: "stock:reserve",
} as const

export function reservationRoutes({ stock }: GatewayDependencies): Route[] {
  return [
    route({
      ...governed,
      method: "POST",
      path: "/v1/reservations",
      summary:
        "Reserve stock, one request or a list; each is all or nothing. A refusal is an answer: `granted` is false.",
      repeats: "natural key",
      bodySchema: Body,
      bodyValidator: either,
      responses: {
        200: { description: "Decided and durable", schema: Type.Union([Decided, Type.Array(Decided)]) },
      },
      cost: (body) => (Array.isArray(body) ? body.length : 1),
      handle: async (exchange) => {
        const { body, consumerId } = exchange
        const { channels } = exchange.grant.consumer
        if (!Array.isArray(body)) {
          if (channels) checkChannels([body], channels)
          const answer = await stock.reserve(scoped(body, consumerId))
          return { status: 200, body: decided(body.key, answer) }
        }
        if (channels) checkChannels(body, channels)
        const answers = await stock.reserveMany(body.map((request) => scoped(request, consumerId)))
        return { status: 200, body: body.map((request, at) => decided(request.key, answers[at])) }
      },
    }),
    route({
      ...governed,
      method: "DELETE",
      path: "/v1/reservations/{id}",
      summary: "Give a reservation back. Giving back one that is gone, or never was, changes nothing.",
      repeats: "natural key",
      querySchema: query({ reason: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) }),
      responses: { 200: { description: "Released", schema: AnyObject } },
      handle: async (exchange) => {
        const key = exchange.parameter("id")
        const released = await stock.release(
          keyOf(exchange.consumerId, key),
          exchange.query.reason ?? `released by ${exchange.consumerId}`,
        )
        return { status: 200, body: { ...released, key } }
      },
    }),
  ]
}

/** Keys are each consumer's own, so that nobody can read, repeat or release another's reservation by guessing its key. */
function keyOf(consumerId: string, key: string): string {
  return `${consumerId}/${key}`
}

function scoped(request: Reservation, consumerId: string): ReservationRequest {
  return { ...request, key: keyOf(consumerId, request.key) }
}

function decided(key: string, answer: ReservationAnswer | undefined): Static<typeof Decided> {
  if (!answer) throw new AppError("INVARIANT_BROKEN", "stock decided fewer reservations than were asked for")
  return answer.short && answer.short.length > 0
    ? { key, granted: answer.granted, short: [...answer.short] }
    : { key, granted: answer.granted }
}

function checkChannels(requests: readonly Reservation[], channels: readonly string[]): void {
  for (const { channel } of requests)
    if (channel === undefined || !channels.includes(channel))
      throw new AppError("PERMISSION_MISSING", `the channel of a reservation must be one of ${channels.join(", ")}`)
}
