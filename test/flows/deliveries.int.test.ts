import { createHmac } from "node:crypto"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { ref } from "../../src/canonical/refs.ts"
import { control, eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  cancelOrder,
  decide,
  placeOrder,
  untilException,
  plentifulSkus,
  untilState,
} from "../fixtures/order-flow.ts"

let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 65,
    estate: (estate) => {
      const { warehouse, ...others } = estate.connections
      if (!warehouse) throw new Error("the estate has no warehouse")
      return { ...estate, connections: { ...others, warehouse: { ...warehouse, pollEveryMs: 500 } } }
    },
  })
})
afterAll(async () => {
  await t?.stop()
})

let count = 0

/** An order that has shipped in one parcel; its id and that of the shipment. */
async function shipped(): Promise<{ orderId: string; shipmentId: string }> {
  const [sku = ""] = plentifulSkus(t, 1)
  const externalId = `delivery-${(count += 1)}`
  const orderId = await placeOrder(t, { externalId, lines: [{ sku, count: 1, totalMinor: 4500 }] })
  const shipmentId = await eventually(`${orderId} ships`, async () => {
    const [row] = await t.sql<{ id: string }[]>`
      select data #>> '{shipment,id}' as id from events
      where key = ${ref("order", orderId)} and type = 'shipment.confirmed'`
    return row?.id
  })
  return { orderId, shipmentId }
}

const reach = (shipmentId: string, milestone: string, more: object = {}) =>
  control(t.lab.warehouse, `shipments/${shipmentId}/milestones`, { milestone, ...more })

async function factsOf(orderId: string, ...types: string[]): Promise<Record<string, unknown>[]> {
  const keys = [ref("order", orderId), ref("delivery", orderId)]
  const rows = await t.sql<{ data: Record<string, unknown> }[]>`
    select data from events where key = any(${keys}) and type = any(${types}) order by xid, seq`
  return rows.map(({ data }) => data)
}

const statesOf = async (orderId: string) => (await factsOf(orderId, "delivery.state-changed")).map(({ state }) => state)

const untilDelivery = (orderId: string, state: string) =>
  eventually(`the delivery of ${orderId} is ${state}`, async () => (await statesOf(orderId)).at(-1) === state, {
    withinMs: 40_000,
    seen: () => statesOf(orderId),
  })

const exceptionOf = (orderId: string, cause: string) =>
  eventually(`${cause} of ${orderId}`, async () => {
    const [row] = await t.sql<{ id: string; about: string; risk_minor: number; allowed: string[]; summary: string }[]>`
      select * from exceptions where about = ${ref("delivery", orderId)} and cause = ${cause} and state = 'open'`
    return row
  })

describe("milestones that the warehouse tells", () => {
  test("S-65 lead to a delivery that ends once, whether webhooks are lost, doubled or late", async () => {
    t.lab.warehouse.setFaults({ dropWebhook: 0.3, duplicateWebhook: 0.4, reorderWebhook: 0.4 })
    const orders = await Promise.all(Array.from({ length: 6 }, shipped))
    for (const milestone of ["handed-over", "in-transit", "out-for-delivery", "delivered", "delivered"])
      for (const { shipmentId } of orders) await reach(shipmentId, milestone, { signedBy: "J. Jansen" })
    for (const { orderId, shipmentId } of orders) {
      await untilDelivery(orderId, "delivered")
      expect(await factsOf(orderId, "shipment.delivered")).toMatchObject([{ shipmentId, signedBy: "J. Jansen" }])
      await untilState(t, orderId, "closed")
    }
    t.lab.warehouse.setFaults({})
  })

  test("that the protocol does not have are refused and parked, and never taken for another", async () => {
    const { orderId, shipmentId } = await shipped()
    await reach(shipmentId, "teleported")
    await eventually("it is parked", async () => {
      const rows = await t.sql`select 1 from inbox where state = 'parked' and connection = 'warehouse'`
      return rows.length > 0
    })
    expect(await factsOf(orderId, "shipment.milestone")).toEqual([])
  })

  test("of a parcel that comes back are told to people and end as a fact", async () => {
    const { orderId, shipmentId } = await shipped()
    await reach(shipmentId, "returning", { text: "address unknown", place: "Utrecht" })
    const coming = await exceptionOf(orderId, "parcel is coming back")
    expect(coming).toMatchObject({ risk_minor: 4500, allowed: ["wait on", "close"] })
    expect(coming.summary).toContain("address unknown, Utrecht")
    await reach(shipmentId, "returned")
    await untilDelivery(orderId, "came back")
    expect(await factsOf(orderId, "shipment.came-back")).toMatchObject([{ shipmentId, reason: "address unknown" }])
    await exceptionOf(orderId, "parcel came back")
  })

  test("survive a worker that is given up in the middle, a decision of a person, and a lost parcel that turns up after the end", async () => {
    const { orderId, shipmentId } = await shipped()
    await untilDelivery(orderId, "on its way")
    await reach(shipmentId, "lost")
    await t.sql`select worker_end(id) from workers where fenced_at is null`
    const { id } = await exceptionOf(orderId, "carrier lost it")
    await decide(t, id, "treat as lost")
    await untilDelivery(orderId, "lost")
    expect(await factsOf(orderId, "shipment.lost")).toMatchObject([{ shipmentId }])
    await eventually("it has ended", async () => {
      const rows = await t.sql`
        select 1 from workflow_instances where about = ${ref("delivery", orderId)} and state = 'done'`
      return rows.length === 1
    })
    await reach(shipmentId, "delivered")
    await untilDelivery(orderId, "delivered")
    await exceptionOf(orderId, "lost parcel arrived")
  })
})

