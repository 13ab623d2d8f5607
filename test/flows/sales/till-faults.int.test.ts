import { afterAll, beforeAll, expect, test } from "vitest"
import type { NewEvent } from "../../../src/canonical/events.ts"
import type { Receipt } from "../../../src/canonical/sales/receipt.ts"
import { EventLog } from "../../../src/eventlog/event-log.ts"
import { salesDefaults } from "../../../src/sales/policies.ts"
import { Receipts } from "../../../src/sales/record.ts"
import type { Selling } from "../../../src/sales/selling.ts"
import { keepDays } from "../../../src/sales/upkeep.ts"
import { quietWarehouse, startTestCrossdock, type TestCrossdock } from "../../fixtures/crossdock.ts"
import { saleReceipt } from "../../fixtures/sales/receipts.ts"

// What tills and clocks get wrong. The upkeep is called here, not waited for; Crossdock's own leaves these days alone.

let t: TestCrossdock
let stores: string[] = []
let attempt = 0
let selling: Selling
let aheadMs = 0
const minute = 60_000

beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 93,
    lab: quietWarehouse,
    estate: (estate) => ({
      ...estate,
      policies: { ...estate.policies, sales: { closeAfter: { days: 1000 }, gapsToldAfter: { days: 300 } } },
    }),
  })
  stores = t.lab.estate.locations.filter(({ kind }) => kind === "store").map(({ locationId }) => locationId)
  selling = {
    sql: t.sql,
    clock: { now: () => Date.now() + aheadMs },
    eventLog: new EventLog(t.sql),
    stores: new Map(stores.map((id) => [id, { timeZone: "UTC" }])),
    policies: { ...salesDefaults, closeAfter: { days: 1000 }, gapsToldAfter: { minutes: 15 }, numberedByDay: [] },
  }
})
afterAll(async () => t?.stop())

/** A store, and an epoch that a second attempt of a test does not share with its first. */
function place(n: number) {
  attempt += 1
  return { storeId: stores[n] ?? "", tillId: "1", epoch: String(attempt) }
}
type Result = { outcome: string; problems?: { pointer: string; message: string }[] }
async function send(receipts: unknown[]): Promise<Result[]> {
  const { status, body } = await t.api("POST", "/v1/sales", { receipts })
  expect([status, body]).toEqual([200, expect.anything()])
  return (body as unknown as { results: Result[] }).results
}
const on = (day: string) => ({ businessDay: day, endedAt: `${day}T10:00:00.000Z` })
interface Day {
  state: string
  waitsFor: string[]
  closures: { missing: string[] }[]
}
const look = async (storeId: string, day: string) =>
  (await t.api("GET", `/v1/store-days/${storeId}/${day}`)).body as unknown as Day
const close = async (storeId: string, day: string) =>
  (await t.api("POST", `/v1/store-days/${storeId}/${day}/close`, {})).body as unknown as Day

test("a number that jumped ahead, or a last number said too high, hides nothing that goes missing on later days", async () => {
  const at = place(0)
  await send([1, 2, 1_000_000].map((sequence) => saleReceipt({ ...at, sequence, ...on("2026-10-05") })))
  await send([3, 4, 8].map((sequence) => saleReceipt({ ...at, sequence, ...on("2026-10-06") })))
  const name = `store ${at.storeId} till 1:`
  expect((await look(at.storeId, "2026-10-06")).waitsFor).toEqual([`${name} 5-7 outstanding`])
  expect((await look(at.storeId, "2026-10-05")).waitsFor).toEqual([`${name} 9-999999 outstanding`])
})

test("people who were told of missing numbers are told of others that go missing later, and of nothing twice", async () => {
  const at = place(1)
  const told: NewEvent[] = []
  const keep = (ms: number) => {
    aheadMs += ms
    return keepDays(selling, async (event) => void told.push(event))
  }
  const opened = () =>
    told
      .filter(({ type, data }) => type === "exception.opened" && JSON.stringify(data).includes(at.storeId))
      .map(({ data }) => (data as { summary: string }).summary)
  const put = (sequence: number) => send([saleReceipt({ ...at, sequence, ...on("2026-10-05") })])
  const name = `store ${at.storeId} till 1:`
  await put(1)
  await put(5)
  await keep(16 * minute)
  await keep(16 * minute)
  expect(opened()).toEqual([`${name} 2-4 outstanding.`])
  await put(8)
  await keep(32 * minute)
  await keep(16 * minute)
  expect(opened()).toEqual([`${name} 2-4 outstanding.`, `${name} 2-4 outstanding; ${name} 6-7 outstanding.`])
  for (const sequence of [2, 3, 4, 6, 7]) await put(sequence)
  await keep(minute)
  const ends = told.filter(
    ({ type, data }) => type === "exception.decided" && JSON.stringify(data).includes(at.storeId),
  )
  expect(ends).toHaveLength(2)
})

