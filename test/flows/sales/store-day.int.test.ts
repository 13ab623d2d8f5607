import { afterAll, beforeAll, expect, test } from "vitest"
import type { Receipt } from "../../../src/canonical/sales/receipt.ts"
import {
  control,
  eventually,
  quietWarehouse,
  startTestCrossdock,
  type TestCrossdock,
} from "../../fixtures/crossdock.ts"
import { runCommand } from "../../fixtures/readers/command.ts"
import { saleReceipt } from "../../fixtures/sales/receipts.ts"

// Tills, and the days of their stores, from receipt to books.

let t: TestCrossdock
let storeId = ""
let sku = ""
/** A day of each test's own, so that tests do not share sums. */
let [day, tillId] = ["", ""]
let days = 0
const nextDay = () => {
  days += 1
  day = `2026-10-${String(days).padStart(2, "0")}`
  tillId = `t${days}`
}

beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 91,
    lab: quietWarehouse,
    estate: (estate) => ({
      ...estate,
      // Closed by the tests, not by the clock.
      policies: { ...estate.policies, sales: { closeAfter: { days: 1000 }, gapsToldAfter: { ms: 0 } } },
    }),
  })
  storeId = t.lab.estate.locations.find(({ kind }) => kind === "store")?.locationId ?? ""
  sku = t.lab.estate.stock.find((row) => row.locationId === storeId && row.onHandMilli >= 10_000)?.sku ?? ""
})
afterAll(async () => t?.stop())

const sale = (sequence: number, more: Partial<Receipt> & { amountMinor?: number } = {}) =>
  saleReceipt({ storeId, tillId, sequence, sku, businessDay: day, endedAt: `${day}T10:00:00.000Z`, ...more })
const other = (sequence: number, kind: Receipt["kind"], more: Partial<Receipt>): Receipt => ({
  storeId,
  tillId,
  sequence,
  businessDay: day,
  endedAt: `${day}T18:00:00.000Z`,
  currency: "EUR",
  kind,
  ...more,
})

async function send(receipts: unknown[]): Promise<Record<string, unknown>[]> {
  const { status, body } = await t.api("POST", "/v1/sales", { receipts })
  expect([status, body]).toEqual([200, expect.anything()])
  return (body as unknown as { results: Record<string, unknown>[] }).results
}
const outcomes = async (receipts: unknown[]) => (await send(receipts)).map(({ outcome }) => outcome)

type Day = {
  state: string
  waitsFor: string[]
  counts: Record<string, unknown>[]
  closures: {
    n: number
    reasons: string[]
    tenders: { tender: string; amountMinor: number }[]
    counts: Record<string, unknown>[]
    entries: { entryId: string; lines: { account: string; amountMinor: number }[] }[]
    missing: string[]
  }[]
}
async function look(of = day): Promise<Day> {
  return (await t.api("GET", `/v1/store-days/${storeId}/${of}`)).body as unknown as Day
}
async function close(body?: object): Promise<Day> {
  const answer = await t.api("POST", `/v1/store-days/${storeId}/${day}/close`, body)
  expect([answer.status, answer.body]).toEqual([200, expect.anything()])
  return answer.body as unknown as Day
}
const posted = (entryId: string) =>
  (
    t.lab.books.books()["entries"] as { entryId: string; lines: Day["closures"][number]["entries"][number]["lines"] }[]
  ).find((one) => one.entryId === entryId)
async function untilPosted(of: Day, n = 0) {
  const entry = of.closures[n]?.entries[0]
  return eventually(`entry ${entry?.entryId} is posted`, () => posted(entry?.entryId ?? ""), { withinMs: 30_000 })
}
const onHand = async () => {
  const [row] = await t.sql<{ on_hand_milli: number }[]>`
    select on_hand_milli from stock_positions where sku = ${sku} and location_id = ${storeId}`
  return row?.on_hand_milli ?? 0
}

test("S-41, S-56: a sale is durable when it is accepted, moves the store's stock, and its day is posted once, balanced", async () => {
  nextDay()
  const before = await onHand()
  expect(await outcomes([sale(1), sale(2, { amountMinor: 2380 }), other(3, "no-sale", {})])).toEqual([
    "accepted",
    "accepted",
    "accepted",
  ])
  await eventually("the stock moved", async () => (await onHand()) === before - 2000, { seen: onHand })
  const closed = await close({ tills: [{ tillId, lastSequence: 3 }] })
  expect(closed).toMatchObject({ state: "closed", closures: [{ n: 0, receiptCount: 3, missing: [] }] })
  const entry = await untilPosted(closed)
  expect(entry.lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0)).toBe(0)
  expect(entry.lines).toContainEqual({ account: "drawer", tender: "cash", amountMinor: 3570 })
  expect(entry.lines).toContainEqual({ account: "tax payable", taxCode: "VAT-19", amountMinor: -570 })
  const { body } = await t.api("GET", `/v1/sales?storeId=${storeId}&tillId=${tillId}&sequence=2`)
  expect(body.items).toMatchObject([
    { standing: "recorded", closure: 0, entryIds: [closed.closures[0]?.entries[0]?.entryId] },
  ])
})

