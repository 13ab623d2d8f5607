import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { countOf, latch } from "../../test/fixtures/ledger/facts.ts"
import { durableBench } from "../../test/fixtures/ledger/vendor.ts"
import { inTransaction, openSession, openSql } from "../base/sql.ts"
import { ref } from "../canonical/refs.ts"
import type { StepEntry } from "../effects/step-rows.ts"
import { rescueWorkers, type Claimed, type Journal, type RunEnd } from "./journal.ts"

let database: FreshDatabase
let bench: ReturnType<typeof durableBench>
let journal: Journal
beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 8 })
})
beforeEach(async () => {
  await database.sql`
    truncate workers, workflow_instances, workflow_queue, workflow_journal, workflow_signals, events, event_facts, exceptions, figures`
  bench = durableBench(database.sql)
  journal = await bench.newJournal()
})
afterAll(() => database?.drop())

const effect = (step: string, more: Partial<StepEntry> = {}): StepEntry => ({
  step,
  part: "",
  n: 1,
  kind: "effect",
  outcome: null,
  ...more,
})
const done = (result: unknown): Partial<StepEntry> => ({ outcome: "done", result })
const over: RunEnd = { state: "done", failure: null, isOver: true, isKept: false }
const waits = (more: Partial<RunEnd> = {}): RunEnd => ({
  state: "running",
  failure: null,
  isOver: false,
  isKept: false,
  ...more,
})
const noFate = () => ({ hasFailedWrite: false })
const everything = { room: 10_000, drains: [] }

type Part = Partial<Parameters<Journal["write"]>[0]>
const write = (instance: number, part: Part, by = journal) =>
  by.write({ instance, correlation: "test", fate: noFate(), ...part })

/** Starts instances and claims them. */
async function claimed(...keys: string[]): Promise<number[]> {
  for (const key of keys) await bench.start(key)
  const { claimed: all } = await journal.claim(everything)
  return keys.map((key) => all.find(({ facts }) => facts.about === ref("order", key))?.facts.id ?? -1)
}

const keysOf = (all: readonly Claimed[]) => all.map(({ facts }) => facts.about.slice("order/".length))

async function steps(key: string) {
  const rows = await database.sql<{ name: string; outcome: string | null; result: unknown }[]>`
    select name, outcome, result from workflow_steps where about = ${ref("order", key)} order by name`
  return [...rows]
}

interface QueueRow {
  isMine: boolean
  isWoken: boolean
  isDue: boolean | null
  failures: number
}

async function queued(key: string): Promise<QueueRow | undefined> {
  const [row] = await database.sql<QueueRow[]>`
    select q.claimed_by is not null as "isMine", q.is_woken as "isWoken", q.due_at <= clock_timestamp() as "isDue", q.failures
    from workflow_queue q join workflow_instances i on i.id = q.instance where i.about = ${ref("order", key)}`
  return row
}

const states = async () =>
  (await database.sql<{ state: string }[]>`select state from workflow_instances order by id`).map(({ state }) => state)

const isPassed = async (what: string, look: () => Promise<boolean>) =>
  await expect.poll(look, { message: what, timeout: 20_000 }).toBe(true)

