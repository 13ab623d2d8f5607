import type { LabLocation } from "../../demo/estate.ts"
import { storeDesk } from "../../src/estate.ts"
import { publishingStock } from "../../demo/publishing.ts"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { startTestCrossdock, eventually, type TestCrossdock } from "../fixtures/crossdock.ts"
import { orderRequest, placeOrder, plentifulSkus } from "../fixtures/order-flow.ts"
import { saleReceipt } from "../fixtures/sales/receipts.ts"
import { askReturn, untilReturn } from "../fixtures/shop/returned-order.ts"

interface Operation {
  path: string
  method: string
  reach: string
  scope: string
}

let t: TestCrossdock
let operations: Operation[]
interface Side {
  key: string
  orderId: string
  exceptionId: string
  groupId: string
  returnId: string
  collectedId: string
  pickupId: string
}
/** By channel: a consumer of that channel only, and an order, an exception, a return and a pickup of it. */
const sides: Record<"till" | "kiosk", Side> = {
  till: { key: "", orderId: "", exceptionId: "", groupId: "", returnId: "", collectedId: "", pickupId: "" },
  kiosk: { key: "", orderId: "", exceptionId: "", groupId: "", returnId: "", collectedId: "", pickupId: "" },
}
let sku: string

beforeAll(async () => {
  // Every operation on many objects needs another person.
  t = await startTestCrossdock({
    estate: (estate) => {
      const places = estate.locations.map(({ id }) => ({ locationId: id }) as LabLocation)
      const { policies, ...rest } = publishingStock(estate, places)
      const shows = {
        connection: "shopify",
        dryRun: true,
        stock: { places: { [places[0]?.locationId ?? ""]: "place" as const } },
        prices: { currency: "EUR" },
        products: {},
      }
      const publishing = { channels: { till: shows, kiosk: shows } }
      const desk = {
        capability: ["releasesFulfilment", "cancelsReleases"] as const,
        connection: storeDesk,
        location: places[0]?.locationId ?? "",
      }
      return {
        ...rest,
        routes: [desk, ...rest.routes],
        policies: { ...policies, publishing, operations: { approval: { cases: 0 } } },
      }
    },
  })
  ;[sku = ""] = plentifulSkus(t, 1)
  for (const channel of ["till", "kiosk"] as const) {
    sides[channel].key = await keyOf(channel, { channels: [channel] })
    // More than there is: the order waits for a person.
    sides[channel].orderId = await placeOrder(t, {
      externalId: `${channel}-1`,
      channel,
      lines: [{ sku, count: 90_000, totalMinor: 121_000 }],
    })
    const exception = await eventually(`an exception of ${channel}`, async () => {
      const { body } = await t.api("GET", `/v1/exceptions?orderId=${sides[channel].orderId}`)
      return body.items?.[0] as { id: string; group: string } | undefined
    })
    const asked = { orderId: sides[channel].orderId, reference: "R-0" }
    const { returnId } = await askReturn(t, asked)
    await untilReturn(t, returnId, { goods: "requested" })
    const method = { method: "pickup" as const, locationId: place() }
    const collected = await placeOrder(t, {
      externalId: `${channel}-2`,
      channel,
      lines: [{ sku, count: 1, totalMinor: 121, method }],
    })
    const { pickupId } = await eventually(`a pickup of ${channel}`, async () => {
      const { body: asked } = await t.api("GET", `/v1/pickups?order=${collected}`)
      return asked.items?.[0] as { pickupId: string } | undefined
    })
    Object.assign(sides[channel], {
      exceptionId: exception.id,
      groupId: exception.group,
      returnId,
      collectedId: collected,
      pickupId,
    })
  }
  const { body } = await t.api("GET", "/openapi.json")
  const paths = body as unknown as { paths: Record<string, Record<string, Record<string, string>>> }
  operations = Object.entries(paths.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { "x-reach": reach, "x-scope": scope }]) =>
      scope === undefined ? [] : [{ path, method: method.toUpperCase(), reach: reach ?? "", scope }],
    ),
  )
}, 120_000)
afterAll(() => t?.stop())

