import fc from "fast-check"
import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { createLog } from "../../base/log.ts"
import { systemClock } from "../../base/time.ts"
import type { EventData } from "../../canonical/events.ts"
import { EventLog } from "../../eventlog/event-log.ts"
import { createStockLedger } from "../stock-ledger.ts"
import { setThresholds } from "./policies.ts"
import { readSignals, readSignalSources } from "./read-signals.ts"
import { lookAtSignals } from "./watch-signals.ts"

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 8 })
  await setThresholds(database.sql, {
    thresholds: {
      low: [
        { belowMilli: 5000, marginPercent: 20 },
        { sku: "OWN", belowMilli: 50_000 },
      ],
    },
  })
  for (let look = 0; look < 5; look += 1) await lookAtSignals(worker())
}, 120_000)
afterAll(() => database?.drop())

/** A worker of its own, which may die as its transaction is about to end. */
function worker({ dies = false }: { dies?: boolean } = {}) {
  const eventLog = new EventLog(database.sql)
  return {
    sql: database.sql,
    log: createLog("test", "silent"),
    clock: systemClock,
    names: ["low"],
    eventLog: dies
      ? {
          prepare: () => {
            throw new Error("the process died")
          },
          stored: () => undefined,
        }
      : eventLog,
  }
}

let moved = 0
const move = (sku: string, milli: number) =>
  createStockLedger(database.sql).applyMovements([
    { kind: "adjustment", fact: `t:${(moved += 1)}`, sku, locationId: "wh", milli, isFeed: false },
  ])

async function told(sku: string): Promise<string[]> {
  const rows = await database.sql<{ data: EventData<"stock.threshold-crossed"> }[]>`
    select data from events where type = 'stock.threshold-crossed' and key = ${`stock/wh/${sku}`} order by xid, seq`
  return rows.map(({ data }) => data.side)
}

async function untilQuiet(): Promise<void> {
  while ((await lookAtSignals(worker())) > 0);
}

test("S-41: a crossing is told once, and again only after there was enough: a few units back and forth are no news", async () => {
  await move("TEE", 10_000)
  await untilQuiet()
  expect(await told("TEE")).toEqual([])
  for (const milli of [-5500, -500, 1500, -1000, 1300]) {
    await move("TEE", milli)
    await untilQuiet()
  }
  // 4.5, 4, 5.5, 4.5, 5.8: none of them is the 6 that are enough again.
  expect(await told("TEE")).toEqual(["below"])
  await move("TEE", 200)
  await untilQuiet()
  await move("TEE", -3000)
  await untilQuiet()
  expect(await told("TEE")).toEqual(["below", "above", "below"])
})

test("S-41: the most specific row of a threshold counts, and new thresholds look at all positions", async () => {
  await move("OWN", 40_000)
  await move("ANY", 40_000)
  await untilQuiet()
  expect([await told("OWN"), await told("ANY")]).toEqual([["below"], []])
})

let run = 0
const step = fc.record({
  // Sums at the position, not differences.
  to: fc.integer({ min: 0, max: 10 }),
  looks: fc.array(fc.record({ dies: fc.boolean(), together: fc.integer({ min: 1, max: 3 }) }), { maxLength: 2 }),
})

test("S-41: whatever happens in between, workers that die and work at the same time tell each crossing once, and end with what is true", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      const sku = `R-${(run += 1)}`
      let units = 20
      await move(sku, units * 1000)
      await untilQuiet()
      for (const { to, looks } of steps) {
        if (to !== units) await move(sku, (to - units) * 1000)
        units = to
        for (const { dies, together } of looks)
          await Promise.all(
            Array.from({ length: together }, () => lookAtSignals(worker({ dies })).catch(() => undefined)),
          )
      }
      await untilQuiet()
      const sides = await told(sku)
      // Told in turns: never the same side twice, and below first.
      expect(sides).toEqual(sides.map((_side, n) => (n % 2 === 0 ? "below" : "above")))
      if (units < 5) expect(sides.at(-1)).toBe("below")
      if (units >= 6) expect(sides.at(-1) ?? "above").toBe("above")
      const { items } = await readSignals(database.sql, { sku, limit: 5 }, { nowMs: 0, declaredMs: () => undefined })
      expect(items[0]?.below.map(({ threshold }) => threshold)).toEqual(sides.at(-1) === "below" ? ["low"] : [])
    }),
    { numRuns: 40 },
  )
}, 300_000)

test("S-63: who asks for changes gets each position that changed, once, and nothing that did not", async () => {
  const { changedUpTo } = await readSignalSources(database.sql, 0)
  await move("C-1", 9000)
  await move("C-2", 9000)
  await move("C-1", -1000)
  await untilQuiet()
  const asked = { changedSince: changedUpTo, limit: 50 }
  const how = { nowMs: 0, declaredMs: () => undefined }
  const first = await readSignals(database.sql, asked, how)
  expect(first.items.map(({ sku, onHandMilli }) => [sku, onHandMilli]).toSorted()).toEqual([
    ["C-1", 8000],
    ["C-2", 9000],
  ])
  const then = await readSignals(database.sql, { changedSince: first.next?.n ?? 0, limit: 50 }, how)
  expect(then.items).toEqual([])
})

test("S-63: after a crash of the database, which empties what was noted, everything counts as changed", async () => {
  const { changedUpTo } = await readSignalSources(database.sql, 0)
  await move("LOST", 9000)
  // What a crash does to an unlogged table.
  await database.sql`truncate stock_signal_notes`
  await database.sql`truncate stock_signal_watch`
  for (let look = 0; look < 5; look += 1) await lookAtSignals(worker())
  const { items } = await readSignals(
    database.sql,
    { changedSince: changedUpTo, sku: "LOST", limit: 5 },
    { nowMs: 0, declaredMs: () => undefined },
  )
  expect(items).toHaveLength(1)
})
