import { afterAll, beforeAll, expect, test } from "vitest"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  decide,
  heldCard,
  openExceptions,
  placeOrder,
  plentifulSkus,
  splitNeed,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import { journalItems, payment, shipAll, shipmentRequests } from "../fixtures/vendor-books.ts"

let t: TestCrossdock
let sku = ""
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 42,
    // The simulator's authorisations last seven days, so this is the moment at which they are made.
    orders: { tellBeforeLapse: { days: 7 } },
    lab: quietWarehouse,
  })
  ;[sku = ""] = plentifulSkus(t, 1)
})
afterAll(() => t?.stop())

let count = 0
async function sold() {
  const tender = heldCard(t, 2420)
  const orderId = await placeOrder(t, {
    externalId: `lapse-${(count += 1)}`,
    lines: [{ sku, count: 1, totalMinor: 2420 }],
    tenders: [tender],
  })
  return { orderId, paymentId: tender.reference ?? "" }
}

/** An order whose authorisation lapses while the books are away, so before anything is released. */
async function lapsedEarly() {
  await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
  const order = await sold()
  await untilState(t, order.orderId, "waiting for the books")
  await control(t.lab.stripe, "expire", { id: order.paymentId })
  await t.api("POST", "/v1/connections/sap/resume", {})
  const open = await untilException(t, order.orderId, "authorisation is gone")
  expect(open).toMatchObject({
    owner: "finance",
    // What has lapsed never comes back, so looking again is no way out.
    allowed: ["ship on account", "cancel order"],
    risk_minor: 2420,
  })
  expect(shipmentRequests(t, order.orderId)).toEqual([])
  return { ...order, open }
}

test("P-35: before an authorisation lapses somebody is told, with the day and the money, and the goods still leave paid", async () => {
  const { orderId, paymentId } = await sold()
  await untilState(t, orderId, "released")
  const open = await untilException(t, orderId, "authorisation lapses soon")
  expect(open).toMatchObject({ owner: "finance", risk_minor: 2420 })
  expect(open.summary).toMatch(/lapses on \d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC/)
  await shipAll(t, orderId)
  expect(await untilEnded(t, orderId)).toBe("done")
  expect(payment(t, paymentId).amount_received).toBe(2420)
})

test("P-35: an authorisation that lapsed before release is asked about, and the order may be cancelled at no cost", async () => {
  const { orderId, open } = await lapsedEarly()
  await decide(t, open.id, "cancel order")
  expect(await untilEnded(t, orderId)).toBe("undone")
  expect(shipmentRequests(t, orderId)).toEqual([])
})

test("P-35: one that the provider told of before it went away is asked about all the same, and nothing is released unpaid", async () => {
  await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
  const { orderId, paymentId } = await sold()
  await untilState(t, orderId, "waiting for the books")
  await control(t.lab.stripe, "expire", { id: paymentId })
  await untilException(t, orderId, "authorisation lapsed")
  t.lab.stripe.setFaults({ outage: true })
  await t.api("POST", "/v1/connections/sap/resume", {})
  const open = await untilException(t, orderId, "authorisation is gone")
  expect(shipmentRequests(t, orderId)).toEqual([])
  t.lab.stripe.setFaults({})
  await decide(t, open.id, "cancel order")
  expect(await untilEnded(t, orderId)).toBe("undone")
})

test("P-35: or shipped on account: what it is worth is receivable, and nobody is asked again", async () => {
  const { orderId, open } = await lapsedEarly()
  await decide(t, open.id, "ship on account")
  await untilState(t, orderId, "released")
  await shipAll(t, orderId)
  expect(await untilEnded(t, orderId)).toBe("done")
  await eventually("nothing is asked any more", async () => (await openExceptions(t, orderId)).length === 0)
  const owed = journalItems(t, orderId).filter(({ text }) => text === "receivable")
  expect(owed.map(({ amountMinor }) => amountMinor)).toEqual([2420])
})

test("P-35: one that lapses between two parcels is asked about once, with what can work", async () => {
  const need = await splitNeed(t)
  const totalMinor = need.count * 1210
  const tender = heldCard(t, totalMinor)
  const orderId = await placeOrder(t, {
    externalId: `lapse-${(count += 1)}`,
    lines: [{ sku: need.sku, count: need.count, totalMinor }],
    tenders: [tender],
  })
  await untilState(t, orderId, "released")
  await control(t.lab.stripe, "expire", { id: tender.reference })
  await shipAll(t, orderId)
  const open = await untilException(t, orderId, "nothing more can be captured")
  expect(open).toMatchObject({ owner: "finance", allowed: ["leave it", "open a return"] })
  expect(open.summary).toContain("lapsed")
  await decide(t, open.id, "leave it")
  expect(await untilEnded(t, orderId)).toBe("done")
  await eventually("nothing is asked any more", async () => (await openExceptions(t, orderId)).length === 0)
  const asked = await t.sql<{ cause: string }[]>`
    select cause from exceptions where order_id = ${orderId} and cause like '%capture%'`
  expect(asked.map(({ cause }) => cause)).toEqual(["nothing more can be captured"])
})

test("P-35: a provider that is away keeps no order from its release", async () => {
  t.lab.stripe.setFaults({ outage: true })
  const { orderId } = await sold()
  await untilState(t, orderId, "released")
  t.lab.stripe.setFaults({})
})
