import { afterEach, beforeEach, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { inTransaction, openSession, type Sql } from "../base/sql.ts"
import { durationMs, systemClock } from "../base/time.ts"
import { Retention, retentionProblems, type RetentionPolicy } from "./retention.ts"

let database: FreshDatabase
let sql: Sql
beforeEach(async () => {
  database = await freshDatabase()
  sql = database.sql
})
afterEach(() => database?.drop())

const laterDays = 500

/** Retention as it will find things in so many days. */
function retentionIn(days: number, policy: RetentionPolicy = {}): Retention {
  return new Retention(sql, { now: () => systemClock.now() + durationMs({ days }) }, policy)
}

async function delivery(id: number, state: "translated" | "parked"): Promise<void> {
  await sql`insert into inbox_bodies (id, bytes) select inbox_day(now()) + ${id}, '\\x00'`
  await sql`
    insert into inbox (id, connection, via, correlation, bodies, starts_at, head_length, body_length, state)
    select inbox_day(now()) + ${id}, 'shop', 'webhook', '', inbox_day(now()) + ${id}, 0, 0, 0, ${state}`
}

async function event(key: string): Promise<void> {
  await sql`
    insert into events (type, fact, key, source, time, correlation, schemaversion, data)
    values ('order.placed', ${key}, ${key}, 'shop', now(), '', 1, '{}')`
}

async function exception(about: string, state: "open" | "decided"): Promise<void> {
  await sql`
    insert into exceptions (id, about, order_id, cause, summary, done_so_far, if_nobody_acts, allowed, owner, opened_at, state, decided_at, kind, group_id)
    values (${`${about}-${state}`}, ${about}, substring(${about} from '(ord_[0-9a-z]+)'), '', '', '[]', '', '[]', '', now(), ${state},
      case when ${state} = 'decided' then now() end, 'flow', '')`
}

async function instance(about: string, state: "done" | "running"): Promise<number> {
  const [row] = await sql<{ id: number }[]>`
    insert into workflow_instances (workflow, about, state, correlation, finished_at)
    values ('fulfil order', ${about}, ${state}, '', case when ${state} = 'done' then now() end) returning id`
  const id = row?.id ?? 0
  await sql`insert into workflow_journal (instance, entries) values (${id}, '[]')`
  await sql`insert into workflow_signals (instance, type, fact, at, data) values (${id}, 'order.edited', '', now(), '{}')`
  if (state === "running") await sql`insert into workflow_queue (instance) values (${id})`
  return id
}

const values = async (rows: Promise<readonly { value: unknown }[]>) => (await rows).map(({ value }) => value)
const keys = () => values(sql<{ value: string }[]>`select key as value from events order by key`)
const instances = () => values(sql<{ value: string }[]>`select about as value from workflow_instances order by about`)

test("deliveries older than the policy are gone, and one that is parked stays until somebody has decided", async () => {
  for (const [id, state] of [
    [1, "translated"],
    [2, "parked"],
    [3, "parked"],
  ] as const)
    await delivery(id, state)
  const [row] = await sql<{ id: number }[]>`select inbox_day(now()) + 2 as id`
  await exception(`inbox/${row?.id}`, "open")
  const ids = () => values(sql<{ value: number }[]>`select id % 100 as value from inbox order by id`)
  const bodies = () => values(sql<{ value: number }[]>`select id % 100 as value from inbox_bodies order by id`)

  await retentionIn(50).run()
  expect(await ids()).toEqual([1, 2, 3])
  await retentionIn(70).run()
  expect([await ids(), await bodies()]).toEqual([[2], [2]])

  await sql`update exceptions set state = 'decided', decided_at = now()`
  await retentionIn(70).run()
  expect([await ids(), await bodies()]).toEqual([[], []])
})

test("a new delivery finds a place after all weeks are gone", async () => {
  await retentionIn(laterDays).run()
  await delivery(1, "translated")
  expect(await values(sql<{ value: string }[]>`select state as value from inbox`)).toEqual(["translated"])
})

test("events older than the policy are gone, except those of objects that are open and of what belongs to them", async () => {
  for (const key of [
    "order/ord_a",
    "order/ord_b",
    "order/ord_c",
    "order/ord_d",
    "shipment/ord_b/1",
    "shipment/ord_a/1",
  ])
    await event(key)
  await sql`
    insert into object_links values ('shipment/ord_b/1', 'order/ord_b', '', now()), ('shipment/ord_a/1', 'order/ord_a', '', now())`
  await instance("order/ord_a", "done")
  await instance("order/ord_b", "running")
  await exception("order/ord_c", "open")
  await sql`insert into subscriptions (name, xid) values ('reader', pg_current_xact_id())`
  await sql`insert into subscription_backlog (name, xid, seq, key) values ('reader', '1', 1, 'order/ord_d')`

  await retentionIn(laterDays).run()
  expect(await keys()).toEqual(["order/ord_b", "order/ord_c", "order/ord_d", "shipment/ord_b/1"])

  await sql`delete from workflow_queue`
  await sql`update workflow_instances set state = 'done', finished_at = now()`
  await sql`update exceptions set state = 'decided', decided_at = now()`
  await retentionIn(laterDays).run()
  expect(await keys()).toEqual(["order/ord_d"])
})

test("no event goes that a durable reader has not read, and people are told who holds it back", async () => {
  await sql`insert into subscriptions (name) values ('slow reader')`
  await event("order/ord_a")
  await retentionIn(laterDays).run()
  expect(await keys()).toEqual(["order/ord_a"])
  const { outlook } = await retentionIn(laterDays).report()
  expect(outlook.find(({ what }) => what === "events")).toMatchObject({
    heldBackBy: '"slow reader" has not read them all',
  })

  await sql`update subscriptions set xid = pg_current_xact_id()`
  await retentionIn(laterDays).run()
  expect(await keys()).toEqual([])
})

test("workflows that ended go with journal and signals, and what is in flight or has an open exception stays", async () => {
  await instance("order/ord_a", "done")
  await instance("order/ord_b", "running")
  await instance("order/ord_c", "done")
  await exception("shipment/ord_c/1", "open")
  await exception("order/ord_a", "decided")
  await retentionIn(399).run()
  expect(await instances()).toHaveLength(3)
  await retentionIn(laterDays).run()
  expect(await instances()).toEqual(["order/ord_b", "order/ord_c"])
  for (const table of ["workflow_journal", "workflow_signals"])
    expect(await sql`select from ${sql(table)}`).toHaveLength(2)
  expect(await values(sql<{ value: string }[]>`select state as value from exceptions`)).toEqual(["open"])
})

test("a signal that comes while its workflow is being removed keeps it", async () => {
  const id = await instance("order/ord_a", "done")
  let removing: Promise<string[]> | undefined
  await inTransaction(sql, async (transaction) => {
    // As follow_events does it: it has looked at the instance and found it.
    await transaction`
      insert into workflow_instances (workflow, about, state, correlation)
      select 'fulfil order', 'order/ord_a', 'expected', ''
      where not exists (select from workflow_instances where about = 'order/ord_a')`
    await transaction`insert into workflow_signals (instance, type, fact, at, data) values (${id}, 'order.edited', 'late', now(), '{}')`
    await transaction`insert into workflow_queue (instance, due_at, is_woken) values (${id}, now(), true)`
    removing = retentionIn(laterDays).run()
    await Promise.race([removing, new Promise((resolve) => setTimeout(resolve, 200))])
  })
  await removing
  await retentionIn(laterDays).run()
  expect(await instances()).toEqual(["order/ord_a"])
  expect(await sql`select from workflow_signals`).toHaveLength(2)
})

test("killed in the middle of a step nothing is half done, and the next run finishes it", async () => {
  await event("order/ord_a")
  await delivery(1, "translated")
  await instance("order/ord_b", "done")
  const { sql: dying, lost } = await openSession(sql)
  const cutoff = "2040-01-01T00:00:00Z"
  await dying`begin`
  await dying`select retain_deliveries(${cutoff}::timestamptz, 1), retain_finished_work(${cutoff}::timestamptz, 1, 10),
    retain_events(${cutoff}::timestamptz, 1)`
  // Another worker does nothing meanwhile.
  expect(await sql`select retain_finished_work(${cutoff}::timestamptz, 1, 10) as said`).toEqual([{ said: null }])
  const [{ pid } = { pid: 0 }] = await dying<{ pid: number }[]>`select pg_backend_pid() as pid`
  await sql`select pg_terminate_backend(${pid})`
  await lost
  expect([await keys(), await instances()]).toEqual([["order/ord_a"], ["order/ord_b"]])
  expect(await sql`select from inbox`).toHaveLength(1)
  expect(await sql`select from removed_by_retention`).toHaveLength(0)

  await retentionIn(laterDays).run()
  expect([await keys(), await instances(), [...(await sql`select from inbox`)]]).toEqual([[], [], []])
})

test("whoever holds a table for long makes retention try again later, and nobody waits behind it for more than half a second", async () => {
  await event("order/ord_a")
  await inTransaction(sql, async (transaction) => {
    await transaction`select count(*) from events`
    const startedAt = performance.now()
    await retentionIn(laterDays).run()
    expect(performance.now() - startedAt).toBeLessThan(5000)
  })
  expect(await keys()).toEqual(["order/ord_a"])
  await retentionIn(laterDays).run()
  expect(await keys()).toEqual([])
})

test("what is gone, what goes next and when is said before and after", async () => {
  await event("order/ord_a")
  await instance("order/ord_a", "done")
  const before = await retentionIn(0).report()
  expect(before.outlook.map(({ what, days, removedBefore }) => ({ what, days, removedBefore }))).toEqual([
    { what: "deliveries", days: 60, removedBefore: undefined },
    { what: "events", days: 400, removedBefore: undefined },
    { what: "finished work", days: 400, removedBefore: undefined },
  ])
  for (const { next } of before.outlook) expect(Date.parse(next?.at ?? "")).toBeGreaterThan(Date.now())
  await retentionIn(laterDays).run()
  const after = await retentionIn(laterDays).report()
  for (const { removedBefore } of after.outlook) expect(Date.parse(removedBefore ?? "")).toBeGreaterThan(Date.now())
})

test("ages that are no whole days, too short or unknown are refused with what is allowed", () => {
  expect(retentionProblems({})).toEqual([])
  expect(retentionProblems({ deliveries: { days: 14 }, events: { days: 500 } })).toEqual([])
  const bad = { deliveries: { days: 3 }, events: { days: 1.5 }, orders: { days: 40 } } as RetentionPolicy
  expect(retentionProblems(bad)).toEqual([
    { pointer: "/retention/deliveries/days", message: "takes a whole number of days from 14 to 36500" },
    { pointer: "/retention/events/days", message: "takes a whole number of days from 30 to 36500" },
    { pointer: "/retention/orders", message: "there are only deliveries, events, finishedWork" },
  ])
  expect(retentionProblems({ events: { days: 100 } })).toEqual([
    {
      pointer: "/retention/events/days",
      message: "finished work is kept for 400 days and may read its events: keep them as long",
    },
  ])
})
