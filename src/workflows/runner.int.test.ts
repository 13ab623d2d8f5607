import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { AppError, type ErrorCode } from "../base/errors.ts"
import { createLog } from "../base/log.ts"
import { systemClock } from "../base/time.ts"
import { eventExamples } from "../canonical/examples.ts"
import { Connections } from "../effects/connections.ts"
import { EffectLedger } from "../effects/ledger.ts"
import { EventLog } from "../eventlog/event-log.ts"
import { defineWorkflow } from "./define-workflow.ts"
import { Runner } from "./runner.ts"

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database?.drop())

/**
 * Advances three times a workflow that throws between its steps, in one invocation that is tried again, and then in another's
 * name; answers what people were told and how the calls ended.
 */
async function toldAfter(code: ErrorCode): Promise<{ told: string[]; endings: string[]; another: string }> {
  const { sql } = database
  const log = createLog("runner", "silent")
  const eventLog = new EventLog(sql)
  const ledger = new EffectLedger(sql, eventLog)
  const name = "fail between steps"
  const workflow = defineWorkflow<unknown, unknown>({
    name,
    purpose: "Throws.",
    startsOn: "order.placed",
    signals: [],
    interrupts: [],
    key: () => code,
    promisedAt: () => "",
    needs: [],
    steps: [],
    deadline: { minutes: 15 },
    lane: "orders",
    run: () => Promise.reject(new AppError(code, "it cannot be asked")),
  })
  const connections = new Connections(sql, log)
  const options = { ledger, connections, clock: systemClock, log, workflows: [workflow] }
  const runner = new Runner({ ...options, route: () => undefined, policies: {} })
  const input = eventExamples["order.placed"]
  const promised_at = "2026-11-20T21:39:00.000Z"
  await ledger.start([{ workflow: name, key: code, input, correlation: code, traceparent: null, promised_at }])
  const endings: string[] = []
  const advance = (by: string) =>
    runner.advance(name, code, by).then(
      () => "returned",
      () => "thrown",
    )
  for (let round = 0; round < 3; round += 1) endings.push(await advance("invocation"))
  // The sweeper and every signal call again; were each of their invocations to try for ever, they would pile up.
  const another = await advance("another")
  const events = await eventLog.readKey(code)
  return { told: events.map(({ data }) => ("cause" in data ? data.cause : "")), endings, another }
}

describe("what a workflow throws between its steps", () => {
  test.each(["CONFIG_INVALID", "REQUEST_INVALID", "VENDOR_REJECTED", "VENDOR_CONFLICT", "INVARIANT_BROKEN"] as const)(
    "%s is told to people once, and tried again by the one invocation it happened to (I-6, I-7)",
    async (code) => {
      expect(await toldAfter(code)).toEqual({
        told: [code],
        endings: ["thrown", "thrown", "thrown"],
        another: "returned",
      })
    },
  )

  test("a system that is away is waited for, and nobody is bothered", async () => {
    expect(await toldAfter("VENDOR_UNAVAILABLE")).toEqual({
      told: [],
      endings: ["returned", "returned", "returned"],
      another: "returned",
    })
  })
})
