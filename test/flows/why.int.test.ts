import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import type { EstateConnection } from "../../src/estate/frame.ts"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  openExceptions,
  placeOrder,
  plentifulSkus,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import { startRefusingRelay, type RefusingRelay } from "../fixtures/readers/refusing-relay.ts"

// each cause is injected where it arises (the shop's own server, its key, the warehouse, an article, a mistake of ours), and the
// answer names it first. Earlier weeks, and how many orders came and left in the last hours, are put into the counters as their reader
// would have: no test waits for weeks.

const channels = ["shopify", "till"]
const usualAnHour = 40

let t: TestCrossdock
let relay: RefusingRelay
let sku = ""
let isTaxBroken = false
beforeAll(async () => {
  relay = await startRefusingRelay()
  t = await startTestCrossdock({
    seed: 82,
    lab: quietWarehouse,
    estate: (estate) => {
      const { shopify: shop, tax } = estate.connections
      if (!shop || !tax) throw new Error("the estate has no shop or no tax engine")
      const settings = shop.settings as { baseUrl: string }
      relay.aimAt(settings.baseUrl)
      const connect: EstateConnection["connector"]["connect"] = (given, context) => {
        const connected = tax.connector.connect(given, context)
        const { checksTax } = connected
        if (!checksTax) throw new Error("the tax engine checks no tax")
        const quoteTax: typeof checksTax.quoteTax = (order, call) =>
          isTaxBroken
            ? Promise.reject(new TypeError("order.address is not a function"))
            : checksTax.quoteTax(order, call)
        return { ...connected, checksTax: { ...checksTax, quoteTax } }
      }
      const connections = {
        ...estate.connections,
        shopify: { ...shop, pollEveryMs: 300, settings: { ...settings, baseUrl: relay.url } },
        tax: { ...tax, connector: { ...tax.connector, connect } },
      }
      return { ...estate, connections }
    },
  })
  ;[sku = ""] = plentifulSkus(t, 1)
}, 60_000)
afterAll(async () => {
  await t?.stop()
  await relay?.stop()
})

/** Counters of a name for the last three hours of some weeks, as the reader of the log keeps them. */
async function count(
  name: string,
  options: { label?: string; weeks: number[]; each: Record<string, number> },
): Promise<void> {
  const { label = "", weeks, each } = options
  for (const [channel, value] of Object.entries(each))
    await t.sql`
      insert into figures (name, hour, channel, place, label, process, value)
      select ${name}, date_trunc('hour', now()) - h * interval '1 hour' - w * interval '7 days', ${channel}, '', ${label}, 'log',
        (${value}::int + (w * 7 + h * 3) % 5 - 2 * least(w, 1))
          -- Of the hour that is not over there is only a part.
          * case when w = 0 and h = 0 then extract(epoch from now() - date_trunc('hour', now())) / 3600 else 1 end
      from generate_series(0, 3) h, unnest(${weeks}::int[]) w
      on conflict (name, hour, channel, place, label, process) do update set value = excluded.value`
}

const all = (value: number) => Object.fromEntries(channels.map((channel) => [channel, value]))
const past = [1, 2, 3, 4, 5, 6, 7, 8]

/** The last hours as they were told, for each channel as many as on other days unless it says otherwise. */
async function lastHours({
  placed = {},
  left = {},
}: {
  placed?: Record<string, number>
  left?: Record<string, number>
}) {
  await count("orders placed", { weeks: [0], each: { ...all(usualAnHour), ...placed } })
  await count("leaving time", { label: "3600", weeks: [0], each: { ...all(usualAnHour), ...left } })
}

beforeEach(async () => {
  for (const name of ["orders placed", "leaving time"])
    await count(name, { label: name === "leaving time" ? "3600" : "", weeks: past, each: all(usualAnHour) })
})

// What one cause left open is no evidence of the next one.
afterEach(() => t.sql`delete from exceptions`)

interface Answer {
  verdict: string
  weeks: number
  suspects: { cause: string; orders: number; evidence: string[]; look: { at: string; id?: string }[] }[]
}

async function why(query = ""): Promise<Answer> {
  const { status, body } = await t.api("GET", `/v1/why${query}`)
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body as unknown as Answer
}

const failing = async (code: string) => {
  const { items = [] } = (await t.api("GET", "/v1/readers")).body
  return items.some(({ connection, errorCode }) => connection === "shopify" && errorCode === code)
}

