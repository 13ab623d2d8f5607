import { createHmac } from "node:crypto"
import { squareMerchant, squareToken } from "../../lab/square/api.ts"
import { giveBack } from "../../lab/square/refunds.ts"
import { ringUp } from "../../lab/square/register.ts"
import { createLog } from "../../src/base/log.ts"
import { instant, systemClock } from "../../src/base/time.ts"
import { square } from "../../src/connectors/square/connector.ts"
import type { Delivery } from "../../src/ports/capabilities/intake.ts"
import type { DeliverySubject } from "../../src/ports/delivery-laws.ts"

// Notifications as Square documents them, and orders with what they name as the connection reads them, signed alike.

const [key, another] = ["a signature key of the laws", "another key"]
const notificationUrl = "https://crossdock.example/hooks/square"
const connectionId = "square"
const locationId = "L1"
const at = "2026-11-20T10:00:00.000Z"

let ids = 0
const nextId = (length: number) => `id${(ids += 1)}`.padEnd(length, "x")
const sale = ringUp(
  {
    locationId,
    at,
    lines: [{ variationId: "V1", price: 1999, quantity: "2", modifiers: [{ name: "wrap", price: 100 }] }],
    tax: { name: "VAT", percentage: 21, type: "ADDITIVE" },
    discount: { name: "Staff", percentage: 10 },
    tip: 200,
    tenders: [{ type: "CARD" }],
  },
  nextId,
)
const back = giveBack(
  sale.order,
  { orderId: sale.order.id, lines: [{ line: 0, quantity: 1 }], at },
  { nextId, sourceType: "CARD" },
)
const read = (order: object, more: object = {}) => ({
  type: "crossdock.order.read",
  order,
  payments: sale.payments,
  refunds: [back.refund],
  skus: { V1: "SKU-1" },
  sources: { [sale.order.id]: locationId },
  ...more,
})
const told = (type: string, object: object) => {
  return { merchant_id: squareMerchant, type, event_id: nextId(20), created_at: at, data: { type: "any", object } }
}
const updated = { order_id: sale.order.id, location_id: locationId, state: "COMPLETED", version: 2, updated_at: at }

const bodies: readonly object[] = [
  read(sale.order),
  read(back.order),
  ...["PENDING", "FAILED", "REJECTED", "NEW"].map((status) =>
    read(back.order, { refunds: [{ ...back.refund, status }] }),
  ),
  read(sale.order, { skus: {} }),
  read({ ...sale.order, state: "OPEN" }),
  read({ ...sale.order, location_id: "L9" }),
  told("order.updated", { order_updated: updated }),
  told("order.created", { order_created: { ...updated, state: "OPEN" } }),
  told("order.fulfillment.updated", { order_fulfillment_updated: updated }),
  told("payment.updated", { payment: sale.payments[0] }),
  told("refund.updated", { refund: back.refund }),
]

function delivered(body: object): Delivery {
  const text = JSON.stringify(body)
  const signature = createHmac("sha256", key)
    .update(notificationUrl + text)
    .digest("base64")
  return {
    connection: connectionId,
    via: "webhook",
    headers: { "x-square-hmacsha256-signature": signature },
    bytes: new TextEncoder().encode(text),
    receivedAt: instant(systemClock.now()),
  }
}

export function squareDeliveries(): DeliverySubject {
  const receives = (signatureKeys: string[]) =>
    square.connect(
      {
        baseUrl: "http://127.0.0.1:9",
        allowPrivateNetwork: true,
        accessToken: squareToken,
        notificationUrl,
        signatureKeys,
        locations: { [locationId]: { storeId: "store-1" } },
      },
      { connectionId, clock: systemClock, log: createLog("laws", "silent") },
    ).receivesDeliveries
  return {
    name: "square",
    receives: receives([key]),
    duringRotation: receives([another, key]),
    withWrongSecret: receives([another]),
    deliveries: bodies.map(delivered),
    nowMs: systemClock.now(),
    signsTime: false,
  }
}
