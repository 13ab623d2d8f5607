import { Type, type TProperties } from "typebox"
import { pieces, Quantity } from "../../base/quantity.ts"
import { eventType } from "../events/event-type.ts"
import { later, onePiece, orderId } from "../events/example-order.ts"
import {
  ChannelId,
  entity,
  InstantText,
  LineId,
  LineQuantity,
  linesMax,
  LocationId,
  OrderId,
  Sku,
  textMax,
} from "../parts.ts"
import { ref, type Ref } from "../refs.ts"
import { partsMax } from "../stock/made-of.ts"

const PickupId = Type.String({ pattern: "^pku_[0-9a-z]{16}$", description: "pku_ and 16 letters or digits" })
const By = Type.String({ minLength: 1, maxLength: 120 })
const Why = Type.String({ minLength: 1, maxLength: 500 })
const Lines = Type.Array(LineQuantity, { minItems: 1, maxItems: linesMax })

/** How a store knows that it is the buyer, or whom the buyer sent. */
export const handoverProofs = ["code", "identity document", "name and order number"] as const

/** A line of goods that a store gets ready. */
const PickupLine = Type.Object(
  {
    lineId: LineId,
    sku: Sku,
    title: Type.String({ maxLength: textMax }),
    quantity: Quantity,
    parts: Type.Optional(
      Type.Array(entity("Pickup part", { sku: Sku, quantity: Quantity }), {
        minItems: 1,
        maxItems: partsMax,
        description:
          "what is taken from the shelf for all of the line, where that is not the article itself: a kit's components",
      }),
    ),
  },
  { additionalProperties: false },
)

const about = ({ pickupId }: { pickupId: string }): Ref => ref("pickup", pickupId)
const mentions = (data: { orderId: string; locationId: string }): Ref[] => [
  ref("order", data.orderId),
  ref("location", data.locationId),
]

/** The schema of a fact about goods that a store gets ready. */
const pickupFact = <Properties extends TProperties>(title: string, properties: Properties) =>
  entity(title, { pickupId: PickupId, orderId: OrderId, locationId: LocationId, ...properties })

const example = {
  pickupId: "pku_0123456789abcdef",
  orderId,
  locationId: "store-117",
  by: "ada",
  at: later,
}

/** Events of pickups: goods that a store gets ready for a buyer or for a carrier. */
export const pickupEvents = {
  "pickup.requested": eventType({
    schema: pickupFact("Pickup requested", {
      channel: ChannelId,
      number: Type.String({ maxLength: textMax, description: "the order's number, as the buyer knows it" }),
      method: Type.Enum(["pickup", "ship"], { description: "a buyer collects it, or a carrier" }),
      lines: Type.Array(PickupLine, { minItems: 1, maxItems: linesMax }),
      readyBy: Type.Optional(InstantText),
      requestedAt: InstantText,
    }),
    publisher: "workflow",
    summary: "A store is to get goods of an order ready, by a time within its opening hours.",
    about,
    mentions,
    example: {
      pickupId: example.pickupId,
      orderId,
      locationId: example.locationId,
      channel: "shop-de",
      number: "#1001",
      method: "pickup",
      lines: onePiece.map(({ lineId, quantity }) => ({ lineId, sku: "TEE-M", title: "T-shirt M", quantity })),
      readyBy: later,
      requestedAt: later,
    },
  }),
  "pickup.accepted": eventType({
    schema: pickupFact("Pickup accepted", { by: By, at: InstantText }),
    publisher: "gateway",
    summary: "Somebody of the store has begun with it.",
    about,
    mentions,
    example,
  }),
  "pickup.picked": eventType({
    schema: pickupFact("Pickup picked", {
      found: Type.Optional(Lines),
      missing: Type.Optional(Lines),
      reason: Type.Optional(Why),
      by: By,
      at: InstantText,
    }),
    publisher: "gateway",
    summary: "The store found goods, or does not have them. Each report adds to those before it.",
    about,
    mentions,
    example: { ...example, found: onePiece },
  }),
  "pickup.rejected": eventType({
    schema: pickupFact("Pickup rejected", { reason: Why, by: By, at: InstantText }),
    publisher: "gateway",
    summary: "The store cannot do it; what it has not found yet is looked for elsewhere.",
    about,
    mentions,
    example: { ...example, reason: "the store is closed today" },
  }),
  "pickup.ready": eventType({
    schema: pickupFact("Pickup ready", { keptUntil: Type.Optional(InstantText), at: InstantText }),
    publisher: "workflow",
    summary: "All that the store has of it is ready. It is kept for the buyer until a day.",
    about,
    mentions,
    example: {
      pickupId: example.pickupId,
      orderId,
      locationId: example.locationId,
      keptUntil: "2026-11-26T17:00:00.000Z",
      at: later,
    },
  }),
  "pickup.handed-over": eventType({
    schema: pickupFact("Pickup handed over", {
      lines: Type.Optional(
        Type.Array(LineQuantity, { minItems: 1, maxItems: linesMax, description: "all that is ready, if left out" }),
      ),
      proof: Type.Optional(Type.Enum(handoverProofs)),
      to: Type.Optional(Type.String({ maxLength: textMax, description: "who took it, when not the buyer" })),
      carrier: Type.Optional(Type.String({ maxLength: textMax })),
      trackingNumber: Type.Optional(Type.String({ minLength: 1, maxLength: textMax })),
      by: By,
      at: InstantText,
    }),
    publisher: "gateway",
    summary: "The buyer has the goods, or the carrier.",
    about,
    mentions,
    names: ({ trackingNumber }) =>
      trackingNumber === undefined ? [] : [{ system: "carrier", type: "tracking number", id: trackingNumber }],
    example: { ...example, lines: [{ lineId: "9001", quantity: pieces(1) }], proof: "code" },
  }),
  "pickup.kept-longer": eventType({
    schema: pickupFact("Pickup kept longer", {
      until: InstantText,
      by: By,
      reason: Type.Optional(Why),
      at: InstantText,
    }),
    publisher: "gateway",
    summary: "The goods are kept for the buyer until a later day.",
    about,
    mentions,
    example: { ...example, until: "2026-11-30T17:00:00.000Z" },
  }),
  "pickup.expired": eventType({
    schema: pickupFact("Pickup expired", { at: InstantText }),
    publisher: "workflow",
    summary: "The buyer did not come in time: the goods go back to the shelf, and then the money to the buyer.",
    about,
    mentions,
    example: { pickupId: example.pickupId, orderId, locationId: example.locationId, at: later },
  }),
  "pickup.stopped": eventType({
    schema: pickupFact("Pickup stopped", { lines: Lines, at: InstantText }),
    publisher: "workflow",
    summary: "Goods of it are not wanted any more. What a buyer has already is not stopped.",
    about,
    mentions,
    example: { pickupId: example.pickupId, orderId, locationId: example.locationId, lines: onePiece, at: later },
  }),
  "pickup.put-back": eventType({
    schema: pickupFact("Pickup put back", {
      lines: Type.Optional(
        Type.Array(LineQuantity, { minItems: 1, maxItems: linesMax, description: "all of it, if left out" }),
      ),
      by: By,
      at: InstantText,
    }),
    publisher: "gateway",
    summary: "Goods that nobody takes are back on their shelf.",
    about,
    mentions,
    example,
  }),
} as const