/** Nobody waits here: the last success of the shop's readers is moved back by two hours. */
const sinceTwoHours = () =>
  t.sql`update readers set succeeded_at = now() - interval '2 hours', since = now() - interval '3 hours' where connection = 'shopify'`

const soon = (minute: number) => new Date(Date.now() - minute * 1000).toISOString()
const orders = (name: string, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, n) =>
      placeOrder(t, { externalId: `${name}-${n}`, lines: [{ sku, count: 1, totalMinor: 2420 }], placedAt: soon(n) }),
    ),
  )

describe("X-08 why is revenue down", () => {
  test("all is as usual", async () => {
    await lastHours({})
    expect(await why()).toMatchObject({ verdict: "as usual", weeks: 8, suspects: [] })
  })

  test("demand: fewer orders everywhere, and nothing is wrong", async () => {
    await lastHours({ placed: all(12), left: all(12) })
    const { verdict, suspects } = await why()
    expect(verdict).toBe("down")
    expect(suspects[0]).toMatchObject({ cause: "demand" })
    expect(suspects[0]?.evidence).toContain("all channels are down alike")
  })

  test("bad data: the shop sells an article that nobody knows", async () => {
    await lastHours({})
    // Renamed before anybody buys: an order that is renamed afterwards may have been polled and shipped by then.
    await control(t.lab.shopify, "articles", { sku, soldAs: "NEW-2027" })
    const bought = await buyInShop(t, { count: 12, skus: [sku], payment: "paid" })
    await control(t.lab.shopify, "articles", {})
    for (const { orderId } of bought) await untilException(t, orderId, "article is unknown")
    await lastHours({ left: { shopify: 28 } })
    const { suspects } = await why()
    expect(suspects[0]).toMatchObject({ cause: "bad data" })
    expect(suspects[0]?.evidence.join()).toContain("NEW-2027")
  })

  test("workflow flaw: one step of ours fails for every order", async () => {
    isTaxBroken = true
    const ids = await orders("F", 12)
    for (const id of ids) await eventually("it is stuck", async () => (await openExceptions(t, id)).length > 0)
    await lastHours({ left: { till: 20 } })
    const { suspects } = await why()
    isTaxBroken = false
    expect(suspects[0]).toMatchObject({ cause: "workflow flaw", look: [{ at: "group" }] })
  })

  test("warehouse delay: orders come and are released, and no goods leave", async () => {
    const ids = await orders("W", 14)
    for (const id of ids) await untilState(t, id, "released")
    await lastHours({ left: { till: 20 } })
    const { verdict, suspects } = await eventually("the released ones are counted", async () => {
      const answer = await why()
      return answer.suspects.length > 0 && answer
    })
    expect(verdict).toBe("down")
    expect(suspects[0]).toMatchObject({ cause: "warehouse delay" })
  })

  test("platform outage: the shop's server does not answer", async () => {
    await lastHours({ placed: { shopify: 8 }, left: { shopify: 8 } })
    relay.refuseWith(503)
    await eventually("the poll fails", () => failing("VENDOR_UNAVAILABLE"))
    await sinceTwoHours()
    const { suspects } = await why()
    relay.refuseWith(undefined)
    expect(suspects[0]).toMatchObject({
      cause: "platform outage",
      look: [{ at: "connection", id: "shopify" }],
    })
  })

  test("sync failure: the shop answers and refuses our key", async () => {
    await eventually("the shop is read again", async () => !(await failing("VENDOR_UNAVAILABLE")), { withinMs: 40_000 })
    await lastHours({ placed: { shopify: 8 }, left: { shopify: 8 } })
    relay.refuseWith(401)
    await eventually("the key is refused", () => failing("VENDOR_KEY_REFUSED"))
    await sinceTwoHours()
    const { suspects } = await why()
    relay.refuseWith(undefined)
    expect(suspects[0]).toMatchObject({
      cause: "sync failure",
      look: [{ at: "connection", id: "shopify" }],
    })
    await eventually("the shop is read again", async () => !(await failing("VENDOR_KEY_REFUSED")), { withinMs: 40_000 })
  })

  test("without earlier weeks there is not enough data, and it says so", async () => {
    await t.sql`delete from figures where hour < now() - interval '1 day'`
    expect(await why()).toMatchObject({ verdict: "not enough data", weeks: 0 })
  })
})
