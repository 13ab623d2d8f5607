import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { appendFrom, countOf, latch } from "../../test/fixtures/ledger/facts.ts"
import { AppError } from "../base/errors.ts"
import { createLog } from "../base/log.ts"
import { openSql, type Sql } from "../base/sql.ts"
import { sleep } from "../base/time.ts"
import { ref } from "../canonical/refs.ts"
import { EventLog, type StoredEvent } from "./event-log.ts"
import type { Failure, Subscriber } from "./subscriber.ts"
import { Subscriptions } from "./subscriptions.ts"

let database: FreshDatabase
let log: EventLog
let running: Subscriptions[]
beforeEach(async () => {
  database = await freshDatabase({ connectionsMax: 8 })
  log = new EventLog(database.sql)
  running = []
})
afterEach(async () => {
  await Promise.all(running.map((subscriptions) => subscriptions.stop()))
  await database.drop()
})

const silent = createLog("test", "silent")
const nameOf = (event: StoredEvent) => {
  const { sku, countedMilli } = (event as StoredEvent<"stock.counted">).data
  return `${sku}${countedMilli}`
}
const keyOf = (sku: string) => ref("stock", "wh-berlin", sku)
const namesOf = (events: readonly StoredEvent[]) => events.map(nameOf)

async function subscribe(
  subscriber: Partial<Subscriber> & Pick<Subscriber, "handle">,
  sql: Sql = database.sql,
  eventLog = new EventLog(sql),
) {
  const parked: Failure[] = []
  const onParked = (_name: string, failure: Failure) => Promise.resolve(void parked.push(failure))
  const subscriptions = new Subscriptions({ sql, log: silent, eventLog, onParked })
  running.push(subscriptions)
  await subscriptions.start({ name: "counts", types: ["stock.counted"], ...subscriber })
  return { subscriptions, parked }
}

/** A handler that keeps what it handled, and fails what `fails` says, with all later events of that key. */
function recorder(fails: (event: StoredEvent) => unknown = () => undefined) {
  const handled: string[] = []
  const handle = async (events: readonly StoredEvent[]): Promise<Failure[]> => {
    const failures = new Map<string, Failure>()
    for (const event of events) {
      if (failures.has(event.key)) continue
      const error = fails(event)
      if (error === undefined) handled.push(nameOf(event))
      else failures.set(event.key, { event, error })
    }
    return [...failures.values()]
  }
  return { handled, handle }
}

