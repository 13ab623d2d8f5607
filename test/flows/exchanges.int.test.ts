import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  decide,
  openExceptions,
  plentifulSkus,
  untilEnded,
  untilException,
  untilHeard,
  untilState,
} from "../fixtures/order-flow.ts"
import { askShop, journalItems, salesOrders, shipAll, shipmentRequests } from "../fixtures/vendor-books.ts"

// What staff of the shop exchange while an order is open goes out without a person, once it is paid: by what came back, or by money.

let t: TestCrossdock
let onLateEdit: "ask" | "carry out what is paid" = "carry out what is paid"
let sku = ""
let other = ""
let third = ""
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 37,
    lab: quietWarehouse,
    estate: (estate) => {
      const orders = { ...estate.policies.orders, onLateEdit }
      return { ...estate, policies: { ...estate.policies, orders } }
    },
  })
  ;[sku = "", other = "", third = ""] = plentifulSkus(t, 3)
})
afterAll(async () => t?.stop())

interface ShopLine {
  id: string
  sku: string
  quantity: number
}

async function bought(wish: Record<string, unknown>) {
  const [one] = await buyInShop(t, { count: 1, skus: [sku], payment: "paid", ...wish })
  if (!one) throw new Error("nothing was bought")
  const query = `{ order(id: "gid://shopify/Order/${one.id}") { lineItems(first: 9) { nodes { id quantity sku } } } }`
  const { order } = await askShop<{ order: { lineItems: { nodes: ShopLine[] } } }>(t, query)
  const lines = order.lineItems.nodes.map((line) => ({ ...line, number: Number(/\d+$/.exec(line.id)?.[0]) }))
  return { ...one, lines }
}

const inShop = (id: number, act: string, body: Record<string, unknown> = {}) =>
  control(t.lab.shopify, `orders/${id}/${act}`, body)

const untilAsked = (orderId: string, article: string) =>
  eventually(`the warehouse is asked for ${article}`, async () => {
    const lines = shipmentRequests(t, orderId).flatMap((request) => request.lines)
    return lines.some((line) => line.sku === article) || undefined
  })

const bookedSkus = (orderId: string) =>
  salesOrders(t, orderId)
    .flatMap(({ items }) => items.filter(({ isRejected }) => !isRejected))
    .map(({ material }) => material)

/** What is owed in the books: invoices less credits less what was paid. */
const owedMinor = (orderId: string) =>
  journalItems(t, orderId)
    .filter(({ text }) => text === "receivable")
    .reduce((sum, { amountMinor }) => sum + amountMinor, 0)

/** Leaves an article at one place and no other. */
async function keepOnlyAt(article: string, place: (locationId: string) => boolean): Promise<void> {
  const movements = t.lab.estate.stock
    .filter((row) => row.sku === article && row.onHandMilli > 0 && !place(row.locationId))
    .map(({ locationId, onHandMilli }) => {
      const fact = `${article} leaves ${locationId}`
      const occurredAt = new Date().toISOString()
      return { kind: "adjustment", sku: article, locationId, milli: -onHandMilli, fact, reason: "a test", occurredAt }
    })
  expect((await t.api("POST", "/v1/stock-movements", { movements })).status).toBe(200)
}

describe("an exchange in the shop after release (P-36)", () => {
  test("before the goods left: what is taken off is stopped, what is added goes out, and nobody is asked", async () => {
    const { id, orderId, lines } = await bought({})
    await untilState(t, orderId, "released")
    const [line] = lines
    const quantity = line?.quantity ?? 0
    await inShop(id, "edit", {
      remove: [{ lineId: line?.number, quantity }],
      add: [{ likeLineId: line?.number, quantity, sku: third }],
    })
    await untilAsked(orderId, third)
    await shipAll(t, orderId)
    expect(await untilEnded(t, orderId)).toBe("done")
    const left = shipmentRequests(t, orderId).flatMap((request) => request.lines)
    expect(left.filter(({ shippedMilli }) => shippedMilli > 0).map((one) => one.sku)).toEqual([third])
    expect(bookedSkus(orderId)).toEqual([third])
    expect(await openExceptions(t, orderId)).toEqual([])
    expect(owedMinor(orderId)).toBe(0)
  })

  test("of goods that left, while others wait: what came back pays for what goes out", async () => {
    const warehouse = t.lab.estate.locations[0]?.locationId
    await keepOnlyAt(sku, (locationId) => locationId === warehouse)
    await keepOnlyAt(other, (locationId) => locationId !== warehouse)
    const { id, orderId, lines } = await bought({ skus: [sku, other], payment: "paid" })
    await untilAsked(orderId, sku)
    await untilAsked(orderId, other)
    const first = shipmentRequests(t, orderId).find((request) => request.lines.some((line) => line.sku === sku))
    await control(t.lab.warehouse, `shipment-requests/${first?.requestId}/ship`, {})
    await untilState(t, orderId, "partly shipped")
    const sent = lines.find((line) => line.sku === sku)
    await inShop(id, "refund", { lineId: sent?.number, quantity: 1, amountMinor: 0 })
    await untilHeard(t, orderId, "order.refunded")
    await inShop(id, "edit", { add: [{ likeLineId: sent?.number, quantity: 1, sku: third }] })
    await untilAsked(orderId, third)
    await shipAll(t, orderId)
    expect(await untilEnded(t, orderId)).toBe("done")
    await untilState(t, orderId, "closed")
    expect(await openExceptions(t, orderId)).toEqual([])
    await eventually("the credit pays what the new goods cost", async () => owedMinor(orderId) === 0)
  })

  test("dearer than what was paid: a person is asked, and it goes out by itself when the difference is paid", async () => {
    const { id, orderId, lines } = await bought({})
    await untilState(t, orderId, "released")
    await inShop(id, "edit", { add: [{ likeLineId: lines[0]?.number, quantity: 1, sku: third }] })
    const asked = await untilException(t, orderId, "changed after release")
    expect(asked.allowed).toEqual(["apply", "keep"])
    await inShop(id, "pay")
    await untilAsked(orderId, third)
    await shipAll(t, orderId)
    expect(await untilEnded(t, orderId)).toBe("done")
    await untilState(t, orderId, "closed")
    expect(await openExceptions(t, orderId)).toEqual([])
    expect(owedMinor(orderId)).toBe(0)
    const [closed] = await t.sql`select action, decided_by, decision_note from exceptions where id = ${asked.id}`
    expect(closed).toEqual({ action: "apply", decided_by: "crossdock", decision_note: "the change is paid for" })
  })

  test("what was kept as it was stays so when the policy comes to carry out what is paid", async () => {
    onLateEdit = "ask"
    await t.restart()
    const { id, orderId, lines } = await bought({})
    await untilState(t, orderId, "released")
    const quantity = lines[0]?.quantity ?? 0
    await inShop(id, "edit", {
      remove: [{ lineId: lines[0]?.number, quantity }],
      add: [{ likeLineId: lines[0]?.number, quantity, sku: third }],
    })
    const asked = await untilException(t, orderId, "changed after release")
    await decide(t, asked.id, "keep")
    onLateEdit = "carry out what is paid"
    await t.restart()
    await shipAll(t, orderId)
    expect(await untilEnded(t, orderId)).toBe("done")
    const requested = shipmentRequests(t, orderId).flatMap((request) => request.lines)
    expect(requested.map((one) => [one.sku, one.shippedMilli])).toEqual([[sku, quantity * 1000]])
  })
})