describe("writes", () => {
  test("writes of one run that meet in a batch are one row of the journal, and the later state of a step wins", async () => {
    const [id = 0] = await claimed("K")
    const fate = noFate()
    await Promise.all([
      write(id, { fate, entries: [effect("book", { leaseMs: 5000 })] }),
      write(id, { fate, entries: [effect("mail", { n: 2, outcome: "done" })], events: [countOf("A", 1)] }),
      write(id, { fate, entries: [effect("book", done(7))], events: [countOf("A", 2)] }),
      write(id, { fate, end: waits({ waiting: [{ kind: "time", name: "noon" }] }) }),
    ])
    expect(await steps("K")).toEqual([
      { name: "book", outcome: "done", result: 7 },
      { name: "mail", outcome: "done", result: null },
    ])
    expect(await database.sql`select fact from events`).toHaveLength(2)
    expect(await database.sql`select waiting from workflow_queue`).toEqual([
      { waiting: [{ kind: "time", name: "noon" }] },
    ])
    expect(await database.sql`select 1 from workflow_journal`).toHaveLength(1)
  })

  test("of a batch of 250 a row the database refuses costs only itself", async () => {
    const ids = await claimed(...Array.from({ length: 250 }, (_, n) => `K${n}`))
    const results = await Promise.allSettled(
      ids.map((id, n) =>
        write(id, {
          entries: [effect("book", done("well"))],
          events: [countOf(n === 97 ? "\u0000" : "A", n)],
          end: over,
        }),
      ),
    )
    expect(results.flatMap(({ status }, n) => (status === "rejected" ? [n] : []))).toEqual([97])
    expect(await states()).toEqual(ids.map((_, n) => (n === 97 ? "running" : "done")))
    expect(await database.sql`select 1 from workflow_journal`).toHaveLength(249)
    expect(await database.sql`select 1 from events`).toHaveLength(249)
  })

  test("after a write that failed no later one of its run is made, and other runs go on", async () => {
    const [id = 0, other = 0] = await claimed("K", "L")
    const fate = noFate()
    const unstorable = write(id, { fate, entries: [effect("mail", done("\u0000"))], events: [countOf("\u0000", 1)] })
    const end = write(id, { fate, end: over })
    const untouched = write(other, { end: over })
    await expect(unstorable).rejects.toThrow()
    await expect(end).rejects.toThrow()
    await untouched
    await expect(write(id, { fate, entries: [effect("later")] })).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" })
    expect(await states()).toEqual(["running", "done"])
    expect(await steps("K")).toEqual([])
  })

  test("an entry and the events written with it are there together or not at all", async () => {
    const [id = 0] = await claimed("K")
    const bad = write(id, { entries: [effect("told", done(1))], events: [countOf("A", 1), countOf("bad \u0000", 1)] })
    await expect(bad).rejects.toThrow()
    expect([await steps("K"), await database.sql`select 1 from events`]).toEqual([[], []])
    await write(id, { entries: [effect("told", done(1))], events: [countOf("A", 1)] })
    expect([await steps("K"), await database.sql`select 1 from events`]).toMatchObject([
      [{ name: "told" }],
      { length: 1 },
    ])
  })

  test("a batch with an instance its worker has not claimed is refused, and only that instance's write is lost", async () => {
    const [mine = 0] = await claimed("K")
    await bench.start("L")
    const other = await bench.newJournal()
    const [theirs] = (await other.claim(everything)).claimed
    const results = await Promise.allSettled([
      write(mine, { entries: [effect("book", done(1))] }),
      write(theirs?.facts.id ?? 0, { entries: [effect("book", done(1))], end: over, events: [countOf("A", 1)] }),
    ])
    expect(results).toMatchObject([{ status: "fulfilled" }, { status: "rejected", reason: { code: "LEASE_LOST" } }])
    expect([(await steps("K")).length, await steps("L"), await states()]).toEqual([1, [], ["running", "running"]])
    expect(await database.sql`select 1 from events`).toEqual([])
  })

  test("an outcome other than done marks its row for those who look for trouble", async () => {
    const [id = 0] = await claimed("K")
    await write(id, { entries: [effect("book", done(1))] })
    await write(id, {
      entries: [effect("mail", { outcome: "rejected", error: { code: "VENDOR_REJECTED", message: "no" } })],
    })
    const rows = await database.sql`select has_trouble from workflow_journal order by id`
    expect(rows).toEqual([{ has_trouble: false }, { has_trouble: true }])
  })
})

