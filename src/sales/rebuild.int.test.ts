import { afterAll, beforeAll, expect, test } from "vitest"
import { Till } from "../../chaos/stores/till.ts"
import { randomStream } from "../../lab/random.ts"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { cash, goods, sale } from "../../test/fixtures/sales/poslog-lines.ts"
import { poslogFile, transaction } from "../../test/fixtures/sales/poslog.ts"
import { saleReceipt } from "../../test/fixtures/sales/receipts.ts"
import { textKey } from "../base/ids.ts"
import { systemClock } from "../base/time.ts"
import type { NumberedReceipt } from "../canonical/sales/receipt.ts"
import { EventLog } from "../eventlog/event-log.ts"
import { approveCount, requestClosing } from "./close-day.ts"
import { takeAnnouncement } from "./edge-journals.ts"
import { salesDefaults } from "./policies.ts"
import { readPoslog } from "./poslog/read-transaction.ts"
import { rebuildSales, type OnMended, type SalesDifference } from "./rebuild.ts"
import { Receipts } from "./record.ts"
import type { Selling } from "./selling.ts"

// I-10: the views of sales can be made anew from the log.

const seed = 528
const stores = ["117", "118", "119", "120", "121", "122", "123"]
const sender = { source: "test", stores: undefined }

let database: FreshDatabase
let selling: Selling
let receipts: Receipts

beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 8 })
  selling = {
    sql: database.sql,
    clock: systemClock,
    eventLog: new EventLog(database.sql),
    stores: new Map(stores.map((id) => [id, { timeZone: "UTC" }])),
    policies: { ...salesDefaults, numberedByDay: ["118"] },
  }
  receipts = new Receipts(selling, () => undefined)
})
afterAll(() => database?.drop())

const days = Array.from({ length: 7 }, (_, n) => `2026-10-${String(n + 5).padStart(2, "0")}`)

async function send(rows: readonly object[]): Promise<void> {
  const told = await receipts.record(rows, sender)
  expect(told.filter(({ outcome }) => outcome === "refused")).toEqual([])
}
const close = (storeId: string, businessDay: string, tills: { tillId: string; lastSequence: number }[] = []) =>
  requestClosing(selling, { storeId, businessDay }, { by: "ina", tills })
/** In so many parts as it takes, of a day each. */
async function rebuild(storeId: string, isDryRun: boolean, onMended?: OnMended) {
  const whole: { differences: number; items: SalesDifference[]; parts: number } = {
    differences: 0,
    items: [],
    parts: 0,
  }
  let cursor: string | undefined
  do {
    const mended = onMended ? { onMended } : {}
    const part = await rebuildSales(selling, { storeId, isDryRun, cursor, forMs: 0, ...mended })
    whole.differences += part.differences
    whole.items.push(...part.items)
    whole.parts += 1
    cursor = part.cursor
  } while (cursor !== undefined)
  return whole
}

/** A week of a store: sales, returns, voids, conflicts, parked receipts and corrected ones, gaps, closings, and what comes after them. */
async function week(storeId: string): Promise<void> {
  const random = randomStream(seed, storeId)
  const returnable: ConstructorParameters<typeof Till>[0]["returnable"] = []
  const tills = ["1", "2", "3"].map((tillId) => new Till({ storeId, tillId, random, returnable }))
  const sent = new Map(tills.map((till) => [till, 0]))
  const held: NumberedReceipt[] = []
  for (const [n, day] of days.entries()) {
    for (const till of tills) {
      till.clock(day, `${day}T10:00:00.000Z`)
      till.open()
      for (let count = random.integer(5, 15); count > 0; count -= 1) till.next()
      if (random.chance(0.4)) till.useNumberTwice()
      if (random.chance(0.2)) till.reinstall()
      till.close()
      const fresh = till.paper.slice(sent.get(till))
      sent.set(till, till.paper.length)
      // Some stay behind, some come twice, and some do not add up at first.
      const behind = fresh.filter(({ kind }) => kind === "sale" && random.chance(0.1))
      held.push(...behind)
      const wrong = fresh
        .filter(({ kind }) => kind === "sale")
        .slice(0, 1)
        .map((one): object => ({ ...one, status: "completed", tenders: [{ kind: "cash", amountMinor: 1 }] }))
      await send(wrong)
      await send([...fresh.filter((one) => !behind.includes(one)), ...fresh.slice(0, 3)])
    }
    if (n === 5) continue
    const last = tills.flatMap((till) => till.lastOf(day))
    await close(storeId, day, n % 2 === 0 ? last : [])
    if (n % 3 === 0) await send(held.splice(0, Math.ceil(held.length / 2)))
  }
  await send(held.splice(1))
  for (const day of days.slice(0, 5)) await close(storeId, day)
  // Something of each day comes after it was closed.
  const late = tills[0]
  for (const day of days.slice(0, 4)) {
    late?.clock(day, `${day}T20:00:00.000Z`)
    late?.sell()
    await send(late?.paper.slice(-1) ?? [])
    await close(storeId, day)
  }
}

