import { Type } from "typebox"
import { AppError } from "../base/errors.ts"
import { eventTypes, newEvent, type NewEvent } from "../canonical/events.ts"
import { entity } from "../canonical/parts.ts"
import { Shipment } from "../canonical/shipment.ts"
import { validator, type Validator } from "../canonical/validate.ts"
import { own } from "../base/lookup.ts"
import type { Delivery, Translation } from "../ports/capabilities/intake.ts"
import { completeOrder, OrderRequest, orderRequestProblems, shipmentProblems } from "./requests/order-request.ts"
import { parseJson } from "./phases/parse-json.ts"
import { Versions } from "./phases/versions.ts"

/** Header names under which the gateway leaves what is not in the body. */
export const apiHeaders = {
  route: "crossdock-route",
  version: "crossdock-version",
  orderId: "crossdock-order-id",
  consumer: "crossdock-consumer",
} as const

export const CancellationRequest = entity("Cancellation request", {
  reason: Type.String({ minLength: 1, maxLength: 500 }),
  requestedBy: Type.Optional(Type.String({ minLength: 1, maxLength: 120, description: "the consumer when left out" })),
  requestId: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: "tells a second request for the same order from a repeat",
    }),
  ),
})

const cancellationData = validator(eventTypes["order.cancellation-requested"].schema, "cancellation request")
const bodies = {
  order: validator(OrderRequest, "order"),
  cancellation: validator(CancellationRequest, "cancellation request"),
  shipment: validator(Shipment, "shipment"),
}

/** The connection under which a consumer's requests stand in the inbox. */
export function apiConnection(consumerId: string): string {
  return `api:${consumerId}`
}

/**
 * Turns what came over the API into canonical facts; connections named `api:…` are translated by this. Pure.
 *
 * A fact is named by the order's channel and external id, as the channel's own connector names it, so an order that comes by
 * API and by webhook is one. TRANSLATION_FAILED with every problem; the gateway checked the same before it accepted, so that
 * only happens to rows written by an older version of the rules.
 */
export function translateApiDelivery(delivery: Delivery, versions: Versions = allVersions): Translation {
  const { route, version, orderId, consumer } = apiHeaders
  const routeId = delivery.headers[route] ?? ""
  const translate = own(translations, routeId)
  if (!translate) throw new AppError("TRANSLATION_FAILED", `no translation for what came by "${routeId}"`)
  const parsed = parseJson(Buffer.from(delivery.bytes))
  const event = translate({
    body: versions.upgrade(routeId, delivery.headers[version] ?? "", parsed),
    source: delivery.connection,
    orderId: delivery.headers[orderId] ?? "",
    consumer: delivery.headers[consumer] ?? "",
    receivedAt: delivery.receivedAt,
  })
  return { events: [event] }
}

const allVersions = new Versions()

interface Sent {
  body: unknown
  source: string
  orderId: string
  consumer: string
  receivedAt: string
}

const translations: Readonly<Record<string, (sent: Sent) => NewEvent>> = {
  "POST /v1/orders": (sent) => {
    const order = checkedOrder(sent.body)
    return newEvent({
      type: "order.placed",
      fact: `${order.channel}:order:${order.externalId}:placed`,
      source: sent.source,
      time: order.placedAt,
      data: { orderId: order.id, order },
    })
  },
  "POST /v1/orders/{id}/edits": (sent) => {
    const order = checkedOrder(sent.body)
    return newEvent({
      type: "order.edited",
      fact: `${order.channel}:order:${order.externalId}:edited:${order.version}`,
      source: sent.source,
      time: order.version,
      data: { orderId: order.id, order },
    })
  },
  "POST /v1/orders/{id}/cancellation": (sent) => {
    const { reason, requestedBy, requestId } = checked(bodies.cancellation, sent.body)
    const data = cancellationData.parse({ orderId: sent.orderId, reason, requestedBy: requestedBy ?? sent.consumer })
    return newEvent({
      type: "order.cancellation-requested",
      fact: `${sent.source}:order:${sent.orderId}:cancellation-requested:${requestId ?? ""}`,
      source: sent.source,
      time: sent.receivedAt,
      data,
    })
  },
  "POST /v1/shipments": (sent) => {
    const shipment = checked(bodies.shipment, sent.body)
    const problems = shipmentProblems(shipment)
    if (problems.length > 0) throw new AppError("TRANSLATION_FAILED", "the shipment is not sound", { problems })
    return newEvent({
      type: "shipment.confirmed",
      fact: `${sent.source}:shipment:${shipment.id}:confirmed`,
      source: sent.source,
      time: shipment.shippedAt,
      data: { orderId: shipment.orderId, shipment },
    })
  },
}

function checkedOrder(body: unknown) {
  const request = checked(bodies.order, body)
  const problems = orderRequestProblems(request)
  if (problems.length > 0) throw new AppError("TRANSLATION_FAILED", "the order does not add up", { problems })
  return completeOrder(request)
}

function checked<Value>(body: Validator<Value>, value: unknown): Value {
  const problems = body.problems(value)
  if (problems.length > 0) throw new AppError("TRANSLATION_FAILED", "the body does not match its schema", { problems })
  return body.parse(value)
}