async function until(isTrue: () => boolean | Promise<boolean>, limitMs = 8000): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${String(isTrue)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const append = (...names: string[]) =>
  appendFrom(
    database.sql,
    names.map((name) => countOf(name.slice(0, 1), Number(name.slice(1)))),
  )

const ofKey = (handled: readonly string[], key: string) => handled.filter((name) => name.startsWith(key))

/** Whether every event of the log is behind the cursor. */
async function isThrough(): Promise<boolean> {
  const [row] = await database.sql<{ left: number }[]>`
    select count(*) as left from events e, subscriptions s where s.name = 'counts' and (e.xid, e.seq) > (s.xid, s.seq)`
  return row?.left === 0
}

async function backlog(): Promise<{ key: string; isParked: boolean }[]> {
  return database.sql<{ key: string; isParked: boolean }[]>`
    select key, is_parked as "isParked" from subscription_backlog order by xid, seq`
}

describe("order and poison", () => {
  test("events are handled once each, in order per key, across batches and appends", async () => {
    const { handled, handle } = recorder()
    await append("A1", "B1", "A2")
    await subscribe({ handle, batchSizeMax: 2 })
    await append("A3", "B2")
    await append("B3", "A4")
    await until(() => handled.length === 7)
    expect(ofKey(handled, "A")).toEqual(["A1", "A2", "A3", "A4"])
    expect(ofKey(handled, "B")).toEqual(["B1", "B2", "B3"])
  })

  test("a reader that lets events gather gets them in few batches and misses none", async () => {
    const batches: string[][] = []
    const handle = (events: readonly StoredEvent[]) => {
      batches.push(namesOf(events))
      return Promise.resolve([])
    }
    await subscribe({ handle, gathersMs: 1000 }, database.sql, log)
    for (let n = 1; n <= 10; n += 1) {
      // An append of this process wakes its readers.
      await log.append(countOf("A", n))
      await sleep(20)
    }
    await until(() => batches.flat().length === 10)
    expect(batches.flat()).toEqual(Array.from({ length: 10 }, (_, n) => `A${n + 1}`))
    expect(batches.length).toBeLessThanOrEqual(3)
  })

  test("a reader that lets events gather does not wait while it is behind", async () => {
    const { handled, handle } = recorder()
    await append("A1", "A2", "A3", "A4", "A5")
    await subscribe({ handle, batchSizeMax: 2, gathersMs: 3_600_000 })
    await until(() => handled.length === 5)
  })

  test("what one reader lets gather has no other one look at the log", async () => {
    const { handled, handle } = recorder()
    const { subscriptions } = await subscribe({ handle, gathersMs: 3_600_000 }, database.sql, log)
    await subscriptions.start({ name: "orders", types: ["order.placed"], handle })
    await log.append(countOf("A", 1))
    await until(() => handled.length === 1).then(() => sleep(300))
    const reads = vi.spyOn(log, "read")
    for (let n = 2; n <= 20; n += 1) await log.append(countOf("A", n))
    expect(reads.mock.calls.length).toBeLessThan(10)
  })

  test("a key that fails leaves the line with all its later events; other keys go on", async () => {
    let isBroken = true
    const { handled, handle } = recorder((event) => (nameOf(event) === "A2" && isBroken ? "no" : undefined))
    await subscribe({ handle, batchSizeMax: 3 })
    await append("A1", "A2", "B1", "A3", "B2", "A4", "C1")
    await until(isThrough)
    await until(() => handled.includes("C1"))
    expect(handled.toSorted()).toEqual(["A1", "B1", "B2", "C1"])
    isBroken = false
    await until(async () => (await backlog()).length === 0)
    expect(ofKey(handled, "A")).toEqual(["A1", "A2", "A3", "A4"])
  })

  test("a poisoned key is parked after its attempts and told; release takes it up again in order", async () => {
    let attempts = 0
    let isBroken = true
    const { handled, handle } = recorder((event) => {
      if (event.key !== keyOf("A") || !isBroken) return undefined
      attempts += 1
      return new Error("cannot be handled")
    })
    const { subscriptions, parked } = await subscribe({ handle, attemptsMax: 2 })
    await append("A1", "A2", "B1")
    await until(() => parked.length > 0)
    await append("A3", "B2")
    await until(() => handled.includes("B2"))
    expect(namesOf(parked.map((failure) => failure.event))).toEqual(["A1"])
    expect(attempts).toBe(2)
    isBroken = false
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(ofKey(handled, "A")).toEqual([])

    expect(await subscriptions.release("counts", keyOf("A"))).toBe(3)
    await until(async () => (await backlog()).length === 0)
    expect(ofKey(handled, "A")).toEqual(["A1", "A2", "A3"])
  })

  test("a key is not parked while what it needs is merely away", async () => {
    let isAway = true
    const away = new AppError("VENDOR_UNAVAILABLE", "nobody there")
    const { handled, handle } = recorder(() => (isAway ? away : undefined))
    const { parked } = await subscribe({ handle, attemptsMax: 1 })
    await append("A1")
    await until(async () => {
      const rows = await database.sql`select 1 from subscription_backlog where attempts >= 2`
      return rows.length > 0
    })
    isAway = false
    await until(() => handled.includes("A1"))
    expect(parked).toEqual([])
  })

  test("a key that cannot be told to anyone yet is not parked yet", async () => {
    let tells = 0
    const { handle } = recorder(() => "no")
    const subscriptions = new Subscriptions({
      sql: database.sql,
      log: silent,
      eventLog: log,
      onParked: () => {
        tells += 1
        return tells === 1 ? Promise.reject(new Error("the exception could not be written")) : Promise.resolve()
      },
    })
    running.push(subscriptions)
    await subscriptions.start({ name: "counts", types: ["stock.counted"], attemptsMax: 2, handle })
    await append("A1")
    await until(async () => (await backlog()).some((row) => row.isParked))
    expect(tells).toBe(2)
  })

  test("a key with more history than one page is taken up again all the same", async () => {
    let isBroken = true
    const { handled, handle } = recorder((event) => (nameOf(event) === "A5200" && isBroken ? "no" : undefined))
    const events = Array.from({ length: 5200 }, (_, number) => countOf("A", number + 1))
    await appendFrom(database.sql, events)
    await subscribe({ handle, batchSizeMax: 2000 })
    await until(async () => (await backlog()).length === 1)
    isBroken = false
    await until(() => handled.at(-1) === "A5200", 3000)
    expect(handled).toHaveLength(5200)
  })
})

describe("crashes and rivals", () => {
  test("a handler that throws moves nothing, and the whole batch comes again", async () => {
    let isBroken = true
    const { handled, handle } = recorder()
    const batches: string[][] = []
    await subscribe({
      handle: async (events) => {
        batches.push(namesOf(events))
        if (isBroken) throw new AppError("STORAGE_UNAVAILABLE", "away")
        return handle(events)
      },
    })
    await append("A1", "B1")
    await until(() => batches.length >= 2)
    expect(await database.sql`select seq from subscriptions`).toEqual([{ seq: 0 }])
    expect(await backlog()).toEqual([])
    isBroken = false
    await until(() => handled.length === 2)
    expect(new Set(batches.map((batch) => batch.join()))).toEqual(new Set(["A1,B1"]))
  })

  test("a crash between handling and moving the cursor repeats events and skips none", async () => {
    const doomed = openSql(database.url, { connectionsMax: 3, name: "doomed" })
    const first = recorder()
    await append("A1", "B1", "A2")
    const { subscriptions } = await subscribe(
      {
        handle: async (events) => {
          const failures = await first.handle(events)
          await doomed.end({ timeout: 0 })
          return failures
        },
      },
      doomed,
    )
    await until(() => first.handled.length === 3)
    await subscriptions.stop()
    const second = recorder()
    await subscribe({ handle: second.handle })
    await append("B2")
    await until(() => second.handled.includes("B2"))
    expect(first.handled).toEqual(["A1", "B1", "A2"])
    expect(second.handled).toEqual(["A1", "B1", "A2", "B2"])
  })

  test("two processes under one name never both move the cursor from one place", async () => {
    await database.sql`create table moves (from_xid xid8, from_seq bigint, to_xid xid8, to_seq bigint)`
    await database.sql`
      create function note_move() returns trigger language plpgsql as $$ begin
        insert into moves values (old.xid, old.seq, new.xid, new.seq); return new; end $$`
    await database.sql`create trigger note_move after update on subscriptions for each row execute function note_move()`
    const bothAreIn = latch()
    let inside = 0
    const handled: string[] = []
    const handle = async (events: readonly StoredEvent[]): Promise<Failure[]> => {
      inside += 1
      if (inside === 2) bothAreIn.open()
      await bothAreIn.opened
      handled.push(...namesOf(events))
      // One of the two fails a key: whoever moves the cursor, the key is neither lost nor twice in the backlog.
      return inside % 2 === 0
        ? events.filter((event) => nameOf(event) === "B1").map((event) => ({ event, error: "" }))
        : []
    }
    await append("A1", "B1")
    await subscribe({ handle })
    await subscribe({ handle }, openSql(database.url, { connectionsMax: 3, name: "rival" }))
    for (let number = 2; number < 20; number += 1) await append(`A${number}`)
    await until(isThrough)
    await until(async () => (await backlog()).length === 0)

    const moves = await database.sql<{ origin: string; target: string }[]>`
      select from_xid || '-' || from_seq as origin, to_xid || '-' || to_seq as target from moves order by to_xid, to_seq`
    expect(moves.length).toBeGreaterThan(0)
    expect(new Set(moves.map((move) => move.origin)).size).toBe(moves.length)
    for (const [n, move] of moves.entries()) expect(move.origin).toBe(n === 0 ? "0-0" : moves[n - 1]?.target)
    const all = ["B1", ...Array.from({ length: 19 }, (_, n) => `A${n + 1}`)]
    expect([...new Set(handled)].toSorted()).toEqual(all.toSorted())
  })
})
