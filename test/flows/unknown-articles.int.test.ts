import { afterAll, beforeAll, expect, test } from "vitest"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  cancelOrder,
  decide,
  openExceptions,
  plentifulSkus,
  stateOf,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import { salesOrders, shipAll, shipmentRequests } from "../fixtures/vendor-books.ts"

// P-34: an article that nobody knows is a question of data, and no order is cancelled for it.

let t: TestCrossdock
let sku = ""
// The last test has one.
const defaultArticles: Record<string, string> = {}
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 34,
    lab: quietWarehouse,
    estate: (estate) => {
      const orders = { ...estate.policies.orders, routeAgainAfter: { seconds: 2 }, defaultArticles }
      return { ...estate, policies: { ...estate.policies, orders } }
    },
  })
  ;[sku = ""] = plentifulSkus(t, 1)
})
afterAll(async () => t?.stop())

/** The shop sells a known article under a name that only the shop has. */
async function boughtAs(article: string): Promise<string> {
  t.lab.shopify.setWebhookTarget(undefined)
  const [order] = await buyInShop(t, { count: 1, skus: [sku], payment: "paid" })
  if (!order) throw new Error("nothing was bought")
  t.lab.shopify.setWebhookTarget(`${t.gatewayUrl}/hooks/shopify`)
  await control(t.lab.shopify, `orders/${order.id}/set`, { set: { "lines.0.sku": article } })
  await control(t.lab.shopify, `orders/${order.id}/pay`, {})
  return order.orderId
}

const asked = (orderId: string) => shipmentRequests(t, orderId).flatMap(({ lines }) => lines.map((line) => line.sku))

test("P-34: orders with an article that nobody knows wait with the SKUs it may be, and go on when a person maps it once", async () => {
  const article = `${sku.toLowerCase()}_x`
  const ids = [await boughtAs(article), await boughtAs(article)]
  for (const orderId of ids) {
    const open = await untilException(t, orderId, "article is unknown")
    expect(open).toMatchObject({ sku: article, allowed: ["retry", "cancel order"] })
    expect(open.summary).toContain(sku)
    expect(open.summary).toContain(
      `crossdock mappings set shopify "${article}" <SKU>. If it is new, tell its stock and retry.`,
    )
    await untilState(t, orderId, "on hold")
  }
  const body = { channel: "shopify", article, sku, reason: "the shop's old number" }
  expect(await t.api("POST", "/v1/article-mappings", body)).toMatchObject({ status: 200, body: { ordersGoOn: 2 } })
  for (const orderId of ids) {
    await untilState(t, orderId, "released")
    expect(asked(orderId)).toEqual([sku])
    expect(salesOrders(t, orderId).flatMap(({ items }) => items.map(({ material }) => material))).toEqual([sku])
    await shipAll(t, orderId)
    expect(await untilEnded(t, orderId)).toBe("done")
    expect(await openExceptions(t, orderId)).toEqual([])
  }
  const [audit] = await t.sql<{ actor: string; detail: object }[]>`
    select actor, detail from audit_log where action = 'map article' and subject = ${`shopify ${article}`}`
  expect(audit?.detail).toEqual({ sku, reason: "the shop's old number" })

  const next = await boughtAs(article)
  await untilState(t, next, "released")
  expect(await openExceptions(t, next)).toEqual([])
})

test("P-34: a mapping is previewed with the orders and the money that wait for it, and then they all go on", async () => {
  const article = `${sku.toLowerCase()}_y`
  const ids = [await boughtAs(article), await boughtAs(article)]
  for (const orderId of ids) await untilException(t, orderId, "article is unknown")
  const { body: groups } = await t.api("GET", "/v1/exception-groups?kind=data&connection=shopify")
  const group = groups.items?.find(({ because }) => (because as { value?: string }).value === article)
  expect(group).toMatchObject({ cause: "article is unknown", open: 2, orders: 2, actions: ["retry", "cancel order"] })

  const spec = { channel: "shopify", article, sku }
  const wanted = { kind: "map article", spec, reason: "the shop's old number" }
  const wrong = await t.api("POST", "/v1/operations", { ...wanted, spec: { ...spec, sku: "NO-SUCH-SKU" } })
  expect([wrong.status, JSON.stringify(wrong.body)]).toEqual([422, expect.stringContaining("NO-SUCH-SKU")])
  const { body: preview } = await t.api("POST", "/v1/operations", wanted)
  expect(preview).toMatchObject({ state: "previewed", total: 2, atRisk: group?.["atRisk"] })
  expect((await openExceptions(t, ids[0] ?? "")).length).toBe(1)

  const path = `/v1/operations/${String(preview["id"])}`
  expect((await t.api("POST", `${path}/run`, { hash: preview["hash"] })).status).toBe(200)
  const done = await eventually("the operation is done", async () => {
    const { body } = await t.api("GET", path)
    return body["state"] === "done" ? body : undefined
  })
  expect(done).toMatchObject({ done: 2, skipped: 0, failed: 0 })
  for (const orderId of ids) {
    await untilState(t, orderId, "released")
    expect(asked(orderId)).toEqual([sku])
  }
})

