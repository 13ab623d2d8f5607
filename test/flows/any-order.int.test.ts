import { ref } from "../../src/canonical/refs.ts"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { startReceiver, type Delivery } from "../../lab/receiver.ts"
import { createLog } from "../../src/base/log.ts"
import { systemClock } from "../../src/base/time.ts"
import { receivesDeliveries } from "../../src/connectors/shopify/receives-deliveries.ts"
import { EventLog } from "../../src/eventlog/event-log.ts"
import type { IncomingDelivery } from "../../src/eventlog/deliveries/stored-deliveries.ts"
import { Inbox } from "../../src/eventlog/inbox.ts"
import type { Delivery as CanonicalDelivery } from "../../src/ports/capabilities/intake.ts"
import { control, eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { buyInShop, openExceptions, placeOrder, plentifulSkus, untilEnded, untilState } from "../fixtures/order-flow.ts"
import { heldMilli, salesOrders, shipmentRequests, stillToShipMilli } from "../fixtures/vendor-books.ts"

let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 7, lab: { warehouse: { habits: { isPaused: true, deliverAfterMs: null } } } })
})
afterAll(async () => {
  await t?.stop()
})

/** Buys, edits and cancels in the shop while its webhooks go to the test. */
async function cancelledOrder(): Promise<{ orderId: string; deliveries: Delivery[] }> {
  const receiver = await startReceiver()
  t.lab.shopify.setWebhookTarget(receiver.url)
  const [bought] = await buyInShop(t, { count: 1, skus: plentifulSkus(t, 2), payment: "paid" })
  const shop = (t.lab.shopify.books()["orders"] as { id: number; line_items: { id: number }[] }[]).find(
    (order) => order.id === bought?.id,
  )
  const lineId = shop?.line_items[0]?.id
  await control(t.lab.shopify, `orders/${bought?.id}/edit`, { remove: [{ lineId, quantity: 1 }] })
  await control(t.lab.shopify, `orders/${bought?.id}/cancel`, {})
  await t.lab.shopify.webhooks()?.idle()
  t.lab.shopify.setWebhookTarget(`${t.gatewayUrl}/hooks/shopify`)
  await receiver.stop()
  if (!bought) throw new Error("the shop sold nothing")
  return { orderId: bought.orderId, deliveries: receiver.received }
}

async function deliver(delivery: Delivery): Promise<void> {
  const { host: _host, connection: _connection, "content-length": _length, ...headers } = delivery.headers
  const answer = await fetch(`${t.gatewayUrl}/hooks/shopify`, { method: "POST", headers, body: delivery.body })
  expect(answer.status).toBe(200)
}

describe("facts of one order in any order", () => {
  const arrangements: { name: string; arrange: (given: Delivery[]) => Delivery[] }[] = [
    { name: "as they happened", arrange: (given) => given },
    { name: "backwards, the cancellation first", arrange: (given) => given.toReversed() },
    {
      name: "with the create last",
      arrange: (given) => given.toSorted((a, b) => Number(isCreate(a)) - Number(isCreate(b))),
    },
    {
      name: "shuffled and each twice",
      arrange: (given) => fc.sample(shuffledDeliveries([...given, ...given]), 1)[0] ?? [],
    },
    { name: "shuffled again", arrange: (given) => fc.sample(shuffledDeliveries(given), 1)[0] ?? [] },
  ]
  const isCreate = (delivery: Delivery) => delivery.headers["x-shopify-topic"] === "orders/create"

  for (const { name, arrange } of arrangements)
    test(`P-07 an order told ${name} ends as cancelled, with nothing left anywhere`, async () => {
      const { orderId, deliveries } = await cancelledOrder()
      for (const delivery of arrange(deliveries)) await deliver(delivery)
      await untilEnded(t, orderId)
      await untilState(t, orderId, "cancelled")
      expect(salesOrders(t, orderId).filter((order) => order.isActive)).toEqual([])
      expect(await heldMilli(t, orderId)).toBe(0)
      expect(stillToShipMilli(t, orderId)).toBe(0)
      expect(await openExceptions(t, orderId)).toEqual([])
    })
})

