import { derivedId } from "../base/ids.ts"
import { money } from "../base/money.ts"
import { pieces } from "../base/quantity.ts"
import type { EventData, EventName } from "./events.ts"
import type { Order, Tender } from "./order.ts"
import type { MoneyPair } from "./parts.ts"

const at = "2026-11-20T21:39:00.000Z"
const later = "2026-11-20T22:10:00.000Z"
const orderId = derivedId("ord", "shop-de", "5678901234567")

const euro = (amountMinor: number): MoneyPair => ({
  shop: money(amountMinor, "EUR"),
  presentment: money(amountMinor, "EUR"),
})

const tender: Tender = {
  id: "7001",
  kind: "card",
  provider: "stripe",
  state: "authorised",
  amount: euro(4488),
  reference: "pi_3QExample",
}

/** A plain order: two shirts less 10 %, and shipping; prices include 19 % tax. Documentation and tests build on it. */
export const exampleOrder: Order = {
  id: orderId,
  channel: "shop-de",
  externalId: "5678901234567",
  number: "#1001",
  version: at,
  placedAt: at,
  currency: { shop: "EUR", presentment: "EUR" },
  taxesIncluded: true,
  customer: { email: "ada@example.com", name: "Ada Jansen", locale: "de-DE" },
  shippingAddress: {
    name: "Ada Jansen",
    line1: "Torstraße 1",
    postalCode: "10119",
    city: "Berlin",
    countryCode: "DE",
  },
  lines: [
    {
      id: "9001",
      sku: "TEE-M",
      title: "T-shirt, medium",
      quantity: pieces(2),
      unitPriceText: "22.21",
      gross: euro(4442),
      discounts: [{ scope: "order", title: "AUTUMN10", amount: euro(444) }],
      taxes: [{ title: "MwSt 19%", ratePercent: "19", amount: euro(638) }],
      total: euro(3998),
      fulfilment: { method: "ship" },
    },
  ],
  charges: [
    {
      id: "8001",
      kind: "shipping",
      title: "Standard",
      gross: euro(490),
      discounts: [],
      taxes: [{ title: "MwSt 19%", ratePercent: "19", amount: euro(78) }],
      total: euro(490),
    },
  ],
  cashRounding: euro(0),
  total: euro(4488),
  tenders: [tender],
  references: [{ system: "shop-de", type: "order", id: "gid://shopify/Order/5678901234567" }],
}

const onePiece = [{ lineId: "9001", quantity: pieces(1) }]

/** A valid example of every event, as its documentation shows it. */
export const eventExamples: { readonly [Name in EventName]: EventData<Name> } = {
  "order.placed": { orderId, order: exampleOrder },
  "order.edited": {
    orderId,
    order: { ...exampleOrder, version: later, notes: "leave it with the neighbours" },
  },
  "order.cancellation-requested": { orderId, reason: "ordered twice by mistake", requestedBy: "channel" },
  "order.tender-changed": { orderId, tender: { ...tender, state: "captured" }, at: later },
  "order.refunded": { orderId, refundId: "6001", amount: euro(1999), lines: onePiece, restock: true, at: later },
  "order.fulfilled-by-channel": {
    orderId,
    fulfilmentId: "gid://shopify/Fulfillment/4001",
    trackingNumber: "00340434161094042557",
    lines: onePiece,
    at: later,
  },
  "order.fraud-review-opened": { orderId, reference: "review-3001", at },
  "order.fraud-review-decided": { orderId, decision: "accept", decidedBy: "m.keller@example.com", at: later },
  "shipment.confirmed": {
    orderId,
    shipment: {
      id: "wh-berlin-2001",
      orderId,
      locationId: "wh-berlin",
      shippedAt: later,
      carrier: "DHL",
      trackingNumber: "00340434161094042557",
      lines: onePiece,
    },
  },
  "shipment.delivered": { orderId, shipmentId: "wh-berlin-2001", deliveredAt: "2026-11-22T10:30:00.000Z" },
  "shipment.short": {
    orderId,
    shortage: { id: "short-1", orderId, locationId: "wh-berlin", noticedAt: later, lines: onePiece },
  },
  "order.state-changed": {
    orderId,
    state: "in the books",
    at: later,
    references: [{ system: "erp", type: "sales order", id: "0000012345" }],
  },
  "stock.counted": {
    sku: "TEE-M",
    locationId: "wh-berlin",
    countedMilli: 17_000,
    unit: "ea",
    countedAt: at,
    includesReservations: "none",
  },
  "exception.opened": {
    exceptionId: `${orderId}:stock-is-short-1`,
    subject: orderId,
    orderId,
    cause: "stock is short",
    summary: "Order #1001 was sold but there is no stock for it: missing 1 × TEE-M.",
    doneSoFar: ["screen for fraud"],
    ifNobodyActs: "the order waits, unreserved",
    allowedActions: ["retry", "cancel order"],
    owner: "operations",
    atRisk: money(4488, "EUR"),
    sku: "TEE-M",
    missingMilli: 1000,
    at,
  },
  "exception.decided": {
    exceptionId: `${orderId}:stock-is-short-1`,
    subject: orderId,
    orderId,
    action: "retry",
    decidedBy: "m.keller@example.com",
    reason: "a pallet has just come in",
    at: later,
  },
}
