import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { startCallKeeper, type CallKeeper } from "../../test/fixtures/durable/call-keeper.ts"
import { openTcpDoor } from "../../test/fixtures/servers/tcp-door.ts"
import { createLog } from "../base/log.ts"
import { ref } from "../canonical/refs.ts"
import { Connections } from "../effects/connections.ts"
import { EventLog } from "../eventlog/event-log.ts"
import type { Claimed, Journal, RunEnd } from "./journal.ts"
import type { Runner } from "./runner.ts"
import { Worker } from "./worker.ts"

const program = fileURLToPath(new URL("../../test/fixtures/durable/worker-program.ts", import.meta.url))

let database: FreshDatabase
let vendor: CallKeeper
const children: ChildProcess[] = []
beforeEach(async () => {
  database = await freshDatabase()
  vendor = await startCallKeeper()
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL")
  vendor.close()
  await database.drop()
})

async function startWorker(name: string, databaseUrl = database.url): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, databaseUrl, name, vendor.url], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  children.push(child)
  await once(child.stdout ?? child, "data")
  return child
}

const keyOf = (n: number) => `ord_${String(n).padStart(16, "0")}`

async function startInstances(count: number): Promise<void> {
  const abouts = Array.from({ length: count }, (_, n) => ref("order", keyOf(n)))
  await database.sql`
    with made as (
      insert into workflow_instances (workflow, about, state, input, correlation, promised_at)
      select 'five calls', a, 'running', '{}', a, now() from unnest(${abouts}::text[]) as a returning id)
    insert into workflow_queue (instance, due_at) select id, clock_timestamp() from made`
}

/** Tells every instance of its parcel, as the door does. */
async function tellParcels(count: number): Promise<void> {
  const input = Array.from({ length: count }, (_, n) => ({
    n,
    type: "shipment.confirmed",
    fact: `parcel:${n}`,
    time: "2026-11-20T10:00:00.000Z",
    data: {},
    correlation: keyOf(n),
  }))
  const signals = input.map(({ n }) => ({ n, workflow: "five calls", about: ref("order", keyOf(n)) }))
  await database.sql`
    select follow_events(read_events(${JSON.stringify(input)}::text::json), ${JSON.stringify({ signals, notify: true })}::text::json,
      ${input.map(({ n }) => n)}::integer[])`
}

const one = async (query: PromiseLike<readonly { n: number }[]>) => Number((await query)[0]?.n)
const finished = () =>
  one(database.sql`select count(*)::int as n from workflow_instances where finished_at is not null`)
const waiting = () =>
  one(database.sql`select count(*)::int as n from workflow_queue where waiting @> '[{"kind": "signal"}]'`)
const claimedBy = (name: string) =>
  one(database.sql`
    select count(*)::int as n from workflow_queue q join workers w on w.id = q.claimed_by where w.process = ${name}`)
const callsOf = (name: string) => vendor.calls.filter(({ worker }) => worker === name).length

