import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { countOf, latch } from "../../test/fixtures/ledger/facts.ts"
import { ledgerBench } from "../../test/fixtures/ledger/vendor.ts"
import { inTransaction } from "../base/sql.ts"
import type { EffectLedger } from "./ledger.ts"
import type { StepWrite } from "./ledger-rows.ts"

let database: FreshDatabase
let bench: ReturnType<typeof ledgerBench>
let ledger: EffectLedger
beforeAll(async () => {
  database = await freshDatabase()
})
beforeEach(async () => {
  await database.sql`truncate workflow_instances, workflow_steps, workflow_signals, events, event_facts`
  bench = ledgerBench(database.sql)
  ledger = bench.ledger
})
afterAll(() => database?.drop())

const workflow = "test order"
const effect = (step: string, more: Partial<StepWrite> = {}): StepWrite => ({ step, n: 1, kind: "effect", ...more })

async function began(key: string): Promise<number> {
  await bench.start(key)
  const loaded = await ledger.load(workflow, key)
  return loaded?.instance.epoch ?? -1
}

async function steps(
  key: string,
): Promise<{ step: string; outcome: string | null; result: unknown; lease: boolean }[]> {
  return database.sql<{ step: string; outcome: string | null; result: unknown; lease: boolean }[]>`
    select step, outcome, result, lease_until is not null as lease from workflow_steps where key = ${key} order by step`
}

const write = (
  key: string,
  epoch: number,
  part: Omit<Parameters<EffectLedger["write"]>[0], "workflow" | "key" | "epoch" | "correlation">,
) => ledger.write({ workflow, key, epoch, correlation: key, ...part })

test("each run draws a higher epoch, and what an overtaken run writes is refused and changes nothing", async () => {
  const old = await began("K")
  const current = (await ledger.load(workflow, "K"))?.instance.epoch ?? 0
  expect(current).toBeGreaterThan(old)
  await write("K", current, { steps: [effect("book", { outcome: "done", result: "ours" })] })
  const late = write("K", old, {
    steps: [effect("book", { outcome: "rejected" }), effect("other", { outcome: "done" })],
    instance: { state: "done" },
    events: [countOf("A", 1)],
  })
  await expect(late).rejects.toMatchObject({ code: "LEASE_LOST" })
  expect(await steps("K")).toEqual([{ step: "book", outcome: "done", result: "ours", lease: false }])
  expect(await database.sql`select state from workflow_instances`).toEqual([{ state: "running" }])
  expect(await database.sql`select 1 from events`).toEqual([])
})

test("a run that begins while the one before it commits a step reads that step", async () => {
  const epoch = await began("K")
  const [written, mayCommit] = [latch(), latch()]
  const batch = [{ n: 0, workflow, key: "K", epoch }]
  const begun = [{ w: 0, workflow, key: "K", ...effect("book") }]
  const before = inTransaction(database.sql, async (transaction) => {
    await transaction`select from ledger_write(${JSON.stringify(batch)}::text::jsonb, ${JSON.stringify(begun)}::text::json, '[]')`
    written.open()
    await mayCommit.opened
  })
  await written.opened
  const loading = ledger.load(workflow, "K")
  const waits = () => database.sql`select 1 from pg_locks where not granted`
  await expect.poll(async () => (await waits()).length).toBeGreaterThan(0)
  mayCommit.open()
  await before
  expect((await loading)?.steps).toMatchObject([{ step: "book", outcome: null }])
})

test("after a write that failed no later one of its run is made, and other runs go on", async () => {
  const [epoch, otherEpoch] = [await began("K"), await began("L")]
  const fate = { hasFailedWrite: false }
  const unstorable = write("K", epoch, { fate, steps: [effect("mail", { outcome: "done", result: "\u0000" })] })
  const end = write("K", epoch, { fate, instance: { state: "done" } })
  const other = write("L", otherEpoch, { fate: { hasFailedWrite: false }, instance: { state: "done" } })
  await expect(unstorable).rejects.toThrow()
  await expect(end).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" })
  await other
  await expect(write("K", epoch, { fate, steps: [effect("later")] })).rejects.toMatchObject({
    code: "STORAGE_UNAVAILABLE",
  })
  const states = await database.sql`select key, state from workflow_instances order by key`
  expect(states).toEqual([
    { key: "K", state: "running" },
    { key: "L", state: "done" },
  ])
  expect(await steps("K")).toEqual([])
})

