import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { freshDatabase } from "../../test/fixtures/database.ts"
import { createAvailability, type AvailabilityReader } from "./availability.ts"
import { createReservations, type Reservations } from "./reservations.ts"
import type { ReserveRequest } from "./reserve.ts"
import { createStockLedger, type StockLedger } from "./stock-ledger.ts"

let database: Awaited<ReturnType<typeof freshDatabase>>
let ledger: StockLedger
let reservations: Reservations
let availability: AvailabilityReader
let skuCount = 0

beforeAll(async () => {
  database = await freshDatabase()
  ledger = createStockLedger(database.sql)
  reservations = createReservations(database.sql)
  availability = createAvailability(database.sql)
})
afterAll(() => database.drop())

async function stocked(places: Record<string, number>): Promise<string> {
  const sku = `sku-${++skuCount}`
  await ledger.applyMovements(
    Object.entries(places).map(([locationId, milli]) => ({
      fact: `receipt:${sku}:${locationId}`,
      kind: "receipt" as const,
      sku,
      locationId,
      milli,
    })),
  )
  return sku
}

function request(key: string, lines: ReserveRequest["lines"], more: Partial<ReserveRequest> = {}): ReserveRequest {
  return { key, owner: `order of ${key}`, kind: "hard", lines, ...more }
}

async function pool(sku: string): Promise<{ onHand: number; reserved: number; promise: number }> {
  const [answer] = await availability.query([{ sku }])
  if (!answer) throw new Error("no answer")
  return {
    onHand: answer.onHandMilli,
    reserved: answer.reservedMilli,
    promise: answer.availableToPromiseMilli,
  }
}

describe("reserving", () => {
  test("500 concurrent reservations for 10 units over 3 channels grant exactly 10 and refuse 490 cleanly", async () => {
    const sku = await stocked({ dc: 6_000, shop: 4_000 })
    const results = await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        reservations.reserve(
          request(`p09-${index}`, [{ sku, milli: 1_000 }], { channel: ["web", "market", "till"][index % 3] ?? "web" }),
        ),
      ),
    )
    const granted = results.filter((result) => result.granted)
    expect(granted).toHaveLength(10)
    for (const result of results) if (!result.granted) expect(result.short).toEqual([{ sku, missingMilli: 1_000 }])
    expect(await pool(sku)).toEqual({ onHand: 10_000, reserved: 10_000, promise: 0 })
    const [rows] = await database.sql`
      select count(*)::int as headers from stock_reservations where key like 'p09-%'`
    expect(rows?.["headers"]).toBe(10)
  })

  test("reserve, allocate and consume move a unit from the pool to a location and out of the door", async () => {
    const sku = await stocked({ dc: 5_000, shop: 1_000 })
    expect(await reservations.reserve(request("path-1", [{ sku, milli: 2_000 }]))).toMatchObject({ granted: true })
    expect(await pool(sku)).toEqual({ onHand: 6_000, reserved: 2_000, promise: 4_000 })
    const placed = [{ sku, locationId: "dc", milli: 2_000 }]
    expect(await reservations.allocate("path-1", placed)).toEqual({ outcome: "allocated", short: [] })
    expect(await reservations.allocate("path-1", placed)).toEqual({ outcome: "allocated", short: [] })
    const [dc] = await availability.query([{ sku, locationId: "dc" }])
    expect(dc).toMatchObject({ onHandMilli: 5_000, reservedMilli: 2_000, availableToPromiseMilli: 3_000 })
    const shipped = await reservations.consume("path-1", placed, "shipment-1")
    expect(shipped).toEqual({ duplicate: false, unreservedMilli: 0, overdrawnMilli: 0 })
    expect(await reservations.consume("path-1", placed, "shipment-1")).toMatchObject({ duplicate: true })
    expect(await pool(sku)).toEqual({ onHand: 4_000, reserved: 0, promise: 4_000 })
    expect(await reservations.find("path-1")).toMatchObject({ state: "consumed" })
    expect(await ledger.rebuild({ sku, dryRun: true, reason: "check" })).toEqual([])
  })
})
