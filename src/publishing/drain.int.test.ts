import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { freshDatabase } from "../../test/fixtures/database.ts"
import { AppError } from "../base/errors.ts"
import { createLog } from "../base/log.ts"
import { openSql } from "../base/sql.ts"
import { systemClock } from "../base/time.ts"
import type { NewEvent } from "../canonical/events.ts"
import type { ItemOutcome } from "../ports/bulk-write.ts"
import type { PublishedLevel } from "../ports/capabilities/stock.ts"
import type { Availability } from "../stock/availability.ts"
import { createReservations } from "../stock/reservations.ts"
import { createStockLedger } from "../stock/stock-ledger.ts"
import { RowChanges } from "./change.ts"
import type { PublishedRow } from "./decide/row.ts"
import { ChannelDrain } from "./drain.ts"
import type { StockChannel } from "./policies.ts"
import { channelViews } from "./read.ts"
import { publishAgain, PublishedRows } from "./rows.ts"
import type { StockInChannel } from "./stock/stock-in-channel.ts"
import { stockTarget } from "./stock/stock-target.ts"

const channel: StockChannel = {
  channel: "shop",
  connection: "shop",
  places: [{ locationId: "dc", shows: "place" }],
  foreign: "restore",
  isDryRun: false,
  auditWithinMs: 86_400_000,
  withdrawAtMostPercent: 2,
}
const tee = { sku: "TEE", scope: "dc" }

let database: Awaited<ReturnType<typeof freshDatabase>>
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.drop())

/** What may be promised of every article, and what the shop shows; both in thousandths. */
let promiseMilli: number
let shop: Map<string, number>
/** What the shop's own orders hold; undefined where it does not say. */
let committed: number | undefined
let losesCount: boolean
/** Whether the shop's budget has room for what nobody waits for. */
let hasRoom: boolean
let events: NewEvent[]
let calls: string[][]
/** Happens when rows are durable as sent and the channel is about to be called, or while it is called. */
let onValues: () => Promise<void>
let onCall: () => Promise<void>
let answer: (row: PublishedRow) => ItemOutcome<PublishedLevel>
let onAppend: () => void

const nothing = async () => undefined

beforeEach(async () => {
  await database.sql`delete from published_rows`
  await database.sql`delete from published_channels`
  promiseMilli = 10_000
  shop = new Map()
  committed = undefined
  losesCount = false
  hasRoom = true
  events = []
  calls = []
  onValues = nothing
  onCall = nothing
  onAppend = () => undefined
  answer = (row) => {
    shop.set(row.item, row.desired ?? 0)
    return { kind: "done", outcome: { available: { milli: row.desired ?? 0, unit: "ea" } } }
  }
})

const stock = {
  connection: { id: "shop", timeoutMs: 1000 },
  itemsMax: 250,
  stepMilli: 1000,
  settleMs: 0,
  isClosed: false,
  get losesCount() {
    return losesCount
  },
  read: async (rows: readonly PublishedRow[], { isBackground }: { isBackground: boolean }) => {
    if (isBackground && !hasRoom) throw new AppError("CONNECTION_PAUSED", "no room", { retryAfterMs: 1000 })
    return rows.map(({ item }) => ({
      kind: "done",
      outcome: {
        available: { milli: shop.get(item) ?? 0, unit: "ea" },
        ...(committed === undefined ? {} : { committed: { milli: committed, unit: "ea" } }),
      },
    }))
  },
  publish: async (rows: readonly PublishedRow[]) => {
    calls.push(rows.map(({ item }) => item))
    const outcomes = rows.map(answer)
    await onCall()
    return outcomes
  },
} as unknown as StockInChannel

const availability = {
  query: async (questions: readonly unknown[]) => {
    await onValues()
    return questions.map(
      () => ({ availableToPromiseMilli: promiseMilli, asOf: "2026-11-30T00:00:00.000Z" }) as Availability,
    )
  },
}

const drainOf = (): ChannelDrain<number> =>
  new ChannelDrain(channel, {
    sql: database.sql,
    log: createLog("test", "silent"),
    clock: systemClock,
    target: stockTarget(channel, { sql: database.sql, clock: systemClock, stock, availability }),
    append: async (event) => {
      events.push(event)
      onAppend()
    },
  })

const changes = () => new RowChanges(database.sql, channel, "stock")

async function mark(...skus: string[]): Promise<void> {
  const moments = skus.map(() => new Date().toISOString())
  await database.sql`select publish_mark(array['shop'], array['dc'], 'stock', ${skus}::text[], ${moments}::timestamptz[], true)`
}

const aboutChannel = () => events.filter(({ data }) => (data as { about: string }).about.startsWith("channel"))

