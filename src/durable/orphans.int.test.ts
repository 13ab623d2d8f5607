import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { durableBench, testWorkflow } from "../../test/fixtures/ledger/vendor.ts"
import { createLog } from "../base/log.ts"
import { eventExamples } from "../canonical/examples.ts"
import { newEvent, type EventData, type EventName, type NewEvent } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import { Connections } from "../effects/connections.ts"

let database: FreshDatabase
let bench: ReturnType<typeof durableBench>
const heard: string[] = []
const { orderId } = eventExamples["order.placed"]
const about = ref("order", orderId)

const workflow = testWorkflow({
  steps: ["wait"],
  owner: "customer service",
  hears: ["order.cancellation-requested"],
  run: async (step) => {
    const signal = await step.until("wait", { signals: ["order.cancellation-requested"] })
    heard.push(signal?.fact ?? "none")
  },
})

beforeAll(async () => {
  database = await freshDatabase()
})
beforeEach(async () => {
  await database.sql`
    truncate workflow_instances, workflow_queue, workflow_journal, workflow_signals, events, event_facts, exceptions`
  bench = durableBench(database.sql, [workflow])
  heard.length = 0
})
afterAll(() => database?.drop())

function append<Name extends EventName>(type: Name, fact: string, more: Partial<EventData<Name>> = {}) {
  const data = { ...eventExamples[type], orderId, ...more }
  return bench.eventLog.append(
    newEvent({ type, fact, source: "s", time: "2026-11-20T10:00:00.000Z", data } as NewEvent),
  )
}

/** Lets the time pass that a signal waits for its start, and runs what is due, as a worker would. */
async function runDue(): Promise<number> {
  const journal = await bench.newJournal()
  const { claimed } = await journal.claim({ room: 10, drains: [] })
  await journal.end()
  const connections = new Connections(database.sql, createLog("test", "silent"))
  for (const _ of claimed) await bench.advance(orderId, workflow, { connections })
  return claimed.length
}
const timePasses = () => database.sql`update workflow_queue set due_at = clock_timestamp()`
const open = () => database.sql`select about, workflow, owner, summary from exceptions`
const queued = () => database.sql`select 1 from workflow_queue`

test("a signal whose start never comes is told to a person after its time, once, and not before", async () => {
  await append("order.cancellation-requested", "cancel")
  expect([await runDue(), await open()]).toEqual([0, []])
  await timePasses()
  expect(await runDue()).toBe(1)
  expect(await open()).toMatchObject([{ about, workflow: "test order", owner: "customer service" }])
  expect((await open())[0]?.["summary"]).toMatch(/order\.cancellation-requested came for .*"order\.placed"/)
  expect(await queued()).toEqual([])
  await append("order.cancellation-requested", "cancel again")
  await timePasses()
  await runDue()
  expect(await open()).toHaveLength(1)
})

test("it is heard when the start comes after all", async () => {
  await append("order.cancellation-requested", "cancel")
  await timePasses()
  await runDue()
  await append("order.placed", "placed")
  expect(await runDue()).toBe(1)
  expect(heard).toEqual(["cancel"])
  expect([await queued(), await database.sql`select state from workflow_instances`]).toEqual([[], [{ state: "done" }]])
  expect(await database.sql`select state, decision_note from exceptions`).toEqual([
    { state: "decided", decision_note: "its workflow has started" },
  ])
})

test("a start that comes in time leaves nothing to tell", async () => {
  await append("order.cancellation-requested", "cancel")
  await append("order.placed", "placed")
  await runDue()
  expect([heard, await open(), await queued()]).toEqual([["cancel"], [], []])
})
