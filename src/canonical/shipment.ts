import { Type, type Static } from "typebox"
import { entity, InstantText, LineQuantity, linesMax, LocationId, OrderId, Reference, textMax } from "./parts.ts"

/** The warehouse's own id of a shipment. */
export const ShipmentId = Type.String({
  minLength: 1,
  maxLength: 64,
  description: "the warehouse's own shipment id; unique per warehouse system",
})

/**
 * Where a parcel can be. The words are those that carriers and the services over them share (AfterShip, "Delivery Statuses" and
 * "Delivery Sub-statuses", aftership.com/docs/tracking: InfoReceived, InTransit, OutForDelivery, AttemptFail, AvailableForPickup,
 * Delivered, and below Exception: delayed, returned to sender, lost, damaged), without what only says that nothing is known. "delivery
 * failed" says that the carrier tries no more by itself; what happens to the parcel then is told by later milestones.
 */
export const shipmentMilestones = [
  "announced",
  "picked up",
  "in transit",
  "out for delivery",
  "attempt failed",
  "delivery failed",
  "ready for collection",
  "delivered",
  "delayed",
  "damaged",
  "lost",
  "returning to sender",
  "returned to sender",
] as const
/** What happened to a parcel, as a carrier or a warehouse says. */
export type ShipmentMilestone = (typeof shipmentMilestones)[number]

/** Goods that left one location for one order. Lines are matched by line id. A kit line counts as whole kits. */
export const Shipment = entity("Shipment", {
  id: ShipmentId,
  orderId: OrderId,
  locationId: LocationId,
  shippedAt: InstantText,
  carrier: Type.Optional(Type.String({ maxLength: textMax })),
  trackingNumber: Type.Optional(Type.String({ maxLength: textMax })),
  trackingUrl: Type.Optional(Type.String({ maxLength: 2048 })),
  lines: Type.Array(LineQuantity, { minItems: 1, maxItems: linesMax }),
  handedOver: Type.Optional(
    Type.Boolean({ description: "the buyer took them over the counter: nothing is on its way" }),
  ),
  references: Type.Optional(Type.Array(Reference, { maxItems: 20 })),
})
export type Shipment = Static<typeof Shipment>

/** Why a location does not ship: it does not have the goods, or nobody came for them and they are back on its shelf. */
const shortageReasons = ["not there", "not collected"] as const

/** Goods that a location was asked to ship and does not ship. */
export const Shortage = entity("Shortage", {
  id: Type.String({ minLength: 1, maxLength: 64 }),
  orderId: OrderId,
  locationId: LocationId,
  noticedAt: InstantText,
  because: Type.Optional(
    Type.Enum(shortageReasons, { description: 'default "not there"; what was not collected is sought nowhere else' }),
  ),
  lines: Type.Array(LineQuantity, { minItems: 1, maxItems: linesMax }),
})
export type Shortage = Static<typeof Shortage>