async function row(sku = "TEE"): Promise<Record<string, unknown>> {
  const [found] = await database.sql`select * from published_rows where item = ${sku}`
  return found ?? {}
}

/** Rounds until nothing is left to do. */
async function settle(drain = drainOf()): Promise<void> {
  await database.sql`update published_channels set leased_until = null`
  for (let n = 0; n < 10; n += 1) if ((await drain.round())?.rows === 0) return
}

/** Once, so that what a person does has no second time. */
function once(work: () => Promise<unknown>): () => Promise<void> {
  let isDone = false
  return async () => {
    if (isDone) return
    isDone = true
    await work()
  }
}

test("what a person holds while its call is under way stays held, and what came of the call is known", async () => {
  onCall = once(() => changes().hold(tee, "ann"))
  await mark("TEE")
  await settle()
  expect(await row()).toMatchObject({ state: "held", held_by: "person", observed: 10_000 })
  promiseMilli = 4000
  await mark("TEE")
  await settle()
  expect([shop.get("TEE"), calls]).toEqual([10_000, [["TEE"]]])
})

test("what a person holds while its value is computed is not sent any more; the rest of its batch is", async () => {
  onValues = once(() => changes().hold(tee, "ann"))
  await mark("TEE", "HAT")
  await settle()
  expect([calls, shop.get("TEE")]).toEqual([[["HAT"]], undefined])
  expect(await row()).toMatchObject({ state: "held", held_by: "person" })
})

test("what a person adopts, withdraws or publishes again while the drain writes stands", async () => {
  await mark("TEE")
  await settle()
  promiseMilli = 12_000
  onCall = once(() => changes().adopt(tee, "10000", "ann"))
  await mark("TEE")
  await settle()
  expect(await row()).toMatchObject({ pinned: 10_000, state: "live", desired: 10_000 })
  promiseMilli = 8000
  onCall = once(() => changes().withdraw(tee, "ann"))
  await mark("TEE")
  await settle()
  expect(await row()).toMatchObject({ state: "gone", observed: 0 })
  onValues = once(() => changes().republish(tee, "ann"))
  await database.sql`update published_rows set marks = marks + 1`
  await settle()
  expect(await row()).toMatchObject({ state: "live", observed: 8000, pinned: null })
})

test("a withdrawn article that the shop shows again is withdrawn again, and a first load does not put it back on sale", async () => {
  await mark("TEE")
  await settle()
  await changes().withdraw(tee, "ann")
  await settle()
  shop.set("TEE", 3000)
  await database.sql`update published_rows set marks = marks + 1, needs_look = true`
  await settle()
  expect(shop.get("TEE")).toBe(0)
  expect(await changes().hold(tee, "ann")).toBe(false)
  await database.sql`select publish_load('shop', 'stock', array['dc'], array['TEE'])`
  await settle()
  await mark("TEE")
  await settle()
  expect(shop.get("TEE")).toBe(0)
})

test("a case that was told before a death is told under the same id, and a person's decision of it is not undone", async () => {
  answer = () => ({ kind: "rejected", code: "VENDOR_REJECTED", message: "no", problems: [] })
  await mark("TEE")
  onAppend = () => {
    throw new Error("dies")
  }
  await expect(settle()).rejects.toThrow("dies")
  onAppend = () => undefined
  // Not the channel has failed: it is not said to refuse all, and the row is looked at.
  expect(await row()).toMatchObject({ state: "sent" })
  await database.sql`update published_rows set due_at = now() - interval '1 second'`
  await settle()
  const ids = () =>
    events.flatMap(({ type, data }) =>
      type === "exception.opened" ? [(data as { exceptionId: string }).exceptionId] : [],
    )
  expect([ids().length, new Set(ids()).size]).toEqual([2, 1])
  const [first = ""] = ids()
  // Decided while the drain has the row in hand: the next refusal is a new exception.
  onValues = once(() => publishAgain(database.sql, first))
  await mark("TEE")
  await settle()
  expect(new Set(ids()).size).toBe(2)
  expect((await row())["case_id"]).toBe(ids().at(-1))
})

