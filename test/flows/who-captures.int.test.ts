import { afterAll, describe, expect, test } from "vitest"
import type { WhoCaptures } from "../../src/ports/who-captures.ts"
import { quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  decide,
  openExceptions,
  paymentIdOf,
  plentifulSkus,
  stateOf,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import { captureInShop } from "../fixtures/shop/staff.ts"
import { payment, shipAll } from "../fixtures/vendor-books.ts"

const started: TestCrossdock[] = []
afterAll(async () => {
  for (const t of started) await t.stop()
})

async function startWith(captures: WhoCaptures): Promise<TestCrossdock> {
  const t = await startTestCrossdock({
    seed: 41,
    orders: { captureWithin: { ms: 300 } },
    lab: quietWarehouse,
    estate: (estate) => {
      const { shopify } = estate.connections
      if (!shopify) throw new Error("no shop")
      return { ...estate, connections: { ...estate.connections, shopify: { ...shopify, captures } } }
    },
  })
  started.push(t)
  return t
}

async function bought(t: TestCrossdock) {
  const [order] = await buyInShop(t, { count: 1, skus: plentifulSkus(t, 1), payment: "authorised" })
  if (!order) throw new Error("nothing was bought")
  return order
}

describe("the shop is declared to capture", () => {
  let t: TestCrossdock
  test("P-35: an order that shipped stays open until the shop has captured, and is told when that takes too long", async () => {
    t = await startWith("channel")
    const order = await bought(t)
    await untilState(t, order.orderId, "released")
    expect(await openExceptions(t, order.orderId)).toEqual([])
    const paymentId = await paymentIdOf(t, order.orderId)
    await shipAll(t, order.orderId)
    const open = await untilException(t, order.orderId, "not captured in time")
    expect(open).toMatchObject({ owner: "finance", allowed: ["leave it"], risk_minor: payment(t, paymentId).amount })
    expect(await stateOf(t, order.orderId)).toBe("shipped")
    expect(payment(t, paymentId)).toMatchObject({ status: "requires_capture", amount_received: 0 })
    await captureInShop(t, order, payment(t, paymentId).amount)
    expect(await untilEnded(t, order.orderId)).toBe("done")
    expect(await stateOf(t, order.orderId)).toBe("closed")
    expect(await openExceptions(t, order.orderId)).toEqual([])
  })

  test("P-35: a part that the shop captured leaves it open, and a person may close it", async () => {
    const order = await bought(t)
    await untilState(t, order.orderId, "released")
    await captureInShop(t, order, 100)
    await shipAll(t, order.orderId)
    const open = await untilException(t, order.orderId, "not captured in time")
    expect(open.risk_minor).toBe(payment(t, await paymentIdOf(t, order.orderId)).amount - 100)
    await decide(t, open.id, "leave it")
    expect(await untilEnded(t, order.orderId)).toBe("done")
  })
})

test("P-35: where nobody is declared to capture, each authorised payment is told before anything is released", async () => {
  const t = await startWith("nobody yet")
  const { orderId } = await bought(t)
  const open = await untilException(t, orderId, "nobody captures it")
  expect(open).toMatchObject({ owner: "finance", risk_minor: payment(t, await paymentIdOf(t, orderId)).amount })
})
