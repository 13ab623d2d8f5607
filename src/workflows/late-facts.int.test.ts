import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { ledgerBench, testWorkflow } from "../../test/fixtures/ledger/vendor.ts"
import { createLog } from "../base/log.ts"
import { systemClock } from "../base/time.ts"
import { Connections } from "../effects/connections.ts"
import { StepRejected } from "../effects/perform.ts"
import { Runner } from "./runner.ts"

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database?.drop())

const at = "2026-11-20T10:00:00.000Z"

test.each(["done", "undone"])(
  "P-07 a fact that came while a workflow waited for something else is heard as late in the run that ends it as %s",
  async (ending) => {
    const bench = ledgerBench(database.sql)
    const heard: string[] = []
    const workflow = testWorkflow({
      steps: ["stand"],
      signals: ["order.edited", "order.refunded"],
      run: async (step) => {
        await step.until("stand", { signals: ["order.edited"] })
        if (ending === "undone") throw new StepRejected("stand", "VENDOR_REJECTED", "no")
      },
      late: async (step, _input, context) => {
        for (const { fact } of step.untaken("order.refunded")) heard.push(`${fact} after ${context.ending}`)
      },
    })
    const log = createLog("test", "silent")
    const parts = { ledger: bench.ledger, connections: new Connections(database.sql, log), clock: systemClock, log }
    const runner = new Runner({ ...parts, policies: {}, workflows: [workflow], route: () => "erp" })
    const signal = { workflow: workflow.name, key: ending, data: {}, at, xid: "1" }
    await bench.start(ending)
    await bench.ledger.signal([{ ...signal, fact: "refund", name: "order.refunded", seq: 1 }])
    await runner.advance(workflow.name, ending)
    expect(heard).toEqual([])
    await bench.ledger.signal([{ ...signal, fact: "edit", name: "order.edited", seq: 2 }])
    await runner.advance(workflow.name, ending)
    expect(heard).toEqual([`refund after ${ending}`])
  },
)