test("P-34: a mapping to a SKU that nobody knows is refused with the ones that look like it", async () => {
  const body = { channel: "shopify", article: "OLD-1", sku: `${sku}1` }
  const answer = await t.api("POST", "/v1/article-mappings", body)
  expect(answer.status).toBe(422)
  expect(JSON.stringify(answer.body)).toContain(sku)
})

test("P-34: the order goes on by itself when the stock hears of the article", async () => {
  const article = "BRAND-NEW-1"
  const orderId = await boughtAs(article)
  await untilException(t, orderId, "article is unknown")
  const movement = { kind: "receipt", sku: article, locationId: "wh-leipzig", milli: 50_000, fact: "first delivery" }
  expect((await t.api("POST", "/v1/stock-movements", { movements: [movement] })).status).toBe(200)
  await eventually("it is reserved", async () => ((await stateOf(t, orderId)) === "on hold" ? undefined : true))
  expect((await openExceptions(t, orderId)).filter(({ cause }) => cause === "article is unknown")).toEqual([])
})

test("P-34: articles that are mapped to themselves, or to each other, and are sold out are a shortage and no riddle", async () => {
  const occurredAt = new Date().toISOString()
  const known = ["SOLD-OUT-1", "SOLD-OUT-2", "SOLD-OUT-3"]
  const movements = known.flatMap((article) =>
    [1000, -1000].map((milli) => {
      const fact = `${article} ${milli}`
      return { kind: "adjustment", sku: article, locationId: "wh-leipzig", milli, fact, reason: "a test", occurredAt }
    }),
  )
  expect((await t.api("POST", "/v1/stock-movements", { movements })).status).toBe(200)
  const map = (article: string, to: string) =>
    t.api("POST", "/v1/article-mappings", { channel: "shopify", article, sku: to })
  const wanted = { "SOLD-OUT-1": "SOLD-OUT-1", "SOLD-OUT-2": "SOLD-OUT-3", "SOLD-OUT-3": "SOLD-OUT-2" }
  for (const [article, to] of Object.entries(wanted)) expect((await map(article, to)).status).toBe(200)
  for (const [article, to] of Object.entries(wanted)) {
    const orderId = await boughtAs(article)
    expect((await untilException(t, orderId, "stock is short")).summary).toContain(` × ${to}.`)
    const { id } = await untilException(t, orderId, "stock is short")
    await decide(t, id, "cancel order")
    await untilState(t, orderId, ["refused", "cancelled"])
  }
})

test("P-34: a person may still cancel it, and nobody else does", async () => {
  const orderId = await boughtAs("NOBODY-KNOWS")
  const { id } = await untilException(t, orderId, "article is unknown")
  await decide(t, id, "cancel order")
  await untilState(t, orderId, ["refused", "cancelled"])
})

test("P-34: the question closes when the shop cancels the order meanwhile, and says why", async () => {
  const orderId = await boughtAs("NOBODY-KNOWS-2")
  const { id } = await untilException(t, orderId, "article is unknown")
  await cancelOrder(t, orderId)
  await untilState(t, orderId, "cancelled")
  const [closed] = await t.sql`select state, decided_by, decision_note from exceptions where id = ${id}`
  expect(closed).toMatchObject({ state: "decided", decided_by: "crossdock" })
  expect(closed?.["decision_note"]).toMatch(/ cancelled the order/)
  expect(await openExceptions(t, orderId)).toEqual([])
})

test("P-34: a default article of the channel stands for what nobody knows", async () => {
  defaultArticles["shopify"] = sku
  const orderId = await boughtAs("Custom engraving")
  await untilState(t, orderId, "released")
  expect(asked(orderId)).toEqual([sku])
  expect(await openExceptions(t, orderId)).toEqual([])
})
