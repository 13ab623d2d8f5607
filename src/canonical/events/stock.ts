import { Type } from "typebox"
import { ChannelId, entity, InstantText, LocationId, OrderId, Reference, Sku } from "../parts.ts"
import { ref } from "../refs.ts"
import { InboundShipmentId, PurchaseLineId, PurchaseOrderId } from "../stock/purchasing.ts"
import { stockStates } from "../stock/states.ts"
import { aboutOrder, eventType, orderFact } from "./event-type.ts"
import { at, orderId } from "./example-order.ts"

const milliMax = Number.MAX_SAFE_INTEGER
const Unit = Type.String({ maxLength: 8 })
const State = Type.Enum(stockStates)

/** What goods were ordered by. */
export const Purchase = entity("Purchase", {
  purchaseOrderId: PurchaseOrderId,
  lineId: Type.Optional(PurchaseLineId),
  inboundShipmentId: Type.Optional(InboundShipmentId),
})

/**
 * What happened to units at a place. A transfer is two facts: `shipped` puts the units in transit to the other place, `received` takes
 * them from there. A change of state stays at the place.
 */
export const movementKinds = [
  "receipt",
  "pick",
  "sale",
  "return",
  "adjustment",
  "transfer shipped",
  "transfer received",
  "change of state",
] as const
/** See `movementKinds`. */
export type MovementKind = (typeof movementKinds)[number]

/** Facts about stock from other systems. */
export const stockEvents = {
  "stock.counted": eventType({
    schema: entity("Stock counted", {
      sku: Sku,
      locationId: LocationId,
      countedMilli: Type.Integer({ minimum: 0, maximum: milliMax }),
      unit: Unit,
      countedAt: InstantText,
      includesReservations: Type.Union(
        [
          Type.Enum(["none", "all", "unknown"]),
          Type.Array(Type.String(), { maxItems: 10000 }),
          entity("Reservations until", { until: InstantText }),
        ],
        {
          description:
            "reservations that the number has deducted already; the connection's equation in the estate wins",
        },
      ),
      includesStates: Type.Optional(
        Type.Array(State, {
          maxItems: stockStates.length,
          description: "goods that cannot be sold and are in the number",
        }),
      ),
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
  "stock.moved": eventType({
    schema: entity("Stock moved", {
      movement: Type.Enum(movementKinds),
      sku: Sku,
      locationId: LocationId,
      state: Type.Optional(State),
      toLocationId: Type.Optional(LocationId),
      toState: Type.Optional(State),
      milli: Type.Integer({
        minimum: -milliMax,
        maximum: milliMax,
        description: "thousandths of the unit; only an adjustment may be negative",
      }),
      unit: Unit,
      movedAt: InstantText,
      reason: Type.Optional(Type.String({ maxLength: 200 })),
      // Our order that the units are for: its shipment is the movement, not this.
      orderId: Type.Optional(OrderId),
      transferId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
      // Of a receipt: what it was ordered by. The goods count also where nobody knows that order.
      purchase: Type.Optional(Purchase),
      document: Type.Optional(Reference),
      number: Type.Optional(
        entity("Number in a stream", {
          stream: Type.String({ minLength: 1, maxLength: 64, description: "what its system numbers without gaps" }),
          n: Type.Integer({ minimum: 1, maximum: milliMax }),
        }),
      ),
    }),
    publisher: "connector",
    summary: "Units came to a place, left it, moved on, or changed their state.",
    about: ({ locationId, sku }) => ref("stock", locationId, sku),
    mentions: ({ locationId, toLocationId, sku, transferId, purchase }) => [
      ref("location", locationId),
      ref("sku", sku),
      ...(toLocationId === undefined ? [] : [ref("stock", toLocationId, sku)]),
      ...(transferId === undefined ? [] : [ref("transfer", transferId)]),
      ...(purchase === undefined ? [] : [ref("purchaseOrder", purchase.purchaseOrderId)]),
    ],
    example: {
      movement: "receipt",
      sku: "TEE-M",
      locationId: "wh-berlin",
      milli: 48_000,
      unit: "ea",
      movedAt: at,
      purchase: { purchaseOrderId: "4500017", lineId: "10" },
      number: { stream: "wh-berlin", n: 8_412 },
    },
  }),
  "stock.shown": eventType({
    schema: entity("Stock shown", {
      channel: ChannelId,
      articleId: Type.String({ minLength: 1, maxLength: 128, description: "the channel's own id of the article" }),
      locationId: LocationId,
      availableMilli: Type.Integer({
        minimum: -Number.MAX_SAFE_INTEGER,
        maximum: Number.MAX_SAFE_INTEGER,
        description: "below zero where the channel sold more than it had",
      }),
      at: InstantText,
    }),
    publisher: "connector",
    summary: "A channel says that the stock it shows of an article has changed, by whomever.",
    about: ({ channel, articleId }) => ref("listing", channel, articleId),
    mentions: ({ locationId }) => [ref("location", locationId)],
    example: { channel: "shopify", articleId: "44000000001", locationId: "wh-berlin", availableMilli: 4000, at },
  }),
  "stock.threshold-crossed": eventType({
    schema: entity("Stock threshold crossed", {
      threshold: Type.String({ minLength: 1, maxLength: 64, description: "its name in policies.replenishment" }),
      sku: Sku,
      locationId: LocationId,
      side: Type.Enum(["below", "above"], {
        description: "below: there is less than the threshold now; above: there is enough again",
      }),
      milli: Type.Integer({ description: "what there is: what is free, or with what comes, as the threshold counts" }),
      levelMilli: Type.Integer({ description: "the threshold in thousandths of the unit" }),
      demandMilliPerDay: Type.Integer({ minimum: 0, description: "what is taken a day" }),
      daysOfCover: Type.Optional(Type.Number({ description: "absent where nothing sells" })),
      at: InstantText,
    }),
    publisher: "operations",
    summary: "A SKU at a place fell below a threshold, or came back above it. Told once for each crossing.",
    about: ({ locationId, sku }) => ref("stock", locationId, sku),
    mentions: ({ locationId, sku }) => [ref("location", locationId), ref("sku", sku)],
    example: {
      threshold: "low",
      sku: "TEE-M",
      locationId: "117",
      side: "below",
      milli: 4000,
      levelMilli: 5000,
      demandMilliPerDay: 1300,
      daysOfCover: 3.1,
      at,
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
