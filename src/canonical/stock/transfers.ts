import { Type } from "typebox"
import { Money, money } from "../../base/money.ts"
import { entity, InstantText, LocationId, Reference, Sku } from "../parts.ts"
import { ref } from "../refs.ts"
import { stockStates } from "./states.ts"
import { eventType } from "../events/event-type.ts"
import { at, later } from "../events/example-order.ts"

const Id = Type.String({ minLength: 1, maxLength: 64 })
const Unit = Type.String({ minLength: 1, maxLength: 8 })
const milliMax = 1_000_000_000_000

/** Goods of one article that are moved. */
export const MovedGoods = Type.Object(
  { sku: Sku, milli: Type.Integer({ minimum: 1, maximum: milliMax }), unit: Unit },
  { additionalProperties: false },
)

/** Goods as they arrived: without a state they can be sold. */
export const ReceivedGoods = Type.Object(
  { ...MovedGoods.properties, state: Type.Optional(Type.Enum(stockStates)) },
  { additionalProperties: false },
)

/** Goods that were found, or are gone. */
export const AdjustedGoods = Type.Object(
  {
    sku: Sku,
    milli: Type.Integer({
      minimum: -milliMax,
      maximum: milliMax,
      description: "thousandths; negative for what is gone",
    }),
    unit: Unit,
  },
  { additionalProperties: false },
)

const lines = { minItems: 1, maxItems: 500 }
const goods = { sku: "TEE-M", milli: 12_000, unit: "ea" }

/** Goods on their way between places, and stock that people set right. */
export const transferEvents = {
  "transfer.ordered": eventType({
    schema: entity("Transfer ordered", {
      transferId: Id,
      fromLocationId: LocationId,
      toLocationId: LocationId,
      lines: Type.Array(MovedGoods, lines),
      orderedBy: Type.String({ minLength: 1, maxLength: 120 }),
      orderedAt: InstantText,
      reference: Type.Optional(Reference),
    }),
    publisher: "gateway",
    summary: "Goods are to go from one place to another.",
    about: ({ transferId }) => ref("transfer", transferId),
    mentions: ({ fromLocationId, toLocationId }) => [ref("location", fromLocationId), ref("location", toLocationId)],
    names: ({ reference }) => (reference ? [reference] : []),
    example: {
      transferId: "tr-117-4",
      fromLocationId: "wh-berlin",
      toLocationId: "store-117",
      lines: [goods],
      orderedBy: "erp",
      orderedAt: at,
    },
  }),
  "transfer.shipped": eventType({
    schema: entity("Transfer shipped", {
      transferId: Id,
      lines: Type.Array(MovedGoods, lines),
      isLast: Type.Boolean({ description: "nothing more follows, also where less was shipped than ordered" }),
      shippedAt: InstantText,
    }),
    publisher: "gateway",
    summary: "Goods of a transfer left. They are nobody's to sell until they arrive.",
    about: ({ transferId }) => ref("transfer", transferId),
    example: { transferId: "tr-117-4", lines: [goods], isLast: true, shippedAt: at },
  }),
  "transfer.received": eventType({
    schema: entity("Transfer received", {
      transferId: Id,
      lines: Type.Array(ReceivedGoods, { maxItems: 500 }),
      isLast: Type.Boolean({ description: "everything that arrived is told: what is missing now is a difference" }),
      receivedAt: InstantText,
    }),
    publisher: "gateway",
    summary: "Goods of a transfer arrived, some of them perhaps damaged.",
    about: ({ transferId }) => ref("transfer", transferId),
    example: { transferId: "tr-117-4", lines: [goods], isLast: true, receivedAt: later },
  }),
  "adjustment.requested": eventType({
    schema: entity("Adjustment requested", {
      adjustmentId: Id,
      locationId: LocationId,
      state: Type.Optional(Type.Enum(stockStates)),
      lines: Type.Array(AdjustedGoods, lines),
      reason: Type.String({ minLength: 1, maxLength: 200 }),
      worth: Type.Optional(Money),
      requestedBy: Type.String({ minLength: 1, maxLength: 120 }),
      requestedAt: InstantText,
    }),
    publisher: "gateway",
    summary: "Somebody says that there is more or less at a place than is known, and why.",
    about: ({ adjustmentId }) => ref("adjustment", adjustmentId),
    mentions: ({ locationId, lines: all }) => all.map(({ sku }) => ref("stock", locationId, sku)),
    example: {
      adjustmentId: "adj-117-9",
      locationId: "store-117",
      lines: [{ sku: "TEE-M", milli: -3_000, unit: "ea" }],
      reason: "water damage in the cellar",
      worth: money(5_970, "EUR"),
      requestedBy: "m.keller@example.com",
      requestedAt: at,
    },
  }),
} as const
