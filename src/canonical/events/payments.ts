import { Type, type TProperties } from "typebox"
import { Money, money } from "../../base/money.ts"
import { entity, InstantText, LineId, Reference } from "../parts.ts"
import { ref, type Ref } from "../refs.ts"
import { returnOfKey } from "../returns/keys.ts"
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

const DisputeState = Type.Enum(["opened", "withdrawn", "returned", "won", "lost", "closed"])
const RefundState = Type.Enum(["pending", "succeeded", "failed"])
const ProviderId = Type.String({ minLength: 1, maxLength: 256, description: "the provider's own id" })
const Reason = Type.Optional(Type.String({ maxLength: 500 }))

const RefundReport = entity("Refund report", {
  what: Type.Literal("refund"),
  id: ProviderId,
  amount: Money,
  state: RefundState,
  reason: Reason,
})
const DisputeReport = entity("Dispute report", {
  what: Type.Literal("dispute"),
  id: ProviderId,
  amount: Money,
  state: DisputeState,
  reason: Reason,
  respondBy: Type.Optional(InstantText),
})
const LapseReport = entity("Lapsed authorisation", { what: Type.Literal("lapse"), amount: Money, reason: Reason })

const mentions = ({ orderId: of, tenderId, claim }: { orderId: string; tenderId: string; claim?: string }): Ref[] => [
  ref("payment", of, tenderId),
  ...returnOfKey(claim),
]
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
    schema: paymentFact("Payment refunded", {
      claim: Type.Optional(ClaimKey),
      isPending: Type.Optional(Type.Boolean({ description: "accepted, and not yet with the buyer" })),
    }),
    publisher: "workflow",
    summary: "Money of a tender was refunded, or is about to be; several refunds of one tender add up.",
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
      paymentId: Type.Optional(ProviderId),
      state: RefundState,
      reason: Reason,
      at: InstantText,
    }),
    publisher: "connector",
    summary:
      "A payment provider tells of a refund: our own, coming back; one made by hand; or that one failed after it was accepted.",
    about: aboutOrder,
    mentions: ({ claim }) => returnOfKey(claim),
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
  "payment.disputed": eventType({
    schema: orderFact("Payment disputed", {
      disputeId: Type.String({ minLength: 1, maxLength: 256, description: "the provider's own id of the dispute" }),
      paymentId: Type.String({ minLength: 1, maxLength: 256, description: "the provider's own id of the payment" }),
      amount: Money,
      state: DisputeState,
      reason: Type.Optional(Type.String({ maxLength: 500 })),
      respondBy: Type.Optional(InstantText),
      at: InstantText,
    }),
    publisher: "connector",
    summary:
      "The buyer's bank disputes a payment. `withdrawn` and `lost`: it took the money back; `returned` and `won`: we have it again.",
    about: aboutOrder,
    names: ({ disputeId }) => [{ system: "payment provider", type: "dispute", id: disputeId }],
    example: {
      orderId,
      disputeId: "dp_1QExample",
      paymentId: "pi_3QExample",
      amount: money(4488, "EUR"),
      state: "opened",
      reason: "product_not_received",
      respondBy: "2026-12-05T23:59:59.000Z",
      at: later,
    },
  }),
  "payment.reported": eventType({
    schema: entity("Payment reported", {
      payment: Reference,
      report: Type.Union([RefundReport, DisputeReport, LapseReport]),
      at: InstantText,
    }),
    publisher: "connector",
    summary:
      "A payment provider tells of a payment by its own number: a refund, a dispute, or that its authorisation lapsed. The fact about the order follows once the order is found.",
    about: ({ payment }) => ref("document", payment.system, payment.type, payment.id),
    example: {
      payment: { system: "stripe", type: "payment", id: "pi_3QExample" },
      report: { what: "dispute", id: "dp_1QExample", amount: money(4488, "EUR"), state: "opened" },
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
