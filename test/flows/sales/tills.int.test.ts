import { afterAll, beforeAll, expect, test } from "vitest"
import type { Receipt } from "../../../src/canonical/sales/receipt.ts"
import {
  control,
  eventually,
  quietWarehouse,
  startTestCrossdock,
  type TestCrossdock,
} from "../../fixtures/crossdock.ts"
import { saleReceipt } from "../../fixtures/sales/receipts.ts"

// Tills that were alone for hours, and days that do not become whole.

let t: TestCrossdock
let stores: string[] = []
/** How far Crossdock's clock is ahead of the wall's. */
let aheadMs = 0
/** Tells a second attempt of a test from its first. */
let attempt = 0
const hourMs = 3_600_000

beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 92,
    lab: quietWarehouse,
    clock: { now: () => Date.now() + aheadMs },
    estate: (estate) => ({
      ...estate,
      policies: {
        ...estate.policies,
        sales: { closeAfter: { days: 1000 }, waitForReceipts: { hours: 4 }, gapsToldAfter: { minutes: 15 } },
      },
    }),
  })
  stores = t.lab.estate.locations.filter(({ kind }) => kind === "store").map(({ locationId }) => locationId)
})
afterAll(async () => t?.stop())

type Results = { results: { outcome: string }[] }
async function send(receipts: Receipt[]): Promise<string[]> {
  const { status, body } = await t.api("POST", "/v1/sales", { receipts })
  expect([status, body]).toEqual([200, expect.anything()])
  return (body as unknown as Results).results.map(({ outcome }) => outcome)
}

interface Day {
  state: string
  waitsFor: string[]
  counts: { tender: string; expectedMinor?: number; overShortMinor?: number }[]
  closures: {
    receiptCount: number
    missing: string[]
    entries: { entryId: string; lines: { amountMinor: number }[] }[]
  }[]
}
const day = (storeId: string, businessDay: string) => `/v1/store-days/${storeId}/${businessDay}`
const close = async (path: string) => (await t.api("POST", `${path}/close`, {})).body as unknown as Day

test("P-28: tills that were offline for hours and come back in two sessions, repeating and reusing numbers: the centre has their journals, and the Z ties", async () => {
  const [storeId = ""] = stores
  const trading = { gatewayUrl: t.gatewayUrl, key: t.key, storeId, tills: 3, everyMs: 0 }
  await control(t.lab.tills, "trading", trading)
  await control(t.lab.tills, "line", { isOffline: true })
  await control(t.lab.tills, "sales", { count: 600 })
  expect(await control(t.lab.tills, "sync", {})).not.toEqual({ unsent: 0 })
  await control(t.lab.tills, "close", {})
  await control(t.lab.tills, "line", { isOffline: false })
  await control(t.lab.tills, "sync", { twice: true })
  expect(await control(t.lab.tills, "sync", {})).toEqual({ unsent: 0 })

  const journal = t.lab.tills.books()["receipts"] as Receipt[]
  // A till that used a number again while nobody listened.
  const sold = journal.find(({ kind }) => kind === "sale")
  expect(await send([{ ...sold, cashier: "somebody else" } as Receipt])).toEqual(["conflict"])

  const kept = await t.sql<{ till_id: string; sequence: number }[]>`
    select till_id, sequence from receipts where store_id = ${storeId} and standing = 'recorded' order by till_id, sequence`
  const told = journal.map(({ tillId, sequence }) => `${tillId}/${sequence}`).sort()
  expect(kept.map(({ till_id, sequence }) => `${till_id}/${sequence}`).sort()).toEqual(told)

  const [{ business_day: businessDay = "" } = {}] = await t.sql<{ business_day: string }[]>`
    select business_day::text from receipts where store_id = ${storeId} limit 1`
  const closed = await close(day(storeId, businessDay))
  expect(closed).toMatchObject({ state: "closed", closures: [{ receiptCount: journal.length, missing: [] }] })
  // To the cent: every drawer has what its till's own count says.
  const cash = closed.counts.filter(({ tender }) => tender === "cash")
  expect(cash.map(({ overShortMinor }) => overShortMinor)).toEqual([0, 0, 0])
})

