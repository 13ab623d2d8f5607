import { Type, type Static, type TSchema } from "typebox"
import { Money } from "../base/money.ts"
import { Order, OrderState, Tender } from "./order.ts"
import { entity, InstantText, LineQuantity, LocationId, MoneyPair, OrderId, Reference, Sku } from "./parts.ts"
import { Shipment, Shortage } from "./shipment.ts"

/** One event type of the catalogue: what its data looks like, what orders it, and who may publish it. */
export interface EventType<Schema extends TSchema = TSchema> {
  schema: Schema
  version: number
  /** Name of the data field whose value is the ordering key: events with one key are applied in order. */
  key: string
  publisher: "connector" | "workflow" | "gateway" | "operations"
  summary: string
}

const orderFact = <Properties extends Record<string, TSchema>>(title: string, properties: Properties) =>
  entity(title, { orderId: OrderId, ...properties })

/** Every business event Crossdock knows. One entry is one fact of the business, in the past tense. */
export const eventTypes = {
  "order.placed": {
    schema: entity("Order placed", { orderId: OrderId, order: Order }),
    version: 1,
    key: "orderId",
    publisher: "connector",
    summary: "A channel sold an order.",
  },
  "order.edited": {
    schema: entity("Order edited", { orderId: OrderId, order: Order }),
    version: 1,
    key: "orderId",
    publisher: "connector",
    summary: "The channel changed an order after it was placed; carries the whole order as it is now.",
  },
  "order.cancellation-requested": {
    schema: orderFact("Cancellation requested", {
      reason: Type.String({ maxLength: 500 }),
      requestedBy: Type.String({ maxLength: 120 }),
    }),
    version: 1,
    key: "orderId",
    publisher: "connector",
    summary: "The buyer, the shop or a person wants the order cancelled.",
  },
  "order.tender-changed": {
    schema: orderFact("Tender changed", { tender: Tender, at: InstantText }),
    version: 1,
    key: "orderId",
    publisher: "connector",
    summary: "A payment of an order was authorised, captured or failed.",
  },
  "order.refunded": {
    schema: orderFact("Order refunded", {
      refundId: Type.String({ maxLength: 256 }),
      amount: MoneyPair,
      lines: Type.Array(LineQuantity, { maxItems: 500 }),
      restock: Type.Boolean(),
      at: InstantText,
    }),
    version: 1,
    key: "orderId",
    publisher: "connector",
    summary: "The channel gave money back.",
  },
  "order.fulfilled-by-channel": {
    schema: orderFact("Order fulfilled by channel", {
      fulfilmentId: Type.String({ maxLength: 256 }),
      trackingNumber: Type.Optional(Type.String({ maxLength: 128 })),
      lines: Type.Array(LineQuantity, { maxItems: 500 }),
      at: InstantText,
    }),
    version: 1,
    key: "orderId",
    publisher: "connector",
    summary:
      "The channel shows a fulfilment. Usually the echo of our own confirmation; otherwise someone shipped past us.",
  },
  "order.fraud-review-opened": {
    schema: orderFact("Fraud review opened", { reference: Type.String({ maxLength: 256 }), at: InstantText }),
    version: 1,
    key: "orderId",
    publisher: "connector",
    summary: "Screening wants a person to look at the order, perhaps after it had accepted it.",
  },
  "order.fraud-review-decided": {
    schema: orderFact("Fraud review decided", {
      decision: Type.Union([Type.Literal("accept"), Type.Literal("reject")]),
      decidedBy: Type.String({ maxLength: 120 }),
      at: InstantText,
    }),
    version: 1,
    key: "orderId",
    publisher: "connector",
    summary: "A fraud review ended.",
  },
  "shipment.confirmed": {
    schema: entity("Shipment confirmed", { orderId: OrderId, shipment: Shipment }),
    version: 1,
    key: "orderId",
    publisher: "connector",
    summary: "Goods left a location.",
  },
  "shipment.delivered": {
    schema: orderFact("Shipment delivered", { shipmentId: Type.String({ maxLength: 64 }), deliveredAt: InstantText }),
    version: 1,
    key: "orderId",
    publisher: "connector",
    summary: "The carrier handed the goods over.",
  },
  "shipment.short": {
    schema: entity("Shipment short", { orderId: OrderId, shortage: Shortage }),
    version: 1,
    key: "orderId",
    publisher: "connector",
    summary: "A location was asked to ship goods it does not have.",
  },
  "order.state-changed": {
    schema: orderFact("Order state changed", {
      state: OrderState,
      reason: Type.Optional(Type.String({ maxLength: 500 })),
      at: InstantText,
      references: Type.Optional(Type.Array(Reference, { maxItems: 50 })),
      amount: Type.Optional(Money),
    }),
    version: 1,
    key: "orderId",
    publisher: "workflow",
    summary: "An order moved on, in a shopkeeper's words.",
  },
  "stock.counted": {
    schema: entity("Stock counted", {
      sku: Sku,
      locationId: LocationId,
      countedMilli: Type.Integer({ minimum: 0 }),
      unit: Type.String({ maxLength: 8 }),
      countedAt: InstantText,
      includesReservations: Type.Union([
        Type.Literal("none"),
        Type.Literal("all"),
        Type.Array(Type.String(), { maxItems: 10000 }),
      ]),
    }),
    version: 1,
    key: "sku",
    publisher: "connector",
    summary:
      "A system stated how much there is at a location, and which reservations that number has already deducted.",
  },
  "exception.opened": {
    schema: entity("Exception opened", {
      exceptionId: Type.String({ maxLength: 64 }),
      subject: Type.String({ maxLength: 256 }),
      orderId: Type.Optional(OrderId),
      cause: Type.String({ maxLength: 64 }),
      summary: Type.String({ maxLength: 1000 }),
      doneSoFar: Type.Array(Type.String({ maxLength: 300 }), { maxItems: 100 }),
      ifNobodyActs: Type.String({ maxLength: 500 }),
      allowedActions: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 20 }),
      owner: Type.String({ maxLength: 64 }),
      atRisk: Type.Optional(Money),
      sku: Type.Optional(Sku),
      missingMilli: Type.Optional(Type.Integer({ minimum: 0 })),
      at: InstantText,
    }),
    version: 1,
    key: "subject",
    publisher: "workflow",
    summary: "Something needs a person: what happened, what is at risk, what may be done.",
  },
  "exception.decided": {
    schema: entity("Exception decided", {
      exceptionId: Type.String({ maxLength: 64 }),
      subject: Type.String({ maxLength: 256 }),
      orderId: Type.Optional(OrderId),
      action: Type.String({ maxLength: 64 }),
      decidedBy: Type.String({ maxLength: 120 }),
      reason: Type.Optional(Type.String({ maxLength: 1000 })),
      at: InstantText,
    }),
    version: 1,
    key: "subject",
    publisher: "operations",
    summary: "A person (or a declared policy) decided an exception.",
  },
} as const satisfies Record<string, EventType>

/** The type of an event, as it stands in the log. */
export type EventName = keyof typeof eventTypes
/** The data of an event of one type. */
export type EventData<Name extends EventName> = Static<(typeof eventTypes)[Name]["schema"]>

/**
 * A business fact on its way into the log. `fact` is the identity: the same fact is stored once, however often it arrives.
 * Build it from what identifies the fact in its system (system, object, version), never from a delivery id.
 */
export interface NewEvent<Name extends EventName = EventName> {
  type: Name
  fact: string
  source: string
  time: string
  data: EventData<Name>
  correlation?: string
  causation?: string
  traceparent?: string
}

/** Makes an event with its type checked against its data. */
export function newEvent<Name extends EventName>(event: NewEvent<Name>): NewEvent<Name> {
  return event
}

/** The ordering key of an event: the value of the field its catalogue entry names. */
export function eventKey(event: Pick<NewEvent, "type" | "data">): string {
  const value = (event.data as Record<string, unknown>)[eventTypes[event.type].key]
  return String(value)
}
