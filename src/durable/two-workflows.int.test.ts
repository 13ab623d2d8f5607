import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import {
  durableBench,
  routedWrite,
  testWorkflow,
  TestVendor,
  vendorTimeoutMs,
} from "../../test/fixtures/ledger/vendor.ts"
import { createLog } from "../base/log.ts"
import { systemClock } from "../base/time.ts"
import { eventExamples, exampleOrder } from "../canonical/examples.ts"
import { newEvent, type EventData, type EventName, type NewEvent } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import { Connections } from "../effects/connections.ts"
import type { AnyWorkflow } from "./define-workflow.ts"
import { Run } from "./run.ts"
import { Step } from "./steps/step.ts"

// Two workflows on the same orders, with the same step names: what each does and asks is its own.
let database: FreshDatabase
let bench: ReturnType<typeof durableBench>
let connections: Connections
let vendor: TestVendor
let count = 0

const actions: Record<string, string[]> = {}
const text = { summary: "which?", ifNobodyActs: "it waits", owner: "operations", allowedActions: ["red", "blue"] }

const book = (text: string) => ({ write: routedWrite(connections.get("erp"), vendor.write), input: { text } })

function twin(name: string): AnyWorkflow {
  return testWorkflow({
    name,
    steps: ["book", "ask"],
    hears: ["exception.decided"],
    run: async (step) => {
      await step.effect("book", { ...book(name), undo: book(name) })
      const { action } = await step.ask("ask", text)
      actions[name] = [...(actions[name] ?? []), action]
    },
  })
}
const twins = [twin("fulfil"), twin("watch")]

beforeAll(async () => {
  database = await freshDatabase()
})
beforeEach(() => {
  for (const name of Object.keys(actions)) delete actions[name]
  bench = durableBench(database.sql, twins)
  vendor = new TestVendor()
  connections = new Connections(database.sql, createLog("test", "silent"))
  const connected = { check: () => Promise.resolve(), close: () => undefined }
  connections.add({
    id: "erp",
    connector: "test",
    apiVersion: "1",
    timeoutMs: vendorTimeoutMs,
    connected,
    rate: { concurrencyMax: 20 },
  })
})
afterAll(() => database?.drop())

const newOrder = () => `ord_${String((count += 1)).padStart(16, "0")}`

async function place(orderId: string): Promise<void> {
  await append("order.placed", `placed ${orderId}`, { orderId, order: { ...exampleOrder, id: orderId } })
  for (const workflow of twins) await bench.advance(orderId, workflow, { connections })
}

function append<Name extends EventName>(type: Name, fact: string, more: Partial<EventData<Name>>) {
  const data = { ...eventExamples[type], ...more }
  return bench.eventLog.append(
    newEvent({ type, fact, source: "s", time: "2026-11-20T10:00:00.000Z", data } as NewEvent),
  )
}

async function opened(orderId: string) {
  return database.sql<{ id: string; workflow: string; state: string }[]>`
    select id, workflow, state from exceptions where about = ${ref("order", orderId)} order by workflow`
}

const keys = () => vendor.documents.map(({ key }) => key)

describe("two workflows on one order", () => {
  test("one event starts both, and their effects have keys of their own", async () => {
    await place(newOrder())
    expect(new Set(keys()).size).toBe(2)
    const undos = await database.sql<
      { key: string }[]
    >`select undo ->> 'key' as key from workflow_steps where undo is not null`
    expect(new Set(undos.map(({ key }) => key)).size).toBe(2)
    for (const key of keys()) expect(key.length).toBeLessThanOrEqual(35)
  })

  test("each asks under an exception of its own, and a decision about one reaches that one only", async () => {
    const orderId = newOrder()
    await place(orderId)
    const [fulfil, watch, ...more] = await opened(orderId)
    expect([fulfil?.workflow, watch?.workflow, more]).toEqual(["fulfil", "watch", []])
    expect(fulfil?.id).not.toBe(watch?.id)
    const decided = { exceptionId: watch?.id ?? "", about: ref("order", orderId), workflow: "watch", action: "blue" }
    await append("exception.decided", `exception:${watch?.id}:decided`, decided)
    const signals = await database.sql`
      select i.workflow from workflow_signals s join workflow_instances i on i.id = s.instance where i.about = ${ref("order", orderId)}`
    expect(signals).toEqual([{ workflow: "watch" }])
    const woken = await database.sql`
      select i.workflow from workflow_queue q join workflow_instances i on i.id = q.instance
      where i.about = ${ref("order", orderId)} and q.is_woken`
    expect(woken).toEqual([{ workflow: "watch" }])
    for (const workflow of twins) await bench.advance(orderId, workflow, { connections })
    expect(actions).toEqual({ watch: ["blue"] })
    expect((await opened(orderId)).map(({ state }) => state)).toEqual(["open", "decided"])
  })

  test("the same step of two orders has two keys and two exceptions", async () => {
    const [one, other] = [newOrder(), newOrder()]
    await place(one)
    await place(other)
    expect(new Set(keys()).size).toBe(4)
    const ids = [...(await opened(one)), ...(await opened(other))].map(({ id }) => id)
    expect(new Set(ids).size).toBe(4)
  })

  test("objects of two kinds with one local id share neither key nor exception", async () => {
    const same = newOrder()
    await bench.start(same, "fulfil")
    await database.sql`
      with made as (
        insert into workflow_instances (workflow, about, state, input, correlation)
        values ('fulfil', ${ref("return", same)}, 'running', '{}', 'r') returning id)
      insert into workflow_queue (instance) select id from made`
    await database.sql`update workflow_queue set due_at = clock_timestamp()`
    const journal = await bench.newJournal()
    const { claimed } = await journal.claim({ room: 100, drains: [] })
    const ids: string[] = []
    for (const one of claimed.filter(({ facts }) => facts.about.endsWith(same))) {
      const run = new Run(twins[0] as AnyWorkflow, one, { journal, clock: systemClock })
      const step = new Step(run)
      await step.effect("book", { ...book("x"), undo: book("x") })
      await run.settle()
      ids.push(step.exceptionId("ask"), run.row("effect", { step: "book", part: "" })?.undo?.key ?? "")
    }
    expect(new Set([...ids, ...keys()]).size).toBe(6)
  })
})
