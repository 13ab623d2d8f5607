import { ref } from "../../src/canonical/refs.ts"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { control, eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  cancelOrder,
  decide,
  heldCard,
  instanceState,
  openExceptions,
  placeOrder,
  plentifulSkus,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import { withRefusals, type Refusals } from "../fixtures/refusals.ts"
import { expectAsAtTheStart, heldMilli, journalItems, payment, salesOrders, shipAll } from "../fixtures/vendor-books.ts"

const refusals: Refusals = new Set()
let t: TestCrossdock
let sku = ""
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 14,
    lab: { warehouse: { habits: { isPaused: true, deliverAfterMs: null } } },
    estate: (estate) => withRefusals(estate, refusals),
  })
  ;[sku = ""] = plentifulSkus(t, 1)
})
afterAll(async () => {
  await t?.stop()
})
afterEach(async () => {
  refusals.clear()
  for (const id of ["sap", "warehouse"]) await t.api("POST", `/v1/connections/${id}/resume`, {})
})

let count = 0
const lines = () => [{ sku, count: 2, totalMinor: 4000 }]

async function heldOrder(email = "ada@shop.example") {
  const tender = heldCard(t, 4000)
  const orderId = await placeOrder(t, { externalId: `back-${(count += 1)}`, email, lines: lines(), tenders: [tender] })
  return { orderId, paymentId: tender.reference ?? "" }
}

/** A card that has not been charged yet: Crossdock is the one to hold it. */
async function cardOrder(method: string): Promise<string> {
  const { reference: _reference, ...card } = heldCard(t, 4000)
  const tender = { ...card, state: "pending" as const, reference: method }
  return placeOrder(t, { externalId: `card-${(count += 1)}`, lines: lines(), tenders: [tender] })
}

describe("refused before anything was released", () => {
  test("S-50 P-14 an order that fraud screening refuses lets its buyer's money go and holds no stock", async () => {
    const held = await heldOrder("ada+reject@shop.example")
    expect(await untilEnded(t, held.orderId)).toBe("undone")
    await untilState(t, held.orderId, "refused")
    await expectAsAtTheStart(t, held)
  })

  test("S-50 P-14 an order whose card is declined after the reservation gives its stock back", async () => {
    const orderId = await cardOrder("pm_card_chargeDeclined")
    expect(await untilEnded(t, orderId)).toBe("undone")
    await untilState(t, orderId, "refused")
    await expectAsAtTheStart(t, { orderId })
    expect(salesOrders(t, orderId)).toEqual([])
  })

  test("S-50 P-14 an order whose fraud review ends badly after reservation and hold gives everything back, in the figures too", async () => {
    const figures = async () => {
      const { body } = await t.api("GET", "/v1/kpis")
      const { stock, exceptionsOpen, money } = body as Record<string, unknown>
      return { stock, exceptionsOpen, money }
    }
    const before = await figures()
    await t.api("POST", "/v1/connections/warehouse/pause", { reason: "a test" })
    await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
    const held = await heldOrder()
    await untilState(t, held.orderId, "waiting for the books")
    expect(await heldMilli(t, held.orderId)).toBe(2000)
    expect(await figures()).not.toEqual(before)
    await control(t.lab.fraud, "reviews", { reference: held.orderId })
    await control(t.lab.fraud, "decisions", { reference: held.orderId, decision: "reject" })
    await eventually("the decision is heard", async () => {
      const rows = await t.sql`
        select 1 from workflow_signals s join workflow_instances i on i.id = s.instance
        where i.about = ${ref("order", held.orderId)} and s.type = 'order.fraud-review-decided'`
      return rows.length > 0
    })
    for (const id of ["sap", "warehouse"]) await t.api("POST", `/v1/connections/${id}/resume`, {})
    expect(await untilEnded(t, held.orderId)).toBe("undone")
    await untilState(t, held.orderId, "refused")
    await expectAsAtTheStart(t, held)
    expect(await figures()).toEqual(before)
  })

  test("P-14 a card that we held ourselves is taken when the goods leave", async () => {
    const orderId = await cardOrder("pm_card_visa")
    await untilState(t, orderId, "released")
    await shipAll(t, orderId)
    expect(await untilEnded(t, orderId)).toBe("done")
    const intents = t.lab.stripe.books()["paymentIntents"] as { metadata: object; amount_received: number }[]
    const ours = intents.filter((intent) => JSON.stringify(intent.metadata).includes(orderId))
    expect(ours.map((intent) => intent.amount_received)).toEqual([4000])
  })

  test("P-14 a refused hold is let go when the ERP refuses too, and everything is as at the start", async () => {
    refusals.add("booksOrders.bookOrder")
    const orderId = await cardOrder("pm_card_visa")
    const open = await untilException(t, orderId, "book order in ERP")
    await decide(t, open.id, "cancel order")
    expect(await untilEnded(t, orderId)).toBe("undone")
    await expectAsAtTheStart(t, { orderId })
    const intents = t.lab.stripe.books()["paymentIntents"] as { metadata: object; status: string }[]
    const ours = intents.filter((intent) => JSON.stringify(intent.metadata).includes(orderId))
    expect(ours.map((intent) => intent.status)).toEqual(["canceled"])
  })

  test("S-49 a paid order that the ERP refuses is parked for a person, who may have it tried again, and again", async () => {
    refusals.add("booksOrders.bookOrder")
    const held = await heldOrder()
    const first = await untilException(t, held.orderId, "book order in ERP")
    expect(first).toMatchObject({ owner: "operations", allowed: ["retry", "cancel order"] })
    expect(first.summary).toContain("refused by the test")
    expect(await heldMilli(t, held.orderId)).toBe(2000)
    expect(payment(t, held.paymentId).status).toBe("requires_capture")
    await decide(t, first.id, "retry")
    const second = await eventually("it is asked anew", async () =>
      (await openExceptions(t, held.orderId)).find((open) => open.id !== first.id),
    )
    refusals.clear()
    await decide(t, second.id, "retry")
    await untilState(t, held.orderId, "released")
    expect(salesOrders(t, held.orderId)).toHaveLength(1)
  })

  test("P-14 a location that refuses parks the order; cancelled then, everything is as at the start", async () => {
    refusals.add("releasesFulfilment.releaseShipment")
    const held = await heldOrder()
    const open = await untilException(t, held.orderId, "release to location")
    expect(open.owner).toBe("operations")
    await cancelOrder(t, held.orderId)
    expect(await untilEnded(t, held.orderId)).toBe("undone")
    await expectAsAtTheStart(t, held)
  })
})

