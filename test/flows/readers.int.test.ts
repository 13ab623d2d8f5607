import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { AppError } from "../../src/base/errors.ts"
import type { EstateConnection } from "../../src/estate/frame.ts"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { buyInShop, openExceptions, untilState } from "../fixtures/order-flow.ts"
import { runCommand } from "../fixtures/readers/command.ts"
import { startRefusingRelay, type RefusingRelay } from "../fixtures/readers/refusing-relay.ts"

let t: TestCrossdock
let relay: RefusingRelay
// From its second page on: it takes a minute until that is told, and the tests of the key take one, too.
let isListRefused = true
let readCount = 0
const command = (...args: string[]) => runCommand(t, args)
beforeAll(async () => {
  relay = await startRefusingRelay()
  t = await startTestCrossdock({
    seed: 41,
    estate: (estate) => {
      const { shopify: shop, sap } = estate.connections
      if (!shop || !sap) throw new Error("the estate has no shop or no ERP")
      const settings = sap.settings as { baseUrl: string }
      relay.aimAt(settings.baseUrl)
      const connect: EstateConnection["connector"]["connect"] = (given, context) => {
        const connected = shop.connector.connect(given, context)
        const { orders } = connected.listsChanges ?? {}
        if (!orders) throw new Error("the shop has no list of orders")
        const listChanges: typeof orders.listChanges = (...args) =>
          isListRefused && (readCount += 1) > 1
            ? Promise.reject(new AppError("VENDOR_MISBEHAVED", "one order of the page cannot be shown"))
            : orders.listChanges(...args)
        // Without names, or the orders of the page would be read one by one.
        const { overlapMs } = orders
        return { ...connected, listsChanges: { orders: { overlapMs, listChanges } } }
      }
      return {
        ...estate,
        connections: {
          ...estate.connections,
          sap: { ...sap, settings: { ...settings, baseUrl: relay.url } },
          shopify: { ...shop, pollEveryMs: 500, connector: { ...shop.connector, connect } },
        },
      }
    },
  })
})
afterAll(async () => {
  await t?.stop()
  await relay?.stop()
})

type Told = { id: string; about: string; cause: string; summary: string; owner: string; state: string }

async function told(about: string, state = "open"): Promise<Told[]> {
  const { body } = await t.api("GET", `/v1/exceptions?state=${state}&limit=100`)
  return (body.items as Told[] | undefined)?.filter((one) => one.about === about) ?? []
}

const readers = async (): Promise<Record<string, unknown>[]> => (await t.api("GET", "/v1/readers")).body.items ?? []

describe("a key that a system refuses", () => {
  test("P-41: is told within one minute although nothing is asked of that system, and closes by itself when it works", async () => {
    await eventually("the ERP is known to answer", async () =>
      (await readers()).some(({ name, succeededAt }) => name === "check sap" && succeededAt !== undefined),
    )
    relay.refuseWith(401)
    const [refused] = await eventually(
      "the refused key is told",
      async () => {
        const all = await told("connection/sap")
        return all.length > 0 && all
      },
      { withinMs: 60_000, seen: readers },
    )
    expect(refused).toMatchObject({ cause: "the key is refused", owner: "integration" })
    expect(refused?.summary).toMatch(/^The key is refused: sap .*status 401/)
    const { body } = await t.api("GET", "/v1/connections/sap")
    expect(body["readers"]).toContainEqual(expect.objectContaining({ name: "check sap", state: "refused" }))
    const ready = await t.api("GET", "/readyz")
    expect(ready).toMatchObject({ status: 200, body: { isReady: true } })
    expect((ready.body as { checks?: object[] }).checks).toContainEqual({
      name: "check sap",
      isReady: false,
      isAdvisory: true,
      detail: "the key is refused",
    })

    const doctor = await command("doctor", "--json")
    expect(doctor.code).toBe(4)
    expect(JSON.parse(doctor.text)).toContainEqual({
      check: "check sap",
      status: "fail",
      found: expect.stringMatching(/^the key is refused: .*401/),
      remedy: "Correct the key or the secret in that system, or in the settings of the connection.",
    })
    expect((await command("connections")).text).toMatch(/^sap +sap-s4hana +key refused .*401/m)

    relay.refuseWith(undefined)
    await eventually("it closes by itself", async () => (await told("connection/sap")).length === 0, {
      withinMs: 60_000,
      seen: async () => ({ open: await told("connection/sap"), readers: (await readers()).slice(0, 3) }),
    })
    expect(await told("connection/sap", "decided")).toMatchObject([
      { decision: { action: "works again", by: "crossdock" } },
    ])
  }, 180_000)

  test("P-41: orders wait for it and are not undone", async () => {
    relay.refuseWith(403)
    const [order] = await buyInShop(t, { count: 1, payment: "paid" })
    if (!order) throw new Error("nothing was bought")
    await untilState(t, order.orderId, "waiting for the books")
    await new Promise((resolve) => setTimeout(resolve, 1000))
    relay.refuseWith(undefined)
    await untilState(t, order.orderId, "closed")
    expect(await openExceptions(t, order.orderId)).toEqual([])
  }, 120_000)
})

