import { Type, type Static } from "typebox"
import { entity, InstantText, LineQuantity, LocationId, OrderId, Reference } from "./parts.ts"

/** Goods that left one location for one order. Lines are matched by line id. A kit line counts as whole kits. */
export const Shipment = entity("Shipment", {
  id: Type.String({
    minLength: 1,
    maxLength: 64,
    description: "the warehouse's own shipment id; unique per warehouse system",
  }),
  orderId: OrderId,
  locationId: LocationId,
  shippedAt: InstantText,
  carrier: Type.Optional(Type.String({ maxLength: 64 })),
  trackingNumber: Type.Optional(Type.String({ maxLength: 128 })),
  trackingUrl: Type.Optional(Type.String({ maxLength: 2048 })),
  lines: Type.Array(LineQuantity, { minItems: 1, maxItems: 500 }),
  references: Type.Optional(Type.Array(Reference, { maxItems: 20 })),
})
export type Shipment = Static<typeof Shipment>

/** Goods a location was asked to ship and does not have. */
export const Shortage = entity("Shortage", {
  id: Type.String({ minLength: 1, maxLength: 64 }),
  orderId: OrderId,
  locationId: LocationId,
  noticedAt: InstantText,
  lines: Type.Array(LineQuantity, { minItems: 1, maxItems: 500 }),
})
export type Shortage = Static<typeof Shortage>
