import { Type, type Static } from "typebox"
import { Money, money } from "../../base/money.ts"
import { Order, Tender } from "../order.ts"
import {
  ChannelId,
  InstantText,
  LineId,
  LineQuantity,
  linesMax,
  MoneyPair,
  Reference,
  RefundedLine,
  textMax,
} from "../parts.ts"
import { ref, type Ref } from "../refs.ts"
import { MadeOf } from "../stock/made-of.ts"
import { aboutOrder, eventType, orderFact, trackingName } from "./event-type.ts"
import { at, euro, exampleOrder, later, onePiece, orderId, tender } from "./example-order.ts"

const refundedPiece = onePiece.map((line) => ({ ...line, left: false }))

const heldPart = {
  partId: Type.String({ minLength: 1, maxLength: 256, description: "the channel's id of the part" }),
  state: Type.Union([Type.Literal("held"), Type.Literal("scheduled"), Type.Literal("free")]),
  lines: Type.Array(LineQuantity, { maxItems: linesMax, description: "what of the part has still to leave" }),
  until: Type.Optional(InstantText),
  reason: Type.Optional(Type.String({ maxLength: 500 })),
  at: InstantText,
}
const HeldPart = Type.Object(heldPart)
/** A part of an order that its channel holds back, schedules for later, or lets go. */
export type HeldPart = Static<typeof HeldPart>

