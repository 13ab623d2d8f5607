import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, describe, expect, test } from "vitest"
import { squareMerchant, squareToken, type ApiOptions } from "../../lab/square/api.ts"
import type { Order } from "../../lab/square/records.ts"
import { squareSignatureKey, startSquare, type SquareOptions } from "../../lab/square/square.ts"
import type { Simulator } from "../../lab/simulator.ts"
import { asAppError } from "../../src/base/errors.ts"
import { createLog } from "../../src/base/log.ts"
import { instant, systemClock } from "../../src/base/time.ts"
import { square } from "../../src/connectors/square/connector.ts"
import type { SquareSettings } from "../../src/connectors/square/settings.ts"

// Square over real sockets: what it refuses and how that is told, and lists that change while they are read.

const locationIds = Array.from({ length: 12 }, (_, n) => `LLAB${String(n).padStart(8, "0")}`)
const stops: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function seller(options: Partial<SquareOptions> & ApiOptions = {}): Promise<Simulator> {
  const simulator = await startSquare({ seed: 17, locationIds, ...options })
  stops.push(() => simulator.stop())
  return simulator
}
function tills(baseUrl: string, more: Partial<SquareSettings> = {}) {
  const settings = {
    baseUrl,
    allowPrivateNetwork: true,
    accessToken: squareToken,
    merchantId: squareMerchant,
    notificationUrl: "https://crossdock.example/hooks/square",
    signatureKeys: [squareSignatureKey],
    locations: Object.fromEntries(locationIds.map((id) => [id, { storeId: `store-${id}` }])),
    ...more,
  }
  const connected = square.connect(settings, {
    connectionId: "square",
    clock: systemClock,
    log: createLog("test", "silent"),
  })
  stops.push(() => connected.close())
  return connected
}
const call = () => ({ signal: AbortSignal.timeout(20_000), correlation: "test" })
const failing = (promise: Promise<unknown>) => promise.then(() => undefined, asAppError)

describe("check", () => {
  test("passes with a token that may read all that receipts need, at every location", async () => {
    await expect(tills((await seller()).url).check()).resolves.toBeUndefined()
  })

  test("says in plain words why the token is refused", async () => {
    for (const [options, more, words] of [
      [{}, { accessToken: "EAAAwrong" }, "Square refused the access token: 401 UNAUTHORIZED"],
      [{ token: "ACCESS_TOKEN_EXPIRED" as const }, {}, "the access token has expired: obtain a new one"],
      [{ token: "ACCESS_TOKEN_REVOKED" as const }, {}, "let the seller authorise the application again"],
    ] as const) {
      const error = await failing(tills((await seller(options)).url, more).check())
      expect(error).toMatchObject({ code: "VENDOR_KEY_REFUSED", kind: "unavailable" })
      expect(error?.message).toContain(words)
      expect(error?.message).not.toContain("EAAA")
    }
  })

  test("names every permission that is missing, with all else that is wrong", async () => {
    const { url } = await seller({ scopes: ["ORDERS_READ", "MERCHANT_PROFILE_READ"], inactive: [locationIds[1] ?? ""] })
    const locations = { [locationIds[0] ?? ""]: { storeId: "1" }, [locationIds[1] ?? ""]: { storeId: "2" } }
    const error = await failing(
      tills(url, { merchantId: "MOTHER", locations: { ...locations, LNONE: { storeId: "3" } } }).check(),
    )
    expect(error).toMatchObject({ code: "VENDOR_KEY_REFUSED" })
    expect(error?.problems.map(({ pointer, message }) => `${pointer} ${message.slice(0, 70)}`)).toEqual(
      [
        "/accessToken lacks PAYMENTS_READ, ITEMS_READ: let the seller grant them",
        `/merchantId is MOTHER, and the access token is of the merchant ${squareMerchant}`,
        `/locations/${locationIds[1]} is INACTIVE in Square: open it there, or take it out`,
        `/locations/LNONE is no location of the merchant, which has ${locationIds[0]} (Store ${locationIds[0]?.slice(0, 5)}`.slice(
          0,
          88,
        ),
      ].map((one) => expect.stringContaining(one.slice(0, 60))),
    )
  })

  test("names the locations whose orders it may not read, and no other", async () => {
    const forbidden = [locationIds[3] ?? "", locationIds[11] ?? ""]
    const error = await failing(tills((await seller({ forbidden })).url).check())
    expect(error).toMatchObject({ code: "CONFIG_INVALID" })
    expect(error?.problems.map(({ pointer }) => pointer)).toEqual(forbidden.map((id) => `/locations/${id}`))
    expect(error?.message).toContain("let the seller give it the location")
  })

  test("works without MERCHANT_PROFILE_READ as far as it can, and says that it is missing", async () => {
    const { url } = await seller({ scopes: ["ORDERS_READ", "PAYMENTS_READ", "ITEMS_READ"] })
    const error = await failing(tills(url).check())
    expect(error?.problems.map(({ message }) => message)).toEqual([
      "lacks MERCHANT_PROFILE_READ: let the seller grant them",
    ])
  })
})