describe("an undo that fails itself", () => {
  const undos = [
    { what: "the ERP's cancellation", operation: "cancelsOrders.cancelOrder", cause: "book order in ERP" },
    { what: "letting the money go", operation: "voidsAuthorisations.voidAuthorisation", cause: "let payment go" },
  ]
  for (const { what, operation, cause } of undos)
    test(`P-14 ${what} refused is parked with an owner, and a retry ends as at the start`, async () => {
      await t.api("POST", "/v1/connections/warehouse/pause", { reason: "a test" })
      const held = await heldOrder()
      await untilState(t, held.orderId, "in the books")
      refusals.add(operation)
      await cancelOrder(t, held.orderId)
      const open = await untilException(t, held.orderId, cause)
      expect(["operations", "finance"]).toContain(open.owner)
      expect(open.allowed).toContain("retry")
      expect(await instanceState(t, held.orderId)).toBe("undoing")
      refusals.clear()
      await decide(t, open.id, "retry")
      expect(await untilEnded(t, held.orderId)).toBe("undone")
      await expectAsAtTheStart(t, held)
      expect(await openExceptions(t, held.orderId)).toEqual([])
    })

  test("P-14 an undo that a person leaves as it is does not keep the rest from being taken back", async () => {
    await t.api("POST", "/v1/connections/warehouse/pause", { reason: "a test" })
    const held = await heldOrder()
    await untilState(t, held.orderId, "in the books")
    refusals.add("cancelsOrders.cancelOrder")
    refusals.add("voidsAuthorisations.voidAuthorisation")
    await cancelOrder(t, held.orderId)
    await decide(t, (await untilException(t, held.orderId, "book order in ERP")).id, "leave it")
    await decide(t, (await untilException(t, held.orderId, "let payment go")).id, "leave it")
    expect(await untilEnded(t, held.orderId)).toBe("undone")
    expect(await heldMilli(t, held.orderId)).toBe(0)
    expect(salesOrders(t, held.orderId).filter((order) => order.isActive)).toHaveLength(1)
  })
})

describe("refused after goods have left", () => {
  const late = [
    { operation: "recordsDeliveries.recordDelivery", cause: "record delivery" },
    { operation: "postsJournals.postEntry", cause: "post invoice" },
    { operation: "capturesPayments.capture", cause: "capture payment" },
  ]
  for (const { operation, cause } of late)
    test(`P-14 "${cause}" refused undoes nothing: it waits for a person while the rest goes on`, async () => {
      refusals.add(operation)
      const held = await heldOrder()
      await untilState(t, held.orderId, "released")
      await shipAll(t, held.orderId)
      const open = await untilException(t, held.orderId, cause)
      await untilState(t, held.orderId, "shipped")
      expect(await heldMilli(t, held.orderId)).toBe(0)
      expect(salesOrders(t, held.orderId).filter((order) => order.isActive)).toHaveLength(1)
      refusals.clear()
      await decide(t, open.id, "retry")
      expect(await untilEnded(t, held.orderId)).toBe("done")
      await untilState(t, held.orderId, "closed")
      expect(payment(t, held.paymentId)).toMatchObject({ status: "succeeded", amount_received: 4000 })
      expect(journalItems(t, held.orderId).reduce((sum, item) => sum + item.amountMinor, 0)).toBe(0)
      expect(journalItems(t, held.orderId)).not.toEqual([])
    })

  test("P-14 a stop that a location refuses outright after release undoes nothing and waits for a person", async () => {
    const held = await heldOrder()
    await untilState(t, held.orderId, "released")
    refusals.add("cancelsReleases.cancelRelease")
    await cancelOrder(t, held.orderId)
    const open = await untilException(t, held.orderId, "stop release")
    expect(open).toMatchObject({ owner: "operations", allowed: ["retry"] })
    expect(salesOrders(t, held.orderId).filter((order) => order.isActive)).toHaveLength(1)
    expect(await heldMilli(t, held.orderId)).toBe(2000)
    refusals.clear()
    await decide(t, open.id, "retry")
    await untilState(t, held.orderId, "cancelled")
    await untilEnded(t, held.orderId)
    await expectAsAtTheStart(t, held)
  })
})
