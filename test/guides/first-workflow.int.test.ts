import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createLog } from "../../src/base/log.ts"
import { sleep, systemClock } from "../../src/base/time.ts"
import { eventExamples } from "../../src/canonical/examples.ts"
import { Connections } from "../../src/effects/connections.ts"
import { EffectLedger } from "../../src/effects/ledger.ts"
import { EventLog, type StoredEvent } from "../../src/eventlog/event-log.ts"
import { Runner } from "../../src/workflows/runner.ts"
import { freshDatabase, type FreshDatabase } from "../fixtures/database.ts"
import { watchDelivery, type DeliveryPolicies } from "./watch-delivery.ts"

// The workflow of docs/guides/first-workflow.md over a real ledger; the test calls `advance` where Restate would.
let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database?.drop())

function bench(key: string, policies: DeliveryPolicies) {
  const { sql } = database
  const log = createLog("guide", "silent")
  const eventLog = new EventLog(sql)
  const ledger = new EffectLedger(sql, eventLog)
  const connections = new Connections(sql, log)
  const route = () => undefined
  const runner = new Runner({
    ledger,
    connections,
    clock: systemClock,
    log,
    workflows: [watchDelivery],
    route,
    policies,
  })
  const instance = { workflow: watchDelivery.name, key, correlation: key, traceparent: null }
  let seq = 0
  return {
    start: () =>
      ledger.start([{ ...instance, input: eventExamples["order.placed"], promised_at: "2026-11-20T21:39:00.000Z" }]),
    hear: (name: "shipment.delivered" | "exception.decided", data: unknown) =>
      ledger.signal([
        {
          workflow: instance.workflow,
          key,
          fact: `${name}-${(seq += 1)}`,
          name,
          data,
          at: "2026-11-22T10:30:00.000Z",
          xid: "1",
          seq,
        },
      ]),
    advance: () => runner.advance(watchDelivery.name, key),
    state: async () => {
      const [row] = await sql<{ state: string }[]>`select state from workflow_instances where key = ${key}`
      return row?.state
    },
    opened: async () =>
      (await eventLog.readKey(key)).filter(
        ({ type }) => type === "exception.opened",
      ) as StoredEvent<"exception.opened">[],
  }
}

describe("watching a delivery", () => {
  test("a delivery in time ends it, and nobody is bothered", async () => {
    const one = bench("in-time", { deliverWithin: { days: 10 } })
    await one.start()
    await one.advance()
    expect(await one.state()).toBe("waiting")
    await one.hear("shipment.delivered", eventExamples["shipment.delivered"])
    await one.advance()
    expect([await one.state(), await one.opened()]).toEqual(["done", []])
  })

  test("a delivery told before the order is heard all the same", async () => {
    const one = bench("early", { deliverWithin: { days: 10 } })
    await one.hear("shipment.delivered", eventExamples["shipment.delivered"])
    await one.start()
    await one.advance()
    expect(await one.state()).toBe("done")
  })

  test("past its time a person is asked once, however often it is advanced, and the decision is obeyed", async () => {
    const one = bench("late", { deliverWithin: { ms: 30 } })
    await one.start()
    await one.advance()
    await sleep(50)
    for (let round = 0; round < 3; round += 1) await one.advance()
    const opened = await one.opened()
    expect(opened.map(({ data }) => data.allowedActions)).toEqual([["wait on", "close"]])
    const exceptionId = opened[0]?.data.exceptionId
    await one.hear("exception.decided", { ...eventExamples["exception.decided"], exceptionId, action: "wait on" })
    await one.advance()
    expect(await one.state()).toBe("waiting")
    await one.hear("shipment.delivered", eventExamples["shipment.delivered"])
    await one.advance()
    expect([await one.state(), (await one.opened()).length]).toEqual(["done", 1])
  })
})
