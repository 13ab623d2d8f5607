import { Type } from "typebox"
import { Duration } from "../../base/time.ts"
import type { Order } from "../../canonical/order.ts"
import type { DeliveryTerms } from "../../rules/delivery/trouble.ts"

const closed = { additionalProperties: false } as const
const duration = (description: string) => Type.Object(Duration.properties, { ...closed, minProperties: 1, description })

/** What a retailer decides about deliveries: `policies.deliveries` of the estate. */
export const DeliveryPolicyBlock = Type.Object(
  {
    deliverWithin: duration("From leaving the location to the buyer, where the carrier gives no date of its own."),
    tellLateAfter: duration("How long after that, or after the carrier's date, people are told."),
    presumedLostAfter: duration("A parcel of which nothing is told for so long is presumed lost."),
    collectWithin: duration("How long a parcel may lie ready for collection before people are told."),
    attemptsMax: Type.Integer({ minimum: 1, description: "People are told when the carrier has tried so often." }),
    askAgainAfter: duration("When a person chose to wait, how long until they are asked again."),
  },
  closed,
)

/** What a retailer decides about deliveries, and where the workflow reads what its exceptions name. */
export interface DeliveryPolicies extends DeliveryTerms {
  /** The order as it stands; undefined when it is not known here. */
  findOrder: (orderId: string) => Promise<Order | undefined>
  /** The tracking number of a channel's fulfilment, for channels that report milestones by their own id only. */
  findTrackingNumber: (orderId: string, fulfilmentId: string) => Promise<string | undefined>
}
