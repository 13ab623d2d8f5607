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
import { ref } from "../canonical/refs.ts"
import { Connections } from "../effects/connections.ts"
import { StepRejected } from "../effects/perform.ts"
import type { AnyWorkflow } from "./define-workflow.ts"

let database: FreshDatabase
let bench: ReturnType<typeof durableBench>
let connections: Connections
let erp: TestVendor
let key: string
let count = 0
beforeAll(async () => {
  database = await freshDatabase()
})
beforeEach(() => {
  bench = durableBench(database.sql)
  erp = new TestVendor()
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
  key = `L${(count += 1)}`
})
afterAll(() => database?.drop())

const advance = (workflow: AnyWorkflow) => bench.advance(key, workflow, { connections })

async function row() {
  const [found] = await database.sql<
    { state: string; isQueued: boolean; waitsFor: string | null; waiting: { kind: string }[] | null }[]
  >`
    select i.state, q.instance is not null as "isQueued", q.waits_for as "waitsFor", q.waiting
    from workflow_instances i left join workflow_queue q on q.instance = i.id where i.about = ${ref("order", key)}`
  return found
}

test.each(["done", "undone"])(
  "P-07 a fact that came while a workflow waited for something else is heard as late in the run that ends it as %s",
  async (ending) => {
    const heard: string[] = []
    const workflow = testWorkflow({
      steps: ["stand"],
      hears: ["order.edited", "order.refunded"],
      run: async (step) => {
        await step.until("stand", { signals: ["order.edited"] })
        if (ending === "undone") throw new StepRejected("stand", "VENDOR_REJECTED", "no")
      },
      late: async (step, _input, context) => {
        for (const { fact } of step.untaken("order.refunded")) heard.push(`${fact} after ${context.ending}`)
      },
    })
    await bench.start(key)
    await bench.signal(key, { type: "order.refunded", fact: "refund" })
    expect([await advance(workflow), heard]).toEqual(["waiting", []])
    await bench.signal(key, { type: "order.edited", fact: "edit" })
    expect([await advance(workflow), heard]).toEqual([ending, [`refund after ${ending}`]])
    expect(await row()).toMatchObject({ state: ending, isQueued: false })
  },
)

describe("what comes after the end", () => {
  /** It ends at once; every refund that comes later is booked. */
  const booksRefunds = () =>
    testWorkflow({
      steps: ["book refund"],
      hears: ["order.refunded"],
      late: async (step) => {
        const write = routedWrite(connections.get("erp"), erp.write)
        for (const { fact } of step.untaken("order.refunded"))
          await step.effect(`book refund#${fact}`, { write, input: { text: fact }, key: fact })
      },
    })
  const booked = () => erp.documents.map((document) => document.key)
  const outcomes = async () =>
    (
      await database.sql<{ outcome: string }[]>`
      select outcome from workflow_steps where about = ${ref("order", key)} and kind = 'effect'`
    ).map(({ outcome }) => outcome)

  test("wakes it again, however long ago it ended", async () => {
    await bench.start(key)
    expect([await advance(booksRefunds()), await row()]).toMatchObject(["done", { isQueued: false }])
    await bench.signal(key, { type: "order.refunded", fact: "late" })
    expect((await row())?.isQueued).toBe(true)
    expect([await advance(booksRefunds()), await row()]).toMatchObject(["done", { isQueued: false }])
    expect(booked()).toEqual(["late"])
  })

  test("waits like everything else for a system whose door is closed, and goes on when it opens", async () => {
    await bench.start(key)
    await advance(booksRefunds())
    await connections.setPaused("erp", { isPaused: true, by: "ada", reason: "maintenance" })
    await bench.signal(key, { type: "order.refunded", fact: "refund" })
    await advance(booksRefunds())
    expect(await row()).toMatchObject({
      state: "done",
      isQueued: true,
      waitsFor: "erp",
      waiting: [{ kind: "connection" }],
    })
    expect(booked()).toEqual([])
    await connections.setPaused("erp", { isPaused: false, by: "ada", reason: "back" })
    await advance(booksRefunds())
    expect([booked(), await row()]).toMatchObject([["refund"], { state: "done", isQueued: false }])
  })

  test("an effect that did not happen yet is still to come, not given up", async () => {
    await bench.start(key)
    await bench.signal(key, { type: "order.refunded", fact: "refund" })
    erp.fates = [{ kind: "away" }]
    await advance(booksRefunds())
    expect([await row(), await outcomes()]).toMatchObject([{ state: "done", isQueued: true }, ["retryable"]])
    await advance(booksRefunds())
    expect([booked(), await outcomes(), await row()]).toMatchObject([["refund"], ["done"], { isQueued: false }])
  })
})
