import { afterEach, beforeEach, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { systemClock } from "../../base/time.ts"
import type { NewEvent } from "../../canonical/events.ts"
import { createStockLedger } from "../stock-ledger.ts"
import { noteWait, wakeOnce, type MissingGoods } from "./waits.ts"

let database: FreshDatabase
let told: string[]
beforeEach(async () => {
  database = await freshDatabase()
  told = []
})
afterEach(() => database.drop())

const order = (n: number) => `ord_000000000000000${n}`
const since = (n: number) => `2026-11-20T10:0${n}:00.000Z`

async function waits(n: number, milli: number, more: Partial<MissingGoods> = {}): Promise<void> {
  await noteWait(database.sql, { orderId: order(n), since: since(n), missing: [{ sku: "TEE", milli, ...more }] })
}

let facts = 0
async function receive(milli: number, sku = "TEE", locationId = "dc"): Promise<void> {
  const occurredAt = new Date().toISOString()
  await createStockLedger(database.sql).applyMovements([
    { kind: "adjustment", fact: `r${(facts += 1)}`, sku, locationId, milli, reason: "a test", occurredAt },
  ])
}

async function wake(whenTold: () => Promise<void> = () => Promise.resolve()): Promise<string[]> {
  const eventLog = {
    append: async (event: NewEvent) => {
      told.push(String((event.data as { orderId: string }).orderId))
      await whenTold()
      return undefined as never
    },
  }
  await wakeOnce({ sql: database.sql, clock: systemClock, eventLog })
  return told.splice(0)
}

test("P-34: an order is told when more of what it lacks comes in, once, and never for what was there before", async () => {
  await receive(1000)
  await waits(1, 3000)
  expect(await wake()).toEqual([])
  await receive(2000, "MUG")
  expect(await wake()).toEqual([])
  await receive(2000)
  expect(await wake()).toEqual([order(1)])
  expect(await wake()).toEqual([])
})

test("P-34: of many that wait those are told for whom there is stock, the oldest first", async () => {
  await receive(1000)
  for (const n of [3, 1, 2]) await waits(n, 2000)
  await receive(2000)
  expect(await wake()).toEqual([order(1), order(2)])
  // The first took what there was; the second notes again that it still waits.
  await receive(-2000)
  await waits(2, 2000)
  expect(await wake()).toEqual([])
  await receive(2000)
  expect(await wake()).toEqual([order(2), order(3)])
})

test("P-34: an order that waits for an article that nobody knows is told when the stock hears of it", async () => {
  await waits(1, 1, { sku: "NEW-1" })
  expect(await wake()).toEqual([])
  await receive(5000, "NEW-1")
  expect(await wake()).toEqual([order(1)])
})

test("P-34: what came in between the refusal of an order and its note is told", async () => {
  await receive(1000)
  await receive(2000)
  await waits(1, 2000, { freeMilli: 1000 })
  expect(await wake()).toEqual([order(1)])
})

test("P-34: an order that is told, refused and noted again before the look is over still waits", async () => {
  await receive(1)
  await waits(1, 2000)
  await receive(1000)
  expect(await wake(() => waits(1, 1000))).toEqual([order(1)])
  await receive(1000)
  expect(await wake()).toEqual([order(1)])
})

test("P-34: an order that cannot use what is there holds up none behind it", async () => {
  await receive(1000)
  await waits(1, 2000)
  await receive(-1000)
  await waits(2, 1000)
  await receive(1000)
  expect(await wake()).toEqual([order(2)])
})

test("P-34: goods that must be at one place are told when they come there, also from another place", async () => {
  await receive(5000, "TEE", "north")
  await waits(1, 1000, { locationId: "dc" })
  await receive(1000, "TEE", "north")
  expect(await wake()).toEqual([])
  await receive(-1000, "TEE", "north")
  await receive(1000)
  expect(await wake()).toEqual([order(1)])
})
