import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, beforeEach, expect, test } from "vitest"
import { createEstate } from "../../lab/estate/estate.ts"
import { startShopify } from "../../lab/shopify/shopify.ts"
import type { Simulator } from "../../lab/simulator.ts"
import { createLog } from "../../src/base/log.ts"
import { systemClock } from "../../src/base/time.ts"
import { EventLog } from "../../src/eventlog/event-log.ts"
import {
  keepOnce,
  keepSubscriptionsAlive,
  type SubscribedConnection,
} from "../../src/eventlog/keep-subscriptions-alive.ts"
import { freshDatabase, type FreshDatabase } from "../fixtures/database.ts"
import { connectShopify, shopControl } from "../laws/subjects/shopify.ts"

let database: FreshDatabase
let simulator: Simulator
let shop: ReturnType<typeof connectShopify>
let gateway: Server
let isDown = false
let received: string[] = []
let connection: SubscribedConnection

beforeEach(async () => {
  database = await freshDatabase()
  isDown = false
  received = []
  gateway = createServer((request, response) => {
    request.resume()
    request.on("end", () => {
      if (!isDown) received.push(String(request.headers["x-shopify-topic"]))
      response.writeHead(isDown ? 503 : 200).end()
    })
  })
  await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve))
  // Nothing of the app's own configuration: all that comes was subscribed to through the API.
  simulator = await startShopify({
    seed: 7,
    estate: createEstate({ seed: 7, skuCount: 50 }),
    appTopics: [],
    retryScale: 0.000001,
  })
  shop = connectShopify(simulator.url)
  connection = {
    id: "shop-de",
    address: `http://127.0.0.1:${(gateway.address() as AddressInfo).port}/hooks/shop-de`,
    keeps: shop.keepsSubscriptions,
    call: (work) => work(),
  }
})
afterEach(async () => {
  shop.close()
  await simulator.stop()
  gateway.close()
  await database.drop()
})

const options = () => ({
  sql: database.sql,
  log: createLog("test", "silent"),
  clock: systemClock,
  eventLog: new EventLog(database.sql),
  connections: [connection],
})
const keep = () => keepOnce(connection, options())
const topics = () => (simulator.books()["subscriptions"] as { topic: string }[]).map(({ topic }) => topic).sort()
const wanted = () => [...shop.keepsSubscriptions.topics].sort()
const exceptions = async () =>
  (await database.sql<{ data: { summary: string } }[]>`select data from events where type = 'exception.opened'`).map(
    ({ data }) => data.summary,
  )

async function graph(query: string, variables: object): Promise<void> {
  const { accessToken } = (await import("../../lab/shopify/shopify.ts")).shopifyDefaults
  const answer = await fetch(`${simulator.url}/admin/api/2026-10/graphql.json`, {
    method: "POST",
    headers: { "x-shopify-access-token": accessToken },
    body: JSON.stringify({ query, variables }),
  })
  const text = await answer.text()
  if (!answer.ok || text.includes('"errors"')) throw new Error(text)
}

test("a new connection gets its subscriptions without an exception, and a second pass changes nothing", async () => {
  expect(await keep()).toEqual({ created: shop.keepsSubscriptions.topics, removed: [], lost: [] })
  expect(topics()).toEqual(wanted())
  expect(await keep()).toEqual({ created: [], removed: [], lost: [] })
  await shopControl(simulator, "orders", { count: 1, odd: false, payment: "paid" })
  await simulator.webhooks()?.idle()
  expect(received).toContain("orders/create")
  expect(await exceptions()).toEqual([])
})

test("P-05 subscriptions that the shop removed after 8 failed retries are made again, webhooks come again, and people are told once", async () => {
  await keep()
  isDown = true
  await shopControl(simulator, "orders", { count: 1, odd: false, payment: "paid" })
  await simulator.webhooks()?.idle()
  expect(topics()).not.toContain("orders/create")
  isDown = false
  const { lost } = await keep()
  expect(lost).toContain("orders/create")
  expect(topics()).toEqual(wanted())
  await Promise.all([keep(), keep()])
  const [told, ...more] = await exceptions()
  expect(told).toContain("orders/create")
  expect(more).toEqual([])
  await shopControl(simulator, "orders", { count: 1, odd: false, payment: "paid" })
  await simulator.webhooks()?.idle()
  expect(received).toContain("orders/create")
})

test("wrong subscriptions at our address go, and those at another address stay", async () => {
  const create = `mutation S($topic: WebhookSubscriptionTopic!, $to: WebhookSubscriptionInput!) {
    webhookSubscriptionCreate(topic: $topic, webhookSubscription: $to) { userErrors { message } } }`
  const elsewhere = "https://staging.example.com/hooks/shop-de"
  await graph(create, { topic: "ORDERS_CREATE", to: { uri: elsewhere } })
  await graph(create, { topic: "ORDERS_EDITED", to: { uri: connection.address } })
  await graph(create, { topic: "ORDERS_UPDATED", to: { uri: connection.address, includeFields: ["id"] } })
  await graph(create, { topic: "REFUNDS_CREATE", to: { uri: connection.address, filter: "id:1" } })
  const { created, removed } = await keep()
  expect(removed.sort()).toEqual(["ORDERS_EDITED", "orders/updated", "refunds/create"])
  expect(created).toEqual(shop.keepsSubscriptions.topics)
  expect(topics()).toEqual([...wanted(), "orders/create"].sort())
})

test("a pass that breaks off half-way is finished by the next, and a lost answer makes no second subscription", async () => {
  simulator.setFaults({ operations: { webhookSubscriptionCreate: { commitThenReset: 1 } } })
  await expect(keep()).rejects.toMatchObject({ kind: "uncertain" })
  simulator.setFaults({})
  const { lost } = await keep()
  expect(lost).toEqual([])
  expect(topics()).toEqual(wanted())
})

test("making what is there and removing what is gone change nothing", async () => {
  await keep()
  const call = () => ({ signal: AbortSignal.timeout(5000), correlation: "test" })
  const { createSubscription, listSubscriptions, removeSubscription } = shop.keepsSubscriptions
  await createSubscription({ topic: "orders/create", address: connection.address }, call())
  expect(topics()).toEqual(wanted())
  const [first] = await listSubscriptions(undefined, call())
  if (!first) throw new Error("there are none")
  for (let n = 0; n < 2; n += 1) await removeSubscription({ id: first.id }, call())
  expect(topics()).toEqual(wanted().filter((topic) => topic !== first.topic))
})

test("the upkeep makes what is missing while it runs, and stops", async () => {
  const [upkeep] = keepSubscriptionsAlive({ ...options(), everyMs: 20 })
  upkeep?.start()
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await until(() => topics().length === wanted().length)
  simulator.reset()
  await until(() => topics().length === wanted().length)
  await upkeep?.stop()
  simulator.reset()
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect(topics()).toEqual([])
})