test("P-41: a list that always fails is an exception with its owner, cause and age, while the shop itself works", async () => {
  const [late] = await eventually(
    "the poll is told to be behind",
    async () => {
      const all = await told("connection/shopify")
      return all.length > 0 && all
    },
    { withinMs: 100_000, seen: readers },
  )
  expect(late).toMatchObject({ cause: "a reader is behind its time", owner: "integration" })
  expect(late?.summary).toMatch(
    /^The poll of orders of shopify is behind its time\. The last success was \d+ s ago; .*one order of the page cannot be shown/,
  )
  isListRefused = false
  await eventually("it closes by itself", async () => (await told("connection/shopify")).length === 0, {
    withinMs: 60_000,
  })
}, 200_000)

test("P-41: a paused connection is excused: its polls are not told to be behind", async () => {
  await t.api("POST", "/v1/connections/shopify/pause", { reason: "a test" })
  const poll = await eventually(
    "the poll is excused",
    async () => (await readers()).find(({ name, state }) => name === "poll shopify/orders" && state === "excused"),
    { withinMs: 30_000, seen: readers },
  )
  expect(poll["excuse"]).toMatch(/^shopify is paused by operator/)
  await t.api("POST", "/v1/connections/shopify/resume", {})
})

test("P-41: deliveries whose signature fits no secret are told of, not only logged, and the next genuine one closes it", async () => {
  const send = () =>
    fetch(`${t.gatewayUrl}/hooks/shopify`, { method: "POST", headers: { "x-shopify-hmac-sha256": "none" }, body: "{}" })
  for (let count = 0; count < 6; count += 1) expect((await send()).status).toBe(401)
  const [refused] = await eventually("it is told", async () => {
    const all = await told("connection/shopify")
    return all.length > 0 && all
  })
  expect(refused).toMatchObject({ cause: "signatures are refused", owner: "integration" })
  expect(refused?.summary).toMatch(
    /^Deliveries for shopify are refused, \d+ in a row: .*matches none of the connection's secrets/,
  )
  // Anybody may send those: they fail no heartbeat and make nothing unready.
  expect((await readers()).find(({ name }) => name === "webhooks shopify")).toMatchObject({
    state: "ok",
    turnedAway: 6,
  })
  const { checks } = (await t.api("GET", "/readyz")).body as { checks?: { name: string }[] }
  expect(checks?.filter(({ name }) => name === "webhooks shopify")).toEqual([])
  expect(JSON.parse((await command("doctor", "--json")).text)).toContainEqual(
    expect.objectContaining({ check: "webhooks shopify", status: "warn" }),
  )
  await buyInShop(t, { count: 1, payment: "paid" })
  await eventually("it closes by itself", async () => (await told("connection/shopify")).length === 0)
})

test("P-41: everything that works in the background has a heartbeat", async () => {
  const all = await readers()
  const names = all.map(({ name }) => name)
  expect(names).toEqual(
    expect.arrayContaining(
      "check fraud, check mail, check sap, check shopify, check stripe, check tax, check warehouse, poll shopify/orders, poll warehouse/events, fetch named objects, claims of work, retention, demand that sources see, subscription stock, upkeep events, upkeep operations, upkeep stock".split(
        ", ",
      ),
    ),
  )
})
