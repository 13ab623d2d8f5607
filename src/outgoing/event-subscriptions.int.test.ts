import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { inTransaction } from "../base/sql.ts"
import { instant } from "../base/time.ts"
import { readPosition } from "../eventlog/backlog.ts"
import { Readers } from "../eventlog/readers/readers.ts"
import { EventSubscriptions, readerName } from "./event-subscriptions.ts"
import { forgetGhosts } from "./ghosts.ts"

let database: FreshDatabase
let store: EventSubscriptions
beforeAll(async () => {
  database = await freshDatabase()
  store = new EventSubscriptions(database.sql, "a key that only this test has")
  await store.create("one", { url: "https://one.example/", description: "the first", types: [] }, "test")
})
afterAll(() => database?.drop())

test("of several processes one sends for a subscription, and another one when it is gone", async () => {
  const both = await Promise.all([store.lease("left", 60_000), store.lease("right", 60_000)])
  expect(both.map(({ length }) => length).sort()).toEqual([0, 1])
  const [owner, other] = both[0].length === 1 ? ["left", "right"] : ["right", "left"]
  expect(await store.lease(owner as string, 60_000)).toHaveLength(1)
  expect(await store.lease(other as string, 60_000)).toHaveLength(0)
  await store.release(owner as string)
  expect(await store.lease(other as string, 1)).toHaveLength(1)
  // Killed, it releases nothing: its lease ends.
  await expect.poll(() => store.lease(owner as string, 60_000)).toHaveLength(1)
})

test("secrets differ by estate, subscription and rotation, and are stored nowhere", async () => {
  const other = new EventSubscriptions(database.sql, "a key that another estate has")
  const secrets = [
    store.secretOf("one", 1),
    store.secretOf("one", 2),
    store.secretOf("two", 1),
    other.secretOf("one", 1),
  ]
  expect(new Set(secrets).size).toBe(4)
  const [row] = await database.sql<{ all: string }[]>`select (to_jsonb(s) || to_jsonb(a))::text as all
    from event_subscriptions s, audit_log a limit 1`
  expect(row?.all).not.toContain(secrets[0]?.slice("whsec_".length))
})

const positionSince = async (since: string | null) => {
  const [row] = await database.sql<{ xid: string; seq: number }[]>`select * from position_since(${since}::timestamptz)`
  return row
}

test("a position since a moment is before the first event that the log took then, found without reading the log", async () => {
  const { sql } = database
  // Twenty-five events a second. Transactions overlap, so that their order in the log and their beginnings differ by seconds.
  await sql`
    insert into events (xid, recorded_at, type, fact, key, source, time, correlation, schemaversion, data)
    select (3 + n / 40)::text::xid8, now() - interval '40 minutes' + n * interval '40 ms' + (n * 7919 % 20) * interval '1 s',
      'stock.moved', 'f' || n, 'stock/a/b', 'test', now(), 'c', 1, '{}'
    from generate_series(0, 40000) n where (3 + n / 40) < pg_snapshot_xmin(pg_current_snapshot())::text::bigint`
  const [of] = await sql<{ count: number; until: string }[]>`
    select count(*), max(recorded_at)::text as until from events`
  expect(of?.count).toBeGreaterThan(20_000)
  const moments = await sql<{ at: string }[]>`
    select (${of?.until ?? ""}::timestamptz - n * interval '11 s')::text as at from generate_series(0, 120) n`
  for (const { at } of moments) {
    const [first] = await sql`
      select xid::text, seq - 1 as seq from events where recorded_at >= ${at}::timestamptz order by events.xid, seq limit 1`
    expect({ at, ...(await positionSince(at)) }).toEqual({ at, ...first })
  }
  const [plan] = await sql<{ "QUERY PLAN": [{ Plan: Record<string, number> }] }[]>`
    explain (analyze, buffers, format json) select position_since(${of?.until ?? ""}::timestamptz)`
  const { "Shared Hit Blocks": hit = 0, "Shared Read Blocks": read = 0 } = plan?.["QUERY PLAN"][0].Plan ?? {}
  // Read from the beginning it would be more than twenty thousand rows, each with a look at the index.
  expect(hit + read).toBeGreaterThan(0)
  expect(hit + read).toBeLessThan(400)
})

test("a position since a moment is not behind a transaction under way, and without a moment it is behind all events", async () => {
  const { sql } = database
  const began = new Date(Date.now() - 1000).toISOString()
  const add = (on: { (text: TemplateStringsArray, ...values: never[]): PromiseLike<unknown> }) => on`
    insert into events (type, fact, key, source, time, correlation, schemaversion, data)
    values ('stock.moved', 'late', 'stock/a/b', 'test', now(), 'c', 1, '{}')`
  let found: Awaited<ReturnType<typeof positionSince>>
  await inTransaction(sql, async (slow) => {
    await add(slow as never)
    await add(sql as never)
    found = await positionSince(began)
  })
  const [missed] = await sql`
    select count(*) from events where recorded_at >= ${began}::timestamptz and (xid, seq) <= (${found?.xid ?? ""}::xid8, ${found?.seq ?? 0})`
  expect(missed).toEqual({ count: 0 })
  const end = await positionSince(null)
  const [ahead] = await sql`
    select count(*) from events where (xid, seq) > (${end?.xid ?? ""}::xid8, ${end?.seq ?? 0})`
  expect(ahead).toEqual({ count: 0 })
})

test("upkeep forgets readers and positions of subscriptions that are no more, and readers of those that may be silent", async () => {
  const { sql } = database
  const at = instant(Date.now())
  const log = { append: async () => undefined } as never
  const readers = new Readers({ sql, clock: { now: Date.now }, eventLog: log, log: undefined as never })
  await store.create("paused", { url: "https://two.example/", description: "the second", types: [], since: at }, "test")
  await store.pause("paused", "test")
  for (const id of ["one", "paused", "ended"]) {
    await readers.join({ name: readerName(id), what: id, meanwhile: "nothing", everyMs: 2000 })
    await readPosition(sql, readerName(id))
  }
  await forgetGhosts({ sql, readers })
  expect((await readers.list()).map(({ name }) => name)).toEqual(["events to one"])
  const kept = await sql<{ name: string }[]>`select name from subscriptions where name like 'events to %' order by 1`
  expect(kept.map(({ name }) => name)).toEqual(["events to one", "events to paused"])
})
