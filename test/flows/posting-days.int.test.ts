import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { demoCompany } from "../../lab/sap-s4hana/demo-company.ts"
import { businessDate, dayAfter, instant, systemClock } from "../../src/base/time.ts"
import type { Estate } from "../../src/estate.ts"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { openExceptions, placeOrder, plentifulSkus, story, untilEnded, untilState } from "../fixtures/order-flow.ts"
import { shipmentRequests } from "../fixtures/vendor-books.ts"

// On which day something stands in the books: the business day of the place it happened at, or, where the books are closed for
// that day, a later one by the estate's rule or by a person's choice.

const company = { timeZone: "Europe/Amsterdam" }
const today = businessDate(instant(systemClock.now()), company)

async function start(onClosedPeriod: "next open day" | "ask"): Promise<TestCrossdock> {
  const estate = (given: Estate): Estate => ({
    ...given,
    policies: { ...given.policies, orders: { ...given.policies.orders, onClosedPeriod } },
  })
  return startTestCrossdock({ seed: 44, lab: quietWarehouse, estate })
}

/** The first day on which the lab's ERP takes postings. */
const openFrom = (t: TestCrossdock) => demoCompany(t.lab.estate).master.openFrom

const dayOf = (value: unknown) => new Date(Number(/-?\d+/.exec(String(value))?.[0])).toISOString().slice(0, 10)
type Row = Record<string, unknown>
const books = (t: TestCrossdock, kind: string) => (t.lab.sap.books()[kind] ?? []) as Row[]

const journalDays = (t: TestCrossdock, orderId: string) => {
  const rows = books(t, "journals").filter((row) => String(row["AssignmentReference"]) === orderId.slice(0, 18))
  return [...new Set(rows.map((row) => `${dayOf(row["DocumentDate"])} on ${dayOf(row["PostingDate"])}`))]
}
const deliveryDays = (t: TestCrossdock, orderId: string) =>
  books(t, "deliveries")
    .filter((row) => String(row["DeliveryDocumentBySupplier"]).startsWith(orderId))
    .map((row) => `${dayOf(row["ActualGoodsMovementDate"])} ${String(row["OverallGoodsMovementStatus"])}`)

let count = 0
/** An order that left at this moment; returns its id. */
async function shipped(t: TestCrossdock, shippedAt: string): Promise<string> {
  const [sku = ""] = plentifulSkus(t, 1)
  count += 1
  const line = { id: "L1", sku, count: 1, totalMinor: 1210 }
  const orderId = await placeOrder(t, { externalId: `day-${count}`, lines: [line] })
  await untilState(t, orderId, "released")
  const [request] = shipmentRequests(t, orderId)
  const shipment = {
    id: `S-${count}`,
    orderId,
    locationId: request?.locationId,
    shippedAt,
    lines: [{ lineId: "L1", quantity: { milli: 1000, unit: "ea" } }],
  }
  const answer = await t.api("POST", "/v1/shipments", shipment)
  if (answer.status !== 202) throw new Error(JSON.stringify(answer.body))
  return orderId
}

describe("by rule", () => {
  let t: TestCrossdock
  beforeAll(async () => {
    t = await start("next open day")
  })
  afterAll(() => t?.stop())

  test("P-44: an order of half past midnight is of that day in the books, whatever the date is in UTC", async () => {
    const [sku = ""] = plentifulSkus(t, 1)
    const lines = [{ sku, count: 1, totalMinor: 1210 }]
    const id = await placeOrder(t, { externalId: "midnight", placedAt: "2026-10-31T23:30:00Z", lines })
    await untilState(t, id, "released")
    const found = books(t, "orders").find((row) => row["PurchaseOrderByCustomer"] === id)
    expect(dayOf(found?.["SalesOrderDate"])).toBe("2026-11-01")
  })

  test("P-44: what left on an open day is posted on the place's business day", async () => {
    const day = dayAfter(today, -2)
    const orderId = await shipped(t, `${dayAfter(day, -1)}T23:30:00.000Z`)
    await untilEnded(t, orderId)
    expect(journalDays(t, orderId)).toEqual([`${day} on ${day}`])
    expect(deliveryDays(t, orderId)).toEqual([`${day} C`])
  })

  test("P-44: what left in a closed period is posted on the next open day, goods and money alike, and nobody is asked", async () => {
    const closed = dayAfter(openFrom(t), -1)
    const orderId = await shipped(t, `${closed}T12:00:00.000Z`)
    await untilEnded(t, orderId)
    expect(journalDays(t, orderId)).toEqual([`${closed} on ${openFrom(t)}`])
    expect(deliveryDays(t, orderId)).toEqual([`${openFrom(t)} C`])
    expect((await openExceptions(t, orderId)).filter(({ owner }) => owner === "finance")).toEqual([])
    const [event] = await t.sql<{ data: Row }[]>`
      select data from events where key = ${`order/${orderId}`} and type = 'entry.posted'`
    expect(event?.data).toMatchObject({ businessDate: closed, postingDate: openFrom(t) })
  })
})

describe("by a person", () => {
  let t: TestCrossdock
  beforeAll(async () => {
    t = await start("ask")
  })
  afterAll(() => t?.stop())

  const decide = (id: string, decision: object) => t.api("POST", `/v1/exceptions/${id}/decision`, decision)
  const asked = (orderId: string, about: string, not: readonly string[] = []) =>
    eventually(
      `a question about ${about}`,
      async () =>
        (await openExceptions(t, orderId)).find(({ id, summary }) => summary.includes(about) && !not.includes(id)),
      { seen: () => story(t, orderId) },
    )

  test("P-44: a person names the day for what left in a closed period, as often as it takes, or leaves it", async () => {
    const closed = dayAfter(openFrom(t), -40)
    const orderId = await shipped(t, `${closed}T12:00:00.000Z`)
    const delivery = await asked(orderId, "the delivery of order")
    expect(delivery).toMatchObject({ owner: "finance", allowed: ["retry", "post on day", "leave it"] })
    for (const wrong of [{}, { day: "2026-02-30" }, { day: "tomorrow" }])
      expect((await decide(delivery.id, { action: "post on day", ...wrong })).status).toBe(422)
    expect((await decide(delivery.id, { action: "retry", day: today })).status).toBe(422)
    expect((await decide(delivery.id, { action: "post on day", day: dayAfter(closed, 1) })).status).toBe(200)
    const again = await asked(orderId, "the delivery of order", [delivery.id])
    expect((await decide(again.id, { action: "post on day", day: today })).body).toMatchObject({
      state: "decided",
      decision: { action: "post on day", day: today },
    })
    expect((await decide(again.id, { action: "post on day", day: openFrom(t) })).status).toBe(409)
    const invoice = await asked(orderId, "the invoice of order")
    await decide(invoice.id, { action: "leave it" })
    await untilEnded(t, orderId)
    expect(deliveryDays(t, orderId)).toEqual([`${today} C`])
    expect(journalDays(t, orderId)).toEqual([])
    const { body } = await t.api("GET", `/v1/exceptions/${again.id}`)
    expect(body).toMatchObject({ decision: { day: today } })
  })
})