test("a channel that refuses most is left alone by the next worker too, and its exception is told under one id and closed", async () => {
  const skus = Array.from({ length: 12 }, (_one, n) => `SKU-${n}`)
  answer = () => ({ kind: "rejected", code: "VENDOR_REJECTED", message: "no", problems: [] })
  onAppend = () => {
    throw new AppError("STORAGE_UNAVAILABLE", "dies")
  }
  await mark(...skus)
  await settle().catch(() => undefined)
  onAppend = () => undefined
  await database.sql`update published_channels set leased_until = null`
  expect((await drainOf().round())?.restMs).toBeGreaterThan(30_000)
  expect(calls).toHaveLength(1)
  const later = async () => {
    await database.sql`update published_channels set stopped_until = null, leased_until = null`
    await database.sql`update published_rows set due_at = now() - interval '1 second' where due_at is not null`
  }
  await later()
  await drainOf().round()
  expect(calls.at(-1)).toHaveLength(10)
  expect(new Set(aboutChannel().map(({ fact }) => fact)).size).toBe(1)
  answer = ({ desired }) => ({ kind: "done", outcome: { available: { milli: desired ?? 0, unit: "ea" } } })
  await later()
  await settle()
  expect(aboutChannel().at(-1)?.type).toBe("exception.decided")
  const [state] = await database.sql`select stops, case_id, stopped_until from published_channels`
  expect(state).toEqual({ stops: 0, case_id: null, stopped_until: null })
})

test("articles that a channel refuses alone stop the others for one wait, however many and however urgent they are", async () => {
  const bad = Array.from({ length: 15 }, (_one, n) => `BAD-${n}`)
  const taken = answer
  answer = (one) =>
    one.item.startsWith("BAD") ? { kind: "rejected", code: "VENDOR_REJECTED", message: "no", problems: [] } : taken(one)
  await mark(...bad)
  await drainOf().round()
  await mark("TEE")
  for (let n = 0; n < 3; n += 1) {
    await database.sql`update published_channels set stopped_until = null, leased_until = null`
    await database.sql`update published_rows set due_at = now() - interval '1 second' where due_at is not null and state = 'due'`
    await drainOf().round()
  }
  expect(shop.get("TEE")).toBe(10_000)
  expect(await database.sql`select from published_rows where state = 'refused'`).toHaveLength(15)
  expect(aboutChannel().at(-1)?.type).toBe("exception.decided")
})

test("marks of many rows and rows that are written back in any order wait for each other in one order, and neither fails", async () => {
  const skus = Array.from({ length: 1000 }, (_one, n) => `S-${String(n).padStart(4, "0")}`)
  await mark(...skus)
  // Another worker.
  const other = openSql(database.url, { connectionsMax: 1, name: "other" })
  const rows = new PublishedRows<number>(other, "stock")
  const found = (await rows.ofSkus("shop", skus)).map((one) => ({ ...one, caseIsNews: false }))
  const backwards = found.toSorted((a, b) => (a.item < b.item ? 1 : -1))
  const now = new Date().toISOString()
  const repeat = async (work: () => Promise<unknown>) => {
    for (let n = 0; n < 10; n += 1) await work()
  }
  await Promise.all([repeat(() => mark(...skus)), repeat(() => rows.write(backwards, { now }))])
  await other.end()
})

/** The shop shows something by itself, its orders hold something, and the row is looked at. */
async function look(shown: number, held?: number) {
  shop.set("TEE", shown)
  committed = held
  await database.sql`update published_rows set marks = marks + 1, needs_look = true`
  await settle()
  return row()
}

test("what an order gives back that was refused and never reserved is the shop's own, however often; more than that is an edit", async () => {
  committed = 0
  await mark("TEE")
  await settle()
  for (const left of [10_000, 8000, 6000, 4000]) {
    promiseMilli = left
    expect(await look(left - 2000, 2000)).toMatchObject({ desired: left - 2000, edits: 0 })
    // One order is cancelled. Meanwhile somebody else bought the piece, so what the shop shows again is too much.
    promiseMilli = left - 1000
    expect(await look(left - 1000, 1000)).toMatchObject({ state: "live", observed: left - 2000, edits: 0 })
  }
  // Three more pieces, of which orders gave back one.
  expect(await look(5000, 0)).toMatchObject({ edits: 1 })
})

test("what a parcel from elsewhere frees at the place is the shop's own, however often; more than that is an edit", async () => {
  const { sql } = database
  const receipt = { fact: "far", kind: "receipt" as const, sku: "TEE", locationId: "far", milli: 90_000 }
  await createStockLedger(sql).applyMovements([receipt])
  const reservations = createReservations(sql)
  const sell = (key: string) =>
    reservations.reserve({ key, owner: key, channel: "shop", kind: "hard", lines: [{ sku: "TEE", milli: 1000 }] })
  const sendFromElsewhere = (key: string) =>
    reservations.consume(key, [{ sku: "TEE", locationId: "far", milli: 1000 }], `parcel of ${key}`)
  committed = 0
  await mark("TEE")
  await settle()
  for (const key of ["one", "two", "three", "four"]) {
    await sell(key)
    promiseMilli = 9000
    expect(await look(9000, 1000)).toMatchObject({ state: "live", edits: 0 })
    await sendFromElsewhere(key)
    promiseMilli = 10_000
    expect(await look(10_000, 0)).toMatchObject({ state: "live", observed: 10_000, edits: 0 })
  }
  await sell("five")
  promiseMilli = 9000
  await look(9000, 1000)
  await sendFromElsewhere("five")
  // The parcel frees one; somebody adds two more.
  expect(await look(12_000, 0)).toMatchObject({ edits: 1 })
})

