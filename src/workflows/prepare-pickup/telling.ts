import type { EventData } from "../../canonical/events.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { Shortage } from "../../canonical/shipment.ts"
import type { RunContext } from "../../durable/define-workflow.ts"
import { part } from "../../durable/steps/step-name.ts"
import type { Step } from "../../durable/steps/step.ts"
import { StepRejected } from "../../effects/perform.ts"
import { waiting, type Pickup } from "../../rules/pickup/pickup.ts"
import type { PickupPolicies } from "./policies.ts"

/** Tells the order that goods do not come from this store. `n` is the number of the news it follows from. */
export function tellShort(
  step: Step,
  { pickupId, orderId, locationId }: Pickup,
  of: { fact: string; lines: LineQuantity[]; at: string; because: NonNullable<Shortage["because"]>; n: number },
): void {
  const { fact, lines, at: noticedAt, because, n } = of
  const shortage = { id: `${pickupId}-${n}`, orderId, locationId, noticedAt, lines, because }
  step.tell(part("goods are not there", fact), { type: "shipment.short", data: { orderId, shortage } })
}

/** Tells the order that goods left, and that a buyer who took them over the counter has them. `n` counts the handovers. */
export function tellHandedOver(
  step: Step,
  { pickupId, orderId, locationId, method }: Pickup,
  of: { lines: LineQuantity[]; data: EventData<"pickup.handed-over">; n: number },
): void {
  const { lines, n } = of
  const { at, carrier, trackingNumber } = of.data
  const shipmentId = `${pickupId}-${n}`
  step.tell(part("goods left", shipmentId), {
    type: "shipment.confirmed",
    data: {
      orderId,
      shipment: {
        id: shipmentId,
        orderId,
        locationId,
        shippedAt: at,
        lines,
        ...(carrier === undefined ? {} : { carrier }),
        ...(trackingNumber === undefined ? {} : { trackingNumber }),
        ...(method === "pickup" ? { handedOver: true } : {}),
      },
    },
  })
  if (method === "pickup")
    step.tell(part("the buyer has them", shipmentId), {
      type: "shipment.milestone",
      data: { orderId, shipmentId, milestone: "delivered", at },
    })
}

/** A mail to a buyer whose goods wait. */
export interface BuyerMail {
  name: "tell customer it is ready" | "remind the customer"
  kind: "ready to collect" | "reminder to collect"
  pickup: Pickup
}

/** Writes to a buyer where there is an address and a way to. A mail that cannot be sent keeps no buyer from the counter. */
export async function writeToBuyer(
  step: Step,
  { policies, can, use }: RunContext<PickupPolicies>,
  { name, kind, pickup }: BuyerMail,
): Promise<void> {
  const { pickupId, orderId, channel, locationId, keptUntil, method } = pickup
  const scope = { channel }
  if (method !== "pickup" || !can("notifiesCustomers", scope)) return
  const order = await policies.findOrder(orderId)
  if (!order?.customer.email) return
  const code = policies.codeOf(pickupId)
  const lines = pickup.lines
    .filter((line) => waiting(line) > 0)
    .map((line) => ({ lineId: line.lineId, quantity: { milli: waiting(line), unit: line.unit } }))
  const collection = {
    locationId,
    lines,
    ...(code === undefined ? {} : { code }),
    ...(keptUntil === undefined ? {} : { lastDay: policies.lastDay(locationId, keptUntil) }),
  }
  const { sendMessage } = use("notifiesCustomers", scope)
  const input = { order, kind, collection }
  await step.alongside(() =>
    step.effect(name, { write: sendMessage, input, lane: "service", ifRejected: "throw" }).catch(ignoreRefused),
  )
}

function ignoreRefused(thrown: unknown): void {
  if (!(thrown instanceof StepRejected)) throw thrown
}
