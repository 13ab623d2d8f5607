import { compareInstants } from "../../base/time.ts"
import type { EventData, EventName } from "../../canonical/events.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"

/** The events that say what is ordered from suppliers, what is on its way, and what came. */
export const purchasingTypes = [
  "purchaseOrder.placed",
  "purchaseOrder.changed",
  "purchaseOrder.cancelled",
  "inboundShipment.announced",
  "stock.moved",
] as const satisfies readonly EventName[]

/** An event about goods from suppliers, and what its articles are called here, in the order in which it names them. */
export interface Told {
  event: StoredEvent
  skus: readonly string[]
  /** Of a receipt: whether its source has the last word on receipts. */
  isBooked: boolean
}

interface OrderRow {
  order_id: string
  version: number
  supplier_id: string | null
  placed_at: string
}

interface ReceiptRow {
  order_id: string
  line_id: string
  shipment_id: string
  sku: string
  location_id: string
  is_booked: boolean
  milli: number
  last_at: string
}

/** What a batch of events adds, as `on_order_keep` takes it. Quantities in thousandths. */
interface Fold {
  orders: OrderRow[]
  lines: object[]
  cancelled: { order_id: string; version: number }[]
  receipts: ReceiptRow[]
  shipments: { shipment_id: string; version: number; expected_on: string | null }[]
  announced: object[]
  sources: { source: string; heard_at: string }[]
}

type Placed = EventData<"purchaseOrder.placed">
type Announced = EventData<"inboundShipment.announced">
type Moved = EventData<"stock.moved">

/** Articles that an event names, in their order; none of an event that is not about goods from suppliers. */
export function articlesOf({ type, data }: Pick<StoredEvent, "type" | "data">): string[] {
  switch (type) {
    case "purchaseOrder.placed":
    case "purchaseOrder.changed":
    case "inboundShipment.announced":
      return (data as Placed | Announced).lines.map(({ sku }) => sku)
    case "stock.moved":
      return isReceipt(data as Moved) ? [(data as Moved).sku] : []
    default:
      return []
  }
}

/** Whether an event says anything of goods from suppliers. */
export function isOfPurchase({ type, data }: Pick<StoredEvent, "type" | "data">): boolean {
  return type !== "stock.moved" || isReceipt(data as Moved)
}

function isReceipt({ movement, purchase, milli }: Moved): boolean {
  return movement === "receipt" && purchase !== undefined && milli > 0
}

/** Of each order and notice the newest version, and the sums of receipts: in whatever order events come, the same. */
export function foldPurchases(told: readonly Told[]): Fold {
  const orders = new Newest<Told>()
  const cancelled = new Newest<Told>()
  const shipments = new Newest<Told>()
  const receipts = new Map<string, ReceiptRow>()
  const sources = new Map<string, string>()
  for (const one of told) {
    const { event } = one
    const heard = sources.get(event.source)
    if (heard === undefined || heard < event.recordedAt) sources.set(event.source, event.recordedAt)
    if (event.type === "stock.moved") addReceipt(receipts, one)
    else if (event.type === "purchaseOrder.cancelled")
      cancelled.add((event.data as EventData<"purchaseOrder.cancelled">).purchaseOrderId, one)
    else if (event.type === "inboundShipment.announced") shipments.add((event.data as Announced).inboundShipmentId, one)
    else orders.add((event.data as Placed).purchaseOrderId, one)
  }
  return {
    orders: orders.all().map(({ event }) => orderRow(event.data as Placed)),
    lines: orders.all().flatMap(({ event, skus }) => lineRows(event.data as Placed, skus)),
    cancelled: cancelled.all().map(({ event }) => {
      const { purchaseOrderId: order_id, version } = event.data as EventData<"purchaseOrder.cancelled">
      return { order_id, version }
    }),
    receipts: [...receipts.values()],
    shipments: shipments.all().map(({ event }) => {
      const { inboundShipmentId: shipment_id, version, expectedOn } = event.data as Announced
      return { shipment_id, version, expected_on: expectedOn ?? null }
    }),
    announced: shipments.all().flatMap(({ event, skus }) => announcedRows(event.data as Announced, skus)),
    sources: [...sources].map(([source, heard_at]) => ({ source, heard_at })),
  }
}

/** The first of the newest version counts, as in the tables. */
class Newest<One extends Told> {
  readonly #byId = new Map<string, One>()

  add(id: string, one: One): void {
    const known = this.#byId.get(id)
    if (!known || versionOf(known) < versionOf(one)) this.#byId.set(id, one)
  }

  all(): One[] {
    return [...this.#byId.values()]
  }
}

const versionOf = ({ event }: Told) => (event.data as { version: number }).version

function orderRow({ purchaseOrderId, version, supplierId, placedAt }: Placed): OrderRow {
  return { order_id: purchaseOrderId, version, supplier_id: supplierId ?? null, placed_at: placedAt }
}

function lineRows({ purchaseOrderId, lines }: Placed, skus: readonly string[]): object[] {
  return lines.map(({ lineId, sku, locationId, orderedMilli, expectedOn, isClosed = false }, n) => ({
    order_id: purchaseOrderId,
    line_id: lineId,
    sku: skus[n] ?? sku,
    location_id: locationId,
    ordered_milli: orderedMilli,
    expected_on: expectedOn ?? null,
    is_closed: isClosed,
  }))
}

/** Pallets and lots of one article are one row. */
function announcedRows({ inboundShipmentId, lines }: Announced, skus: readonly string[]): object[] {
  const rows = new Map<string, { milli: number }>()
  for (const [n, { purchaseOrderId, sku: named, locationId, milli }] of lines.entries()) {
    const sku = skus[n] ?? named
    const name = JSON.stringify([purchaseOrderId, sku, locationId])
    const row = { shipment_id: inboundShipmentId, order_id: purchaseOrderId, sku, location_id: locationId, milli }
    rows.set(name, { ...row, milli: milli + (rows.get(name)?.milli ?? 0) })
  }
  return [...rows.values()]
}

function addReceipt(receipts: Map<string, ReceiptRow>, { event, skus, isBooked }: Told): void {
  const { purchase, sku, locationId, milli, movedAt } = event.data as Moved
  if (!purchase) return
  const row: ReceiptRow = {
    order_id: purchase.purchaseOrderId,
    line_id: purchase.lineId ?? "",
    shipment_id: purchase.inboundShipmentId ?? "",
    sku: skus[0] ?? sku,
    location_id: locationId,
    is_booked: isBooked,
    milli,
    last_at: movedAt,
  }
  const name = JSON.stringify([row.order_id, row.line_id, row.shipment_id, row.sku, row.location_id, isBooked])
  const known = receipts.get(name)
  receipts.set(
    name,
    known
      ? {
          ...row,
          milli: known.milli + milli,
          last_at: compareInstants(known.last_at, movedAt) > 0 ? known.last_at : movedAt,
        }
      : row,
  )
}
