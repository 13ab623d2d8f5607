import { Type } from "typebox"
import { InstantText, LineQuantity, LocationId } from "../parts.ts"
import { ref } from "../refs.ts"
import { Shipment, ShipmentId, shipmentMilestones, Shortage } from "../shipment.ts"
import { aboutOrder, eventType, orderFact, trackingName } from "./event-type.ts"
import { later, onePiece, orderId } from "./example-order.ts"

const shipmentId = "wh-berlin-2001"

/** What happens to the goods of an order. */
export const shipmentEvents = {
  "shipment.confirmed": eventType({
    schema: orderFact("Shipment confirmed", { shipment: Shipment }),
    publisher: "connector",
    summary: "Goods left a location.",
    about: aboutOrder,
    mentions: ({ orderId, shipment }) => [ref("shipment", orderId, shipment.id), ref("location", shipment.locationId)],
    names: ({ shipment: { id, locationId, references = [], trackingNumber } }) => [
      { system: locationId, type: "shipment", id },
      ...trackingName(trackingNumber),
      ...references,
    ],
    example: {
      orderId,
      shipment: {
        id: shipmentId,
        orderId,
        locationId: "wh-berlin",
        shippedAt: later,
        carrier: "DHL",
        trackingNumber: "00340434161094042557",
        lines: onePiece,
      },
    },
  }),
  "shipment.milestone": eventType({
    schema: orderFact("Shipment milestone", {
      shipmentId: ShipmentId,
      milestone: Type.Enum(shipmentMilestones),
      carrier: Type.Optional(Type.String({ maxLength: 64 })),
      trackingNumber: Type.Optional(Type.String({ maxLength: 128 })),
      text: Type.Optional(Type.String({ maxLength: 500, description: "the carrier's own words" })),
      expectedAt: Type.Optional(InstantText),
      at: InstantText,
    }),
    publisher: "connector",
    summary: "A carrier or warehouse says where a parcel is.",
    about: aboutOrder,
    mentions: (data) => [ref("shipment", data.orderId, data.shipmentId)],
    names: ({ trackingNumber }) => trackingName(trackingNumber),
    example: {
      orderId,
      shipmentId,
      milestone: "out for delivery",
      carrier: "DHL",
      trackingNumber: "00340434161094042557",
      text: "The shipment has been loaded onto the delivery vehicle",
      expectedAt: "2026-11-22T11:00:00.000Z",
      at: "2026-11-22T07:12:00.000Z",
    },
  }),
  "shipment.delivered": eventType({
    schema: orderFact("Shipment delivered", { shipmentId: ShipmentId, deliveredAt: InstantText }),
    publisher: "connector",
    summary: "The carrier handed the goods over.",
    about: aboutOrder,
    mentions: (data) => [ref("shipment", data.orderId, data.shipmentId)],
    example: { orderId, shipmentId, deliveredAt: "2026-11-22T10:30:00.000Z" },
  }),
  "shipment.short": eventType({
    schema: orderFact("Shipment short", { shortage: Shortage }),
    publisher: "connector",
    summary: "A location was asked to ship goods it does not have.",
    about: aboutOrder,
    mentions: ({ shortage }) => [ref("location", shortage.locationId)],
    example: {
      orderId,
      shortage: { id: "short-1", orderId, locationId: "wh-berlin", noticedAt: later, lines: onePiece },
    },
  }),
  "goods.shipped": eventType({
    schema: orderFact("Goods shipped", {
      shipmentId: ShipmentId,
      locationId: LocationId,
      lines: Type.Array(LineQuantity, { minItems: 1, maxItems: 500 }),
      at: InstantText,
    }),
    publisher: "workflow",
    summary: "A shipment was taken out of the stock: so much of each line has left.",
    about: aboutOrder,
    mentions: (data) => [ref("shipment", data.orderId, data.shipmentId), ref("location", data.locationId)],
    example: { orderId, shipmentId, locationId: "wh-berlin", lines: onePiece, at: later },
  }),
} as const
