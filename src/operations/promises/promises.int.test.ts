import { afterAll, beforeAll, expect, test } from "vitest"
import { orderBecame, orderPlaced, refundOf, refundReached } from "../../../test/fixtures/alerts/told.ts"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { instant } from "../../base/time.ts"
import type { NewEvent } from "../../canonical/events.ts"
import { EventLog, logStart, type Position } from "../../eventlog/event-log.ts"
import type { NamedPromise } from "../../rules/promises/definition.ts"
import { readBudget } from "./budget.ts"
import { buildOf, forgetPromises, markDue, promiseSubscriber, type KeptPromises } from "./keep.ts"
import { explainScope, listMissed } from "./missed.ts"
import { predictMisses } from "./predict.ts"
import { judgePromises, readPromises } from "./read.ts"

type Order = ReturnType<typeof orderPlaced>

const startMs = Date.UTC(2026, 10, 20, 9)
const at = (minutes: number) => instant(startMs + minutes * 60_000)

const released: NamedPromise = {
  name: "orders released",
  of: "order released",
  within: { minutes: 10 },
  target: 0.99,
  per: ["channel"],
}
const refunds: NamedPromise = {
  name: "refunds closed",
  of: "refund closed",
  within: { days: 3 },
  target: 0.99,
  per: ["method", "channel"],
  window: 20,
}

let database: FreshDatabase
let log: EventLog
beforeAll(async () => {
  database = await freshDatabase()
  log = new EventLog(database.sql)
})
afterAll(() => database?.drop())

/** Promises that are kept up by hand: `follow` handles what the log has since. */
function keeping(promises: readonly NamedPromise[]) {
  const kept: KeptPromises = { promises, placeOf: () => ({ timeZone: "Europe/Berlin" }) }
  const subscriber = promiseSubscriber(database.sql, kept)
  const reads = { sql: database.sql, clock: { now: () => nowMs }, build: buildOf(kept) }
  let nowMs = startMs
  let position: Position = logStart
  const handled: NewEvent[] = []
  return {
    reads,
    setNow: (minutes: number) => (nowMs = startMs + minutes * 60_000),
    async follow() {
      const { events, last } = await readToEnd(position, subscriber.types)
      await subscriber.handle(events)
      handled.push(...events)
      position = last
      await markDue(database.sql, reads.build, nowMs + 2001)
      return events
    },
    again: (events: Parameters<typeof subscriber.handle>[0]) => subscriber.handle(events),
  }
}