test("in one batch the overtaken run is refused and the current one of the same instance is not", async () => {
  const old = await began("K")
  const current = (await ledger.load(workflow, "K"))?.instance.epoch ?? 0
  const results = await Promise.allSettled([
    write("K", old, { steps: [effect("a", { outcome: "done" })] }),
    write("K", current, { steps: [effect("b", { outcome: "done" })] }),
  ])
  expect(results.map((result) => result.status)).toEqual(["rejected", "fulfilled"])
  expect((await steps("K")).map((row) => row.step)).toEqual(["b"])
})

test("of runs that begin in the same moment one is the current one", async () => {
  await bench.start("K")
  const runs = await Promise.all([ledger.load(workflow, "K"), ledger.load(workflow, "K"), ledger.load(workflow, "K")])
  const results = await Promise.allSettled(
    runs.map((run, at) => write("K", run?.instance.epoch ?? 0, { steps: [effect(`${at}`, { outcome: "done" })] })),
  )
  expect(results.map((result) => result.status)).toEqual(["rejected", "rejected", "fulfilled"])
})

describe("one run at a time", () => {
  const giveBack = (key: string, epoch = 0) => write(key, epoch, { givesBack: true })
  const epochOf = async (by: string) => (await ledger.load(workflow, "K", by))?.instance.epoch

  test("an instance that one invocation has is not begun by another, and the one that has it is told to run it once more", async () => {
    await bench.start("K")
    const epoch = await epochOf("one")
    expect(await epochOf("another")).toBeUndefined()
    await write("K", epoch ?? 0, { instance: { state: "waiting" } })
    expect(await epochOf("another")).toBeUndefined()
    expect(await giveBack("K", epoch)).toBe(true)
    const next = await epochOf("another")
    expect(next).toBeGreaterThan(epoch ?? 0)
    expect(await giveBack("K", next)).toBe(false)
  })

  test("an end that gives back in the same write is told, too, that it was called meanwhile", async () => {
    await bench.start("K")
    const epoch = (await epochOf("one")) ?? 0
    await epochOf("another")
    const both = [write("K", epoch, { instance: { state: "done" } }), giveBack("K", epoch)]
    expect((await Promise.all(both)).at(-1)).toBe(true)
    const rows = await database.sql`select state, run_by, run_until, is_called from workflow_instances`
    expect(rows).toEqual([{ state: "done", run_by: null, run_until: null, is_called: false }])
  })

  test("an invocation that is tried again takes over what it had at once, and its dead run writes nothing any more", async () => {
    await bench.start("K")
    const dead = await epochOf("one")
    const again = await epochOf("one")
    expect(again).toBeGreaterThan(dead ?? 0)
    await expect(write("K", dead ?? 0, { steps: [effect("book")] })).rejects.toMatchObject({ code: "LEASE_LOST" })
    await expect(giveBack("K", dead)).rejects.toMatchObject({ code: "LEASE_LOST" })
    expect(await epochOf("another")).toBeUndefined()
  })

  test("what an invocation that never came back had is free for others after its time", async () => {
    await bench.start("K")
    await epochOf("lost")
    await database.sql`update workflow_instances set run_until = clock_timestamp()`
    expect(await epochOf("another")).toBeDefined()
  })

  test("a run that goes on keeps its instance beyond that time, an overtaken one does not", async () => {
    await bench.start("K")
    const epoch = (await epochOf("one")) ?? 0
    const leftMs = async () => {
      const [row] = await database.sql<{ left: number }[]>`
        select extract(epoch from run_until - clock_timestamp())::float8 * 1000 as left from workflow_instances`
      return row?.left ?? 0
    }
    expect(await leftMs()).toBeLessThanOrEqual(30_000)
    await database.sql`update workflow_instances set run_until = clock_timestamp() + interval '1 s'`
    await ledger.hold({ workflow, key: "K", epoch: epoch - 1 })
    expect(await leftMs()).toBeLessThanOrEqual(1000)
    await ledger.hold({ workflow, key: "K", epoch })
    expect(await leftMs()).toBeGreaterThan(20_000)
    await giveBack("K", epoch)
    await ledger.hold({ workflow, key: "K", epoch })
    expect(await leftMs()).toBe(0)
  })

  test("of calls in one moment one has it, and is told to run it once more", async () => {
    await bench.start("K")
    const epochs = await Promise.all(["one", "two", "three"].map(epochOf))
    const begun = epochs.filter((epoch) => epoch !== undefined)
    expect(begun).toHaveLength(1)
    expect(await giveBack("K", begun[0])).toBe(true)
  })

  test.each([[["one", "another"]], [["another", "one"]]])(
    "called by %j in one moment it goes to the one that had it",
    async (callers) => {
      await bench.start("K")
      await epochOf("one")
      const epochs = await Promise.all(callers.map(epochOf))
      expect(epochs[callers.indexOf("one")]).toBeDefined()
      expect(epochs[callers.indexOf("another")]).toBeUndefined()
    },
  )
})

