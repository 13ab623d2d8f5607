import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { apiOrder } from "../../test/fixtures/api-order.ts"
import { signatureOf, testGateway, type TestGateway } from "../../test/fixtures/gateway.ts"
import { countOf } from "../../test/fixtures/ledger/facts.ts"
import { EventLog } from "../eventlog/event-log.ts"
import { readDelivery } from "../eventlog/deliveries/stored-deliveries.ts"
import { ref } from "../canonical/refs.ts"
import { gatewayRoutes } from "./create-gateway.ts"
import { orderIdOf } from "./requests/order-request.ts"
import type { Route } from "./route.ts"

let gateway: TestGateway
let key: string

beforeAll(async () => {
  gateway = await testGateway()
  key = await gateway.consumer({ id: "tester" })
})
afterAll(() => gateway?.close())

const bearer = (value = key) => ({ authorization: `Bearer ${value}` })
const post = (url: string, payload: unknown, headers: Record<string, string> = {}) =>
  gateway.app.inject({
    method: "POST",
    url,
    headers: { "content-type": "application/json", ...bearer(), ...headers },
    payload: typeof payload === "string" ? payload : JSON.stringify(payload),
  })

async function bytesOf(inboxId: number | string | undefined): Promise<string> {
  const delivery = await readDelivery(gateway.database.sql, Number(inboxId))
  return Buffer.from(delivery?.bytes ?? []).toString()
}