describe("steps as people see them", () => {
  test("the fields of a step stand as they were last written, with the history of its outcomes", async () => {
    const [id = 0] = await claimed("K")
    const named = {
      part: "S1",
      connection: "erp",
      capability: "booksOrders",
      operation: "bookOrder",
      businessKey: "K-S1",
    }
    const undo = {
      connection: "erp",
      capability: "booksOrders",
      operation: "cancelOrder",
      key: "u",
      input: { a: 1 },
    }
    const error = { code: "VENDOR_UNAVAILABLE", message: "nobody there" } as const
    const reference = { system: "erp", type: "order", id: "D1" }
    await write(id, { entries: [effect("book", { ...named, attempts: 1, leaseMs: 5000, input: { sku: "A" }, undo })] })
    await write(id, { entries: [effect("book", { part: "S1", attempts: 1, outcome: "retryable", error })] })
    await write(id, { entries: [effect("book", { part: "S1", attempts: 2, probes: 1, leaseMs: 5000 })] })
    await write(id, {
      entries: [effect("book", { part: "S1", attempts: 2, ...done({ n: 1 }), reference, error: null })],
    })
    const [step] = await database.sql`select * from workflow_steps where about = ${ref("order", "K")}`
    expect(step).toMatchObject({
      instance: id,
      workflow: "test order",
      about: ref("order", "K"),
      name: "book#S1",
      step: "book",
      part: "S1",
      kind: "effect",
      connection: "erp",
      capability: "booksOrders",
      operation: "bookOrder",
      business_key: "K-S1",
      outcome: "done",
      attempts: 2,
      probes: 1,
      rejections: 0,
      result: { n: 1 },
      reference,
      error: null,
      undo,
      input: { sku: "A" },
    })
    const history = step?.["history"] as { outcome: string; error?: object }[]
    expect(history.map(({ outcome }) => outcome)).toEqual(["retryable", "done"])
    expect(history[0]?.error).toEqual(error)
    expect(step?.["sent_at"]).toBeInstanceOf(Date)
    expect(step?.["settled_at"]).toBeInstanceOf(Date)
  })

  test("many instances claimed at once each get their own steps", async () => {
    const keys = Array.from({ length: 40 }, (_, n) => `K${n}`)
    const ids = await claimed(...keys)
    await Promise.all(
      ids.map((id, n) => write(id, { entries: [effect("book", done(keys[n]))], end: waits({ wakeInMs: 0 }) })),
    )
    const again = (await journal.claim(everything)).claimed
    expect(again.map(({ rows }) => rows.values().next().value?.result)).toEqual(keysOf(again))
    expect(again).toHaveLength(40)
  })
})

describe("a worker that was fenced", () => {
  test("changes nothing any more: no step, no end, no event, no claim, no release", async () => {
    const [id = 0] = await claimed("K")
    const [dead = 0] = (await rescueWorkers(database.sql, 60_000)).dead
    expect(dead).toBeGreaterThan(0)
    const late = write(id, { entries: [effect("book", done(1))], events: [countOf("A", 1)], end: over })
    await expect(late).rejects.toMatchObject({ code: "LEASE_LOST" })
    await expect(journal.claim(everything)).rejects.toMatchObject({ code: "LEASE_LOST" })
    await expect(journal.release([{ instance: id, wakeInMs: 60_000 }])).rejects.toMatchObject({ code: "LEASE_LOST" })
    expect([await steps("K"), await states(), await database.sql`select 1 from events`]).toEqual([[], ["running"], []])
    expect(await queued("K")).toEqual({ isMine: false, isWoken: false, isDue: true, failures: 0 })
  })

  test("what it has of an instance that another works on is refused while the other's writes are kept", async () => {
    const [id = 0] = await claimed("K")
    const before = journal
    await rescueWorkers(database.sql, 60_000)
    journal = await bench.newJournal()
    expect(keysOf((await journal.claim(everything)).claimed)).toEqual(["K"])
    const results = await Promise.allSettled([
      write(id, { entries: [effect("a", done(1))] }, before),
      write(id, { entries: [effect("b", done(1))] }),
    ])
    expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled"])
    expect((await steps("K")).map(({ name }) => name)).toEqual(["b"])
  })

  test("a worker that lives is left alone; one that is silent is fenced, and so is one whose session is gone", async () => {
    const session = await openSession(database.sql)
    const [row] = await session.sql<{ me: number }[]>`select worker_register('lives') as me`
    const me = row?.me ?? 0
    // The bench's own worker holds no session, so it counts as gone.
    expect((await rescueWorkers(database.sql, 60_000)).dead).not.toContain(me)
    await database.sql`update workers set heartbeat_at = clock_timestamp() - interval '9 s' where id = ${me}`
    expect((await rescueWorkers(database.sql, 60_000)).dead).toEqual([])
    expect((await rescueWorkers(database.sql, 8000)).dead).toEqual([me])
    const [again] = await session.sql<{ me: number }[]>`select worker_register('lives') as me`
    await session.sql.end()
    await isPassed("its session is gone", async () =>
      (await rescueWorkers(database.sql, 60_000)).dead.includes(again?.me ?? 0),
    )
  })

  test("a write it had under way is cut off and never seen, and the next look fences it", async () => {
    const [id = 0] = await claimed("K")
    const [worker] = await database.sql<{ id: number }[]>`select id from workers order by id desc limit 1`
    await database.sql`update workers set process = 'paused'`
    const paused = openSql(database.url, { connectionsMax: 1, name: "paused" })
    const written = latch()
    const batch = JSON.stringify([{ n: 0, instance: id, entries: [effect("book", done(1))] }])
    const dying = inTransaction(paused, async (transaction) => {
      await transaction`select from journal_write(${worker?.id ?? 0}, ${batch}::text::json, '[]', '{}', '[]')`
      written.open()
      await new Promise((resolve) => setTimeout(resolve, 2000))
      await transaction`select 1`
    }).catch((thrown: unknown) => thrown)
    await written.opened
    expect((await rescueWorkers(database.sql, 60_000)).dead).toEqual([])
    await isPassed("it is fenced", async () =>
      (await rescueWorkers(database.sql, 60_000)).dead.includes(worker?.id ?? 0),
    )
    expect(await dying).toBeInstanceOf(Error)
    await paused.end({ timeout: 0 })
    const next = await bench.newJournal()
    expect((await next.claim(everything)).claimed.map(({ rows }) => rows.size)).toEqual([0])
  })
})

