import { Type, type TProperties } from "typebox"
import { Money, money } from "../../base/money.ts"
import { pieces } from "../../base/quantity.ts"
import { eventType } from "../events/event-type.ts"
import { at, later, onePiece, orderId } from "../events/example-order.ts"
import {
  ChannelId,
  entity,
  InstantText,
  LineId,
  LineQuantity,
  linesMax,
  LocationId,
  OrderId,
  Reference,
  textMax,
} from "../parts.ts"
import { ref, type Ref } from "../refs.ts"
import {
  booksTracks,
  goodsTracks,
  InspectedLine,
  Inspection,
  moneyTracks,
  ReturnLine,
  ReturnObjection,
  waysBack,
} from "./parts.ts"

const ReturnId = Type.String({ pattern: "^ret_[0-9a-z]{16}$", description: "ret_ and 16 letters or digits" })
const By = Type.String({ minLength: 1, maxLength: 120 })
const Why = Type.String({ minLength: 1, maxLength: 500 })

const about = ({ returnId }: { returnId: string }): Ref => ref("return", returnId)
const mentions = ({ orderId: of }: { orderId?: string }): Ref[] => (of === undefined ? [] : [ref("order", of)])
const placed = (data: { orderId?: string; locationId?: string }): Ref[] => [
  ...mentions(data),
  ...(data.locationId === undefined ? [] : [ref("location", data.locationId)]),
]

/** The schema of a fact about one return, and perhaps about its order. */
const returnFact = <Properties extends TProperties>(title: string, properties: Properties) =>
  entity(title, { returnId: ReturnId, orderId: Type.Optional(OrderId), ...properties })

const returnId = "ret_0123456789abcdef"
const example = { returnId, orderId, by: "ada", at: later }

