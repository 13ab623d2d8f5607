import { describe, expect, test } from "vitest"
import { money } from "../../base/money.ts"
import { pieces } from "../../base/quantity.ts"
import type { Order } from "../../canonical/order.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import type { MessageKind } from "../../ports/capabilities/service.ts"
import { mailFor } from "./from-canonical.ts"

const shop = { name: "Harbour Books", contact: "help@harbour.example" }
const pair = (amountMinor: number) => ({ shop: money(amountMinor, "EUR"), presentment: money(amountMinor, "JPY") })

const order: Order = {
  id: "ord_0123456789abcdef",
  channel: "shop",
  externalId: "1",
  number: "#1001",
  version: "2026-11-20T10:00:00.000Z",
  placedAt: "2026-11-20T10:00:00.000Z",
  currency: { shop: "EUR", presentment: "JPY" },
  taxesIncluded: true,
  customer: { email: " ada@example.com ", name: "Ada\r\nBcc: everyone@example.com" },
  shippingAddress: { name: "Ada", line1: "Quay 1", postalCode: "3011", city: "Rotterdam", countryCode: "NL" },
  lines: [
    {
      id: "1",
      sku: "A",
      title: "Atlas",
      quantity: pieces(2),
      gross: pair(1500),
      discounts: [],
      taxes: [],
      total: pair(1500),
      fulfilment: { method: "ship" },
    },
  ],
  charges: [],
  cashRounding: pair(0),
  total: pair(1500),
  tenders: [],
  references: [],
}
const shipment = (milli: number): Shipment => ({
  id: "S1",
  orderId: order.id,
  locationId: "wh",
  shippedAt: order.placedAt,
  carrier: "DHL",
  trackingNumber: "JVGL1",
  trackingUrl: "https://track.example/JVGL1",
  lines: [{ lineId: "1", quantity: { milli, unit: "ea" } }],
})

const kinds: MessageKind[] = ["order accepted", "posted later", "shipped", "cancelled", "refunded"]

describe("mails", () => {
  test.each(kinds)("'%s' names the order, greets the buyer and is signed by the shop", (kind) => {
    const mail = mailFor(kind, { order, shipment: shipment(2000) }, shop)
    expect(mail?.to).toBe("ada@example.com")
    expect(mail?.subject).toContain("#1001")
    expect(mail?.text).toMatch(/^Hello Ada/)
    expect(mail?.text.trimEnd().endsWith("help@harbour.example")).toBe(true)
    expect(`${mail?.subject}${mail?.text}`).not.toMatch(/undefined|null|\[object/)
  })

  test("a name cannot start a line of its own", () => {
    expect(mailFor("cancelled", { order }, shop)?.text.split("\n")[0]).toBe("Hello Ada Bcc: everyone@example.com,")
  })

  test("amounts stand there as the buyer paid them, without a point where the currency has none", () => {
    expect(mailFor("order accepted", { order }, shop)?.text).toContain("Total: 1500 JPY")
  })

  test("half a shipment says that the rest follows, a whole one does not", () => {
    expect(mailFor("shipped", { order, shipment: shipment(1000) }, shop)?.text).toContain("The rest follows")
    expect(mailFor("shipped", { order, shipment: shipment(2000) }, shop)?.text).not.toContain("The rest follows")
  })

  test("what is collected is ready, not on its way", () => {
    const [line] = order.lines
    if (line === undefined) throw new Error("the order has a line")
    const collected: Order = { ...order, lines: [{ ...line, fulfilment: { method: "pickup", locationId: "store" } }] }
    const mail = mailFor("shipped", { order: collected, shipment: shipment(2000) }, shop)
    expect(mail?.subject).toContain("ready to be collected")
  })

  test.each([
    "a@example.com, b@example.com",
    "a@example.com\r\nBcc: b@example.com",
    "a@b@c",
    "Ada <a@example.com>",
    "a",
  ])("P-50: %j is not one mail address, and gets no mail", (email) => {
    const refused = { ...order, customer: { email } }
    expect(() => mailFor("shipped", { order: refused }, shop)).toThrow("is not one mail address")
  })

  test("a buyer without an address is not written to", () => {
    expect(mailFor("shipped", { order: { ...order, customer: {} } }, shop)).toBeUndefined()
  })
})
