import { afterAll, beforeAll, expect, test } from "vitest"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { buyInShop, openExceptions, untilState } from "../fixtures/order-flow.ts"
import { salesOrders } from "../fixtures/vendor-books.ts"
import { ref } from "../../src/canonical/refs.ts"

let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({
    // Which deliveries are lost follows from the seed, for each topic on its own.
    seed: 404,
    lab: {
      warehouse: {
        habits: { shipAfterMs: { min: 10, max: 40 }, deliverAfterMs: null, splitShare: 0.3, shortShare: 0 },
      },
    },
    estate: (estate) => {
      const { shopify, warehouse, ...others } = estate.connections
      if (!shopify || !warehouse) throw new Error("the estate has no shop or no warehouse")
      const polled = { shopify: { ...shopify, pollEveryMs: 1000 }, warehouse: { ...warehouse, pollEveryMs: 1000 } }
      return { ...estate, connections: { ...others, ...polled } }
    },
  })
})
afterAll(async () => {
  await t?.stop()
})

/** A metric's values by its labels, as the gateway tells them. */
async function metric(name: string): Promise<Map<string, number>> {
  const { body } = await t.api("GET", "/metrics")
  const lines = String((body as { text?: string }).text).split("\n")
  return new Map(
    lines
      .filter((line) => line.startsWith(`${name}{`))
      .map((line) => [line.slice(name.length, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  )
}

const count = 60

test("P-04 of what random webhooks of every topic never told the poll finds all, and the rate that is missing is shown by topic", async () => {
  const faults = { dropWebhook: 0.4 }
  t.lab.shopify.setFaults(faults)
  t.lab.warehouse.setFaults(faults)
  // The shop is not polled while its webhooks are on their way: a poll that is quicker than a webhook would count as a find.
  await t.api("POST", "/v1/connections/shopify/pause", { reason: "a test" })
  const bought = await buyInShop(t, { count, payment: "paid" })
  await t.lab.shopify.webhooks()?.idle()
  await eventually("what was delivered is translated", async () => {
    const rows = await t.sql`select 1 from inbox where connection = 'shopify' and state = 'received' limit 1`
    return rows.length === 0
  })
  await t.api("POST", "/v1/connections/shopify/resume", {})
  for (const { orderId } of bought) await untilState(t, orderId, "closed")

  const ids = bought.map((order) => order.orderId)
  for (const orderId of ids) {
    expect(salesOrders(t, orderId)).toHaveLength(1)
    expect(await openExceptions(t, orderId)).toEqual([])
  }
  const lost =
    (drops: readonly { topic: string }[] = []) =>
    (topic: string) =>
      drops.filter((drop) => drop.topic === topic).length
  const lostByShop = lost(t.lab.shopify.webhooks()?.report().drops)
  const lostByWarehouse = lost(t.lab.warehouse.webhooks()?.report().drops)
  for (const topic of ["orders/create", "orders/updated"]) expect(lostByShop(topic)).toBeGreaterThan(0)
  expect(lostByWarehouse("shipment.shipped")).toBeGreaterThan(0)

  const found = await t.sql<{ via: string | null }[]>`select found_via as via from orders where id = any(${ids})`
  const polled = found.filter((row) => row.via === "poll").length
  expect(found).toHaveLength(count)
  expect(polled).toBeGreaterThan(0)
  // One that was told by another topic in time was not missed.
  expect(polled).toBeLessThanOrEqual(lostByShop("orders/create"))

  const labels = '{connection="shopify",type="order.placed"'
  const facts = await metric("crossdock_facts_first_brought")
  expect(facts.get(`${labels},via="poll"}`)).toBe(polled)
  expect(facts.get(`${labels},via="webhook"}`)).toBe(count - polled)
  const missed = await metric("crossdock_missed_events_ratio")
  expect(missed.get(`${labels}}`)).toBeCloseTo(polled / count, 10)
  expect(missed.get('{connection="warehouse",type="shipment.confirmed"}')).toBeGreaterThan(0)

  // Everything in the shop's and the warehouse's books is known, whatever told it.
  const shipments = await t.sql<{ id: string }[]>`
    select data #>> '{shipment,id}' as id from events where type = 'shipment.confirmed' and key = any(${ids.map((id) => ref("order", id))})`
  const books = (t.lab.warehouse.books()["shipmentRequests"] as { orderId: string; shipmentIds: string[] }[]) ?? []
  expect(shipments.map((row) => row.id).sort()).toEqual(
    books.flatMap((request) => (ids.includes(request.orderId) ? request.shipmentIds : [])).sort(),
  )
}, 120_000)

test("P-42: a paused connection is told how far back to read, and refuses what its system will not show", async () => {
  const since = (days: number) => ({ since: new Date(Date.now() - days * 86_400_000).toISOString() })
  const history = (connection: string, days: number) =>
    t.api("POST", `/v1/connections/${connection}/history`, since(days))
  await fetch(`${t.lab.shopify.url}/__lab/access`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ without: "read_all_orders" }),
  })
  for (const connection of ["shopify", "warehouse"])
    await t.api("POST", `/v1/connections/${connection}/pause`, { reason: "a test" })
  expect(await history("shopify", 90)).toMatchObject({ status: 409, body: { code: "STATE_FORBIDS" } })
  expect(await history("shopify", 30)).toMatchObject({ status: 202, body: { lists: ["orders"] } })
  // Its lists have no limit, so it is not asked.
  expect((await history("warehouse", 400)).status).toBe(202)
  for (const connection of ["shopify", "warehouse"]) await t.api("POST", `/v1/connections/${connection}/resume`, {})
})