describe("what Square answers otherwise than asked", () => {
  const reads = (of: ReturnType<typeof tills>) => [
    () => of.listsChanges.orders.listChanges({ cursor: undefined, sinceMs: 0 }, call()),
    () => of.readsObjects.fetchObject({ type: "order", id: "any" }, call()),
    () => of.check(),
  ]

  test("429 waits as long as it says, 5xx and a broken line wait: nothing is undone and nothing is lost", async () => {
    const simulator = await seller()
    for (const [faults, more] of [
      [{ rate429: 1 }, { retryAfterMs: 1000 }],
      [{ rate5xx: 1 }, {}],
      [{ outage: true }, {}],
      [{ hangRate: 1, hangMs: 3000 }, {}],
    ] as const) {
      simulator.setFaults(faults)
      for (const read of reads(tills(simulator.url, { timeoutMs: 500 })))
        expect(await failing(read())).toMatchObject({ code: "VENDOR_UNAVAILABLE", kind: "unavailable", ...more })
    }
  })

  test("a token that lost its permission stops each read with the words of what to do", async () => {
    const { url } = await seller({ scopes: [] })
    for (const read of reads(tills(url))) expect((await failing(read()))?.message).toMatch(/let the seller grant/)
    const { url: sold } = await seller({ scopes: ["ORDERS_READ"] })
    const { order } = await sell({ url: sold }, { locationId: locationIds[0] ?? "" })
    const error = await failing(tills(sold).readsObjects.fetchObject({ type: "order", id: order.id }, call()))
    expect(error).toMatchObject({ code: "VENDOR_KEY_REFUSED" })
    expect(error?.message).toContain("PAYMENTS_READ")
  })

  test("pages of something between, empty bodies and refusals without words are told as they are", async () => {
    for (const [status, body, code] of [
      [200, "<html>maintenance</html>", "VENDOR_MISBEHAVED"],
      [200, "", "VENDOR_MISBEHAVED"],
      [200, "[]", "VENDOR_MISBEHAVED"],
      [302, "", "VENDOR_MISBEHAVED"],
      [400, '{"errors":[{"category":"INVALID_REQUEST_ERROR","code":"BAD_REQUEST","detail":"no"}]}', "VENDOR_REJECTED"],
      [408, "", "VENDOR_UNAVAILABLE"],
      [429, "slow down", "VENDOR_UNAVAILABLE"],
      [500, "<html>", "VENDOR_UNAVAILABLE"],
      [401, "<html>", "VENDOR_KEY_REFUSED"],
      [403, "", "VENDOR_KEY_REFUSED"],
    ] as const) {
      const server = await answering(status, body)
      const { port } = server.address() as AddressInfo
      for (const read of reads(tills(`http://127.0.0.1:${port}`)))
        expect([status, body, await failing(read())]).toMatchObject([status, body, { code }])
    }
  })

  async function answering(status: number, body: string): Promise<Server> {
    const server = createServer((_request, response) => response.writeHead(status).end(body))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    stops.push(() => new Promise((resolve) => server.close(resolve)))
    return server
  }
})

async function sell({ url }: { url: string }, more: object): Promise<{ order: Order }> {
  const body = JSON.stringify({ lines: [{ itemType: "CUSTOM_AMOUNT", price: 100 }], ...more })
  const answer = await fetch(`${url}/__lab/sales`, { method: "POST", body })
  return (await answer.json()) as { order: Order }
}
const change = ({ url }: { url: string }, id: string) =>
  fetch(`${url}/__lab/records`, { method: "PATCH", body: JSON.stringify({ kind: "orders", id, change: {} }) })