test("a till whose clock is wrong opens no day to come and none long ago, and hears what is wrong", async () => {
  const at = place(2)
  const now = new Date().toISOString()
  const results = await send([
    saleReceipt({ ...at, sequence: 1, endedAt: "2099-01-01T10:00:00.000Z" }),
    saleReceipt({ ...at, sequence: 2, businessDay: "2099-01-01", endedAt: now }),
    saleReceipt({ ...at, sequence: 3, ...on("2001-01-01") }),
    saleReceipt({ ...at, sequence: 4, endedAt: now }),
  ])
  expect(results.map(({ outcome }) => outcome)).toEqual(["refused", "refused", "refused", "accepted"])
  expect(results.map(({ problems = [] }) => problems.map(({ pointer }) => pointer))).toEqual([
    ["/endedAt", "/businessDay"],
    ["/businessDay"],
    ["/endedAt", "/businessDay"],
    [],
  ])
  const { body } = await t.api("GET", `/v1/store-days?storeId=${at.storeId}`)
  expect(body.items).toHaveLength(1)
})

test("a receipt that is too long, or counts in no currency, is refused alone", async () => {
  const at = place(3)
  const sale = saleReceipt({ ...at, sequence: 1, ...on("2026-10-05") })
  const long = { ...sale, sequence: 2, nonsense: "x".repeat(1024 * 1024) }
  const counts: Receipt = {
    ...at,
    ...on("2026-10-05"),
    sequence: 3,
    kind: "count",
    currency: "EUR",
    counts: [{ tender: "cash", currency: "XQX", countedMinor: 1 }],
  }
  const results = await send([sale, long, counts])
  expect(results.map(({ outcome }) => outcome)).toEqual(["accepted", "refused", "refused"])
  expect(results[1]?.problems).toMatchObject([{ message: expect.stringContaining("at most 1048576") }])
  expect(results[2]?.problems).toMatchObject([{ pointer: "/counts/0/currency" }])
})

test("a day that cannot be closed holds up no other", async () => {
  const [a, b] = [place(4), place(5)]
  for (const at of [a, b]) await send([saleReceipt({ ...at, sequence: 1, ...on("2026-10-05") })])
  const broken = [a.storeId, b.storeId].sort()[0] ?? ""
  await t.sql`update receipts set amounts[1] = amounts[1] + 1 where store_id = ${broken}`
  const own = { ...selling, stores: new Map([a, b].map(({ storeId }) => [storeId, { timeZone: "UTC" }])) }
  const eager = { ...own, policies: { ...selling.policies, closeAfter: { ms: 0 } } }
  await expect(keepDays(eager, async () => undefined)).rejects.toThrow()
  const states = await t.sql<{ store_id: string; state: string }[]>`
    select store_id, state from store_days where store_id = any(${[a.storeId, b.storeId]}::text[])`
  expect(Object.fromEntries(states.map(({ store_id, state }) => [store_id, state]))).toEqual({
    [broken]: "closing",
    [broken === a.storeId ? b.storeId : a.storeId]: "closed",
  })
})

test("a correction says which counts still need a second person", async () => {
  const at = { ...place(6), sessionId: "s" }
  const count = (sequence: number, countedMinor: number): Receipt => ({
    ...at,
    ...on("2026-10-05"),
    sequence,
    kind: "count",
    currency: "EUR",
    cashier: "ina",
    counts: [{ tender: "cash", countedMinor }],
  })
  await send([saleReceipt({ ...at, sequence: 1, amountMinor: 11_900, ...on("2026-10-05") }), count(2, 11_900)])
  expect(await close(at.storeId, "2026-10-05")).toMatchObject({ state: "closed", closures: [{ missing: [] }] })
  await send([{ ...count(3, 1900), endedAt: "2026-10-05T11:00:00.000Z" }])
  expect((await close(at.storeId, "2026-10-05")).closures).toMatchObject([
    { missing: [] },
    { missing: ["session s: cash is 100.00 EUR short and needs a second person"] },
  ])
})

test("lists say that there is more, and go on", async () => {
  const at = place(7)
  await send(
    ["2026-10-05", "2026-10-06", "2026-10-07"].map((day, n) => saleReceipt({ ...at, sequence: n, ...on(day) })),
  )
  const first = (await t.api("GET", `/v1/store-days?storeId=${at.storeId}&limit=2`)).body as Record<string, unknown>
  expect(first["items"]).toMatchObject([{ businessDay: "2026-10-07" }, { businessDay: "2026-10-06" }])
  const second = await t.api("GET", `/v1/store-days?storeId=${at.storeId}&limit=2&cursor=${String(first["cursor"])}`)
  expect(second.body).toEqual({ items: [expect.objectContaining({ businessDay: "2026-10-05" })] })
  const wrong = await t.api("GET", `/v1/store-days?storeId=${at.storeId}&cursor=nonsense`)
  expect(wrong.status).toBe(422)
})

test("a receipt's row and its events are kept together or not at all", async () => {
  const at = place(8)
  const dying: Selling = {
    ...selling,
    eventLog: {
      prepare: () => {
        throw new Error("killed between")
      },
      stored: () => undefined,
    },
  }
  const receipt = saleReceipt({ ...at, sequence: 1, ...on("2026-10-05") })
  const sender = { source: "test", stores: undefined }
  await expect(new Receipts(dying, () => undefined).record([receipt], sender)).rejects.toThrow()
  const kept = await t.sql`select from receipts where store_id = ${at.storeId} and epoch = ${at.epoch}`
  const days = await t.sql`select from till_days where store_id = ${at.storeId} and run = ${at.epoch}`
  expect([kept.length, days.length]).toEqual([0, 0])
  expect(await send([receipt])).toMatchObject([{ outcome: "accepted" }])
})
