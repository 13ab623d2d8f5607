import { afterAll, beforeAll, expect, test } from "vitest"
import { startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  decide,
  ledgerOf,
  openExceptions,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import { salesOrders } from "../fixtures/vendor-books.ts"

// A shop that sold before it was connected.
let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 42 })
  await t.sql`update connection_states set connected_at = now() + interval '2 hours' where connection = 'shopify'`
  await t.restart()
})
afterAll(() => t?.stop())

async function bought() {
  const [order] = await buyInShop(t, { count: 1, payment: "paid" })
  if (!order) throw new Error("nothing was bought")
  return order
}

const shopOrder = (id: number) =>
  (t.lab.shopify.books()["orders"] as { id: number; cancelledAtMs?: number | null; refunds?: unknown[] }[]).find(
    (one) => one.id === id,
  )

test("P-42: nothing is reserved, booked, cancelled or given back of an order placed before its shop was connected, until a person says so", async () => {
  const { id, orderId } = await bought()
  const { id: exceptionId, summary } = await untilException(t, orderId, "older order")
  expect(summary).toMatch(/^Order .* is older than its connection: .* before shopify was connected on /)
  expect((await ledgerOf(t, orderId)).filter(({ kind }) => kind === "effect")).toEqual([])
  await decide(t, exceptionId, "leave it")
  await untilState(t, orderId, "not taken over")
  await untilEnded(t, orderId)
  expect(salesOrders(t, orderId)).toEqual([])
  expect(shopOrder(id)).toMatchObject({ refunds: [] })
  expect(shopOrder(id)?.cancelledAtMs ?? null).toBeNull()
})

test("P-42: one that a person takes over is fulfilled like any other", async () => {
  const { orderId } = await bought()
  await decide(t, (await untilException(t, orderId, "older order")).id, "take it over")
  await untilState(t, orderId, ["closed", "partly shipped", "shipped", "released"])
  await untilState(t, orderId, "closed")
  expect(salesOrders(t, orderId)).toHaveLength(1)
  expect(await openExceptions(t, orderId)).toEqual([])
})

test("P-42: one that its shop cancels meanwhile ends as cancelled, and the shop is told nothing", async () => {
  const { id, orderId } = await bought()
  await untilException(t, orderId, "older order")
  await fetch(`${t.lab.shopify.url}/__lab/orders/${id}/cancel`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ reason: "CUSTOMER" }),
  })
  await untilState(t, orderId, "cancelled")
  await untilEnded(t, orderId)
  expect((await ledgerOf(t, orderId)).filter(({ kind }) => kind === "effect")).toEqual([])
  expect(await openExceptions(t, orderId)).toEqual([])
})
