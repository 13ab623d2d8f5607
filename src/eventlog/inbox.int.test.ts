import fc from "fast-check"
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { createLog } from "../base/log.ts"
import { openSql, type Sql } from "../base/sql.ts"
import type { Delivery, Translation } from "../ports/capabilities/intake.ts"
import { EventLog } from "./event-log.ts"
import { readDelivery, type IncomingDelivery } from "./deliveries/stored-deliveries.ts"
import { Inbox } from "./inbox.ts"

let database: FreshDatabase
let inbox: Inbox
beforeAll(async () => {
  database = await freshDatabase()
  inbox = inboxOn(database.sql)
})
beforeEach(() => database.sql`truncate inbox, inbox_bodies`)
afterAll(() => database?.drop())

const encoder = new TextEncoder()

function inboxOn(
  sql: Sql,
  translate: (delivery: Delivery) => Translation = () => ({ events: [], ignored: "a test" }),
): Inbox {
  const clock = { now: () => Date.UTC(2026, 10, 20, 10) }
  return new Inbox({ sql, log: createLog("test", "silent"), clock, eventLog: new EventLog(sql), translate })
}

function delivery(more: Partial<IncomingDelivery> = {}): IncomingDelivery {
  return {
    connection: "shop",
    via: "webhook",
    topic: "orders/create",
    deliveryId: "d-1",
    correlation: "c-1",
    receivedAt: "2026-11-20T10:00:00.000Z",
    headers: { "content-type": "application/json" },
    bytes: encoder.encode("{}"),
    ...more,
  }
}

test("a delivery is committed, for every other connection to see, before receiving answers", async () => {
  const other = openSql(database.url, { connectionsMax: 1, name: "other" })
  const { inboxId } = await inbox.receive(delivery())
  const rows = await other`select state, connection, via from inbox where id = ${inboxId}`
  expect(rows).toEqual([{ state: "ignored", connection: "shop", via: "webhook" }])
  await other.end()
})

test("three hundred deliveries at once share a handful of commits, and each gets its own row", async () => {
  const numbers = Array.from({ length: 300 }, (_, number) => number)
  const received = await Promise.all(numbers.map((number) => inbox.receive(delivery({ deliveryId: `d-${number}` }))))
  const rows = await database.sql<{ id: number; deliveryId: string; xmin: string }[]>`
    select id, delivery_id as "deliveryId", xmin::text from inbox`
  const byId = new Map(rows.map((row) => [row.id, row.deliveryId]))
  expect(received.map(({ inboxId }) => byId.get(inboxId))).toEqual(numbers.map((number) => `d-${number}`))
  expect(new Set(rows.map((row) => row.xmin)).size).toBeLessThanOrEqual(3)
})

test("bytes and headers come back exactly as they came in", async () => {
  const deliveries = fc.array(
    fc.record({
      bytes: fc.uint8Array({ maxLength: 200 }),
      headers: fc.dictionary(
        fc.stringMatching(/^[a-z-]{1,12}$/),
        fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCodePoint(code)) }),
      ),
    }),
    { minLength: 1, maxLength: 8 },
  )
  const nasty = [
    { bytes: Uint8Array.of(0, 0, 255, 0), headers: { a: '"\\\u0001' } },
    { bytes: Uint8Array.of(0xc3, 0x28, 0xed, 0xa0, 0x80), headers: {} },
    { bytes: new Uint8Array(), headers: { "x-empty": "" } },
  ]
  await fc.assert(
    fc.asyncProperty(deliveries, async (given) => {
      const received = await Promise.all(given.map((more) => inbox.receive(delivery(more))))
      for (const [index, { inboxId }] of received.entries()) {
        const kept = await readDelivery(database.sql, inboxId)
        expect(Buffer.from(kept?.bytes ?? []).equals(Buffer.from(given[index]?.bytes ?? []))).toBe(true)
        expect(kept?.headers).toEqual({ ...given[index]?.headers })
      }
    }),
    { numRuns: 25, examples: [[nasty]] },
  )
})

test("a delivery the database refuses costs only itself", async () => {
  const numbers = Array.from({ length: 40 }, (_, number) => number)
  // PostgreSQL's text cannot hold U+0000, so the correlation of one of them makes its statement fail.
  const results = await Promise.allSettled(
    numbers.map((number) =>
      inbox.receive(delivery({ deliveryId: `d-${number}`, correlation: number === 17 ? "bad\u0000" : "c" })),
    ),
  )
  expect(results.flatMap((result, number) => (result.status === "rejected" ? [number] : []))).toEqual([17])
  const kept = await database.sql<{ id: string }[]>`select delivery_id as id from inbox order by inbox.id`
  expect(kept.map((row) => row.id)).toEqual(numbers.filter((number) => number !== 17).map((number) => `d-${number}`))
})

test("P-50: a topic or id that its sender chose and no text can hold is kept without those characters", async () => {
  const bytes = Buffer.from("{}")
  const { inboxId } = await inbox.receive(delivery({ deliveryId: "d\u0000\ud800", topic: "\udfff", bytes }))
  const [row] = await database.sql<{ id: string; topic: string }[]>`
    select delivery_id as id, topic from inbox where id = ${inboxId}`
  expect(row).toEqual({ id: "d\uFFFD\uFFFD", topic: "\uFFFD" })
})

test("with storage away a delivery is refused as STORAGE_UNAVAILABLE", async () => {
  const nowhere = openSql("postgres://nobody@127.0.0.1:1/none", { connectionsMax: 1, name: "nowhere" })
  await expect(inboxOn(nowhere).receive(delivery())).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" })
  await nowhere.end({ timeout: 0 })
})

test("ids of deliveries rise within a process, and no two processes share one", async () => {
  const other = inboxOn(database.sql)
  const ids: number[] = []
  for (let wave = 0; wave < 3; wave += 1)
    for (const each of [inbox, other])
      ids.push(...(await Promise.all([1, 2, 3].map(() => each.receive(delivery())))).map(({ inboxId }) => inboxId))
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.slice(0, 3)).toEqual(ids.slice(0, 3).toSorted((a, b) => a - b))
})

test("every delivery acknowledged while connections are being cut is there afterwards", async () => {
  const cut = openSql(database.url, { connectionsMax: 2, name: "cut" })
  const victim = inboxOn(cut)
  await victim.receive(delivery({ deliveryId: "before" }))
  const acknowledged: string[] = []
  let isOver = false
  const cutter = (async () => {
    for (let count = 0; !isOver; count += 1) {
      await database.sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cut'`
      // Longer and longer: on a busy machine connecting alone takes a while.
      await new Promise((resolve) => setTimeout(resolve, 40 + 5 * count))
    }
  })()
  for (let wave = 0; wave < 25; wave += 1)
    await Promise.all(
      Array.from({ length: 8 }, (_, number) => {
        const deliveryId = `${wave}-${number}`
        return victim.receive(delivery({ deliveryId })).then(
          () => acknowledged.push(deliveryId),
          () => undefined,
        )
      }),
    )
  isOver = true
  await cutter
  await cut.end({ timeout: 1 })
  const rows = await database.sql<{ id: string }[]>`select distinct delivery_id as id from inbox`
  const kept = new Set(rows.map((row) => row.id))
  expect(acknowledged.length).toBeGreaterThan(0)
  expect(acknowledged.filter((id) => !kept.has(id))).toEqual([])
})
