import { createHmac } from "node:crypto"
import { createServer } from "node:http"
import type { IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { createEstate } from "../estate/estate.ts"
import type { Simulator } from "../simulator.ts"
import { shopifyDefaults, startShopify } from "./shopify.ts"

// The test reads deep JSON responses of many shapes.
// oxlint-disable-next-line typescript/no-explicit-any
type Json = Record<string, any>

let shop: Simulator
let received: { headers: IncomingHttpHeaders; raw: Buffer; body: Json }[] = []
let refusing = false
const hooks = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on("data", (part: Buffer) => parts.push(part))
  request.on("end", () => {
    const raw = Buffer.concat(parts)
    received.push({ headers: request.headers, raw, body: JSON.parse(raw.toString("utf8")) })
    response.writeHead(refusing ? 500 : 200).end()
  })
})
const hookUrl = (): string => `http://127.0.0.1:${(hooks.address() as AddressInfo).port}/hooks/shop`

beforeAll(async () => {
  await new Promise<void>((resolve) => hooks.listen(0, "127.0.0.1", resolve))
  let intents = 0
  shop = await startShopify({
    seed: 7,
    estate: createEstate({ seed: 7, skuCount: 300 }),
    webhookTarget: hookUrl(),
    retryScale: 0.000001,
    jobMs: 10,
    createAuthorisation: () => Promise.resolve(`pi_${++intents}`),
    authorisedShare: 0,
  })
})
beforeEach(async () => {
  await shop.webhooks()?.idle()
  shop.setFaults({})
  shop.reset()
  received = []
  refusing = false
})
afterAll(async () => {
  await shop.stop()
  hooks.close()
})

async function control(path: string, body: unknown = {}): Promise<Json> {
  const response = await fetch(`${shop.url}/__lab/${path}`, { method: "POST", body: JSON.stringify(body) })
  return response.json() as Promise<Json>
}

async function graph(query: string, variables: Json = {}): Promise<Json> {
  const response = await fetch(`${shop.url}/admin/api/2026-10/graphql.json`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-shopify-access-token": shopifyDefaults.accessToken },
    body: JSON.stringify({ query, variables }),
  })
  return { ...((await response.json()) as Json), version: response.headers.get("x-shopify-api-version") }
}

async function placeOne(wish: Json = {}): Promise<string> {
  const { orders } = await control("orders", { count: 1, odd: false, ...wish })
  return `gid://shopify/Order/${orders[0].id}`
}

async function topicsSeen(): Promise<string[]> {
  await shop.webhooks()?.idle()
  return received.map(({ headers }) => String(headers["x-shopify-topic"])).sort()
}

const plan = `query ($id: ID!) { order(id: $id) { id name displayFinancialStatus displayFulfillmentStatus cancelledAt tags note
  currentTotalPriceSet { presentmentMoney { amount currencyCode } } totalOutstandingSet { presentmentMoney { amount } }
  lineItems(first: 20) { nodes { id sku quantity currentQuantity unfulfilledQuantity } }
  transactions(first: 10) { id kind gateway paymentId amountSet { presentmentMoney { amount } } }
  refunds(first: 5) { id totalRefundedSet { presentmentMoney { amount } } }
  fulfillments(first: 5) { id status trackingInfo(first: 5) { number company } fulfillmentLineItems(first: 10) { nodes { quantity } } }
  fulfillmentOrders(first: 5) { nodes { id status lineItems(first: 10) { nodes { id remainingQuantity } } } } } }`
const read = async (id: string): Promise<Json> => (await graph(plan, { id }))["data"].order

