import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest"
import { eventually } from "../../test/fixtures/crossdock.ts"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { sharedRestate, uniqueName } from "../../test/fixtures/engines.ts"
import { latch } from "../../test/fixtures/ledger/facts.ts"
import { AppError } from "../base/errors.ts"
import { createLog } from "../base/log.ts"
import { systemClock } from "../base/time.ts"
import { Connections } from "../effects/connections.ts"
import { EffectLedger } from "../effects/ledger.ts"
import { EventLog } from "../eventlog/event-log.ts"
import { defineWorkflow } from "./define-workflow.ts"
import { Runner } from "./runner.ts"
import { Restate, serveWorkflows } from "./service.ts"

const name = "walk"
const runs: string[] = []
let onRun: (key: string) => Promise<void>
/** Instances whose next load is committed and not answered. */
const unanswered = new Set<string>()
let database: FreshDatabase
let ledger: EffectLedger
let runner: Runner
let restate: Restate
let service: Awaited<ReturnType<typeof serveWorkflows>>

class LossyLedger extends EffectLedger {
  override async load(...request: Parameters<EffectLedger["load"]>): ReturnType<EffectLedger["load"]> {
    const loaded = await super.load(...request)
    if (unanswered.delete(request[1])) throw new AppError("STORAGE_UNAVAILABLE", "the answer was lost")
    return loaded
  }
}

beforeAll(async () => {
  database = await freshDatabase()
  const { sql } = database
  const log = createLog("service", "silent")
  ledger = new LossyLedger(sql, new EventLog(sql))
  const walk = defineWorkflow<{ key: string }, unknown>({
    name,
    purpose: "Says that it ran.",
    startsOn: "order.placed",
    signals: [],
    interrupts: [],
    key: ({ key }) => key,
    promisedAt: () => "2026-11-20T10:00:00.000Z",
    needs: [],
    steps: [],
    deadline: { minutes: 5 },
    lane: "orders",
    async run(_step, { key }) {
      runs.push(key)
      await onRun(key)
    },
  })
  const workflows = [walk]
  const connections = new Connections(sql, log)
  runner = new Runner({ ledger, connections, clock: systemClock, log, workflows, route: () => undefined, policies: {} })
  const namespace = uniqueName("wave")
  const { ingressUrl, adminUrl } = await sharedRestate()
  restate = new Restate(ingressUrl, adminUrl, namespace)
  service = await serveWorkflows({ runner, workflows, restate, host: "127.0.0.1", port: 0, log, namespace })
  await restate.register(`http://127.0.0.1:${service.port}`)
})
beforeEach(() => {
  runs.length = 0
  onRun = () => Promise.resolve()
})
afterAll(async () => {
  await service?.stop()
  restate?.close()
  await database?.drop()
})

async function started(count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, () => uniqueName("k"))
  const promised_at = "2026-11-20T10:00:00.000Z"
  await ledger.start(
    keys.map((key) => ({ workflow: name, key, input: { key }, correlation: key, traceparent: null, promised_at })),
  )
  return keys
}

const untilDone = (keys: readonly string[]) =>
  eventually("all are done", async () => {
    const rows = await database.sql`
      select 1 from workflow_instances where key = any(${[...keys]}) and state = 'done' and run_by is null`
    return rows.length === keys.length
  })

test("a wave runs each of its instances once", async () => {
  const keys = await started(50)
  await restate.advance(name, keys)
  await untilDone(keys)
  expect(runs.toSorted()).toEqual(keys.toSorted())
})

test("one that cannot go on is tried again until it can, and the others of its wave are not run with it", async () => {
  const keys = await started(5)
  const [bad = ""] = keys
  let failuresLeft = 3
  onRun = (key) => {
    if (key === bad && (failuresLeft -= 1) >= 0)
      return Promise.reject(new AppError("STORAGE_UNAVAILABLE", "it is away for a moment"))
    return Promise.resolve()
  }
  await restate.advance(name, keys)
  await untilDone(keys)
  expect(runs.filter((key) => key === bad)).toHaveLength(4)
  expect(runs.filter((key) => key !== bad).toSorted()).toEqual(keys.slice(1).toSorted())
  const rows = await database.sql`select distinct epoch from workflow_instances where key = any(${keys.slice(1)})`
  expect(rows).toEqual([{ epoch: 1 }])
})

test("one that was taken in an answer that got lost is not left to nobody", async () => {
  const keys = await started(3)
  for (const key of keys.slice(0, 2)) unanswered.add(key)
  await restate.advance(name, keys)
  await untilDone(keys)
  expect(runs.toSorted()).toEqual(keys.toSorted())
})

test("a slow one keeps nobody of another wave waiting, and one called while it runs is run once more", async () => {
  const [slow = "", ...others] = await started(4)
  const [isRunning, mayEnd] = [latch(), latch()]
  onRun = async (key) => {
    if (key !== slow) return
    isRunning.open()
    await mayEnd.opened
  }
  await restate.advance(name, [slow])
  await isRunning.opened
  await restate.advance(name, [slow, ...others])
  await untilDone(others)
  // The second wave has ended without the slow one, which is not run twice at a time.
  expect(runs.filter((key) => key === slow)).toHaveLength(1)
  const isCalled = async () => (await database.sql`select 1 from workflow_instances where is_called`).length === 1
  await eventually("the call is remembered", isCalled)
  mayEnd.open()
  await untilDone([slow])
})

test("an instance that was called while it ran is looked at again before it is given back", async () => {
  const [key = ""] = await started(1)
  onRun = () => runner.advance(name, key, "another")
  await runner.advance(name, key, "one")
  const rows = await database.sql`select epoch, run_by from workflow_instances where key = ${key}`
  expect(rows).toEqual([{ epoch: 2, run_by: null }])
})

test("a run that takes long holds its instance again and again, and no more once it has ended", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] })
  try {
    const [key = ""] = await started(1)
    const isHeldAnew = async () => {
      await database.sql`update workflow_instances set run_until = clock_timestamp() where key = ${key}`
      vi.advanceTimersByTime(9000)
      const rows = () => database.sql`
        select 1 from workflow_instances where key = ${key} and run_until > clock_timestamp() + interval '20 s'`
      await expect.poll(async () => (await rows()).length).toBe(1)
    }
    onRun = async () => {
      await isHeldAnew()
      await isHeldAnew()
    }
    await runner.advance(name, key, "one")
    expect(vi.getTimerCount()).toBe(0)
    await untilDone([key])
  } finally {
    vi.useRealTimers()
  }
})
