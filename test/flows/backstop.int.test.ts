import fc from "fast-check"
import { afterAll, beforeAll, test, expect } from "vitest"
import { createLog } from "../../src/base/log.ts"
import { Backstop, type PolledList } from "../../src/eventlog/backstop.ts"
import { EventLog } from "../../src/eventlog/event-log.ts"
import { Inbox } from "../../src/eventlog/inbox.ts"
import { freshDatabase, type FreshDatabase } from "../fixtures/database.ts"

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.drop())

let count = 0
const overlapMs = 1000
const startMs = Date.UTC(2026, 10, 20, 10)

/** A change as the vendor makes it: its timestamp is when the transaction began, it shows when that commits. */
interface Change {
  record: number
  atMs: number
  commitAfterMs: number
}

const history = fc.record({
  changes: fc.array(
    fc.record({
      record: fc.integer({ min: 0, max: 9 }),
      atMs: fc.integer({ min: 0, max: 20_000 }),
      commitAfterMs: fc.integer({ min: 0, max: overlapMs - 1 }),
    }),
    { minLength: 1, maxLength: 40 },
  ),
  pageSize: fc.integer({ min: 1, max: 4 }),
  /** What each page costs on the clock, and the pause before each pass. */
  pageMs: fc.integer({ min: 0, max: 1500 }),
  pausesMs: fc.array(fc.integer({ min: 0, max: 6000 }), { minLength: 1, maxLength: 8 }),
  /** Passes whose storing fails at this page, once. */
  failAtPage: fc.option(fc.integer({ min: 1, max: 12 })),
})

interface Vendor {
  clock: { now: () => number }
  list: PolledList
  moveMs(ms: number): void
  seen: Set<string>
}

/** A vendor that lists the newest version of each record by its timestamp; a record changed mid-way moves to the end. */
function vendorOf(changes: readonly Change[], options: { pageSize: number; pageMs: number }): Vendor {
  let nowMs = startMs
  const seen = new Set<string>()
  const visible = () => {
    const newest = new Map<number, Change>()
    for (const change of changes) {
      const isThere = startMs + change.atMs + change.commitAfterMs <= nowMs
      const known = newest.get(change.record)
      if (isThere && (!known || known.atMs <= change.atMs)) newest.set(change.record, change)
    }
    return [...newest.values()].sort((a, b) => a.atMs - b.atMs || a.record - b.record)
  }
  const place = (change: Change) => `${String(change.atMs).padStart(9, "0")}/${change.record}`
  return {
    seen,
    clock: { now: () => nowMs },
    moveMs: (ms) => void (nowMs += ms),
    list: {
      connection: `poll-${(count += 1)}`,
      list: "records",
      everyMs: 1000,
      translate: () => ({ events: [] }),
      read: (work) => work(),
      changes: {
        overlapMs,
        listChanges: async ({ cursor, sinceMs }) => {
          nowMs += options.pageMs
          const rows = visible()
            .filter((change) => startMs + change.atMs >= sinceMs && (cursor === undefined || place(change) > cursor))
            .slice(0, options.pageSize + 1)
          const page = rows.slice(0, options.pageSize)
          for (const change of page) seen.add(place(change))
          const last = page.at(-1)
          return {
            deliveries: [],
            hasMore: rows.length > options.pageSize,
            nextCursor: last ? place(last) : (cursor ?? ""),
          }
        },
      },
    },
  }
}

test("P-06 whatever the clock, late commits and changes between pages, all passes together cover every record's last state", async () => {
  const log = createLog("backstop", "silent")
  const { sql } = database
  await fc.assert(
    fc.asyncProperty(history, async ({ changes, pageSize, pageMs, pausesMs, failAtPage }) => {
      const vendor = vendorOf(changes, { pageSize, pageMs })
      let pages = 0
      const { listChanges } = vendor.list.changes
      const failing: PolledList["changes"] = {
        overlapMs,
        listChanges: async (input, call) => {
          pages += 1
          // The process dies after it has read a page and before that page is durable.
          if (pages === failAtPage) {
            const before = new Set(vendor.seen)
            await listChanges(input, call)
            vendor.seen.clear()
            for (const place of before) vendor.seen.add(place)
            throw new Error("the process died")
          }
          return listChanges(input, call)
        },
      }
      const list = { ...vendor.list, changes: failing }
      const eventLog = new EventLog(sql)
      const inbox = new Inbox({ sql, log, clock: vendor.clock, eventLog, translate: list.translate })
      const parts = { sql, log, clock: vendor.clock, inbox, eventLog }
      const backstop = new Backstop({ ...parts, lists: [list] })
      for (const pauseMs of pausesMs) {
        vendor.moveMs(pauseMs)
        await backstop.pollOnce(list).catch(() => undefined)
      }
      // Nothing changes and nothing dies any more: two last passes, the first of which may only end one that died.
      pages = Number.MIN_SAFE_INTEGER
      vendor.moveMs(25_000)
      await backstop.pollOnce(list)
      await backstop.pollOnce(list)
      const lastStates = new Map<number, number>()
      for (const { record, atMs } of changes) lastStates.set(record, Math.max(atMs, lastStates.get(record) ?? -1))
      const missed = [...lastStates].filter(
        ([record, atMs]) => !vendor.seen.has(`${String(atMs).padStart(9, "0")}/${record}`),
      )
      expect(missed).toEqual([])
    }),
    { numRuns: 60 },
  )
}, 120_000)
