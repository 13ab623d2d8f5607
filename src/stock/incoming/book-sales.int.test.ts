import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { saleReceipt } from "../../../test/fixtures/sales/receipts.ts"
import type { MadeOf } from "../../canonical/stock/made-of.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"
import { createStockLedger, knownFacts } from "../stock-ledger.ts"
import { salesSubscriber } from "./book-sales.ts"

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database?.drop())

/** Books a sale of kits at a store while a kit is made of these parts. */
function book(events: readonly StoredEvent[], parts: Record<string, number>) {
  const { sql } = database
  const made: MadeOf[] = [
    { sku: "SET", unit: "ea", parts: Object.entries(parts).map(([sku, milli]) => ({ sku, milli, unit: "ea" })) },
  ]
  return salesSubscriber({
    ledger: createStockLedger(sql),
    articles: { ours: async (named) => named.map(({ article }) => article) },
    takeApart: async () => ({ made, unknownUnits: [] }),
    madeOf: async () => [],
    known: (facts) => knownFacts(sql, facts),
  }).handle(events)
}

function sales(count: number, of: string): StoredEvent[] {
  return Array.from({ length: count }, (_one, sequence) => {
    const receipt = saleReceipt({ storeId: of, tillId: "1", sequence, sku: "SET" })
    // Only these are looked at.
    return { fact: `sale:${of}:${sequence}`, source: "tills", key: `sale/${of}/${sequence}`, data: { receipt } }
  }) as unknown as StoredEvent[]
}

async function onHand(place: string): Promise<Record<string, number>> {
  const rows = await database.sql<{ sku: string; milli: number }[]>`
    select sku, on_hand_milli as milli from stock_positions where location_id = ${place} order by sku`
  return Object.fromEntries(rows.map(({ sku, milli }) => [sku, Number(milli) / 1000]))
}

test("a sale that is read again after its kit was changed changes nothing, whether the kit has more parts by then, fewer, or others", async () => {
  const events = sales(3, "again")
  await book(events, { CUP: 2000, TEA: 1000 })
  const booked = { CUP: -6, TEA: -3 }
  expect(await onHand("again")).toEqual(booked)
  for (const later of [{ CUP: 1000, TEA: 1000, TIN: 1000 }, { TEA: 4000 }, { TIN: 1000, JAR: 2000 }]) {
    await book(events, later)
    expect(await onHand("again")).toEqual(booked)
  }
  // A later sale is of what the kit is by then.
  await book(sales(4, "again"), { TEA: 1000, TIN: 1000 })
  expect(await onHand("again")).toEqual({ CUP: -6, TEA: -4, TIN: -1 })
})

test("a batch that breaks off between its statements has each sale whole or not at all, and read again after the kit was changed it ends whole", async () => {
  const { sql } = database
  // Each line has 7 parts, so 143 lines are more than one statement's thousand movements.
  const events = sales(300, "broken")
  const parts = Object.fromEntries(Array.from({ length: 7 }, (_one, n) => [`P${n}`, 1000]))
  let left = 1
  const ledger = createStockLedger(sql)
  const dies = salesSubscriber({
    ledger: {
      applyMovements: (movements) => {
        left -= 1
        return left < 0 ? Promise.reject(new Error("the process died")) : ledger.applyMovements(movements)
      },
    },
    articles: { ours: async (named) => named.map(({ article }) => article) },
    takeApart: async () => ({
      made: [
        { sku: "SET", unit: "ea", parts: Object.entries(parts).map(([sku, milli]) => ({ sku, milli, unit: "ea" })) },
      ],
      unknownUnits: [],
    }),
    madeOf: async () => [],
    known: (facts) => knownFacts(sql, facts),
  })
  await expect(dies.handle(events)).rejects.toThrow("the process died")
  const half = await onHand("broken")
  expect(new Set(Object.values(half))).toEqual(new Set([half["P0"]]))
  expect(half["P0"]).toBeGreaterThan(-300)
  await book(events, { ...parts, P7: 1000 })
  const whole = await onHand("broken")
  expect([whole["P0"], whole["P6"], whole["P7"]]).toEqual([-300, -300, -300 - (half["P0"] ?? 0)])
})
