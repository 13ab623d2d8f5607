import type { Order } from "../canonical/order.ts"
import type { ExceptionAction } from "../operations/exceptions/actions.ts"
import { OrderBook } from "../operations/order-book.ts"
import type { DeliveryTerms } from "../rules/delivery/trouble.ts"
import { DeliveryPolicyBlock, type DeliveryPolicies } from "../workflows/watch-delivery/policies.ts"
import { watchDelivery } from "../workflows/watch-delivery/watch-delivery.ts"
import { defineArea, type AreaParts } from "./define-area.ts"

const effect = { kind: "wake" } as const

const actions: readonly ExceptionAction[] = [
  { name: "wait on", does: "Asks again after the time of the policy, unless the parcel arrives before.", effect },
  { name: "treat as lost", does: "The parcel counts as lost (`shipment.lost`), which others build on.", effect },
  { name: "close", does: "The parcel is watched no more.", effect },
  { name: "it arrived", does: "A parcel delivered on its way back: the buyer has it (`shipment.delivered`).", effect },
  {
    name: "it came back",
    does: "A parcel delivered on its way back: the sender has it (`shipment.came-back`).",
    effect,
  },
]

/** Parcels from the first one of an order to the last one delivered. */
export const deliveries = defineArea({
  name: "deliveries",
  policies: { schema: DeliveryPolicyBlock, whenLeftOut: "off" },
  workflows: [watchDelivery],
  // A later parcel, or a lost one that turns up, opens the delivery again.
  finalStates: { delivery: ["delivered", "lost", "came back", "closed"] },
  actions,
  policiesFor: (terms: DeliveryTerms, { sql }: Pick<AreaParts, "sql">): DeliveryPolicies => ({
    ...terms,
    // What the order book shows as the document is the canonical order of its newest event.
    findOrder: async (orderId) => (await new OrderBook(sql).find(orderId))?.document as Order | undefined,
    findTrackingNumber: (orderId, fulfilmentId) => new OrderBook(sql).findTrackingNumber(orderId, fulfilmentId),
  }),
})
