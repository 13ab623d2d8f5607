import { ref } from "../../src/canonical/refs.ts"
import { createHmac } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { startReceiver, type Delivery, type Receiver } from "../../lab/receiver.ts"
import { orderIdOf } from "../../src/base/ids.ts"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { openExceptions, plentifulSkus, stateOf, untilEnded, untilState } from "../fixtures/order-flow.ts"
import {
  creditsOf,
  deliveries,
  heldMilli,
  journalItems,
  salesOrders,
  shipmentRequests,
  stillToShipMilli,
} from "../fixtures/vendor-books.ts"

// One order of the shop, told to as many connections as there are permutations: the same bytes make one order a connection.
const count = 12
const closing = Array.from({ length: count }, (_, n) => `closing-${n}`)
const trickling = Array.from({ length: count }, (_, n) => `trickling-${n}`)
const ending = Array.from({ length: count }, (_, n) => `ending-${n}`)

let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 70,
    lab: quietWarehouse,
    estate: (estate) => {
      const { shopify, warehouse, ...others } = estate.connections
      if (!shopify || !warehouse) throw new Error("the estate has no shop or no warehouse")
      // Nothing is found by looking: what is told, and in which order, is the test's.
      const { pollEveryMs: _shop, ...shop } = shopify
      const { pollEveryMs: _floor, ...floor } = warehouse
      const shops = [...closing, ...trickling, ...ending].map((id) => [id, shop])
      return {
        ...estate,
        connections: { ...others, shopify: shop, warehouse: floor, ...Object.fromEntries(shops) },
      }
    },
    orders: { paymentsFollow: [...closing, ...trickling, ...ending] },
  })
})
afterAll(async () => {
  await t?.stop()
})

/** A message and who it is told to. */
interface Telling {
  connection: string
  delivery: Delivery
}

async function tell({ connection, delivery }: Telling): Promise<void> {
  const { host: _host, connection: _connection, "content-length": _length, ...headers } = delivery.headers
  const answer = await fetch(`${t.gatewayUrl}/hooks/${connection}`, { method: "POST", headers, body: delivery.body })
  expect(answer.status).toBe(200)
}

const by = (connection: string, given: readonly Delivery[]) => given.map((delivery) => ({ connection, delivery }))

/** One permutation beside the others, each message after the one before it was taken. */
async function tellAll(permutations: readonly Telling[][], pauseMs = 0): Promise<void> {
  await Promise.all(
    permutations.map(async (tellings) => {
      for (const telling of tellings) {
        await tell(telling)
        await sleep(pauseMs)
      }
    }),
  )
}

const topicOf = (delivery: Delivery) => delivery.headers["x-shopify-topic"] ?? ""
const isSnapshot = (delivery: Delivery) => /^orders\/(?!edited)/.test(topicOf(delivery))

function shuffled<Item>(items: readonly Item[], seed: number): Item[] {
  const whole = { minLength: items.length, maxLength: items.length }
  return fc.sample(fc.shuffledSubarray([...items], whole), { numRuns: 1, seed })[0] ?? []
}

/** Each message twice; the second under another id where the sender does not sign it, so that only its content gives it away. */
const doubled = (given: readonly Telling[]): Telling[] => [
  ...given,
  ...given.map(({ connection, delivery }) => {
    const id = delivery.headers["x-shopify-webhook-id"]
    const headers = id === undefined ? {} : { "x-shopify-webhook-id": `${id}-again` }
    return { connection, delivery: { ...delivery, headers: { ...delivery.headers, ...headers } } }
  }),
]

interface ShopOrder {
  id: number
  name: string
  line_items: { id: number; quantity: number }[]
}

/** What the shop tells of an order while `live` happens to it. */
async function toldByShop(live: (order: ShopOrder, mark: () => Promise<number>) => Promise<void>) {
  const receiver = await startReceiver()
  t.lab.shopify.setWebhookTarget(receiver.url)
  const mark = async () => {
    await t.lab.shopify.webhooks()?.idle()
    return receiver.received.length
  }
  const wish = { count: 1, odd: ["large-quantity"], skus: plentifulSkus(t, 2), payment: "paid" }
  const { orders } = (await control(t.lab.shopify, "orders", wish)) as unknown as { orders: { id: number }[] }
  const order = (t.lab.shopify.books()["orders"] as ShopOrder[]).find(({ id }) => id === orders[0]?.id)
  if (!order) throw new Error("the shop sold nothing")
  await live(order, mark)
  await mark()
  await receiver.stop()
  return { order, told: receiver.received }
}

