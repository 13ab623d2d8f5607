import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createLog } from "../../src/base/log.ts"
import { openSql, type Sql } from "../../src/base/sql.ts"
import { systemClock } from "../../src/base/time.ts"
import { newEvent, type EventData } from "../../src/canonical/events.ts"
import { eventExamples, exampleOrder } from "../../src/canonical/examples.ts"
import { ref } from "../../src/canonical/refs.ts"
import { defineWorkflow, type Workflow } from "../../src/durable/define-workflow.ts"
import { workflowFollowUps } from "../../src/durable/follow-ups.ts"
import { Runner } from "../../src/durable/runner.ts"
import { assertNothingStranded } from "../../src/durable/stranded.ts"
import { Worker } from "../../src/durable/worker.ts"
import { Connections } from "../../src/effects/connections.ts"
import { EventLog } from "../../src/eventlog/event-log.ts"
import type { NotifiesCustomers } from "../../src/ports/capabilities/service.ts"
import { eventually } from "../fixtures/crossdock.ts"
import { freshDatabase, type FreshDatabase } from "../fixtures/database.ts"

type Input = EventData<"order.placed">
type Parcel = Workflow<"order.placed", unknown>

let database: FreshDatabase
let sql: Sql
/** What the other system was asked to do, by key. */
const sent: string[] = []

beforeAll(async () => {
  database = await freshDatabase()
  sql = openSql(database.url, { connectionsMax: 4, name: "changed-workflow" })
})
afterAll(async () => {
  await sql?.end({ timeout: 1 })
  await database?.drop()
})

/** The workflow as it was deployed first: it sends word, waits for the parcel, and sends word again. */
const first: Parcel = defineWorkflow<"order.placed", unknown>({
  name: "watch parcel",
  purpose: "A small workflow whose code changes while orders are in flight.",
  about: "order",
  states: [],
  owner: "operations",
  startsOn: "order.placed",
  hears: ["shipment.confirmed"],
  interrupts: [],
  policies: "none",
  promisedAt: () => "2026-11-20T10:00:00.000Z",
  needs: ["notifiesCustomers"],
  steps: ["greet", "pick a colour", "wait for the parcel", "say goodbye"],
  deadline: { minutes: 5 },
  lane: "orders",
  async run(step, input, { use }) {
    await say(step, "greet", { input, use })
    await step.decide("pick a colour", () => "blue")
    await step.until("wait for the parcel", { signals: ["shipment.confirmed"] })
    await say(step, "say goodbye", { input, use })
  },
})

type Speaking = { input: Input; use: Parameters<Parcel["run"]>[2]["use"] }

async function say(step: Parameters<Parcel["run"]>[0], name: string, { input, use }: Speaking): Promise<void> {
  const write = use("notifiesCustomers").sendMessage
  // The stand-in for the other system looks at the key alone.
  await step.effect(name, { write, input: {} as never, key: `${name}:${input.orderId}` })
}

const mouth: NotifiesCustomers = {
  sendMessage: {
    settleMs: 0,
    send: async (_input, call) => {
      sent.push(call.key)
      return {}
    },
    probe: async (_input, call) => (sent.includes(call.key) ? {} : undefined),
  },
}

/** Runs `work` while this version of the workflow is the one deployed, with a worker of its own. */
async function deployed(workflow: Parcel, work: (eventLog: EventLog) => Promise<void>): Promise<void> {
  const log = createLog("changed", "silent")
  const connections = new Connections(sql, log)
  const connected = { notifiesCustomers: mouth, check: async () => {}, close: () => undefined }
  const rate = { concurrencyMax: 10 }
  connections.add({ id: "mouth", connector: "test", apiVersion: "1", timeoutMs: 5000, connected, rate })
  const workflows = [workflow]
  await assertNothingStranded(sql, workflows)
  const eventLog = new EventLog(sql, workflowFollowUps(workflows))
  const runner = new Runner({
    connections,
    clock: systemClock,
    log,
    workflows,
    route: () => "mouth",
    policies: () => ({}),
  })
  const worker = new Worker({ sql, log, eventLog, connections, runner, process: "changed" })
  worker.start()
  try {
    await work(eventLog)
  } finally {
    await worker.stop()
    connections.stop()
  }
}

