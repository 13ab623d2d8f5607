import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import type { EventData } from "../../src/canonical/events.ts"
import type { Order } from "../../src/canonical/order.ts"
import type { Delivery, Translation } from "../../src/ports/capabilities/intake.ts"
import { newCall, startShopBench, type ShopBench } from "./shopify-bench.ts"

let bench: ShopBench
beforeAll(async () => {
  bench = await startShopBench()
})
beforeEach(async () => {
  await bench.webhooks()
  bench.simulator.reset()
})
afterAll(() => bench.stop())

async function placeOne(wish: object): Promise<Order> {
  await bench.act("orders", { count: 1, odd: ["mixed-delivery"], payment: "paid", ...wish })
  const events = (await bench.webhooks()).flatMap((one) => bench.shop.receivesDeliveries.translate(one).events)
  const placed = events.find((event) => event.type === "order.placed")
  if (!placed) throw new Error("no order was placed")
  // The event's type says which data it has.
  return (placed.data as EventData<"order.placed">).order
}

const holdTopics = (deliveries: Delivery[]) =>
  deliveries.filter(({ headers }) => headers["x-shopify-topic"]?.startsWith("fulfillment_orders/"))

/** The facts that follow from the webhooks by now, with what they name read from the shop. */
async function heard(): Promise<EventData<"order.hold-changed">[]> {
  const named = holdTopics(await bench.webhooks()).map((one) => bench.shop.receivesDeliveries.translate(one))
  const found: EventData<"order.hold-changed">[] = []
  for (const name of named.flatMap(({ fetch = [] }: Translation) => fetch)) {
    const delivery = await bench.shop.readsObjects.fetchObject(name, newCall())
    if (!delivery) throw new Error(`${name.type} ${name.id} is not there`)
    for (const { type, data } of bench.shop.receivesDeliveries.translate(delivery).events)
      if (type === "order.hold-changed") found.push(data as EventData<"order.hold-changed">)
  }
  return found
}

test("P-37: a hold and its release are each a fact of the part, with what it holds and why", async () => {
  const order = await placeOne({})
  const [line] = order.lines
  await bench.act(`orders/${order.externalId}/hold`, { sku: line?.sku, reason: "INCORRECT_ADDRESS" })
  const [held] = await heard()
  expect(held).toMatchObject({ orderId: order.id, state: "held", reason: "incorrect address" })
  expect(held?.lines).toContainEqual({ lineId: line?.id, quantity: line?.quantity })
  await bench.act(`orders/${order.externalId}/release-hold`, {})
  expect(await heard()).toMatchObject([{ partId: held?.partId, state: "free" }])
})

test("P-37: what is held or scheduled is read at any time, and only that has lines", async () => {
  const order = await placeOne({})
  const skus = order.lines.map(({ sku }) => sku)
  expect((await bench.shop.readsHolds.readHolds({ order }, newCall())).map(({ state }) => state)).not.toContain("held")
  const later = await placeOne({ skus, scheduled: { skus: skus.slice(0, 1), at: "2031-01-01T00:00:00Z" } })
  const parts = await bench.shop.readsHolds.readHolds({ order: later }, newCall())
  expect(parts.filter(({ state }) => state === "scheduled")).toMatchObject([
    { until: expect.stringContaining("2031-01-01T00:00:00"), lines: [{ lineId: later.lines[0]?.id }] },
  ])
  expect(parts.filter(({ state, lines }) => state === "free" && lines.length > 0)).toEqual([])
})

test("a move names both fulfilment orders, and neither is held", async () => {
  const order = await placeOne({})
  const body = {
    original_fulfillment_order: { id: "gid://shopify/FulfillmentOrder/1", status: "closed" },
    moved_fulfillment_order: { id: "gid://shopify/FulfillmentOrder/2", status: "open" },
  }
  const headers = { "x-shopify-topic": "fulfillment_orders/moved" }
  const bytes = Buffer.from(JSON.stringify(body))
  const delivery: Delivery = { connection: "shop-de", via: "webhook", headers, bytes, receivedAt: order.placedAt }
  expect(bench.shop.receivesDeliveries.translate(delivery).fetch).toEqual([
    { type: "fulfilment order", id: "1" },
    { type: "fulfilment order", id: "2" },
  ])
})