describe("webhooks", () => {
  test("an order arrives signed over its raw bytes, with the headers of a real delivery", async () => {
    await placeOne()
    expect(await topicsSeen()).toEqual(["order_transactions/create", "orders/create", "orders/paid"])
    for (const { headers, raw } of received) {
      const expected = createHmac("sha256", shopifyDefaults.clientSecret).update(raw).digest("base64")
      expect(headers["x-shopify-hmac-sha256"]).toBe(expected)
      expect(headers["x-shopify-shop-domain"]).toBe(shopifyDefaults.shopDomain)
      expect(headers["x-shopify-api-version"]).toBe("2026-10")
      expect(headers["x-shopify-webhook-id"]).toMatch(/^[0-9a-f]{8}-/)
    }
    expect(new Set(received.map(({ headers }) => headers["x-shopify-event-id"])).size).toBe(received.length)
  })

  test("a refused delivery keeps its id and its payload over all retries", async () => {
    refusing = true
    await placeOne({ payment: "pending" })
    await shop.webhooks()?.idle()
    expect(received).toHaveLength(9)
    expect(
      new Set(received.map(({ headers, raw }) => `${String(headers["x-shopify-webhook-id"])}${raw.toString()}`)).size,
    ).toBe(1)
  })

  test("a subscription made by API is removed after the eighth failed retry", async () => {
    const create = `mutation ($uri: String!) { webhookSubscriptionCreate(topic: ORDERS_CREATE, webhookSubscription: { uri: $uri }) {
      webhookSubscription { id uri topic } userErrors { message } } }`
    const list = `{ webhookSubscriptions(first: 10) { nodes { id topic uri } } }`
    expect((await graph(create, { uri: hookUrl() }))["data"].webhookSubscriptionCreate.userErrors).toEqual([])
    expect((await graph(create, { uri: hookUrl() }))["data"].webhookSubscriptionCreate.userErrors[0].message).toContain(
      "taken",
    )
    expect((await graph(list))["data"].webhookSubscriptions.nodes).toHaveLength(1)
    refusing = true
    await placeOne({ payment: "pending" })
    await shop.webhooks()?.idle()
    expect((await graph(list))["data"].webhookSubscriptions.nodes).toHaveLength(0)
  })
})

describe("reading", () => {
  test("paging by last change returns every order once, and a changed order again", async () => {
    await control("orders", { count: 25 })
    const query = `query ($after: String) { orders(first: 10, after: $after, sortKey: UPDATED_AT, query: "updated_at:>='2026-01-01T00:00:00Z'") {
      nodes { id updatedAt } pageInfo { hasNextPage endCursor } } }`
    const seen: string[] = []
    let after: string | null = null
    do {
      const { orders }: Json = (await graph(query, { after }))["data"]
      seen.push(...orders.nodes.map((node: Json) => node["id"]))
      after = orders.pageInfo.hasNextPage ? orders.pageInfo.endCursor : null
      if (seen.length === 10)
        await graph(`mutation ($id: ID!) { tagsAdd(id: $id, tags: ["x"]) { userErrors { message } } }`, { id: seen[0] })
    } while (after !== null)
    expect(seen).toHaveLength(26)
    expect(new Set(seen).size).toBe(25)
  })

  test("a query costs points, and one too many is answered 200 with THROTTLED", async () => {
    const poor = await startShopify({
      seed: 7,
      estate: createEstate({ seed: 7, skuCount: 20 }),
      costBucket: { maximum: 5, restorePerSecond: 1 },
    })
    const ask = async (): Promise<Json> => {
      const headers = { "x-shopify-access-token": shopifyDefaults.accessToken }
      const body = JSON.stringify({ query: `{ shop { name } orders(first: 2) { nodes { id } } }` })
      const response = await fetch(`${poor.url}/admin/api/2026-10/graphql.json`, { method: "POST", headers, body })
      expect(response.status).toBe(200)
      return (await response.json()) as Json
    }
    const first = await ask()
    expect(first["extensions"].cost).toMatchObject({ requestedQueryCost: 5, actualQueryCost: 3 })
    const second = await ask()
    expect(second["errors"][0].extensions.code).toBe("THROTTLED")
    expect(second["extensions"].cost.throttleStatus).toMatchObject({ maximumAvailable: 5, restoreRate: 1 })
    await poor.stop()
  })

  test("an unknown field and a wrong token are refused, an old version falls forward", async () => {
    expect((await graph(`{ shop { nonsense } }`))["errors"][0].message).toContain("nonsense")
    const url = `${shop.url}/admin/api/2024-01/graphql.json`
    const wrong = await fetch(url, { method: "POST", body: "{}", headers: { "x-shopify-access-token": "no" } })
    expect(wrong.status).toBe(401)
    expect(wrong.headers.get("x-shopify-api-version")).toBe("2026-10")
  })
})

