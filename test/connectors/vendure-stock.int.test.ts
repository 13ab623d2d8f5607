import { afterAll, beforeAll, expect, test } from "vitest"
import { sampleOrder } from "../laws/sample-order.ts"
import { level, startVendureStockBench, type VendureStockBench } from "../laws/vendure-stock-bench.ts"

// What Vendure shows: on hand and allocated are two counters of its own, and nothing is compared before it is set.
let bench: VendureStockBench
beforeAll(async () => {
  bench = await startVendureStockBench()
})
afterAll(() => bench?.stop())

const call = () => ({ key: "stock", signal: AbortSignal.timeout(10_000), correlation: "test" })
const publish = async (sku: string, pieces: number, expected?: number) => {
  const item = {
    ...level(sku, pieces * 1000),
    ...(expected !== undefined && { expected: { milli: expected * 1000, unit: "ea" } }),
  }
  const [outcome] = await bench.stock.publishStock.send([item], call())
  return outcome
}
const onHand = (sku: string) => {
  const rows = bench.simulator.books()["variants"] as { sku: string; stockLevels: { stockOnHand: number }[] }[]
  return rows.find((one) => one.sku === sku)?.stockLevels[0]?.stockOnHand
}

/** An order as a buyer leaves it, and as a connection knows it. */
async function order(sku: string, quantity: number) {
  const body = JSON.stringify({ lines: [{ sku, quantity, unitPrice: 1_000 }] })
  const answer = await fetch(`${bench.simulator.url}/__lab/orders`, { method: "POST", body })
  const row = (await answer.json()) as { id: string; lines: { id: string }[] }
  const lineId = row.lines[0]?.id ?? ""
  const shipment = {
    id: `s-${row.id}`,
    orderId: "ord_0000000000000001",
    locationId: "wh-1",
    shippedAt: "2026-11-20T10:00:00.000Z",
    lines: [{ lineId, quantity: { milli: quantity * 1000, unit: "ea" } }],
  }
  return { notifyCustomer: false, order: { ...sampleOrder({ number: 1 }), externalId: row.id }, shipment }
}

test("what the shop's orders hold is on top of what may be sold: a sale lowers what is shown by itself", async () => {
  await publish("ART-1", 10)
  await order("ART-1", 3)
  expect([bench.soldFrom("ART-1"), onHand("ART-1")]).toEqual([7, 10])
  await publish("ART-1", 5)
  expect([bench.soldFrom("ART-1"), onHand("ART-1")]).toEqual([5, 8])
  const [found] = await bench.stock.readStock([{ sku: "ART-1", locationId: "wh-1" }], call())
  expect(found).toMatchObject({ kind: "done", outcome: { available: { milli: 5000 }, committed: { milli: 3000 } } })
})

test("PUBLISHING 6: a level that is not as expected is news, and nothing is written over it", async () => {
  await publish("ART-2", 10)
  await order("ART-2", 2)
  expect(await publish("ART-2", 9, 10)).toMatchObject({ kind: "stale", holds: { available: { milli: 8000 } } })
  expect(bench.soldFrom("ART-2")).toBe(8)
  expect(await publish("ART-2", 9, 8)).toMatchObject({ kind: "done" })
})

test("a sale between the reading and the write stays sold", async () => {
  await publish("ART-3", 10)
  bench.simulator.setFaults({ operations: { updateProductVariants: { latencyMs: { p50: 300, p99: 310 } } } })
  const writing = publish("ART-3", 6, 10)
  await new Promise((resolve) => setTimeout(resolve, 120))
  await order("ART-3", 1)
  const outcome = await writing
  bench.simulator.setFaults({})
  expect(bench.soldFrom("ART-3")).toBe(5)
  expect(outcome).toMatchObject({ kind: "done", outcome: { available: { milli: 5000 } } })
})

test("a shop that has lost count of what its orders hold still shows what may be sold, and ships what was sold", async () => {
  await publish("ART-4", 3)
  const sold = [await order("ART-4", 1), await order("ART-4", 1), await order("ART-4", 1)]
  // Two allocations of one moment were lost, as the real shop loses them.
  await bench.variant("PUT", { sku: "ART-4", onHand: 3, allocated: 1 })
  expect(bench.soldFrom("ART-4")).toBe(2)
  await publish("ART-4", 0)
  expect([bench.soldFrom("ART-4"), onHand("ART-4")]).toEqual([0, 1])
  for (const one of sold)
    await bench.shop.confirmsFulfilment.confirmFulfilment.send(one, { ...call(), key: one.shipment.id })
  expect([bench.soldFrom("ART-4"), onHand("ART-4")]).toEqual([0, -2])
  await publish("ART-4", 4)
  expect(bench.soldFrom("ART-4")).toBe(4)
})