describe("claims", () => {
  test("of two workers that claim in the same moment each gets instances of its own, and together they get all", async () => {
    const keys = Array.from({ length: 200 }, (_, n) => `K${n}`)
    await Promise.all(keys.map((key) => bench.start(key)))
    const workers = [journal, await bench.newJournal()]
    const taken = await Promise.all(
      workers.map(async (worker) => {
        const own: string[] = []
        for (;;) {
          const { claimed: more } = await worker.claim({ room: 7, drains: [] })
          if (more.length === 0) return own
          own.push(...keysOf(more))
        }
      }),
    )
    expect(taken.flat().toSorted()).toEqual(keys.toSorted())
    expect(Math.min(...taken.map(({ length }) => length))).toBeGreaterThan(0)
  })

  test("takes no more than there is room for, and what has been due longest first", async () => {
    for (const key of ["late", "early", "middle"]) await bench.start(key)
    const dueAt = (key: string, at: string) =>
      database.sql`update workflow_queue set due_at = ${at} where instance = (select id from workflow_instances where about = ${ref("order", key)})`
    await dueAt("early", "2026-01-01T00:00:00Z")
    await dueAt("middle", "2026-01-02T00:00:00Z")
    expect(keysOf((await journal.claim({ room: 2, drains: [] })).claimed).toSorted()).toEqual(["early", "middle"])
    expect(keysOf((await journal.claim({ room: 0, drains: [] })).claimed)).toEqual([])
  })

  test("those who wait for a system are let in by the order of what was promised, as many as may go", async () => {
    const keys = ["third", "first", "second"]
    const ids = await claimed(...keys)
    const promised = { first: "2026-11-01", second: "2026-11-02", third: "2026-11-03" }
    for (const [key, at] of Object.entries(promised))
      await database.sql`
        update workflow_queue set promised_at = ${at}::timestamptz
        where instance = (select id from workflow_instances where about = ${ref("order", key)})`
    await Promise.all(ids.map((id) => write(id, { end: waits({ waitsFor: "erp", wakeInMs: 3_600_000 }) })))
    const drain = async (connection: string, limit: number) =>
      keysOf((await journal.claim({ room: 100, drains: [{ connection, limit }] })).claimed)
    expect(await drain("shop", 5)).toEqual([])
    expect(await drain("erp", 1)).toEqual(["first"])
    expect((await drain("erp", 2)).toSorted()).toEqual(["second", "third"])
  })

  test("signals are there in the order they happened, those that came before the start included", async () => {
    const tell = (fact: string, minute: number) =>
      bench.signal("K", { type: "order.edited", fact, at: `2026-11-20T10:${minute}:00.000Z` })
    await tell("late", 30)
    await tell("early", 10)
    await bench.start("K")
    for (const fact of ["middle-a", "middle-b"]) await tell(fact, 20)
    const [one] = (await journal.claim(everything)).claimed
    expect(one?.signals.map(({ fact }) => fact)).toEqual(["early", "middle-a", "middle-b", "late"])
  })
})