describe("fulfilling", () => {
  const create = `mutation ($fulfillment: FulfillmentInput!) { fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status } userErrors { field message } } }`

  test("partial fulfilments add up, too much is a user error, and each comes back as webhooks", async () => {
    const id = await placeOne({ skus: ["SKU-00000"], odd: ["large-quantity"] })
    await topicsSeen()
    received = []
    const [part] = (await read(id))["fulfillmentOrders"].nodes
    const [line] = part.lineItems.nodes
    const send = async (quantity: number): Promise<Json> => {
      const lines = [{ id: line.id, quantity }]
      const input = { lineItemsByFulfillmentOrder: [{ fulfillmentOrderId: part.id, fulfillmentOrderLineItems: lines }] }
      const trackingInfo = { company: "PostNL", number: "3S123", url: "https://example.com/3S123" }
      return (await graph(create, { fulfillment: { ...input, trackingInfo } }))["data"].fulfillmentCreate
    }
    expect((await send(1))["userErrors"]).toEqual([])
    expect((await read(id))["displayFulfillmentStatus"]).toBe("PARTIALLY_FULFILLED")
    expect((await send(line.remainingQuantity))["userErrors"][0].message).toContain("quantity")
    expect((await send(line.remainingQuantity - 1))["userErrors"]).toEqual([])
    const done = await read(id)
    expect(done["displayFulfillmentStatus"]).toBe("FULFILLED")
    expect(done["fulfillments"].map((item: Json) => item["trackingInfo"][0].number)).toEqual(["3S123", "3S123"])
    expect(await topicsSeen()).toEqual([
      "fulfillments/create",
      "fulfillments/create",
      "orders/fulfilled",
      "orders/updated",
      "orders/updated",
    ])
  })

  test("a lost answer leaves the fulfilment done", async () => {
    const id = await placeOne()
    const [part] = (await read(id))["fulfillmentOrders"].nodes
    shop.setFaults({ operations: { fulfillmentCreate: { commitThenReset: 1 } } })
    await expect(
      graph(create, { fulfillment: { lineItemsByFulfillmentOrder: [{ fulfillmentOrderId: part.id }] } }),
    ).rejects.toThrow()
    expect((await read(id))["fulfillments"]).toHaveLength(1)
  })
})

describe("giving back", () => {
  const refundCreate = `mutation ($input: RefundInput!, $key: String!) { refundCreate(input: $input) @idempotent(key: $key) {
    refund { id totalRefundedSet { presentmentMoney { amount } } } userErrors { message } } }`

  test("a refund needs its idempotency key and happens once per key", async () => {
    const id = await placeOne()
    const { lineItems, transactions } = await read(id)
    const [line] = lineItems.nodes
    const input = {
      orderId: id,
      refundLineItems: [{ lineItemId: line.id, quantity: 1, restockType: "CANCEL" }],
      transactions: [
        { amount: "1.00", gateway: "shopify_payments", kind: "REFUND", orderId: id, parentId: transactions[0].id },
      ],
    }
    const bare = await graph(
      `mutation ($input: RefundInput!) { refundCreate(input: $input) { userErrors { message } } }`,
      { input },
    )
    expect(bare["errors"][0].message).toContain("@idempotent")
    const first = await graph(refundCreate, { input, key: "k1" })
    const again = await graph(refundCreate, { input, key: "k1" })
    expect(again["data"]).toEqual(first["data"])
    const other = await graph(refundCreate, { input: { ...input, note: "other" }, key: "k1" })
    expect(other["errors"][0].extensions.code).toBe("IDEMPOTENCY_KEY_PARAMETER_MISMATCH")
    const after = await read(id)
    expect(after["refunds"]).toHaveLength(1)
    expect(after["lineItems"].nodes[0].currentQuantity).toBe(line.quantity - 1)
    expect(await topicsSeen()).toContain("refunds/create")
  })

  test("more than was paid cannot be refunded", async () => {
    const id = await placeOne()
    const transactions = [{ amount: "999999.00", gateway: "shopify_payments", kind: "REFUND", orderId: id }]
    const refused = await graph(refundCreate, { input: { orderId: id, transactions }, key: "k2" })
    expect(refused["data"].refundCreate.userErrors[0].message).toContain("refundable")
  })

  test("a cancellation is a job; afterwards nothing is owed and nothing is left to send", async () => {
    const id = await placeOne({ odd: ["order-discount", "gift-card-tender"] })
    const cancel = `mutation ($id: ID!) { orderCancel(orderId: $id, reason: CUSTOMER, restock: true, refundMethod: { originalPaymentMethodsRefund: true }) {
      job { id done } orderCancelUserErrors { message code } } }`
    const { job } = (await graph(cancel, { id }))["data"].orderCancel
    expect(job.done).toBe(false)
    await expect
      .poll(async () => (await graph(`query ($id: ID!) { job(id: $id) { done } }`, { id: job.id }))["data"].job.done)
      .toBe(true)
    const after = await read(id)
    expect(after).toMatchObject({ displayFinancialStatus: "REFUNDED" })
    expect(after["currentTotalPriceSet"].presentmentMoney.amount).toBe("0.0")
    expect(after["totalOutstandingSet"].presentmentMoney.amount).toBe("0.0")
    expect((await graph(cancel, { id }))["data"].orderCancel.orderCancelUserErrors[0].code).toBe("INVALID")
    expect(await topicsSeen()).toContain("orders/cancelled")
  })

  test("an authorised order carries its payment's id and is paid once captured", async () => {
    const id = await placeOne({ payment: "authorised" })
    const before = await read(id)
    expect(before["displayFinancialStatus"]).toBe("AUTHORIZED")
    const [authorisation] = before["transactions"]
    expect(authorisation.paymentId).toMatch(/^pi_/)
    const amount = authorisation.amountSet.presentmentMoney.amount
    const capture = `mutation ($input: OrderCaptureInput!) { orderCapture(input: $input) { transaction { id } userErrors { message } } }`
    await graph(capture, { input: { id, parentTransactionId: authorisation.id, amount } })
    expect((await read(id))["displayFinancialStatus"]).toBe("PAID")
    expect(await topicsSeen()).toContain("orders/paid")
  })
})