async function keyOf(
  id: string,
  more: { channels?: string[]; stores?: string[]; scopes?: string[] } = {},
): Promise<string> {
  const { consumers, access } = t.crossdock
  await consumers.put({
    id,
    name: id,
    owner: "tests",
    scopes: ["*"],
    ratePerSecond: 5000,
    burst: 10_000,
    apiVersion: "2026-11-01",
    ...more,
  })
  const { key } = await consumers.addKey(id)
  await access.refresh()
  return key
}

/** `what` is a method and a path. */
async function call(key: string, what: string, body?: unknown) {
  const [method = "", path = ""] = what.split(" ")
  const answer = await fetch(t.gatewayUrl + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: answer.status, text: await answer.text() }
}

interface Sample {
  /** The path for an object of the channel given, with its query. */
  path: (channel: "till" | "kiosk") => string
  body?: (channel: "till" | "kiosk") => unknown
  /** What a consumer of the other channel gets; default 404. */
  foreign?: 201 | 403 | 404 | 409 | 422 | "nothing of it"
  own?: number
}

const place = () => t.lab.estate.locations[0]?.locationId ?? ""
const order = (channel: "till" | "kiosk") => sides[channel].orderId
const soft = (channel: string) => ({
  key: `${channel}-k`,
  owner: "cart",
  channel,
  kind: "soft",
  expiresAt: new Date(Date.now() + 60_000).toISOString(),
  lines: [{ sku, milli: 1000 }],
})
const shipped = (channel: "till" | "kiosk") => ({
  id: "S-1",
  orderId: order(channel),
  locationId: "wh",
  shippedAt: "2026-11-21T10:00:00Z",
  lines: [{ lineId: "L1", quantity: { milli: 1000, unit: "ea" } }],
})
const edited = (channel: "till" | "kiosk") => ({
  ...orderRequest({ externalId: `${channel}-1`, channel, lines: [{ sku, count: 90_001, totalMinor: 121_000 }] }),
  version: "2026-11-20T11:00:00.000Z",
})

