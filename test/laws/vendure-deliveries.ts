import { createHmac } from "node:crypto"
import { createLog } from "../../src/base/log.ts"
import { instant, systemClock } from "../../src/base/time.ts"
import { vendure } from "../../src/connectors/vendure/connector.ts"
import type { Delivery } from "../../src/ports/capabilities/intake.ts"
import type { DeliverySubject } from "../../src/ports/delivery-laws.ts"

// The simulator has no webhooks, a plugin posts them: these are orders as the Admin API answers them, signed as
// the plugin signs them, one for each thing that may have become of an order.

const secret = `whsec_${Buffer.from("a secret of the laws").toString("base64")}`
const another = `whsec_${Buffer.from("another secret").toString("base64")}`
const connectionId = "vendure-shop"
const at = "2026-11-20T10:00:00.000Z"
const later = "2026-11-20T11:00:00.000Z"

const address = {
  fullName: "Ada Jansen",
  company: null,
  streetLine1: "Coolsingel 40",
  streetLine2: null,
  city: "Rotterdam",
  province: null,
  postalCode: "3011 AD",
  countryCode: "NL",
  phoneNumber: null,
}

function line(id: string, priceMinor: number, quantity: number) {
  const total = priceMinor * quantity
  return {
    id,
    quantity,
    orderPlacedQuantity: quantity,
    productVariant: { id, sku: `ART-${id}`, name: `Article ${id}` },
    unitPrice: priceMinor,
    linePrice: total,
    proratedLinePrice: total,
    proratedLinePriceWithTax: total,
    taxLines: [],
    discounts: [],
  }
}

const lines = [line("1", 1_250, 2), line("2", 999, 1)]
const payment = {
  id: "1",
  createdAt: at,
  method: "card",
  amount: 3_999,
  state: "Settled",
  transactionId: "t_1",
  refunds: [],
}
const refund = {
  id: "1",
  createdAt: later,
  state: "Settled",
  total: 999,
  reason: "broken",
  lines: [{ orderLineId: "2", quantity: 1 }],
}
const parcel = {
  id: "1",
  state: "Shipped",
  method: "parcel",
  trackingCode: "T-1",
  updatedAt: later,
  lines: [{ orderLineId: "1", quantity: 2 }],
}

function order(id: string, changes: object = {}): object {
  return {
    id,
    code: `CODE${id}`,
    state: "PaymentSettled",
    active: false,
    orderPlacedAt: at,
    updatedAt: later,
    currencyCode: "EUR",
    couponCodes: [],
    subTotal: 3_499,
    subTotalWithTax: 3_499,
    shipping: 500,
    shippingWithTax: 500,
    total: 3_999,
    totalWithTax: 3_999,
    customer: { id: "7", emailAddress: "ada@example.com", firstName: "Ada", lastName: "Jansen", phoneNumber: null },
    shippingAddress: address,
    billingAddress: null,
    lines,
    surcharges: [],
    shippingLines: [
      {
        id: "1",
        price: 500,
        discountedPrice: 500,
        discountedPriceWithTax: 500,
        shippingMethod: { code: "standard", name: "Standard" },
      },
    ],
    payments: [payment],
    fulfillments: [],
    history: { items: [{ createdAt: later }] },
    cancellations: { items: [] },
    ...changes,
  }
}

const emptied = lines.map((one) => ({
  ...one,
  quantity: 0,
  linePrice: 0,
  proratedLinePrice: 0,
  proratedLinePriceWithTax: 0,
}))

/** Bodies by what became of the order. */
const bodies: Readonly<Record<string, object>> = {
  placed: { snapshot: order("11", { state: "PaymentAuthorized", payments: [{ ...payment, state: "Authorized" }] }) },
  captured: { snapshot: order("12") },
  shipped: { snapshot: order("13", { state: "PartiallyShipped", fulfillments: [parcel] }) },
  refunded: { snapshot: order("14", { payments: [{ ...payment, refunds: [refund] }] }) },
  edited: {
    snapshot: order("15", {
      lines: [
        { ...lines[0], quantity: 1, linePrice: 1_250, proratedLinePrice: 1_250, proratedLinePriceWithTax: 1_250 },
        lines[1],
      ],
      payments: [],
      totalWithTax: 2_749,
    }),
  },
  cancelled: {
    snapshot: order("16", {
      state: "Cancelled",
      totalWithTax: 0,
      lines: emptied,
      payments: [{ ...payment, refunds: [{ ...refund, total: 3_999, lines: [] }] }],
      cancellations: { items: [{ createdAt: later, data: { reason: "out of stock" } }] },
    }),
  },
  named: { order: { id: "17" } },
  cart: { snapshot: order("18", { orderPlacedAt: null, active: true, state: "AddingItems", payments: [] }) },
}

function delivered(body: object, index: number): Delivery {
  const text = JSON.stringify({ type: "order.changed", ...body })
  const id = `msg_${index}`
  const timestamp = String(Math.floor(systemClock.now() / 1000))
  const key = Buffer.from(secret.slice("whsec_".length), "base64")
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${text}`).digest("base64")
  return {
    connection: connectionId,
    via: "webhook",
    headers: { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` },
    bytes: new TextEncoder().encode(text),
    receivedAt: instant(systemClock.now()),
  }
}

export function vendureDeliveries(): DeliverySubject {
  const receives = (webhookSecrets: string[]) => {
    const settings = {
      baseUrl: "http://127.0.0.1:9",
      user: "u",
      password: "p",
      webhookSecrets,
      // The schema is built from a list, so its static type has no names.
      tenderKinds: { card: "card" } as never,
      allowPrivateNetwork: true,
    }
    const context = { connectionId, clock: systemClock, log: createLog("laws", "silent") }
    return vendure.connect(settings, context).receivesDeliveries
  }
  return {
    name: "vendure",
    receives: receives([secret]),
    duringRotation: receives([another, secret]),
    withWrongSecret: receives([another]),
    deliveries: Object.values(bodies).map(delivered),
    nowMs: systemClock.now(),
    signsTime: true,
  }
}