test("STORES 1, 3, P-28: the same receipt from two tabs at once, and sent again, counts once", async () => {
  nextDay()
  const [one, two] = await Promise.all([send([sale(1)]), send([sale(1)])])
  expect([one[0]?.["outcome"], two[0]?.["outcome"]].sort()).toEqual(["accepted", "same as before"])
  expect(await outcomes([sale(1), sale(1)])).toEqual(["same as before", "same as before"])
  expect((await close()).closures[0]).toMatchObject({
    receiptCount: 1,
    tenders: [{ tender: "cash", amountMinor: 1190 }],
  })
})

test("STORES 2, P-28: a number with other content is kept beside the first, and the conflict names both", async () => {
  nextDay()
  const [first] = await send([sale(1)])
  const [second] = await send([sale(1, { amountMinor: 2380 })])
  expect(second).toMatchObject({ outcome: "conflict", firstDigest: first?.["digest"] })
  const found = await eventually("the conflict", async () => {
    const { body } = await t.api("GET", "/v1/exceptions?state=open&limit=100")
    return body.items?.find((one) => one["cause"] === "till number used twice" && JSON.stringify(one).includes(tillId))
  })
  expect(found["summary"]).toContain(first?.["digest"])
  expect(found["summary"]).toContain(second?.["digest"])
  expect((await close()).closures[0]).toMatchObject({ receiptCount: 1, tenders: [{ amountMinor: 1190 }] })
})

test("STORES 12, X-12: a close before all receipts came is not carried out, names what is outstanding, and is when they come", async () => {
  nextDay()
  await send([sale(1), sale(5)])
  const { body } = await t.api("GET", `/v1/sales/outstanding?storeId=${storeId}`)
  expect(body.items).toContainEqual(expect.objectContaining({ tillId, outstanding: [{ from: 2, to: 4 }] }))
  expect(await close({ tills: [{ tillId, lastSequence: 6 }] })).toMatchObject({
    state: "closing",
    waitsFor: [`store ${storeId} till ${tillId}: 2-4 outstanding`, `store ${storeId} till ${tillId}: 6 outstanding`],
    closures: [],
  })
  await send([sale(4), sale(2), sale(6)])
  expect((await look()).waitsFor).toEqual([`store ${storeId} till ${tillId}: 3 outstanding`])
  await send([sale(3)])
  const closed = await eventually("the day is closed", async () => {
    const now = await look()
    return now.state === "closed" && now
  })
  expect(closed.closures[0]).toMatchObject({ missing: [], tenders: [{ amountMinor: 6 * 1190 }] })
  const again = await t.api("GET", `/v1/sales/outstanding?storeId=${storeId}`)
  expect(JSON.stringify(again.body)).not.toContain(`"${tillId}"`)
})

test("STORES 4: a sale after the close is a correction; the closed cash stays as it was counted", async () => {
  nextDay()
  const sessionId = `s-${day}`
  await send([
    other(1, "open", { sessionId, money: { amountMinor: 10_000 } }),
    sale(2, { sessionId }),
    other(3, "count", { sessionId, cashier: "ina", counts: [{ tender: "cash", countedMinor: 11_190 }] }),
  ])
  const closed = await close()
  expect(closed.closures[0]?.counts).toMatchObject([{ expectedMinor: 11_190, countedMinor: 11_190, overShortMinor: 0 }])
  await untilPosted(closed)
  await send([sale(4, { sessionId })])
  const corrected = await close()
  expect(corrected.closures[0]).toEqual(closed.closures[0])
  expect(corrected.closures[1]).toMatchObject({ n: 1, reasons: ["late_sale"] })
  const entry = await untilPosted(corrected, 1)
  // The sale's cash was in the drawer when it was counted: what was taken for too much is the sale.
  expect(entry.lines.find(({ account }) => account === "drawer")).toBeUndefined()
  expect(entry.lines).toContainEqual({ account: "over and short", tender: "cash", amountMinor: 1190 })
})

test("STORES 8: cash that is counted twice makes no loss, and a recount after the close is a correction", async () => {
  nextDay()
  const sessionId = `s-${day}`
  const counted = (countedMinor: number) => ({ sessionId, cashier: "ina", counts: [{ tender: "cash", countedMinor }] })
  await send([sale(1, { sessionId }), other(2, "count", counted(1190)), other(3, "count", counted(1190))])
  const closed = await close()
  expect(closed.closures[0]?.entries[0]?.lines.map(({ account }) => account)).not.toContain("over and short")
  await send([other(4, "count", { ...counted(1180), endedAt: `${day}T19:00:00.000Z` })])
  const corrected = await close()
  expect(corrected.closures[1]).toMatchObject({ reasons: ["recount"], tenders: [{ tender: "cash", amountMinor: -10 }] })
})

