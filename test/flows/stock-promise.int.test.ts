import { afterAll, beforeAll, expect, test } from "vitest"
import { instant, type Clock } from "../../src/base/time.ts"
import { createAvailability } from "../../src/stock/availability.ts"
import { heldBack } from "../../src/stock/demand/held-back.ts"
import { foldDemand } from "../../src/stock/demand/learn-demand.ts"
import type { PromiseRule } from "../../src/stock/promise.ts"
import { readRegret } from "../../src/stock/regret/read-regret.ts"
import { createReservations } from "../../src/stock/reservations.ts"
import { createStockLedger } from "../../src/stock/stock-ledger.ts"
import { freshDatabase, type FreshDatabase } from "../fixtures/database.ts"

// 100 units, three channels, an ERP that sells over its own counter and is dark for ten minutes.

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 10 })
})
afterAll(() => database?.drop())

const minute = 60_000
/** An oversold unit costs fifty margins here: what a marketplace does to those who cancel. */
const rule: PromiseRule = { oversellCostMinor: 60_000, marginMinor: 1200, currency: "EUR", whileSilentPercent: 100 }
const channels = ["shop-de", "market", "app"]

/** Two days of an ERP that is heard every ten minutes and sells two units an hour at its counter. */
async function history(sku: string, untilMs: number): Promise<void> {
  const ledger = createStockLedger(database.sql)
  const begin = untilMs - 48 * 60 * minute
  const counted = Array.from({ length: 97 }, (_, n) => ({
    kind: "count" as const,
    fact: `erp:${sku}:${n}`,
    sku,
    locationId: "dc",
    countedMilli: 196_000 - n * 1000,
    countedAt: instant(begin + n * 30 * minute),
    includesReservations: "all" as const,
  }))
  for (const one of counted) await ledger.applyMovements([one])
  await foldDemand(database.sql, 0)
}

async function rush(sku: string, clock: Clock): Promise<{ granted: number; refused: number }> {
  const availability = createAvailability(database.sql, { ruleOf: () => rule, clock })
  const held = heldBack(availability, clock)
  const reservations = createReservations(database.sql)
  const answers = await Promise.all(
    Array.from({ length: 5000 }, async (_, n) => {
      const channel = channels[n % 3] ?? ""
      const lines = [{ sku, milli: 1000 }]
      const request = { key: `${sku}-${n}`, owner: `cart-${n}`, channel, kind: "soft" as const, lines }
      return reservations.reserve({ ...request, ...(await held(lines, channel)) })
    }),
  )
  const granted = answers.filter((one) => one.granted).length
  return { granted, refused: answers.length - granted }
}

test("X-06: 100 units, three channels, 5,000 attempts at once, the ERP dark for ten minutes: 0 oversold", async () => {
  const sku = "HOT"
  const nowMs = Date.now()
  const darkSinceMs = nowMs - 10 * minute
  await history(sku, darkSinceMs)
  const clock = { now: () => nowMs }
  const [before] = await createAvailability(database.sql, { ruleOf: () => rule, clock }).query([
    { sku, channel: "app" },
  ])
  expect(before).toMatchObject({ onHandMilli: 100_000, freshnessAgeMs: 10 * minute })
  // Two an hour are a third of a unit in ten minutes; 98 % of what may have happened are two units.
  expect(before?.bufferMilli).toBe(2_000)
  const { granted, refused } = await rush(sku, clock)
  expect(granted).toBe(98)
  expect(refused).toBe(4902)

  // The ERP is back: it had sold two, and knew of none of our orders.
  const ledger = createStockLedger(database.sql)
  const back = { kind: "count", fact: `erp:${sku}:back`, sku, locationId: "dc", countedMilli: 98_000 } as const
  const [booked] = await ledger.applyMovements([{ ...back, countedAt: instant(nowMs), includesReservations: "none" }])
  expect(booked).toMatchObject({ shortMilli: 0, overdrawnMilli: 0 })
  const [after] = await createAvailability(database.sql, { ruleOf: () => rule, clock }).query([{ sku }])
  expect(after).toMatchObject({ onHandMilli: 98_000, reservedMilli: 98_000, availableToPromiseMilli: 0 })
}, 120_000)

test("X-06: the ledger replayed costs nothing under the quantile, and the margin of what a fixed buffer of ten refuses of the same orders", async () => {
  const sku = "HOT"
  const nowMs = Date.now()
  const { positions, items } = await readRegret(
    database.sql,
    { since: instant(nowMs - 30 * minute), sku, fixedMilli: 10_000 },
    { ruleOf: () => rule, nowMs },
  )
  expect(positions).toBe(1)
  expect(items.every(({ currency }) => currency === "EUR")).toBe(true)
  const sum = (policy: string, what: "oversoldMilli" | "regretMinor" | "refusedMilli") =>
    items.filter((one) => one.policy === policy).reduce((all, one) => all + one[what], 0)
  expect([sum("quantile", "oversoldMilli"), sum("quantile", "regretMinor")]).toEqual([0, 0])
  expect([sum("fixed", "refusedMilli"), sum("fixed", "regretMinor")]).toEqual([8_000, 9_600])
  expect(new Set(items.map(({ channel }) => channel))).toEqual(new Set(channels))
})
