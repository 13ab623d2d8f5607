import { createHmac } from "node:crypto"
import { createServer, connect, type Server, type Socket } from "node:net"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { buyInShop, placeOrder, plentifulSkus, untilState } from "../fixtures/order-flow.ts"
import { mailsTo, salesOrders } from "../fixtures/vendor-books.ts"

let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 99,
    estate: (estate) => {
      const { shopify, sap, ...others } = estate.connections
      if (!shopify || !sap) throw new Error("the estate has no shop or no ERP")
      const changed = { shopify: { ...shopify, pollEveryMs: 500 }, sap: { ...sap, rate: { concurrencyMax: 3 } } }
      return { ...estate, connections: { ...others, ...changed } }
    },
  })
})
afterAll(async () => {
  await t?.stop()
})

describe("the ERP is away", () => {
  test("S-99 orders are accepted, say so, tell their buyers, and are booked in order of promise afterwards", async () => {
    const [sku = ""] = plentifulSkus(t, 1)
    t.lab.sap.setFaults({ outage: true })
    const count = 30
    // Handed in out of order: what was promised first is not what came first.
    const numbers = Array.from({ length: count }, (_, n) => (n * 7) % count)
    const ids = new Map<number, string>()
    for (const n of numbers) {
      const placedAt = `2026-11-20T10:${String(n).padStart(2, "0")}:00.000Z`
      const email = `late${n}@shop.example`
      const lines = [{ sku, count: 1, totalMinor: 1000 }]
      ids.set(n, await placeOrder(t, { externalId: `away-${n}`, email, placedAt, lines, tenders: [] }))
    }
    for (const id of ids.values()) await untilState(t, id, "waiting for the books")
    await eventually("every buyer is told", () =>
      numbers.every((n) => mailsTo(t, `late${n}@shop.example`).length === 1),
    )
    await eventually(
      "all wait behind the closed door",
      async () => {
        const [row] = await t.sql<{ waiting: number }[]>`
          select count(*) as waiting from workflow_queue where waits_for = 'sap'`
        return Number(row?.waiting) === count
      },
      { withinMs: 40_000 },
    )
    expect(salesOrders(t)).toEqual([])
    t.lab.sap.setFaults({})
    for (const id of ids.values()) await untilState(t, id, "closed")

    const order = salesOrders(t).map((document) => document.reference)
    expect(order).toHaveLength(count)
    const ranks = order.map((id) => [...ids].find(([, known]) => known === id)?.[0] ?? -1)
    // Three slots, and twice as many are woken at a time: neighbours may swap, nobody is overtaken by many.
    const furthest = Math.max(...ranks.map((rank, place) => Math.abs(rank - place)))
    expect(furthest).toBeLessThanOrEqual(12)
    expect(ranks.slice(0, 10).reduce((sum, rank) => sum + rank, 0)).toBeLessThan(
      ranks.slice(-10).reduce((sum, rank) => sum + rank, 0) / 2,
    )
  }, 120_000)
})

describe("webhooks that never come", () => {
  test("P-04 orders whose webhooks are lost are found by the poll, and say so", async () => {
    t.lab.shopify.setFaults({ dropWebhook: 1 })
    const bought = await buyInShop(t, { count: 8, payment: "paid" })
    for (const { orderId } of bought) await untilState(t, orderId, "closed")
    t.lab.shopify.setFaults({})
    const rows = await t.sql<{ via: string | null }[]>`
      select found_via as via from orders where id = any(${bought.map((order) => order.orderId)})`
    expect(rows.map((row) => row.via)).toEqual(bought.map(() => "poll"))
    for (const { orderId } of bought) expect(salesOrders(t, orderId)).toHaveLength(1)
  }, 60_000)
})

describe("storage is away", () => {
  test("P-03 nothing is acknowledged while the database is cut off; bad and re-encoded bodies are refused with 401", async () => {
    const body = JSON.stringify({ id: 1, note: "é" })
    const sign = (text: string) => createHmac("sha256", "shpss_lab_fedcba9876543210").update(text).digest("base64")
    const post = (text: string, signature: string) =>
      fetch(`${t.gatewayUrl}/hooks/shopify`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-shopify-topic": "orders/edited",
          "x-shopify-shop-domain": "lab-shop.myshopify.com",
          "x-shopify-webhook-id": "w-1",
          "x-shopify-hmac-sha256": signature,
        },
        body: text,
      }).then((answer) => answer.status)
    expect(await post(body, sign(body))).toBe(200)
    expect(await post(body, sign(`${body} `))).toBe(401)
    // The same JSON, written differently: what was signed are bytes.
    expect(await post(body.replace("é", String.raw`\u00e9`), sign(body))).toBe(401)

    const cut = await cuttable(t.databaseUrl)
    const other = await startTestCrossdock({ seed: 98, databaseUrl: cut.url })
    try {
      const count = async () =>
        (await t.sql<{ n: number }[]>`select count(*) as n from inbox where topic = 'orders/edited'`)[0]?.n
      const before = await count()
      const toOther = (text: string) =>
        fetch(`${other.gatewayUrl}/hooks/shopify`, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            "x-shopify-topic": "orders/edited",
            "x-shopify-shop-domain": "lab-shop.myshopify.com",
            "x-shopify-webhook-id": "w-2",
            "x-shopify-hmac-sha256": sign(text),
          },
          body: text,
        }).then((answer) => answer.status)
      cut.cut()
      const answers = await Promise.all(Array.from({ length: 5 }, () => toOther(body)))
      for (const status of answers) expect(status).toBeGreaterThanOrEqual(500)
      expect(await count()).toBe(before)
      cut.mend()
      await eventually("deliveries are taken again", async () => (await toOther(body)) === 200, { withinMs: 20_000 })
    } finally {
      cut.mend()
      await other.stop()
      await cut.stop()
    }
  }, 90_000)
})

/** The database behind a door that a test can shut. */
async function cuttable(url: string): Promise<{ url: string; cut(): void; mend(): void; stop(): Promise<void> }> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let isCut = false
  const server: Server = createServer((inner) => {
    if (isCut) return inner.destroy()
    const outer = connect(Number(target.port), target.hostname)
    for (const socket of [inner, outer]) {
      sockets.add(socket)
      socket.on("error", () => undefined)
      socket.on("close", () => {
        sockets.delete(socket)
        inner.destroy()
        outer.destroy()
      })
    }
    inner.pipe(outer).pipe(inner)
    return undefined
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  const door = new URL(url)
  door.port = String(typeof address === "object" && address !== null ? address.port : 0)
  door.hostname = "127.0.0.1"
  return {
    url: door.href,
    cut: () => {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    mend: () => {
      isCut = false
    },
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}
