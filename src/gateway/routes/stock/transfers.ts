import { Type } from "typebox"
import { Money } from "../../../base/money.ts"
import { newEvent } from "../../../canonical/events.ts"
import { AdjustedGoods, MovedGoods, ReceivedGoods } from "../../../canonical/stock/transfers.ts"
import { entity, InstantText, LocationId } from "../../../canonical/parts.ts"
import { stockStates } from "../../../canonical/stock/states.ts"
import { validator } from "../../../canonical/validate.ts"
import { accept } from "../../accept.ts"
import { checked, type ApiIntake } from "../../api-deliveries.ts"
import type { GatewayCore } from "../../core.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { AnyObject } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

const governed = {
  tier: "process",
  owner: "inventory",
  criticality: "high",
  serviceLevel: { p99Ms: 250, availabilityPercent: 99.9 },
  credentials: "consumer",
  scope: "stock:count",
  // Goods on their way are of no channel.
  reach: "all channels",
  repeats: "natural key",
} as const

const Id = Type.String({ minLength: 1, maxLength: 64, description: "yours; the same one is taken once" })
const lines = { minItems: 1, maxItems: 500 }

const Transfer = entity("Transfer", {
  transferId: Id,
  fromLocationId: LocationId,
  toLocationId: LocationId,
  lines: Type.Array(MovedGoods, lines),
})
const Shipped = entity("Transfer shipment", {
  fact: Id,
  lines: Type.Array(MovedGoods, lines),
  isLast: Type.Optional(Type.Boolean({ default: true, description: "nothing more follows" })),
  shippedAt: Type.Optional(InstantText),
})
const Received = entity("Transfer receipt", {
  fact: Id,
  lines: Type.Array(ReceivedGoods, { maxItems: 500 }),
  isLast: Type.Optional(Type.Boolean({ default: true, description: "all that arrived is told" })),
  receivedAt: Type.Optional(InstantText),
})
const Adjustment = entity("Adjustment", {
  adjustmentId: Id,
  locationId: LocationId,
  state: Type.Optional(Type.Enum(stockStates)),
  lines: Type.Array(AdjustedGoods, lines),
  reason: Type.String({ minLength: 1, maxLength: 200 }),
  worth: Type.Optional(Money),
})

const accepted = { 202: { description: "Durable", schema: AnyObject } }

/** Orders, shipments and receipts of transfers, and adjustments: each becomes a fact, and a workflow goes on with it. */
export function transferRoutes(core: GatewayCore): Route[] {
  return [
    route({
      ...governed,
      method: "POST",
      path: "/v1/transfers",
      summary: "Order goods to be moved from one place to another.",
      bodySchema: Transfer,
      responses: accepted,
      handle: async (exchange) => {
        const { transferId, fromLocationId, toLocationId } = exchange.body
        checkStore(exchange, fromLocationId)
        checkStore(exchange, toLocationId)
        await accept(core, exchange, transferId)
        return { status: 202, body: { transferId, status: "accepted" } }
      },
    }),
    ...(
      [
        ["shipment", Shipped, "Say what left of a transfer: it is in transit now, and nobody sells it."],
        ["receipt", Received, "Say what arrived of a transfer, and in which state; a person is asked about the rest."],
      ] as const
    ).map(([what, bodySchema, summary]) =>
      route({
        ...governed,
        method: "POST",
        path: `/v1/transfers/{id}/${what}`,
        summary,
        bodySchema,
        responses: accepted,
        handle: async (exchange) => {
          const transferId = exchange.parameter("id")
          await accept(core, exchange, transferId)
          return { status: 202, body: { transferId, status: "accepted" } }
        },
      }),
    ),
    route({
      ...governed,
      method: "POST",
      path: "/v1/stock-adjustments",
      summary:
        "Say that there is more or less at a place than is known, and why. Above a limit another person approves it.",
      bodySchema: Adjustment,
      responses: accepted,
      handle: async (exchange) => {
        const { adjustmentId, locationId } = exchange.body
        checkStore(exchange, locationId)
        await accept(core, exchange, adjustmentId)
        return { status: 202, body: { adjustmentId, status: "accepted" } }
      },
    }),
  ]
}

const transfer = validator(Transfer, "transfer")
const shipped = validator(Shipped, "transfer shipment")
const received = validator(Received, "transfer receipt")
const adjustment = validator(Adjustment, "adjustment")

export const transferIntake: ApiIntake = {
  "POST /v1/transfers": ({ body, source, consumer, receivedAt }) => {
    const data = { ...checked(transfer, body), orderedBy: consumer, orderedAt: receivedAt }
    const fact = `${source}:transfer:${data.transferId}:ordered`
    return newEvent({ type: "transfer.ordered", fact, source, time: data.orderedAt, data })
  },
  "POST /v1/transfers/{id}/shipment": ({ body, source, objectId: transferId, receivedAt }) => {
    const { fact: name, lines: goods, isLast = true, shippedAt = receivedAt } = checked(shipped, body)
    const fact = `${source}:transfer:${transferId}:shipped:${name}`
    return newEvent({
      type: "transfer.shipped",
      fact,
      source,
      time: shippedAt,
      data: { transferId, lines: goods, isLast, shippedAt },
    })
  },
  "POST /v1/transfers/{id}/receipt": ({ body, source, objectId: transferId, receivedAt: cameAt }) => {
    const { fact: name, lines: goods, isLast = true, receivedAt = cameAt } = checked(received, body)
    const fact = `${source}:transfer:${transferId}:received:${name}`
    return newEvent({
      type: "transfer.received",
      fact,
      source,
      time: receivedAt,
      data: { transferId, lines: goods, isLast, receivedAt },
    })
  },
  "POST /v1/stock-adjustments": ({ body, source, consumer, receivedAt: requestedAt }) => {
    const data = { ...checked(adjustment, body), requestedBy: consumer, requestedAt }
    const fact = `${source}:adjustment:${data.adjustmentId}`
    return newEvent({ type: "adjustment.requested", fact, source, time: requestedAt, data })
  },
}
