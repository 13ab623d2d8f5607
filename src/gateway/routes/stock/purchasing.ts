import { Type, type TSchema } from "typebox"
import type { NewEvent } from "../../../canonical/events.ts"
import { entity } from "../../../canonical/parts.ts"
import { InboundShipment, PurchaseCancellation } from "../../../canonical/stock/purchasing.ts"
import {
  GoodsReceipt,
  PurchaseOrderRequest,
  readGoodsReceipt,
  readInboundShipment,
  readPurchaseOrder,
  type ReadRow,
  type Teller,
} from "../../requests/purchase-requests.ts"
import { AnyObject } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

/** What the routes of purchasing need. */
export interface PurchasingDesk {
  places: ReadonlySet<string>
  /** Durable when it resolves: one outcome per event, in their order. */
  tell(events: readonly NewEvent[]): Promise<("accepted" | "same as before" | "conflict")[]>
}

const governed = {
  tier: "system",
  owner: "inventory",
  criticality: "high",
  serviceLevel: { p99Ms: 250, availabilityPercent: 99.9 },
  credentials: "consumer",
  scope: "stock:write",
  // What is ordered from suppliers is of no channel.
  reach: "all channels",
  repeats: "natural key",
} as const

/** What is ordered from suppliers, what is on its way, and what came of it: in batches, with an outcome for each row. */
export function purchasingRoutes(desk: PurchasingDesk): Route[] {
  return [
    batchRoute(desk, {
      path: "/v1/purchase-orders",
      summary:
        "Tell of purchase orders, many at once: each as a whole in its version, or that it is cancelled. Each has its outcome; a version counts once.",
      name: "purchaseOrders",
      row: Type.Union([PurchaseOrderRequest, PurchaseCancellation]),
      read: readPurchaseOrder,
    }),
    batchRoute(desk, {
      path: "/v1/inbound-shipments",
      summary:
        "Tell what suppliers have on its way (ASN), many at once: each as a whole in its version; one without lines is taken back.",
      name: "inboundShipments",
      row: InboundShipment,
      read: readInboundShipment,
    }),
    batchRoute(desk, {
      path: "/v1/goods-receipts",
      summary:
        "Tell what came of purchase orders, many at once. It is booked as stock, also where nobody knows the order, and is no longer on order.",
      name: "receipts",
      row: GoodsReceipt,
      read: readGoodsReceipt,
    }),
  ]
}

function batchRoute(
  desk: PurchasingDesk,
  of: {
    path: string
    summary: string
    name: string
    row: TSchema
    read: (row: unknown, teller: Teller) => ReadRow
  },
): Route {
  return route({
    ...governed,
    method: "POST",
    path: of.path,
    summary: of.summary,
    rows: of.name,
    bodySchema: entity(`Batch of ${of.name}`, {
      // Each row is checked by itself: one that does not fit must not stop the others.
      [of.name]: Type.Array(Type.Union([of.row, Type.Unknown()]), { minItems: 1, maxItems: 500 }),
    }),
    bodyLimitBytes: 8 * 1024 * 1024,
    timeLimitMs: 30_000,
    responses: { 200: { description: "One result per row", schema: Type.Object({ results: Type.Array(AnyObject) }) } },
    cost: (body) => Math.ceil(rowsOf(body, of.name).length / 100),
    handle: async (exchange) => {
      const teller = { consumer: exchange.consumerId, places: desk.places, stores: exchange.stores }
      const read = rowsOf(exchange.body, of.name).map((row) => of.read(row, teller))
      const outcomes = await desk.tell(read.flatMap((one) => ("event" in one ? [one.event] : [])))
      let next = 0
      const results = read.map((one) =>
        "event" in one ? { outcome: outcomes[next++] } : { outcome: "refused", problems: one.problems },
      )
      return { status: 200, body: { results } }
    },
  })
}

/** The rows of a batch; the schema was checked. */
function rowsOf(body: object, name: string): readonly unknown[] {
  return (body as Record<string, readonly unknown[]>)[name] ?? []
}
