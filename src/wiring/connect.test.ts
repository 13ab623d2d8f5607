import { expect, it, test } from "vitest"
import { demoEstate } from "../../demo/estate.ts"
import type { Estate } from "../estate.ts"
import { asAppError } from "../base/errors.ts"
import { createLog } from "../base/log.ts"
import type { Sql } from "../base/sql.ts"
import { Connections } from "../effects/connections.ts"
import type { ReceivesDeliveries } from "../ports/capabilities/intake.ts"
import { placesOf } from "../estate/places.ts"
import { assertEstate, statingBy } from "./connect.ts"

const lab = Object.fromEntries(
  ["shopify", "sap", "stripe", "warehouse", "tax", "fraud"].map((name) => [name, "http://127.0.0.1:1"]),
)
const good = demoEstate({ ...lab, smtp: "smtp://127.0.0.1:2" } as never, [])

it("a connection states what its connector declares; what came over the API is checked before it is taken", () => {
  // No statement is sent: states of connections are read by `start` only.
  const connections = new Connections({} as Sql, createLog("test", "silent"))
  const receivesDeliveries: ReceivesDeliveries = {
    states: ["stock.counted"],
    verify: () => ({ deliveryId: "", topic: "" }),
    translate: () => ({ events: [] }),
  }
  const connected = { receivesDeliveries, check: () => Promise.resolve(), close: () => undefined }
  const rate = { concurrencyMax: 1 }
  connections.add({ id: "wms", connector: "test", apiVersion: "1", timeoutMs: 1, connected, rate })
  const stating = statingBy(connections, good)
  expect(stating("wms")).toEqual({ connection: "wms", states: ["stock.counted"], places: new Set() })
  expect(stating("api:shop")).toBeUndefined()
  expect(() => stating("nobody")).toThrow("there is no connection nobody")
})

function problemsOf(estate: unknown): string[] {
  try {
    // Configuration files may be JavaScript: nothing may be taken for granted.
    assertEstate(estate as Estate)
  } catch (thrown) {
    const { message, problems } = asAppError(thrown)
    for (const { pointer } of problems) expect(message).toContain(pointer)
    return problems.map(({ pointer }) => pointer)
  }
  return []
}

test("P-52: all problems of a configuration are in one message, those of settings beside those of routes, polls and policies", () => {
  const { shopify, sap, stripe, ...others } = good.connections
  if (!shopify || !sap || !stripe) throw new Error("the demo has no shop, no ERP or no payments")
  const connections = {
    ...others,
    shopify: { ...shopify, pollEveryMs: { ordrs: 1000 }, pollEvery: 5 },
    sap: { ...sap, settings: { baseUrl: 7 } },
    stripe: { ...stripe, settings: { ...(stripe.settings as object), allowPrivateNetwork: false } },
  }
  const routes = [...good.routes, { capability: "booksOrders", connection: "erp" }]
  const found = problemsOf({ ...good, connections, routes, policies: { ...good.policies, order: {} } })
  expect(found).toEqual(
    expect.arrayContaining([
      "/connections/shopify/pollEvery",
      "/connections/shopify/pollEveryMs/ordrs",
      "/connections/sap/settings/baseUrl",
      "/connections/stripe/settings",
      `/routes/${good.routes.length}`,
      "/policies/order",
    ]),
  )
})

test("P-52: an estate that lacks a whole block is told which, and a right one is accepted", () => {
  expect(problemsOf({ name: "half", connections: {} })).toEqual(["/routes", "/locations", "/policies"])
  expect(problemsOf(good)).toEqual([])
})

test("P-52: payments that can be captured and never let go, given back or held are a problem of the estate, and not of the first order that needs it", () => {
  const { stripe } = good.connections
  if (!stripe) throw new Error("the demo has no payments")
  const connections = { ...good.connections, stripe, other: stripe }
  const captures = (more: object) => ({ capability: "capturesPayments", connection: "other", ...more })
  const all = ["voidsAuthorisations", "refundsPayments", "authorisesPayments"]
  const lets = (more: object) => ({ capability: all, connection: "other", ...more })
  const problemsWith = (...routes: object[]) =>
    problemsOf({ ...good, connections, routes: [...good.routes, ...routes] })
  const first = `/routes/${good.routes.length}`
  const each = all.map(() => first)
  expect(problemsWith(captures({ provider: "till" }))).toEqual(each)
  expect(problemsWith(captures({ provider: "till" }), lets({ provider: "gift" }))).toEqual(each)
  expect(problemsWith(captures({ provider: "till" }), lets({ provider: "till", channel: "shop-de" }))).toEqual(each)
  expect(problemsWith(captures({ provider: "till" }), lets({ provider: "till", role: "shadow" }))).toEqual(each)
  for (const capability of all) {
    const rest = all.filter((name) => name !== capability)
    expect(problemsWith(captures({ provider: "till" }), lets({ provider: "till", capability: rest }))).toEqual([first])
  }
  // A shop that holds its payments itself authorises them at its checkout.
  const shop = { connection: "shopify", provider: "shopify_payments" }
  const held = ["capturesPayments", "voidsAuthorisations", "refundsPayments"]
  expect(problemsWith({ capability: held, ...shop })).toEqual([])
  expect(problemsWith(captures({ provider: "till", channel: "shop-de" }), lets({ provider: "till" }))).toEqual([])
})

test("P-47: a connection speaks of the places that it ships from, or of those that are said to be its own", () => {
  const locations = ["wh-1", "wh-2", "store-1"].map((id) => ({ id }) as Estate["locations"][number])
  const { warehouse } = good.connections
  if (!warehouse) throw new Error("the demo has no warehouse")
  const connections = { ...good.connections, others: warehouse, shelf: { ...warehouse, places: ["store-1"] } }
  const releases = { capability: "releasesFulfilment" } as const
  const routes = [
    { ...releases, connection: "warehouse", location: "wh-1" },
    { ...releases, connection: "others" },
    { ...releases, connection: "sap", role: "shadow" as const },
  ]
  const placesBy = (id: string) => [...placesOf({ ...good, connections, locations, routes }, id)]
  expect(placesBy("warehouse")).toEqual(["wh-1"])
  expect(placesBy("others")).toEqual(["wh-1", "wh-2", "store-1"])
  expect(placesBy("shelf")).toEqual(["store-1"])
  expect(placesBy("sap")).toEqual([])
  expect(problemsOf({ ...good, connections })).toEqual(["/connections/shelf/places/0"])
})