test("a channel that loses count by itself is written over each time, and nobody is said to have edited it", async () => {
  losesCount = true
  await mark("TEE")
  await settle()
  for (const shown of [15_000, 3000, 12_000, 1000]) {
    expect(await look(shown)).toMatchObject({ state: "live", observed: 10_000, edits: 0 })
    expect(shop.get("TEE")).toBe(10_000)
  }
})

const many = Array.from({ length: 600 }, (_one, n) => `MANY-${String(n).padStart(4, "0")}`)

/** Loads articles, in as many rounds as that takes. */
async function load(...skus: string[]): Promise<void> {
  await database.sql`select publish_load('shop', 'stock', array['dc'], ${skus}::text[])`
  const drain = drainOf()
  await database.sql`update published_channels set leased_until = null`
  while (((await drain.round())?.rows ?? 0) > 0);
  calls = []
}

test("many changes are sent call after call in one round, and their values are computed once", async () => {
  await load(...many)
  promiseMilli = 4000
  let asked = 0
  onValues = async () => void (asked += 1)
  await mark(...many)
  await database.sql`update published_rows set needs_look = false`
  await database.sql`update published_channels set leased_until = null`
  expect((await drainOf().round())?.sent).toBe(600)
  expect([calls.map((call) => call.length), asked]).toEqual([[250, 250, 100], 1])
  expect(new Set(many.map((sku) => shop.get(sku)))).toEqual(new Set([4000]))
})

test("a change is sent before what is marked because all rows are, however many those are", async () => {
  await load(...many, "TEE")
  // More than one round takes.
  await database.sql`
    insert into published_rows select (jsonb_populate_record(r, jsonb_build_object('item', 'MORE-' || n))).* from published_rows r, generate_series(1, 2000) n
    where r.item = 'MANY-0000'`
  promiseMilli = 4000
  await database.sql`update published_rows set marks = marks + 1`
  await database.sql`update published_rows set changed_at = now() where item = 'TEE'`
  await database.sql`update published_channels set leased_until = null`
  await drainOf().round()
  expect(calls[0]).toContain("TEE")
})

test("a load says how many rows are left and when it ends, and what is read back later is no load", async () => {
  const view = async (now = new Date(Date.now() + 60_000).toISOString()) => {
    const declared = { channel: "shop", connection: "shop", isDryRun: false, aspect: "stock" as const }
    return (await channelViews(database.sql, [declared], now))[0]?.load
  }
  await changes().load(many, ["dc"])
  expect(await view()).toEqual({ began: expect.any(String), rows: 600, left: 600 })
  await drainOf().round()
  const begun = await view()
  expect(begun?.left).toBeLessThan(600)
  expect(Date.parse(begun?.endsAt ?? "")).toBeGreaterThan(Date.now())
  // The operation's next part, and a part that is done again.
  await changes().load(["TEE"], ["dc"])
  expect((await view())?.rows).toBe(601)
  await database.sql`update published_channels set leased_until = null`
  const drain = drainOf()
  while (((await drain.round())?.rows ?? 0) > 0);
  expect(await view()).toBeUndefined()
  const now = new Date().toISOString()
  await new PublishedRows(database.sql, "stock").audit("shop", { most: 50, now })
  expect(await view()).toBeUndefined()
})

test("a load for which the shop's budget has no room holds up no change, and goes on where it stood", async () => {
  await load("TEE")
  await database.sql`select publish_load('shop', 'stock', array['dc'], array['HAT'])`
  hasRoom = false
  promiseMilli = 4000
  await mark("TEE")
  await database.sql`update published_rows set needs_look = false where item = 'TEE'`
  await settle()
  expect([shop.get("TEE"), shop.get("HAT")]).toEqual([4000, undefined])
  expect(await row("HAT")).toMatchObject({ state: "waiting", needs_look: true })
  // With nothing else to do it rests.
  await database.sql`update published_channels set leased_until = null`
  expect(await drainOf().round()).toMatchObject({ rows: 0, sent: 0 })
  hasRoom = true
  await settle()
  expect(shop.get("HAT")).toBe(4000)
})