const views = ["receipts", "till_days", "till_runs", "store_days", "store_closures"] as const
const tablesOf = async (storeId: string) =>
  Object.fromEntries(
    await Promise.all(
      views.map(async (view) => {
        const rows = await database.sql<{ row: object }[]>`
          select to_jsonb(v) as row from ${database.sql(view)} v where store_id = ${storeId} order by to_jsonb(v)::text`
        return [view, rows.map(({ row }) => row)] as const
      }),
    ),
  )

test("I-10: after a week of receipts, conflicts, corrections, closings and voids a rebuild finds every row as it is", async () => {
  const storeId = stores[0] ?? ""
  await week(storeId)
  const before = await tablesOf(storeId)
  const kinds = await database.sql<{ standing: string; n: number }[]>`
    select standing, count(*)::integer as n from receipts where store_id = ${storeId} group by 1 order by 1`
  // A week without one of these proves nothing about it.
  expect(kinds.map(({ standing }) => standing)).toEqual(["conflicting", "recorded", "replaced"])
  expect(before["store_closures"]?.some((one) => (one as { n: number }).n > 0)).toBe(true)
  expect(await rebuild(storeId, true)).toMatchObject({ differences: 0, items: [] })
  expect(await rebuild(storeId, false)).toMatchObject({ differences: 0 })
  expect(await tablesOf(storeId)).toEqual(before)
})

test("I-10: whatever of the views is lost or wrong is there again, row by row, and a dry run changes nothing", async () => {
  const storeId = stores[1] ?? ""
  const other = stores[2] ?? ""
  await week(storeId)
  await week(other)
  const [before, untouched] = [await tablesOf(storeId), await tablesOf(other)]
  await database.sql`delete from receipts where store_id = ${storeId} and sequence % 3 = 0`
  await database.sql`update receipts set closure = null, amounts = amounts || 1::bigint, accounts = accounts || '["safe","","",""]'::text
    where store_id = ${storeId} and sequence % 3 = 1`
  await database.sql`insert into receipts select (r).* from (select jsonb_populate_record(r, '{"sequence": 99999}') as r from receipts r
    where store_id = ${storeId} limit 1) x`
  await database.sql`delete from store_closures where store_id = ${storeId}`
  await database.sql`update till_days set numbers = '{}', last_sequence = 0 where store_id = ${storeId}`
  await database.sql`update till_runs set outstanding = '{}', first_sequence = 0, last_sequence = 7 where store_id = ${storeId}`
  await database.sql`update store_days set state = 'open', closings = 0, requested_by = null, post_anyway_at = null, heard_at = null
    where store_id = ${storeId}`
  const broken = await tablesOf(storeId)
  const looked = await rebuild(storeId, true)
  expect(looked.differences).toBeGreaterThan(100)
  expect(looked.items).toHaveLength(looked.differences)
  // A part tells of so many rows at most.
  const whole = await rebuildSales(selling, { storeId, isDryRun: true, forMs: 60_000 })
  expect([whole.differences, whole.items.length]).toEqual([looked.differences, 200])
  expect(await tablesOf(storeId)).toEqual(broken)
  expect(await rebuild(storeId, false)).toMatchObject({ differences: looked.differences })
  expect(await tablesOf(storeId)).toEqual(before)
  expect(await rebuild(storeId, false)).toMatchObject({ differences: 0 })
  expect(await tablesOf(other)).toEqual(untouched)
})

