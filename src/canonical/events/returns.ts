import { Type } from "typebox"
import { entity, InstantText, OrderId } from "../parts.ts"
import { ref } from "../refs.ts"
import { eventType } from "./event-type.ts"
import { later, orderId } from "./example-order.ts"

/** What happens to goods that come back. */
export const returnEvents = {
  "return.requested": eventType({
    schema: entity("Return requested", {
      returnId: Type.String({ minLength: 1, maxLength: 64 }),
      // Goods may come back of which nobody knows the order.
      orderId: Type.Optional(OrderId),
      reason: Type.String({ minLength: 1, maxLength: 500 }),
      requestedBy: Type.String({ minLength: 1, maxLength: 120 }),
      requestedAt: InstantText,
    }),
    publisher: "operations",
    summary: "Goods are to come back.",
    about: ({ returnId }) => ref("return", returnId),
    mentions: (data) => (data.orderId === undefined ? [] : [ref("order", data.orderId)]),
    example: {
      returnId: "ret_0123456789abcdef",
      orderId,
      reason: "Order #1001 was cancelled after all of it had shipped.",
      requestedBy: "ada",
      requestedAt: later,
    },
  }),
} as const
