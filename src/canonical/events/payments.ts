import { Type } from "typebox"
import { Money, money } from "../../base/money.ts"
import { InstantText, LineId, Reference } from "../parts.ts"
import { ref, type Ref } from "../refs.ts"
import { aboutOrder, eventType, orderFact } from "./event-type.ts"
import { later, orderId, tender } from "./example-order.ts"

const paymentFact = (title: string) =>
  orderFact(title, {
    tenderId: LineId,
    amount: Money,
    reference: Type.Optional(Reference),
    by: Type.String({ minLength: 1, maxLength: 120, description: "the connection that did it, or who decided it" }),
    reason: Type.Optional(Type.String({ maxLength: 500 })),
    at: InstantText,
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

/** What became of the money of an order by our own hand. What a channel did is told by its own facts. */
export const paymentEvents = {
  "payment.authorised": eventType({
    schema: paymentFact("Payment authorised"),
    publisher: "workflow",
    summary: "Money of a tender is held.",
    about: aboutOrder,
    mentions,
    names,
    example,
  }),
  "payment.captured": eventType({
    schema: paymentFact("Payment captured"),
    publisher: "workflow",
    summary: "Money of a tender was taken; several captures of one tender add up.",
    about: aboutOrder,
    mentions,
    names,
    example,
  }),
  "payment.refunded": eventType({
    schema: paymentFact("Payment refunded"),
    publisher: "workflow",
    summary: "Money was given back to a tender; several refunds of one tender add up.",
    about: aboutOrder,
    mentions,
    names,
    example: { ...example, amount: money(1999, "EUR"), reason: "one shirt came back" },
  }),
  "payment.voided": eventType({
    schema: paymentFact("Payment voided"),
    publisher: "workflow",
    summary: "What was held of a tender and not taken was released.",
    about: aboutOrder,
    mentions,
    names,
    example: { ...example, reason: "the order was cancelled" },
  }),
} as const