const act = (order: ShopOrder, action: string, body: object = {}) =>
  control(t.lab.shopify, `orders/${order.id}/${action}`, body)

/** Staff of the shop tick the second line off as sent, in the shop alone. */
async function fulfilInShop(order: ShopOrder, tracking: string): Promise<void> {
  const query = `mutation($f: FulfillmentInput!) { fulfillmentCreate(fulfillment: $f) { userErrors { message } } }`
  const part = {
    fulfillmentOrderId: `gid://shopify/FulfillmentOrder/${order.id + 300}`,
    fulfillmentOrderLineItems: [{ id: `gid://shopify/FulfillmentOrderLineItem/${order.id + 401}`, quantity: 1 }],
  }
  const f = { lineItemsByFulfillmentOrder: [part], trackingInfo: { number: tracking } }
  const answer = await fetch(`${t.lab.shopify.url}/admin/api/2026-10/graphql.json`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-shopify-access-token": "shpat_lab_0123456789abcdef" },
    body: JSON.stringify({ query, variables: { f } }),
  })
  const { data } = (await answer.json()) as { data?: { fulfillmentCreate: { userErrors: unknown[] } } }
  expect(data?.fulfillmentCreate.userErrors).toEqual([])
}

const secret = "shpss_lab_fedcba9876543210"

/** The shop's own news of a fulfilment under another tracking number. */
function retold(delivery: Delivery, tracking: string): Delivery {
  const body = JSON.stringify({
    ...(JSON.parse(delivery.body) as object),
    id: 77_000_001,
    tracking_number: tracking,
    tracking_numbers: [tracking],
  })
  const signature = createHmac("sha256", secret).update(body).digest("base64")
  const id = `retold-${tracking}`
  return {
    ...delivery,
    body,
    headers: { ...delivery.headers, "x-shopify-hmac-sha256": signature, "x-shopify-webhook-id": id },
  }
}

/** Where an order has ended, in everybody's books; nothing in it depends on how many messages it took. */
async function endOf(orderId: string) {
  const accounts: Record<string, number> = {}
  for (const { account, amountMinor } of journalItems(t, orderId))
    accounts[account] = (accounts[account] ?? 0) + amountMinor
  const shipped: Record<string, number> = {}
  for (const line of shipmentRequests(t, orderId).flatMap((request) => request.lines))
    if (line.shippedMilli > 0) shipped[line.sku] = (shipped[line.sku] ?? 0) + line.shippedMilli
  const booked = salesOrders(t, orderId)
  const delivered: Record<string, number> = {}
  for (const { material, quantity } of booked.flatMap(({ number }) => deliveries(t, number).flat()))
    delivered[material] = (delivered[material] ?? 0) + quantity
  const items = booked.flatMap((order) => order.items.filter(({ isRejected }) => !isRejected))
  const open = await openExceptions(t, orderId)
  const left = await t.sql<{ sku: string; milli: string }[]>`
    select sku, sum(delta_milli)::text as milli from stock_ledger where reservation_key = ${orderId} group by 1 order by 1`
  return {
    state: await stateOf(t, orderId),
    booked: items.map(({ material, quantity }) => `${quantity} × ${material}`).sort(),
    delivered,
    shipped,
    left: left.map(({ sku, milli }) => `${milli} of ${sku}`),
    accounts,
    heldMilli: await heldMilli(t, orderId),
    stillToShipMilli: stillToShipMilli(t, orderId),
    open: open.map(({ cause }) => cause).sort(),
    credits: creditsOf(t, orderId).length,
  }
}

const orderIdAt = (connection: string, order: ShopOrder) => orderIdOf(connection, String(order.id))

