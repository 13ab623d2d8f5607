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
import type { Connected } from "../ports/connector.ts"
import type { AnyWorkflow } from "./define-workflow.ts"
import type { Step } from "./steps/step.ts"
import { assertNothingStranded } from "./stranded.ts"

let database: FreshDatabase
let bench: ReturnType<typeof durableBench>
let erp: TestVendor
let connections: Connections
let key: string
let count = 0
beforeAll(async () => {
  database = await freshDatabase()
})
beforeEach(async () => {
  // Every test looks at its own instance only.
  await database.sql`truncate workflow_instances, workflow_queue, workflow_journal, workflow_signals`
  bench = durableBench(database.sql)
  erp = new TestVendor()
  connections = new Connections(database.sql, createLog("test", "silent"))
  const booksOrders = { bookOrder: erp.write } as unknown
  const connected = { booksOrders, check: () => Promise.resolve(), close: () => undefined } as Connected
  const rate = { concurrencyMax: 20 }
  connections.add({ id: "erp", connector: "test", apiVersion: "1", timeoutMs: vendorTimeoutMs, connected, rate })
  key = `S${(count += 1)}`
  await bench.start(key)
})
afterAll(() => database?.drop())

const text = { summary: "which?", ifNobodyActs: "it waits", owner: "operations", allowedActions: ["retry", "leave it"] }

/** One run of a version of the workflow; returns the state it left its instance in. */
function advance(run: (step: Step) => Promise<unknown>, more: Partial<AnyWorkflow>): Promise<string> {
  const workflow = testWorkflow({ ...more, run: async (step) => void (await run(step)) })
  return bench.advance(key, workflow, { connections })
}

const book = (step: Step, name: string) =>
  step.effect(name, {
    write: routedWrite(connections.get("erp"), erp.write),
    input: { text: "book" },
    key: "book",
    ifRejected: { ask: text },
  })

const start = (steps: string[], more: Partial<AnyWorkflow> = {}) =>
  assertNothingStranded(database.sql, [testWorkflow({ steps, ...more })])

describe("a version that has no place for those who wait", () => {
  const waits: { what: string; run: (step: Step) => Promise<unknown> }[] = [
    { what: "a wait for a signal", run: (step) => step.until("stand#1", { signals: ["order.edited"] }) },
    { what: "a wait for news", run: (step) => step.next("stand", { signals: ["order.edited"] }) },
    { what: "a question to a person", run: (step) => step.ask("stand#a", text) },
  ]
  for (const { what, run } of waits)
    test(`X-11 without ${what} that instances stand in it does not start, unless it says what became of it`, async () => {
      expect(await advance(run, { steps: ["stand"] })).toBe("waiting")
      await expect(start(["walk"])).rejects.toThrow(/1 in flight.*"stand"/)
      await start(["stand"])
      await start(["walk"], { renamed: { stand: "walk" } })
      await start(["walk"], { dropped: ["stand"] })
    })

  test("X-11 an instance that has ended counts by what it still waits for, and not by what it did", async () => {
    erp.fates = [{ kind: "away" }]
    const late: AnyWorkflow["late"] = async (step) => void (await book(step, "stand"))
    const choose = (step: Step) => step.decide("choose", () => 1)
    expect(await advance(choose, { steps: ["choose", "stand"], late })).toBe("done")
    await expect(start(["walk"])).rejects.toThrow(/^[^\n]*1 in flight[^\n]*"stand"[^\n]*$/)
    await start(["stand"])
    await advance(choose, { steps: ["choose", "stand"], late })
    await start(["walk"])
  })

  test("X-11 a wait for news that came after the end counts as well", async () => {
    const late: AnyWorkflow["late"] = async (step) => void (await step.until("stand", { signals: ["order.edited"] }))
    expect(await advance((step) => step.decide("choose", () => 1), { steps: ["choose", "stand"], late })).toBe("done")
    await expect(start(["walk"])).rejects.toThrow(/^[^\n]*1 in flight[^\n]*"stand"[^\n]*$/)
    await start(["walk"], { dropped: ["stand"] })
  })

  test("X-11 a question about a refused step counts to that step, whatever stands behind its name", async () => {
    erp.fates = [{ kind: "refused" }]
    expect(await advance((step) => book(step, "book"), { steps: ["book"] })).toBe("waiting")
    await start(["book"])
    await expect(start(["walk"])).rejects.toThrow(/1 in flight[^\n]*"book" any more[^\n]*$/)
  })

  test("X-11 a question whose step is not declared is a defect, and nobody is asked", async () => {
    const undeclared = advance((step) => step.ask("stand", text), { steps: ["walk"] })
    await expect(undeclared).rejects.toMatchObject({ code: "INVARIANT_BROKEN" })
    const rows = await database.sql`select step from workflow_steps where about = ${ref("order", key)}`
    expect(rows).toEqual([{ step: "cannot go on" }])
  })
})

describe("a person who was asked under an old name", () => {
  async function answer(action: string): Promise<void> {
    const [opened] = await database.sql<{ id: string }[]>`
      select data ->> 'exceptionId' as id from events where type = 'exception.opened' and correlation = ${key}`
    const data = { exceptionId: opened?.id, action, decidedBy: "ada" }
    await bench.signal(key, { type: "exception.decided", fact: "answer", data })
  }

  for (const name of ["book", "book#1"])
    test(`X-11 the answer about "${name}", refused before it was renamed, has it tried again under its new name`, async () => {
      erp.fates = [{ kind: "refused" }]
      expect(await advance((step) => book(step, name), { steps: ["book"] })).toBe("waiting")
      const renamed = { steps: ["post"], renamed: { book: "post" } }
      const post = (step: Step) => book(step, name.replace("book", "post"))
      expect(await advance(post, renamed)).toBe("waiting")
      await answer("retry")
      expect(await advance(post, renamed)).toBe("done")
      expect(erp.documents).toHaveLength(1)
      const asked = await database.sql`select 1 from events where type = 'exception.opened' and correlation = ${key}`
      expect(asked).toHaveLength(1)
    })
})
