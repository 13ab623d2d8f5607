import { orderIdOf } from "../../../base/ids.ts"
import { cut } from "../../../base/text.ts"
import { newEvent, type NewEvent } from "../../../canonical/events.ts"
import type { ShipmentMilestone } from "../../../canonical/shipment.ts"
import { optional } from "../payloads.ts"
import type { TranslationContext } from "../to-canonical.ts"
import type { Reader } from "./reader.ts"

/**
 * `FulfillmentEventStatus`, Admin API 2026-10; REST writes it in lower case. CONFIRMED says that the carrier has been told of the
 * parcel, and FAILURE that it was not delivered and is not tried again.
 * https://shopify.dev/docs/api/admin-graphql/latest/enums/FulfillmentEventStatus (read 2026-11)
 */
const milestones = {
  label_purchased: "announced",
  label_printed: "announced",
  confirmed: "announced",
  carrier_picked_up: "picked up",
  in_transit: "in transit",
  out_for_delivery: "out for delivery",
  attempted_delivery: "attempt failed",
  ready_for_pickup: "ready for collection",
  picked_up: "delivered",
  delivered: "delivered",
  delayed: "delayed",
  failure: "delivery failed",
} as const satisfies Record<string, ShipmentMilestone>

type Status = keyof typeof milestones
const statuses = Object.keys(milestones) as Status[]

/** One event of a fulfilment. Shopify names the fulfilment and not its tracking number. */
export interface FulfilmentMilestone {
  fulfilmentId: string
  status: Status
  at: string
  place?: string
  text?: string
  expectedAt?: string
}

/** Reads the body of `fulfillment_events/create`: https://shopify.dev/docs/api/admin-rest/latest/resources/fulfillmentevent. */
export function milestoneFromWebhook(event: Reader): FulfilmentMilestone {
  const place = [event.optionalText("city"), event.optionalText("country")].filter((one) => one !== undefined)
  const message = event.optionalText("message")
  return {
    fulfilmentId: event.id("fulfillment_id"),
    status: event.oneOf("status", statuses),
    at: event.moment("happened_at"),
    ...optional("place", place.length > 0 ? cut(place.join(", "), 200) : undefined),
    ...optional("text", message === undefined ? undefined : cut(message, 500)),
    ...(event.has("estimated_delivery_at") ? { expectedAt: event.moment("estimated_delivery_at") } : {}),
  }
}

/** The fact of a milestone: the same one when Shopify tells it again under another event id. */
export function milestoneFact(
  { status, ...told }: FulfilmentMilestone,
  externalOrderId: string,
  { system }: TranslationContext,
): NewEvent {
  return newEvent({
    type: "shipment.milestone",
    fact: `${system}:order:${externalOrderId}:fulfilment:${told.fulfilmentId}:${status}:${told.at}`,
    source: system,
    time: told.at,
    data: { orderId: orderIdOf(system, externalOrderId), milestone: milestones[status], ...told },
  })
}