describe("controls", () => {
  test("an edit, a refund and a payment by the staff change the order and tell it", async () => {
    const id = await placeOne({ skus: ["SKU-00001"], odd: ["large-quantity"] })
    const number = id.split("/").at(-1)
    const [line] = (await read(id))["lineItems"].nodes
    const lineId = Number(line.id.split("/").at(-1))
    await control(`orders/${number}/edit`, {
      remove: [{ lineId, quantity: 2 }],
      add: [{ likeLineId: lineId, quantity: 5 }],
    })
    const edited = await read(id)
    expect(edited["lineItems"].nodes.map((node: Json) => node["currentQuantity"])).toEqual([line.quantity - 2, 5])
    expect(await control(`orders/${number}/pay`)).toEqual({ paid: true })
    expect((await read(id))["totalOutstandingSet"].presentmentMoney.amount).toBe("0.0")
    expect(await control(`orders/${number}/refund`, {})).toMatchObject({ refunded: true })
    expect(await topicsSeen()).toEqual(
      expect.arrayContaining(["orders/edited", "orders/paid", "refunds/create", "orders/updated"]),
    )
  })

  test("trading places no more orders than the rate asks for, and ends when it is told to", async () => {
    const startedAt = performance.now()
    await control("trading", { ordersPerSecond: 100 })
    await expect.poll(() => (shop.books()["orders"] ?? []).length, { timeout: 20_000 }).toBeGreaterThan(20)
    await control("trading", { ordersPerSecond: 0 })
    const { length } = shop.books()["orders"] ?? []
    // A slow machine places fewer, never more than the time that passed allows.
    expect(length).toBeLessThanOrEqual(((performance.now() - startedAt) / 1000) * 100 + 5)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect((shop.books()["orders"] ?? []).length).toBe(length)
  })
})