describe("orders over the API", () => {
  it("an order sent twenty times at once is one order.placed, and nineteen deliveries say they are duplicates", async () => {
    const order = apiOrder("twenty")
    const answers = await Promise.all(Array.from({ length: 20 }, () => post("/v1/orders", order)))
    expect(new Set(answers.map((answer) => answer.statusCode))).toEqual(new Set([202]))
    const { orderId, links } = JSON.parse(answers[0]?.body ?? "") as { orderId: string; links: { order: string } }
    expect(orderId).toBe(orderIdOf(order))
    expect(links.order).toBe(`/v1/orders/${orderId}`)
    const events = await gateway.core.eventLog.readKey(ref("order", orderId))
    expect(events.map((event) => event.type)).toEqual(["order.placed"])
    const states = await gateway.database.sql<{ state: string; count: number }[]>`
      select state, count(*) as count from inbox where connection = 'api:tester' group by state order by state`
    expect([...states]).toEqual([
      { state: "duplicate", count: 19 },
      { state: "translated", count: 1 },
    ])
  })

  it("keeps the exact bytes, the correlation and the trace of what came", async () => {
    const text = `${JSON.stringify(apiOrder("bytes"))}  `
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    const answer = await post("/v1/orders", text, { "x-correlation-id": "my.cart:7", traceparent })
    expect(answer.headers).toMatchObject({ "x-correlation-id": "my.cart:7", traceparent })
    const rows = await gateway.database.sql<{ id: number; traceparent: string }[]>`
      select id, traceparent from inbox where correlation = 'my.cart:7'`
    expect(await bytesOf(rows[0]?.id)).toBe(text)
    expect(rows[0]?.traceparent).toBe(traceparent)
  })

  it("refuses wrong sums with every problem and its place, before anything is kept", async () => {
    const order = apiOrder("sums")
    order.total = { shop: { amountMinor: 1, currency: "EUR" }, presentment: { amountMinor: 2, currency: "USD" } }
    const before = await inboxCount()
    const answer = await post("/v1/orders", order)
    expect(answer.statusCode).toBe(422)
    expect(answer.headers["content-type"]).toContain("application/problem+json")
    const problem = answer.json() as { code: string; problems: { pointer: string }[] }
    expect(problem.code).toBe("ORDER_TOTALS_WRONG")
    expect(problem.problems.map((one) => one.pointer)).toEqual(
      expect.arrayContaining(["/total", "/total/presentment/currency"]),
    )
    expect(await inboxCount()).toBe(before)
  })

  it("names an unknown SKU, wrong sums and mixed currencies of one order all at once", async () => {
    const order = apiOrder("everything")
    const [line] = order.lines
    if (!line) throw new Error("the sample order has a line")
    line.sku = "NEVER-HEARD-OF"
    order.total = { shop: { amountMinor: 1, currency: "USD" }, presentment: order.total.presentment }
    const answer = await post("/v1/orders", order)
    expect(answer.statusCode).toBe(422)
    const { problems } = answer.json() as { problems: { pointer: string }[] }
    expect(problems.map((one) => one.pointer)).toEqual(
      expect.arrayContaining(["/lines/0/sku", "/total", "/total/shop/currency"]),
    )
  })

  it("an order for a SKU that was never stocked is told so", async () => {
    const order = apiOrder("unknown")
    const [line] = order.lines
    if (line) line.sku = "NEVER-HEARD-OF"
    expect((await post("/v1/orders", order)).json()).toMatchObject({ code: "STOCK_UNKNOWN" })
  })

  it("refuses text and moments that the database could not hold later", async () => {
    const answers = await Promise.all([
      post("/v1/orders", JSON.stringify({ ...apiOrder("nul"), number: "a\u0000b" })),
      post("/v1/orders", JSON.stringify({ ...apiOrder("half"), number: "\ud800" })),
      post("/v1/orders", { ...apiOrder("moment"), placedAt: "2026-13-45T99:99:99Z" }),
    ])
    expect(answers.map((answer) => answer.statusCode)).toEqual([400, 400, 422])
  })

  it("P-50: codes that are none, two mail addresses in one field and moments that do not exist are named where they stand", async () => {
    const order = apiOrder("codes")
    const [line] = order.lines
    if (line) line.quantity.unit = "furlong"
    order.currency.presentment = "ZZZ"
    order.placedAt = "2026-02-30T00:00:00Z"
    Object.assign(order.shippingAddress ?? {}, { countryCode: "QQ" })
    order.customer.email = "a@example.com, b@example.com"
    const answer = await post("/v1/orders", order)
    expect(answer.statusCode).toBe(422)
    const places = (body: { problems: { pointer: string }[] }) => body.problems.map(({ pointer }) => pointer)
    expect(places(answer.json())).toEqual(["/placedAt"])
    const readable = await post("/v1/orders", { ...order, placedAt: "2026-02-28T00:00:00Z" })
    expect(places(readable.json())).toEqual(
      expect.arrayContaining([
        "/currency/presentment",
        "/shippingAddress/countryCode",
        "/lines/0/quantity/unit",
        "/customer/email",
      ]),
    )
    const broken = await post("/v1/orders", {
      ...apiOrder("crlf"),
      customer: { email: "a@example.com\r\nBcc: b@c.de" },
    })
    expect(places(broken.json())).toEqual(["/customer/email"])
  })

  it("a consumer of one channel neither writes nor sees orders of another", async () => {
    const own = await gateway.consumer({ id: "one-channel", channels: ["shop-at"] })
    const foreign = orderIdOf(apiOrder("foreign"))
    gateway.orders.set(foreign, { id: foreign, channel: "shop-de", state: "accepted" })
    const headers = bearer(own)
    const get = (url: string) => gateway.app.inject({ method: "GET", url, headers })
    expect((await post("/v1/orders", apiOrder("foreign"), headers)).statusCode).toBe(403)
    expect((await post(`/v1/orders/${foreign}/cancellation`, { reason: "x" }, headers)).statusCode).toBe(404)
    expect((await get(`/v1/orders/${foreign}`)).statusCode).toBe(404)
    expect((await get(`/v1/orders/${foreign}/trace`)).statusCode).toBe(404)
    expect((await get("/v1/orders")).json()).toEqual({ items: [] })
    expect((await get("/v1/events")).statusCode).toBe(403)
    expect(
      (await gateway.app.inject({ method: "GET", url: `/v1/orders/${foreign}`, headers: bearer() })).statusCode,
    ).toBe(200)
  })

  it("an edit and a cancellation become facts of the same order", async () => {
    const order = apiOrder("edited")
    const id = orderIdOf(order)
    gateway.orders.set(id, { id, channel: "shop-de", state: "accepted" })
    await post("/v1/orders", order)
    const edited = await post(`/v1/orders/${id}/edits`, { ...order, version: "2026-11-20T21:00:00Z", number: "#e2" })
    const cancelled = await post(`/v1/orders/${id}/cancellation`, { reason: "changed my mind" })
    expect([edited.statusCode, cancelled.statusCode]).toEqual([202, 202])
    expect((await post(`/v1/orders/${id}/edits`, order)).statusCode).toBe(422)
    expect(
      (await post(`/v1/orders/ord_0000000000000000/edits`, { ...order, version: order.placedAt })).statusCode,
    ).toBe(422)
    const events = await gateway.core.eventLog.readKey(ref("order", id))
    expect(events.map((event) => event.type)).toEqual(["order.placed", "order.edited", "order.cancellation-requested"])
    expect(events[2]?.data).toEqual({ orderId: id, reason: "changed my mind", requestedBy: "tester" })
  })
})