async function untilHeard(orderId: string, names: readonly string[]): Promise<void> {
  await eventually(`${names.join(", ")} are heard`, async () => {
    const rows =
      await t.sql`select distinct s.type from workflow_signals s join workflow_instances i on i.id = s.instance
        where i.about = ${ref("order", orderId)} and s.type = any(${[...names]})`
    return rows.length === names.length
  })
}

/** Messages that a simulator sends about each of these orders, while `happen` makes it send them. */
async function toldAbout(
  name: "fraud" | "warehouse",
  orderIds: readonly string[],
  happen: (receiver: Receiver) => Promise<void>,
): Promise<Telling[][]> {
  const receiver = await startReceiver()
  t.lab[name].setWebhookTarget(receiver.url)
  await happen(receiver)
  t.lab[name].setWebhookTarget(`${t.gatewayUrl}/hooks/${name}`)
  await receiver.stop()
  const about = (orderId: string) => receiver.received.filter(({ body }) => body.includes(orderId))
  return orderIds.map((orderId) => by(name, about(orderId)))
}

/** Reviews opened and ended well for orders that wait for the books. */
const reviewed = (orderIds: readonly string[]) =>
  toldAbout("fraud", orderIds, async (receiver) => {
    for (const reference of orderIds) {
      await control(t.lab.fraud, "reviews", { reference })
      await control(t.lab.fraud, "decisions", { reference, decision: "accept" })
    }
    await eventually("both are told of each", () => receiver.received.length === 2 * orderIds.length)
  })

/** All parcels of released orders leave, two or three for each request. */
const shipped = (orderIds: readonly string[]) =>
  toldAbout("warehouse", orderIds, async () => {
    const habits = { shipAfterMs: { min: 5, max: 20 }, splitShare: 1 }
    await control(t.lab.warehouse, "habits", { ...habits, isPaused: false })
    await eventually("all has left", () => orderIds.every((orderId) => stillToShipMilli(t, orderId) === 0))
    await t.lab.warehouse.webhooks()?.idle()
    await control(t.lab.warehouse, "habits", { isPaused: true })
  })

const trackingOf = (telling: Telling | undefined) =>
  /"trackingNumber":"([^"]+)"/.exec(telling?.delivery.body ?? "")?.[1] ?? ""

/** All orders have come to one end, and it is this one. */
async function expectAlike(
  orderIds: readonly string[],
  known: Partial<Awaited<ReturnType<typeof endOf>>>,
): Promise<void> {
  const [one = "", ...others] = orderIds
  const isKnown = async (orderId: string, wanted: object) => {
    const end = await endOf(orderId)
    return JSON.stringify(end) === JSON.stringify({ ...end, ...wanted })
  }
  // Books are written before the workflow ends; what people see of it may follow a moment later.
  for (const orderId of orderIds)
    await eventually(`${orderId} ends as it should`, () => isKnown(orderId, known), { seen: () => endOf(orderId) })
  const end = await endOf(one)
  for (const orderId of others) expect(await endOf(orderId)).toEqual(end)
  expect(Object.values(end.accounts).reduce((sum, minor) => sum + minor, 0)).toBe(0)
}

