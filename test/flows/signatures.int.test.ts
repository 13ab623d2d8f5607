import { createHmac } from "node:crypto"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { movableClock } from "../fixtures/gateway.ts"

const clock = movableClock()
let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 401, clock })
  // Everything that arrives is sent by the tests.
  for (const simulator of [t.lab.shopify, t.lab.warehouse, t.lab.fraud, t.lab.stripe])
    simulator.setWebhookTarget(undefined)
})
afterAll(async () => {
  await t?.stop()
})

interface Message {
  id: string
  body: string
  sentAtMs: number
}

/** How each kind of sender signs, by connection; another secret than its own on demand. */
const senders: Record<string, (message: Message, secret?: string) => Record<string, string>> = {
  shopify: ({ id, body, sentAtMs }, secret = "shpss_lab_fedcba9876543210") => ({
    "x-shopify-topic": "orders/edited",
    "x-shopify-shop-domain": "lab-shop.myshopify.com",
    "x-shopify-webhook-id": id,
    "x-shopify-triggered-at": new Date(sentAtMs).toISOString(),
    "x-shopify-hmac-sha256": createHmac("sha256", secret).update(body).digest("base64"),
  }),
  stripe: ({ body, sentAtMs }, secret = "whsec_lab_stripe_webhook_secret") => {
    const time = Math.floor(sentAtMs / 1000)
    return {
      "stripe-signature": `t=${time},v1=${createHmac("sha256", secret).update(`${time}.${body}`).digest("hex")}`,
    }
  },
  warehouse: ({ id, body, sentAtMs }, secret = "lab-warehouse-webhook-secret") => {
    const time = String(Math.floor(sentAtMs / 1000))
    const signature = createHmac("sha256", secret).update(`${id}.${time}.${body}`).digest("base64")
    return { "webhook-id": id, "webhook-timestamp": time, "webhook-signature": `v1,${signature}` }
  },
}
const connections = Object.keys(senders)

let count = 0
function message(sentAgoMs = 0): Message {
  count += 1
  return { id: `m-${count}`, body: JSON.stringify({ id: `m-${count}`, note: "é" }), sentAtMs: clock.now() - sentAgoMs }
}

const signed = (connection: string, given: Message, secret?: string) => senders[connection]?.(given, secret) ?? {}

async function post(connection: string, body: string, headers: Record<string, string>) {
  const answer = await fetch(`${t.gatewayUrl}/hooks/${connection}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  })
  return { status: answer.status, code: ((await answer.json()) as { code?: string }).code }
}

const send = (connection: string, given: Message) => post(connection, given.body, signed(connection, given))

async function metric(name: string, connection: string): Promise<number> {
  const { body } = await t.api("GET", "/metrics")
  const line = String((body as { text?: string }).text)
    .split("\n")
    .find((candidate) => candidate.startsWith(`${name}{connection="${connection}"}`))
  return Number(line?.split(" ").at(-1) ?? 0)
}
const failures = (connection: string) => metric("crossdock_webhook_signature_failures_total", connection)
const isAlarming = async (connection: string) => (await metric("crossdock_webhook_signature_alert", connection)) === 1

async function kept(connection: string): Promise<number> {
  const [row] = await t.sql<{ n: number }[]>`select count(*) as n from inbox where connection = ${connection}`
  return Number(row?.n)
}

const refused = { status: 401, code: "SIGNATURE_INVALID" }

describe.each(connections)("deliveries of %s over HTTP", (connection) => {
  test("P-03 wrong signatures are refused, counted for it alone, and the fifth raises its alert", async () => {
    clock.moveMs(301_000)
    const given = message()
    const right = signed(connection, given)
    const others = connections.filter((other) => other !== connection)
    const before = await Promise.all(others.map(async (other) => [await failures(other), await isAlarming(other)]))
    const [failed, stored] = [await failures(connection), await kept(connection)]
    expect(await isAlarming(connection)).toBe(false)
    const attempts = [
      () => post(connection, given.body, signed(connection, given, "another secret")),
      () => post(connection, given.body, {}),
      () => post(connection, given.body.replace("m-", "n-"), right),
      // The same JSON, written differently: what was signed are bytes.
      () => post(connection, given.body.replace("é", String.raw`\u00e9`), right),
      () => post(connection, given.body, signed(connection, message())),
    ]
    for (const [n, attempt] of attempts.entries()) {
      expect(await isAlarming(connection)).toBe(false)
      expect(await attempt()).toMatchObject(refused)
      expect(await failures(connection)).toBe(failed + n + 1)
    }
    expect(await isAlarming(connection)).toBe(true)
    expect(await kept(connection)).toBe(stored)
    expect(await Promise.all(others.map(async (other) => [await failures(other), await isAlarming(other)]))).toEqual(
      before,
    )

    // Whoever signs well is heard all the while, and the alert falls when nothing bad came for five minutes.
    expect((await send(connection, message())).status).toBe(200)
    expect(await kept(connection)).toBe(stored + 1)
    clock.moveMs(301_000)
    expect(await isAlarming(connection)).toBe(false)
    expect(await failures(connection)).toBe(failed + attempts.length)
  })

  test("P-03 a delivery signed for a time ahead of ours is refused and counted", async () => {
    const before = [await failures(connection), await kept(connection)]
    expect(await send(connection, message(-400_000))).toMatchObject(refused)
    expect([await failures(connection), await kept(connection)]).toEqual([(before[0] ?? 0) + 1, before[1]])
  })

  test("P-03 a delivery is accepted again as long as its sender repeats it, and refused and counted as a replay later", async () => {
    const remembered = async () => (await t.sql`select 1 from webhook_replays`).length
    const known = await remembered()
    const given = message()
    expect((await send(connection, given)).status).toBe(200)
    expect((await send(connection, given)).status).toBe(200)
    // Remembering is not waited for by the answer.
    await eventually("it is remembered", async () => (await remembered()) > known)
    const before = [await failures(connection), await kept(connection)]
    clock.moveMs(5 * 3_600_000)
    expect(await send(connection, given)).toMatchObject(refused)
    expect([await failures(connection), await kept(connection)]).toEqual([(before[0] ?? 0) + 1, before[1]])
  })
})

test.each(["stripe", "warehouse"])(
  "P-03 a first delivery of %s whose signed time is too old is refused",
  async (connection) => {
    const before = await kept(connection)
    expect(await send(connection, message(299_000))).toMatchObject({ status: 200 })
    expect(await send(connection, message(302_000))).toMatchObject(refused)
    expect(await kept(connection)).toBe(before + 1)
  },
)