describe("webhooks", () => {
  const hook = (body: string, headers: Record<string, string> = {}) =>
    gateway.app.inject({
      method: "POST",
      url: "/hooks/shop",
      headers: { "content-type": "application/json", "x-signature": signatureOf(body), ...headers },
      payload: body,
    })

  it("keeps raw bytes before it answers, and never parses them", async () => {
    const answer = await hook("{ this is : not JSON", { "x-delivery-id": "d1", "x-topic": "orders/create" })
    expect(answer.statusCode).toBe(200)
    const { inboxId } = answer.json<{ inboxId: string }>()
    const rows = await gateway.database.sql`select topic, delivery_id from inbox where id = ${inboxId}`
    expect(rows[0]).toMatchObject({ topic: "orders/create", delivery_id: "d1" })
    expect(await bytesOf(inboxId)).toBe("{ this is : not JSON")
  })

  it("refuses a body that was encoded again, counts it, and raises the alert at the fifth", async () => {
    const signature = signatureOf('{"a":1}')
    const before = await inboxCount()
    for (let at = 0; at < 4; at += 1)
      expect((await hook('{ "a": 1 }', { "x-signature": signature })).statusCode).toBe(401)
    expect(await metrics()).toContain('crossdock_webhook_signature_alert{connection="shop"} 0')
    expect((await hook('{ "a": 1 }', { "x-signature": signature })).statusCode).toBe(401)
    expect(await metrics()).toContain('crossdock_webhook_signature_failures_total{connection="shop"} 5')
    expect(await metrics()).toContain('crossdock_webhook_signature_alert{connection="shop"} 1')
    expect(await inboxCount()).toBe(before)
  })

  it("accepts a redelivery within the sender's retry time, and refuses an old signed request that comes again", async () => {
    const headers = { "x-delivery-id": "d2", "x-sent-at": String(gateway.clock.now()) }
    expect((await hook('{"b":1}', headers)).statusCode).toBe(200)
    expect((await hook('{"b":1}', headers)).statusCode).toBe(200)
    gateway.clock.moveMs(3 * 3_600_000)
    expect((await hook('{"b":1}', headers)).statusCode).toBe(200)
    expect(await gateway.database.sql`select 1 from webhook_replays`).toHaveLength(1)
    gateway.clock.moveMs(2 * 3_600_000)
    expect((await hook('{"b":1}', headers)).statusCode).toBe(401)
    const neverSeen = await hook('{"b":2}', { ...headers, "x-delivery-id": "d3" })
    expect(neverSeen.statusCode).toBe(200)
    const ahead = { ...headers, "x-sent-at": String(gateway.clock.now() + 400_000) }
    expect((await hook('{"b":3}', ahead)).statusCode).toBe(401)
  })

  it("P-50: an unknown connection is answered like a wrong signature, so that nobody learns names by guessing", async () => {
    const answers = ["nobody", "constructor", "shop"].map((name) =>
      gateway.app.inject({ method: "POST", url: `/hooks/${name}`, payload: "x", headers: { "x-correlation-id": "c" } }),
    )
    const [unknown, inherited, known] = (await Promise.all(answers)).map(({ statusCode, body }) => [statusCode, body])
    expect(known?.[0]).toBe(401)
    expect([unknown, inherited]).toEqual([known, known])
  })

  it("P-50: where the policy says so, metrics need a key with their scope", async () => {
    const guarded = await testGateway({ metricsNeedKey: true })
    const status = async (headers = {}) =>
      (await guarded.app.inject({ method: "GET", url: "/metrics", headers })).statusCode
    const reader = await guarded.consumer({ id: "prometheus", scopes: ["metrics:read"] })
    const other = await guarded.consumer({ id: "other", scopes: ["orders:read"] })
    expect([await status(), await status(bearer(other)), await status(bearer(reader))]).toEqual([401, 403, 200])
    await guarded.close()
  })

  it("P-50: every answer forbids to run, frame, cache or reinterpret it", async () => {
    for (const url of ["/errors", "/openapi.json", "/v1/orders", "/nowhere", "/v1/orders/%"]) {
      const { headers } = await gateway.app.inject({ method: "GET", url, headers: bearer() })
      expect([url, headers]).toEqual([
        url,
        expect.objectContaining({
          "cache-control": "no-store",
          "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
          "x-content-type-options": "nosniff",
        }),
      ])
    }
  })
})

