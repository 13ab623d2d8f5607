import { orderRequest } from "../../test/fixtures/order-flow.ts"
import type { Stage } from "../stage.ts"

/** A sound body of each operation that takes one, by its id; `{n}` is another number in each request. */
export function soundBodies(stage: Stage): Record<string, unknown> {
  return { ...orderBodies(stage), ...stockBodies(stage), ...peopleBodies() }
}

const later = () => new Date(Date.now() + 600_000).toISOString()

function orderBodies({ skus, locationId, orderId }: Stage): Record<string, unknown> {
  const [sku = "", other = sku] = skus
  const order = orderRequest({
    externalId: "F{n}",
    lines: [
      { sku, count: 1, totalMinor: 1210, discountMinor: 110 },
      { sku: other, count: 2, totalMinor: 2420, method: { method: "pickup", locationId } },
    ],
    shippingMinor: 495,
    tenders: [],
  })
  return {
    "POST /v1/orders": order,
    "POST /v1/orders/{id}/edits": { ...order, version: "2026-11-20T11:00:00Z" },
    "POST /v1/orders/{id}/cancellation": { reason: "fuzz", requestedBy: "fuzz", requestId: "f{n}" },
    "POST /v1/shipments": {
      id: "S{n}",
      orderId,
      locationId,
      shippedAt: "2026-11-20T12:00:00Z",
      carrier: "DHL",
      trackingNumber: "T{n}",
      lines: [{ lineId: "L1", quantity: { milli: 1000, unit: "ea" } }],
    },
  }
}

function stockBodies({ skus, locationId }: Stage): Record<string, unknown> {
  const [sku = "", other = sku] = skus
  const reservation = {
    key: "f{n}",
    owner: "cart",
    channel: "till",
    kind: "soft",
    expiresAt: later(),
    lines: [{ sku, locationId, milli: 1000 }],
  }
  const count = { kind: "count", sku: "FUZZ", locationId, countedMilli: 5000, includesReservations: "none" }
  return {
    "POST /v1/article-mappings": { channel: "till", article: "FUZZ-{n}", sku, reason: "fuzz" },
    "POST /v1/article-mappings/removal": { channel: "till", article: "FUZZ-{n}", reason: "fuzz" },
    "POST /v1/reservations": [reservation, { ...reservation, key: "g{n}" }],
    "POST /v1/availability/query": {
      items: [
        { sku, channel: "till" },
        { sku: other, locationId },
      ],
    },
    "POST /v1/stock-movements": {
      movements: [
        { fact: "m{n}", kind: "receipt", sku, locationId, milli: 1000, occurredAt: "2026-11-20T12:00:00Z" },
        { ...count, fact: "c{n}", occurredAt: later() },
      ],
    },
  }
}

function peopleBodies(): Record<string, unknown> {
  const reason = { reason: "fuzz" }
  return {
    "PUT /v1/consumers/{id}": {
      name: "Fuzz",
      owner: "fuzz",
      scopes: ["orders:read"],
      channels: ["till"],
      ratePerSecond: 5,
      burst: 5,
      apiVersion: "2026-11-01",
    },
    "POST /v1/consumers/{id}/keys": { expiresAt: later() },
    "POST /v1/connections/{id}/history": { since: "2026-11-20T10:00:00.000Z", reason: "fuzz" },
    "POST /v1/connections/{id}/pause": reason,
    "POST /v1/connections/{id}/resume": reason,
    "POST /v1/exceptions/{id}/decision": { action: "acknowledge", reason: "fuzz" },
  }
}
