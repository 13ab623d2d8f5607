import { afterAll, beforeAll, expect, test } from "vitest"
import type { ReplenishmentSignal } from "../../src/stock/replenishment/read-signals.ts"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { runCommand } from "../fixtures/readers/command.ts"
import { plentifulSkus } from "../fixtures/order-flow.ts"

// What a planning engine is told: what is ordered and on its way, what came, what sold, and that there is too little.

let t: TestCrossdock
let place = ""
let sku = ""
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 163,
    lab: quietWarehouse,
    estate: (estate) => ({
      ...estate,
      policies: {
        ...estate.policies,
        replenishment: {
          thresholds: { low: [{ sku: "PLAN-1", belowMilli: 5000 }] },
          leadTimes: [{ leadTime: { days: 9 } }],
        },
      },
    }),
  })
  place = t.lab.estate.locations[0]?.locationId ?? ""
  ;[sku = ""] = plentifulSkus(t, 1)
}, 120_000)
afterAll(() => t?.stop())

const at = (day: number) => `2026-11-${String(day).padStart(2, "0")}T08:00:00.000Z`

const order = (purchaseOrderId: string, more: object = {}) => ({
  purchaseOrderId,
  version: 1,
  supplierId: "S-204",
  placedAt: at(2),
  lines: [
    { lineId: "10", sku: "PLAN-1", locationId: place, orderedMilli: 40_000, unit: "ea", expectedOn: "2099-12-04" },
  ],
  ...more,
})

async function post(path: string, body: object): Promise<{ outcome: string; problems?: { pointer: string }[] }[]> {
  const answer = await t.api("POST", path, body)
  expect(answer.status).toBe(200)
  return (answer.body as unknown as { results: { outcome: string }[] }).results
}

async function signal(): Promise<ReplenishmentSignal | undefined> {
  const { body } = await t.api("GET", `/v1/replenishment?sku=PLAN-1&location=${place}`)
  return body.items?.[0] as unknown as ReplenishmentSignal | undefined
}

const becomes = (what: string, isSo: (one: ReplenishmentSignal) => boolean) =>
  eventually(
    what,
    async () => {
      const one = await signal()
      return one && isSo(one) ? one : undefined
    },
    { withinMs: 40_000, seen: async () => ({ ...(await signal()) }) },
  )

test("S-63: orders are taken row by row, each with its outcome: new, the same, in conflict, refused with every problem", async () => {
  expect(
    await post("/v1/purchase-orders", {
      purchaseOrders: [
        order("4500017"),
        order("4500018", { lines: [{ lineId: "10", sku: "", locationId: "nowhere", orderedMilli: -1, unit: "ea" }] }),
        order("4500019", {
          lines: [1, 2].map(() => ({ lineId: "10", sku: "X", locationId: "nowhere", orderedMilli: 1, unit: "ea" })),
        }),
      ],
    }),
  ).toMatchObject([
    { outcome: "accepted" },
    { outcome: "refused", problems: [{ pointer: "/lines/0/sku" }, { pointer: "/lines/0/orderedMilli" }] },
    {
      outcome: "refused",
      problems: [
        { pointer: "/lines/0/locationId" },
        { pointer: "/lines/1/locationId" },
        { pointer: "/lines/1/lineId" },
      ],
    },
  ])
  expect(
    await post("/v1/purchase-orders", {
      purchaseOrders: [order("4500017"), order("4500017", { supplierId: "S-205" })],
    }),
  ).toEqual([{ outcome: "same as before" }, { outcome: "conflict" }])
  const one = await becomes("40 on order", ({ onOrder }) => onOrder.milli === 40_000)
  expect(one).toMatchObject({ onHandMilli: 0, leadTime: { count: 0, declaredDays: 9 }, daysOfCover: null })
  expect(one.onOrder).toMatchObject({ nextExpectedOn: "2099-12-04", announcedMilli: 0, overdueMilli: 0 })
})

test("S-63: what a supplier announces has its own day, and what comes is stock and no longer on order", async () => {
  const asn = {
    inboundShipmentId: "ASN-1",
    version: 1,
    announcedAt: at(5),
    expectedOn: "2099-12-01",
    lines: [{ purchaseOrderId: "4500017", sku: "PLAN-1", locationId: place, milli: 30_000, unit: "ea" }],
  }
  expect(await post("/v1/inbound-shipments", { inboundShipments: [asn] })).toEqual([{ outcome: "accepted" }])
  const told = await becomes("30 announced", ({ onOrder }) => onOrder.announcedMilli === 30_000)
  expect(told.onOrder).toMatchObject({ milli: 40_000, nextExpectedOn: "2099-12-01" })
  const came = {
    fact: "GR-1",
    purchaseOrderId: "4500017",
    inboundShipmentId: "ASN-1",
    sku: "PLAN-1",
    locationId: place,
    milli: 30_000,
    unit: "ea",
    receivedAt: at(12),
  }
  const unknown = { ...came, fact: "GR-2", purchaseOrderId: "nobody's", milli: 2000 }
  expect(await post("/v1/goods-receipts", { receipts: [came, unknown, came] })).toMatchObject([
    { outcome: "accepted" },
    { outcome: "accepted" },
    { outcome: "same as before" },
  ])
  await becomes("32 on hand and 10 on order", (one) => one.onHandMilli === 32_000 && one.onOrder.milli === 10_000)
  const cancelled = { purchaseOrderId: "4500017", version: 2, cancelledAt: at(13) }
  await post("/v1/purchase-orders", { purchaseOrders: [cancelled] })
  const over = await becomes("nothing on order", ({ onOrder }) => onOrder.milli === 0)
  expect(over.leadTime).toMatchObject({ count: 1, medianDays: 10 })
})

