import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createLog } from "../../src/base/log.ts"
import { openSql, type Sql } from "../../src/base/sql.ts"
import { systemClock } from "../../src/base/time.ts"
import { Connections } from "../../src/effects/connections.ts"
import { EffectLedger } from "../../src/effects/ledger.ts"
import { EventLog } from "../../src/eventlog/event-log.ts"
import type { NotifiesCustomers } from "../../src/ports/capabilities.ts"
import { defineWorkflow, type AnyWorkflow, type Workflow } from "../../src/workflows/define-workflow.ts"
import { Runner } from "../../src/workflows/runner.ts"
import { Restate, serveWorkflows } from "../../src/workflows/service.ts"
import { assertNothingStranded } from "../../src/workflows/stranded.ts"
import { eventually } from "../fixtures/crossdock.ts"
import { freshDatabase, type FreshDatabase } from "../fixtures/database.ts"
import { sharedRestate, uniqueName } from "../fixtures/engines.ts"

type Input = { orderId: string }
type Parcel = Workflow<Input, unknown>

let database: FreshDatabase
let sql: Sql
/** What the other system was asked to do, by key. */
const sent: string[] = []
const namespace = uniqueName("changed")

beforeAll(async () => {
  database = await freshDatabase()
  sql = openSql(database.url, { connectionsMax: 4, name: "changed-workflow" })
})
afterAll(async () => {
  await sql?.end({ timeout: 1 })
  await database?.drop()
})

/** The workflow as it was deployed first: it sends word, waits for the parcel, and sends word again. */
const first: Parcel = defineWorkflow<Input, unknown>({
  name: "watch parcel",
  purpose: "A small workflow whose code changes while orders are in flight.",
  startsOn: "order.placed",
  signals: ["shipment.confirmed"],
  interrupts: [],
  key: (input) => input.orderId,
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

/** Runs `work` while this version of the workflow is the one deployed. */
async function deployed(workflow: AnyWorkflow, work: (acts: Acts) => Promise<void>): Promise<void> {
  const log = createLog("changed", "silent")
  const connections = new Connections(sql, log)
  const connected = { notifiesCustomers: mouth, check: async () => {}, close: () => undefined }
  const rate = { concurrencyMax: 10 }
  connections.add({ id: "mouth", connector: "test", apiVersion: "1", timeoutMs: 5000, connected, rate })
  const ledger = new EffectLedger(sql, new EventLog(sql))
  const workflows = [workflow]
  await assertNothingStranded(sql, workflows)
  const route = () => "mouth"
  const runner = new Runner({ ledger, connections, clock: systemClock, log, workflows, route, policies: {} })
  const { ingressUrl, adminUrl } = await sharedRestate()
  const restate = new Restate(ingressUrl, adminUrl, namespace)
  const service = await serveWorkflows({ runner, workflows, restate, host: "127.0.0.1", port: 0, log, namespace })
  await restate.register(`http://127.0.0.1:${service.port}`)
  try {
    await work({ ledger, advance: (key) => restate.advance(workflow.name, [key]) })
  } finally {
    await service.stop()
    restate.close()
    connections.stop()
  }
}

interface Acts {
  ledger: EffectLedger
  advance(key: string): Promise<void>
}

let count = 0

/** An order that the first version has taken as far as the parcel. */
async function inFlight(): Promise<string> {
  const key = `parcel-${(count += 1)}`
  await deployed(first, async ({ ledger, advance }) => {
    const promised = "2026-11-20T10:00:00.000Z"
    const input = { orderId: key }
    await ledger.start([
      { workflow: first.name, key, input, correlation: key, traceparent: null, promised_at: promised },
    ])
    await advance(key)
    await untilStateIs(key, "waiting")
  })
  return key
}

async function arrive(key: string, { ledger, advance }: Acts): Promise<void> {
  const signal = { fact: `parcel:${key}`, name: "shipment.confirmed", data: {}, at: new Date().toISOString() }
  await ledger.signal([{ workflow: first.name, key, ...signal, xid: "1", seq: 1 }])
  await advance(key)
  await untilStateIs(key, "done")
}

async function untilStateIs(key: string, state: string): Promise<void> {
  await eventually(`${key} is ${state}`, async () => {
    const rows = await sql`select 1 from workflow_instances where key = ${key} and state = ${state}`
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
    await deployed(second, (acts) => arrive(key, acts))
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
    await deployed(second, (acts) => arrive(key, acts))
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
    await deployed(second, (acts) => arrive(key, acts))
    expect(said(key)).toEqual(["greet", "say goodbye"])
  })

  test("X-11 a version that would strand orders in flight does not start, and says which step it misses", async () => {
    const key = await inFlight()
    const careless: Parcel = { ...first, steps: ["wait for the parcel", "say goodbye"] }
    const refusal = deployed(careless, () => Promise.resolve())
    await expect(refusal).rejects.toMatchObject({ code: "WORKFLOW_STRANDED" })
    await expect(deployed(careless, () => Promise.resolve())).rejects.toThrow(/1 in flight.*"greet"/)
    await expect(deployed({ ...careless, name: "another" }, () => Promise.resolve())).rejects.toThrow(/watch parcel/)
    await deployed(first, (acts) => arrive(key, acts))
    await expect(assertNothingStranded(sql, [careless])).resolves.toBeUndefined()
  })
})