/** Facts about an order from its channel, a person or the books. */
export const orderEvents = {
  "order.placed": eventType({
    schema: orderFact("Order placed", { order: Order }),
    publisher: "connector",
    summary: "A channel sold an order.",
    about: aboutOrder,
    mentions: ({ order }) => [ref("channel", order.channel), ...customerOf(order)],
    names: ({ order }) => namesOfOrder(order),
    example: { orderId, order: exampleOrder },
  }),
  "order.edited": eventType({
    schema: orderFact("Order edited", { order: Order }),
    publisher: "connector",
    summary: "The channel changed an order after it was placed; carries the whole order as it is now.",
    about: aboutOrder,
    mentions: ({ order }) => [ref("channel", order.channel), ...customerOf(order)],
    names: ({ order }) => namesOfOrder(order),
    example: { orderId, order: { ...exampleOrder, version: later, notes: "leave it with the neighbours" } },
  }),
  "order.cancellation-requested": eventType({
    schema: orderFact("Cancellation requested", {
      reason: Type.String({ maxLength: 500 }),
      requestedBy: Type.String({ maxLength: 120 }),
    }),
    publisher: "connector",
    summary: "The buyer, the shop or a person requested the cancellation of the order.",
    about: aboutOrder,
    example: { orderId, reason: "ordered twice by mistake", requestedBy: "channel" },
  }),
  "order.tender-changed": eventType({
    schema: orderFact("Tender changed", { tender: Tender, at: InstantText }),
    publisher: "connector",
    summary: "A payment of an order was authorised, captured or failed.",
    about: aboutOrder,
    mentions: ({ orderId, tender }) => [ref("payment", orderId, tender.id)],
    names: ({ tender }) => namesOfTender(tender),
    example: { orderId, tender: { ...tender, state: "captured" }, at: later },
  }),
  "order.refunded": eventType({
    schema: orderFact("Order refunded", {
      refundId: Type.String({ maxLength: 256 }),
      amount: MoneyPair,
      // In an exchange a part of what came back pays for something else.
      worth: Type.Optional(MoneyPair),
      lines: Type.Array(RefundedLine, { maxItems: linesMax }),
      charges: Type.Optional(
        Type.Array(
          Type.Object(
            { kind: Type.Enum(["shipping", "duty", "adjustment"]), worth: MoneyPair, tax: Type.Optional(MoneyPair) },
            { additionalProperties: false },
          ),
          { maxItems: 200, description: "what was given back besides goods; `worth` includes the tax" },
        ),
      ),
      payments: Type.Optional(
        Type.Array(
          Type.Object(
            {
              tenderId: Type.Optional(LineId),
              amount: Money,
              reference: Type.Optional(
                Type.String({ maxLength: 256, description: "the payment provider's own id of it" }),
              ),
              asCredit: Type.Optional(Type.Boolean({ description: "the buyer got store credit in its place" })),
            },
            { additionalProperties: false },
          ),
          { minItems: 1, maxItems: 50, description: "which tenders it went back to, where the channel tells" },
        ),
      ),
      at: InstantText,
    }),
    publisher: "connector",
    summary: "The channel gave money back, or tells that we did.",
    about: aboutOrder,
    names: ({ refundId }) => [{ system: "channel", type: "refund", id: refundId }],
    example: { orderId, refundId: "6001", amount: euro(1999), lines: refundedPiece, at: later },
  }),
  "order.hold-changed": eventType({
    schema: orderFact("Hold changed", heldPart),
    publisher: "connector",
    summary: "The channel holds a part of an order back, schedules it for later, or lets it go.",
    about: aboutOrder,
    example: {
      orderId,
      partId: "gid://shopify/FulfillmentOrder/5001",
      state: "held",
      lines: onePiece,
      reason: "incorrect address",
      at: later,
    },
  }),
  "order.fulfilled-by-channel": eventType({
    schema: orderFact("Order fulfilled by channel", {
      fulfilmentId: Type.String({ maxLength: 256 }),
      trackingNumber: Type.Optional(Type.String({ maxLength: textMax })),
      carrier: Type.Optional(Type.String({ maxLength: textMax })),
      trackingUrl: Type.Optional(Type.String({ maxLength: 2048 })),
      lines: Type.Array(LineQuantity, { maxItems: linesMax }),
      at: InstantText,
    }),
    publisher: "connector",
    summary:
      "The channel shows a fulfilment. Usually it echoes our own confirmation; otherwise somebody shipped outside of Crossdock. The same fulfilment is told again when it gets a tracking number later, or another one.",
    about: aboutOrder,
    names: ({ trackingNumber }) => trackingName(trackingNumber),
    example: {
      orderId,
      fulfilmentId: "gid://shopify/Fulfillment/4001",
      trackingNumber: "00340434161094042557",
      lines: onePiece,
      at: later,
    },
  }),
  "order.fulfilment-taken-back": eventType({
    schema: orderFact("Fulfilment taken back", {
      fulfilmentId: Type.String({ maxLength: 256 }),
      trackingNumber: Type.Optional(Type.String({ maxLength: textMax })),
      lines: Type.Array(LineQuantity, { maxItems: linesMax }),
      at: InstantText,
    }),
    publisher: "connector",
    summary: "The channel no longer shows a fulfilment: somebody cancelled it there, and its units are open again.",
    about: aboutOrder,
    example: { orderId, fulfilmentId: "gid://shopify/Fulfillment/4001", lines: onePiece, at: later },
  }),
  "order.fraud-review-opened": eventType({
    schema: orderFact("Fraud review opened", { reference: Type.String({ maxLength: 256 }), at: InstantText }),
    publisher: "connector",
    summary: "Screening opened a review of the order by a person, possibly after it had accepted the order.",
    about: aboutOrder,
    example: { orderId, reference: "review-3001", at },
  }),
  "order.fraud-review-decided": eventType({
    schema: orderFact("Fraud review decided", {
      decision: Type.Union([Type.Literal("accept"), Type.Literal("reject")]),
      decidedBy: Type.String({ maxLength: 120 }),
      at: InstantText,
    }),
    publisher: "connector",
    summary: "A fraud review ended.",
    about: aboutOrder,
    example: { orderId, decision: "accept", decidedBy: "m.keller@example.com", at: later },
  }),
  "order.check-skipped": eventType({
    schema: orderFact("Check skipped", {
      check: Type.Enum(["tax"]),
      channel: ChannelId,
      cause: Type.Enum(["away", "refused"]),
      country: Type.Optional(Type.String({ maxLength: 2, description: "where the goods go" })),
      reason: Type.String({ maxLength: 500 }),
      at: InstantText,
    }),
    publisher: "workflow",
    summary: "A check that only compares could not be made, and the order went on without it.",
    about: aboutOrder,
    example: {
      orderId,
      check: "tax",
      channel: "shop-de",
      cause: "refused",
      country: "XK",
      reason: "no rates are known for XK",
      at: later,
    },
  }),
  "order.taken-apart": eventType({
    schema: orderFact("Order taken apart", {
      made: Type.Array(MadeOf, { minItems: 1, maxItems: linesMax, description: "by article and unit" }),
      at: InstantText,
    }),
    publisher: "workflow",
    summary:
      "Kits and sales units of the order were taken apart into the goods they are made of. It stays so for this order, whatever becomes of the kits.",
    about: aboutOrder,
    example: {
      orderId,
      made: [{ sku: "COLA-24", unit: "ea", parts: [{ sku: "COLA", milli: 24_000, unit: "ea" }] }],
      at: later,
    },
  }),
  "order.booked": eventType({
    schema: orderFact("Order booked", {
      references: Type.Array(Reference, { minItems: 1, maxItems: 20, description: "the documents of the books" }),
      total: Money,
      at: InstantText,
    }),
    publisher: "workflow",
    summary: "The order was booked in the books, or changed there after an edit.",
    about: aboutOrder,
    names: ({ references }) => references,
    example: {
      orderId,
      references: [{ system: "erp", type: "sales order", id: "0000012345" }],
      total: money(4488, "EUR"),
      at: later,
    },
  }),
} as const

function namesOfOrder({ channel, number, externalId, customerReference, references, tenders }: Order): Reference[] {
  return [
    { system: channel, type: "order number", id: number },
    { system: channel, type: "order", id: externalId },
    ...(customerReference ? [{ system: channel, type: "buyer's reference", id: customerReference }] : []),
    ...references,
    ...tenders.flatMap(namesOfTender),
  ]
}

function namesOfTender({ provider, reference }: Tender): Reference[] {
  return provider && reference ? [{ system: provider, type: "payment", id: reference }] : []
}

function customerOf({ customer: { reference } }: Order): Ref[] {
  return reference ? [ref("customer", reference.system, reference.id)] : []
}
