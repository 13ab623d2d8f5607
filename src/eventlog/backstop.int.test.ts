import { afterEach, beforeEach, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { countOf } from "../../test/fixtures/ledger/facts.ts"
import { AppError } from "../base/errors.ts"
import { createLog } from "../base/log.ts"
import type { ChangeList, Delivery, Translation } from "../ports/capabilities/intake.ts"
import { Backstop, readHistory, type PolledList } from "./backstop.ts"
import { EventLog } from "./event-log.ts"
import { readDelivery } from "./deliveries/stored-deliveries.ts"
import { Inbox } from "./inbox.ts"

const overlapMs = 60_000
const dayMs = 24 * 3600 * 1000
const startMs = Date.UTC(2026, 10, 20, 10)

let database: FreshDatabase
let nowMs: number
beforeEach(async () => {
  nowMs = startMs
  database = await freshDatabase()
})
afterEach(() => database.drop())

/** A poll over the pages the test lays out; each page takes ten minutes of the clock. */
function setUp(pages: string[][], more: Partial<ChangeList> = {}, name = "counts") {
  const asked: { cursor: string | undefined; sinceMs: number }[] = []
  const log = createLog("test", "silent")
  const clock = { now: () => nowMs }
  const eventLog = new EventLog(database.sql)
  const translate = (delivery: Delivery): Translation => {
    const text = Buffer.from(delivery.bytes).toString()
    if (text.startsWith("bad")) throw new AppError("TRANSLATION_FAILED", "cannot be read")
    if (text.endsWith(", bad")) {
      const refused = [{ pointer: "/1", code: "TRANSLATION_FAILED" as const, message: "bad", problems: [] }]
      return { events: [countOf(text, 1)], refused }
    }
    if (text.startsWith("see ")) return { events: [], fetch: [{ type: "count", id: text.slice(4) }] }
    return { events: text === "" ? [] : [countOf(text, 1)] }
  }
  const inbox = new Inbox({ sql: database.sql, log, clock, eventLog, translate })
  const changes: ChangeList = {
    overlapMs,
    listChanges: async ({ cursor, sinceMs }) => {
      asked.push({ cursor, sinceMs })
      nowMs += 10 * 60_000
      const page = Number(cursor ?? 0)
      const deliveries = (pages[page] ?? []).map((text) => ({
        connection: "shop",
        via: "poll" as const,
        headers: { topic: "counts" },
        bytes: new TextEncoder().encode(text),
        receivedAt: "2026-11-20T10:00:00.000Z",
      }))
      return page + 1 < pages.length
        ? { deliveries, hasMore: true, nextCursor: String(page + 1) }
        : { deliveries, hasMore: false, nextCursor: String(pages.length) }
    },
    ...more,
  }
  const list: PolledList = {
    connection: "shop",
    list: name,
    everyMs: 1000,
    changes,
    translate,
    read: (work) => work(),
  }
  const backstop = new Backstop({ sql: database.sql, log, clock, inbox, eventLog, lists: [list] })
  const pollIfDue = () => backstop.pollIfDue(list)
  const firstDay = (ms: number) => (list.startsAtMs = ms)
  return { asked, eventLog, inbox, firstDay, pollOnce: () => backstop.pollOnce(list), pollIfDue }
}

async function inboxTexts(): Promise<string[]> {
  const rows = await database.sql<{ id: number }[]>`select id from inbox order by id`
  const kept = await Promise.all(rows.map(({ id }) => readDelivery(database.sql, id)))
  return kept.map((delivery) => Buffer.from(delivery?.bytes ?? []).toString())
}

test("only what states a fact the log does not know goes into the inbox", async () => {
  const { eventLog, pollOnce } = setUp([["A", "B", ""], ["C"]])
  await eventLog.append(countOf("B", 1))
  expect(await pollOnce()).toBe(2)
  expect(await inboxTexts()).toEqual(["A", "C"])
})

test("once translated, what was found is not found again", async () => {
  const { pollOnce } = setUp([["A"]])
  expect(await pollOnce()).toBe(1)
  expect(await pollOnce()).toBe(0)
})

test("what cannot be translated is put in once, however many passes list it, and holds no cursor", async () => {
  const { asked, pollOnce } = setUp([["bad", "A"]])
  expect(await pollOnce()).toBe(2)
  expect(await pollOnce()).toBe(0)
  expect(await pollOnce()).toBe(0)
  expect(await inboxTexts()).toEqual(["bad", "A"])
  expect(asked.at(-1)?.sinceMs).toBeGreaterThan(asked.at(-2)?.sinceMs ?? 0)
})

test("P-42: the first pass starts from the first day of the connection, the next where the last began, less the overlap", async () => {
  const { asked, pollOnce } = setUp([["A"], ["B"], ["C"]])
  await pollOnce()
  await pollOnce()
  expect(asked.slice(0, 4)).toEqual([
    { cursor: undefined, sinceMs: startMs },
    { cursor: "1", sinceMs: startMs },
    { cursor: "2", sinceMs: startMs },
    { cursor: undefined, sinceMs: startMs - overlapMs },
  ])
})

test("a list of what is, and not of what happened, begins with everything, whatever the first day of the connection", async () => {
  const { asked, pollOnce, firstDay } = setUp([["A"], ["B"]], { beginsWithAll: true })
  firstDay(startMs + 3_600_000)
  expect(await pollOnce()).toBe(2)
  await pollOnce()
  expect(asked.map(({ sinceMs }) => sinceMs)).toEqual([0, 0, startMs - overlapMs, startMs - overlapMs])
})

test("a cursor that lasts is kept at the end: the next pass, in another process too, reads only what came after it", async () => {
  const pages = [["A"], ["B"]]
  const { asked, pollOnce } = setUp(pages, { isCursorLasting: true })
  await pollOnce()
  await pollOnce()
  pages.push(["C"])
  expect(await setUp(pages, { isCursorLasting: true }).pollOnce()).toBe(1)
  expect(asked.map(({ cursor }) => cursor)).toEqual([undefined, "1", "2"])
  expect(await inboxTexts()).toEqual(["A", "B", "C"])
})

test("a crash before a page is durable reads that page again, and nothing that changed meanwhile is passed over", async () => {
  const { asked, inbox, pollOnce } = setUp([["A"], ["B"]])
  const receive = inbox.receive.bind(inbox)
  let isAway = false
  inbox.receive = (delivery) =>
    isAway
      ? Promise.reject(new AppError("STORAGE_UNAVAILABLE", "away"))
      : receive(delivery).finally(() => (isAway = true))
  await expect(pollOnce()).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" })
  expect(await inboxTexts()).toEqual(["A"])
  inbox.receive = receive
  nowMs += 3 * dayMs
  await pollOnce()
  expect(await inboxTexts()).toEqual(["A", "B"])
  await pollOnce()
  expect(asked.map((place) => place.cursor)).toEqual([undefined, "1", "1", undefined, "1"])
  // When the pass that was taken up again had begun is not known, so the next one starts where that one did.
  expect(asked[3]?.sinceMs).toBe(startMs)
})

test("two lists of one connection each keep a cursor of their own", async () => {
  const lasting = { isCursorLasting: true }
  const orders = setUp([["A"], ["B"]], lasting, "orders")
  const refunds = setUp([["C"], ["D"], ["E"]], lasting, "refunds")
  await orders.pollOnce()
  await refunds.pollOnce()
  await orders.pollOnce()
  await refunds.pollOnce()
  expect(orders.asked.map(({ cursor }) => cursor)).toEqual([undefined, "1", "2"])
  expect(refunds.asked.map(({ cursor }) => cursor)).toEqual([undefined, "1", "2", "3"])
  expect(await inboxTexts()).toEqual(["A", "B", "C", "D", "E"])
})

test("a delivery of which a record was refused is put in once, however many passes list it", async () => {
  const { eventLog, pollOnce } = setUp([["A, bad"]])
  // Its good fact is known already; the bad record is not.
  await eventLog.append(countOf("A, bad", 1))
  expect(await pollOnce()).toBe(1)
  expect(await pollOnce()).toBe(0)
  expect(await inboxTexts()).toEqual(["A, bad"])
})

test("a delivery that only names an object is put in by every pass: it may have changed since", async () => {
  const { pollOnce } = setUp([["see A"]])
  expect(await pollOnce()).toBe(1)
  expect(await pollOnce()).toBe(1)
})

test("of several processes one polls a list; the next pass comes after the interval, whoever makes it", async () => {
  const processes = Array.from({ length: 5 }, () => setUp([["A"]]))
  const passes = await Promise.all(processes.map(({ pollIfDue }) => pollIfDue()))
  expect(passes.filter((found) => found !== undefined)).toEqual([1])
  expect(await processes[0]?.pollIfDue()).toBeUndefined()
  await new Promise((resolve) => setTimeout(resolve, 950))
  const next = await Promise.all(processes.map(({ pollIfDue }) => pollIfDue()))
  expect(next.filter((found) => found !== undefined)).toEqual([0])
})

test("a process that dies in a pass leaves its list to others when its lease is over; a pass that failed leaves it at once for the interval", async () => {
  const isDue = () => database.sql`update poll_cursors set due_at = clock_timestamp()`
  const dying = setUp([["A"]], { listChanges: () => new Promise(() => undefined) })
  void dying.pollIfDue()
  const other = setUp([["A"]])
  while ((await database.sql`select 1 from poll_cursors`).length === 0)
    await new Promise((resolve) => setTimeout(resolve, 5))
  expect(await other.pollIfDue()).toBeUndefined()
  await isDue()
  expect(await other.pollIfDue()).toBe(1)
  await isDue()
  const failing = setUp([], { listChanges: () => Promise.reject(new AppError("VENDOR_UNAVAILABLE", "away")) })
  await expect(failing.pollIfDue()).rejects.toThrow("away")
  const [row] = await database.sql<{ wait_ms: number }[]>`
    select extract(epoch from due_at - clock_timestamp())::float8 * 1000 as wait_ms from poll_cursors`
  expect(row?.wait_ms).toBeLessThan(1000)
})

test("P-42: of a list that is read from its first record on, what happened before the connection's first day is passed over until its history is wanted", async () => {
  const { pollOnce, firstDay } = setUp([["A", "B"]], { isCursorLasting: true })
  // The counts of the list were made at ten; the connection is of eleven.
  firstDay(startMs + 3_600_000)
  expect(await pollOnce()).toBe(0)
  expect(await inboxTexts()).toEqual([])
  const wish = { connection: "shop", lists: ["counts"], sinceMs: startMs - 1000, by: "a test" }
  await readHistory(database.sql, wish)
  expect(await pollOnce()).toBe(2)
  expect(await inboxTexts()).toEqual(["A", "B"])
})

test("P-42: history that is wanted while a pass is under way is read by the next one", async () => {
  const wish = { connection: "shop", lists: ["counts"], sinceMs: startMs - 86_400_000, by: "a test" }
  const wants = { now: true }
  const pages: { sinceMs: number }[] = []
  const { pollOnce } = setUp([], {
    listChanges: async ({ sinceMs }) => {
      pages.push({ sinceMs })
      if (wants.now) await readHistory(database.sql, wish)
      wants.now = false
      return { deliveries: [], hasMore: pages.length === 1, nextCursor: "1" }
    },
  })
  await pollOnce()
  await pollOnce()
  expect(pages).toEqual([{ sinceMs: startMs }, { sinceMs: wish.sinceMs }])
})

test("P-41: a page that its system cannot show is read by names, so that one bad object holds up no other and no cursor", async () => {
  const isBad = { page: true }
  const listNames: ChangeList["listNames"] = async () => ({
    deliveries: ["see A", "see B"].map((text) => ({
      connection: "shop",
      via: "poll",
      headers: {},
      bytes: new TextEncoder().encode(text),
      receivedAt: "2026-11-20T10:00:00.000Z",
    })),
    nextCursor: "1",
    hasMore: false,
  })
  const { pollOnce } = setUp([["A", "B"]], {
    listNames,
    listChanges: () =>
      isBad.page
        ? Promise.reject(new AppError("VENDOR_MISBEHAVED", "one order cannot be shown"))
        : Promise.resolve({ deliveries: [], nextCursor: "1", hasMore: false }),
  })
  expect(await pollOnce()).toBe(2)
  const named = await database.sql`select id from object_fetches where connection = 'shop' order by id`
  expect(named.map(({ id }) => id)).toEqual(["A", "B"])
  isBad.page = false
  expect(await pollOnce()).toBe(0)
})

test("P-41: an internal error of a page may be an outage: only its repetition has the page read by names", async () => {
  let names = 0
  const { pollOnce } = setUp([["A"]], {
    listNames: () => {
      names += 1
      return Promise.resolve({ deliveries: [], nextCursor: "1", hasMore: false })
    },
    listChanges: () => Promise.reject(new AppError("VENDOR_UNAVAILABLE", "INTERNAL_SERVER_ERROR")),
  })
  await expect(pollOnce()).rejects.toMatchObject({ code: "VENDOR_UNAVAILABLE" })
  await expect(pollOnce()).rejects.toMatchObject({ code: "VENDOR_UNAVAILABLE" })
  expect([await pollOnce(), names]).toEqual([0, 1])
})