describe("how a run leaves its instance", () => {
  test("a signal that came during the run keeps an instance that ended claimed, and its worker hears it next", async () => {
    const [id = 0] = await claimed("K")
    await bench.signal("K", { type: "order.edited", fact: "edit" })
    expect(await write(id, { end: over })).toBe(true)
    expect(await queued("K")).toMatchObject({ isMine: true, isWoken: true })
    const { claimed: none, woken } = await journal.claim(everything)
    expect([none, woken.map(({ signals }) => signals.map(({ fact }) => fact))]).toEqual([[], [["edit"]]])
    expect(await write(id, { end: over })).toBe(false)
    expect(await queued("K")).toBeUndefined()
  })

  test.each([
    ["ended", over],
    ["waits for something far off", waits()],
  ])("a signal that its worker fetched while it ran is not lost when it %s without having heard it", async (_, end) => {
    const [id = 0] = await claimed("K")
    await bench.signal("K", { type: "order.edited", fact: "edit" })
    expect((await journal.claim(everything)).woken).toHaveLength(1)
    expect(await write(id, { end: { ...end, heard: 0 } })).toBe(true)
    const { claimed: again, woken } = await journal.claim(everything)
    const heard = [...again, ...woken].map(({ signals }) => signals.map(({ fact }) => fact))
    expect(heard).toEqual([["edit"]])
    expect(await write(id, { end: { ...over, heard: 1 } })).toBe(false)
    expect(await queued("K")).toBeUndefined()
  })

  test("a signal that is being stored in the very moment of the end is not lost", async () => {
    const [id = 0] = await claimed("K")
    const [stored, mayCommit] = [latch(), latch()]
    const input = JSON.stringify([
      { n: 0, type: "order.edited", fact: "edit", time: "2026-11-20T10:00:00Z", data: {}, correlation: "K" },
    ])
    const follow = JSON.stringify({ signals: [{ n: 0, workflow: "test order", about: ref("order", "K") }] })
    const signalling = inTransaction(database.sql, async (transaction) => {
      await transaction`select follow_events(read_events(${input}::text::json), ${follow}::text::json, array[0])`
      stored.open()
      await mayCommit.opened
    })
    await stored.opened
    const ending = write(id, { end: over })
    await isPassed(
      "the end waits for the signal",
      async () => (await database.sql`select 1 from pg_locks where not granted`).length > 0,
    )
    mayCommit.open()
    await signalling
    expect(await ending).toBe(true)
    expect(await queued("K")).toMatchObject({ isMine: true, isWoken: true })
    expect((await journal.claim(everything)).woken).toMatchObject([{ instance: id, signals: [{ fact: "edit" }] }])
  })

  test("one that waits for a time is due then; one that was woken meanwhile is due at once", async () => {
    const [asleep = 0, woken = 0] = await claimed("K", "L")
    await bench.signal("L", { type: "order.edited", fact: "edit" })
    await Promise.all([asleep, woken].map((id) => write(id, { end: waits({ wakeInMs: 3_600_000 }) })))
    expect(await queued("K")).toMatchObject({ isMine: false, isDue: false })
    expect(await queued("L")).toMatchObject({ isMine: false, isDue: true })
  })

  test("one that its worker keeps is nobody else's, and a signal reaches it there", async () => {
    const [id = 0] = await claimed("K")
    expect(await write(id, { end: waits({ isKept: true, wakeInMs: 0 }) })).toBe(false)
    const other = await bench.newJournal()
    await bench.signal("K", { type: "order.edited", fact: "edit" })
    expect(await other.claim(everything)).toEqual({ claimed: [], woken: [] })
    expect((await journal.claim(everything)).woken).toMatchObject([{ instance: id }])
  })

  test("one that failed is due again after its wait, and failures are counted until a run goes well", async () => {
    const [id = 0] = await claimed("K")
    await journal.release([{ instance: id, wakeInMs: 0, failed: true }])
    const [again] = (await journal.claim(everything)).claimed
    expect(again?.facts.failures).toBe(1)
    await bench.signal("K", { type: "order.edited", fact: "edit" })
    // A signal does not shorten the wait of one that cannot go on, or each would be one more failure.
    await journal.release([{ instance: id, wakeInMs: 3_600_000, failed: true }])
    expect(await queued("K")).toMatchObject({ isMine: false, isDue: false, failures: 2 })
    await database.sql`update workflow_queue set due_at = clock_timestamp()`
    await journal.claim(everything)
    await write(id, { end: waits({ wakeInMs: 0 }) })
    expect(await queued("K")).toMatchObject({ failures: 0 })
  })

  test("a worker that ends in good order gives everything back at once", async () => {
    await claimed("K", "L")
    await journal.end()
    expect(keysOf((await (await bench.newJournal()).claim(everything)).claimed).toSorted()).toEqual(["K", "L"])
  })
})
