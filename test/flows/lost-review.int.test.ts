import { afterAll, beforeAll, expect, test } from "vitest"
import { control, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { placeOrder, plentifulSkus, untilEnded, untilState } from "../fixtures/order-flow.ts"

let t: TestCrossdock
let sku = ""

beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 17,
    lab: { fraud: { faults: { dropWebhook: 1 } } },
    orders: { askReviewAfter: { ms: 500 } },
  })
  ;[sku = ""] = plentifulSkus(t, 1)
})
afterAll(async () => {
  await t?.stop()
})

// Nothing repeats a fraud decision whose webhook is lost, and an order on hold has no other way to learn of it (I-6).
test.each([
  ["review-accept", "done", "closed"],
  ["review-reject", "undone", "refused"],
])("an order whose review ended with %s unheard is looked up and ends", async (wish, ending, state) => {
  const orderId = await placeOrder(t, {
    externalId: wish,
    lines: [{ sku, count: 1, totalMinor: 1210 }],
    email: `buyer+${wish}@shop.example`,
  })
  await untilState(t, orderId, "on hold")
  await control(t.lab.fraud, "decisions", { reference: orderId, decision: wish.slice("review-".length) })
  expect(await untilEnded(t, orderId)).toBe(ending)
  await untilState(t, orderId, state)
  expect(t.lab.fraud.webhooks()?.report()).toMatchObject({ delivered: 0 })
})