/** What happens to goods that come back, to their money and to the books. */
export const returnEvents = {
  "return.requested": eventType({
    schema: entity("Return requested", {
      returnId: ReturnId,
      orderId: OrderId,
      channel: Type.Optional(ChannelId),
      reference: Type.Optional(Reference),
      how: Type.Optional(Type.Enum(waysBack)),
      toLocationId: Type.Optional(LocationId),
      lines: Type.Optional(
        Type.Array(ReturnLine, {
          minItems: 1,
          maxItems: linesMax,
          description: "what is to come back; everything that the buyer has of the order where it is left out",
        }),
      ),
      // The order of what the buyer takes instead: only the difference is given back.
      exchangeOrderId: Type.Optional(OrderId),
      // A store takes goods over the counter in one act.
      takenOver: Type.Optional(Inspection),
      objections: Type.Optional(
        Type.Array(ReturnObjection, {
          maxItems: linesMax + 1,
          description:
            "what spoke against it when it was asked for: a repeat is answered the same; left out where nobody looked",
        }),
      ),
      reason: Why,
      requestedBy: By,
      requestedAt: InstantText,
    }),
    publisher: "gateway",
    summary: "Goods are to come back, or have come over a store's counter.",
    about,
    mentions: (data) => [
      ...mentions(data),
      ...(data.exchangeOrderId === undefined ? [] : [ref("order", data.exchangeOrderId)]),
    ],
    names: ({ reference }) => (reference ? [reference] : []),
    example: {
      returnId,
      orderId,
      channel: "shop-de",
      reference: { system: "returns-portal", type: "return", id: "R-1001-1" },
      how: "send back",
      lines: onePiece.map((line) => ({ ...line, reason: "too small" })),
      reason: "too small",
      requestedBy: "returns-portal",
      requestedAt: later,
    },
  }),
  "return.approved": eventType({
    schema: returnFact("Return approved", { by: By, reason: Type.Optional(Why), at: InstantText }),
    publisher: "workflow",
    summary: "The goods may come back.",
    about,
    mentions,
    example,
  }),
  "return.declined": eventType({
    schema: returnFact("Return declined", { by: By, reason: Why, at: InstantText }),
    publisher: "workflow",
    summary: "The goods may not come back, or nothing would be given for them.",
    about,
    mentions,
    example: { ...example, reason: "the window of 30 days is over" },
  }),
  "return.in-transit": eventType({
    schema: returnFact("Return in transit", {
      trackingNumber: Type.Optional(Type.String({ minLength: 1, maxLength: textMax })),
      by: By,
      at: InstantText,
    }),
    publisher: "gateway",
    summary: "The goods are on their way back.",
    about,
    mentions,
    names: ({ trackingNumber }) =>
      trackingNumber === undefined ? [] : [{ system: "carrier", type: "tracking number", id: trackingNumber }],
    example: { ...example, trackingNumber: "JD0002" },
  }),
  "return.received": eventType({
    schema: returnFact("Return received", {
      locationId: LocationId,
      lines: Type.Array(LineQuantity, { minItems: 1, maxItems: linesMax }),
      by: By,
      at: InstantText,
    }),
    publisher: "gateway",
    summary: "Goods of a return arrived and were counted. Nothing is given back before they are inspected.",
    about,
    mentions: placed,
    example: { ...example, locationId: "wh-berlin", lines: onePiece },
  }),
  "return.inspected": eventType({
    schema: returnFact("Return inspected", {
      locationId: LocationId,
      lines: Type.Array(InspectedLine, { minItems: 1, maxItems: linesMax }),
      isLast: Type.Optional(Type.Boolean({ description: "nothing more of this return comes" })),
      by: By,
      at: InstantText,
    }),
    publisher: "gateway",
    summary: "Whoever holds the goods says what they are like, and what becomes of them.",
    about,
    mentions: placed,
    example: {
      ...example,
      locationId: "wh-berlin",
      lines: onePiece.map((line) => ({ ...line, condition: "as new" as const, disposition: "sell here" as const })),
    },
  }),
  "return.cancelled": eventType({
    schema: returnFact("Return cancelled", { by: By, reason: Why, at: InstantText }),
    publisher: "gateway",
    summary: "The buyer keeps the goods after all. Once goods were taken it is too late.",
    about,
    mentions,
    example: { ...example, reason: "the buyer changed her mind" },
  }),
  "return.credited": eventType({
    schema: returnFact("Return credited", {
      round: Type.String({ minLength: 1, maxLength: 200, description: "the inspection whose goods it is for" }),
      lines: Type.Array(
        Type.Object(
          {
            what: Type.String({
              minLength: 1,
              maxLength: 64,
              description: "goods, shipping, restocking fee, return label",
            }),
            lineId: Type.Optional(LineId),
            quantity: Type.Optional(LineQuantity.properties.quantity),
            amount: Money,
            tax: Type.Optional(Money),
          },
          { additionalProperties: false },
        ),
        { maxItems: linesMax + 10, description: "signed: what is given back, and what is kept of it" },
      ),
      amount: Money,
      at: InstantText,
    }),
    publisher: "workflow",
    summary: "What is given back for goods that were inspected, line by line.",
    about,
    mentions,
    example: {
      returnId,
      orderId,
      round: "wms:return:ret_0123456789abcdef:inspected:1",
      lines: [
        { what: "goods", lineId: "9001", quantity: pieces(1), amount: money(1999, "EUR"), tax: money(319, "EUR") },
        { what: "return label", amount: money(-299, "EUR") },
      ],
      amount: money(1700, "EUR"),
      at: later,
    },
  }),
  "return.progressed": eventType({
    schema: returnFact("Return progressed", {
      goods: Type.Enum(goodsTracks),
      money: Type.Enum(moneyTracks),
      books: Type.Enum(booksTracks),
      due: Type.Optional(Money),
      givenBack: Type.Optional(Money),
      at: InstantText,
    }),
    publisher: "workflow",
    summary:
      "One of the three tracks of a return moved on: goods, money, books. `due` and `givenBack` are sums so far.",
    about,
    mentions,
    example: { returnId, orderId, goods: "put away", money: "given back", books: "credited", at },
  }),
} as const