test("a milestone of the shop is of the parcel whose tracking number the shop shows at its fulfilment", async () => {
  const [bought] = await buyInShop(t, { count: 1, payment: "paid" })
  if (!bought) throw new Error("nothing was bought")
  const { orderId } = bought
  await untilState(t, orderId, "closed")
  const [fulfilled] = await eventually("the shop shows the fulfilment", async () => {
    const facts = await factsOf(orderId, "order.fulfilled-by-channel")
    return facts.length > 0 && facts
  })
  const event = {
    id: 1,
    fulfillment_id: Number(fulfilled?.["fulfilmentId"]),
    order_id: bought.id,
    status: "delivered",
    happened_at: "2026-11-29T12:00:00+01:00",
  }
  const body = JSON.stringify(event)
  const signature = createHmac("sha256", "shpss_lab_fedcba9876543210").update(body).digest("base64")
  const answer = await fetch(`${t.gatewayUrl}/hooks/shopify`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-shopify-topic": "fulfillment_events/create",
      "x-shopify-shop-domain": "lab-shop.myshopify.com",
      "x-shopify-hmac-sha256": signature,
      "x-shopify-webhook-id": "milestone-1",
    },
    body,
  })
  expect(answer.status).toBeLessThan(300)
  await untilDelivery(orderId, "delivered")
  expect(await factsOf(orderId, "shipment.delivered")).toHaveLength(1)
})

test("B4 both workflows of one order wait in a step of one name, and share no exception, decision or fact", async () => {
  const { orderId, shipmentId } = await shipped()
  await untilState(t, orderId, "closed")
  await cancelOrder(t, orderId)
  const cancelled = await untilException(t, orderId, "cancelled after it was closed")
  await reach(shipmentId, "lost")
  const lost = await exceptionOf(orderId, "carrier lost it")
  expect(lost.id).not.toBe(cancelled.id)
  await decide(t, lost.id, "treat as lost")
  await untilDelivery(orderId, "lost")
  const about = [ref("order", orderId), ref("delivery", orderId)]
  const open = await t.sql`select workflow from exceptions where about = any(${about}) and state = 'open'`
  expect(open).toEqual([{ workflow: "fulfil order" }])
  const decided = await t.sql`
    select i.workflow from workflow_signals s join workflow_instances i on i.id = s.instance
    where i.about = any(${about}) and s.type = 'exception.decided'`
  expect(decided).toEqual([{ workflow: "watch delivery" }])
  const waits = await t.sql`
    select distinct i.workflow from workflow_steps s join workflow_instances i on i.id = s.instance
    where i.about = any(${about}) and s.step = 'news of the order' and s.kind = 'until' order by 1`
  expect(waits).toEqual([{ workflow: "fulfil order" }, { workflow: "watch delivery" }])
  expect(await factsOf(orderId, "order.state-changed")).not.toContainEqual(expect.objectContaining({ state: "lost" }))
})