/** A call of each operation that shows or changes objects of a channel. A new one needs a row here. */
const samples: Record<string, Sample> = {
  // Before the edits below, which end the open case.
  "GET /v1/exception-groups": { path: () => "/v1/exception-groups", foreign: "nothing of it" },
  // Both channels have a case of one cause: each sees the group with its own cases alone.
  "GET /v1/exception-groups/{id}": {
    path: (channel) => `/v1/exception-groups/${sides[channel].groupId}`,
    foreign: "nothing of it",
  },
  "POST /v1/exception-groups/{id}/acts": {
    path: (channel) => `/v1/exception-groups/${sides[channel].groupId}/acts`,
    body: () => ({ act: "comment", text: "a test" }),
    foreign: "nothing of it",
  },
  "GET /v1/business-states": { path: () => "/v1/business-states", foreign: "nothing of it" },
  "GET /v1/kpis/figures": { path: () => "/v1/kpis/figures?by=channel", foreign: "nothing of it" },
  "GET /v1/reports/weekly": { path: () => "/v1/reports/weekly", foreign: "nothing of it" },
  "GET /v1/why": { path: () => "/v1/why", foreign: "nothing of it" },
  "GET /v1/kpis/definitions": { path: () => "/v1/kpis/definitions", foreign: "nothing of it" },
  "GET /v1/promises": { path: () => "/v1/promises", foreign: "nothing of it" },
  "GET /v1/promises/{name}": { path: () => "/v1/promises/orders%20released", foreign: "nothing of it" },
  // What is missed is marked some seconds later.
  "GET /v1/promises/{name}/missed": {
    path: () => "/v1/promises/orders%20released/missed",
    foreign: "nothing of it",
  },
  "GET /v1/orders": { path: () => "/v1/orders", foreign: "nothing of it" },
  "GET /v1/orders/{id}": { path: (channel) => `/v1/orders/${order(channel)}` },
  "GET /v1/orders/{id}/trace": { path: (channel) => `/v1/orders/${order(channel)}/trace` },
  "GET /v1/orders/{id}/lineage": { path: (channel) => `/v1/orders/${order(channel)}/lineage` },
  "GET /v1/orders/{id}/account": { path: (channel) => `/v1/orders/${order(channel)}/account` },
  "POST /v1/orders/{id}/account/rebuild": { path: (channel) => `/v1/orders/${order(channel)}/account/rebuild` },
  "POST /v1/orders": { path: () => "/v1/orders", body: edited, foreign: 403, own: 202 },
  "POST /v1/orders/{id}/edits": {
    path: (channel) => `/v1/orders/${order(channel)}/edits`,
    body: edited,
    foreign: 403,
    own: 202,
  },
  "POST /v1/orders/{id}/cancellation": {
    path: (channel) => `/v1/orders/${order(channel)}/cancellation`,
    body: () => ({ reason: "a test" }),
    own: 202,
  },
  "POST /v1/returns": {
    path: () => "/v1/returns",
    body: (channel) => ({ orderId: order(channel), reference: "R-1", reason: "a test" }),
    own: 202,
  },
  "GET /v1/returns": { path: () => "/v1/returns", foreign: "nothing of it" },
  "GET /v1/returns/{id}": { path: (channel) => `/v1/returns/${sides[channel].returnId}` },
  ...Object.fromEntries(
    Object.entries({
      approve: {},
      decline: { reason: "a test" },
      dispatch: {},
      receive: { id: "1", locationId: "wh", lines: [{ lineId: "L1", quantity: { milli: 1000, unit: "ea" } }] },
      inspect: {
        id: "1",
        locationId: "wh",
        lines: [{ lineId: "L1", quantity: { milli: 1000, unit: "ea" }, disposition: "missing" }],
      },
      cancel: { reason: "a test" },
    }).map(([name, body]): [string, Sample] => [
      `POST /v1/returns/{id}/${name}`,
      { path: (channel) => `/v1/returns/${sides[channel].returnId}/${name}`, body: () => body, own: 202 },
    ]),
  ),
  "GET /v1/pickups": {
    path: (channel) => `/v1/pickups?order=${sides[channel].collectedId}`,
    foreign: "nothing of it",
  },
  "GET /v1/pickups/{id}": { path: (channel) => `/v1/pickups/${sides[channel].pickupId}` },
  ...Object.fromEntries(
    [
      { name: "keep-longer", body: { until: "2027-01-01T00:00:00Z" }, own: 422 },
      { name: "put-back", body: {}, own: 422 },
      { name: "accept", body: {}, own: 202 },
      { name: "pick", body: { found: [{ lineId: "L1", quantity: { milli: 1000, unit: "ea" } }] }, own: 202 },
      { name: "reject", body: { reason: "a test" }, own: 422 },
      { name: "hand-over", body: {}, own: 202 },
    ].map(({ name, body, own }): [string, Sample] => [
      `POST /v1/pickups/{id}/${name}`,
      { path: (channel) => `/v1/pickups/${sides[channel].pickupId}/${name}`, body: () => ({ id: "1", ...body }), own },
    ]),
  ),
  "POST /v1/shipments": { path: () => "/v1/shipments", body: shipped, own: 202 },
  "GET /v1/objects": { path: () => "/v1/objects", foreign: "nothing of it" },
  "GET /v1/objects/{ref}": { path: (channel) => `/v1/objects/${encodeURIComponent(`order/${order(channel)}`)}` },
  "GET /v1/search": { path: (channel) => `/v1/search?q=${channel}-1`, foreign: "nothing of it" },
  "GET /v1/trace": { path: (channel) => `/v1/trace?of=${order(channel)}` },
  "GET /v1/exceptions": { path: () => "/v1/exceptions", foreign: "nothing of it" },
  "GET /v1/exceptions/{id}": { path: (channel) => `/v1/exceptions/${sides[channel].exceptionId}` },
  "POST /v1/exceptions/{id}/decision": {
    path: (channel) => `/v1/exceptions/${sides[channel].exceptionId}/decision`,
    body: () => ({ action: "cancel order" }),
  },
  "GET /v1/exception-actions": { path: () => "/v1/exception-actions", foreign: "nothing of it" },
  "GET /v1/exception-filters": { path: () => "/v1/exception-filters", foreign: "nothing of it" },
  "GET /v1/deliveries/{id}": { path: () => "/v1/deliveries/7", own: 404 },
  "GET /v1/deliveries/{id}/raw": { path: () => "/v1/deliveries/7/raw", own: 404 },
  "GET /v1/operation-kinds": { path: () => "/v1/operation-kinds", foreign: "nothing of it" },
  "GET /v1/operations": { path: () => "/v1/operations", foreign: "nothing of it" },
  "POST /v1/operations": {
    path: () => "/v1/operations",
    body: (channel) => ({
      kind: "decide",
      spec: { action: "retry", ids: [sides[channel].exceptionId] },
      reason: "a test",
    }),
    foreign: 201,
    own: 201,
  },
  ...Object.fromEntries(
    ["GET", "GET /members", "POST /run", "POST /approval", "POST /pause", "POST /stop", "POST /pace"].map((id) => {
      const [method = "", more = ""] = id.split(" ")
      const hasHash = more === "/run" || more === "/approval"
      const body = hasHash
        ? { body: () => ({ hash: "a hash" }) }
        : more === "/pace"
          ? { body: () => ({ perSecond: 1 }) }
          : {}
      return [
        `${method} /v1/operations/{id}${more}`,
        { path: () => `/v1/operations/op_none${more}`, own: 404, ...body },
      ]
    }),
  ),
  // A stream does not end by itself; what each hears is tried below.
  "GET /v1/stream": { path: () => "/v1/stream?topics=none", foreign: 422, own: 422 },
  "GET /v1/channels": { path: () => "/v1/channels", foreign: "nothing of it" },
  "GET /v1/channels/{channel}/published": { path: (channel) => `/v1/channels/${channel}/published` },
  "GET /v1/buyer-notices": { path: () => "/v1/buyer-notices", foreign: "nothing of it" },
  "GET /v1/effects": { path: () => "/v1/effects", foreign: "nothing of it" },
  "GET /v1/availability": { path: (channel) => `/v1/availability?sku=${sku}&channel=${channel}`, foreign: 403 },
  "POST /v1/availability/query": {
    path: () => "/v1/availability/query",
    body: (channel) => ({ items: [{ sku, channel }] }),
    foreign: 403,
  },
  "POST /v1/prices/query": {
    path: () => "/v1/prices/query",
    body: (channel) => ({ items: [{ sku, currency: "EUR", channel }] }),
    foreign: 403,
  },
  "POST /v1/reservations": { path: () => "/v1/reservations", body: soft, foreign: 403 },
  // A key of another consumer is another reservation, which does not exist.
  "DELETE /v1/reservations/{id}": { path: (channel) => `/v1/reservations/${channel}-k`, foreign: "nothing of it" },
  // Places are of no channel, and a count is of the goods themselves.
  "GET /v1/locations": { path: () => "/v1/locations", foreign: "nothing of it" },
  "GET /v1/locations/{id}/work": { path: () => `/v1/locations/${place()}/work`, foreign: "nothing of it" },
  "GET /v1/reservations": { path: () => `/v1/reservations?sku=${sku}`, foreign: "nothing of it" },
  "POST /v1/locations/{id}/counts": {
    path: () => `/v1/locations/${place()}/counts`,
    body: (channel) => ({ fact: `${channel}-count`, sku: "SKU-00002", countedMilli: 5000 }),
    foreign: "nothing of it",
  },
  "POST /v1/orders/{id}/shortages": {
    path: (channel) => `/v1/orders/${order(channel)}/shortages`,
    body: () => ({
      id: "gap-1",
      locationId: place(),
      lines: [{ lineId: "L1", quantity: { milli: 1000, unit: "ea" } }],
    }),
    own: 202,
  },
  "GET /v1/me": { path: () => "/v1/me", foreign: "nothing of it" },
  // Programs have neither sessions nor passwords.
  "DELETE /v1/session": { path: () => "/v1/session", foreign: 409, own: 409 },
  "PUT /v1/me/password": {
    path: () => "/v1/me/password",
    body: () => ({ password: "a password of a test" }),
    foreign: 409,
    own: 409,
  },
}

