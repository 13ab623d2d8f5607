import { afterAll, beforeAll, expect, test } from "vitest"
import { quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  openExceptions,
  paymentIdOf,
  plentifulSkus,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import { captureInShop } from "../fixtures/shop/staff.ts"
import { payment, shipAll } from "../fixtures/vendor-books.ts"

// Staff captures an authorised payment in the shop, which captures it at its provider.

let t: TestCrossdock
let sku = ""
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 35,
    lab: quietWarehouse,
  })
  ;[sku = ""] = plentifulSkus(t, 1)
})
afterAll(() => t?.stop())

async function released() {
  const [bought] = await buyInShop(t, { count: 1, skus: [sku], payment: "authorised" })
  if (!bought) throw new Error("nothing was bought")
  await untilState(t, bought.orderId, "released")
  return { ...bought, paymentId: await paymentIdOf(t, bought.orderId) }
}
type Released = Awaited<ReturnType<typeof released>>

async function captureAtProvider({ paymentId }: Released, fields: Record<string, string>): Promise<void> {
  const answer = await fetch(`${t.lab.stripe.url}/v1/payment_intents/${paymentId}/capture`, {
    method: "POST",
    headers: { authorization: "Bearer sk_test_lab" },
    body: new URLSearchParams(fields),
  })
  if (!answer.ok) throw new Error(await answer.text())
}

async function takenOf(orderId: string): Promise<number> {
  const { body } = await t.api("GET", `/v1/orders/${orderId}/account`)
  const { tenders } = body as unknown as { tenders: { taken: { amountMinor: number } }[] }
  return tenders.reduce((sum, { taken }) => sum + taken.amountMinor, 0)
}

test("P-35: what staff captured a part of by hand is captured in full, and the account has all of it", async () => {
  const order = await released()
  await captureAtProvider(order, { amount_to_capture: "100", final_capture: "false" })
  await captureInShop(t, order, 100)
  await shipAll(t, order.orderId)
  await untilEnded(t, order.orderId)
  const { amount, amount_received } = payment(t, order.paymentId)
  expect(amount_received).toBe(amount)
  expect(await takenOf(order.orderId)).toBe(amount)
  expect(await openExceptions(t, order.orderId)).toEqual([])
})

test("P-35: a part that only the provider knows of counts too", async () => {
  const order = await released()
  await captureAtProvider(order, { amount_to_capture: "100", final_capture: "false" })
  await shipAll(t, order.orderId)
  await untilEnded(t, order.orderId)
  const { amount, amount_received } = payment(t, order.paymentId)
  expect(amount_received).toBe(amount)
  expect(await takenOf(order.orderId)).toBe(amount)
})

test("P-35: a payment that staff captured in full is no authorisation to be voided, and the order closes", async () => {
  const order = await released()
  await captureAtProvider(order, {})
  await captureInShop(t, order, payment(t, order.paymentId).amount)
  await shipAll(t, order.orderId)
  await untilState(t, order.orderId, "closed")
  expect(await openExceptions(t, order.orderId)).toEqual([])
})

test("P-35: when staff captured a part and let the rest go, somebody decides, and until then the order is not closed", async () => {
  const order = await released()
  await captureAtProvider(order, { amount_to_capture: "100" })
  await captureInShop(t, order, 100)
  await shipAll(t, order.orderId)
  const open = await untilException(t, order.orderId, "capture payment")
  expect(open).toMatchObject({ owner: "finance", allowed: ["retry", "leave it"] })
  expect(open.summary).toContain("1.00 EUR of ")
  expect(open.risk_minor).toBeGreaterThan(0)
})