describe("reservations", () => {
  const soft = (reservationKey: string, milli = 1000) => ({
    key: reservationKey,
    owner: "cart-1",
    channel: "shop-de",
    kind: "soft",
    expiresAt: new Date(gateway.clock.now() + 600_000).toISOString(),
    lines: [{ sku: "HOT", milli }],
  })

  it("a movement told twice is booked once", async () => {
    const receipt = { fact: "r1", kind: "receipt", sku: "HOT", locationId: "dc", milli: 10_000 }
    const answer = await post("/v1/stock-movements", { movements: [receipt, receipt] })
    expect((answer.json() as { results: object[] }).results).toMatchObject([
      { fact: "r1", applied: true, onHandMilli: 10_000 },
      { fact: "r1", applied: false, duplicate: true },
    ])
  })

  it("grants, repeats under the same key, refuses what is not there, and gives back", async () => {
    const first = await post("/v1/reservations", soft("k1"))
    expect(first.json()).toEqual({ key: "k1", granted: true, duplicate: false, state: "held" })
    expect((await post("/v1/reservations", soft("k1"))).json()).toMatchObject({ granted: true, duplicate: true })
    expect((await post("/v1/reservations", soft("k1", 2000))).json()).toMatchObject({ code: "RESERVATION_KEY_REUSED" })
    const many = await post("/v1/reservations", [soft("k2", 9000), soft("k3", 1000)])
    expect(many.json()).toMatchObject([
      { key: "k2", granted: true },
      { key: "k3", granted: false, short: [{ sku: "HOT", missingMilli: 1000 }] },
    ])
    const released = await gateway.app.inject({ method: "DELETE", url: "/v1/reservations/k2", headers: bearer() })
    expect(released.json()).toMatchObject({ key: "k2", outcome: "released", releasedMilli: 9000 })
    const available = await gateway.app.inject({ method: "GET", url: "/v1/availability?sku=HOT", headers: bearer() })
    expect(available.json()).toMatchObject({ items: [{ onHandMilli: 10_000, reservedMilli: 1000 }] })
  })

  it("another consumer's key is another reservation: nobody releases what is not theirs", async () => {
    const other = await gateway.consumer({ id: "other" })
    const released = await gateway.app.inject({ method: "DELETE", url: "/v1/reservations/k1", headers: bearer(other) })
    expect(released.json()).toMatchObject({ outcome: "unknown" })
    const available = await gateway.app.inject({ method: "GET", url: "/v1/availability?sku=HOT", headers: bearer() })
    expect(available.json()).toMatchObject({ items: [{ reservedMilli: 1000 }] })
  })

  it("a soft hold without an end, or with one far away, is refused", async () => {
    const { expiresAt: _, ...endless } = soft("k4")
    expect((await post("/v1/reservations", endless)).statusCode).toBe(422)
    expect((await post("/v1/reservations", { ...soft("k5"), expiresAt: "2099-01-01T00:00:00Z" })).statusCode).toBe(422)
  })

  it("P-25: a batch of movements books those that fit, and says of each of the others what is wrong", async () => {
    const bad = [
      { fact: "m1", kind: "transfer", sku: "HOT", locationId: "dc", milli: 1 },
      { fact: "m2", kind: "sale", sku: "HOT", locationId: "dc", milli: -1 },
      { fact: "m3", kind: "count", sku: "HOT", locationId: "dc", countedMilli: 5 },
      { fact: "m4", kind: "gift", sku: "HOT", locationId: "dc", milli: 1 },
    ]
    const good = { fact: "m5", kind: "receipt", sku: "COLD", locationId: "dc", milli: 3000 }
    const answer = await post("/v1/stock-movements", { movements: [...bad.slice(0, 2), good, ...bad.slice(2)] })
    expect(answer.statusCode).toBe(200)
    const { results } = answer.json<{
      results: { fact: string; applied: boolean; problems?: { pointer: string }[] }[]
    }>()
    expect(results.map(({ fact, applied }) => [fact, applied])).toEqual([
      ["m1", false],
      ["m2", false],
      ["m5", true],
      ["m3", false],
      ["m4", false],
    ])
    expect(results.map(({ problems = [] }) => problems.map(({ pointer }) => pointer))).toEqual([
      ["/toLocationId"],
      ["/milli"],
      [],
      ["/includesReservations", "/occurredAt"],
      ["/kind"],
    ])
  })
})

