import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import {
  durableBench,
  holdClock,
  routedWrite,
  testWorkflow,
  TestVendor,
  vendorTimeoutMs,
} from "../../test/fixtures/ledger/vendor.ts"
import { AppError } from "../base/errors.ts"
import { createLog } from "../base/log.ts"
import type { EventData } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import { Connections } from "../effects/connections.ts"
import { Suspension } from "../effects/perform.ts"
import type { AnyWorkflow } from "./define-workflow.ts"
import type { Step } from "./steps/step.ts"

// A deadline belongs to one wait of one step: an hour, as the workflow of these tests declares it.
let database: FreshDatabase
let bench: ReturnType<typeof durableBench>
let connections: Connections
let vendors: Record<"erp" | "mail", TestVendor>
let key: string
let count = 0
beforeAll(async () => {
  holdClock()
  database = await freshDatabase()
})
beforeEach(async () => {
  await database.sql`truncate workflow_instances, workflow_queue, workflow_journal`
  bench = durableBench(database.sql)
  vendors = { erp: new TestVendor(), mail: new TestVendor() }
  connections = new Connections(database.sql, createLog("test", "silent"))
  for (const id of ["erp", "mail"] as const) {
    const connected = { check: () => Promise.resolve(), close: () => undefined }
    connections.add({
      id,
      connector: "test",
      apiVersion: "1",
      timeoutMs: vendorTimeoutMs,
      connected,
      rate: { concurrencyMax: 20 },
    })
  }
  key = `D${(count += 1)}`
  await bench.start(key)
})
afterAll(() => database?.drop())

function advance(run: (step: Step) => Promise<unknown>, more: Partial<AnyWorkflow> = {}): Promise<string> {
  const workflow = testWorkflow({
    steps: ["book", "mail", "read"],
    deadline: { hours: 1 },
    ...more,
    run: async (step) => void (await run(step)),
  })
  return bench.advance(key, workflow, { connections })
}

const call = (id: "erp" | "mail") => ({
  write: routedWrite(connections.get(id), vendors[id].write),
  input: { text: id },
  key: `${id} ${key}`,
})
const isAway = (id: "erp" | "mail", times: number) =>
  (vendors[id].fates = Array.from({ length: times }, () => ({ kind: "away" as const })))

/** What people were told about waits, and what of it was closed since, each as the step it is about. */
async function told(): Promise<{ opened: string[]; closed: string[] }> {
  const events = await bench.eventLog.readKey(ref("order", key))
  const summaries = new Map<string, string>()
  const closed: string[] = []
  for (const { type, data } of events) {
    const { exceptionId, summary } = data as EventData<"exception.opened">
    if (type === "exception.opened") summaries.set(exceptionId, summary.split('"')[1] ?? summary)
    if (type === "exception.decided") closed.push(summaries.get(exceptionId) ?? "unknown")
  }
  return { opened: [...summaries.values()], closed }
}

const minutes = (n: number) => bench.passTime(n * 60_000)

test("two steps that wait for two systems are each told once, at their own deadline, and closed when they are done", async () => {
  isAway("erp", 20)
  isAway("mail", 20)
  let isMailDue = false
  const run = (step: Step) =>
    step.alongside(
      () => step.effect("book", call("erp")),
      async () => (isMailDue ? step.effect("mail", call("mail")) : undefined),
    )
  const advanceTwice = async () => {
    await advance(run)
    await advance(run)
  }
  await advanceTwice()
  await minutes(30)
  isMailDue = true
  await advanceTwice()
  await minutes(29)
  await advanceTwice()
  expect(await told()).toEqual({ opened: [], closed: [] })
  await minutes(2)
  await advanceTwice()
  expect(await told()).toEqual({ opened: ["book"], closed: [] })
  await minutes(30)
  await advanceTwice()
  expect(await told()).toEqual({ opened: ["book", "mail"], closed: [] })
  vendors.erp.fates = []
  connections.get("erp").gate.restore({ breaker: "closed", retryInMs: 0, lastError: undefined })
  await advanceTwice()
  expect(await told()).toEqual({ opened: ["book", "mail"], closed: ["book"] })
  vendors.mail.fates = []
  connections.get("mail").gate.restore({ breaker: "closed", retryInMs: 0, lastError: undefined })
  expect(await advance(run)).toBe("done")
  expect(await told()).toEqual({ opened: ["book", "mail"], closed: ["book", "mail"] })
})

