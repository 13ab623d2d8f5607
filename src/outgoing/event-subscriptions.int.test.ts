import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { EventSubscriptions } from "./event-subscriptions.ts"

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

test("a position since a moment is before the first event that the log took then, and without a moment behind them all", async () => {
  const positions = await database.sql<{ xid: string; seq: number }[]>`
    select p.* from (values (null::timestamptz), (now() - interval '1 day')) v(since), lateral position_since(v.since) p`
  expect(positions).toHaveLength(2)
  const [ahead] = await database.sql<{ count: number }[]>`
    select count(*) as count from events where (xid, seq) > (${positions[0]?.xid ?? ""}::xid8, ${positions[0]?.seq ?? 0})`
  expect(ahead).toEqual({ count: 0 })
})
