import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { cash, goods, read, sale } from "../../test/fixtures/sales/poslog-lines.ts"
import { saleReceipt } from "../../test/fixtures/sales/receipts.ts"
import { poslogFile, transaction } from "../../test/fixtures/sales/poslog.ts"
import { openSql, type Sql } from "../base/sql.ts"
import { EventLog } from "../eventlog/event-log.ts"
import { salesDefaults } from "./policies.ts"
import type { PoslogPolicy } from "./poslog/policy.ts"
import { Receipts } from "./record.ts"

let database: FreshDatabase
let receipts: Receipts
const receiptsBy = (sql: Sql) =>
  new Receipts(
    {
      sql,
      clock: { now: () => Date.UTC(2026, 10, 20, 12) },
      eventLog: new EventLog(sql),
      stores: new Map([["117", { timeZone: "Europe/Berlin" }]]),
      policies: salesDefaults,
    },
    () => undefined,
  )
beforeAll(async () => {
  database = await freshDatabase()
  receipts = receiptsBy(database.sql)
})
afterAll(() => database?.drop())

const header = { storeId: "117", tillId: "3", endedAt: "2026-11-20T10:00:00.000Z", currency: "EUR" }
const send = async (file: string, policy: PoslogPolicy = {}) => {
  const outcomes = await receipts.recordRead(read(file, policy), { source: "a test", stores: undefined })
  return outcomes.map(({ outcome }) => outcome)
}
const tax = `<Tax TaxType="VAT"><Amount>2.10</Amount><Percent>21</Percent></Tax>`
const body = (amount: string) => sale(goods(1, amount, tax) + cash(2, amount))

test("a file that is sent again after its words were explained is the same as before, and one with other content is a conflict", async () => {
  const file = poslogFile([transaction({ ...header, sequence: 1 }, body("12.10"))])
  expect(await send(file)).toEqual(["accepted"])
  expect(await send(file, { taxCodes: { "VAT 21": "NL-21" } })).toEqual(["same as before"])
  const other = poslogFile([transaction({ ...header, sequence: 1 }, body("13.10"))])
  expect(await send(other)).toEqual(["conflict"])
  // What was in conflict stays so, and is kept once.
  expect(await send(other, { taxCodes: { "VAT 21": "NL-21" } })).toEqual(["conflict"])
  const [kept] = await database.sql<{ count: number }[]>`select count(*)::int as count from receipts where sequence = 1`
  expect(kept?.count).toBe(2)
})

test("of a receipt that does not fit, what is kept for people is without its buyer and without numbers of cards", async () => {
  const long = `<Customer><CustomerID>anna@example.com</CustomerID></Customer>${goods(1, "12.10").replace("A-1", "x".repeat(300))}`
  const noted = goods(3, "0.00", "<Description>paid by 4111111111111111</Description>")
  expect(
    await send(poslogFile([transaction({ ...header, sequence: 2 }, sale(long + noted + cash(2, "12.10")))])),
  ).toEqual(["parked"])
  const [event] = await database.sql<{ data: { unread: { asSent: string } } }[]>`
    select data from events where type = 'sale.parked'`
  expect(event?.data.unread.asSent).toContain("…1111")
  expect(event?.data.unread.asSent).not.toMatch(/anna@example|4111111111111111/)
})

test("the exception of a receipt that cannot be read says what was printed on it, and of one that does not fit what was paid", async () => {
  const odd = `<LineItem><SequenceNumber>9</SequenceNumber><Tender TenderType="Odd"><Amount>12.10</Amount></Tender></LineItem>`
  const total = `<Total TotalType="TransactionGrandAmount">12.10</Total>`
  const long = goods(1, "7.30").replace("A-1", "x".repeat(300))
  const file = poslogFile([
    transaction({ ...header, sequence: 3 }, sale(goods(1, "12.10") + odd + total)),
    transaction({ ...header, sequence: 4 }, sale(long + cash(2, "7.30"))),
  ])
  expect(await send(file)).toEqual(["parked", "parked"])
  const opened = await database.sql<{ data: { summary: string; atRisk: object } }[]>`
    select data from events where type = 'exception.opened' and data ->> 'cause' = 'receipt cannot be read' order by key`
  expect(opened.map(({ data }) => data.atRisk).slice(-2)).toEqual([
    { amountMinor: 1210, currency: "EUR" },
    { amountMinor: 730, currency: "EUR" },
  ])
  expect(opened.at(-2)?.data.summary).toContain("store 117 till 3: 3 of 2026-11-20 (12.10 EUR) cannot be read whole")
})

test("a receipt is looked for by its number alone, however many the store's day has, before there are statistics, too", async () => {
  await database.sql`alter table receipts set (autovacuum_enabled = false)`
  // One session, so that it can say what it read.
  const sql = openSql(database.url, { connectionsMax: 1, name: "one gateway" })
  const entriesRead = async () => {
    const [row] = await sql<{ entries: number }[]>`
      select pg_stat_force_next_flush(), (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'receipts')::int as entries`
    return row?.entries ?? 0
  }
  await entriesRead()
  const before = await entriesRead()
  const count = 1500
  const day = Array.from({ length: count }, (_, sequence) =>
    saleReceipt({ storeId: "117", tillId: "many", sequence, businessDay: "2026-11-20" }),
  )
  await receiptsBy(sql).record(day, { source: "a test", stores: undefined })
  await entriesRead()
  // By their store's day it would be more than a million.
  expect((await entriesRead()) - before).toBeLessThan(count * 10)
  await sql.end()
})
