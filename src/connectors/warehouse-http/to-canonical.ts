import type { Static, TSchema } from "typebox"
import { AppError } from "../../base/errors.ts"
import { deliveredJson } from "../../base/json/delivered.ts"
import { derivedId } from "../../base/ids.ts"
import { newEvent } from "../../canonical/events.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import { validator, type Validator } from "../../canonical/validate.ts"
import { own } from "../../base/lookup.ts"
import type { Delivery, Translation } from "../../ports/capabilities/intake.ts"
import { reference } from "../../ports/write.ts"
import { AnyEvent, CountedEvent, MilestoneEvent, milestones, MovedEvent, ShippedEvent, ShortEvent } from "./payloads.ts"
import { counted, moved } from "./stock/movements.ts"

const anyEvent = validator(AnyEvent, "warehouse event")

type Translator = (body: unknown, connection: string) => Translation

/** One translator for each event type of the protocol. */
const translators: Record<string, Translator> = {
  "shipment.shipped": translator(ShippedEvent, shipped),
  "shipment.milestone": translator(MilestoneEvent, reached),
  "request.short": translator(ShortEvent, short),
  "stock.counted": translator(CountedEvent, counted),
  "stock.moved": translator(MovedEvent, moved),
}

/** Webhooks and rows of `GET /events` have the same bodies, so both become the same facts. */
export function translateWarehouseEvent(delivery: Delivery): Translation {
  const body = deliveredJson(delivery.bytes)
  const { type } = parsed(anyEvent, body)
  const translate = own(translators, type)
  return translate ? translate(body, delivery.connection) : { events: [], ignored: `${type} is not used` }
}

function translator<Schema extends TSchema>(
  schema: Schema,
  translate: (event: Static<Schema>, connection: string) => Translation,
): Translator {
  const checked = validator(schema, "warehouse event")
  return (body, connection) => translate(parsed(checked, body), connection)
}

function parsed<Value>(checked: Validator<Value>, body: unknown): Value {
  const problems = checked.problems(body)
  if (problems.length > 0)
    throw new AppError("TRANSLATION_FAILED", "a warehouse event is not as documented", { problems })
  return checked.parse(body)
}

function shipped(event: Static<typeof ShippedEvent>, connection: string): Translation {
  const { shipmentId, orderId, locationId, carrier, trackingNumber, trackingUrl, lines } = event
  return {
    events: [
      newEvent({
        type: "shipment.confirmed",
        fact: `${connection}:shipment:${shipmentId}:shipped`,
        source: connection,
        time: event.occurredAt,
        data: {
          orderId,
          shipment: {
            id: shipmentId,
            orderId,
            locationId,
            shippedAt: event.occurredAt,
            ...(carrier ? { carrier } : {}),
            ...(trackingNumber ? { trackingNumber } : {}),
            ...(trackingUrl ? { trackingUrl } : {}),
            lines: lines.map((line) => quantityOf(line, line.quantityMilli)),
            references: [reference(connection, "shipment-request", event.requestId)],
          },
        },
      }),
    ],
  }
}

/** A milestone that the protocol does not have is refused: nobody may guess that a parcel arrived. */
function reached(event: Static<typeof MilestoneEvent>, connection: string): Translation {
  const { type: _type, eventId: _id, occurredAt, milestone: word, orderId, shipmentId, ...said } = event
  const milestone = own(milestones, word)
  if (milestone === undefined) {
    const message = `"${word}" is no milestone of the protocol`
    const problems = [{ pointer: "/milestone", message, code: "VENDOR_VALUE_UNKNOWN" as const }]
    throw new AppError("VENDOR_VALUE_UNKNOWN", message, { problems })
  }
  const { carrier, trackingNumber, place, text, signedBy, expectedAt } = said
  return {
    events: [
      newEvent({
        type: "shipment.milestone",
        fact: `${connection}:shipment:${shipmentId}:${word}:${occurredAt}`,
        source: connection,
        time: occurredAt,
        data: {
          orderId,
          shipmentId,
          milestone,
          ...(carrier ? { carrier } : {}),
          ...(trackingNumber ? { trackingNumber } : {}),
          ...(place ? { place } : {}),
          ...(text ? { text } : {}),
          ...(signedBy ? { signedBy } : {}),
          ...(expectedAt ? { expectedAt } : {}),
          at: occurredAt,
        },
      }),
    ],
  }
}

function short(event: Static<typeof ShortEvent>, connection: string): Translation {
  const { requestId, orderId, locationId, occurredAt, lines } = event
  // A line of a request is short at most once, so the request and its lines identify the fact.
  const id = derivedId("short", requestId, ...lines.map((line) => line.lineId).sort())
  return {
    events: [
      newEvent({
        type: "shipment.short",
        fact: `${connection}:request:${requestId}:${id}`,
        source: connection,
        time: occurredAt,
        data: {
          orderId,
          shortage: {
            id,
            orderId,
            locationId,
            noticedAt: occurredAt,
            lines: lines.map((line) => quantityOf(line, line.missingMilli)),
          },
        },
      }),
    ],
  }
}

function quantityOf(line: { lineId: string; unit: string }, milli: number): LineQuantity {
  return { lineId: line.lineId, quantity: { milli, unit: line.unit } }
}