const withoutOrderIds = new Set([
  "GET /v1/channels",
  "GET /v1/buyer-notices",
  "GET /v1/effects",
  "GET /v1/me",
  "GET /v1/business-states",
  "GET /v1/kpis/figures",
  "GET /v1/kpis/definitions",
  "GET /v1/stream",
  "GET /v1/locations",
  "GET /v1/locations/{id}/work",
  "GET /v1/reservations",
  "GET /v1/reports/weekly",
  "GET /v1/why",
  "GET /v1/exception-groups",
  "GET /v1/exception-groups/{id}",
  "GET /v1/operations",
  "GET /v1/operation-kinds",
  "GET /v1/exception-actions",
  "GET /v1/exception-filters",
  "GET /v1/promises",
  "GET /v1/promises/{name}",
  // What is missed is marked some seconds later.
  "GET /v1/promises/{name}/missed",
])

describe("P-49: two consumers of two channels", () => {
  test("every route says whose objects it reaches, and a row here tries each that reaches those of a channel", () => {
    expect(operations.length).toBeGreaterThan(30)
    const reached = operations.filter(({ reach }) => reach !== "all channels")
    expect(reached.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(Object.keys(samples).toSorted())
  })

  test("neither uses a route that tells or changes something of no single channel", async () => {
    const whole = operations.filter(({ reach }) => reach === "all channels")
    expect(whole.map(({ path }) => path)).toEqual(
      expect.arrayContaining(["/v1/kpis", "/v1/events", "/v1/consumers", "/v1/connections/{id}/pause"]),
    )
    for (const { method, path } of whole) {
      const { status, text } = await call(
        sides.till.key,
        `${method} ${path.replaceAll(/\{\w+\}/g, "tax")}`,
        body(method),
      )
      expect([method, path, status, text]).toEqual([method, path, 403, expect.stringContaining("PERMISSION_MISSING")])
    }
  })

  test("neither sees or changes anything of the other's channel, in lists, by ids or by numbers", async () => {
    for (const [id, { path, body: bodyOf, foreign = 404 }] of Object.entries(samples)) {
      const [method = ""] = id.split(" ")
      for (const [mine, other] of [
        ["till", "kiosk"],
        ["kiosk", "till"],
      ] as const) {
        const { status, text } = await call(sides[mine].key, `${method} ${path(other)}`, bodyOf?.(other))
        if (foreign === "nothing of it") {
          expect([id, status]).toEqual([id, 200])
          expect(text).not.toContain(sides[other].orderId)
        } else expect([id, status]).toEqual([id, foreign])
      }
    }
  })

  test("each sees and changes what is of its own channel", async () => {
    // What ends the order comes last, and after the decision, which a cancellation would take from people.
    const last = (id: string) => (id.endsWith("/decision") ? 1 : id.endsWith("/cancellation") ? 2 : 0)
    const ids = Object.keys(samples).toSorted((a, b) => last(a) - last(b))
    for (const id of ids) {
      const { path, body: bodyOf, own = 200 } = samples[id] as Sample
      const [method = ""] = id.split(" ")
      const { status, text } = await call(sides.till.key, `${method} ${path("till")}`, bodyOf?.("till"))
      expect([id, status, text]).toEqual([id, own, expect.any(String)])
      if (method === "GET" && own === 200 && path("till") === path("kiosk") && !withoutOrderIds.has(id))
        expect([id, text]).toEqual([id, expect.stringContaining(sides.till.orderId)])
    }
  })

  test("an operation on many objects holds no case of another channel, and its channel alone sees it", async () => {
    const spec = { action: "retry", ids: [sides.till.exceptionId, sides.kiosk.exceptionId] }
    const asked = { kind: "decide", spec, reason: "a test" }
    const { text } = await call(sides.kiosk.key, "POST /v1/operations", asked)
    const { id, refused } = JSON.parse(text) as { id: string; refused: { id: string }[] }
    expect(refused.map((one) => one.id)).toContain(sides.till.exceptionId)
    expect(text).not.toContain("till-1")
    expect((await call(sides.till.key, `GET /v1/operations/${id}`)).status).toBe(404)
    expect((await call(sides.kiosk.key, `GET /v1/operations/${id}`)).status).toBe(200)
  })

  test("a program cannot approve with a second key what it asked for with the first", async () => {
    const first = await keyOf("program", { channels: ["kiosk"] })
    const { key: second } = await t.crossdock.consumers.addKey("program")
    await t.crossdock.access.refresh()
    const spec = { action: "retry", ids: [sides.kiosk.exceptionId] }
    const asked = await call(first, "POST /v1/operations", { kind: "decide", spec, reason: "a test" })
    const { id, hash } = JSON.parse(asked.text) as { id: string; hash: string }
    expect((await call(first, `POST /v1/operations/${id}/run`, { hash })).text).toContain("waiting for approval")
    const refused = await call(second, `POST /v1/operations/${id}/approval`, { hash })
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining("another person has to approve")])
    expect((await call(second, `POST /v1/operations/${id}/stop`)).status).toBe(200)
  })

  test("a number is no id: it is looked up by a search, within the own channels", async () => {
    const operator = await keyOf("all-channels")
    expect((await call(operator, "GET /v1/orders/%23till-1")).status).toBe(404)
    expect((await call(operator, "GET /v1/search?q=till-1")).text).toContain(sides.till.orderId)
    expect((await call(sides.kiosk.key, "GET /v1/trace?of=%23till-1")).status).toBe(404)
  })
})