describe("sales that are no web order", () => {
  const bookOf = async (id: string): Promise<Json> => {
    const response = await fetch(`${shop.url}/__lab/orders/${id.split("/").at(-1)}`)
    return response.json() as Promise<Json>
  }
  const act = (id: string, action: string, body: Json = {}) => control(`orders/${id.split("/").at(-1)}/${action}`, body)
  const sent = (topic: string) => received.find(({ headers }) => headers["x-shopify-topic"] === topic)?.body as Json

  test("a till's sale has a place and nobody's address, and its goods are gone with the sale", async () => {
    const id = await placeOne({ odd: ["till"], payment: "authorised" })
    await shop.webhooks()?.idle()
    expect(sent("orders/create")).toMatchObject({ source_name: "pos", shipping_address: null, shipping_lines: [] })
    expect(sent("orders/create")["location_id"]).toBeGreaterThan(70_000_000_000)
    expect(await read(id)).toMatchObject({ displayFinancialStatus: "PAID", displayFulfillmentStatus: "FULFILLED" })
    expect(sent("fulfillments/create")).toMatchObject({ status: "success", tracking_number: null })
  })

  test("an order on terms has no payment until it is paid", async () => {
    const id = await placeOne({ odd: ["terms"] })
    await shop.webhooks()?.idle()
    expect(sent("orders/create")).toMatchObject({ payment_terms: { payment_terms_name: "Net 30", due_in_days: 30 } })
    expect((await bookOf(id))["transactions"]).toEqual([])
    await act(id, "pay")
    expect((await bookOf(id))["transactions"]).toMatchObject([{ kind: "sale", status: "success", gateway: "manual" }])
  })

  test("cash on delivery is a pending payment, and another one follows it when the buyer has paid", async () => {
    const id = await placeOne({ odd: ["cash-on-delivery"] })
    expect(await read(id)).toMatchObject({ displayFinancialStatus: "PENDING" })
    await act(id, "pay")
    const [pending, paid] = (await bookOf(id))["transactions"]
    expect(pending).toMatchObject({ status: "pending", gateway: "Cash on Delivery (COD)" })
    expect(paid).toMatchObject({ status: "success", gateway: pending.gateway, parent_id: pending.id })
    expect(await read(id)).toMatchObject({ displayFinancialStatus: "PAID" })
  })

  test("a test order says so, and a gift card on paper is shipped", async () => {
    await placeOne({ odd: ["test-order"] })
    await shop.webhooks()?.idle()
    expect(sent("orders/create")).toMatchObject({ test: true })
    received = []
    await placeOne({ odd: ["paper-gift-card"] })
    await shop.webhooks()?.idle()
    expect(sent("orders/create")["line_items"][0]).toMatchObject({ gift_card: true, requires_shipping: true })
  })

  test("a refund on its way has given nothing back, and cannot be given back again", async () => {
    const id = await placeOne({ payment: "paid" })
    await act(id, "refund", { goods: false, amountMinor: 100, pending: true })
    const kinds = async () => ((await bookOf(id))["transactions"] as Json[]).map((one) => [one["kind"], one["status"]])
    expect(await kinds()).toContainEqual(["refund", "pending"])
    expect(await read(id)).toMatchObject({ displayFinancialStatus: "PAID" })
    await act(id, "cancel")
    expect(await act(id, "settle-refunds")).toEqual({ settled: 1 })
    expect(await kinds()).toEqual([
      ["sale", "success"],
      ["refund", "success"],
      ["refund", "success"],
    ])
    const amounts = ((await bookOf(id))["transactions"] as Json[]).map((one) => Number(one["amount"]))
    expect(Math.round(((amounts[1] ?? 0) + (amounts[2] ?? 0)) * 100)).toBe(Math.round((amounts[0] ?? 0) * 100))
  })

  test("staff captures a part by hand, ships past everybody and notes the parcel's number later", async () => {
    const id = await placeOne({ payment: "authorised" })
    expect(await act(id, "capture", { amountMinor: 100 })).toMatchObject({ captured: true, amountMinor: 100 })
    expect(await read(id)).toMatchObject({ displayFinancialStatus: "PARTIALLY_PAID" })
    await act(id, "fulfil")
    received = []
    expect(await act(id, "track")).toEqual({ tracked: 1 })
    await shop.webhooks()?.idle()
    expect(sent("fulfillments/update")["tracking_number"]).toMatch(/^3S/)
  })

  test("a cancelled order can be neither edited nor paid", async () => {
    const id = await placeOne({ payment: "paid" })
    await act(id, "cancel")
    const { line_items: lines } = await bookOf(id)
    const edit = { add: [{ likeLineId: lines[0].id, quantity: 1 }] }
    expect(await act(id, "edit", edit)).toMatchObject({ additions: [], removals: [] })
    expect(await act(id, "pay")).toEqual({ paid: false })
  })
})
