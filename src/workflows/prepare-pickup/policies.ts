import { Type, type Static } from "typebox"
import { Money } from "../../base/money.ts"
import { Duration, type BusinessDate, type Instant } from "../../base/time.ts"
import type { Order } from "../../canonical/order.ts"
import { LocationId } from "../../canonical/parts.ts"
import type { Pickup } from "../../rules/pickup/pickup.ts"
import { openingHoursPattern } from "../../rules/pickup/opening-hours.ts"

/** What a retailer decides about goods that stores get ready: `policies.pickups` of the estate. */
export const PickupPolicyBlock = Type.Object(
  {
    readyWithin: {
      ...Duration,
      description: "Within how much opening time a store has goods ready. It is what buyers are promised.",
    },
    openingHours: Type.Optional(
      Type.Record(LocationId, Type.Array(Type.String({ pattern: openingHoursPattern }), { maxItems: 50 }), {
        description:
          'When a store is open, in its own time: ["mon-fri 09:00-18:00", "sat 10:00-16:00"]. Without it time always counts.',
      }),
    ),
    keepFor: {
      ...Duration,
      description:
        "How long goods are kept for the buyer, from the moment they are ready; a day or more: until the end of the last day at the store.",
    },
    remindAfter: Type.Optional({
      ...Duration,
      description: "When the buyer is reminded, from the moment they are ready. Never, if left out.",
    }),
    putBackWithin: {
      ...Duration,
      description: "How long goods that nobody takes may lie there before somebody of the store is told.",
    },
    codeKey: Type.Optional(
      Type.String({
        minLength: 16,
        maxLength: 256,
        description:
          "From it the codes are made that buyers show. From the deployment, never written down. Without it there are no codes.",
      }),
    ),
    checkIdFrom: Type.Optional(
      Type.Array(Money, {
        description:
          "Orders of so much, by currency of the buyer, are handed over only to who shows an identity document.",
      }),
    ),
  },
  { additionalProperties: false, description: "Goods that buyers collect, or that leave from a store." },
)
export type PickupPolicyBlock = Static<typeof PickupPolicyBlock>

/** The retailer's decisions, and where the workflow reads what its own need. */
export interface PickupPolicies extends PickupPolicyBlock {
  findOrder: (orderId: string) => Promise<Order | undefined>
  /** What a fact changed by the log, and its number there; undefined for a fact that the log does not have. */
  changeBy: (pickupId: string, fact: string) => Promise<{ before: Pickup; after: Pickup; number: number } | undefined>
  /** What the buyer shows; undefined where there are no codes. */
  codeOf: (pickupId: string) => string | undefined
  /** Until when a place keeps goods that were ready at a moment. */
  keptUntil: (locationId: string, readyAt: Instant) => Instant
  /** The last day of the place on which they are still kept. */
  lastDay: (locationId: string, until: Instant) => BusinessDate
}

/** Where the estate has no block: four hours, five days, a reminder after one. */
export const pickupDefaults: PickupPolicyBlock = {
  readyWithin: { hours: 4 },
  keepFor: { days: 5 },
  remindAfter: { days: 1 },
  putBackWithin: { days: 1 },
}
