import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { durableBench, testWorkflow } from "../../test/fixtures/ledger/vendor.ts"
import { AppError, type ErrorCode } from "../base/errors.ts"
import { createLog } from "../base/log.ts"
import { systemClock } from "../base/time.ts"
import { ref } from "../canonical/refs.ts"
import { Connections } from "../effects/connections.ts"
import type { AnyWorkflow } from "./define-workflow.ts"
import { Runner } from "./runner.ts"
import { Worker } from "./worker.ts"

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database?.drop())

const name = "fail between steps"
const failing = (code: ErrorCode) =>
  testWorkflow({ name, steps: [], run: () => Promise.reject(new AppError(code, "it cannot be asked")) })

/** Runs three times a workflow that throws between its steps; returns what people were told and how the runs ended. */
async function toldAfter(code: ErrorCode): Promise<{ told: string[]; endings: string[] }> {
  const bench = durableBench(database.sql)
  const connections = new Connections(database.sql, createLog("runner", "silent"))
  await bench.start(code, name)
  const endings: string[] = []
  for (let round = 0; round < 3; round += 1)
    endings.push(await bench.advance(code, failing(code), { connections }).catch(() => "thrown"))
  const events = await bench.eventLog.readKey(ref("order", code))
  return { told: events.map(({ data }) => ("cause" in data ? data.cause : "")), endings }
}

describe("what a workflow throws between its steps", () => {
  test.each(["CONFIG_INVALID", "REQUEST_INVALID", "VENDOR_REJECTED", "VENDOR_CONFLICT", "INVARIANT_BROKEN"] as const)(
    "%s is told to people once, and tried again (I-6, I-7)",
    async (code) => {
      expect(await toldAfter(code)).toEqual({ told: [code], endings: ["thrown", "thrown", "thrown"] })
    },
  )

  test("a system that is away is waited for, and nobody is bothered", async () => {
    expect(await toldAfter("VENDOR_UNAVAILABLE")).toEqual({ told: [], endings: ["waiting", "waiting", "waiting"] })
  })

  test("a worker tries it again after longer and longer waits, and other instances go on meanwhile", async () => {
    const { sql } = database
    const bench = durableBench(sql)
    const log = createLog("runner", "silent")
    await sql`truncate workers, workflow_instances, workflow_queue, workflow_journal`
    for (const key of ["stuck", "well"]) await bench.start(key, name, key)
    const connections = new Connections(sql, log)
    let isMended = false
    const run: AnyWorkflow["run"] = (_step, input) =>
      input === "stuck" && !isMended ? Promise.reject(new AppError("INVARIANT_BROKEN", "stuck")) : Promise.resolve()
    const { eventLog } = bench
    const runner = new Runner({
      connections,
      clock: systemClock,
      log,
      workflows: [
        testWorkflow({
          name,
          steps: [],
          run,
        }),
      ],
      route: () => undefined,
      policies: () => ({}),
    })
    const worker = new Worker({ sql, log, eventLog, connections, runner, process: "runner" })
    worker.start()
    const queue = () => sql<{ failures: number; wait: number }[]>`
      select failures, extract(epoch from due_at - clock_timestamp())::float8 * 1000 as wait from workflow_queue`
    try {
      await expect.poll(async () => (await queue())[0]?.failures, { timeout: 20_000 }).toBeGreaterThanOrEqual(3)
      const [stuck, ...others] = await queue()
      expect(others).toEqual([])
      expect(stuck?.wait).toBeLessThanOrEqual(10_000)
      expect(await sql`select state from workflow_instances order by id`).toEqual([
        { state: "running" },
        { state: "done" },
      ])
      isMended = true
      await expect.poll(async () => (await queue()).length, { timeout: 20_000 }).toBe(0)
    } finally {
      await worker.stop()
    }
  })
})