test("a day whose receipts do not come is posted at its deadline with what is there, and people are told what it lacks", async () => {
  const [, storeId = ""] = stores
  attempt += 1
  const businessDay = `2026-10-0${attempt}`
  const path = day(storeId, businessDay)
  const at = { storeId, epoch: String(attempt), tillId: "7", businessDay, endedAt: `${businessDay}T10:00:00.000Z` }
  await send([saleReceipt({ ...at, sequence: 1 }), saleReceipt({ ...at, sequence: 4 })])
  const missing = `store ${storeId} till 7: 2-3 outstanding`
  expect(await close(path)).toMatchObject({ state: "closing", waitsFor: [missing] })
  aheadMs += 5 * hourMs
  expect(await close(path)).toMatchObject({ state: "closed", closures: [{ receiptCount: 2, missing: [missing] }] })
  const told = await eventually(
    "people are told",
    async () => {
      const { body } = await t.api("GET", "/v1/exceptions?state=open&limit=100")
      const items = body.items ?? []
      const about = (cause: string) =>
        items.find((one) => one["cause"] === cause && JSON.stringify(one).includes("till 7"))
      return about("receipts are missing") && about("receipts are outstanding")
    },
    { withinMs: 60_000, seen: async () => (await t.api("GET", "/v1/exceptions?state=open&limit=100")).body.items },
  )
  expect(told["summary"]).toBe(`${missing}.`)
  // They come, after all: the case ends by itself, and they are a correction.
  await send([saleReceipt({ ...at, sequence: 2 }), saleReceipt({ ...at, sequence: 3 })])
  expect((await close(path)).closures).toMatchObject([{ receiptCount: 2 }, { receiptCount: 2, reasons: ["late_sale"] }])
  await eventually(
    "the gap is closed",
    async () => {
      const { body } = await t.api("GET", `/v1/exceptions/${String(told["id"])}`)
      return (body as unknown as { state: string }).state !== "open"
    },
    { withinMs: 60_000 },
  )
}, 200_000)

test("STORES 22: sold in one store and given back in another, goods are where they came back, and tenders tie in both", async () => {
  const [, , sold = "", returned = ""] = stores
  const sku = t.lab.estate.stock.find((row) => row.locationId === sold && row.onHandMilli >= 3000)?.sku ?? ""
  const onHand = async () => {
    const rows = await t.sql<{ location_id: string; on_hand_milli: number }[]>`
      select location_id, on_hand_milli from stock_positions where sku = ${sku}`
    return [sold, returned, `${returned}/damaged`].map(
      (place) => rows.find(({ location_id }) => location_id === place)?.on_hand_milli ?? 0,
    )
  }
  const [a = 0, b = 0, c = 0] = await onHand()
  const at = { tillId: "1", sku, businessDay: "2026-10-02", endedAt: "2026-10-02T10:00:00.000Z" }
  const original = { storeId: sold, tillId: "1", sequence: 1, lineId: "1" }
  const back = (sequence: number, disposition: "sell here" | "damaged") => {
    const receipt = saleReceipt({ ...at, storeId: returned, sequence, amountMinor: -1190 })
    return {
      ...receipt,
      lines: (receipt.lines ?? []).map((line) => ({ ...line, returned: { original, disposition } })),
    }
  }
  await send([
    saleReceipt({ ...at, storeId: sold, sequence: 1, amountMinor: 1190 }),
    back(1, "sell here"),
    back(2, "damaged"),
  ])
  await eventually("stock", async () => String(await onHand()) === String([a - 1000, b + 1000, c + 1000]), {
    seen: onHand,
  })
  expect((await close(day(returned, "2026-10-02"))).closures).toMatchObject([
    { tenders: [{ tender: "cash", amountMinor: -2380 }] },
  ])
})

test("goods handed over for an order of ours are not sold twice: its shipment moves the stock", async () => {
  const [, , , , storeId = ""] = stores
  const sku = t.lab.estate.stock.find((row) => row.locationId === storeId && row.onHandMilli >= 3000)?.sku ?? ""
  const receipt = saleReceipt({ storeId, tillId: "1", sequence: 1, sku, endedAt: "2026-10-03T10:00:00.000Z" })
  const own = (receipt.lines ?? []).map((line) => ({ ...line, orderId: "ord_0123456789abcdef" }))
  await send([
    { ...receipt, lines: own },
    saleReceipt({ storeId, tillId: "1", sequence: 2, sku, endedAt: "2026-10-03T10:00:01.000Z" }),
  ])
  const booked = async () => {
    const rows = await t.sql<{ fact: string }[]>`
      select fact from stock_ledger where sku = ${sku} and location_id = ${storeId} and fact like 'sale/%'`
    return rows.map(({ fact }) => fact.split(":")[0])
  }
  await eventually("the second is booked", async () => (await booked()).length > 0, { seen: booked })
  expect(await booked()).toEqual([expect.stringMatching(/\/2$/)])
})

test("who counts does not see what is expected; who approves does", async () => {
  const [, , , , , storeId = ""] = stores
  const at = { storeId, tillId: "1", sessionId: "s", businessDay: "2026-10-04", endedAt: "2026-10-04T10:00:00.000Z" }
  await send([saleReceipt({ ...at, sequence: 1 })])
  const { consumers, access } = t.crossdock
  await consumers.put({
    id: "cashier",
    name: "Cashier",
    owner: "stores",
    scopes: ["sales:read"],
    ratePerSecond: 50,
    burst: 50,
    apiVersion: "2026-11-01",
  })
  const { key } = await consumers.addKey("cashier")
  await access.refresh()
  const path = day(storeId, "2026-10-04")
  const seen = await fetch(t.gatewayUrl + path, { headers: { authorization: `Bearer ${key}` } })
  const [blind] = ((await seen.json()) as Day).counts
  expect(blind).toEqual({ sessionId: "s", tender: "cash", currency: "EUR" })
  expect(((await t.api("GET", path)).body as unknown as Day).counts[0]).toMatchObject({ expectedMinor: 1190 })
})
