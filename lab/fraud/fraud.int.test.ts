import { createHmac } from "node:crypto"
import { afterEach, describe, expect, test } from "vitest"
import { startReceiver } from "../receiver.ts"
import type { Receiver } from "../receiver.ts"
import type { Simulator } from "../simulator.ts"
import type { FraudSimulatorOptions } from "./fraud.ts"
import { fraudToken, fraudWebhookSecret, startFraud } from "./fraud.ts"
import { defaultShares, judge } from "./judgement.ts"

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function start(options: Partial<FraudSimulatorOptions> = {}): Promise<{ fraud: Simulator; receiver: Receiver }> {
  const receiver = await startReceiver()
  const fraud = await startFraud({ seed: 7, webhookTarget: receiver.url, reviewMs: { min: 1, max: 5 }, ...options })
  closers.push(fraud.stop, receiver.stop)
  return { fraud, receiver }
}

async function call(fraud: Simulator, path: string, body?: unknown) {
  const response = await fetch(fraud.url + path, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${fraudToken}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const asked = (reference: string, email: string) => ({
  reference,
  amount: { amountMinor: 12_100, currency: "EUR" },
  email,
  shipTo: { name: "Ada", line1: "Coolsingel 40", postalCode: "3011 AD", city: "Rotterdam", countryCode: "NL" },
  lines: [{ sku: "SKU-00042", quantityMilli: 1_000, unit: "ea", amountMinor: 12_100 }],
})

const eventsOf = (receiver: Receiver) =>
  receiver.received.map((delivery) => JSON.parse(delivery.body) as Record<string, string>)

describe("a screening", () => {
  test("is made once for a reference: a repeat gets the first decision", async () => {
    const { fraud } = await start()
    const first = await call(fraud, "/screenings", asked("o-1", "ada+reject@shop.example"))
    expect(first).toMatchObject({ status: 201, body: { reference: "o-1", decision: "reject" } })
    const again = await call(fraud, "/screenings", asked("o-1", "ada+accept@shop.example"))
    expect(again).toEqual({ status: 200, body: first.body })
    expect(fraud.books()["screenings"]).toHaveLength(1)
  })

  test("can be looked up by reference, and an unknown one is an empty list", async () => {
    const { fraud } = await start({ reviewMs: null })
    await call(fraud, "/screenings", asked("o-1", "ada+review-accept@shop.example"))
    const found = await call(fraud, "/screenings?reference=o-1")
    expect(found.body).toMatchObject({ screenings: [{ decision: "review", final: null }] })
    expect((await call(fraud, "/screenings?reference=o-2")).body).toEqual({ screenings: [] })
    expect((await call(fraud, "/screenings")).status).toBe(400)
  })

  test("decides by seed and reference, in about the asked shares", () => {
    const decisions = { accept: 0, review: 0, reject: 0 }
    for (let i = 0; i < 10_000; i++)
      decisions[judge({ seed: 7, reference: `o-${i}`, email: "a@b.example", shares: defaultShares }).decision] += 1
    expect(decisions.review).toBeGreaterThan(240)
    expect(decisions.review).toBeLessThan(360)
    expect(decisions.reject).toBeGreaterThan(25)
    expect(decisions.reject).toBeLessThan(80)
  })
})

describe("reviews", () => {
  test("a review ends by itself with a signed event", async () => {
    const { fraud, receiver } = await start()
    await call(fraud, "/screenings", asked("o-1", "ada+review-reject@shop.example"))
    await expect.poll(() => receiver.received.length).toBe(1)
    const [delivery] = receiver.received
    expect(eventsOf(receiver)[0]).toMatchObject({ type: "screening.decided", reference: "o-1", decision: "reject" })
    const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature } = delivery?.headers ?? {}
    expect(eventsOf(receiver)[0]?.["eventId"]).toBe(id)
    const key = Buffer.from(fraudWebhookSecret.slice("whsec_".length), "base64")
    const expected = createHmac("sha256", key).update(`${id}.${timestamp}.${delivery?.body}`).digest("base64")
    expect(signature).toBe(`v1,${expected}`)
    expect((await call(fraud, "/screenings?reference=o-1")).body).toMatchObject({ screenings: [{ final: "reject" }] })
  })

  test("an accept can be reviewed afterwards and end as a reject", async () => {
    const { fraud, receiver } = await start()
    const first = await call(fraud, "/screenings", asked("o-1", "ada+late-reject@shop.example"))
    expect(first.body["decision"]).toBe("accept")
    await expect.poll(() => receiver.received.length).toBe(2)
    const types = eventsOf(receiver).map((event) => event["type"])
    expect(types.sort()).toEqual(["screening.decided", "screening.review-opened"])
  })

  test("each time a person looks again is an event of its own", async () => {
    const { fraud, receiver } = await start()
    await call(fraud, "/screenings", asked("o-1", "ada+accept@shop.example"))
    for (let round = 0; round < 2; round++) {
      expect((await call(fraud, "/__lab/reviews", { reference: "o-1" })).body).toEqual({ opened: true })
      expect((await call(fraud, "/__lab/decisions", { reference: "o-1", decision: "accept" })).body).toEqual({
        decided: true,
      })
    }
    await fraud.webhooks()?.idle()
    expect(new Set(eventsOf(receiver).map((event) => event["eventId"])).size).toBe(4)
  })
})

describe("faults", () => {
  test("a screening whose answer was lost is found by its reference", async () => {
    const { fraud } = await start({ faults: { commitThenReset: 1 } })
    await expect(call(fraud, "/screenings", asked("o-1", "ada+accept@shop.example"))).rejects.toThrow()
    expect((await call(fraud, "/screenings?reference=o-1")).body).toMatchObject({
      screenings: [{ decision: "accept" }],
    })
  })

  test("an event sent twice has one id", async () => {
    const { fraud, receiver } = await start({ faults: { duplicateWebhook: 1 } })
    await call(fraud, "/screenings", asked("o-1", "ada+review-accept@shop.example"))
    await expect.poll(() => receiver.received.length).toBe(2)
    expect(new Set(receiver.received.map((delivery) => delivery.headers["webhook-id"])).size).toBe(1)
  })
})
