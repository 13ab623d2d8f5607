import { afterAll, beforeAll, expect, test } from "vitest"
import { quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  cancelOrder,
  openExceptions,
  plentifulSkus,
  stateOf,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import { captureInShop, transactionsOf } from "../fixtures/shop/staff.ts"
import { shipAll } from "../fixtures/vendor-books.ts"

// Payments that the shop's own payments authorised: nobody else can capture them.

let t: TestCrossdock
let sku = ""
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 43,
    lab: quietWarehouse,
    estate: (estate) => {
      const capability = ["capturesPayments", "voidsAuthorisations", "refundsPayments", "readsPayments"] as const
      const route = { capability, connection: "shopify", channel: "shopify", provider: "shopify_payments" }
      return { ...estate, routes: [route, ...estate.routes] }
    },
  })
  ;[sku = ""] = plentifulSkus(t, 1)
})
afterAll(() => t?.stop())

async function released() {
  const [order] = await buyInShop(t, { count: 1, skus: [sku], payment: "held" })
  if (!order) throw new Error("nothing was bought")
  await untilState(t, order.orderId, "released")
  return order
}

const kindsOf = async (id: number) => (await transactionsOf(t, id)).map(({ kind }) => kind)

test("P-35: what the shop's own payments authorised is captured in the shop when goods leave", async () => {
  const { id, orderId } = await released()
  expect(await openExceptions(t, orderId)).toEqual([])
  await shipAll(t, orderId)
  expect(await untilEnded(t, orderId)).toBe("done")
  expect(await stateOf(t, orderId)).toBe("closed")
  const [authorised, captured] = await transactionsOf(t, id)
  expect(await kindsOf(id)).toEqual(["AUTHORIZATION", "CAPTURE"])
  expect(captured?.amount).toBe(authorised?.amount)
  expect(await openExceptions(t, orderId)).toEqual([])
})

test("P-35: what staff captured there in full is not captured again", async () => {
  const order = await released()
  const [authorised] = await transactionsOf(t, order.id)
  await captureInShop(t, order, Math.round(Number(authorised?.amount) * 100))
  await shipAll(t, order.orderId)
  expect(await untilEnded(t, order.orderId)).toBe("done")
  expect(await kindsOf(order.id)).toEqual(["AUTHORIZATION", "CAPTURE"])
  expect(await openExceptions(t, order.orderId)).toEqual([])
})

test("P-35: what staff captured a part of is decided by a person, because the shop captures once", async () => {
  const order = await released()
  await captureInShop(t, order, 100)
  await shipAll(t, order.orderId)
  const open = await untilException(t, order.orderId, "capture payment")
  expect(open.summary).toContain("1.00 EUR of")
})

test("P-35: an order that is cancelled before it ships leaves nothing authorised in the shop", async () => {
  const { id, orderId } = await released()
  await cancelOrder(t, orderId)
  await untilState(t, orderId, "cancelled")
  expect(await kindsOf(id)).toEqual(["AUTHORIZATION", "VOID"])
})