test("a count that is far off needs somebody else than who counted", async () => {
  nextDay()
  const sessionId = `s-${day}`
  await send([
    sale(1, { sessionId, amountMinor: 11_900 }),
    other(2, "count", { sessionId, cashier: "ina", counts: [{ tender: "cash", countedMinor: 1900 }] }),
  ])
  expect((await close()).waitsFor).toEqual([`session ${sessionId}: cash is 100.00 EUR short and needs a second person`])
  const approved = await t.api("POST", `/v1/store-days/${storeId}/${day}/approval`, { sessionId, reason: "a test" })
  expect(approved.body).toMatchObject({ state: "closed" })
})

test("STORES 14: a close that comes twice closes once, with full totals", async () => {
  nextDay()
  const sessionId = `s-${day}`
  const closes = (sequence: number) =>
    other(sequence, "close", {
      sessionId,
      closes: { lastSequence: sequence },
      counts: [{ tender: "cash", countedMinor: 1190 }],
    })
  await send([sale(1, { sessionId }), closes(2), closes(3), closes(2)])
  const closed = await close()
  expect(closed.closures).toHaveLength(1)
  expect(closed.closures[0]).toMatchObject({ receiptCount: 3, tenders: [{ tender: "cash", amountMinor: 1190 }] })
})

test("STORES 7: a sale that is suspended at the close is carried, and says so", async () => {
  nextDay()
  await send([sale(1), sale(2, { status: "suspended" }), sale(3, { status: "suspended" })])
  await send([sale(4, { resumes: { storeId, tillId, sequence: 3 } })])
  expect((await close()).closures[0]).toMatchObject({
    carried: [`store ${storeId} till ${tillId}: 2 was suspended and is carried on`],
    tenders: [{ amountMinor: 2 * 1190 }],
  })
})

test("P-21: a receipt that does not add up is parked alone, with its store, till, number and money; a corrected one takes its place", async () => {
  nextDay()
  const wrong = sale(2, { tenders: [{ kind: "cash", amountMinor: 1100 }] })
  expect(await outcomes([sale(1), wrong, { nonsense: true }, sale(3)])).toEqual([
    "accepted",
    "parked",
    "refused",
    "accepted",
  ])
  expect((await close()).waitsFor).toEqual([`store ${storeId} till ${tillId}: 2 does not add up`])
  const found = await eventually("the parked receipt", async () => {
    const { body } = await t.api("GET", "/v1/exceptions?state=open&limit=100")
    return body.items?.find((one) => JSON.stringify(one).includes(`till ${tillId}: 2`))
  })
  expect(found["summary"]).toContain("11.00 EUR")
  expect(await outcomes([sale(2)])).toEqual(["accepted"])
  await eventually("the day is closed", async () => (await look()).state === "closed")
  expect((await look()).closures[0]).toMatchObject({ tenders: [{ amountMinor: 3 * 1190 }] })
})

test("I-10: a rebuild mends a day, and the audit log has who began it and what each step mended", async () => {
  nextDay()
  await send([sale(1)])
  await t.sql`delete from receipts where store_id = ${storeId} and business_day = ${day}::date`
  const { code, text } = await runCommand(t, ["stores", "rebuild", storeId])
  expect([code, text]).toEqual([0, expect.stringContaining(`store ${storeId}: 1 rows were not what the log says`)])
  const noted = await t.sql<{ detail: object }[]>`
    select detail from audit_log where action = 'rebuild sales' and subject = ${storeId} order by id desc limit 2`
  expect(noted.map(({ detail }) => detail)).toEqual([{ piece: day, differences: 1 }, {}])
  const again = await runCommand(t, ["stores", "rebuild", storeId, "--dry-run"])
  expect(again.text).toContain("every receipt, number, day and closing is what the log says")
})

test("NDJSON: a line that power failure cut costs no other", async () => {
  nextDay()
  const text = `${JSON.stringify(sale(1))}\n${JSON.stringify(sale(2))}\n{"storeId": "11`
  const answer = await fetch(`${t.gatewayUrl}/v1/sales`, {
    method: "POST",
    headers: { authorization: `Bearer ${t.key}`, "content-type": "application/x-ndjson" },
    body: text,
  })
  const { results } = (await answer.json()) as { results: { outcome: string }[] }
  expect(results.map(({ outcome }) => outcome)).toEqual(["accepted", "accepted", "refused"])
})

test("P-23: the books are closed for a store's day: it is posted on the next open one, whole", async () => {
  nextDay()
  await control(t.lab.books, "period", { openFrom: "2026-11-01" })
  await send([sale(1)])
  const closed = await close()
  const entry = (await untilPosted(closed)) as unknown as { postingDate: string; businessDate: string }
  expect(entry).toMatchObject({ businessDate: day, postingDate: "2026-11-01" })
  await control(t.lab.books, "period", { openFrom: "" })
})