describe("facts in the log", () => {
  test("P-07 over two hundred permutations of one order's deliveries make the same facts with the same data", async () => {
    const { deliveries } = await cancelledOrder()
    const { sql } = t
    const log = createLog("permutations", "silent")
    const translate = (delivery: CanonicalDelivery) => {
      const context = { system: delivery.connection, conventions, gateways: {}, places: new Map() }
      const options = { secrets: [], shopDomain: "lab-shop.myshopify.com", shopCurrency: "EUR", context }
      return receivesDeliveries(options).translate(delivery)
    }
    // A door of the test's own, with nothing behind it: no workflow starts.
    const inbox = new Inbox({ sql, log, clock: systemClock, eventLog: new EventLog(sql), translate })
    const names = await Promise.all(
      Array.from({ length: 220 }, async (_, n) => {
        const connection = `permutation-${n}`
        const [order = []] = fc.sample(shuffledDeliveries(deliveries), { numRuns: 1, seed: n })
        await Promise.all(order.map((delivery) => inbox.receive(received(delivery, connection))))
        return connection
      }),
    )
    const logs = await sql<{ source: string; facts: string }[]>`
      select source, string_agg(replace(fact, source, 'shop') || ' '
          || md5(replace((data::jsonb #- '{orderId}' #- '{order,id}')::text, source, 'shop')), ', ' order by fact) as facts
      from events where source = any(${names}) and type <> 'order.edited' group by source`
    expect(logs).toHaveLength(names.length)
    // An order that is told as it is now says when that was seen first; what it is told as is one and the same.
    const [{ editions } = { editions: 0 }] = await sql<{ editions: number }[]>`
      select count(distinct split_part(fact, ':edited:', 2))::integer as editions
      from events where source = ${names[0] ?? ""} and type = 'order.edited'`
    expect(editions).toBeLessThanOrEqual(1)
    const [first] = logs
    expect(first?.facts.split(", ").length).toBeGreaterThanOrEqual(4)
    expect(new Set(logs.map((row) => row.facts)).size).toBe(1)
    const parked = await sql`select reason from inbox where state = 'parked' and connection = any(${names})`
    expect(parked).toEqual([])
  })
})

const conventions = { pickupProperty: "_pickup_location", componentsProperty: "_components" }

const shuffledDeliveries = (given: Delivery[]) =>
  fc.shuffledSubarray(given, { minLength: given.length, maxLength: given.length })

function received(delivery: Delivery, connection: string): IncomingDelivery {
  const { headers, body } = delivery
  return {
    connection,
    via: "webhook",
    headers,
    bytes: Buffer.from(body),
    receivedAt: "2026-11-20T10:00:00.000Z",
    deliveryId: headers["x-shopify-webhook-id"] ?? "",
    topic: headers["x-shopify-topic"] ?? "",
    correlation: connection,
  }
}

describe("a fraud review after the order was accepted", () => {
  let count = 0
  async function reviewedOrder(): Promise<string> {
    const [sku = ""] = plentifulSkus(t, 1)
    await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
    const externalId = `review-${(count += 1)}`
    const orderId = await placeOrder(t, { externalId, lines: [{ sku, count: 1, totalMinor: 1000 }], tenders: [] })
    await untilState(t, orderId, "waiting for the books")
    await control(t.lab.fraud, "reviews", { reference: orderId })
    await untilHeard(orderId, "order.fraud-review-opened")
    return orderId
  }
  const untilHeard = (orderId: string, name: string) =>
    eventually(`${name} is heard`, async () => {
      const rows = await t.sql`select 1 from workflow_signals s join workflow_instances i on i.id = s.instance
        where i.about = ${ref("order", orderId)} and s.type = ${name}`
      return rows.length > 0
    })

  test("P-07 it holds the order before anything is released, and an accept lets it go", async () => {
    const orderId = await reviewedOrder()
    await t.api("POST", "/v1/connections/sap/resume", {})
    await untilState(t, orderId, "on hold")
    expect(shipmentRequests(t, orderId)).toEqual([])
    await control(t.lab.fraud, "decisions", { reference: orderId, decision: "accept" })
    await untilState(t, orderId, "released")
  })

  test("P-07 one that has ended badly by then takes the order back", async () => {
    const orderId = await reviewedOrder()
    await control(t.lab.fraud, "decisions", { reference: orderId, decision: "reject" })
    await untilHeard(orderId, "order.fraud-review-decided")
    await t.api("POST", "/v1/connections/sap/resume", {})
    expect(await untilEnded(t, orderId)).toBe("undone")
    expect(shipmentRequests(t, orderId)).toEqual([])
    expect(salesOrders(t, orderId).filter((order) => order.isActive)).toEqual([])
    expect(await heldMilli(t, orderId)).toBe(0)
  })
})
