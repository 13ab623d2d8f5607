import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import {
  durableBench,
  routedWrite,
  testWorkflow,
  TestVendor,
  vendorTimeoutMs,
} from "../../../test/fixtures/ledger/vendor.ts"
import { orderIdOf } from "../../base/ids.ts"
import { createLog } from "../../base/log.ts"
import { ref } from "../../canonical/refs.ts"
import { Connections } from "../../effects/connections.ts"
import type { Connected } from "../../ports/connector.ts"
import type { Step } from "../steps/step.ts"

// A link that is written in the moment its workflow ends: the preview saw a step without an outcome, and the end overtook the link.

let database: FreshDatabase
let bench: ReturnType<typeof durableBench>
let connections: Connections
let erp: TestVendor
let undo: TestVendor
let key: string
let count = 0
beforeAll(async () => {
  database = await freshDatabase()
})
beforeEach(async () => {
  bench = durableBench(database.sql)
  ;[erp, undo] = [new TestVendor(), new TestVendor()]
  connections = new Connections(database.sql, createLog("test", "silent"))
  // The runner finds writes by name; what kind of order they take does not matter to it.
  const booksOrders = { bookOrder: erp.write, cancelOrder: undo.write } as unknown
  const connected = { booksOrders, check: () => Promise.resolve(), close: () => undefined } as Connected
  const rate = { concurrencyMax: 20 }
  connections.add({ id: "erp", connector: "test", apiVersion: "1", timeoutMs: vendorTimeoutMs, connected, rate })
  key = orderIdOf("shop", `untaken ${(count += 1)}`)
  await bench.start(key)
})
afterAll(() => database?.drop())

const workflowOf = (run: (step: Step) => Promise<unknown>) =>
  testWorkflow({
    steps: ["book", "wait"],
    interrupts: ["order.cancellation-requested"],
    run: async (step) => void (await run(step)),
  })
const advance = (run: (step: Step) => Promise<unknown>) => bench.advance(key, workflowOf(run), { connections })
const book = (isUndone: boolean) => (step: Step) => {
  const cancel = { ...routedWrite(connections.get("erp"), undo.write), operation: "cancelOrder" }
  return step.effect("book", {
    write: routedWrite(connections.get("erp"), erp.write),
    input: { text: "book" },
    key: "book",
    ...(isUndone ? { undo: { write: cancel, input: { text: "book" }, key: "undo book" } } : {}),
  })
}
const cancel = () =>
  bench.signal(key, {
    type: "order.cancellation-requested",
    fact: "cancelled",
    data: { reason: "changed my mind", requestedBy: "channel" },
  })
const link = (id: string) => {
  const document = { system: "erp", type: "order", id }
  const output = JSON.stringify({ reference: document })
  return bench.signal(key, {
    type: "effect.linked",
    fact: `linked ${id}`,
    data: { step: "book", document, output, attempts: 1 },
  })
}
const undone = () =>
  database.sql`
    select part, outcome, input ->> 'documentNumber' as number from workflow_steps
    where about = ${ref("order", key)} and kind = 'undo' order by n`
const told = () =>
  database.sql<{ cause: string; summary: string }[]>`
    select cause, summary from exceptions where about = ${ref("order", key)} and cause like 'linked%'`

test("after the step was taken back, the document is taken back, too, once", async () => {
  erp.fates = [{ kind: "away" }]
  expect(await advance(book(true))).toBe("waiting")
  await cancel()
  expect(await advance(book(true))).toBe("undone")
  expect(await undone()).toEqual([])
  await link("4711")
  for (let round = 0; round < 2; round += 1) await advance(book(true))
  expect(await undone()).toEqual([{ part: "4711", outcome: "done", number: "4711" }])
  expect(undo.sendCount).toBe(1)
  expect(await told()).toEqual([])
})

test("while the step is being taken back by our reference, the document is taken back under a key of its own", async () => {
  erp.fates = [{ kind: "away" }]
  expect(await advance(book(true))).toBe("waiting")
  await cancel()
  // The link comes while the other system is asked.
  undo.fates = [{ kind: "away" }]
  await link("4711")
  await advance(book(true))
  await link("4712")
  await bench.passTime(3_600_000)
  for (let round = 0; round < 3; round += 1) await advance(book(true))
  expect(await undone()).toEqual([
    { part: "", outcome: "done", number: "4711" },
    { part: "4712", outcome: "done", number: "4712" },
  ])
  expect(new Set(undo.documents.map((one) => one.key)).size).toBe(2)
})

test("after the workflow has gone on without it, people are told of the document, once", async () => {
  const run = (step: Step) => step.alongside(() => book(false)(step))
  erp.fates = [{ kind: "away" }]
  expect(await advance(run)).toBe("waiting")
  expect(await advance(() => Promise.resolve())).toBe("done")
  await link("4711")
  for (let round = 0; round < 2; round += 1) await advance(() => Promise.resolve())
  expect(await told()).toEqual([
    {
      cause: "linked document is not used",
      summary: expect.stringContaining('order 4711 of erp was linked to "book"'),
    },
  ])
})

test("a document that the step took is not told of", async () => {
  erp.fates = [{ kind: "away" }]
  expect(await advance(book(true))).toBe("waiting")
  await link("4711")
  expect(await advance(book(true))).toBe("done")
  expect([await told(), await undone(), erp.documents]).toEqual([[], [], []])
})