test("I-10: a rebuild that dies leaves each day as it was or as the log says, and goes on where it was", async () => {
  const storeId = stores[5] ?? ""
  await week(storeId)
  const before = await tablesOf(storeId)
  await database.sql`delete from receipts where store_id = ${storeId} and sequence % 3 = 0`
  await database.sql`update till_days set numbers = '{}', last_sequence = 0 where store_id = ${storeId}`
  // The numbers of tills are right: a dry run must not compare them with days that are not.
  const wrongIn = new Set((await rebuild(storeId, true)).items.map(({ view }) => view))
  expect([...wrongIn].sort()).toEqual(["receipts", "till_days"])
  await database.sql`update till_runs set outstanding = '{}', last_sequence = 7 where store_id = ${storeId}`
  const looked = await rebuild(storeId, true)
  const mended: { piece: string; differences: number }[] = []
  const dies: OnMended = async (_tx, { piece, differences }) => {
    if (piece === days[3]) throw new Error("the process died")
    mended.push({ piece, differences })
  }
  await expect(rebuild(storeId, false, dies)).rejects.toThrow("the process died")
  expect(mended.map(({ piece }) => piece)).toEqual(days.slice(0, 3))
  const wrongOn = await database.sql<{ day: string }[]>`
    select distinct business_day::text as day from till_days where store_id = ${storeId} and isempty(numbers) order by 1`
  expect(wrongOn.map(({ day }) => day)).toEqual(days.slice(3))
  const rest = await rebuild(storeId, false, async (_tx, piece) => void mended.push(piece))
  expect(mended.map(({ piece }) => piece)).toEqual([...days, "numbers of tills"])
  expect(mended.reduce((sum, { differences }) => sum + differences, 0)).toBe(looked.differences)
  expect(rest.parts).toBe(days.length + 1)
  expect(await tablesOf(storeId)).toEqual(before)
})

test("a cursor of something else is refused", async () => {
  for (const cursor of ["x", Buffer.from('["2026-13-01",""]').toString("base64url")])
    await expect(rebuildSales(selling, { storeId: "117", isDryRun: true, cursor, forMs: 0 })).rejects.toMatchObject({
      code: "REQUEST_INVALID",
    })
})

test("I-10: what files brought, what agents and closers announced, and who accepted a count is as it was", async () => {
  const storeId = stores[3] ?? ""
  const at = { storeId, tillId: "9", currency: "EUR", endedAt: "2026-10-05T10:00:00.000Z" }
  const file = poslogFile([transaction({ ...at, sequence: 7 }, sale(goods(1, "5.00") + cash(2, "5.00")))])
  const policy = { stores: selling.stores, policy: {}, charset: undefined, transactionsMax: 10 }
  const read = await readPoslog(Buffer.from(file), policy)
  expect(await receipts.recordRead(read, sender)).toMatchObject([{ outcome: "accepted" }])
  // Said before any of its receipts came.
  const last = { epoch: "1", businessDay: "2026-10-06", sequence: 12 }
  const chain = { tillId: "8", place: 1, hash: "a".repeat(64), knownPlace: 0, knownHash: "", last }
  await takeAnnouncement(selling, { storeId, journal: "j-1", tills: [chain], incidents: [] })
  const on = { storeId, tillId: "8", sessionId: "s", businessDay: "2026-10-06", endedAt: "2026-10-06T10:00:00.000Z" }
  const count = { ...on, sequence: 14, kind: "count", currency: "EUR", cashier: "ina" }
  const counted = { ...count, counts: [{ tender: "cash", countedMinor: 1 }] }
  await send([saleReceipt({ ...on, sequence: 13, amountMinor: 11_900 }), counted])
  await close(storeId, "2026-10-06", [{ tillId: "8", lastSequence: 15 }])
  await approveCount(selling, { storeId, businessDay: "2026-10-06" }, { sessionId: "s", by: "second person" })
  const before = await tablesOf(storeId)
  expect(before["till_runs"]).toMatchObject([
    { first_sequence: 12, outstanding: "{[12,13),[15,16)}" },
    { first_sequence: 7 },
  ])
  expect(await rebuild(storeId, false)).toMatchObject({ differences: 0, items: [] })
  await database.sql`delete from receipts where store_id = ${storeId}`
  await rebuild(storeId, false)
  expect(await tablesOf(storeId)).toEqual(before)
})

