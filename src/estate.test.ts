import fc from "fast-check"
import { Type } from "typebox"
import { describe, expect, test } from "vitest"
import type { CapabilityName } from "./ports/capabilities.ts"
import { defineConnector, type Connected } from "./ports/connector.ts"
import { routeScopeKeys, type RouteScope } from "./ports/route-scope.ts"
import { areas } from "./areas.ts"
import { demoEstate } from "../demo/estate.ts"
import { estateProblems } from "./estate/check-estate.ts"
import { defineEstate, findRoute, findRoutes, isShadowed, type Estate } from "./estate.ts"
import { type Route } from "./estate/frame.ts"

const connected = (capabilities: readonly CapabilityName[]): Connected => ({
  // Only which capabilities are there is looked at, never what they do.
  ...(Object.fromEntries(capabilities.map((name) => [name, {}])) as Connected),
  check: () => Promise.resolve(),
  close: () => undefined,
})

const able: Record<string, readonly CapabilityName[]> = {
  sap: ["booksOrders", "cancelsOrders"],
  tryton: ["booksOrders", "cancelsOrders"],
  shop: ["confirmsFulfilment", "listsChanges"],
}

const nothing = defineConnector({
  name: "nothing",
  apiVersion: "1",
  apiDocs: "https://example.com",
  connection: Type.Object({}),
  rate: { concurrencyMax: 1 },
  timeoutMs: 1000,
  connect: () => connected([]),
})

function estateOf(routes: readonly Route[], more: Partial<Estate> = {}): Estate {
  return defineEstate({
    name: "test",
    connections: Object.fromEntries(Object.keys(able).map((id) => [id, { connector: nothing, settings: {} }])),
    routes,
    locations: [],
    // Policies belong to areas; without areas none are known.
    policies: {} as Estate["policies"],
    ...more,
  })
}

function problemsOf(estate: Estate, lists: Record<string, object> = {}): string[] {
  const all = new Map(
    Object.entries(able).map(([id, names]) => [id, { ...connected(names), listsChanges: lists } as Connected]),
  )
  return estateProblems(estate, { connected: all, areas: [] }).map(({ pointer, message }) => `${pointer} ${message}`)
}

const route = (connection: string, more: Partial<Route> = {}): Route => ({
  capability: "booksOrders",
  connection,
  ...more,
})
const find = (routes: readonly Route[], scope: RouteScope = {}, key = "order/1") =>
  findRoute(estateOf(routes), "booksOrders", { scope, key })

describe("routes", () => {
  test("one route may offer several capabilities, and only those", () => {
    const estate = estateOf([route("sap", { capability: ["booksOrders", "cancelsOrders"] })])
    const to = (name: CapabilityName) => findRoute(estate, name, { scope: {}, key: "k" })
    expect([to("booksOrders"), to("cancelsOrders"), to("postsJournals")]).toEqual(["sap", "sap", undefined])
  })

  test("the first primary route that fits is taken, and a scope it does not name does not matter", () => {
    const routes = [route("sap", { brand: "north", entity: "de" }), route("tryton")]
    expect(find(routes, { brand: "north", entity: "de", channel: "web" })).toBe("sap")
    expect(find(routes, { brand: "north", entity: "fr" })).toBe("tryton")
    expect(find(routes, { brand: "north" })).toBe("tryton")
    expect(find([route("sap", { store: "117" })], { store: "118" })).toBeUndefined()
  })

  test("a route for every key of the scope fits there and nowhere else", () => {
    fc.assert(
      fc.property(fc.constantFrom(...routeScopeKeys), fc.constantFrom(...routeScopeKeys), (wanted, given) => {
        const found = find([route("sap", { [wanted]: "x" })], { [given]: "x" })
        expect(found).toBe(wanted === given ? "sap" : undefined)
      }),
    )
  })

  test("all routes that fit are found in the order of the estate, shadows too, and a shadow never does the work", () => {
    const routes = [route("tryton", { role: "shadow", share: 50 }), route("sap"), route("shop", { channel: "web" })]
    const found = findRoutes(estateOf(routes), "booksOrders", {})
    expect(found.map(({ connection }) => connection)).toEqual(["tryton", "sap"])
    expect(find(routes)).toBe("sap")
    expect(isShadowed(route("sap"), "any")).toBe(false)
  })

  test("shares stand beside each other, the last route takes the rest, and one object always falls into the same share", () => {
    const routes = [route("sap", { share: 20 }), route("tryton", { share: 30 }), route("shop")]
    const counts = new Map<string | undefined, number>()
    for (let n = 0; n < 5000; n += 1) {
      const found = find(routes, {}, `order/${n}`)
      expect(find(routes, {}, `order/${n}`)).toBe(found)
      counts.set(found, (counts.get(found) ?? 0) + 1)
    }
    for (const [name, share] of [
      ["sap", 0.2],
      ["tryton", 0.3],
      ["shop", 0.5],
    ] as const)
      expect(Math.abs((counts.get(name) ?? 0) / 5000 - share)).toBeLessThan(0.03)
  })

  test("an object that a share of books took is cancelled in the same books", () => {
    const both: CapabilityName[] = ["booksOrders", "cancelsOrders"]
    const estate = estateOf([route("sap", { capability: both, share: 40 }), route("tryton", { capability: both })])
    fc.assert(
      fc.property(fc.string(), (key) => {
        expect(findRoute(estate, "booksOrders", { scope: {}, key })).toBe(
          findRoute(estate, "cancelsOrders", { scope: {}, key }),
        )
      }),
    )
  })
})

