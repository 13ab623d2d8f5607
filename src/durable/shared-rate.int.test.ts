import { afterEach, beforeEach, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { createLog } from "../base/log.ts"
import { monotonicMs, systemClock } from "../base/time.ts"
import { Connections } from "../effects/connections.ts"
import { EventLog } from "../eventlog/event-log.ts"
import { Runner } from "./runner.ts"
import { Worker } from "./worker.ts"

let database: FreshDatabase
beforeEach(async () => {
  database = await freshDatabase({ connectionsMax: 8 })
})
afterEach(() => database.drop())

const perSecond = 20
const log = createLog("rate", "silent")

function startWorker(process: string) {
  const { sql } = database
  const connections = new Connections(sql, log)
  const connected = { check: () => Promise.resolve(), close: () => undefined }
  const rate = { concurrencyMax: 40, perSecond, burst: 10 }
  connections.add({ id: "vendor", connector: "test", apiVersion: "1", timeoutMs: 1000, connected, rate })
  const eventLog = new EventLog(sql)
  const runner = new Runner({
    connections,
    clock: systemClock,
    log,
    workflows: [],
    route: () => undefined,
    policies: () => undefined,
  })
  const worker = new Worker({ sql, log, eventLog, connections, runner, process })
  worker.start()
  return { worker, pacing: connections.get("vendor").gate.pacing }
}

const slots = { timeout: 20_000 }

test("two workers share a vendor's rate, and the one that is left has all of it again", async () => {
  const [one, other] = [startWorker("one"), startWorker("other")]
  try {
    await expect.poll(() => [one.pacing.freeCount, other.pacing.freeCount], slots).toEqual([20, 20])
    const startedMs = monotonicMs()
    let count = 0
    const call = async ({ pacing }: typeof one) => {
      const leave = await pacing.enter("orders", 2000)
      if (leave) count += 1
      leave?.()
    }
    await Promise.all(Array.from({ length: 60 }, (_, n) => call(n % 2 === 0 ? one : other)))
    const seconds = (monotonicMs() - startedMs) / 1000
    expect(count).toBeGreaterThan(10)
    expect(count).toBeLessThanOrEqual(10 + perSecond * seconds + 2)
    await other.worker.stop()
    await expect.poll(() => one.pacing.freeCount, slots).toBe(40)
  } finally {
    await Promise.all([one.worker.stop(), other.worker.stop()])
  }
})

test("a worker that was alone shares its rates as soon as another one registers", async () => {
  const first = startWorker("first")
  const liveWorkers = () => database.sql<{ live: number }[]>`
    select count(*) as live from workers where fenced_at is null`
  await expect.poll(async () => (await liveWorkers())[0]?.live, slots).toBe(1)
  // Its first look is over: the next one would come five seconds later.
  await new Promise((resolve) => setTimeout(resolve, 500))
  const second = startWorker("second")
  try {
    await expect.poll(async () => (await liveWorkers())[0]?.live, slots).toBe(2)
    await expect.poll(() => first.pacing.freeCount, { timeout: 2500 }).toBe(20)
  } finally {
    await Promise.all([first.worker.stop(), second.worker.stop()])
  }
})