/** Receipts of tills that give no numbers: by a till's system that tells them, parked ones and corrected ones, a conflict, late ones. */
async function documents(storeId: string): Promise<void> {
  const random = randomStream(seed, storeId)
  const told = (
    documentId: string,
    day: string,
    { amountMinor, ...more }: { amountMinor: number; tillId?: string },
  ) => {
    const { sequence: _, ...whole } = saleReceipt({ storeId, tillId: "front", sequence: 0, amountMinor })
    const receipt = { ...whole, documentId, businessDay: day, endedAt: `${day}T10:00:00.000Z`, ...more }
    return { receipt, source: "square", sent: textKey(JSON.stringify([documentId, amountMinor])) }
  }
  for (const [n, day] of days.slice(0, 3).entries()) {
    const of = Array.from({ length: 8 }, (_, m) => told(`DOC${n}${m}`, day, { amountMinor: random.integer(100, 5000) }))
    const [unread, corrected] = [told(`ODD${n}`, day, { amountMinor: 700 }), told(`ODD${n}`, day, { amountMinor: 700 })]
    const { lines: _lines, tenders: _tenders, ...bare } = unread.receipt
    const problems = [{ pointer: "/order", message: "is odd" }]
    await receipts.recordTold([
      ...of,
      { ...unread, receipt: bare, unread: { problems, asSent: "{}", worthMinor: 700 } },
    ])
    // Told again, with a name that another has, and by the other till of the store.
    await receipts.recordTold([
      ...of.slice(0, 3),
      told(`DOC${n}0`, day, { amountMinor: 1 }),
      told(`ALSO${n}`, day, { amountMinor: 900, tillId: "back" }),
    ])
    if (n === 2) continue
    await receipts.recordTold([corrected])
    await close(storeId, day)
  }
  await receipts.recordTold([told("LATE", days[0] ?? "", { amountMinor: 1500 })])
  await close(storeId, days[0] ?? "")
}

test("I-10: receipts that are known by their documents are as they were, whatever is lost of them", async () => {
  const storeId = stores[6] ?? ""
  await documents(storeId)
  const before = await tablesOf(storeId)
  const standings = before["receipts"]?.map((row) => (row as { standing: string }).standing)
  expect(new Set(standings)).toEqual(new Set(["recorded", "parked", "conflicting", "replaced"]))
  expect(before["till_runs"]).toEqual([])
  expect(before["store_closures"]?.map((row) => (row as { n: number }).n).sort()).toEqual([0, 0, 1])
  expect(await rebuild(storeId, true)).toMatchObject({ differences: 0, items: [] })
  await database.sql`delete from receipts where store_id = ${storeId} and document_id like 'DOC%'`
  await database.sql`update receipts set closure = null, document_id = null, sent = null where store_id = ${storeId}`
  await database.sql`delete from till_days where store_id = ${storeId} and till_id = 'front'`
  await database.sql`delete from store_closures where store_id = ${storeId}`
  expect((await rebuild(storeId, false)).differences).toBeGreaterThan(20)
  expect(await tablesOf(storeId)).toEqual(before)
  expect(await rebuild(storeId, true)).toMatchObject({ differences: 0 })
})

test("I-10: receipts that come during a rebuild are in the views", async () => {
  const storeId = stores[4] ?? ""
  const rows = Array.from({ length: 300 }, (_, n) =>
    saleReceipt({ storeId, tillId: String(n % 3), sequence: n, businessDay: "2026-10-05" }),
  )
  const sending = Promise.all(rows.map((row) => send([row])))
  for (let n = 0; n < 5; n += 1) expect(await rebuild(storeId, false)).toMatchObject({ differences: 0, items: [] })
  await sending
  expect(await rebuild(storeId, true)).toMatchObject({ differences: 0 })
  const [row] = await database.sql<{ n: number }[]>`
    select count(*)::integer as n from receipts where store_id = ${storeId}`
  expect(row?.n).toBe(300)
})
