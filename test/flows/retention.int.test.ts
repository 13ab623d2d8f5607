import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { afterAll, beforeAll, expect, test } from "vitest"
import { control, eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  instanceState,
  placeOrder,
  plentifulSkus,
  untilEnded,
  type OrderDraft,
} from "../fixtures/order-flow.ts"
import { childEnvironment } from "../../src/base/config.ts"
import { durationMs, systemClock } from "../../src/base/time.ts"
import { ref } from "../../src/canonical/refs.ts"
import { Retention } from "../../src/governance/retention.ts"

const inFiveHundredDays = { now: () => systemClock.now() + durationMs({ days: 500 }) }

let t: TestCrossdock
let draft: OrderDraft
let closed = ""
let inFlight = ""
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 23 })
  const [sku = ""] = plentifulSkus(t, 1)
  draft = { externalId: "kept-1", lines: [{ sku, count: 1, totalMinor: 2420 }] }
  closed = await placeOrder(t, draft)
  await untilEnded(t, closed)
  // An order is kept as long as its delivery is watched.
  const [shipment] = await t.sql<{ id: string }[]>`
    select data #>> '{shipment,id}' as id from events where key = ${ref("order", closed)} and type = 'shipment.confirmed'`
  await control(t.lab.warehouse, `shipments/${shipment?.id}/milestones`, { milestone: "delivered" })
  await eventually("it is delivered", async () => {
    const [delivery] = await t.sql<
      { state: string }[]
    >`select state from objects where ref = ${ref("delivery", closed)}`
    return delivery?.state === "delivered"
  })
  await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
  const [second] = await buyInShop(t, { count: 1 })
  inFlight = second?.orderId ?? ""
  await eventually("the order is in flight", async () => (await instanceState(t, inFlight)) === "running")
  await eventually("events are gone", async () => {
    // Readers of the log write down every half minute that they passed what is not for them.
    await t.sql`update subscriptions set xid = pg_snapshot_xmin(pg_current_snapshot()), seq = 0`
    await new Retention(t.sql, inFiveHundredDays, undefined).run()
    return (await eventsOf(closed)).length === 0
  })
})
afterAll(() => t?.stop())

const eventsOf = (orderId: string) => t.sql`select type from events where key = ${ref("order", orderId)}`

test("whoever looks at an order whose details are gone is told so, by the API and by the command line", async () => {
  expect(await eventsOf(closed)).toHaveLength(0)
  const gone = /^events before \d{4}-\d\d-\d\d were removed by retention \(kept for 400 days\)$/
  const order = await t.api("GET", `/v1/orders/${closed}`)
  expect(order.body).toMatchObject({ id: closed, state: "closed", removed: [expect.stringMatching(gone)] })
  const trace = await t.api("GET", `/v1/orders/${closed}/trace`)
  expect(trace.body).toMatchObject({
    hops: [],
    removed: [
      expect.stringMatching(/^deliveries before .* \(kept for 60 days\)$/),
      expect.stringMatching(gone),
      expect.stringMatching(/^finished work before .* \(kept for 400 days\)$/),
    ],
  })
  expect(await crossdock("trace", closed)).toMatch(/events before \S+ were removed by retention/)
  expect(await crossdock("retention")).toMatch(/^deliveries +60 days +before \S+/m)
})

test("an order in flight has all its events, and goes on to its end", async () => {
  const order = await t.api("GET", `/v1/orders/${inFlight}`)
  expect(order.body).toHaveProperty("document.id", inFlight)
  expect(order.body).not.toHaveProperty("removed")
  await t.api("POST", "/v1/connections/sap/resume", {})
  expect(await untilEnded(t, inFlight)).toBe("done")
})

test("an order that is told once more after its events are gone is no new order", async () => {
  await placeOrder(t, { ...draft })
  const [delivery] = await t.sql`select state from inbox order by id desc limit 1`
  expect(delivery).toEqual({ state: "duplicate" })
  expect(await eventsOf(closed)).toHaveLength(0)
  expect(await instanceState(t, closed)).toBeUndefined()
})

async function crossdock(...args: string[]): Promise<string> {
  const consumer = { name: "Command line", owner: "test", scopes: ["*"] }
  await t.api("PUT", "/v1/consumers/cli", consumer)
  const { body } = await t.api("POST", "/v1/consumers/cli/keys", {})
  const env = childEnvironment({ CROSSDOCK_URL: t.gatewayUrl, CROSSDOCK_KEY: String(body["key"]) })
  const { stdout } = await promisify(execFile)(process.execPath, ["bin/crossdock.mjs", ...args], { env })
  return stdout
}
