import { Type } from "typebox"
import { Quantity } from "../../base/quantity.ts"
import { InstantText, LineId, LineQuantity, linesMax, LocationId, textMax } from "../parts.ts"
import { ref, Ref } from "../refs.ts"
import { Shipment, ShipmentId, shipmentMilestones, Shortage } from "../shipment.ts"
import { aboutOrder, eventType, orderFact, trackingName } from "./event-type.ts"
import { later, onePiece, orderId } from "./example-order.ts"

const shipmentId = "wh-berlin-2001"

const parcelEnd = {
  shipmentId: ShipmentId,
  lines: Type.Array(LineQuantity, { maxItems: linesMax, description: "the goods in it" }),
  reason: Type.Optional(Type.String({ maxLength: 500 })),
  at: InstantText,
}

const shipmentRef = (data: { orderId: string; shipmentId?: string }) =>
  data.shipmentId === undefined ? [] : [ref("shipment", data.orderId, data.shipmentId)]

/** Units of lines, with the claims on the order's account that they settle. */
const ReturnedLines = Type.Array(
  Type.Object(
    {
      lineId: LineId,
      quantity: Quantity,
      claim: Type.Optional(
        Type.String({ minLength: 1, maxLength: 128, description: "the claim on the order's account it settles" }),
      ),
      receipt: Type.Optional(
        Type.String({ minLength: 1, maxLength: 128, description: "the claim that says that they are back" }),
      ),
    },
    { additionalProperties: false },
  ),
  { minItems: 1, maxItems: linesMax },
)

/** What happens to the goods of an order. */
export const shipmentEvents = {
  "shipment.confirmed": eventType({
    schema: orderFact("Shipment confirmed", { shipment: Shipment }),
    publisher: "connector",
    summary: "Goods left a location.",
    about: aboutOrder,
    mentions: ({ orderId, shipment }) => [
      ref("shipment", orderId, shipment.id),
      ref("location", shipment.locationId),
      ref("delivery", orderId),
    ],
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
      shipmentId: Type.Optional(ShipmentId),
      fulfilmentId: Type.Optional(Type.String({ maxLength: 256, description: "the channel's id of its fulfilment" })),
      trackingNumber: Type.Optional(Type.String({ maxLength: textMax })),
      milestone: Type.Enum(shipmentMilestones),
      carrier: Type.Optional(Type.String({ maxLength: textMax })),
      place: Type.Optional(Type.String({ maxLength: 200, description: "where it happened, in the carrier's words" })),
      text: Type.Optional(Type.String({ maxLength: 500, description: "the carrier's own words" })),
      signedBy: Type.Optional(Type.String({ maxLength: 200 })),
      expectedAt: Type.Optional(InstantText),
      at: InstantText,
    }),
    publisher: "connector",
    summary:
      "A carrier, a warehouse or a channel says what happened to a parcel. It names the parcel by one id at least.",
    about: aboutOrder,
    mentions: (data) => [...shipmentRef(data), ref("delivery", data.orderId)],
    names: ({ trackingNumber }) => trackingName(trackingNumber),
    example: {
      orderId,
      shipmentId,
      trackingNumber: "00340434161094042557",
      milestone: "out for delivery",
      carrier: "DHL",
      place: "Berlin",
      text: "The shipment has been loaded onto the delivery vehicle",
      expectedAt: "2026-11-22T11:00:00.000Z",
      at: "2026-11-22T07:12:00.000Z",
    },
  }),
  "shipment.delivered": eventType({
    schema: orderFact("Shipment delivered", {
      shipmentId: ShipmentId,
      signedBy: Type.Optional(Type.String({ maxLength: 200 })),
      deliveredAt: InstantText,
    }),
    publisher: "workflow",
    summary: "The buyer has a parcel. Told once for each shipment, however often carriers report it.",
    about: aboutOrder,
    mentions: shipmentRef,
    example: { orderId, shipmentId, signedBy: "J. Jansen", deliveredAt: "2026-11-22T10:30:00.000Z" },
  }),
  "shipment.came-back": eventType({
    schema: orderFact("Shipment came back", parcelEnd),
    publisher: "workflow",
    summary: "The carrier brought a parcel back: the goods are with the sender, and the buyer has paid for them.",
    about: aboutOrder,
    mentions: shipmentRef,
    example: { orderId, shipmentId, lines: onePiece, reason: "address unknown", at: "2026-11-27T09:00:00.000Z" },
  }),
  "shipment.lost": eventType({
    schema: orderFact("Shipment lost", parcelEnd),
    publisher: "workflow",
    summary:
      "People decided to treat a parcel as lost. It may still turn up, and is then reported as delivered or come back.",
    about: aboutOrder,
    mentions: shipmentRef,
    example: { orderId, shipmentId, lines: onePiece, at: "2026-12-04T09:00:00.000Z" },
  }),
  "shipment.short": eventType({
    schema: orderFact("Shipment short", { shortage: Shortage }),
    publisher: "connector",
    summary: "A location reported that it does not have goods it was asked to ship.",
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
      lines: Type.Array(LineQuantity, { minItems: 1, maxItems: linesMax }),
      at: InstantText,
    }),
    publisher: "workflow",
    summary: "The goods of a shipment were taken out of the stock.",
    about: aboutOrder,
    mentions: (data) => [ref("shipment", data.orderId, data.shipmentId), ref("location", data.locationId)],
    example: { orderId, shipmentId, locationId: "wh-berlin", lines: onePiece, at: later },
  }),
  "goods.returned": eventType({
    schema: orderFact("Goods returned", {
      of: Ref,
      locationId: Type.Optional(LocationId),
      disposition: Type.Enum(["back in stock", "set aside", "left to the warehouse", "not restocked"], {
        description:
          "whether Crossdock added them to the stock, to sell or in a state in which nobody sells them, the place reports them itself, or they are on no shelf: the buyer may have kept them",
      }),
      lines: ReturnedLines,
      at: InstantText,
    }),
    publisher: "workflow",
    summary: "Units of an order were given back: to a location, or the buyer keeps them and has the money.",
    about: aboutOrder,
    mentions: ({ of, locationId }) => [of, ...(locationId === undefined ? [] : [ref("location", locationId)])],
    example: {
      orderId,
      of: ref("credit", `${orderId}-c4hq0n2kd`),
      locationId: "store-117",
      disposition: "back in stock",
      lines: onePiece.map((line) => ({ ...line, claim: "rt_0123456789abcdef" })),
      at: later,
    },
  }),
  "goods.return-voided": eventType({
    schema: orderFact("Return of goods voided", {
      of: Ref,
      lines: ReturnedLines,
      at: InstantText,
    }),
    publisher: "workflow",
    summary:
      "A till voided its receipt that had taken units of an order back: the buyer has them, and they may come back.",
    about: aboutOrder,
    mentions: ({ of }) => [of],
    example: {
      orderId,
      of: ref("sale", "store-117", "3", "2026-11-20", "1", "10442"),
      lines: onePiece.map((line) => ({ ...line, claim: "tb_0123456789abcdef:c" })),
      at: later,
    },
  }),
} as const