test("writes of one run that meet in a batch are all kept, and the later state of a step wins", async () => {
  const epoch = await began("K")
  await Promise.all([
    write("K", epoch, { steps: [effect("book", { lease_ms: 5000 })] }),
    write("K", epoch, { steps: [effect("mail", { n: 2, outcome: "done" })], events: [countOf("A", 1)] }),
    write("K", epoch, { steps: [effect("book", { outcome: "done", result: 7 })], events: [countOf("A", 2)] }),
    write("K", epoch, { instance: { state: "waiting", waiting: [{ kind: "time", name: "noon" }] } }),
  ])
  expect(await steps("K")).toEqual([
    { step: "book", outcome: "done", result: 7, lease: true },
    { step: "mail", outcome: "done", result: null, lease: false },
  ])
  expect(await database.sql`select key, fact from events order by seq`).toHaveLength(2)
  expect(await database.sql`select state, waiting from workflow_instances`).toEqual([
    { state: "waiting", waiting: [{ kind: "time", name: "noon" }] },
  ])
})

test("a write the database refuses costs only its own run", async () => {
  const keys = Array.from({ length: 12 }, (_, number) => `K${number}`)
  const epochs = await Promise.all(keys.map(began))
  const results = await Promise.allSettled(
    keys.map((key, at) =>
      write(key, epochs[at] ?? 0, {
        steps: [effect("book", { outcome: "done", result: at === 5 ? "\u0000" : "well" })],
      }),
    ),
  )
  expect(results.flatMap((result, at) => (result.status === "rejected" ? [at] : []))).toEqual([5])
  expect(await database.sql`select 1 from workflow_steps`).toHaveLength(11)
})

test("a step and the events written with it are there together or not at all", async () => {
  const epoch = await began("K")
  const bad = write("K", epoch, { steps: [effect("told", { outcome: "done" })], events: [countOf("bad \u0000", 1)] })
  await expect(bad).rejects.toThrow()
  expect(await steps("K")).toEqual([])
})

test("starting an instance that exists changes nothing, and loading one that does not answers undefined", async () => {
  await bench.start("K", workflow, { first: true })
  await bench.start("K", workflow, { first: false })
  expect((await ledger.load(workflow, "K"))?.instance.input).toEqual({ first: true })
  expect(await ledger.load(workflow, "nobody")).toBeUndefined()
})

test("signals are kept once per fact, before their instance exists too, and are loaded in the order they happened", async () => {
  const signal = (fact: string, minute: number, seq: number) => ({
    workflow,
    key: "K",
    fact,
    name: "order.edited",
    data: {},
    at: `2026-11-20T10:${minute}:00.000Z`,
    xid: "900",
    seq,
  })
  await ledger.signal([signal("late", 30, 1), signal("early", 10, 2)])
  await ledger.signal([signal("early", 10, 9), signal("middle-b", 20, 4), signal("middle-a", 20, 3)])
  await bench.start("K")
  const loaded = await ledger.load(workflow, "K")
  expect(loaded?.signals.map((kept) => kept.fact)).toEqual(["early", "middle-a", "middle-b", "late"])
})

test("many instances loaded at once each get their own steps", async () => {
  const keys = Array.from({ length: 40 }, (_, number) => `K${number}`)
  const epochs = await Promise.all(keys.map(began))
  await Promise.all(
    keys.map((key, at) => write(key, epochs[at] ?? 0, { steps: [effect("book", { outcome: "done", result: key })] })),
  )
  const loaded = await Promise.all(keys.map((key) => ledger.load(workflow, key)))
  expect(loaded.map((run) => run?.steps[0]?.result)).toEqual(keys)
})
