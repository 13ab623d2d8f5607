import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  cancelOrder,
  heldCard,
  openExceptions,
  orderRequest,
  placeOrder,
  plentifulSkus,
  splitNeed,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import { withRefusals, type Refusals } from "../fixtures/refusals.ts"
import {
  heldMilli,
  journalItems,
  mailsTo,
  payment,
  salesOrders,
  shipmentRequests,
  stillToShipMilli,
} from "../fixtures/vendor-books.ts"
import { ref } from "../../src/canonical/refs.ts"

const refusals: Refusals = new Set()
let t: TestCrossdock
let sku = ""
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 25,
    orders: { onBooksRefusal: "compensate", capture: "per shipment" },
    lab: quietWarehouse,
    estate: (estate) => withRefusals(estate, refusals),
  })
  ;[sku = ""] = plentifulSkus(t, 1)
})
afterAll(async () => {
  await t?.stop()
})
afterEach(async () => {
  refusals.clear()
  await t.api("POST", "/v1/connections/sap/resume", {})
})

let count = 0
const freeMilli = async () => {
  const [row] = await t.sql<{ free: number }[]>`
    select sum(on_hand_milli - reserved_milli) as free from stock_positions where sku = ${sku}`
  return Number(row?.free)
}

async function heldOrder(lines = [{ sku, count: 2, totalMinor: 4000 }], shippingMinor = 0) {
  const totalMinor = lines.reduce((sum, line) => sum + line.totalMinor, shippingMinor)
  const tender = heldCard(t, totalMinor)
  const email = `compensated${(count += 1)}@shop.example`
  const draft = { externalId: `compensated-${count}`, email, lines, shippingMinor }
  const orderId = await placeOrder(t, { ...draft, tenders: [tender] })
  return { orderId, email, draft, paymentId: tender.reference ?? "" }
}

async function expectNothingIn(orderId: string): Promise<void> {
  expect(salesOrders(t, orderId).filter((order) => order.isActive)).toEqual([])
  expect(await heldMilli(t, orderId)).toBe(0)
  expect(shipmentRequests(t, orderId)).toEqual([])
  expect(journalItems(t, orderId)).toEqual([])
  expect(await openExceptions(t, orderId)).toEqual([])
}

const ship = (requestId: string | undefined) => control(t.lab.warehouse, `shipment-requests/${requestId}/ship`, {})

interface ShopOrder {
  id: number
  cancelled_at: string | null
  transactions: { kind: string; amount: string; status: string }[]
}
const inShop = (id: number) => (t.lab.shopify.books()["orders"] as ShopOrder[]).find((order) => order.id === id)

describe("books that refuse a paid order, where the policy takes everything back", () => {
  test("S-49 a hold is let go, stock is free again, the buyer told, and nobody is asked", async () => {
    const before = await freeMilli()
    refusals.add("booksOrders.bookOrder")
    const held = await heldOrder()
    expect(await untilEnded(t, held.orderId)).toBe("undone")
    await untilState(t, held.orderId, "refused")
    await expectNothingIn(held.orderId)
    expect(await freeMilli()).toBe(before)
    expect(payment(t, held.paymentId)).toMatchObject({ status: "canceled", amount_received: 0 })
    expect(mailsTo(t, held.email).at(-1)).toMatch(/cancel/i)
    const [told] = await t.sql<{ reason: string }[]>`
      select data ->> 'reason' as reason from events
      where key = ${ref("order", held.orderId)} and type = 'order.state-changed' and data ->> 'state' = 'refused'`
    expect(told?.reason).toBe("book order in ERP: bookOrder is refused by the test")
  })

  for (const [how, ending, kinds] of [
    ["paid", "given back", ["sale", "refund"]],
    ["authorised", "let go", ["authorization", "void"]],
  ] as const)
    test(`S-49 what the shop has ${how} is ${ending} there, the shop shows it cancelled, and stock is free again`, async () => {
      const before = await freeMilli()
      refusals.add("booksOrders.bookOrder")
      const [bought] = await buyInShop(t, { count: 1, skus: [sku], payment: how })
      const { orderId = "", id = 0 } = bought ?? {}
      expect(await untilEnded(t, orderId)).toBe("undone")
      await untilState(t, orderId, "refused")
      await expectNothingIn(orderId)
      expect(await freeMilli()).toBe(before)
      expect(inShop(id)?.cancelled_at).toEqual(expect.any(String))
      const moved = inShop(id)?.transactions ?? []
      expect(moved.map(({ kind, status }) => [kind, status])).toEqual(kinds.map((kind) => [kind, "success"]))
      expect(new Set(moved.map(({ amount }) => amount)).size).toBe(1)
      const intents = t.lab.stripe.books()["paymentIntents"] as { status: string; amount_received: number }[]
      expect(intents.filter((intent) => intent.amount_received > 0 || intent.status === "requires_capture")).toEqual([])
    })

  test("S-49 an edit before release that the ERP refuses takes the booked order back as well", async () => {
    await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
    const held = await heldOrder()
    await untilState(t, held.orderId, "waiting for the books")
    const lines = [{ sku, count: 1, totalMinor: 2000 }]
    const body = orderRequest({ ...held.draft, lines, version: new Date().toISOString() })
    await t.api("POST", `/v1/orders/${held.orderId}/edits`, { ...body, tenders: [] })
    await eventually("the edit is heard", async () => {
      const rows = await t.sql`select 1 from workflow_signals s join workflow_instances i on i.id = s.instance
        where i.about = ${ref("order", held.orderId)} and s.type = 'order.edited'`
      return rows.length > 0
    })
    refusals.add("amendsOrders.amendOrder")
    await t.api("POST", "/v1/connections/sap/resume", {})
    expect(await untilEnded(t, held.orderId)).toBe("undone")
    await untilState(t, held.orderId, "refused")
    expect(salesOrders(t, held.orderId)).toHaveLength(1)
    await expectNothingIn(held.orderId)
    expect(payment(t, held.paymentId).status).toBe("canceled")
  })
})