test("an instance behind a closed door looks again when its deadline passes, though its turn is far off", async () => {
  const run = await bench.run(key, testWorkflow({ deadline: { ms: 5000 } }))
  const step = { kind: "effect", step: "book", part: "" } as const
  const wait = new Suspension({ kind: "connection", name: "erp" }, { connection: "erp", wakeInMs: 30_000, step })
  expect(run.waitFor([wait])).toMatchObject({ waitsFor: "erp", wakeInMs: 5000 })
  await bench.passTime(2000)
  expect(run.waitFor([wait]).wakeInMs).toBeLessThanOrEqual(3000)
  await bench.passTime(3000)
  expect(run.waitFor([wait]).wakeInMs).toBe(30_000)
  await run.settle()
  expect((await told()).opened).toEqual(["book"])
})

test("a system that refuses has answered: what was told of the wait is closed, and another wait has a deadline of its own", async () => {
  const refusal = "no: no such customer"
  const text = { summary: "no", ifNobodyActs: "it waits", owner: "operations", allowedActions: ["retry"] }
  const run = (step: Step) => step.effect("book", { ...call("erp"), ifRejected: { ask: text } })
  vendors.erp.fates = [{ kind: "away" }, { kind: "away" }, { kind: "refused" }]
  await advance(run)
  await minutes(61)
  await advance(run)
  await advance(run)
  expect(await told()).toEqual({ opened: ["book", refusal], closed: ["book"] })
  const [asked] = (await bench.eventLog.readKey(ref("order", key))).flatMap(({ data }) =>
    "allowedActions" in data && data.allowedActions.includes("retry") ? [data.exceptionId] : [],
  )
  await minutes(120)
  await bench.signal(key, {
    type: "exception.decided",
    fact: "d",
    data: { exceptionId: asked, action: "retry", decidedBy: "ada" },
  })
  vendors.erp.fates = Array.from({ length: 3 }, () => ({ kind: "away" }))
  await advance(run)
  await advance(run)
  expect((await told()).opened).toEqual(["book", refusal])
  await minutes(61)
  await advance(run)
  expect((await told()).opened).toEqual(["book", refusal, "book"])
})

test("a choice that reads a system which is away has a deadline, too", async () => {
  let isThere = false
  const run = (step: Step) =>
    step.decide("read", () => {
      if (!isThere) throw new AppError("VENDOR_UNAVAILABLE", "the shop is away")
      return 1
    })
  expect(await advance(run)).toBe("waiting")
  await minutes(61)
  await advance(run)
  expect(await told()).toEqual({ opened: ["read"], closed: [] })
  isThere = true
  expect(await advance(run)).toBe("done")
  expect(await told()).toEqual({ opened: ["read"], closed: ["read"] })
})

test("what was told of a wait is closed when the workflow ends without the step", async () => {
  isAway("erp", 5)
  const run = (step: Step) => step.effect("book", call("erp"))
  await advance(run)
  await minutes(61)
  await advance(run)
  expect(await told()).toEqual({ opened: ["book"], closed: [] })
  await bench.signal(key, { type: "order.cancellation-requested", fact: "c", data: { reason: "changed my mind" } })
  expect(await advance(run, { interrupts: ["order.cancellation-requested"] })).toBe("undone")
  expect(await told()).toEqual({ opened: ["book"], closed: ["book"] })
})