describe("orders that did not change are read around once", () => {
  const post = ({ url }: { url: string }, path: string, body: object) =>
    fetch(`${url}/__lab/${path}`, { method: "POST", body: JSON.stringify(body) })
  const skusOf = async ({ listsChanges }: ReturnType<typeof tills>) => {
    const { deliveries } = await listsChanges.orders.listChanges({ cursor: undefined, sinceMs: 0 }, call())
    return deliveries.map(({ bytes }) => (JSON.parse(Buffer.from(bytes).toString()) as { skus: object }).skus)
  }

  test("an article that gets its SKU later is found, although Square changes no order for that", async () => {
    const of = await seller()
    await post(of, "variations", { id: "V1", sku: null })
    await sell(of, {
      locationId: locationIds[0],
      lines: [
        { variationId: "V1", price: 100 },
        { variationId: "V2", price: 1 },
      ],
    })
    const connected = tills(of.url)
    expect(await skusOf(connected)).toEqual([{ V1: null }])
    await post(of, "variations", { id: "V1", sku: "SKU-1" })
    expect(await skusOf(connected)).toEqual([{ V1: "SKU-1" }])
    await post(of, "variations", { id: "V2", sku: "SKU-2" })
    expect(await skusOf(connected)).toEqual([{ V1: "SKU-1", V2: "SKU-2" }])
    // Now that all is known it is not asked for again.
    await post(of, "variations", { id: "V2", sku: "another" })
    expect(await skusOf(connected)).toEqual([{ V1: "SKU-1", V2: "SKU-2" }])
  })
})

describe("a list that is read while orders change", () => {
  /** Reads to the end as the backstop does; `between` happens after each page. */
  async function readAll(url: string, between: (page: number) => Promise<unknown>, sinceMs = 0) {
    const { orders } = tills(url).listsChanges
    const seen = new Set<string>()
    let [cursor, pages] = [undefined as string | undefined, 0]
    for (;;) {
      const page = await orders.listChanges({ cursor, sinceMs }, call())
      for (const { bytes } of page.deliveries) {
        const { order } = JSON.parse(Buffer.from(bytes).toString()) as { order: Order }
        seen.add(order.id)
      }
      pages += 1
      if (!page.hasMore) return { seen, pages }
      expect(page.nextCursor).not.toBe(cursor)
      cursor = page.nextCursor
      await between(pages)
    }
  }
  const at = (n: number) => instant(Date.UTC(2026, 10, 20, 8) + n * 1000)
  async function stock(of: Simulator, count: number, when: (n: number) => string = at) {
    const ids: string[] = []
    for (let n = 0; n < count; n += 1) {
      const { order } = await sell(of, { locationId: locationIds[n % locationIds.length], at: when(n) })
      ids.push(order.id)
    }
    return ids
  }

  test("whatever moves to its end meanwhile, each order is read: pages full, short, and of several groups of locations", async () => {
    for (const pageMax of [1000, 37, 1]) {
      const of = await seller({ pageMax })
      const ids = await stock(of, 130)
      // Each page moves some that were read already, which shifts what a count of rows would go on with.
      const { seen, pages } = await readAll(of.url, async (page) => {
        if (page <= 6) for (const id of ids.slice((page - 1) * 5, page * 5)) await change(of, id)
      })
      expect([pageMax, ids.filter((id) => !seen.has(id))]).toEqual([pageMax, []])
      expect(pages).toBeGreaterThan(1)
    }
  })

  test("orders that change between two answers of one page shift none out of it", async () => {
    const of = await seller({ pageMax: 20, changing: 8 })
    const ids = await stock(of, 120)
    const { seen } = await readAll(of.url, async () => undefined)
    expect(ids.filter((id) => !seen.has(id))).toEqual([])
  })

  test("more orders than a page has may be of one moment", async () => {
    for (const pageMax of [1000, 40]) {
      const of = await seller({ pageMax, locationIds: locationIds.slice(0, 2) })
      const ids = await stock(of, 250, () => at(0))
      const { seen } = await readAll(of.url, async () => undefined)
      expect(ids.filter((id) => !seen.has(id))).toEqual([])
    }
  })

  test("what changes after a page that was the last is in the next pass, from where that one ended", async () => {
    const of = await seller()
    const ids = await stock(of, 3)
    await readAll(of.url, async () => undefined)
    const before = systemClock.now()
    await change(of, ids[0] ?? "")
    const { seen } = await readAll(of.url, async () => undefined, before - 1000)
    expect([...seen]).toEqual([ids[0]])
  })
})
