import type { Duration } from "../../base/time.ts"
import type { Order } from "../../canonical/order.ts"
import type { Address } from "../../canonical/parts.ts"
import type { EffectOptions } from "../effect-options.ts"
import type { RoutingWeights, ShippingLocation } from "../../rules/route-order.ts"

/** What a retailer decides about orders, and where the workflow reads what it decides by. */
export interface OrderPolicies {
  /** A sold order finds no stock: ask a person, or cancel and refund by itself (an exception tells of it either way). */
  onShortage: "ask" | "cancel"
  /** The books refuse an order that is paid (S-49): ask a person, or take everything back. */
  onBooksRefusal: "ask" | "compensate"
  /** Payment is taken when the first goods leave, in full, or with each shipment its part. */
  capture: "once" | "per shipment"
  /**
   * Channels that tell payments apart from the order, as facts of their own: an order of theirs waits until its tenders cover
   * it. Elsewhere the order says how it is paid, and what no tender covers is receivable.
   */
  paymentsFollow: readonly string[]
  /** An order that has not been paid after this time is an exception. */
  payWithin: Duration
  /** When an open fraud review is first looked up, because the word that it ended may be lost; then later and later. */
  askReviewAfter: Duration
  /** Charged tax may differ from the tax engine's by this much before somebody is told. Charged tax always stands. */
  taxToleranceMinor: number
  /** An edit after release to a location: ask a person, or keep the order as it was. */
  onLateEdit: "ask" | "keep"
  /** A location that has not shipped after this time is an exception. */
  shipWithin: Duration
  /** How often routing is tried again for goods that are nowhere and may be backordered. */
  routeAgainAfter: Duration
  routing: RoutingWeights
  /** Places that may ship now. */
  locations: () => Promise<ShippingLocation[]>
  /** Free units by SKU and location. */
  freeStock: (skus: readonly string[]) => Promise<Map<string, Map<string, number>>>
  /** Where an address is, roughly; undefined leaves distance out. */
  locate: (address: Address) => { latitude: number; longitude: number } | undefined
  /** Time zone whose calendar day is the business date of a posting. */
  timeZone: string
}

/** The policy for an order that the books refuse while it can still be taken back (S-49). */
export function ifBooksRefuse(
  order: Order,
  { onBooksRefusal }: OrderPolicies,
): Pick<EffectOptions<never>, "ifRejected"> {
  if (onBooksRefusal === "compensate") return { ifRejected: "throw" }
  return {
    ifRejected: {
      ask: {
        summary: `The ERP refused order ${order.number}, which is reserved and paid`,
        ifNobodyActs: "the order stays reserved and paid and is not booked",
        owner: "operations",
        allowedActions: ["retry", "cancel order"],
        atRisk: order.total.shop,
      },
    },
  }
}
