import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { startTryton, trytonUser } from "../../lab/tryton/tryton.ts"
import type { BusinessDate } from "../../src/base/time.ts"
import { routedTo, sampleOrder } from "../laws/sample-order.ts"
import { connectTryton, invoiceOf } from "../laws/subjects/tryton.ts"

// Days of postings in Tryton (P-44).
let simulator: Awaited<ReturnType<typeof startTryton>>
let erp: ReturnType<typeof connectTryton>
let count = 0
beforeAll(async () => {
  simulator = await startTryton({ seed: 44 })
  erp = connectTryton(simulator.url)
})
beforeEach(() => closeUntil(""))
afterAll(async () => {
  erp.close()
  await simulator.stop()
})

const day = (text: string) => text as BusinessDate
const call = (key: string) => ({ key, signal: AbortSignal.timeout(10_000), correlation: "test" })

async function closeUntil(until: string): Promise<void> {
  await fetch(`${simulator.url}/__lab/closed-until`, { method: "POST", body: JSON.stringify({ day: until }) })
}

async function booked() {
  const order = sampleOrder({ number: (count += 1) })
  const routing = routedTo(order, "wh-1")
  await erp.booksOrders.bookOrder.send({ order, routing, businessDate: day("2026-11-20") }, call(order.id))
  const lines = routing.map(({ lineId, quantity }) => ({ lineId, quantity }))
  const shipment = { id: "s1", orderId: order.id, locationId: "wh-1", shippedAt: order.placedAt, lines }
  const deliver = (postingDate: BusinessDate) =>
    erp.recordsDeliveries.recordDelivery.send(
      { orderId: order.id, documentNumber: "1", shipment, lines: routing, postingDate },
      call(`${order.id}-d1`),
    )
  return { order, deliver }
}

const shipments = () => simulator.books()["shipments"] as { state: string; effective_date: object | null }[]

test("P-44: goods leave the books on the day they left, not on the day of the call", async () => {
  const { deliver } = await booked()
  await deliver(day("2026-11-18"))
  expect(shipments().at(-1)).toMatchObject({ state: "done", effective_date: { year: 2026, month: 11, day: 18 } })
})

test("P-44: a closed day is PERIOD_CLOSED for a delivery and for an invoice, nothing is done, and a later day is taken", async () => {
  const { order, deliver } = await booked()
  await closeUntil("2026-11-30")
  await expect(deliver(day("2026-11-20"))).rejects.toMatchObject({ code: "PERIOD_CLOSED" })
  expect(shipments().at(-1)?.state).not.toBe("done")
  await deliver(day("2026-12-01"))
  expect(shipments().at(-1)).toMatchObject({ state: "done", effective_date: { month: 12, day: 1 } })
  const post = (on: string) => {
    const entry = invoiceOf(order, day(on))
    return erp.postsJournals.postEntry.send({ entry }, call(entry.number))
  }
  await expect(post("2026-11-20")).rejects.toMatchObject({ code: "PERIOD_CLOSED" })
  expect((await post("2026-12-01")).documentNumber).not.toBe("")
})

test("a sale is read by its number with the outcome that its booking had; one that is another order's cannot be linked", async () => {
  const { order } = await booked()
  const { links, probe } = erp.booksOrders.bookOrder
  const input = { order, routing: routedTo(order, "wh-1"), businessDate: day("2026-11-20") }
  const outcome = await probe(input, call(order.id))
  const number = outcome?.documentNumber ?? ""
  const found = await links?.read({ number, order, key: order.id }, call(""))
  expect(found).toEqual({ output: outcome, reference: order.id, total: order.total.shop, state: "processing" })
  expect(await links?.read({ number: "no such sale", order, key: order.id }, call(""))).toBeUndefined()
  const other = sampleOrder({ number: (count += 1) })
  expect((await links?.read({ number, order: other, key: other.id }, call("")))?.cannotBe).toContain(
    `found by ${other.id}`,
  )
  expect(links?.named(` ${number} `, {})).toEqual({ documentNumber: number, reference: outcome?.reference })
})

test("a sale in another currency than the company's shows its own, so that it is not taken for the order's worth", async () => {
  const { order } = await booked()
  const { links, probe } = erp.booksOrders.bookOrder
  const input = { order, routing: routedTo(order, "wh-1"), businessDate: day("2026-11-20") }
  const number = (await probe(input, call(order.id)))?.documentNumber ?? ""
  const sales = simulator.books()["sales"] as { id: number; number: string }[]
  const id = sales.find((sale) => sale.number === number)?.id
  // A clerk changes it there.
  const session = Buffer.from(`${trytonUser}:1:${"f".repeat(64)}`).toString("base64")
  await fetch(`${simulator.url}/books/`, {
    method: "POST",
    headers: { authorization: `Session ${session}`, "content-type": "application/json" },
    body: JSON.stringify({ id: 1, method: "model.sale.sale.write", params: [[id], { currency: 2 }, {}] }),
  })
  expect((await links?.read({ number, order, key: order.id }, call("")))?.total).toEqual({
    ...order.total.shop,
    currency: "USD",
  })
})

test("a shipment and an invoice that exist are read by their numbers and compared with what left and what is due", async () => {
  const { order, deliver } = await booked()
  const { recordDelivery } = erp.recordsDeliveries
  const { postEntry } = erp.postsJournals
  const entry = invoiceOf(order, day("2026-11-20"))
  const key = `${order.id}-d1`
  const { documentNumber: shipped } = await deliver(day("2026-11-20"))
  const found = await recordDelivery.links?.read({ number: shipped, order, key }, call(""))
  const lines = routedTo(order, "wh-1")
  const shipment = { id: "s1", orderId: order.id, locationId: "wh-1", shippedAt: order.placedAt, lines: [] }
  const asked = recordDelivery.links?.asks({
    orderId: order.id,
    documentNumber: "1",
    shipment,
    lines,
    postingDate: day("2026-11-20"),
  })
  expect(found).toMatchObject({ output: { documentNumber: shipped }, reference: key, state: "done", ...asked })
  expect(Object.keys(asked?.lines ?? {}).length).toBeGreaterThan(0)
  expect(found?.cannotBe).toBeUndefined()
  expect(await recordDelivery.links?.read({ number: "none", order, key }, call(""))).toBeUndefined()
  const posted = await postEntry.send({ entry }, call(entry.number))
  const wanted = { number: posted.documentNumber, order, key: entry.number }
  const due = postEntry.links?.asks({ entry })
  const invoice = await postEntry.links?.read(wanted, call(""))
  expect(invoice).toMatchObject({ output: posted, reference: entry.number, total: due?.worth, lines: due?.lines })
  expect(invoice?.cannotBe).toBeUndefined()
  const { order: other } = await booked()
  expect((await postEntry.links?.read({ ...wanted, order: other }, call("")))?.cannotBe).toContain(
    "is not an invoice of",
  )
  expect((await recordDelivery.links?.read({ number: shipped, order: other, key }, call("")))?.cannotBe).toContain(
    "is not a shipment of",
  )
  // Its own shipment is not done yet.
  const waiting = shipments().at(-1) as unknown as { number: string }
  const open = await recordDelivery.links?.read({ number: waiting.number, order: other, key }, call(""))
  expect(open?.cannotBe).toContain("only one that is done")
})
