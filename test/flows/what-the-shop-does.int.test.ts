import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  openExceptions,
  plentifulSkus,
  untilEnded,
  untilException,
  untilHeard,
  untilState,
} from "../fixtures/order-flow.ts"
import { askShop, salesOrders, shipAll, shipmentRequests, stillToShipMilli } from "../fixtures/vendor-books.ts"

// What merchants and the shop itself do with goods of an order beside us.

let t: TestCrossdock
let sku = ""
let other = ""
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 36,
    lab: quietWarehouse,
    estate: (estate) => {
      const { shopify } = estate.connections
      if (!shopify) throw new Error("no shop")
      const orders = { ...estate.policies.orders, askHoldsAfter: { seconds: 1 } }
      const connections = { ...estate.connections, shopify: { ...shopify, pollEveryMs: 500 } }
      return { ...estate, connections, policies: { ...estate.policies, orders } }
    },
  })
  ;[sku = "", other = ""] = plentifulSkus(t, 2)
})
afterAll(async () => t?.stop())

async function bought(wish: Record<string, unknown>) {
  const [one] = await buyInShop(t, { count: 1, skus: [sku], ...wish })
  if (!one) throw new Error("nothing was bought")
  return one
}

describe("P-36: a refund that removes units before they left", () => {
  test("is an edit: those units are stopped, the rest ships and is confirmed by what the shop has open", async () => {
    const { id, orderId } = await bought({ skus: [sku, other], payment: "paid" })
    await untilState(t, orderId, "released")
    await control(t.lab.shopify, `orders/${id}/refund`, { quantity: 1 })
    await untilHeard(t, orderId, "order.refunded")
    const open = async () => (await shopLines(id)).reduce((sum, line) => sum + line.currentQuantity, 0)
    await eventually("the unit is stopped", async () => stillToShipMilli(t, orderId) === (await open()) * 1000)
    await shipAll(t, orderId)
    expect(await untilEnded(t, orderId)).toBe("done")
    expect((await shopLines(id)).map(({ unfulfilledQuantity }) => unfulfilledQuantity)).toEqual([0, 0])
    expect(await openExceptions(t, orderId)).toEqual([])
    const booked = salesOrders(t, orderId).flatMap(({ items }) => items.filter(({ isRejected }) => !isRejected))
    expect(booked.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(await open())
  })

  test("before the release, of all units: nothing is asked of a warehouse, and the order is cancelled", async () => {
    await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
    const { id, orderId } = await bought({ payment: "paid" })
    await untilState(t, orderId, "waiting for the books")
    const [line] = await shopLines(id)
    await control(t.lab.shopify, `orders/${id}/refund`, { quantity: line?.currentQuantity })
    await untilHeard(t, orderId, "order.refunded")
    await t.api("POST", "/v1/connections/sap/resume", {})
    await untilState(t, orderId, "cancelled")
    expect(shipmentRequests(t, orderId)).toEqual([])
  })
})

describe("P-38: what the shop has done already", () => {
  test("a gift card that it has handed out needs no word from us", async () => {
    const { id, orderId } = await bought({ skus: ["GIFT-25", sku], payment: "pending" })
    const query = `{ order(id: "gid://shopify/Order/${id}") { fulfillmentOrders(first: 5) { nodes { id lineItems(first: 5) { nodes { sku } } } } } }`
    const { order } = await askShop<{ order: { fulfillmentOrders: { nodes: Planned[] } } }>(t, query)
    const work = order.fulfillmentOrders.nodes.find(({ lineItems }) => lineItems.nodes[0]?.sku === "GIFT-25")
    await askShop(
      t,
      `mutation { fulfillmentCreate(fulfillment: {lineItemsByFulfillmentOrder: [{fulfillmentOrderId: "${work?.id}"}]}) { userErrors { message } } }`,
    )
    await control(t.lab.shopify, `orders/${id}/pay`, {})
    await untilState(t, orderId, ["released", "partly shipped"])
    await shipAll(t, orderId)
    expect(await untilEnded(t, orderId)).toBe("done")
    expect(await openExceptions(t, orderId)).toEqual([])
  })
})

describe("P-37: what the shop holds back", () => {
  const asked = (orderId: string) =>
    shipmentRequests(t, orderId).flatMap(({ lines }) =>
      lines.filter((line) => line.quantityMilli > line.cancelledMilli).map((line) => line.sku),
    )

  test("from the start waits, the others go, and it goes when it is let go", async () => {
    const { id, orderId } = await bought({ skus: [sku, other], held: [other], payment: "paid" })
    await untilState(t, orderId, "released")
    expect(asked(orderId)).toEqual([sku])
    await control(t.lab.shopify, `orders/${id}/release-hold`, {})
    await eventually("the other is asked for too", async () => asked(orderId).includes(other) || undefined)
    await shipAll(t, orderId)
    expect(await untilEnded(t, orderId)).toBe("done")
    expect((await shopLines(id)).map(({ unfulfilledQuantity }) => unfulfilledQuantity)).toEqual([0, 0])
    expect(await openExceptions(t, orderId)).toEqual([])
  })

  test("is heard although the message is lost: before the release and while it waits", async () => {
    t.lab.shopify.setWebhookTarget(undefined)
    const { id, orderId } = await bought({ held: [sku], payment: "paid" })
    await untilState(t, orderId, "on hold")
    expect(asked(orderId)).toEqual([])
    await control(t.lab.shopify, `orders/${id}/release-hold`, {})
    await untilState(t, orderId, "released")
    t.lab.shopify.setWebhookTarget(`${t.gatewayUrl}/hooks/shopify`)
    expect(asked(orderId)).toEqual([sku])
  })

  test("after the release is stopped as far as it can be, and goes on when it is let go", async () => {
    const { id, orderId } = await bought({ skus: [sku, other], payment: "paid" })
    await untilState(t, orderId, "released")
    await control(t.lab.shopify, `orders/${id}/hold`, { reason: "INCORRECT_ADDRESS" })
    await untilState(t, orderId, "on hold")
    expect(stillToShipMilli(t, orderId)).toBe(0)
    await control(t.lab.shopify, `orders/${id}/release-hold`, {})
    await untilState(t, orderId, "released")
    await eventually("all is asked for again", async () => asked(orderId).length === 2 || undefined)
    await shipAll(t, orderId)
    expect(await untilEnded(t, orderId)).toBe("done")
  })

  test("when it has left already: somebody is told once, and it is shown as shipped by itself when the hold is lifted", async () => {
    const { id, orderId } = await bought({ payment: "paid" })
    await untilState(t, orderId, "released")
    t.lab.shopify.setWebhookTarget(undefined)
    await control(t.lab.shopify, `orders/${id}/hold`, { reason: "INCORRECT_ADDRESS" })
    await shipAll(t, orderId)
    const open = await untilException(t, orderId, "held by the shop although it left")
    expect(open).toMatchObject({ owner: "customer service", allowed: ["acknowledge"] })
    await control(t.lab.shopify, `orders/${id}/release-hold`, {})
    t.lab.shopify.setWebhookTarget(`${t.gatewayUrl}/hooks/shopify`)
    expect(await untilEnded(t, orderId)).toBe("done")
    expect((await shopLines(id)).map(({ unfulfilledQuantity }) => unfulfilledQuantity)).toEqual([0])
    await eventually("nobody is asked", async () => (await openExceptions(t, orderId)).length === 0)
  })

  test("for later goes at its time", async () => {
    // The shop's times have whole seconds.
    const scheduled = { skus: [sku], at: new Date(Math.ceil(Date.now() / 1000) * 1000 + 5_000).toISOString() }
    const { orderId } = await bought({ scheduled, payment: "paid" })
    await untilState(t, orderId, "on hold")
    expect(asked(orderId)).toEqual([])
    await untilState(t, orderId, "released")
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(scheduled.at))
    expect(asked(orderId)).toEqual([sku])
  })

  test("needs no person to be cancelled", async () => {
    const { id, orderId } = await bought({ held: [sku], payment: "paid" })
    await untilState(t, orderId, "on hold")
    await control(t.lab.shopify, `orders/${id}/cancel`, { reason: "CUSTOMER" })
    await untilState(t, orderId, "cancelled")
    expect(await openExceptions(t, orderId)).toEqual([])
  })
})

interface Planned {
  id: string
  lineItems: { nodes: { sku: string }[] }
}

async function shopLines(id: number): Promise<{ currentQuantity: number; unfulfilledQuantity: number }[]> {
  const query = `{ order(id: "gid://shopify/Order/${id}") { lineItems(first: 5) { nodes { currentQuantity unfulfilledQuantity } } } }`
  const { order } = await askShop<{ order: { lineItems: { nodes: Awaited<ReturnType<typeof shopLines>> } } }>(t, query)
  return order.lineItems.nodes
}