/** A reader stops below the oldest running transaction of the server, which another test may have. */
async function readToEnd(after: Position, types?: Parameters<typeof log.read>[0]["types"]) {
  const [end] = await database.sql<{ seq: number }[]>`select coalesce(max(seq), 0) as seq from events`
  for (;;) {
    const found = await log.read({ after, limit: 5000, ...(types && { types }) })
    if (found.last.seq >= (end?.seq ?? 0)) return found
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const rows = async (build: string) => [
  ...(await database.sql`
    select promise, subject, state, method, channel, region, scope, minor, ended_at, finished_at from promise_outcomes
    where build = ${build} order by promise, subject`),
]

test("X-15: an order released in time is kept, one that is late is missed by the clock alone, and one on hold is not promised", async () => {
  const inTime = orderPlaced(1, { at: at(0) })
  const late = orderPlaced(2, { at: at(0), method: "paypal" })
  const held = orderPlaced(3, { at: at(0) })
  for (const event of [inTime, late, held, orderBecame(inTime, "released", at(4)), orderBecame(held, "on hold", at(1))])
    await log.append(event)
  const kept = keeping([released])
  kept.setNow(9)
  await kept.follow()
  expect((await rows(kept.reads.build)).map(({ state }) => state).toSorted()).toEqual(["kept", "open"])
  expect((await readPromises(kept.reads, [released]))[0]).toMatchObject({ open: 1, atRisk: 1, overdue: 0 })
  kept.setNow(11)
  await kept.follow()
  const missed = await listMissed(kept.reads, released, { limit: 10 })
  expect(missed.items).toMatchObject([
    { orderId: late.data.orderId, method: "paypal", region: "DE", money: { amountMinor: 4488 } },
  ])
  // It stays missed when it comes true later, and says when.
  await log.append(orderBecame(late, "released", at(30)))
  await kept.follow()
  const [after] = (await listMissed(kept.reads, released, { limit: 10 })).items
  expect(after?.endedAt).toBe(at(30))
  // Of channels that a consumer may not see it sees nothing.
  expect((await listMissed(kept.reads, released, { limit: 10, channels: ["other"] })).items).toEqual([])
})

test("X-15: what the log told late, but happened in time, is kept after all", async () => {
  const placed = orderPlaced(4, { at: at(0) })
  await log.append(placed)
  const kept = keeping([released])
  kept.setNow(15)
  await kept.follow()
  await log.append(orderBecame(placed, "shipped", at(8)))
  await kept.follow()
  const row = (await rows(kept.reads.build)).find(({ subject }) => subject === placed.data.orderId)
  expect(row).toMatchObject({ state: "kept" })
})

test("I-10: handled twice, or derived again from the start, it is the same; another declaration is another build", async () => {
  const kept = keeping([released, refunds])
  kept.setNow(60)
  const events = await kept.follow()
  const once = await rows(kept.reads.build)
  await kept.again(events)
  expect(await rows(kept.reads.build)).toEqual(once)
  const before = once.length
  await database.sql`delete from promise_outcomes where build = ${kept.reads.build}`
  await kept.again(events)
  await markDue(database.sql, kept.reads.build, startMs + 60 * 60_000)
  expect((await rows(kept.reads.build)).length).toBe(before)
  expect(await rows(kept.reads.build)).toEqual(once)
  const stricter = keeping([{ ...released, within: { minutes: 5 } }])
  expect(stricter.reads.build).not.toBe(kept.reads.build)
  // The old build goes once nobody has used it for an hour.
  await forgetPromises(database.sql, { build: kept.reads.build, nowMs: startMs })
  await database.sql`update promise_builds set seen_at = seen_at - interval '2 hours' where build = ${kept.reads.build}`
  await forgetPromises(database.sql, { build: stricter.reads.build, nowMs: startMs })
  expect(await rows(kept.reads.build)).toEqual([])
})

test("I-10: events that come one by one, at once, or in overlapping parts make the same outcomes", async () => {
  const long = [{ ...released, within: { days: 1 } }, refunds]
  const [first, second, third] = [201, 202, 203].map((n) => orderPlaced(n, { at: at(0) })) as [Order, Order, Order]
  const since = await readToEnd(logStart)
  for (const event of [
    first,
    second,
    third,
    orderBecame(first, "reserved", at(1)),
    orderBecame(second, "reserved", at(1)),
    orderBecame(first, "paid", at(1)),
    orderBecame(first, "in the books", at(2)),
    orderBecame(third, "on hold", at(2)),
    orderBecame(first, "released", at(3)),
    orderBecame(first, "closed", at(4)),
    orderBecame(second, "paid", at(5)),
    refundOf(first, at(6)),
    refundReached(first, at(7)),
  ])
    await log.append(event)
  const { events } = await readToEnd(since.last)
  const kept = keeping(long)
  const stages = () => database.sql`
    select promise, subject, state, stages, stage, stage_at, ended_at, finished_at, minor, currency from promise_outcomes
    where build = ${kept.reads.build} order by promise, subject`
  await kept.again(events)
  const atOnce = [...(await stages())]
  expect(atOnce).toMatchObject([
    { subject: first.data.orderId, state: "kept", stage: "in the books" },
    {
      subject: second.data.orderId,
      state: "open",
      stage: "paid",
      stages: [
        ["reserved", at(1)],
        ["paid", at(5)],
      ],
    },
    { promise: "refunds closed", state: "kept" },
  ])
  for (const parts of [events.map((event) => [event]), [events.slice(0, 5), events.slice(3, 9), events.slice(6)]]) {
    await database.sql`delete from promise_outcomes where build = ${kept.reads.build}`
    for (const part of parts) await kept.again(part)
    expect([...(await stages())]).toEqual(atOnce)
  }
})

test("X-15: refunds of one payment method that are slow burn its budget, and what they have in common is named", async () => {
  const day = 1440
  const orders = Array.from({ length: 60 }, (_, n) =>
    orderPlaced(100 + n, { at: at(n), method: n % 2 === 0 ? "stripe" : "paypal" }),
  )
  for (const [n, placed] of orders.entries()) {
    await log.append(placed)
    await log.append(refundOf(placed, at(n)))
    // Refunds by stripe take four days.
    if (n % 2 === 1) await log.append(refundReached(placed, at(n + day)))
  }
  const kept = keeping([refunds])
  kept.setNow(2.9 * day)
  await kept.follow()
  // Those of paypal took a day, so those of stripe have less time left than they usually need.
  expect(await predictMisses(kept.reads, refunds)).toMatchObject([{ stage: "begun", count: 30 }])
  kept.setNow(3.2 * day)
  await kept.follow()
  const [[worst, other] = []] = await judgePromises(kept.reads, [refunds])
  expect(worst).toMatchObject({ says: "page", scope: ["stripe", "shop-de"], n: 20, bad: 20 })
  expect(worst?.money).toEqual([{ amountMinor: 20 * 4488, currency: "EUR" }])
  expect(other).toMatchObject({ says: "kept", scope: ["paypal", "shop-de"] })
  const { orderIds } = await explainScope(kept.reads, refunds, ["shop-de"])
  expect(orderIds.length).toBeGreaterThan(0)
  const wide = keeping([{ ...refunds, per: ["channel"], window: 60 }])
  wide.setNow(3.2 * day)
  await wide.follow()
  const promise = { ...refunds, per: ["channel" as const], window: 60 }
  const explained = await explainScope(wide.reads, promise, ["shop-de"])
  expect(explained.concentration).toEqual({ dimension: "method", value: "stripe", bad: 30, of: 30 })
  const gate = await readBudget(wide.reads, [promise])
  expect(gate).toMatchObject({ wait: true, reasons: ['"refunds closed" is being missed right now'] })
})
