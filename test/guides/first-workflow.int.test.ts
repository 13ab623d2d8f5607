import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createLog } from "../../src/base/log.ts"
import { sleep } from "../../src/base/time.ts"
import { newEvent, type EventData, type EventName, type NewEvent } from "../../src/canonical/events.ts"
import { eventExamples, exampleOrder } from "../../src/canonical/examples.ts"
import { ref } from "../../src/canonical/refs.ts"
import { Connections } from "../../src/effects/connections.ts"
import type { StoredEvent } from "../../src/eventlog/event-log.ts"
import { freshDatabase, type FreshDatabase } from "../fixtures/database.ts"
import { durableBench } from "../fixtures/ledger/vendor.ts"
import { watchDelivery, type DeliveryPolicies } from "./watch-delivery.ts"

// The workflow of docs/guides/first-workflow.md over a real journal. Events start and wake it as they do in production; the test
// runs it where a worker would.
let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database?.drop())

let count = 0

function bench(policies: DeliveryPolicies) {
  const { sql } = database
  const { eventLog, advance } = durableBench(sql, [watchDelivery])
  const connections = new Connections(sql, createLog("guide", "silent"))
  const orderId = `ord_${String((count += 1)).padStart(16, "0")}`
  const hear = <Name extends EventName>(type: Name, more: Partial<EventData<Name>> = {}) => {
    const own = type === "order.placed" ? { orderId, order: { ...exampleOrder, id: orderId } } : { orderId }
    const data = { ...eventExamples[type], ...(type === "exception.decided" ? {} : own), ...more }
    const fact = `${type}:${orderId}`
    return eventLog.append(newEvent({ type, fact, source: "s", time: "2026-11-22T10:30:00.000Z", data } as NewEvent))
  }
  return {
    hear,
    advance: () => advance(orderId, watchDelivery, { connections, policies }),
    decide: (action: string, exceptionId = "") =>
      hear("exception.decided", { exceptionId, about: ref("order", orderId), workflow: watchDelivery.name, action }),
    opened: async () =>
      (await eventLog.readKey(ref("order", orderId))).filter(
        ({ type }) => type === "exception.opened",
      ) as StoredEvent<"exception.opened">[],
  }
}

describe("watching a delivery", () => {
  test("a delivery in time ends it, and nobody is bothered", async () => {
    const one = bench({ deliverWithin: { days: 10 } })
    await one.hear("order.placed")
    expect(await one.advance()).toBe("waiting")
    await one.hear("shipment.delivered")
    expect([await one.advance(), await one.opened()]).toEqual(["done", []])
  })

  test("a delivery told before the order is heard all the same", async () => {
    const one = bench({ deliverWithin: { days: 10 } })
    await one.hear("shipment.delivered")
    await one.hear("order.placed")
    expect(await one.advance()).toBe("done")
  })

  test("past its time a person is asked once, however often it runs, and the decision is obeyed", async () => {
    const one = bench({ deliverWithin: { ms: 30 } })
    await one.hear("order.placed")
    await one.advance()
    await sleep(50)
    for (let round = 0; round < 3; round += 1) await one.advance()
    const opened = await one.opened()
    expect(opened.map(({ data }) => data.allowedActions)).toEqual([["wait on", "close"]])
    await one.decide("wait on", opened[0]?.data.exceptionId)
    expect(await one.advance()).toBe("waiting")
    await one.hear("shipment.delivered")
    expect([await one.advance(), (await one.opened()).length]).toEqual(["done", 1])
  })
})