describe("an estate is refused at start with every problem", () => {
  test("of its routes", () => {
    const odd = { capability: [], connection: "nowhere", role: "spare", share: 0.5, chanel: "web" } as unknown as Route
    expect(problemsOf(estateOf([odd, route("shop")]))).toEqual([
      expect.stringContaining('/routes/0 "chanel" is no key of a route'),
      expect.stringContaining('/routes/0 the role "spare"'),
      expect.stringContaining("/routes/0 the share 0.5"),
      expect.stringContaining("/routes/0 the list of capabilities is empty"),
      expect.stringContaining('/routes/0 there is no connection "nowhere"'),
      expect.stringContaining('/routes/1 connection "shop" cannot do what booksOrders asks'),
    ])
  })

  test("of shares whose rest no route takes", () => {
    const share = route("sap", { share: 20, channel: "web" })
    const problem = [expect.stringContaining("no later route without a share takes the rest")]
    expect(problemsOf(estateOf([share]))).toEqual(problem)
    expect(problemsOf(estateOf([share, route("tryton", { channel: "shop" })]))).toEqual(problem)
    expect(problemsOf(estateOf([share, route("tryton", { role: "shadow" })]))).toEqual(problem)
    expect(problemsOf(estateOf([route("tryton"), share]))).toEqual(problem)
    expect(problemsOf(estateOf([share, route("tryton")]))).toEqual([])
    expect(problemsOf(estateOf([share, route("tryton", { channel: "web" })]))).toEqual([])
  })

  test("of an address for webhooks where the connector cannot make subscriptions", () => {
    const webhookAddress = "https://crossdock.example.com/hooks/shop"
    const estate = estateOf([], { connections: { shop: { connector: nothing, settings: {}, webhookAddress } } })
    expect(problemsOf(estate)).toEqual([expect.stringContaining("/connections/shop/webhookAddress")])
  })

  test("of lists that are to be polled and are not there", () => {
    const polled = (pollEveryMs: number | Record<string, number>) =>
      estateOf([], { connections: { shop: { connector: nothing, settings: {}, pollEveryMs } } })
    expect(problemsOf(polled({ ordres: 5000 }), { orders: {} })).toEqual([
      '/connections/shop/pollEveryMs/ordres there is no list "ordres"; there are orders',
    ])
    expect(problemsOf(polled(5000))).toEqual([expect.stringContaining("has no list of changes to poll")])
    expect(problemsOf(polled({ orders: 5000 }), { orders: {} })).toEqual([])
  })

  const lab = { shopify: "", sap: "", stripe: "", warehouse: "", tax: "", fraud: "", smtp: "smtp://127.0.0.1:9" }
  const place = {
    locationId: "wh-1",
    kind: "warehouse" as const,
    countryCode: "NL",
    latitude: 52,
    longitude: 5,
    timeZone: "Europe/Amsterdam",
    capacityPerDay: 10,
    costPerShipmentMinor: 500,
    erpPlant: "1010",
  }
  const problemsWith = (changes: (estate: Estate) => object) => {
    const { policies, locations } = demoEstate(lab, [place])
    // This estate has other connections, and modes name connections.
    const estate = { ...estateOf([]), policies: { ...policies, modes: [] }, locations }
    const all = new Map(Object.entries(able).map(([id, names]) => [id, connected(names)]))
    const known = areas.map((area) => ({ ...area, workflows: [] }))
    const problems = estateProblems({ ...estate, ...changes(estate) } as Estate, { connected: all, areas: known })
    return problems.map(({ pointer, message }) => `${pointer} ${message}`)
  }

  test("of its policies, each by the schema of its area and with its pointer", () => {
    const wrong = {
      onShortage: "panic",
      payWithin: { weeks: 1 },
      shipWithin: {},
      locate: "here",
      timeZone: "Mars/Olympus",
    }
    const found = problemsWith(({ policies }) => ({
      policies: {
        orders: { ...policies.orders, ...wrong, taxToleranceMinor: -1 },
        stock: { skus: { "TEE-M": { allowBackorder: true, backorderLimitMilli: 0.5, safetyStockMilli: 0 } } },
        retruns: {},
      },
    }))
    expect(found).toEqual([
      expect.stringContaining(
        "/policies/retruns no area has policies of this name; there are orders, deliveries, stock",
      ),
      expect.stringContaining("/policies/orders/onShortage"),
      expect.stringContaining("/policies/orders/payWithin/weeks"),
      expect.stringContaining("/policies/orders/taxToleranceMinor must be >= 0"),
      expect.stringContaining("/policies/orders/shipWithin"),
      expect.stringContaining("/policies/orders/locate is no function"),
      expect.stringContaining("/policies/orders/timeZone is no time zone"),
      expect.stringContaining("/policies/stock/skus/TEE-M/backorderLimitMilli must be integer"),
    ])
    expect(problemsWith(() => ({ policies: {} }))).toEqual(["/policies/orders the policies of orders are missing"])
    expect(problemsWith(() => ({}))).toEqual([])
  })

  test("of its modes: a connection that it does not have, and a name that is there twice", () => {
    const mode = {
      name: "ERP down",
      connection: "sap",
      enter: { awayFor: { minutes: 2 } },
      leave: { answersFor: { minutes: 1 } },
      accepts: [],
      defers: [],
      owner: "integration",
      runbooks: {},
    }
    const found = problemsWith(({ policies }) => ({
      policies: { ...policies, modes: [mode, { ...mode, connection: "sapp" }] },
    }))
    expect(found).toEqual([
      "/policies/modes/1/connection is no connection; there are sap, tryton, shop",
      "/policies/modes/1/name is the name of another mode, too",
    ])
    const never = problemsWith(({ policies }) => ({ policies: { ...policies, modes: [{ ...mode, enter: {} }] } }))
    expect(never).toEqual([expect.stringContaining("/policies/modes/0/enter")])
  })

  test("of its locations; one that ships nothing needs no shipping block", () => {
    const store = { id: "117", kind: "store", timeZone: "Europe/Paris", dayEndsAt: "04:00", currency: "EUR" }
    const wrong = { ...store, timeZone: "Paris", dayEndsAt: "24:00", currency: "EURO", shipping: { latitude: 95 } }
    const found = problemsWith(() => ({ locations: [store, wrong] }))
    expect(found).toEqual([
      expect.stringContaining("/locations/1/timeZone"),
      expect.stringContaining("/locations/1/dayEndsAt"),
      expect.stringContaining("/locations/1/currency"),
      ...["longitude", "costPerShipmentMinor", "serviceDays", "capacityPerDay", "latitude"].map(
        (name) => expect.stringContaining(`/locations/1/shipping/${name}`) as string,
      ),
      '/locations/1/id location "117" occurs twice',
    ])
    expect(problemsWith(() => ({ locations: [store] }))).toEqual([])
  })
})