describe("events", () => {
  const get = (url: string) => gateway.app.inject({ method: "GET", url, headers: bearer() })
  // Transactions of other tests on the same server hold readers back for as long as they run.
  beforeEach(() =>
    vi.waitFor(async () => {
      const rows = await gateway.database
        .sql`select from events where xid >= pg_snapshot_xmin(pg_current_snapshot()) limit 1`
      if (rows.length > 0) throw new Error("an older transaction is still open")
    }, 30_000),
  )

  it("come in pages as CloudEvents, each once, and following waits for the next", async () => {
    const seen: string[] = []
    let cursor = ""
    for (;;) {
      const page = await get(`/v1/events?limit=2${cursor && `&cursor=${cursor}`}`)
      const { items, cursor: next } = page.json<{ items: { id: string; specversion: string }[]; cursor: string }>()
      if (items.length === 0) break
      expect(items.every((item) => item.specversion === "1.0")).toBe(true)
      seen.push(...items.map((item) => item.id))
      cursor = next
    }
    expect(seen.length).toBeGreaterThan(3)
    expect(new Set(seen).size).toBe(seen.length)
    const following = get(`/v1/events?follow=true&cursor=${cursor}`)
    await post("/v1/orders", apiOrder("followed"))
    expect((await following).json()).toMatchObject({ items: [{ id: "shop-de:order:followed:placed" }] })
  })

  it("one consumer follows ten times at once at most, and is told so", async () => {
    let cursor = ""
    for (let isEnd = false; !isEnd;) {
      const page = (await get(`/v1/events?limit=500${cursor && `&cursor=${cursor}`}`)).json<{
        items: object[]
        cursor: string
      }>()
      isEnd = page.items.length === 0
      cursor = page.cursor
    }
    const follow = async () => await get(`/v1/events?follow=true&cursor=${cursor}`)
    const following = Array.from({ length: 12 }, follow)
    await new Promise((resolve) => setTimeout(resolve, 500))
    await post("/v1/orders", apiOrder("followed-by-ten"))
    const answers = await Promise.all(following)
    const refused = answers.filter(({ statusCode }) => statusCode === 429)
    expect([refused.length, answers.filter(({ statusCode }) => statusCode === 200).length]).toEqual([2, 10])
    expect(refused[0]?.json()).toMatchObject({
      code: "RATE_LIMITED",
      detail: expect.stringMatching(
        /follows the log 10 times already; one consumer may do so 10 times at once$/,
      ) as string,
    })
    expect(Number(refused[0]?.headers["retry-after"])).toBeGreaterThan(0)
    // Those that ended make room.
    expect((await get(`/v1/events?follow=true&limit=1&cursor=${cursor}`)).statusCode).toBe(200)
  })

  it("following hears within a moment what another process appended", async () => {
    let cursor = ""
    for (let isEnd = false; !isEnd;) {
      const page = (await get(`/v1/events?limit=500${cursor && `&cursor=${cursor}`}`)).json<{
        items: unknown[]
        cursor: string
      }>()
      isEnd = page.items.length === 0
      cursor = page.cursor
    }
    const following = get(`/v1/events?follow=true&cursor=${cursor}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
    await new EventLog(gateway.database.sql).append(countOf("ELSEWHERE", 1000))
    expect((await following).json()).toMatchObject({ items: [{ id: "shelf:ELSEWHERE:1000" }] })
    // Without it the response comes only after 20 s.
  }, 15_000)

  it("the events about one object are found by its ref, an order's by its bare id too", async () => {
    await new EventLog(gateway.database.sql).append(countOf("TEE/M", 17))
    const factsAt = async (key: string) =>
      (await get(`/v1/events?key=${encodeURIComponent(key)}`))
        .json<{ items: { id: string; subject: string }[] }>()
        .items.map(({ id, subject }) => [id, subject])
    const stock = ref("stock", "wh-berlin", "TEE/M")
    expect(await factsAt(stock)).toEqual([["shelf:TEE/M:17", stock]])
    const id = orderIdOf(apiOrder("twenty"))
    expect(await factsAt(id)).toEqual([["shop-de:order:twenty:placed", ref("order", id)]])
    expect(await factsAt(ref("order", id))).toEqual(await factsAt(id))
  })

  it.each(["TEE-M", "constructor/x", "order/", "order/%41"])("%s names no object and is refused", async (key) => {
    const refused = await get(`/v1/events?key=${encodeURIComponent(key)}`)
    expect(refused.statusCode).toBe(422)
    expect(refused.json()).toMatchObject({ problems: [{ pointer: "?key" }] })
  })

  it("an unknown type and a foreign cursor are refused", async () => {
    expect((await get("/v1/events?type=order.placed,order.imagined")).statusCode).toBe(422)
    expect((await get("/v1/events?type=constructor")).statusCode).toBe(422)
    expect((await get("/v1/events?cursor=abc")).statusCode).toBe(422)
    expect((await get("/v1/events?type=order.edited&limit=500")).json()).toMatchObject({
      items: [{ type: "order.edited" }],
    })
  })
})

describe("connections and exceptions", () => {
  const act = (url: string, payload?: object) =>
    gateway.app.inject({ method: "POST", url, headers: bearer(), ...(payload ? { payload } : {}) })

  it("what a person does says who and why; what does not exist is 404", async () => {
    expect((await act("/v1/connections/shop/pause", { reason: "ERP upgrade" })).statusCode).toBe(200)
    expect((await act("/v1/connections/shop/resume")).statusCode).toBe(200)
    expect((await act("/v1/exceptions/ex-1/decision", { action: "retry" })).statusCode).toBe(200)
    expect((await act("/v1/connections/none/pause")).statusCode).toBe(404)
    expect((await act("/v1/exceptions/none/decision", { action: "retry" })).statusCode).toBe(404)
    const by = expect.stringMatching(/^tester \(cdk_\w+\)$/) as string
    expect(gateway.acts.slice(-3)).toEqual([
      { paused: "shop", by, reason: "ERP upgrade" },
      { resumed: "shop", by },
      { decided: "ex-1", by, action: "retry" },
    ])
  })
})

describe("every declared route", () => {
  const sample = (route: Route) => route.path.replaceAll(/\{\w+\}/g, "ex-1")
  const call = (route: Route, headers: Record<string, string>, payload?: string) =>
    gateway.app.inject({
      method: route.method,
      url: sample(route),
      headers: payload === undefined ? headers : { "content-type": "application/json", ...headers },
      ...(payload === undefined ? {} : { payload }),
    })
  const routes = () => gatewayRoutes(gateway.core, gateway.routes)
  const guarded = () => routes().filter((route) => route.credentials === "consumer")

  it("with consumer credentials names a scope and answers 401 without a key, with a wrong key and with junk", async () => {
    for (const route of guarded()) {
      expect([route.id, route.scope]).toEqual([route.id, expect.stringMatching(/^[a-z]+:[a-z]+$/)])
      for (const headers of [{}, bearer("cdk_wrong"), { authorization: "Basic eDp5" }, bearer("a.b.c")]) {
        const answer = await call(route, headers, route.body ? "{}" : undefined)
        expect([route.id, answer.statusCode, answer.json<{ code: string }>().code]).toEqual([
          route.id,
          401,
          "AUTHENTICATION_FAILED",
        ])
        expect(answer.headers["www-authenticate"]).toBe("Bearer")
      }
    }
  })

  it("answers 403 to a key without its scope", async () => {
    const scopeless = await gateway.consumer({ id: "scopeless", scopes: ["nothing:read"] })
    for (const route of guarded()) {
      const answer = await call(route, bearer(scopeless), route.body ? "{}" : undefined)
      expect([route.id, answer.statusCode, answer.json<{ code: string }>().code]).toEqual([
        route.id,
        403,
        "PERMISSION_MISSING",
      ])
    }
  })

  it("with a body refuses junk, poison, depth and size without a defect, in problem+json", async () => {
    const withBody = guarded().filter((route) => route.body)
    expect(withBody.length).toBeGreaterThan(8)
    for (const route of withBody) {
      const bodies: [string, number, string][] = [
        ["{", 400, "REQUEST_MALFORMED"],
        ['{"__proto__":{"isAdmin":true}}', 400, "REQUEST_MALFORMED"],
        ['{"constructor":{"prototype":{}}}', 400, "REQUEST_MALFORMED"],
        ['{"\\u005f_proto__":1}', 400, "REQUEST_MALFORMED"],
        ["[".repeat(100) + "]".repeat(100), 413, "REQUEST_TOO_LARGE"],
        ["[".repeat(5_000_000), 413, "REQUEST_TOO_LARGE"],
        ['{"thisIsNoMember":1}', 422, "REQUEST_INVALID"],
        ["null", 422, "REQUEST_INVALID"],
      ]
      for (const [body, status, code] of bodies) {
        const answer = await call(route, bearer(), body)
        const problem = answer.json<{ code: string; problems?: object[]; correlationId: string; type: string }>()
        expect([`${route.id} ${body.slice(0, 40)}`, answer.statusCode, problem.code]).toEqual([
          `${route.id} ${body.slice(0, 40)}`,
          status,
          code,
        ])
        expect(answer.headers["x-correlation-id"]).toBe(problem.correlationId)
        if (status === 422) expect(problem.problems?.length).toBeGreaterThan(0)
      }
    }
  })

  it("answers an address that is not percent-encoded UTF-8, or is too long, with a problem like any other", async () => {
    for (const url of ["/v1/orders/%ED%A0%80", "/v1/orders/%", `/v1/orders/${"x".repeat(300)}`]) {
      const { statusCode, headers, json } = await gateway.app.inject({ method: "GET", url, headers: bearer() })
      expect([statusCode, headers["content-type"]]).toEqual([400, "application/problem+json; charset=utf-8"])
      expect(json()).toMatchObject({ code: "REQUEST_MALFORMED" })
    }
  })

  it("with a query refuses what it does not know, and addresses with control characters", async () => {
    for (const route of guarded().filter((one) => one.query)) {
      const unknown = await gateway.app.inject({
        method: route.method,
        url: `${sample(route)}?noSuch=1`,
        headers: bearer(),
      })
      expect({ id: route.id, ...unknown.json<object>() }).toMatchObject({
        id: route.id,
        status: 422,
        code: "REQUEST_INVALID",
      })
      const control = await gateway.app.inject({
        method: route.method,
        url: `${sample(route)}?sku=%00`,
        headers: bearer(),
      })
      expect([route.id, control.statusCode]).toEqual([route.id, 400])
    }
  })

  it("stands in the OpenAPI document with owner, tier, criticality, service level and its errors", async () => {
    const answer = await gateway.app.inject({ method: "GET", url: "/openapi.json" })
    const document = answer.json<{ openapi: string; paths: Record<string, Record<string, Record<string, unknown>>> }>()
    expect(document.openapi).toBe("3.1.0")
    for (const route of routes()) {
      const operation = document.paths[route.path]?.[route.method.toLowerCase()]
      expect(operation).toMatchObject({ "x-owner": route.owner, "x-tier": route.tier })
      if (route.credentials === "consumer")
        expect(Object.keys(operation?.["responses"] ?? {})).toEqual(
          expect.arrayContaining(["401", "403", "429", "503"]),
        )
    }
    const ids = Object.values(document.paths).flatMap((path) => Object.values(path).map((one) => one["operationId"]))
    expect(new Set(ids).size).toBe(ids.length)
  })
})

async function inboxCount(): Promise<number> {
  const rows = await gateway.database.sql<{ count: number }[]>`select count(*) as count from inbox`
  return rows[0]?.count ?? -1
}

async function metrics(): Promise<string> {
  return (await gateway.app.inject({ method: "GET", url: "/metrics" })).body
}
