import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { randomStream } from "../lab/random.ts"
import { AppError } from "../src/base/errors.ts"
import { checkEvent } from "../src/canonical/check-event.ts"
import type { Delivery, Translation } from "../src/ports/capabilities/intake.ts"
import { receivesDeliveries as fromShopify } from "../src/connectors/shopify/receives-deliveries.ts"
import { receivesDeliveries as fromVendure } from "../src/connectors/vendure/receives-deliveries.ts"
import { translateStripeEvent } from "../src/connectors/stripe/to-canonical.ts"
import { jsonOf, spoil } from "./spoil.ts"

// The run against a whole Crossdock reaches these readers rarely, or not at all: the demo has no Vendure.

const at = "2026-11-20T10:00:00.000Z"
const lines = [{ orderLineId: "2", quantity: 1 }]
const refund = { id: "9", createdAt: at, state: "Settled", total: 600, reason: null, paymentId: "1", lines }
const payment = { id: "1", createdAt: at, method: "dummy", amount: 1200, state: "Settled", transactionId: "t" }
const address = {
  fullName: "A. Buyer",
  company: null,
  streetLine1: "1 Main Street",
  streetLine2: null,
  city: "Springfield",
  province: null,
  postalCode: "12345",
  countryCode: "US",
  phoneNumber: null,
}
const rates = [{ description: "Sales tax 20%", taxRate: 20 }]
const vendureOrder = {
  id: "4",
  code: "UA95",
  state: "PaymentSettled",
  active: false,
  orderPlacedAt: at,
  updatedAt: at,
  currencyCode: "USD",
  couponCodes: [],
  subTotal: 1000,
  subTotalWithTax: 1200,
  shipping: 0,
  shippingWithTax: 0,
  total: 1000,
  totalWithTax: 1200,
  surcharges: [],
  shippingLines: [],
  customer: { id: "2", emailAddress: "a@example.com", firstName: "A.", lastName: "Buyer", phoneNumber: null },
  shippingAddress: address,
  billingAddress: address,
  lines: [
    {
      id: "2",
      quantity: 2,
      orderPlacedQuantity: 2,
      discounts: [],
      taxLines: rates,
      unitPrice: 500,
      linePrice: 1000,
      proratedLinePrice: 1000,
      proratedLinePriceWithTax: 1200,
      productVariant: { id: "1", sku: "SKU-1", name: "Kettle" },
    },
  ],
  payments: [{ ...payment, refunds: [refund] }],
  fulfillments: [{ id: "3", state: "Shipped", method: "post", trackingCode: "T", updatedAt: at, lines }],
  history: { items: [{ createdAt: at }] },
  cancellations: { items: [{ createdAt: at, data: {} }] },
}
const metadata = { crossdock_key: "eff_own", crossdock_order: "ord_0123456789abcdef" }
const stripeRefund = {
  id: "evt_1",
  object: "event",
  created: 1_795_000_000,
  type: "refund.failed",
  data: { object: { id: "re_1", amount: 500, currency: "usd", status: "failed", payment_intent: "pi_1", metadata } },
}

const vendure = fromVendure({
  secrets: [],
  context: { system: "shop", tenderKinds: { dummy: "card" }, amounts: {} },
})
const shopify = fromShopify({
  secrets: ["secret"],
  shopDomain: "lab-shop.myshopify.com",
  shopCurrency: "EUR",
  context: {
    system: "shop",
    conventions: { pickupProperty: "_pickup_location", componentsProperty: "_components" },
    gateways: {},
    places: new Map(),
  },
})
const shopifyOrder = JSON.parse(
  readFileSync(new URL("../src/connectors/shopify/fixtures/orders-create.json", import.meta.url), "utf8"),
) as object
const delivery = (body: unknown, headers: Record<string, string> = {}): Delivery => ({
  connection: "shop",
  via: "webhook",
  headers,
  bytes: Buffer.from(jsonOf(body) ?? "{}"),
  receivedAt: at,
})

const readers: Record<string, { body: object; read: (body: unknown) => Translation }> = {
  "an order of Vendure": {
    body: vendureOrder,
    read: (snapshot) => vendure.translate(delivery({ type: "order.changed", order: { id: "4" }, snapshot })),
  },
  "an order of Shopify": {
    body: shopifyOrder,
    read: (order) => shopify.translate(delivery(order, { "x-shopify-topic": "orders/updated" })),
  },
  "a refund of Stripe": { body: stripeRefund, read: (event) => translateStripeEvent(delivery(event)) },
}

/** What is wrong with how a body was read: a crash, a defect, a refusal without a place, an event that none may be. */
function faultOf(read: () => Translation): string | undefined {
  try {
    const bad = read().events.find((event) => checkEvent(event).length > 0)
    return bad && `${bad.type}: ${JSON.stringify(checkEvent(bad)[0])}`
  } catch (thrown) {
    if (!(thrown instanceof AppError)) return String(thrown)
    const isClear = thrown.code !== "INVARIANT_BROKEN" && thrown.problems.length > 0
    return isClear ? undefined : `${thrown.code}: ${thrown.message.slice(0, 200)}`
  }
}

test.each(Object.entries(readers))("%s is understood as it is", (_name, { body, read }) => {
  expect(faultOf(() => read(body))).toBeUndefined()
  expect(read(body).events.length).toBeGreaterThan(0)
})

test.each(Object.entries(readers))("%s in two thousand odd shapes is heard or refused by its place", (name, of) => {
  const faults = new Set<string>()
  for (let n = 0; n < 2000; n += 1) {
    const body = spoil(randomStream(2026, `${name} ${n}`), of.body)
    const fault = faultOf(() => of.read(body))
    if (fault !== undefined) faults.add(fault)
  }
  expect([...faults]).toEqual([])
})
