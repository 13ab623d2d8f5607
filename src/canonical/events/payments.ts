import { Type, type TProperties } from "typebox"
import { Money, money } from "../../base/money.ts"
import { InstantText, LineId, Reference } from "../parts.ts"
import { ref, type Ref } from "../refs.ts"
import { aboutOrder, eventType, orderFact } from "./event-type.ts"
import { later, orderId, tender } from "./example-order.ts"

const paymentFact = <Properties extends TProperties>(title: string, more: Properties) =>
  orderFact(title, {
    ...more,
    tenderId: LineId,
    amount: Money,
    reference: Type.Optional(Reference),
    by: Type.String({
      minLength: 1,
      maxLength: 120,
      description: "the connection that did it, or the person who decided it",
    }),
    reason: Type.Optional(Type.String({ maxLength: 500 })),
    at: InstantText,
  })

const ClaimKey = Type.String({
  minLength: 1,
  maxLength: 128,
  description: "the claim on the order's account it settles",
})

const mentions = (data: { orderId: string; tenderId: string }): Ref[] => [ref("payment", data.orderId, data.tenderId)]
const names = ({ reference }: { reference?: Reference }): Reference[] => (reference ? [reference] : [])

const example = {
  orderId,
  tenderId: tender.id,
  amount: money(4488, "EUR"),
  reference: { system: "stripe", type: "payment", id: "pi_3QExample" },
  by: "stripe",
  at: later,
}

/**
 * What became of the money of an order by our own hand, and what a provider tells of it afterwards. What a channel did is told by
 * its own facts.
 */
export const paymentEvents = {
  "payment.authorised": eventType({
    schema: paymentFact("Payment authorised", {}),
    publisher: "workflow",
    summary: "A payment of a tender was authorised.",
    about: aboutOrder,
    mentions,
    names,
    example,
  }),
  "payment.captured": eventType({
    schema: paymentFact("Payment captured", {
      inAll: Type.Optional(Money),
    }),
    publisher: "workflow",
    summary:
      "Money of a tender was captured; several captures of one tender add up. `inAll` is what the provider shows as captured by then, when others captured by hand.",
    about: aboutOrder,
    mentions,
    names,
    example,
  }),
  "payment.refunded": eventType({
    schema: paymentFact("Payment refunded", { claim: Type.Optional(ClaimKey) }),
    publisher: "workflow",
    summary: "Money of a tender was refunded; several refunds of one tender add up.",
    about: aboutOrder,
    mentions,
    names,
    example: { ...example, amount: money(1999, "EUR"), reason: "one shirt came back" },
  }),
  "payment.refund-reported": eventType({
    schema: orderFact("Payment refund reported", {
      refundId: Type.String({ minLength: 1, maxLength: 256, description: "the provider's own id of the refund" }),
      claim: Type.Optional(ClaimKey),
      amount: Money,
      state: Type.Enum(["pending", "succeeded", "failed"]),
      reason: Type.Optional(Type.String({ maxLength: 500 })),
      at: InstantText,
    }),
    publisher: "connector",
    summary:
      "A payment provider tells of a refund: usually our own, coming back, or that it failed after it was accepted.",
    about: aboutOrder,
    example: {
      orderId,
      refundId: "re_3QExample",
      claim: "rf_0123456789abcdef",
      amount: money(1999, "EUR"),
      state: "failed",
      reason: "lost_or_stolen_card",
      at: later,
    },
  }),
  "payment.voided": eventType({
    schema: paymentFact("Payment voided", {}),
    publisher: "workflow",
    summary: "The uncaptured rest of a tender's authorisation was voided.",
    about: aboutOrder,
    mentions,
    names,
    example: { ...example, reason: "the order was cancelled" },
  }),
} as const
