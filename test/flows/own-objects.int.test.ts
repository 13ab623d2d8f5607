import { createHmac } from "node:crypto"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { EstateConnection } from "../../src/estate/frame.ts"
import type { Estate } from "../../src/estate.ts"
import { ref } from "../../src/canonical/refs.ts"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { buyInShop, placeOrder, plentifulSkus } from "../fixtures/order-flow.ts"

let t: TestCrossdock
let sku: string
/** An order that waits for a person: no warehouse has heard of it. */
let waiting: string

/** Events that the warehouse lists beside its own, each time it is polled. */
const listed: object[] = []

/** The estate with a warehouse whose list holds what a test puts there, and that has one place less than the estate. */
function withOddList(estate: Estate): Estate {
  const { warehouse } = estate.connections
  if (!warehouse) throw new Error("the estate has no warehouse")
  const connect: EstateConnection["connector"]["connect"] = (given, context) => {
    const connected = warehouse.connector.connect(given, context)
    const { events } = connected.listsChanges ?? {}
    if (!events) throw new Error("the warehouse has no list of events")
    const listChanges: typeof events.listChanges = async (...args) => {
      const page = await events.listChanges(...args)
      const more = listed.map((body) => ({
        connection: "warehouse",
        via: "poll" as const,
        headers: {},
        bytes: Buffer.from(JSON.stringify(body)),
        receivedAt: new Date().toISOString(),
      }))
      return { ...page, deliveries: [...page.deliveries, ...more] }
    }
    return { ...connected, listsChanges: { events: { ...events, listChanges } } }
  }
  const places = estate.locations.map(({ id }) => id).filter((id) => id !== foreignPlace(estate))
  const odd = { ...warehouse, places, pollEveryMs: 300, connector: { ...warehouse.connector, connect } }
  return { ...estate, connections: { ...estate.connections, warehouse: odd } }
}

const foreignPlace = ({ locations }: Pick<Estate, "locations">): string => locations.at(-1)?.id ?? ""

beforeAll(async () => {
  t = await startTestCrossdock({ estate: withOddList })
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

  test("states nothing about such an order in a list that is polled either; its record waits once, however often it is listed", async () => {
    const parked = () => t.sql<{ via: string }[]>`
      select via from inbox where connection = 'warehouse' and state = 'parked' and via = 'poll'`
    const before = await typesOf(waiting)
    listed.push({ ...shipped(waiting), shipmentId: "S-listed" })
    await eventually("the listed record waits", async () => (await parked()).length > 0)
    const since = new Date().toISOString()
    await eventually("it is listed three times more", async () => {
      const [row] = await t.sql`
        select 1 from poll_cursors where connection = 'warehouse' and polled_at > ${since}::timestamptz + interval '1 s'`
      return row !== undefined
    })
    expect(await parked()).toHaveLength(1)
    expect(await typesOf(waiting)).toEqual(before)
    const { body } = await t.api("GET", "/v1/exceptions?cause=FACT_FORBIDDEN")
    expect(body.items).toHaveLength(4)
  })

  test("counts no place that is not its own, nor says what left it", async () => {
    const place = t.lab.estate.locations.at(-1)?.locationId ?? ""
    const counted = {
      type: "stock.counted",
      eventId: "evt_counted",
      occurredAt,
      locationId: place,
      lines: [{ sku, onHandMilli: 7_000_000, unit: "ea" }],
    }
    expect(await tell("warehouse", counted)).toEqual({
      state: "parked",
      problems: [{ pointer: "/facts/0/data/locationId", message: `${place} is no place of warehouse` }],
    })
    expect(await tell("warehouse", { ...shipped(waiting), locationId: place })).toMatchObject({ state: "parked" })
    const home = t.lab.estate.locations[0]?.locationId ?? ""
    expect(await tell("warehouse", { ...counted, eventId: "evt_home", locationId: home })).toMatchObject({
      state: "translated",
    })
  })
})