test("a variant that is deleted between the reading and the write costs itself alone", async () => {
  bench.simulator.setFaults({ operations: { updateProductVariants: { latencyMs: { p50: 300, p99: 310 } } } })
  const sending = bench.stock.publishStock.send([level("ART-5", 5000), level("ART-6", 6000)], call())
  await new Promise((resolve) => setTimeout(resolve, 120))
  await bench.variant("DELETE", { sku: "ART-5" })
  const outcomes = await sending
  bench.simulator.setFaults({})
  expect(outcomes).toMatchObject([{ kind: "rejected", code: "ARTICLE_UNKNOWN" }, { kind: "done" }])
  expect(bench.soldFrom("ART-6")).toBe(6)
})

test("P-25: a level about which the shop fails costs itself alone", async () => {
  const skus = Array.from({ length: 20 }, (_, n) => `ART-${20 + n}`)
  await bench.breaks(["ART-20", "ART-31"])
  const outcomes = await bench.stock.publishStock.send(
    skus.map((sku, n) => level(sku, (n + 1) * 1000)),
    call(),
  )
  await bench.breaks([])
  expect(skus.filter((_sku, n) => outcomes[n]?.kind !== "done")).toEqual(["ART-20", "ART-31"])
  expect(outcomes[0]).toMatchObject({ kind: "rejected", message: expect.stringContaining("Cannot read properties") })
  expect(skus.map((sku) => bench.soldFrom(sku))).toEqual(skus.map((_sku, n) => (n === 0 || n === 11 ? 0 : n + 1)))
})

test("a parcel that leaves while a call is sent in halves changes nothing of what is shown", async () => {
  await publish("ART-51", 9)
  await order("ART-51", 4)
  await bench.breaks(["ART-50"])
  bench.simulator.setFaults({ operations: { updateProductVariants: { latencyMs: { p50: 300, p99: 310 } } } })
  const sending = bench.stock.publishStock.send([level("ART-50", 1000), level("ART-51", 7000)], call())
  await new Promise((resolve) => setTimeout(resolve, 120))
  // Of the four on hand that are held all four leave.
  await bench.variant("PUT", { sku: "ART-51", onHand: 5, allocated: 0 })
  const outcomes = await sending
  bench.simulator.setFaults({})
  await bench.breaks([])
  expect(outcomes.map(({ kind }) => kind)).toEqual(["rejected", "done"])
  expect([bench.soldFrom("ART-51"), onHand("ART-51")]).toEqual([7, 7])
})

test("P-30: a walk lists every variant once, and one in which variants were deleted is none", async () => {
  const names = new Set<string>()
  let after: string | undefined
  do {
    const page = await bench.stock.listStock({ locationIds: ["wh-1"], ...(after && { after }) }, call())
    for (const { sku } of page.levels) names.add(sku)
    after = page.after
  } while (after !== undefined)
  const made = new Set((bench.simulator.books()["variants"] as { sku: string }[]).map(({ sku }) => sku))
  expect(names).toEqual(made)
  const { after: second } = await bench.stock.listStock({ locationIds: ["wh-1"] }, call())
  await bench.variant("DELETE", { sku: "ART-7" })
  await expect(
    bench.stock.listStock({ locationIds: ["wh-1"], ...(second && { after: second }) }, call()),
  ).rejects.toMatchObject({
    code: "VENDOR_UNAVAILABLE",
  })
})

test("a stock location that the shop does not have is found when the connection is checked", async () => {
  await expect(bench.shop.check()).resolves.toBeUndefined()
  const { connectVendure } = await import("../laws/subjects/vendure.ts")
  const wrong = connectVendure(bench.simulator.url, { "wh-1": "77" })
  await expect(wrong.check()).rejects.toMatchObject({ code: "CONFIG_INVALID" })
  wrong.close()
})

test("P-08: what the shop's plugin says of a level is told for each of our places that the variant has a level at", () => {
  const at = "2026-11-30T10:00:00.000Z"
  const stockLevels = [
    { stockLocationId: "1", stockOnHand: 9, stockAllocated: 2 },
    { stockLocationId: "2", stockOnHand: 5, stockAllocated: 0 },
  ]
  const told = (body: object) => {
    const bytes = new TextEncoder().encode(JSON.stringify({ type: "stock.changed", at, ...body }))
    return bench.shop.receivesDeliveries.translate({
      connection: "vendure-shop",
      via: "webhook",
      headers: {},
      bytes,
      receivedAt: at,
    })
  }
  const variant = { id: "7", sku: "ART-7", trackInventory: "INHERIT", stockLevels }
  expect(told({ variant }).events).toMatchObject([
    { type: "stock.shown", data: { articleId: "7", locationId: "wh-1", availableMilli: 7000, at } },
  ])
  expect(told({ variant: { ...variant, stockLevels: stockLevels.slice(1) } })).toMatchObject({ events: [] })
  expect(() => told({ variant, at: "soon" })).toThrow("without its time")
})
