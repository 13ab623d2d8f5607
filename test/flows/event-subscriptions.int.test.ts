import { createServer, type IncomingHttpHeaders, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { newEvent } from "../../src/canonical/events.ts"
import { EventLog } from "../../src/eventlog/event-log.ts"
import { verifyStandardWebhook } from "../../src/protocols/standard-webhooks.ts"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"

interface Message {
  id: string
  event: { type: string; key: string; fact: string; data: Record<string, unknown> }
  headers: IncomingHttpHeaders
  body: string
}

let t: TestCrossdock
let server: Server
let url: string
/** What came, by the path of its receiver. */
const taken = new Map<string, Message[]>()
let answer: (path: string, message: Message) => number = () => 204

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString()
      const path = (request.url ?? "").slice(1)
      const id = String(request.headers["webhook-id"])
      const message = { id, event: JSON.parse(body) as Message["event"], headers: request.headers, body }
      const status = answer(path, message)
      if (status < 300) taken.set(path, [...(taken.get(path) ?? []), message])
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  t = await startTestCrossdock({
    seed: 166,
    estate: (estate) => ({
      ...estate,
      policies: {
        ...estate.policies,
        subscriptions: { signingKey: "a key that only this estate has", allowPrivateNetwork: true },
      },
    }),
  })
})
afterAll(async () => {
  await t?.stop()
  server?.closeAllConnections()
  server?.close()
})
beforeEach(() => {
  answer = () => 204
})

async function subscribe(id: string, more: object = {}): Promise<{ secret: string }> {
  const wanted = { id, url: `${url}/${id}`, description: "a test's receiver", types: ["stock.moved"], ...more }
  const { status, body } = await t.api("POST", "/v1/subscriptions", wanted)
  expect(status).toBe(201)
  return body as unknown as { secret: string }
}

let moveCount = 0
/** Events of the log about one article, one after the other. */
async function move(sku: string, count = 1): Promise<string[]> {
  const log = new EventLog(t.sql)
  const facts = Array.from({ length: count }, () => `test:${sku}:${(moveCount += 1)}`)
  const time = new Date().toISOString()
  const data = { movement: "receipt" as const, sku, locationId: "dc-nord", milli: 1000, unit: "ea", movedAt: time }
  for (const fact of facts) await log.append(newEvent({ type: "stock.moved", fact, source: "test", time, data }))
  return facts
}

const messagesOf = (path: string, sku: string) =>
  (taken.get(path) ?? []).filter(({ event }) => event.data["sku"] === sku)
const some = (path: string, sku: string, count: number) =>
  eventually(`${count} messages of ${sku}`, async () =>
    messagesOf(path, sku).length >= count ? messagesOf(path, sku) : undefined,
  )
const view = async (id: string) => (await t.api("GET", `/v1/subscriptions/${id}`)).body as Record<string, unknown>

test("S-166: each event comes as one message that the secret signs, those of one object in their order", async () => {
  const { secret } = await subscribe("analytics")
  const facts = await move("SUB-A", 20)
  const messages = await some("analytics", "SUB-A", 20)
  for (const { headers, body } of messages) {
    const given = { headers: headers as Record<string, string>, bytes: Buffer.from(body) }
    expect(() => verifyStandardWebhook(given, { secrets: [secret], nowMs: Date.now() })).not.toThrow()
    expect(headers["content-type"]).toContain("application/cloudevents+json")
  }
  expect(new Set(messages.map(({ id }) => id)).size).toBe(20)
  expect(messages.map(({ event }) => event.fact)).toEqual(facts)
  // Only what was asked for.
  expect((taken.get("analytics") ?? []).every(({ event }) => event.type === "stock.moved")).toBe(true)
})

test("a receiver that is away is tried again until it is back: nothing is lost, nothing overtakes, and it is told", async () => {
  let tries = 0
  answer = (path) => (path === "away" && (tries += 1) < 3 ? 503 : 204)
  await subscribe("away")
  const facts = await move("SUB-AWAY", 5)
  await eventually("the failure in the view", async () =>
    (await view("away"))["lastError"] === "the receiver answers with status 503" ? true : undefined,
  )
  expect((await some("away", "SUB-AWAY", 5)).map(({ event }) => event.fact)).toEqual(facts)
  await eventually("a view without failure", async () => {
    const { sent, failingSince } = await view("away")
    return sent === 5 && failingSince === undefined ? true : undefined
  })
}, 60_000)

