import { afterAll, beforeAll, expect, test } from "vitest"
import { control, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { buyInShop, decide, openExceptions, untilEnded, untilException, untilState } from "../fixtures/order-flow.ts"
import { salesOrders, shipmentRequests } from "../fixtures/vendor-books.ts"

// P-33: an order of the web shop whose goods are to be sent nowhere is a question about that order.

let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 33 })
})
afterAll(async () => t?.stop())

/** The shop sells goods to be sent, and its orders say nothing about where to. */
async function boughtWithoutAddress(): Promise<{ id: number; orderId: string }> {
  t.lab.shopify.setWebhookTarget(undefined)
  const [order] = await buyInShop(t, { count: 1, payment: "paid" })
  if (!order) throw new Error("nothing was bought")
  t.lab.shopify.setWebhookTarget(`${t.gatewayUrl}/hooks/shopify`)
  await control(t.lab.shopify, `orders/${order.id}/set`, { set: { shippingAddress: null } })
  await control(t.lab.shopify, `orders/${order.id}/pay`, {})
  return order
}

const address = {
  firstName: "Ada",
  lastName: "Jansen",
  line1: "Oudegracht 1",
  line2: null,
  zip: "3511 AB",
  city: "Utrecht",
  provinceCode: null,
  countryCode: "NL",
  phone: null,
}

test("P-33: it waits with nothing asked of anybody, and goes on by itself when the shop knows the address", async () => {
  const { id, orderId } = await boughtWithoutAddress()
  const open = await untilException(t, orderId, "delivery address is missing")
  expect(open).toMatchObject({ owner: "customer service", allowed: ["cancel order"] })
  await untilState(t, orderId, "on hold")
  expect([salesOrders(t, orderId), shipmentRequests(t, orderId)]).toEqual([[], []])
  await control(t.lab.shopify, `orders/${id}/set`, { set: { shippingAddress: address } })
  await untilEnded(t, orderId)
  await untilState(t, orderId, "closed")
  expect(shipmentRequests(t, orderId)).toMatchObject([
    { destination: expect.stringContaining("3511 AB Utrecht") as string },
  ])
  expect(await openExceptions(t, orderId)).toEqual([])
})

test("P-33: whoever cannot find the address out cancels it, and the buyer is told", async () => {
  const { orderId } = await boughtWithoutAddress()
  const open = await untilException(t, orderId, "delivery address is missing")
  await decide(t, open.id, "cancel order")
  await untilEnded(t, orderId)
  await untilState(t, orderId, "refused")
  expect(shipmentRequests(t, orderId)).toEqual([])
})

test("P-33: what is picked up or was handed over the counter needs none", async () => {
  const odd = [["pickup"], ["till"]]
  for (const kind of odd) {
    const [order] = await buyInShop(t, { count: 1, odd: kind, payment: "paid" })
    if (!order) throw new Error("nothing was bought")
    await untilState(t, order.orderId, ["released", "shipped", "closed"])
    const open = await openExceptions(t, order.orderId)
    expect(open.filter(({ cause }) => cause.startsWith("delivery address"))).toEqual([])
  }
})
