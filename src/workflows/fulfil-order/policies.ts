import type { Duration } from "../../base/time.ts"
import type { Order } from "../../canonical/order.ts"
import type { Address } from "../../canonical/parts.ts"
import type { EffectOptions } from "../../durable/steps/effect-options.ts"
import type { RoutingWeights, ShippingLocation } from "../../rules/route-order.ts"
import type { CapabilityName } from "../../ports/capabilities.ts"

/** What no estate that takes orders can do without; checked at start. */
export const orderNeeds = [
  "screensFraud",
  "checksTax",
  "reservesStock",
  "booksOrders",
  "amendsOrders",
  "cancelsOrders",
  "recordsDeliveries",
  "postsJournals",
  "releasesFulfilment",
  "cancelsReleases",
] as const satisfies readonly CapabilityName[]

/** What a retailer decides about orders, and where the workflow reads the facts its decisions need. */
export interface OrderPolicies {
  /** A sold order finds no stock: ask a person, or cancel and refund by itself. Both raise an exception. */
  onShortage: "ask" | "cancel"
  /** The books refuse an order that is paid (S-49): ask a person, or take everything back. */
  onBooksRefusal: "ask" | "compensate"
  /** Payment is captured in full when the first goods leave, or with each shipment its part. */
  capture: "once" | "per shipment"
  /**
   * Channels that report payments apart from the order: an order of theirs waits until its tenders cover it. Elsewhere the
   * order says how it is paid, and what no tender covers is receivable.
   */
  paymentsFollow: readonly string[]
  /** An order that has not been paid after this time is an exception. */
  payWithin: Duration
  /** When an open fraud review is first looked up, because the message that it ended may be lost. The time doubles with each look. */
  askReviewAfter: Duration
  /** Charged tax may differ from the tax engine's by this much before an exception is raised. Charged tax always stands. */
  taxToleranceMinor: number
  /** An edit after release to a location: ask a person, or keep the order as it was. */
  onLateEdit: "ask" | "keep"
  /** A location that has not shipped after this time is an exception. */
  shipWithin: Duration
  /** How long to wait before routing is tried again for goods that no location has. */
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
): Pick<EffectOptions<unknown, never>, "ifRejected"> {
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

/** What a person is asked when a system refuses what has happened already. */
export function refusedText(order: Order, summary: string) {
  return {
    summary,
    ifNobodyActs: "that system does not know of it",
    owner: "operations",
    allowedActions: ["retry", "leave it"],
    atRisk: order.total.shop,
  }
}