test("an event that the receiver refuses waits alone: others go on, a person leaves it out, and later ones of its object follow", async () => {
  answer = (path, { event }) => (path === "picky" && event.fact === "test:SUB-P:refused" ? 422 : 204)
  await subscribe("picky")
  const log = new EventLog(t.sql)
  const time = new Date().toISOString()
  const data = {
    movement: "receipt" as const,
    sku: "SUB-P",
    locationId: "dc-nord",
    milli: 1000,
    unit: "ea",
    movedAt: time,
  }
  await log.append(newEvent({ type: "stock.moved", fact: "test:SUB-P:refused", source: "test", time, data }))
  const later = await move("SUB-P", 2)
  await move("SUB-Q", 3)
  await some("picky", "SUB-Q", 3)
  expect(messagesOf("picky", "SUB-P")).toEqual([])
  await expect.poll(() => view("picky")).toMatchObject({ waitingKeys: 1, state: "active" })
  // A person need not see all four attempts.
  await eventually("the refusal kept", async () => {
    const rows = await t.sql`
      update subscription_backlog set attempts = 3, next_at = now()
      where name = 'events to picky' and attempts between 1 and 2 returning seq`
    return rows.length > 0 ? true : undefined
  })
  const open = await eventually("the exception", async () => {
    const { body } = await t.api("GET", "/v1/exceptions?limit=100")
    return (body.items ?? []).find(({ summary }) => String(summary).startsWith('"events to picky" cannot handle'))
  })
  expect(open).toMatchObject({ allowedActions: ["try again", "leave out", "acknowledge"], owner: "integration" })
  const decided = await t.api("POST", `/v1/exceptions/${encodeURIComponent(String(open["id"]))}/decision`, {
    action: "leave out",
    reason: "its receiver does not know the article",
  })
  expect(decided.status).toBeLessThan(300)
  expect((await some("picky", "SUB-P", 2)).map(({ event }) => event.fact)).toEqual(later)
}, 60_000)

test("an event at which the receiver fails while it takes others is set aside alone, and is sent when it is tried again", async () => {
  let isBroken = true
  answer = (path, { event }) => (path === "failing" && isBroken && event.fact === "test:SUB-F:bad" ? 500 : 204)
  await subscribe("failing")
  const time = new Date().toISOString()
  const data = {
    movement: "receipt" as const,
    sku: "SUB-F",
    locationId: "dc-nord",
    milli: 1000,
    unit: "ea",
    movedAt: time,
  }
  const bad = newEvent({ type: "stock.moved", fact: "test:SUB-F:bad", source: "test", time, data })
  await new EventLog(t.sql).append(bad)
  const later = await move("SUB-F", 2)
  const summary = /^"events to failing" cannot handle .* status 500; 4 times, while it took other events$/
  const open = await eventually(
    "the exception",
    async () => {
      // It takes something else between two tries.
      await some("failing", "SUB-FINE", (await move("SUB-FINE")) && messagesOf("failing", "SUB-FINE").length + 1)
      await t.sql`update subscription_backlog set next_at = now() where name = 'events to failing' and not is_parked`
      const { body } = await t.api("GET", "/v1/exceptions?limit=100")
      return (body.items ?? []).find((one) => summary.test(String(one["summary"])))
    },
    { withinMs: 40_000 },
  )
  expect(messagesOf("failing", "SUB-F")).toEqual([])
  expect(await view("failing")).toMatchObject({ state: "active", waitingKeys: 1 })
  isBroken = false
  const decision = { action: "try again", reason: "its receiver was mended" }
  const decided = await t.api("POST", `/v1/exceptions/${encodeURIComponent(String(open["id"]))}/decision`, decision)
  expect(decided.status).toBeLessThan(300)
  expect((await some("failing", "SUB-F", 3)).map(({ event }) => event.fact)).toEqual([bad.fact, ...later])
}, 60_000)