let count = 0

/** An order that the first version has taken as far as the parcel. */
async function inFlight(): Promise<string> {
  const orderId = `ord_${String((count += 1)).padStart(16, "0")}`
  await deployed(first, async (eventLog) => {
    const data = { orderId, order: { ...exampleOrder, id: orderId } }
    const time = "2026-11-20T10:00:00.000Z"
    await eventLog.append(newEvent({ type: "order.placed", fact: `placed:${orderId}`, source: "shop", time, data }))
    await eventually(`${orderId} waits for its parcel`, async () => {
      const rows = await sql`
        select 1 from workflow_queue q join workflow_instances i on i.id = q.instance
        where i.about = ${ref("order", orderId)} and q.waiting @> '[{"kind": "signal"}]'`
      return rows.length > 0
    })
  })
  return orderId
}

async function arrive(orderId: string, eventLog: EventLog): Promise<void> {
  const { shipment } = eventExamples["shipment.confirmed"]
  const data = { orderId, shipment: { ...shipment, orderId } }
  const time = "2026-11-21T10:00:00.000Z"
  await eventLog.append(newEvent({ type: "shipment.confirmed", fact: `parcel:${orderId}`, source: "dc", time, data }))
  await eventually(`${orderId} is done`, async () => {
    const rows = await sql`select 1 from workflow_instances where about = ${ref("order", orderId)} and state = 'done'`
    return rows.length > 0
  })
}

const said = (key: string) => sent.filter((word) => word.endsWith(`:${key}`)).map((word) => word.split(":")[0])

describe("a workflow that changes with orders in flight", () => {
  test("X-11 a step that was added is done by orders that were already on their way, and nothing is done twice", async () => {
    const key = await inFlight()
    const second: Parcel = {
      ...first,
      steps: [...first.steps, "praise"],
      async run(step, input, { use }) {
        await say(step, "greet", { input, use })
        await say(step, "praise", { input, use })
        await step.until("wait for the parcel", { signals: ["shipment.confirmed"] })
        await say(step, "say goodbye", { input, use })
      },
    }
    await deployed(second, (eventLog) => arrive(key, eventLog))
    expect(said(key)).toEqual(["greet", "praise", "say goodbye"])
  })

  test("X-11 a step that was dropped is not missed", async () => {
    const key = await inFlight()
    const second: Parcel = {
      ...first,
      steps: ["greet", "wait for the parcel", "say goodbye"],
      dropped: ["pick a colour"],
      async run(step, input, { use }) {
        await say(step, "greet", { input, use })
        await step.until("wait for the parcel", { signals: ["shipment.confirmed"] })
        await say(step, "say goodbye", { input, use })
      },
    }
    await deployed(second, (eventLog) => arrive(key, eventLog))
    expect(said(key)).toEqual(["greet", "say goodbye"])
  })

  test("X-11 a step under a new name is known by its old one, so that it is not done again", async () => {
    const key = await inFlight()
    const second: Parcel = {
      ...first,
      steps: ["welcome", "pick a colour", "wait for the parcel", "say goodbye"],
      renamed: { greet: "welcome" },
      async run(step, input, { use }) {
        await say(step, "welcome", { input, use })
        await step.until("wait for the parcel", { signals: ["shipment.confirmed"] })
        await say(step, "say goodbye", { input, use })
      },
    }
    await deployed(second, (eventLog) => arrive(key, eventLog))
    expect(said(key)).toEqual(["greet", "say goodbye"])
  })

  test("X-11 a version that would strand orders in flight does not start, and says which step it misses", async () => {
    const key = await inFlight()
    const careless: Parcel = { ...first, steps: ["wait for the parcel", "say goodbye"] }
    const refusal = deployed(careless, () => Promise.resolve())
    await expect(refusal).rejects.toMatchObject({ code: "WORKFLOW_STRANDED" })
    await expect(deployed(careless, () => Promise.resolve())).rejects.toThrow(/1 in flight.*"greet"/)
    await expect(deployed({ ...careless, name: "another" }, () => Promise.resolve())).rejects.toThrow(/watch parcel/)
    await deployed(first, (eventLog) => arrive(key, eventLog))
    await expect(assertNothingStranded(sql, [careless])).resolves.toBeUndefined()
  })
})
