import { existsSync, readdirSync, readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { polledOrderTopic, receivesDeliveries } from "../../src/connectors/shopify/receives-deliveries.ts"
import { readSalesOrder } from "../../src/connectors/sap-s4hana/payloads.ts"
import { translateStripeEvent } from "../../src/connectors/stripe/to-canonical.ts"
import type { Delivery, Translation } from "../../src/ports/capabilities/intake.ts"

const { translate: read } = receivesDeliveries({
  secrets: ["secret"],
  shopDomain: "lab-shop.myshopify.com",
  shopCurrency: "EUR",
  context: {
    system: "shop-x",
    conventions: { pickupProperty: "_pickup_location", componentsProperty: "_components" },
    gateways: {},
    places: new Map(),
  },
})

function translate(body: unknown, topic: string): Translation {
  const bytes = Buffer.from(JSON.stringify(body))
  const headers = { "x-shopify-topic": topic }
  return read({ connection: "shop-x", via: "webhook", headers, bytes, receivedAt: "2026-11-21T00:00:00.000Z" })
}

const cases = "../shared/cases/payloads"
const hasCases = existsSync(cases)
if (!hasCases) console.log(`skipped: ${cases} is not here, so its bodies are not translated`)

describe.skipIf(!hasCases)("the bodies of the shared cases", () => {
  const files = hasCases ? readdirSync(cases).filter((file) => file.endsWith(".json")) : []
  const caseOf = (file: string) =>
    JSON.parse(readFileSync(`${cases}/${file}`, "utf8")) as { topic?: string; body: unknown }

  const expected: Record<string, { heard: string[]; waits?: number; ignored?: boolean }> = {
    "10-test-notification.json": { heard: [], ignored: true },
    "16-gateway-cod.json": { heard: ["order.tender-changed"] },
    "30-fulfilment-cancelled.json": { heard: ["order.fulfilment-taken-back"] },
    "02-pos-no-shipping-address.json": { heard: ["order.placed", "order.fulfilled-by-channel"] },
    "06-refund-shipping-twice.json": { heard: ["order.placed", "order.edited", "order.refunded"] },
    "11-address-changed.json": { heard: ["order.placed", "order.edited"] },
    "12-exchange-partly-refunded.json": { heard: ["order.placed", "order.edited", "order.refunded"] },
    "32-edited-then-tagged.json": { heard: ["order.placed", "order.edited"] },
    "33-refund-smaller-without-adjustment.json": { heard: ["order.placed", "order.edited", "order.refunded"] },
    "g2-tip-as-line-totaltipreceivedset.json": { heard: ["order.placed", "order.edited", "order.tender-changed"] },
    "g5-failed-attempt-at-a-gateway-nobody-named.json": {
      heard: ["order.placed", "order.edited", "order.tender-changed", "order.tender-changed"],
    },
  }

  test.each(files.filter((file) => caseOf(file).topic !== undefined))("%s is heard", (file) => {
    const { topic, body } = caseOf(file)
    const translation = translate(body, topic ?? polledOrderTopic)
    const types = translation.events.map(({ type }) => type)
    const { heard, ignored } = expected[file] ?? { heard: ["order.placed"] }
    expect(types).toEqual(expect.arrayContaining(heard))
    expect(types).toHaveLength(heard.length)
    expect([translation.refused ?? [], translation.ignored !== undefined]).toEqual([[], ignored ?? false])
  })

  test("P-46: a sales order of SAP whose items have no ETag is read with the order's", () => {
    const { body } = caseOf("s1-sap-sales-order-items-without-etag.json") as { body: { d: { results: unknown[] } } }
    const order = readSalesOrder(body.d.results[0])
    expect([order.number, order.etag.startsWith("W/"), order.items.length > 0]).toEqual(["900", true, true])
  })

  test("P-35: a refund of ours that fails days later at Stripe is told", () => {
    const { body } = caseOf("t1-stripe-refund-failed.json")
    const bytes = Buffer.from(JSON.stringify(body))
    const sent = { connection: "stripe", via: "webhook", headers: {}, bytes, receivedAt: "2026-11-21T00:00:00.000Z" }
    expect(translateStripeEvent(sent as Delivery).events).toMatchObject([
      { type: "payment.refund-reported", data: { state: "failed", claim: "eff_own", refundId: "re_own_1" } },
    ])
  })
})