describe("P-49: who manages consumers", () => {
  const consumer = (scopes: string[]) => ({ name: "n", owner: "o", scopes, ratePerSecond: 5, burst: 5 })

  test("grants, changes, shuts out and rotates only what has no more than it has itself, and each change is audited", async () => {
    const weak = await keyOf("weak", { scopes: ["consumers:write", "consumers:read", "orders:read"] })
    await keyOf("strong", { scopes: ["orders:read", "stock:write"] })
    const [strongKey] = await t.crossdock.consumers.listKeys("strong")
    const refused = [
      call(weak, "PUT /v1/consumers/new", consumer(["stock:write"])),
      call(weak, "PUT /v1/consumers/new", consumer(["orders:*"])),
      call(weak, "PUT /v1/consumers/new", { ...consumer(["orders:read"]), ratePerSecond: 5001 }),
      // Weaker than it was: that too takes something from somebody who has more.
      call(weak, "PUT /v1/consumers/operator", consumer(["orders:read"])),
      call(weak, "PUT /v1/consumers/strong", consumer(["orders:read"])),
      call(weak, "DELETE /v1/consumers/operator"),
      call(weak, "POST /v1/consumers/strong/keys", {}),
      call(weak, `DELETE /v1/consumers/strong/keys/${strongKey?.id}`),
    ]
    expect((await Promise.all(refused)).map(({ status }) => status)).toEqual(refused.map(() => 403))
    expect((await call(weak, "PUT /v1/consumers/new", consumer(["orders:read"]))).status).toBe(200)
    const made = await call(weak, "POST /v1/consumers/new/keys", {})
    const { id } = JSON.parse(made.text) as { id: string }
    expect((await call(weak, `DELETE /v1/consumers/new/keys/${id}`)).status).toBe(200)
    expect((await call(weak, "DELETE /v1/consumers/new")).status).toBe(200)
    const rows = await t.sql<{ actor: string; action: string }[]>`
      select actor, action from audit_log where subject = 'consumer new' order by id`
    expect(rows.map(({ action }) => action)).toEqual(["put consumer", "add key", "revoke key", "shut out consumer"])
    expect(new Set(rows.map(({ actor }) => actor))).toEqual(new Set([expect.stringMatching(/^weak \(cdk_\w+\)$/)]))
  })

  test("a key of one store sends the receipts of that store, and makes no key of another", async () => {
    const ofStores = t.lab.estate.locations.filter(({ kind }) => kind === "store")
    const [own = "", other = ""] = ofStores.map(({ locationId }) => locationId)
    const key = await keyOf("one-store", { stores: [own] })
    const receipt = (storeId: string) =>
      saleReceipt({ storeId, tillId: "9", sequence: 1, endedAt: new Date().toISOString() })
    const sent = await call(key, "POST /v1/sales", { receipts: [receipt(own), receipt(other)] })
    const { results } = JSON.parse(sent.text) as { results: { outcome: string }[] }
    expect(results.map(({ outcome }) => outcome)).toEqual(["accepted", "refused"])
    const consumer = (stores?: string[]) => ({
      name: "a till",
      owner: "tests",
      scopes: ["sales:write"],
      ...(stores ? { stores } : {}),
    })
    expect((await call(key, "PUT /v1/consumers/a-till", consumer([own]))).status).toBe(200)
    expect((await call(key, "PUT /v1/consumers/b-till", consumer([other]))).status).toBe(403)
    // All stores are more than one.
    expect((await call(key, "PUT /v1/consumers/b-till", consumer())).status).toBe(403)
    await keyOf("all-stores")
    expect((await call(key, "DELETE /v1/consumers/all-stores")).status).toBe(403)
    expect((await call(key, "POST /v1/consumers/all-stores/keys", {})).status).toBe(403)
  })

  test("a client of OAuth belongs to one consumer, and a key that has ended already is not made", async () => {
    const operator = await keyOf("keys-of-others")
    const put = (id: string) =>
      call(operator, `PUT /v1/consumers/${id}`, { ...consumer(["orders:read"]), oauthClientId: "client-7" })
    expect((await put("first")).status).toBe(200)
    expect(await put("second")).toMatchObject({
      status: 409,
      text: expect.stringContaining("/oauthClientId") as string,
    })
    const past = await call(operator, "POST /v1/consumers/first/keys", { expiresAt: "2026-01-01T00:00:00Z" })
    expect([past.status, past.text]).toEqual([422, expect.stringContaining("/expiresAt")])
  })

  test("a hard reservation needs a scope of its own, and a soft one holds no more than a cart", async () => {
    const carts = await keyOf("carts", { scopes: ["stock:reserve"] })
    const { expiresAt: _, ...rest } = soft("till")
    const hard = { ...rest, key: "h", kind: "hard" }
    expect((await call(carts, "POST /v1/reservations", hard)).status).toBe(403)
    const much = { ...soft("till"), key: "m", lines: [{ sku, milli: 1_000_001 }] }
    const refused = await call(carts, "POST /v1/reservations", [soft("till"), much])
    expect([refused.status, refused.text]).toEqual([422, expect.stringContaining("/1/lines/0/milli")])
    const orders = await keyOf("order-systems", { scopes: ["stock:reserve", "stock:reserve-hard"] })
    expect((await call(orders, "POST /v1/reservations", hard)).status).toBe(200)
  })
})

function body(method: string): unknown {
  return method === "GET" || method === "DELETE" ? undefined : {}
}
