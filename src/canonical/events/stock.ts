import { Type } from "typebox"
import { entity, InstantText, LocationId, Sku } from "../parts.ts"
import { ref } from "../refs.ts"
import { aboutOrder, eventType, orderFact } from "./event-type.ts"
import { at, orderId } from "./example-order.ts"

/** Facts about stock from other systems. */
export const stockEvents = {
  "stock.counted": eventType({
    schema: entity("Stock counted", {
      sku: Sku,
      locationId: LocationId,
      countedMilli: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
      unit: Type.String({ maxLength: 8 }),
      countedAt: InstantText,
      includesReservations: Type.Union([
        Type.Literal("none"),
        Type.Literal("all"),
        Type.Array(Type.String(), { maxItems: 10000 }),
      ]),
    }),
    publisher: "connector",
    summary: "A system reported the stock of a SKU at a location, and which reservations that number already deducts.",
    about: ({ locationId, sku }) => ref("stock", locationId, sku),
    mentions: ({ locationId, sku }) => [ref("location", locationId), ref("sku", sku)],
    example: {
      sku: "TEE-M",
      locationId: "wh-berlin",
      countedMilli: 17_000,
      unit: "ea",
      countedAt: at,
      includesReservations: "none",
    },
  }),
  "stock.arrived": eventType({
    schema: orderFact("Stock arrived", { sku: Sku, at: InstantText }),
    publisher: "operations",
    summary: "There is more of a SKU that an order waits for than when it was found short.",
    about: aboutOrder,
    mentions: ({ sku }) => [ref("sku", sku)],
    example: { orderId, sku: "TEE-M", at },
  }),
} as const
