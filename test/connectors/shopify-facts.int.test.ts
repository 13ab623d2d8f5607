import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { canonicalJson } from "../../src/base/ids.ts"
import { validator } from "../../src/canonical/validate.ts"
import { eventTypes, type NewEvent } from "../../src/canonical/events.ts"
import type { Order } from "../../src/canonical/order.ts"
import type { Delivery } from "../../src/ports/capabilities.ts"
import { pollAll, startShopBench, type ShopBench } from "./shopify-bench.ts"

let bench: ShopBench
const startedMs = Date.now() - 60_000

beforeAll(async () => {
  bench = await startShopBench()
})
afterAll(() => bench.stop())

function translate(delivery: Delivery): NewEvent[] {
  return bench.shop.receivesDeliveries.translate(delivery).events
}

function factsOf(deliveries: readonly Delivery[]): Map<string, NewEvent> {
  return new Map(deliveries.flatMap(translate).map((event) => [event.fact, event]))
}

describe("signatures", () => {
  test("an order placed in the shop arrives signed and becomes order.placed", async () => {
    await bench.act("orders", { count: 1, odd: false, payment: "paid" })
    const [created] = (await bench.webhooks()).filter((one) => one.headers["x-shopify-topic"] === "orders/create")
    expect(created).toBeDefined()
    if (!created) return
    const verified = bench.shop.receivesDeliveries.verify(created, Date.now())
    expect(verified).toMatchObject({ topic: "orders/create", deliveryId: created.headers["x-shopify-webhook-id"] })
    expect(translate(created).map((event) => event.type)).toEqual(["order.placed"])
  })

  test("a changed byte, a wrong secret and another shop's message are refused", async () => {
    await bench.act("orders", { count: 1, odd: false })
    const [genuine] = await bench.webhooks()
    if (!genuine) throw new Error("no webhook came")
    const bytes = Buffer.from(genuine.bytes)
    bytes[10] = (bytes[10] ?? 0) ^ 1
    const other = { ...genuine.headers, "x-shopify-shop-domain": "other.myshopify.com" }
    const unsigned = { ...genuine.headers, "x-shopify-hmac-sha256": "" }
    for (const forged of [
      { ...genuine, bytes },
      { ...genuine, headers: other },
      { ...genuine, headers: unsigned },
    ])
      expect(() => bench.shop.receivesDeliveries.verify(forged, Date.now())).toThrow(
        expect.objectContaining({ code: "SIGNATURE_INVALID" }),
      )
  })
})

describe("odd orders", () => {
  test(
    "thousands of orders of every oddity translate without a problem and fit the catalogue",
    { timeout: 120_000 },
    async () => {
      const validators = new Map(
        Object.entries(eventTypes).map(([name, type]) => [name, validator(type.schema, name)] as const),
      )
      let placed = 0
      for (let round = 0; round < 4; round++) {
        await bench.act("orders", { count: 1_000, odd: true })
        for (const event of factsOf(await bench.webhooks()).values()) {
          if (event.type === "order.placed") placed += 1
          const problems = validators.get(event.type)?.problems(event.data)
          if (problems && problems.length > 0) throw new Error(`${event.fact}: ${JSON.stringify(problems)}`)
        }
      }
      expect(placed).toBe(4_000)
    },
  )

  test("webhook and poll agree on every fact of an order", { timeout: 60_000 }, async () => {
    bench.simulator.reset()
    await bench.act("orders", { count: 300, odd: true })
    const pushed = factsOf(await bench.webhooks())
    const polled = factsOf(await pollAll(bench.shop, startedMs))
    expect([...polled.keys()].filter((fact) => fact.endsWith(":placed"))).toHaveLength(300)
    for (const [fact, event] of pushed) expect(canonicalJson(polled.get(fact))).toBe(canonicalJson(event))
  })

  test("what tenders cover is the order's total, to the minor unit in both currencies", async () => {
    bench.simulator.reset()
    await bench.act("orders", { count: 200, odd: true })
    await bench.webhooks()
    const events = [...factsOf(await pollAll(bench.shop, startedMs)).values()]
    const orders = events.flatMap((event) => (event.type === "order.placed" ? [orderIn(event)] : []))
    for (const order of orders)
      for (const view of ["shop", "presentment"] as const) {
        const tendered = events
          .filter((event) => event.type === "order.tender-changed" && orderIdOf(event) === order.id)
          .reduce((sum, event) => sum + tenderMinor(event, view), 0)
        expect(tendered).toBe(order.total[view].amountMinor)
      }
    expect(orders).toHaveLength(200)
  })
})

// The event's type says which data it has; the casts below read it as that.
function orderIn(event: NewEvent): Order {
  return (event.data as { order: Order }).order
}
function orderIdOf(event: NewEvent): string {
  return (event.data as { orderId: string }).orderId
}
function tenderMinor(event: NewEvent, view: "shop" | "presentment"): number {
  return (event.data as { tender: { amount: Order["total"] } }).tender.amount[view].amountMinor
}
