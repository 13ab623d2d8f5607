import { createHmac } from "node:crypto"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { ref } from "../../src/canonical/refs.ts"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { buyInShop, placeOrder, plentifulSkus } from "../fixtures/order-flow.ts"

let t: TestCrossdock
let sku: string
/** An order that waits for a person: no warehouse has heard of it. */
let waiting: string

beforeAll(async () => {
  t = await startTestCrossdock()
  ;[sku = ""] = plentifulSkus(t, 1)
  waiting = await placeOrder(t, {
    externalId: "own-1",
    lines: [{ sku, count: 90_000, totalMinor: 121_000 }],
    tenders: [],
  })
  await eventually("the order waits", async () => (await exceptionsOf(waiting)).length > 0)
})
afterAll(() => t?.stop())

async function exceptionsOf(orderId: string) {
  const { body } = await t.api("GET", `/v1/exceptions?orderId=${orderId}`)
  return body.items ?? []
}

async function typesOf(orderId: string): Promise<string[]> {
  const { body } = await t.api("GET", `/v1/events?key=${encodeURIComponent(ref("order", orderId))}`)
  return (body.items ?? []).map(({ type }) => String(type))
}

/** Sends a body with a signature that fits, and waits until its delivery is in the inbox. */
async function tell(
  connection: "warehouse" | "stripe" | "fraud",
  body: object,
): Promise<{ state: string; problems: unknown }> {
  const text = JSON.stringify(body)
  const id = `own-${Math.random()}`
  const time = String(Math.floor(Date.now() / 1000))
  const house = (secret: string) => ({
    "webhook-id": id,
    "webhook-timestamp": time,
    "webhook-signature": `v1,${createHmac("sha256", secret).update(`${id}.${time}.${text}`).digest("base64")}`,
  })
  const headers = {
    warehouse: () => house("lab-warehouse-webhook-secret"),
    fraud: () => house("lab-fraud-webhook-secret"),
    stripe: () => {
      const signature = createHmac("sha256", "whsec_lab_stripe_webhook_secret").update(`${time}.${text}`).digest("hex")
      return { "stripe-signature": `t=${time},v1=${signature}` }
    },
  }[connection]()
  const answer = await fetch(`${t.gatewayUrl}/hooks/${connection}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: text,
  })
  const { inboxId } = (await answer.json()) as { inboxId: string }
  const [row] = await t.sql<
    { state: string; problems: unknown }[]
  >`select state, problems from inbox where id = ${inboxId}`
  return row ?? { state: "missing", problems: undefined }
}

const occurredAt = new Date().toISOString()
const shipped = (orderId: string) => ({
  type: "shipment.shipped",
  eventId: `evt_${orderId}`,
  occurredAt,
  shipmentId: "S-forged",
  requestId: "r",
  orderId,
  locationId: t.lab.estate.locations[0]?.locationId ?? "",
  lines: [{ lineId: "L1", sku, quantityMilli: 1000, unit: "ea" }],
})

describe("P-47: a connection that is no channel", () => {
  test("states nothing about an order that it was asked nothing for, whatever its signature", async () => {
    const stripePayment = {
      id: "evt_forged",
      object: "event",
      type: "payment_intent.succeeded",
      created: Math.floor(Date.now() / 1000),
      data: {
        object: {
          id: "pi_forged",
          object: "payment_intent",
          amount: 121_000,
          amount_received: 121_000,
          amount_capturable: 0,
          currency: "eur",
          status: "succeeded",
          created: Math.floor(Date.now() / 1000),
          metadata: { crossdock_order: waiting, crossdock_tender: "card|121000 EUR|121000 EUR|T1" },
        },
      },
    }
    const before = await typesOf(waiting)
    const answers = [await tell("warehouse", shipped(waiting)), await tell("stripe", stripePayment)]
    for (const { state, problems } of answers)
      expect([state, problems]).toEqual([
        "parked",
        [expect.objectContaining({ message: expect.stringContaining(waiting) as string })],
      ])
    expect(await typesOf(waiting)).toEqual(before)
    const { body } = await t.api("GET", "/v1/exceptions?cause=FACT_FORBIDDEN")
    expect(body.items).toHaveLength(2)
  })

  test("states nothing about an order that nobody knows", async () => {
    expect(await tell("warehouse", shipped("ord_0000000000000000"))).toMatchObject({ state: "parked" })
  })

  test("states what it was asked for", async () => {
    const [bought] = await buyInShop(t, { count: 1 })
    await eventually("the order has shipped", async () =>
      bought === undefined ? false : (await typesOf(bought.orderId)).includes("shipment.confirmed"),
    )
    const { body } = await t.api("GET", "/v1/exceptions?cause=FACT_FORBIDDEN")
    expect(body.items).toHaveLength(3)
  })
})
