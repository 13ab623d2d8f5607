import { orderIdOf } from "../../base/ids.ts"
import { money } from "../../base/money.ts"
import { pieces } from "../../base/quantity.ts"
import type { Order, Tender } from "../order.ts"
import type { MoneyPair } from "../parts.ts"

/** The time of the examples. */
export const at = "2026-11-20T21:39:00.000Z"
/** A little after `at`. */
export const later = "2026-11-20T22:10:00.000Z"
/** The order of all examples. */
export const orderId = orderIdOf("shop-de", "5678901234567")

/** An amount in EUR, the same for shop and buyer. */
export const euro = (amountMinor: number): MoneyPair => ({
  shop: money(amountMinor, "EUR"),
  presentment: money(amountMinor, "EUR"),
})

/** How the example order is paid. */
export const tender: Tender = {
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
      barcode: "4006381333931",
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

/** One piece of its first line. */
export const onePiece = [{ lineId: "9001", quantity: pieces(1) }]
