import { afterAll, beforeAll, expect, test } from "vitest"
import { eventually } from "../../fixtures/crossdock.ts"
import { rotterdam, startPublishing, type PublishingBench } from "../../fixtures/stock/published.ts"

let bench: PublishingBench
beforeAll(async () => {
  bench = await startPublishing()
  await bench.rest()
})
afterAll(() => bench.stop())

test("stock that comes in is shown by the shop, and the row says why", async () => {
  const before = bench.shop.shown("SKU-00021")
  await bench.receive("SKU-00021", 40)
  await bench.untilShown("SKU-00021", before + 40)
  await bench.rest()
  expect(await bench.row("SKU-00021")).toMatchObject({
    state: "live",
    observed: (before + 40) * 1000,
    desired: (before + 40) * 1000,
    observed_by: "Crossdock",
    ref: expect.stringMatching(/^\d+$/),
    why: { shows: "place", unseenMilli: 0, promiseMilli: (before + 40) * 1000 },
  })
})

test("an order of the shop is not sent back to it: the shop has lowered its stock itself", async () => {
  const sku = "SKU-00022"
  const [before, writes] = [bench.shop.total(sku), bench.shop.writes(sku, rotterdam)]
  await bench.shop.sell(sku)
  await eventually("the order is reserved", async () => {
    const [held] = await bench.test.sql`select from stock_reservation_lines where sku = ${sku} and held_milli > 0`
    return held !== undefined
  })
  await bench.rest()
  expect(bench.shop.total(sku)).toBeLessThan(before)
  expect(bench.shop.writes(sku, rotterdam)).toBe(writes)
})
