import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { startReceiver, type Delivery } from "../../lab/receiver.ts"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { buyInShop, ledgerOf, placeOrder, plentifulSkus, untilEnded, untilState } from "../fixtures/order-flow.ts"
import { payment, salesOrders } from "../fixtures/vendor-books.ts"
import { ref } from "../../src/canonical/refs.ts"

let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 11 })
})
afterAll(async () => {
  await t?.stop()
})

/** Buys in the shop while its webhooks go to the test instead of Crossdock. */
async function interceptedPurchase(): Promise<{ orderId: string; deliveries: Delivery[] }> {
  const receiver = await startReceiver()
  t.lab.shopify.setWebhookTarget(receiver.url)
  const [bought] = await buyInShop(t, { count: 1 })
  await t.lab.shopify.webhooks()?.idle()
  t.lab.shopify.setWebhookTarget(`${t.gatewayUrl}/hooks/shopify`)
  await receiver.stop()
  if (!bought) throw new Error("the shop sold nothing")
  return { orderId: bought.orderId, deliveries: receiver.received }
}

async function deliver(delivery: Delivery, headers: Record<string, string> = {}): Promise<number> {
  const { host: _host, connection: _connection, "content-length": _length, ...own } = delivery.headers
  const answer = await fetch(`${t.gatewayUrl}/hooks/shopify`, {
    method: "POST",
    headers: { ...own, ...headers },
    body: delivery.body,
  })
  return answer.status
}

describe("the same order told many times", () => {
  test("P-01 an order delivered twenty times at once is one order and one ERP document", async () => {
    const { orderId, deliveries } = await interceptedPurchase()
    const create = deliveries.find((delivery) => delivery.headers["x-shopify-topic"] === "orders/create")
    if (!create) throw new Error("no orders/create was sent")
    // Half of them keep the delivery's id, half carry one of their own: real shops do both.
    const ids = Array.from({ length: 20 }, (_, n) =>
      n % 2 === 0 ? {} : { "x-shopify-webhook-id": `other-${n}`, "x-shopify-event-id": `event-${n}` },
    )
    const answers = await Promise.all(ids.map((headers) => deliver(create, headers)))
    expect(new Set(answers)).toEqual(new Set([200]))
    for (const delivery of deliveries) if (delivery !== create) await deliver(delivery)
    await untilEnded(t, orderId)

    const placed = await t.sql`select 1 from events where key = ${ref("order", orderId)} and type = 'order.placed'`
    expect(placed).toHaveLength(1)
    expect(await t.sql`select 1 from orders where id = ${orderId}`).toHaveLength(1)
    expect(salesOrders(t, orderId)).toHaveLength(1)
    const rows = await t.sql<{ state: string; reason: string | null }[]>`
      select state, reason from inbox where topic = 'orders/create' and connection = 'shopify'`
    expect(rows).toHaveLength(20)
    const duplicates = rows.filter((row) => row.state === "duplicate")
    expect(duplicates).toHaveLength(19)
    for (const { reason } of duplicates) expect(reason).toMatch(/brought by delivery \d+ before|already known/)
  })

  test("P-01 what the shop's checkout held is taken once, and the books say it is paid", async () => {
    const [bought] = await buyInShop(t, { count: 1, payment: "authorised" })
    const orderId = bought?.orderId ?? ""
    expect(await untilEnded(t, orderId)).toBe("done")
    const [order] = await t.sql<{ total: number }[]>`select total_minor as total from orders where id = ${orderId}`
    const [tender] = await t.sql<{ reference: string }[]>`
      select data #>> '{tender,reference}' as reference from events
      where key = ${ref("order", orderId)} and type = 'order.tender-changed'`
    const taken = payment(t, tender?.reference ?? "")
    expect(taken).toMatchObject({ status: "succeeded", amount_received: Number(order?.total) })
  })
})

describe("answers that got lost", () => {
  const count = 300

  test("P-02 three hundred creates with a third of the answers lost are three hundred documents, each doubt looked up", async () => {
    t.lab.sap.setFaults({ operations: { createSalesOrder: { commitThenReset: 0.3 } } })
    const before = salesOrders(t).length
    const [sku = ""] = plentifulSkus(t, 1)
    const [pool] = await t.sql<{ free: number }[]>`
        select on_hand_milli - reserved_milli as free from stock_skus where sku = ${sku}`
    expect(Number(pool?.free)).toBeGreaterThan(count * 1000)
    const ids = await Promise.all(
      Array.from({ length: count }, (_, n) =>
        placeOrder(t, { externalId: `lost-${n}`, lines: [{ sku, count: 1, totalMinor: 1999 }], tenders: [] }),
      ),
    )
    await eventually(
      "all orders are booked",
      async () => {
        const [row] = await t.sql<{ booked: number }[]>`
            select count(*) as booked from workflow_steps
            where step = 'book order in ERP' and outcome = 'done' and about = any(${ids.map((id) => ref("order", id))})`
        return Number(row?.booked) === count
      },
      { withinMs: 60_000, seen: () => t.sql`select state, count(*) from workflow_instances group by 1` },
    )
    const lost = t.lab.sap.faults().counts["commitThenReset"] ?? 0
    t.lab.sap.setFaults({})

    const documents = salesOrders(t).slice(before)
    expect(documents).toHaveLength(count)
    expect(new Set(documents.map((document) => document.reference))).toEqual(new Set(ids))
    expect(lost).toBeGreaterThan(count / 5)

    const rows = await t.sql<{ attempts: number; probes: number; history: { outcome: string }[] }[]>`
        select attempts, probes, history from workflow_steps where step = 'book order in ERP' and about = any(${ids.map((id) => ref("order", id))})`
    const doubtful = rows.filter((row) => row.history.some((entry) => entry.outcome === "unknown"))
    expect(doubtful).toHaveLength(lost)
    for (const row of doubtful) {
      expect(row.probes).toBeGreaterThan(0)
      // Found by the probe, so the create was sent once only: no blind retry.
      expect(row.attempts).toBe(1)
      expect(row.history.at(-1)?.outcome).toBe("done")
    }
    const blind = await t.sql`
        select about from workflow_steps where about = any(${ids.map((id) => ref("order", id))}) and attempts > 1 and probes = 0
          and history @> '[{"outcome": "unknown"}]'`
    expect(blind).toHaveLength(0)
  }, 90_000)
})

describe("our own words coming back", () => {
  test("P-08 the echo of our own fulfilment changes neither the order's way nor its exceptions", async () => {
    const [bought] = await buyInShop(t, { count: 1 })
    const orderId = bought?.orderId ?? ""
    expect(await untilEnded(t, orderId)).toBe("done")
    await eventually("the shop tells of the fulfilment", async () => {
      const rows = await t.sql`select 1 from workflow_signals s join workflow_instances i on i.id = s.instance
        where i.about = ${ref("order", orderId)} and s.type = 'order.fulfilled-by-channel'`
      return rows.length > 0
    })
    const before = await ledgerOf(t, orderId)
    // Time for anything the echo might set off.
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(await ledgerOf(t, orderId)).toEqual(before)
    expect(await untilState(t, orderId, "closed")).toBe("closed")
    expect(await t.sql`select cause from exceptions where order_id = ${orderId}`).toEqual([])
    const shop = (t.lab.shopify.books()["orders"] as { name: string; fulfillments: unknown[] }[]).find(
      (order) => order.name === bought?.name,
    )
    expect(shop?.fulfillments).toHaveLength(1)
  })
})
