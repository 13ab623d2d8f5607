import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { saleReceipt } from "../../../test/fixtures/sales/receipts.ts"
import type { Receipt, ReceiptReference } from "../../canonical/sales/receipt.ts"
import { EventLog, storedEvent, type EventRow } from "../../eventlog/event-log.ts"
import { salesDefaults } from "../policies.ts"
import { Receipts } from "../record.ts"
import type { Selling } from "../selling.ts"
import { findReceipts } from "../views.ts"
import { TillTakings } from "./till-takings.ts"
import { withTakings } from "./view.ts"

// Returns of what was sold before a store's receipts came here.

let database: FreshDatabase
let selling: Selling
let receipts: Receipts
let takings: TillTakings
let nowMs = Date.UTC(2026, 10, 20, 12)

beforeAll(async () => {
  database = await freshDatabase()
  const eventLog = new EventLog(database.sql)
  selling = {
    sql: database.sql,
    clock: { now: () => nowMs },
    eventLog,
    stores: new Map(["A", "B", "C"].map((id) => [id, { timeZone: "UTC" }])),
    policies: { ...salesDefaults, firstDays: { all: "2026-11-10", stores: { B: "2026-11-20" } }, numberedByDay: ["C"] },
  }
  receipts = new Receipts(selling, () => undefined)
  const orders = { claim: async () => ({ grantedMilli: 0 }), giveBack: async () => undefined }
  takings = new TillTakings({ ...selling, eventLog, ours: async () => [], partsOf: async () => new Map(), orders })
})
afterAll(() => database?.drop())

const at = (storeId: string, sequence: number) => ({ storeId, tillId: "1", sequence, businessDay: "2026-11-20" })
type Sold = Omit<ReceiptReference, "tillId"> & { tillId?: string; soldAt?: string }
function back(by: { storeId: string; sequence: number }, original: Sold): Receipt {
  const whole = saleReceipt({ ...at(by.storeId, by.sequence), amountMinor: -1190 })
  const lines = (whole.lines ?? []).map((line) => ({ ...line, returned: { original: { ...original, lineId: "1" } } }))
  return { ...whole, lines }
}
async function send(...all: Receipt[]): Promise<void> {
  const told = await receipts.record(all, { source: "tills", stores: undefined })
  expect(told.map(({ outcome }) => outcome)).toEqual(all.map(() => "accepted"))
  const rows = await database.sql<EventRow[]>`select * from events where type = 'sale.recorded' order by xid, seq`
  await takings.subscriber().handle(rows.map(storedEvent))
}
async function later(): Promise<void> {
  nowMs += 5 * 3_600_000
  await takings.keep()
}
async function cases(storeId: string): Promise<string[]> {
  const rows = await database.sql<{ key: string }[]>`
    select key from events where type = 'exception.opened' and key like ${`sale/${storeId}/%`} order by key`
  return rows.map(({ key }) => key)
}
async function tookBack(storeId: string, sequence: number) {
  const number = { storeId, tillId: "1", sequence, limit: 10 }
  const { items } = await withTakings(selling, await findReceipts(selling, number))
  return items.flatMap((one) => one.tookBack ?? [])
}

test("a return of a sale of before the store's first day opens no case and says so; one of a day since then opens one", async () => {
  const older = { storeId: "A", tillId: "1", sequence: 7, businessDay: "2026-11-09" }
  const newer = { ...older, businessDay: "2026-11-10" }
  await send(back({ storeId: "A", sequence: 100 }, older), back({ storeId: "A", sequence: 101 }, newer))
  expect(await tookBack("A", 100)).toMatchObject([{ state: "waiting" }])
  await later()
  expect(await cases("A")).toEqual(["sale/A/1/2026-11-20/1/101"])
  expect(await tookBack("A", 100)).toMatchObject([
    { state: "older", original: older, quantityMilli: 1000, lostMinor: 0 },
  ])
  expect(await tookBack("A", 101)).toMatchObject([{ state: "waiting" }])
  await later()
  expect(await cases("A")).toEqual(["sale/A/1/2026-11-20/1/101"])
})

test("a sale without its day is older when its number is below the first one that the till told here", async () => {
  const [below, above] = [
    { storeId: "B", tillId: "1", sequence: 99 },
    { storeId: "B", tillId: "1", sequence: 150 },
  ]
  const unknown = { storeId: "B", tillId: "9", sequence: 3 }
  await send(
    back({ storeId: "B", sequence: 100 }, below),
    back({ storeId: "B", sequence: 101 }, above),
    back({ storeId: "B", sequence: 102 }, unknown),
  )
  // Where numbers begin anew each day, one says nothing of its age.
  await send(back({ storeId: "C", sequence: 100 }, { storeId: "C", tillId: "1", sequence: 99 }))
  await later()
  expect(await cases("B")).toEqual(["sale/B/1/2026-11-20/1/101", "sale/B/1/2026-11-20/1/102"])
  expect(await cases("C")).toHaveLength(1)
  expect(await tookBack("B", 100)).toMatchObject([{ state: "older" }])
})

test("each store has its own first day, and what comes all the same counts, and counts once", async () => {
  const sold = { ...saleReceipt(at("B", 50)), businessDay: "2026-11-15", sequence: 50, tillId: "2" }
  const original = { storeId: "B", tillId: "2", sequence: 50, businessDay: "2026-11-15" }
  await send(back({ storeId: "B", sequence: 103 }, original), back({ storeId: "A", sequence: 104 }, original))
  await later()
  expect(await tookBack("B", 103)).toMatchObject([{ state: "older" }])
  expect(await cases("A")).not.toContain("sale/A/1/2026-11-20/1/104")
  await send(sold)
  expect(await tookBack("B", 103)).toMatchObject([{ state: "standing", grantedMilli: 1000, lostMinor: 0 }])
  expect(await tookBack("A", 104)).toMatchObject([{ state: "standing", why: "given back before", lostMinor: 1190 }])
})

test("a document names no day: when it was sold tells whether its receipt is expected", async () => {
  const document = (documentId: string, soldAt?: string) => ({
    storeId: "A",
    documentId,
    ...(soldAt === undefined ? {} : { soldAt }),
  })
  await send(
    back({ storeId: "A", sequence: 110 }, document("OLD", "2026-11-09T23:59:59.000Z")),
    back({ storeId: "A", sequence: 111 }, document("NEW", "2026-11-10T00:00:00.000Z")),
    back({ storeId: "A", sequence: 112 }, document("UNDATED")),
  )
  await later()
  const opened = await cases("A")
  expect([110, 111, 112].filter((n) => opened.includes(`sale/A/1/2026-11-20/1/${n}`))).toEqual([111, 112])
  expect(await tookBack("A", 110)).toMatchObject([{ state: "older", original: { documentId: "OLD" } }])
})
