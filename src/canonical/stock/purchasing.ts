import { Type, type Static } from "typebox"
import { isMoment } from "../../base/time.ts"
import { entity, InstantText, LocationId, Sku } from "../parts.ts"
import { ref } from "../refs.ts"
import { eventType } from "../events/event-type.ts"
import { at, later } from "../events/example-order.ts"

const milliMax = 1_000_000_000_000
const Id = (description: string) => Type.String({ minLength: 1, maxLength: 64, description })
const Unit = Type.String({ minLength: 1, maxLength: 8 })

/** The retailer's own number of a purchase order, the same in every system: a warehouse names it on its receipts. */
export const PurchaseOrderId = Id("the retailer's number of the purchase order, the same in every system")
/** The number of a line within its purchase order. */
export const PurchaseLineId = Id("the line's number within its order")
/** The supplier's or the books' number of what is on its way. */
export const InboundShipmentId = Id("the number of the shipping notice (ASN)")
const Version = Type.Integer({
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
  description: "rises with each change; one that is not newer than what is known changes nothing",
})

/** A day that exists: the views of the log store it as one. */
const ExpectedOn = Type.Refine(
  Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$", description: "YYYY-MM-DD, when the goods should be there" }),
  (text: string) => isMoment(`${text}T00:00:00Z`),
  () => "is not a day of the calendar",
)

/** What is ordered of one article for one place. */
const PurchaseLine = entity("Purchase order line", {
  lineId: PurchaseLineId,
  sku: Sku,
  locationId: LocationId,
  orderedMilli: Type.Integer({ minimum: 0, maximum: milliMax, description: "thousandths of the unit" }),
  unit: Unit,
  expectedOn: Type.Optional(ExpectedOn),
  isClosed: Type.Optional(
    Type.Boolean({ description: "nothing more is expected on it, also where less came than was ordered" }),
  ),
})

const order = {
  purchaseOrderId: PurchaseOrderId,
  version: Version,
  supplierId: Type.Optional(Id("the supplier, as the retailer calls it")),
  placedAt: InstantText,
  lines: Type.Array(PurchaseLine, { minItems: 1, maxItems: 2000 }),
}
/** Goods ordered from a supplier, as a whole in one version. */
export const PurchaseOrder = entity("Purchase order", order)
export type PurchaseOrder = Static<typeof PurchaseOrder>

const ChangedPurchaseOrder = entity("Changed purchase order", { ...order, changedAt: InstantText })

/** Nothing more is expected of an order; a newer version of it counts again. */
export const PurchaseCancellation = entity("Cancelled purchase order", {
  purchaseOrderId: PurchaseOrderId,
  version: Version,
  cancelledAt: InstantText,
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
})

/** What a supplier says is on its way (ASN), as a whole: a newer version replaces the one before. */
export const InboundShipment = entity("Inbound shipment", {
  inboundShipmentId: InboundShipmentId,
  version: Version,
  announcedAt: InstantText,
  expectedOn: Type.Optional(ExpectedOn),
  lines: Type.Array(
    entity("Inbound shipment line", {
      purchaseOrderId: PurchaseOrderId,
      sku: Sku,
      locationId: LocationId,
      milli: Type.Integer({ minimum: 1, maximum: milliMax, description: "thousandths of the unit" }),
      unit: Unit,
    }),
    { maxItems: 2000, description: "empty: nothing of it comes any more" },
  ),
})
export type InboundShipment = Static<typeof InboundShipment>

type OfOrder = Pick<PurchaseOrder, "purchaseOrderId" | "lines"> & { supplierId?: string }

const aboutPurchase = ({ purchaseOrderId }: { purchaseOrderId: string }) => ref("purchaseOrder", purchaseOrderId)

function mentioned({ supplierId, lines }: OfOrder) {
  const places = new Set(lines.map(({ locationId }) => locationId))
  return [
    ...[...places].map((place) => ref("location", place)),
    ...(supplierId === undefined ? [] : [ref("supplier", supplierId)]),
  ]
}

const example: PurchaseOrder = {
  purchaseOrderId: "4500017",
  version: 1,
  supplierId: "S-204",
  placedAt: at,
  lines: [
    { lineId: "10", sku: "TEE-M", locationId: "wh-berlin", orderedMilli: 48_000, unit: "ea", expectedOn: "2026-12-04" },
  ],
}

/** What was ordered from suppliers and is on its way from them. What came is `stock.moved`, which names the order. */
export const purchasingEvents = {
  "purchaseOrder.placed": eventType({
    schema: PurchaseOrder,
    publisher: "connector",
    summary: "Goods were ordered from a supplier: how much of what, for which place and day.",
    about: aboutPurchase,
    mentions: mentioned,
    example,
  }),
  "purchaseOrder.changed": eventType({
    schema: ChangedPurchaseOrder,
    publisher: "connector",
    summary: "A purchase order is different now. It is told as a whole, as it is in this version.",
    about: aboutPurchase,
    mentions: mentioned,
    example: { ...example, version: 2, changedAt: later },
  }),
  "purchaseOrder.cancelled": eventType({
    schema: PurchaseCancellation,
    publisher: "connector",
    summary: "Nothing more is expected of a purchase order. What came of it stays.",
    about: aboutPurchase,
    example: { purchaseOrderId: "4500017", version: 3, cancelledAt: later, reason: "the supplier cannot deliver" },
  }),
  "inboundShipment.announced": eventType({
    schema: InboundShipment,
    publisher: "connector",
    summary: "A supplier says what of purchase orders is on its way (ASN), and when it will be there.",
    about: ({ inboundShipmentId }) => ref("inboundShipment", inboundShipmentId),
    mentions: ({ lines }) =>
      [...new Set(lines.map(({ purchaseOrderId }) => purchaseOrderId))].map((id) => ref("purchaseOrder", id)),
    example: {
      inboundShipmentId: "ASN-88213",
      version: 1,
      announcedAt: later,
      expectedOn: "2026-12-03",
      lines: [{ purchaseOrderId: "4500017", sku: "TEE-M", locationId: "wh-berlin", milli: 40_000, unit: "ea" }],
    },
  }),
} as const