describe("a cancellation between two parcels, where each parcel is paid for itself", () => {
  test("P-15 only what shipped is taken, the rest of the hold is let go, its stock free, and the books even", async () => {
    const need = await splitNeed(t)
    const totalMinor = need.count * 1003
    const held = await heldOrder([{ ...need, totalMinor }], 695)
    await untilState(t, held.orderId, "released")
    const [first, second] = shipmentRequests(t, held.orderId)
    await ship(first?.requestId)
    await untilState(t, held.orderId, "partly shipped")
    await eventually("the first parcel is paid", () => payment(t, held.paymentId).amount_received > 0)
    await cancelOrder(t, held.orderId)
    expect(await untilEnded(t, held.orderId)).toBe("done")
    await untilState(t, held.orderId, "closed")

    const pieces = (first?.lines[0]?.quantityMilli ?? 0) / 1000
    const debits = journalItems(t, held.orderId).filter(({ account }) => account === "11001050")
    // Shipping goes with the first parcel; goods by the piece.
    expect(debits.map(({ amountMinor }) => amountMinor)).toEqual([pieces * 1003 + 695])
    const [{ amountMinor = 0 } = {}] = debits
    expect(journalItems(t, held.orderId).reduce((sum, item) => sum + item.amountMinor, 0)).toBe(0)
    expect(payment(t, held.paymentId)).toMatchObject({
      status: "succeeded",
      amount_received: amountMinor,
      amount_capturable: 0,
    })
    expect(await heldMilli(t, held.orderId)).toBe(0)
    expect(stillToShipMilli(t, held.orderId)).toBe(0)
    expect(shipmentRequests(t, held.orderId).find(({ requestId }) => requestId === second?.requestId)?.status).toBe(
      "cancelled",
    )
    const booked = salesOrders(t, held.orderId).flatMap(({ items }) => items.filter(({ isRejected }) => !isRejected))
    expect(booked.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(pieces)
    const left = await t.sql<{ milli: string }[]>`
      select sum(delta_milli)::text as milli from stock_ledger where reservation_key = ${held.orderId}`
    expect(Number(left[0]?.milli)).toBe(-pieces * 1000)
    expect(await openExceptions(t, held.orderId)).toEqual([])
  })

  test("P-15 P-14 the rest of a hold that the provider will not let go is parked, and a capture is not repeated", async () => {
    const need = await splitNeed(t)
    const held = await heldOrder([{ ...need, totalMinor: 8000 }])
    await untilState(t, held.orderId, "released")
    await ship(shipmentRequests(t, held.orderId)[0]?.requestId)
    await eventually("the first parcel is paid", () => payment(t, held.paymentId).amount_received > 0)
    const takenMinor = payment(t, held.paymentId).amount_received
    refusals.add("voidsAuthorisations.voidAuthorisation")
    await cancelOrder(t, held.orderId)
    const open = await untilException(t, held.orderId, "let payment go")
    expect(open).toMatchObject({ owner: "finance", allowed: ["retry", "leave it"] })
    refusals.clear()
    await t.api("POST", `/v1/exceptions/${open.id}/decision`, { action: "retry", reason: "a test" })
    expect(await untilEnded(t, held.orderId)).toBe("done")
    expect(payment(t, held.paymentId)).toMatchObject({ amount_received: takenMinor, amount_capturable: 0 })
  })
})

describe("an ERP that is away", () => {
  const cancelled = /cancel/i

  test("I-8 keeps no money and no stock of an order that is cancelled before release; it is cancelled there when it is back", async () => {
    const before = await freeMilli()
    await t.api("POST", "/v1/connections/warehouse/pause", { reason: "a test" })
    const held = await heldOrder()
    await untilState(t, held.orderId, "in the books")
    await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
    await cancelOrder(t, held.orderId)
    await eventually("its money is let go", () => payment(t, held.paymentId).status === "canceled")
    await eventually("its buyer is told", () => cancelled.test(mailsTo(t, held.email).at(-1) ?? ""))
    expect(await freeMilli()).toBe(before)
    await untilState(t, held.orderId, "cancelling")
    expect(salesOrders(t, held.orderId).filter((order) => order.isActive)).toHaveLength(1)
    for (const id of ["sap", "warehouse"]) await t.api("POST", `/v1/connections/${id}/resume`, {})
    await untilState(t, held.orderId, "cancelled")
    await expectNothingIn(held.orderId)
  })

  test("I-8 nor of one that was stopped after release", async () => {
    const held = await heldOrder()
    await untilState(t, held.orderId, "released")
    await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
    await cancelOrder(t, held.orderId)
    await eventually("its money is let go", () => payment(t, held.paymentId).status === "canceled")
    await eventually("its buyer is told", () => cancelled.test(mailsTo(t, held.email).at(-1) ?? ""))
    await untilState(t, held.orderId, "cancelling")
    await t.api("POST", "/v1/connections/sap/resume", {})
    await untilState(t, held.orderId, "cancelled")
    expect(salesOrders(t, held.orderId).filter((order) => order.isActive)).toEqual([])
    expect(await openExceptions(t, held.orderId)).toEqual([])
  })
})
