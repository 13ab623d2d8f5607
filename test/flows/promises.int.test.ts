import { afterAll, beforeAll, expect, test } from "vitest"
import { createLog } from "../../src/base/log.ts"
import { EventLog } from "../../src/eventlog/event-log.ts"
import type { Estate } from "../../src/estate.ts"
import { startCrossdock } from "../../src/wiring.ts"
import { listen, orderPlaced, refundOf, refundReached, type Listener } from "../fixtures/alerts/told.ts"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"

// X-15 as a whole: a worker derives what became of refunds from the log, its clock notices those that are late, and the people who
// answer for it are told by a signed webhook, in Slack's shape, and by mail.

const secret = `whsec_${Buffer.from("a secret of the alerts of tests").toString("base64")}`
const day = 86_400_000

let pager: Listener
let chat: Listener
let t: TestCrossdock
let estate: Estate
let offsetMs = 0
const clock = { now: () => Date.now() + offsetMs }

beforeAll(async () => {
  ;[pager, chat] = [await listen(), await listen()]
  t = await startTestCrossdock({
    clock,
    estate: (demo) => {
      const local = { allowPrivateNetwork: true } as const
      const alerts: Estate["policies"]["alerts"] = {
        consoleUrl: "https://crossdock.example/console",
        receivers: {
          pager: { kind: "webhook", url: pager.url, secret, ...local },
          chat: { kind: "slack", url: chat.url, ...local },
          mail: { kind: "mail", connection: "mail", to: ["finance@lab-shop.example"] },
        },
        teams: { finance: { onDuty: ["pager", "mail"], standIn: ["chat"] } },
        everybody: ["chat"],
      }
      const promises = { "refunds closed": { ...demo.policies.promises?.["refunds closed"], window: 20 } }
      estate = { ...demo, policies: { ...demo.policies, promises, alerts } } as Estate
      return estate
    },
  })
}, 120_000)
afterAll(async () => {
  await t?.stop()
  await Promise.all([pager?.close(), chat?.close()])
})

test("X-15: refunds of one payment method are slow: the alert names method, count and money, and a risky release waits", async () => {
  // The facts of sixty refunds: those by paypal reached their buyers the next day, those by stripe have not.
  const log = new EventLog(t.sql)
  const startMs = Date.now() - 2 * day
  const at = (ms: number) => new Date(ms).toISOString()
  for (let n = 0; n < 60; n += 1) {
    const isSlow = n % 2 === 0
    const placed = orderPlaced(n, { at: at(startMs + n * 1000), method: isSlow ? "stripe" : "paypal" })
    await log.append({ ...placed, data: { ...placed.data, order: { ...placed.data.order, isTest: false } } })
    await log.append(refundOf(placed, at(startMs + n * 1000)))
    if (!isSlow) await log.append(refundReached(placed, at(startMs + day + n * 1000)))
  }
  expect((await t.api("GET", "/v1/promise-budget")).body).toMatchObject({ wait: false })
  // A day later their three days are over.
  offsetMs = 2 * day
  const alert = await eventually(
    "the alert",
    async () => {
      const { body } = await t.api("GET", "/v1/alerts?promise=refunds%20closed&state=open")
      return (body.items ?? []).find(({ rule }) => rule === "promise")
    },
    { withinMs: 40_000, seen: () => t.api("GET", "/v1/promises") },
  )
  expect(alert).toMatchObject({
    owner: "finance",
    severity: "page",
    count: 20,
    counted: "of the last 20 missed",
    money: [{ amountMinor: 20 * 4488, currency: "EUR" }],
  })
  expect(alert["title"]).toContain("method stripe")
  expect((await t.api("GET", "/v1/promise-budget")).body).toMatchObject({ wait: true })
  const missed = await t.api("GET", "/v1/promises/refunds%20closed/missed?limit=100")
  expect(new Set(missed.body.items?.map(({ method }) => method))).toEqual(new Set(["stripe"]))
  // Half a minute of gathering, then the team on duty is told by all its ways.
  offsetMs += 40_000
  const heard = await eventually(
    "the webhook",
    () => pager.heard.find(({ message }) => message.title.includes("stripe")),
    {
      withinMs: 30_000,
    },
  )
  expect(heard.message.lines[0]).toBe("20 of the last 20 missed; money: 897.60 EUR")
  expect(heard.message.url).toBe("https://crossdock.example/console/promises/refunds%20closed")
  const mails = () => JSON.stringify(t.lab.mail.books())
  await eventually(
    "the mail",
    () => /finance@lab-shop.example[\s\S]*Promise missed: refunds closed [(]method stripe/.test(mails()),
    {
      seen: async () => [mails(), (await t.api("GET", `/v1/alerts/${String(alert["id"])}`)).body["notices"]],
    },
  )
  // Nobody answers for ten minutes.
  offsetMs += 11 * 60_000
  const escalated = await eventually(
    "the stand-in's chat",
    () => chat.heard.find(({ text }) => text.includes("Nobody answered")),
    {
      withinMs: 30_000,
    },
  )
  expect(escalated.text).toContain("897.60 EUR")
  const acknowledged = await t.api("POST", `/v1/alerts/${String(alert["id"])}/acknowledgement`, { forMinutes: 30 })
  expect(acknowledged.body).toMatchObject({ acknowledged: { by: expect.stringContaining("operator") } })
}, 150_000)

test("a test alert says whether a receiver takes it, and what it said where not", async () => {
  expect((await t.api("POST", "/v1/alerts/test", { receiver: "chat" })).body).toMatchObject({ isTaken: true })
  chat.answers = 404
  expect((await t.api("POST", "/v1/alerts/test", { receiver: "chat" })).body).toMatchObject({
    isTaken: false,
    error: "it answers with status 404",
  })
  chat.answers = 200
  expect((await t.api("POST", "/v1/alerts/test", { receiver: "nobody" })).status).toBe(404)
})

test("an estate whose alerts go nowhere is refused before it starts", async () => {
  const alerts = {
    teams: { finance: { onDuty: ["phone"] } },
    receivers: { inside: { kind: "slack", url: "http://127.0.0.1:1/x" } },
  }
  const wrong = { ...estate, policies: { ...estate.policies, alerts } } as unknown as Estate
  const start = startCrossdock({
    estate: wrong,
    log: createLog("test", "silent"),
    databaseUrl: t.databaseUrl,
    roles: ["worker"],
    host: "127.0.0.1",
    port: 0,
  })
  await expect(start).rejects.toThrow(/no receiver "phone"[\s\S]*private address/)
})
