import { afterAll, beforeAll, expect, test } from "vitest"
import { shapes } from "../../lab/shopify/shapes/names.ts"
import { control, eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { buyInShop, openExceptions, plentifulSkus, untilException, untilState } from "../fixtures/order-flow.ts"
import { creditsOf } from "../fixtures/vendor-books.ts"

let t: TestCrossdock
let sku = ""
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 31 })
  ;[sku = ""] = plentifulSkus(t, 1)
})
afterAll(() => t?.stop())

const causes = async (orderId: string) => (await openExceptions(t, orderId)).map(({ cause }) => cause)

async function buy(wish: Record<string, unknown>) {
  const [one] = await buyInShop(t, { count: 1, skus: [sku], payment: "paid", ...wish })
  if (!one) throw new Error("nothing was bought")
  return one
}

test("P-31, P-46: an order in any of the shapes that reality has is shipped and closed, and nobody is asked", async () => {
  const bought = new Map<string, string>()
  for (const shape of shapes) bought.set((await buy({ shapes: [shape] })).orderId, shape)
  // The lab's shop charges its own country's tax to some buyers abroad.
  for (const orderId of bought.keys()) await untilState(t, orderId, "closed")
  const rows = await t.sql<{ order: string; summary: string }[]>`
    select order_id as order, summary from exceptions where order_id = any(${[...bought.keys()]}) and cause <> 'tax differs'`
  const asked = rows.map(({ order, summary }) => `${bought.get(order)}: ${summary}`)
  expect(asked).toEqual([])
})

test("P-31: a refund of a sort that nobody knows waits alone, and the order ships and closes", async () => {
  const { id, orderId } = await buy({ shapes: ["strange-refund"] })
  await untilState(t, orderId, "closed")
  const sold = (await shopOrder(id)).line_items[0]
  await control(t.lab.shopify, `orders/${id}/refund`, { lineId: sold?.id, quantity: 1 })
  const { summary, risk_minor: atRisk } = await untilException(t, orderId, "VENDOR_VALUE_UNKNOWN")
  expect(summary).toMatch(/^Order #\d+ from shopify: refund \d+ waits: .*restock_type "to_the_locker"/)
  expect(Number(atRisk)).toBeGreaterThan(0)
})

test("P-31: a fulfilment with a status nobody knows waits alone, and the order closes", async () => {
  const { orderId } = await buy({ shapes: ["strange-fulfilment"] })
  await untilState(t, orderId, "closed")
  const { summary } = await untilException(t, orderId, "VENDOR_VALUE_UNKNOWN")
  expect(summary).toMatch(/fulfilment \d+ waits: .*status "in_a_locker" is not one of/)
})

test("P-31: an order that does not add up waits by its number, and is placed and closed once the shop states it whole", async () => {
  const { id, orderId } = await buy({ shapes: ["unstated-fee"] })
  const { summary } = await untilException(t, orderId, "TRANSLATION_FAILED")
  expect(summary).toMatch(/what was sold cannot be understood: .*lines and charges sum to/)
  await control(t.lab.shopify, `orders/${id}/set`, { set: { shapes: [] } })
  await untilState(t, orderId, "closed")
  await eventually("nothing waits", async () => (await causes(orderId)).length === 0)
})

test("P-31, P-35: a refund on its way hides nothing, says that it is, and ends when the money has arrived", async () => {
  const { id, orderId } = await buy({})
  await untilState(t, orderId, "closed")
  await control(t.lab.shopify, `orders/${id}/refund`, { goods: false, amountMinor: 100, pending: true })
  const { summary, owner } = await untilException(t, orderId, "refund is on its way")
  expect(summary).toMatch(/^Order #\d+ from shopify: refund \d+ waits: 1\.00 EUR of the refund are on their way/)
  expect(owner).toBe("finance")
  await control(t.lab.shopify, `orders/${id}/settle-refunds`, {})
  await eventually("it is credited", () => creditsOf(t, orderId).length === 1)
  await eventually("nothing waits", async () => (await causes(orderId)).length === 0)
})

test("P-35: a refund that was on its way and fails is another question: its buyer has no money", async () => {
  const { id, orderId } = await buy({})
  await untilState(t, orderId, "closed")
  await control(t.lab.shopify, `orders/${id}/refund`, { goods: false, amountMinor: 100, pending: true })
  await untilException(t, orderId, "refund is on its way")
  await control(t.lab.shopify, `orders/${id}/settle-refunds`, { outcome: "failed" })
  await untilException(t, orderId, "refund did not arrive")
  await eventually("the first one ends", async () => (await causes(orderId)).join() === "refund did not arrive")
})

async function shopOrder(id: number): Promise<{ line_items: { id: number }[] }> {
  const answer = await fetch(`${t.lab.shopify.url}/__lab/orders/${id}`)
  return (await answer.json()) as { line_items: { id: number }[] }
}
