import { Type } from "typebox"
import type { Problem } from "../../base/errors.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { Purchase } from "../../canonical/events/stock.ts"
import { entity, InstantText, LocationId, Sku } from "../../canonical/parts.ts"
import { InboundShipment, PurchaseCancellation, PurchaseOrder } from "../../canonical/stock/purchasing.ts"
import { stockStates } from "../../canonical/stock/states.ts"
import { validator, type Validator } from "../../canonical/validate.ts"
import { hasControlCharacter } from "../../stock/columns.ts"

/** Who tells of purchases: its name, and the places that there are and that it may speak for. */
export interface Teller {
  consumer: string
  places: ReadonlySet<string>
  /** Undefined: all. */
  stores: readonly string[] | undefined
}

/** A row as a fact, or what is wrong with it. */
export type ReadRow = { event: NewEvent } | { problems: readonly Problem[] }

/** A purchase order as it is in one version: with `changedAt` it is a changed one. */
export const PurchaseOrderRequest = entity("Purchase order as told", {
  ...PurchaseOrder.properties,
  changedAt: Type.Optional(InstantText),
})

/** What came of a purchase order. */
export const GoodsReceipt = entity("Goods receipt", {
  fact: Type.String({ minLength: 1, maxLength: 128, description: "identifies the receipt in your system" }),
  ...Purchase.properties,
  sku: Sku,
  locationId: LocationId,
  milli: Type.Integer({ minimum: 1, maximum: 1_000_000_000_000, description: "thousandths of the unit" }),
  unit: Type.String({ minLength: 1, maxLength: 8 }),
  receivedAt: InstantText,
  state: Type.Optional(
    Type.Enum(stockStates, { description: "of goods that cannot be sold: damaged, in inspection and so on" }),
  ),
})

const orders = validator(PurchaseOrderRequest, "purchase order")
const cancellations = validator(PurchaseCancellation, "cancelled purchase order")
const shipments = validator(InboundShipment, "inbound shipment")
const receipts = validator(GoodsReceipt, "goods receipt")

/** Reads a purchase order, or its cancellation: that is a row with `cancelledAt`. */
export function readPurchaseOrder(row: unknown, teller: Teller): ReadRow {
  if (isObject(row) && "cancelledAt" in row)
    return reading(row, cancellations, {
      // Nobody can know from a cancellation for which places the goods were.
      check: () =>
        teller.stores ? [{ pointer: "", message: "only who speaks for all places may cancel a purchase order" }] : [],
      event: (data) => ({
        type: "purchaseOrder.cancelled",
        fact: `${sourceOf(teller)}:purchase:${data.purchaseOrderId}:${data.version}`,
        time: data.cancelledAt,
        source: sourceOf(teller),
        data,
      }),
    })
  return reading(row, orders, {
    check: ({ purchaseOrderId, lines }) => [
      ...nameProblems("/purchaseOrderId", purchaseOrderId),
      ...lines.flatMap((line, n) => goodsProblems(line, `/lines/${n}`, teller)),
      ...twice(lines.map(({ lineId }) => lineId)).map((n) => ({
        pointer: `/lines/${n}/lineId`,
        message: "is the number of an earlier line",
      })),
    ],
    event: ({ changedAt, ...order }) => ({
      fact: `${sourceOf(teller)}:purchase:${order.purchaseOrderId}:${order.version}`,
      source: sourceOf(teller),
      ...(changedAt === undefined
        ? { type: "purchaseOrder.placed" as const, time: order.placedAt, data: order }
        : { type: "purchaseOrder.changed" as const, time: changedAt, data: { ...order, changedAt } }),
    }),
  })
}

export function readInboundShipment(row: unknown, teller: Teller): ReadRow {
  return reading(row, shipments, {
    check: ({ inboundShipmentId, lines }) => [
      ...nameProblems("/inboundShipmentId", inboundShipmentId),
      ...(teller.stores && lines.length === 0
        ? [{ pointer: "/lines", message: "only who speaks for all places may take a notice back" }]
        : []),
      ...lines.flatMap((line, n) => goodsProblems(line, `/lines/${n}`, teller)),
    ],
    event: (data) => ({
      type: "inboundShipment.announced",
      fact: `${sourceOf(teller)}:inbound:${data.inboundShipmentId}:${data.version}`,
      time: data.announcedAt,
      source: sourceOf(teller),
      data,
    }),
  })
}

export function readGoodsReceipt(row: unknown, teller: Teller): ReadRow {
  return reading(row, receipts, {
    check: (receipt) => goodsProblems(receipt, "", teller),
    event: ({ fact, purchaseOrderId, lineId, inboundShipmentId, receivedAt, ...goods }) => ({
      type: "stock.moved",
      fact: `${sourceOf(teller)}:receipt:${fact}`,
      time: receivedAt,
      source: sourceOf(teller),
      data: {
        movement: "receipt",
        ...goods,
        movedAt: receivedAt,
        purchase: {
          purchaseOrderId,
          ...(lineId === undefined ? {} : { lineId }),
          ...(inboundShipmentId === undefined ? {} : { inboundShipmentId }),
        },
      },
    }),
  })
}

const sourceOf = ({ consumer }: Teller) => `api:${consumer}`

function reading<Value>(
  row: unknown,
  checked: Validator<Value>,
  how: { check: (value: Value) => readonly Problem[]; event: (value: Value) => NewEvent },
): ReadRow {
  const unfit = checked.problems(row)
  if (unfit.length > 0) return { problems: unfit }
  const value = checked.parse(row)
  const problems = how.check(value)
  return problems.length > 0 ? { problems: problems.slice(0, 50) } : { event: newEvent(how.event(value)) }
}

const isObject = (row: unknown): row is object => typeof row === "object" && row !== null

function goodsProblems(
  { sku, locationId }: { sku: string; locationId: string },
  at: string,
  { places, stores }: Teller,
): Problem[] {
  const place = `${at}/locationId`
  return [
    ...nameProblems(`${at}/sku`, sku),
    ...(places.has(locationId) ? [] : [{ pointer: place, message: `there is no place "${locationId}" in the estate` }]),
    ...(stores && !stores.includes(locationId)
      ? [{ pointer: place, message: `is none of your stores: ${stores.join(", ")}` }]
      : []),
  ]
}

function nameProblems(pointer: string, name: string): Problem[] {
  return hasControlCharacter(name) ? [{ pointer, message: "must not contain control characters" }] : []
}

/** Where a name stands that stood before. */
function twice(names: readonly string[]): number[] {
  const seen = new Set<string>()
  return names.flatMap((name, n) => {
    const isSeen = seen.has(name)
    seen.add(name)
    return isSeen ? [n] : []
  })
}
