import { Type, type Static, type TSchema } from "typebox"
import { AppError } from "../../base/errors.ts"
import type { MovementKind } from "../../canonical/events/stock.ts"
import { InstantText, LocationId, OrderId, Sku, textMax, type Address } from "../../canonical/parts.ts"
import type { ShipmentMilestone } from "../../canonical/shipment.ts"
import { InboundShipmentId, PurchaseOrderId } from "../../canonical/stock/purchasing.ts"
import type { StockState } from "../../canonical/stock/states.ts"
import { validator } from "../../canonical/validate.ts"

// docs/reference/http-json-systems.md, "Warehouse".

export interface ShipmentRequest {
  requestId: string
  orderId: string
  orderNumber: string
  locationId: string
  method: "ship" | "pickup"
  promisedBy?: string
  shipTo: Address
  lines: RequestedLine[]
}

export interface RequestedLine {
  lineId: string
  sku: string
  quantityMilli: number
  unit: string
  /** What a kit is on the shelf, for the whole of `quantityMilli`. */
  components?: { sku: string; quantityMilli: number; unit: string }[]
}

const Text = Type.String({ minLength: 1 })
const Milli = Type.Integer({ minimum: 0 })

const Accepted = Type.Object({ requestId: Text, warehouseReference: Text })

const RequestView = Type.Object({
  requestId: Text,
  warehouseReference: Text,
  orderId: Text,
  locationId: Text,
  lines: Type.Array(
    Type.Object({
      lineId: Text,
      sku: Text,
      quantityMilli: Milli,
      shippedMilli: Milli,
      cancelledMilli: Milli,
      missingMilli: Milli,
    }),
  ),
})
export type RequestView = Static<typeof RequestView>

const CancellationAnswer = Type.Object({
  cancelled: Type.Array(Type.Object({ lineId: Text, quantityMilli: Milli })),
  refused: Type.Array(Type.Object({ lineId: Text, quantityMilli: Milli })),
})
export type CancellationAnswer = Static<typeof CancellationAnswer>

const event = { type: Text, eventId: Text, occurredAt: InstantText }
const Unit = Type.String({ minLength: 1, maxLength: 8 })

export const AnyEvent = Type.Object(event)

export const ShippedEvent = Type.Object({
  ...event,
  shipmentId: Type.String({ minLength: 1, maxLength: 64 }),
  requestId: Text,
  orderId: OrderId,
  locationId: Text,
  carrier: Type.Optional(Type.String({ maxLength: textMax })),
  trackingNumber: Type.Optional(Type.String({ maxLength: textMax })),
  trackingUrl: Type.Optional(Type.String({ maxLength: 2048 })),
  lines: Type.Array(Type.Object({ lineId: Text, sku: Text, quantityMilli: Milli, unit: Unit }), { minItems: 1 }),
})

export const MilestoneEvent = Type.Object({
  ...event,
  shipmentId: Type.String({ minLength: 1, maxLength: 64 }),
  orderId: OrderId,
  milestone: Text,
  carrier: Type.Optional(Type.String({ maxLength: textMax })),
  trackingNumber: Type.Optional(Type.String({ maxLength: textMax })),
  place: Type.Optional(Type.String({ maxLength: 200 })),
  text: Type.Optional(Type.String({ maxLength: 500 })),
  signedBy: Type.Optional(Type.String({ maxLength: 200 })),
  expectedAt: Type.Optional(InstantText),
})

/** The milestones of the protocol, as we call them. */
export const milestones: Readonly<Record<string, ShipmentMilestone>> = {
  "label-made": "announced",
  "handed-over": "picked up",
  "in-transit": "in transit",
  "out-for-delivery": "out for delivery",
  "attempt-failed": "attempt failed",
  "delivery-failed": "delivery failed",
  "ready-for-pickup": "ready for collection",
  delivered: "delivered",
  delayed: "delayed",
  damaged: "damaged",
  lost: "lost",
  returning: "returning to sender",
  returned: "returned to sender",
}

export const ShortEvent = Type.Object({
  ...event,
  requestId: Text,
  orderId: OrderId,
  locationId: Text,
  lines: Type.Array(Type.Object({ lineId: Text, sku: Text, missingMilli: Milli, unit: Unit }), { minItems: 1 }),
})

/** A count has thousands of lines, so each line is checked on its own. */
export const CountedEvent = Type.Object({ ...event, locationId: LocationId, lines: Type.Array(Type.Unknown()) })

const milliMax = 1_000_000_000_000

export const CountedLine = Type.Object({
  sku: Sku,
  onHandMilli: Type.Integer({ minimum: 0, maximum: milliMax }),
  unit: Unit,
})

/** The movements of the protocol, as we call them. */
export const movements: Readonly<Record<string, MovementKind>> = {
  received: "receipt",
  picked: "pick",
  sold: "sale",
  returned: "return",
  adjusted: "adjustment",
  "transfer-shipped": "transfer shipped",
  "transfer-received": "transfer received",
  "state-changed": "change of state",
}

/** The states of goods in the protocol, as we call them. */
export const states: Readonly<Record<string, StockState>> = {
  damaged: "damaged",
  inspection: "in-inspection",
  blocked: "blocked",
}

export const MovedEvent = Type.Object({
  ...event,
  movement: Text,
  movementNumber: Type.Integer({ minimum: 1 }),
  locationId: LocationId,
  state: Type.Optional(Text),
  toLocationId: Type.Optional(LocationId),
  toState: Type.Optional(Text),
  orderId: Type.Optional(OrderId),
  transferId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  purchaseOrderId: Type.Optional(PurchaseOrderId),
  inboundShipmentId: Type.Optional(InboundShipmentId),
  reason: Type.Optional(Type.String({ maxLength: 200 })),
  lines: Type.Array(Type.Unknown(), { minItems: 1 }),
})

export const MovedLine = Type.Object({
  sku: Sku,
  quantityMilli: Type.Integer({ minimum: 1, maximum: milliMax }),
  unit: Unit,
})

export const AdjustedLine = Type.Object({
  sku: Sku,
  quantityMilli: Type.Integer({ minimum: -milliMax, maximum: milliMax }),
  unit: Unit,
})

const StockAnswer = Type.Object({
  asOf: InstantText,
  rows: Type.Array(Type.Object({ sku: Sku, onHandMilli: Milli, unit: Unit })),
  next: Type.Optional(Type.String()),
})

const reader = <Schema extends TSchema>(schema: Schema, name: string) => {
  const checked = validator(schema, name)
  return (body: unknown): Static<Schema> => {
    const problems = checked.problems(body)
    if (problems.length > 0) throw new AppError("VENDOR_MISBEHAVED", `a ${name} is not as documented`, { problems })
    return checked.parse(body)
  }
}

export const readAccepted = reader(Accepted, "shipment request answer")
export const readRequestView = reader(RequestView, "shipment request")
export const readCancellation = reader(CancellationAnswer, "cancellation answer")
export const readStockAnswer = reader(StockAnswer, "page of stock")
