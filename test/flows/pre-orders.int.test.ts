import { afterAll, beforeAll, expect, test } from "vitest"
import { control, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { buyInShop, openExceptions, plentifulSkus, stateOf, untilEnded, untilState } from "../fixtures/order-flow.ts"
import { shipmentRequests } from "../fixtures/vendor-books.ts"

// P-37: a pre-order lacks stock by its nature. What the shop holds back is read before a shortage is decided.

let t: TestCrossdock
beforeAll(async () => {
  const orders = { onShortage: "cancel", askHoldsAfter: { seconds: 2 }, routeAgainAfter: { hours: 6 } } as const
  t = await startTestCrossdock({ seed: 37, lab: quietWarehouse, orders })
})
afterAll(async () => t?.stop())

let moves = 0
async function setFree(sku: string, wantedMilli: number): Promise<void> {
  const rows = await t.sql<{ location: string; free: number }[]>`
    select location_id as location, on_hand_milli - reserved_milli as free from stock_positions where sku = ${sku}`
  const place = t.lab.estate.locations[0]?.locationId
  const movements = rows.flatMap(({ location, free }) => {
    const milli = (location === place ? wantedMilli : 0) - Number(free)
    const fact = `pre-order-${(moves += 1)}`
    const occurredAt = new Date().toISOString()
    return milli === 0
      ? []
      : [{ kind: "adjustment", fact, reason: "a test", sku, locationId: location, milli, occurredAt }]
  })
  const answer = await t.api("POST", "/v1/stock-movements", { movements })
  if (answer.status >= 300) throw new Error(JSON.stringify(answer.body))
}

/** The shop sells goods that nobody has yet, and holds them back. */
async function preOrder(sku: string): Promise<{ id: number; orderId: string }> {
  await setFree(sku, 0)
  t.lab.shopify.setWebhookTarget(undefined)
  const [order] = await buyInShop(t, { count: 1, skus: [sku], payment: "paid" })
  if (!order) throw new Error("nothing was bought")
  await control(t.lab.shopify, `orders/${order.id}/set`, { set: { "fulfillmentOrders.0.status": "ON_HOLD" } })
  t.lab.shopify.setWebhookTarget(`${t.gatewayUrl}/hooks/shopify`)
  await control(t.lab.shopify, `orders/${order.id}/pay`, {})
  await untilState(t, order.orderId, "on hold")
  return order
}

const open = (id: number) =>
  control(t.lab.shopify, `orders/${id}/set`, { set: { "fulfillmentOrders.0.status": "OPEN" } })

test("P-37: a pre-order without stock is not cancelled; it reserves its goods when they come in, and leaves when the shop lets it go", async () => {
  const [sku = ""] = plentifulSkus(t, 1)
  const { id, orderId } = await preOrder(sku)
  expect(await openExceptions(t, orderId)).toEqual([])
  await setFree(sku, 50_000)
  const held = async () =>
    (await t.sql`select 1 from stock_reservations where key = ${orderId} and state = 'held'`).length
  await expect.poll(held, { timeout: 20_000 }).toBe(1)
  await untilState(t, orderId, "on hold")
  expect(shipmentRequests(t, orderId)).toEqual([])
  await open(id)
  await expect.poll(() => shipmentRequests(t, orderId).length, { timeout: 20_000 }).toBe(1)
})

test("P-37: a pre-order that is let go and still has no stock meets the policy for shortages", async () => {
  const sku = plentifulSkus(t, 2).at(-1) ?? ""
  const { id, orderId } = await preOrder(sku)
  expect(await stateOf(t, orderId)).toBe("on hold")
  await open(id)
  expect(await untilEnded(t, orderId)).toBe("undone")
  expect((await openExceptions(t, orderId)).map(({ cause }) => cause)).toEqual(["stock is short"])
})