test("S-63: what a warehouse received by a purchase order is stock, and counts against the order", async () => {
  const warehouse = t.lab.estate.locations.find(({ kind }) => kind === "warehouse")?.locationId ?? ""
  const lines = [{ lineId: "10", sku, locationId: warehouse, orderedMilli: 9000, unit: "ea" }]
  expect(await post("/v1/purchase-orders", { purchaseOrders: [order("4500020", { lines })] })).toEqual([
    { outcome: "accepted" },
  ])
  const onOrder = async () => {
    const { body } = await t.api("GET", `/v1/replenishment?sku=${sku}&location=${warehouse}`)
    return (body.items?.[0] as unknown as ReplenishmentSignal | undefined)?.onOrder.milli
  }
  await eventually("9 on order", async () => (await onOrder()) === 9000, { withinMs: 40_000, seen: onOrder })
  const came = { movement: "received", locationId: warehouse, purchaseOrderId: "4500020" }
  await control(t.lab.warehouse, "movements", { ...came, lines: [{ sku, quantityMilli: 7000, unit: "ea" }] })
  await eventually("2 on order", async () => (await onOrder()) === 2000, { withinMs: 40_000, seen: onOrder })
})

test("S-41, S-62: stock that falls below a threshold is told once in the log, and who asks for changes sees it", async () => {
  const { body: before } = await t.api("GET", `/v1/replenishment?location=${place}&limit=1`)
  const { changedUpTo } = before as unknown as { changedUpTo: string }
  const movements = [1, 2].map((n) => ({
    fact: `sold-${n}`,
    kind: "sale",
    sku: "PLAN-1",
    locationId: place,
    milli: 14_500,
    occurredAt: new Date().toISOString(),
  }))
  await t.api("POST", "/v1/stock-movements", { movements })
  await becomes("below", ({ below }) => below.some(({ threshold }) => threshold === "low"))
  const { body } = await t.api("GET", "/v1/events?type=stock.threshold-crossed")
  const crossed = (body.items as unknown as { data: { sku: string; side: string; milli: number } }[]).filter(
    ({ data }) => data.sku === "PLAN-1",
  )
  expect(crossed.map(({ data }) => [data.side, data.milli])).toContainEqual(["below", 3000])
  const { body: below } = await t.api("GET", "/v1/replenishment?below=low")
  expect(below.items).toHaveLength(1)
  const { body: changed } = await t.api("GET", `/v1/replenishment?changedSince=${changedUpTo}&sku=PLAN-1`)
  expect((changed.items as unknown as ReplenishmentSignal[]).map((one) => one.sku)).toContain("PLAN-1")
})

test("S-63: all positions are read in pages, each once, and say how fresh they are", async () => {
  const seen: string[] = []
  for (let cursor = ""; ;) {
    const { body } = await t.api("GET", `/v1/replenishment?location=${place}&limit=40${cursor}`)
    seen.push(...(body.items as unknown as ReplenishmentSignal[]).map((one) => one.sku))
    if (body.cursor === undefined) break
    cursor = `&cursor=${String(body.cursor)}`
  }
  const [{ count } = { count: 0 }] = await t.sql<{ count: number }[]>`
    select count(*)::int as count from stock_positions where location_id = ${place}`
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen).toHaveLength(count)
  expect(seen).toContain(sku)
  const { body } = await t.api("GET", `/v1/replenishment?sku=${sku}&location=${place}`)
  const { sources } = body as unknown as { sources: { purchasing: { source: string }[] } }
  expect(sources.purchasing.map(({ source }) => source)).toEqual([expect.stringMatching(/^api:/), "warehouse"])
})

test("S-63: `crossdock stock replenishment` shows what planning is told", async () => {
  const { text } = await runCommand(t, ["stock", "replenishment", "--below", "low"], {})
  expect(text).toMatch(/PLAN-1 .*10 days \(1\).*low/)
})

test("a cursor that nobody gave, and changes with a cursor, are refused with what to do", async () => {
  for (const query of ["cursor=abc", "changedSince=0&cursor=abc", "changedSince=-1"]) {
    const { status } = await t.api("GET", `/v1/replenishment?${query}`)
    expect(status).toBe(422)
  }
})