async function until(what: string, look: () => boolean | Promise<boolean>, withinMs = 45_000): Promise<void> {
  const endMs = Date.now() + withinMs
  while (!(await look())) {
    if (Date.now() > endMs) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe("two workers on one database", () => {
  const count = 120

  test("a worker that is killed is noticed by its connection: the other goes on with what it had, and nothing is done twice", async () => {
    const doomed = await startWorker("doomed")
    await startInstances(count)
    await until("the first worker is busy", () => callsOf("doomed") > 20)
    await startWorker("survivor")
    doomed.kill("SIGKILL")
    await until("nothing is the dead worker's", async () => (await claimedBy("doomed")) === 0)
    await until("all wait for their parcels", async () => (await waiting()) === count)
    await tellParcels(count)
    await until("all have ended", async () => (await finished()) === count)
    expect(vendor.repeated()).toEqual([])
    expect(vendor.calls).toHaveLength(count * 6)
    expect(callsOf("survivor")).toBeGreaterThan(0)
  })

  test("a worker that is paused is fenced by its heartbeat, and the one that comes back changes nothing and goes on", async () => {
    const paused = await startWorker("paused")
    await startInstances(count)
    await until("the first worker is busy", () => callsOf("paused") > 20)
    paused.kill("SIGSTOP")
    await startWorker("awake")
    await until("the paused worker is fenced", async () => (await claimedBy("paused")) === 0)
    await until("all wait for their parcels", async () => (await waiting()) === count)
    const before = await database.sql`select max(id) as last from workflow_journal`
    paused.kill("SIGCONT")
    await new Promise((resolve) => setTimeout(resolve, 1500))
    // It has a new life by now; in the old one it wrote nothing.
    expect(await database.sql`select max(id) as last from workflow_journal`).toEqual(before)
    const generations = await database.sql<{ fenced: boolean }[]>`
      select fenced_at is not null as fenced from workers where process = 'paused' order by id`
    expect(generations.map(({ fenced }) => fenced)).toEqual([true, false])
    await tellParcels(count)
    await until("all have ended", async () => (await finished()) === count)
    // The process asks whether its lease has ended in the same moment in which it sends. The one call that was just between the
    // two is sent after the pause; the vendor knows its key.
    expect(vendor.repeated().length).toBeLessThanOrEqual(1)
  })

  test("a worker that stops in good order gives its instances back, and another takes them at once", async () => {
    const first = await startWorker("first")
    await startInstances(20)
    await until("all wait for their parcels", async () => (await waiting()) === 20)
    expect(await claimedBy("first")).toBe(20)
    first.kill("SIGTERM")
    // By itself: no timer of an instance that waits for an hour keeps the process alive.
    await until("the process has ended", () => first.exitCode === 0, 10_000)
    expect(await one(database.sql`select count(*)::int as n from workflow_queue where claimed_by is not null`)).toBe(0)
    await startWorker("second")
    await tellParcels(20)
    await until("all have ended", async () => (await finished()) === 20)
    expect(vendor.repeated()).toEqual([])
  })

  test("a worker that is told to stop while its instances run ends by itself once they wait", async () => {
    const stopped = await startWorker("stopped")
    await startInstances(20)
    await until("the instances run", () => callsOf("stopped") > 20)
    stopped.kill("SIGTERM")
    await until("the process has ended", () => stopped.exitCode === 0, 15_000)
    expect(await one(database.sql`select count(*)::int as n from workflow_queue where claimed_by is not null`)).toBe(0)
  })

  test("a worker whose database session is cut registers again and finishes its work", async () => {
    await startWorker("cut")
    await startInstances(count)
    await until("it is busy", () => callsOf("cut") > 20)
    await database.sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'cut%'`
    await until("all wait for their parcels", async () => (await waiting()) === count)
    await tellParcels(count)
    await until("all have ended", async () => (await finished()) === count)
    expect(vendor.repeated()).toEqual([])
  })

  test("an instance that is claimed again before its run hears that it was released goes on", async () => {
    const heard = Promise.withResolvers<void>()
    const wait = { failure: null, isOver: false, wakeInMs: 100, waiting: [] }
    let runs = 0
    const runner = {
      async runOnce({ facts: { id, correlation } }: Claimed, journal: Journal) {
        const n = (runs += 1)
        const end: RunEnd = { ...wait, state: n > 2 ? "done" : "running", isOver: n > 2, isKept: n === 2 }
        const isWoken = await journal.write({ instance: id, correlation, fate: { hasFailedWrite: false }, end })
        // The first run hears of its release only after the second one has written how it leaves the instance.
        if (n === 1) await heard.promise
        if (n === 2) setTimeout(heard.resolve, 20)
        return { end, isWoken }
      },
    } as unknown as Runner
    const log = createLog("worker", "silent")
    const { sql } = database
    const connections = new Connections(sql, log)
    const worker = new Worker({ sql, log, eventLog: new EventLog(sql), connections, runner, process: "again" })
    await startInstances(1)
    worker.start()
    await until("it has run three times", async () => (await finished()) === 1, 5000)
    await worker.stop()
    expect(runs).toBe(3)
  })

  test("instances of a claim whose answer was lost are not forgotten: the worker gives everything back", async () => {
    const door = await openTcpDoor(database.url)
    try {
      await startInstances(count)
      // Less than the answer with the instances, more than the session of the worker gets.
      door.cutAfterBytes = 8000
      await startWorker("unheard", door.url)
      await until("a claim is made that nobody hears of", async () => (await claimedBy("unheard")) === count)
      door.cutAfterBytes = Number.POSITIVE_INFINITY
      await until("all wait for their parcels", async () => (await waiting()) === count)
      expect(vendor.repeated()).toEqual([])
    } finally {
      await door.close()
    }
  })
})
