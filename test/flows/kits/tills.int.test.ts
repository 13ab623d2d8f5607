import { afterAll, beforeAll, expect, test } from "vitest"
import { own } from "../../../src/governance/ownership/own.ts"
import type { ReceiptLine } from "../../../src/canonical/sales/receipt-line.ts"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../../fixtures/crossdock.ts"
import { plentifulSkus } from "../../fixtures/order-flow.ts"
import { saleReceipt } from "../../fixtures/sales/receipts.ts"
import { lying, shippedOrder } from "../../fixtures/shop/returned-order.ts"

// Kits and sales units at tills: what is sold and what comes back are goods of the store.

let t: TestCrossdock
let kit = ""
let cased = ""
let cup = ""
let tea = ""
let can = ""
let store = ""
let sequence = 0
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 58,
    skuCount: 140,
    lab: quietWarehouse,
    estate: (estate) => ({
      ...estate,
      ownership: [
        own("product.*", {}, { owner: "api:operator", to: [] }),
        ...(estate.ownership ?? []).filter((rule) => !rule.field.startsWith("product.")),
      ],
    }),
  })
  ;[cup = "", tea = "", can = ""] = plentifulSkus(t, 3)
  ;[kit = "", cased = ""] = t.lab.estate.skus.filter(({ kind }) => kind === "kit").map(({ sku }) => sku)
  store = t.lab.estate.locations.find(({ kind }) => kind === "store")?.locationId ?? ""
  await madeOf({ [cup]: 2000, [tea]: 1000 })
  await put(can, [{ field: "units", set: { base: "ea", sales: [{ unit: "case", baseMilli: 6000, sku: cased }] } }])
}, 120_000)
afterAll(async () => t?.stop())

async function put(sku: string, changes: object[]): Promise<void> {
  const { status, body } = await t.api("PUT", `/v1/products/${sku}`, { changes })
  expect([status, body]).toEqual([
    200,
    expect.objectContaining({ outcome: expect.stringMatching("accepted|unchanged") }),
  ])
}
const madeOf = (parts: Record<string, number>) => {
  const components = Object.entries(parts).map(([sku, milli]) => ({ sku, milli }))
  return put(kit, [{ field: "kit", set: { stock: "derived", components } }])
}

type Line = Pick<ReceiptLine, "sku" | "quantityMilli"> & Partial<ReceiptLine>
/** Sends a receipt of these lines, each for 5.00 a piece, and returns its number. */
async function ring(...wanted: Line[]): Promise<number> {
  sequence += 1
  const lines = wanted.map((line, n): ReceiptLine => ({
    lineId: String(n + 1),
    unit: "ea",
    amountMinor: line.quantityMilli / 2,
    ...line,
  }))
  const totalMinor = lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0)
  const at = { storeId: store, tillId: "1", sequence, businessDay: "2026-11-20" }
  const receipt = { ...saleReceipt(at), lines, tenders: [{ kind: "cash", amountMinor: totalMinor }] }
  const { status, body } = await t.api("POST", "/v1/sales", { receipts: [receipt] })
  expect([status, body]).toMatchObject([200, { results: [{ outcome: "accepted" }] }])
  return sequence
}
const here = async () => {
  const at = await Promise.all([cup, tea, can, kit, cased].map((sku) => lying(t, sku)))
  return at.map((places) => (places[store] ?? 0) / 1000)
}
/** Waits until so many pieces of cups, tea and cans more lie in the store than before. */
async function untilMoved(before: readonly number[], by: readonly [cup: number, tea: number, can: number]) {
  const wanted = before.map((pieces, n) => pieces + (by[n] ?? 0))
  const isThere = async () => JSON.stringify(await here()) === JSON.stringify(wanted)
  await eventually(`the store has ${String(by)} more`, isThere, {
    withinMs: 60_000,
    seen: async () => ({ before, now: await here() }),
  })
}
const open = async () => (await t.api("GET", "/v1/exceptions?state=open&limit=200")).body.items ?? []
const toldOfPart = (of: string) =>
  eventually(`people are told of a part of ${of}`, async () => {
    const cases = (await open()).filter(({ cause }) => cause === "part of a kit came back")
    const words = `took back 1 × ${cup}, which is a part of what ${of} sold whole.`
    return cases.map(({ summary }) => String(summary)).find((summary) => summary.includes(words))
  })
const soldAt = (number: number) => ({
  original: { storeId: store, tillId: "1", businessDay: "2026-11-20", sequence: number, lineId: "1" },
})

test("a till that sells a kit, a case by its SKU and a case by its unit takes their parts off the store's shelf, and a kit that comes back puts them there again", async () => {
  const before = await here()
  const number = await ring(
    { sku: kit, quantityMilli: 2000 },
    { sku: cased, quantityMilli: 1000 },
    { sku: can, quantityMilli: 2000, unit: "case" },
    { sku: can, quantityMilli: 1000 },
  )
  await untilMoved(before, [-4, -2, -19])
  await ring({ sku: kit, quantityMilli: -1000, returned: soldAt(number) })
  await untilMoved(before, [-2, -1, -19])
  expect((await open()).filter(({ cause }) => String(cause).includes("came back"))).toEqual([])
})

test("a part of a kit that a till sold is told as that, and not as other goods; it lies in the store", async () => {
  const before = await here()
  const number = await ring({ sku: kit, quantityMilli: 1000 })
  await ring({ sku: cup, quantityMilli: -1000, returned: soldAt(number) })
  await untilMoved(before, [-1, -1, 0])
  const summary = await toldOfPart(`line 1 of store ${store} till 1: ${number}`)
  expect(summary).toContain("The till gave 5.00 EUR for it; what is due for a part alone, nobody has said.")
})

test("an order's kit that comes back at a till is what it was sold as, whatever the kit is made of by now; a part of one is told as that", async () => {
  const draft = (externalId: string) => ({ externalId, lines: [{ sku: kit, count: 2, totalMinor: 2000 }] })
  const orderId = await shippedOrder(t, draft("KT-1"))
  await madeOf({ [tea]: 5000 })
  const before = await here()
  await ring({ sku: kit, quantityMilli: -1000, returned: { orderId } })
  await untilMoved(before, [2, 1, 0])
  await ring({ sku: cup, quantityMilli: -1000, returned: { orderId } })
  await untilMoved(before, [3, 1, 0])
  await toldOfPart(`order ${orderId}`)
  // One kit is left to come back: the part took nothing of it.
  await ring({ sku: kit, quantityMilli: -1000, returned: { orderId } })
  await untilMoved(before, [5, 2, 0])
  expect((await open()).filter(({ cause }) => cause === "unit was given back before")).toEqual([])
  await madeOf({ [cup]: 2000, [tea]: 1000 })
})

test("a packing that the product does not have is not counted as one piece: the receipt waits, and is booked when the unit is declared", async () => {
  const before = await here()
  await ring({ sku: can, quantityMilli: 1000, unit: "tray" }, { sku: cup, quantityMilli: 1000 })
  await untilMoved(before, [-1, 0, 0])
  const sales = [
    { unit: "case", baseMilli: 6000, sku: cased },
    { unit: "tray", baseMilli: 4000 },
  ]
  await put(can, [{ field: "units", set: { base: "ea", sales } }])
  await untilMoved(before, [-1, 0, -4])
})