test("a replay sends again with the same ids, since a moment", async () => {
  await subscribe("again")
  await move("SUB-R1", 2)
  await some("again", "SUB-R1", 2)
  const since = new Date().toISOString()
  await new Promise((resolve) => setTimeout(resolve, 5))
  await move("SUB-R2", 3)
  const first = await some("again", "SUB-R2", 3)
  expect((await t.api("POST", "/v1/subscriptions/again/replay", { since })).status).toBe(200)
  const all = await some("again", "SUB-R2", 6)
  expect(all.slice(3).map(({ id }) => id)).toEqual(first.map(({ id }) => id))
  expect(messagesOf("again", "SUB-R1")).toHaveLength(2)
}, 60_000)

test("after a rotation both secrets sign for a day; a paused one goes on where it stands", async () => {
  const { secret: former } = await subscribe("rotated")
  await t.api("POST", "/v1/subscriptions/rotated/pause")
  const { body } = await t.api("POST", "/v1/subscriptions/rotated/rotate")
  const { secret } = body as unknown as { secret: string }
  expect(secret).not.toBe(former)
  const facts = await move("SUB-S", 2)
  expect(await view("rotated")).toMatchObject({ state: "paused", why: expect.stringMatching(/^paused by /) })
  await t.api("POST", "/v1/subscriptions/rotated/resume")
  const messages = await some("rotated", "SUB-S", 2)
  expect(messages.map(({ event }) => event.fact)).toEqual(facts)
  for (const { headers, body: text } of messages)
    for (const known of [secret, former]) {
      const given = { headers: headers as Record<string, string>, bytes: Buffer.from(text) }
      expect(() => verifyStandardWebhook(given, { secrets: [known], nowMs: Date.now() })).not.toThrow()
    }
}, 60_000)

test("a receiver that is gone for good is stopped, with its reason, and asked no more", async () => {
  let tries = 0
  answer = (path) => (path === "gone" ? ((tries += 1), 410) : 204)
  await subscribe("gone")
  await move("SUB-G")
  await eventually("the stop", async () => ((await view("gone"))["state"] === "stopped" ? true : undefined))
  expect(await view("gone")).toMatchObject({ why: "its receiver says that it is gone for good (410)" })
  expect(tries).toBe(1)
  answer = () => 204
  await t.api("POST", "/v1/subscriptions/gone/resume")
  await some("gone", "SUB-G", 1)
}, 60_000)

test("the same request again makes no second one and says the same; what cannot work is refused with every problem", async () => {
  const { secret } = await subscribe("twice")
  expect((await subscribe("twice")).secret).toBe(secret)
  const other = { id: "twice", url: `${url}/other`, description: "a test's receiver" }
  expect((await t.api("POST", "/v1/subscriptions", other)).status).toBe(409)
  const wrong = {
    id: "wrong",
    url: "https://user:word@example.com/",
    description: "wrong",
    types: ["order.nothing", "order.*"],
  }
  const { status, body } = await t.api("POST", "/v1/subscriptions", wrong)
  expect(status).toBe(422)
  expect((body["problems"] as unknown as { pointer: string }[]).map(({ pointer }) => pointer)).toEqual([
    "/types/0",
    "/url",
  ])
})

test("a test message says what the receiver answers", async () => {
  await subscribe("tested")
  expect((await t.api("POST", "/v1/subscriptions/tested/test")).body).toMatchObject({ isTaken: true })
  answer = () => 401
  expect((await t.api("POST", "/v1/subscriptions/tested/test")).body).toMatchObject({
    isTaken: false,
    error: "the receiver answers with status 401",
  })
})

test("an ended one is sent nothing, and is forgotten by the watch", async () => {
  await subscribe("ended")
  await move("SUB-E")
  await some("ended", "SUB-E", 1)
  expect((await t.api("DELETE", "/v1/subscriptions/ended")).status).toBe(200)
  expect((await t.api("GET", "/v1/subscriptions/ended")).status).toBe(404)
  const { items = [] } = (await t.api("GET", "/v1/readers")).body
  expect(items.filter(({ name }) => name === "events to ended")).toEqual([])
})