describe("facts of one order in any order, each told twice", () => {
  test("P-07 placed, paid, edited, reviewed, fulfilled past us, refunded and shipped: all permutations end alike in all books", async () => {
    await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
    let editedFrom = 0
    const { order, told } = await toldByShop(async (sold, mark) => {
      editedFrom = await mark()
      await act(sold, "edit", { remove: [{ lineId: sold.line_items[0]?.id, quantity: 1 }] })
      await mark()
      await fulfilInShop(sold, "STAFF-1")
      await act(sold, "refund", { lineId: sold.line_items[1]?.id, quantity: 1 })
    })
    const orderIds = closing.map((connection) => orderIdAt(connection, order))
    const edited = told.slice(editedFrom).filter(isSnapshot)
    const payment = told.filter((delivery) => topicOf(delivery) === "order_transactions/create")
    expect([...new Set(told.map(topicOf))].sort()).toEqual([
      "fulfillments/create",
      "order_transactions/create",
      "orders/create",
      "orders/edited",
      "orders/paid",
      "orders/updated",
      "refunds/create",
    ])

    // First what makes it an order that is paid; then, before it is booked, at least once what changes it.
    const first = (n: number) => [...payment, ...shuffled(told.filter(isSnapshot), n).slice(0, 1)]
    await tellAll(closing.map((connection, n) => by(connection, shuffled(first(n), n))))
    for (const orderId of orderIds) await untilState(t, orderId, "waiting for the books")
    const reviews = await reviewed(orderIds)
    const early = (n: number) => [...shuffled(told, n).slice(n % told.length), ...edited.slice(0, 1)]
    await tellAll(
      closing.map((connection, n) => shuffled([...by(connection, early(n)), ...doubled(reviews[n] ?? [])], n)),
    )
    for (const orderId of orderIds)
      await untilHeard(orderId, ["order.edited", "order.fraud-review-opened", "order.fraud-review-decided"])
    await t.api("POST", "/v1/connections/sap/resume", {})
    for (const orderId of orderIds) await untilState(t, orderId, "released")

    const parcels = await shipped(orderIds)
    const fulfilment = told.filter((delivery) => topicOf(delivery) === "fulfillments/create")
    const rest = closing.map((connection, n) => {
      const own = parcels[n] ?? []
      // The location has told the shop of its first parcel, too.
      const inShop = fulfilment.map((delivery) => retold(delivery, trackingOf(own[0])))
      return shuffled(doubled([...own, ...by(connection, [...told, ...inShop])]), n)
    })
    await tellAll(rest)
    for (const orderId of orderIds) expect(await untilEnded(t, orderId)).toBe("done")
    const open = ["fulfilled past us"]
    await expectAlike(orderIds, { state: "closed", heldMilli: 0, stillToShipMilli: 0, open, credits: 1 })
  }, 120_000)
  test("P-07 paid, fulfilled past us and refunded, told before, while and after the order ships: all permutations end alike", async () => {
    const { order, told } = await toldByShop(async (sold) => {
      await fulfilInShop(sold, "STAFF-2")
      await act(sold, "refund", { lineId: sold.line_items[1]?.id, quantity: 1 })
    })
    const habits = { shipAfterMs: { min: 5, max: 20 }, splitShare: 1 }
    await control(t.lab.warehouse, "habits", { ...habits, isPaused: false })
    const orderIds = trickling.map((connection) => orderIdAt(connection, order))
    // Slowly: an order that is told early as paid has ended long before the rest of it is told.
    await tellAll(
      trickling.map((connection, n) => shuffled(doubled(by(connection, told)), n)),
      60,
    )
    for (const orderId of orderIds) expect(await untilEnded(t, orderId)).toBe("done")
    await control(t.lab.warehouse, "habits", { isPaused: true })
    const open = ["fulfilled past us"]
    await expectAlike(orderIds, { state: "closed", heldMilli: 0, stillToShipMilli: 0, open, credits: 1 })
  }, 120_000)

  test("P-07 paid, edited, refunded in part and cancelled: all permutations leave nothing in anybody's books", async () => {
    let cancelledFrom = 0
    const { order, told } = await toldByShop(async (sold, mark) => {
      await act(sold, "edit", { remove: [{ lineId: sold.line_items[0]?.id, quantity: 1 }] })
      await act(sold, "refund", { lineId: sold.line_items[1]?.id, quantity: 1 })
      cancelledFrom = await mark()
      await act(sold, "cancel")
    })
    const orderIds = ending.map((connection) => orderIdAt(connection, order))
    // Every third order hears the rest when it is on its way already.
    const isLate = (_: unknown, n: number) => n % 3 === 0
    const before = told.slice(0, cancelledFrom)
    await tellAll(ending.filter(isLate).map((connection, n) => shuffled(doubled(by(connection, before)), n)))
    for (const orderId of orderIds.filter(isLate)) await untilHeard(orderId, ["order.edited", "order.refunded"])
    await tellAll(
      ending.map((connection, n) => shuffled(doubled(by(connection, told)), n)),
      30,
    )
    for (const orderId of orderIds) await untilEnded(t, orderId)
    const nothing = {
      booked: [],
      delivered: {},
      shipped: {},
      left: [],
      accounts: {},
      heldMilli: 0,
      stillToShipMilli: 0,
    }
    await expectAlike(orderIds, { state: "cancelled", ...nothing, open: [] })
  }, 120_000)
})
