import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { freshDatabase } from "../../test/fixtures/database.ts"
import { instant, systemClock } from "../base/time.ts"
import { createAvailability, type AvailabilityReader } from "./availability.ts"
import { createStockPolicies, type StockPolicies } from "./policies.ts"
import { createReservations, type Reservations } from "./reservations.ts"
import type { ReserveRequest } from "./reserve.ts"
import { createStockLedger, type StockLedger } from "./stock-ledger.ts"

let database: Awaited<ReturnType<typeof freshDatabase>>
let ledger: StockLedger
let reservations: Reservations
let availability: AvailabilityReader
let policies: StockPolicies
let skuCount = 0

beforeAll(async () => {
  database = await freshDatabase()
  ledger = createStockLedger(database.sql)
  reservations = createReservations(database.sql)
  policies = createStockPolicies(database.sql)
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

  test("a placement that a location cannot serve, or of more than is held, says so and moves nothing", async () => {
    const sku = await stocked({ dc: 5_000, shop: 1_000 })
    const key = `place-${sku}`
    await reservations.reserve(request(key, [{ sku, milli: 2_000 }]))
    const place = (locationId: string, milli: number) => reservations.allocate(key, [{ sku, locationId, milli }])
    expect(await place("shop", 2_000)).toEqual({
      outcome: "short",
      short: [{ sku, locationId: "shop", missingMilli: 1_000 }],
    })
    expect(await place("dc", 3_000)).toEqual({ outcome: "exceeds", short: [{ sku, missingMilli: 1_000 }] })
    expect(await reservations.find(key)).toMatchObject({ lines: [{ locationId: null, heldMilli: 2_000 }] })
    expect(await place("dc", 2_000)).toMatchObject({ outcome: "allocated" })
    expect(await place("shop", 1_000)).toMatchObject({ outcome: "allocated" })
    const view = await reservations.find(key)
    expect(view?.lines.filter((line) => line.heldMilli > 0)).toMatchObject([
      { locationId: null, heldMilli: 1_000 },
      { locationId: "shop", heldMilli: 1_000 },
    ])
    expect(await pool(sku)).toMatchObject({ reserved: 2_000 })
  })

  test("a large request that does not fit never refuses a small one behind it", async () => {
    const sku = await stocked({ dc: 3_000 })
    const sizes = [2_000, 9_000, 1_000, 500]
    const results = await reservations.reserveMany(
      sizes.map((milli, index) => request(`greedy-${sku}-${index}`, [{ sku, milli }])),
    )
    expect(results.map((result) => result.granted)).toEqual([true, false, true, false])
    expect(results[1]).toMatchObject({ short: [{ sku, missingMilli: 8_000 }] })
  })

  test("safety stock is not promised, except to a request that says it was sold already", async () => {
    const sku = await stocked({ dc: 3_000 })
    await policies.setPolicy(sku, { allowBackorder: false, backorderLimitMilli: 0, safetyStockMilli: 2_000 })
    const ask = (name: string, milli: number, usesSafetyStock: boolean) =>
      reservations.reserve(request(`safety-${sku}-${name}`, [{ sku, milli }], { usesSafetyStock }))
    expect(await ask("a", 2_000, false)).toMatchObject({ granted: false, short: [{ missingMilli: 1_000 }] })
    expect(await ask("b", 2_000, true)).toMatchObject({ granted: true })
    expect(await ask("c", 1_000, false)).toMatchObject({ granted: false })
    expect(await ask("d", 2_000, true)).toMatchObject({ granted: false, short: [{ missingMilli: 1_000 }] })
  })

  test("promises exceed what is there only as far as the backorder policy says", async () => {
    const sku = await stocked({ dc: 1_000 })
    await policies.setPolicy(sku, { allowBackorder: true, backorderLimitMilli: 2_000, safetyStockMilli: 0 })
    const results = await reservations.reserveMany(
      [0, 1, 2, 3].map((index) => request(`back-${sku}-${index}`, [{ sku, milli: 1_000 }])),
    )
    expect(results.map((result) => result.granted)).toEqual([true, true, true, false])
    await policies.setPolicy(sku, { allowBackorder: false, backorderLimitMilli: 0, safetyStockMilli: 0 })
    expect(await reservations.release(`back-${sku}-0`, "test")).toMatchObject({ releasedMilli: 1_000 })
    expect(await reservations.reserve(request(`back-${sku}-4`, [{ sku, milli: 1_000 }]))).toMatchObject({
      granted: false,
    })
  })

  test("a location outside the pool serves only those who name it", async () => {
    const sku = await stocked({ dc: 1_000, quarantine: 5_000 })
    await policies.setPooled("quarantine", false)
    expect(await pool(sku)).toMatchObject({ onHand: 1_000 })
    expect(await reservations.reserve(request(`pool-${sku}`, [{ sku, milli: 2_000 }]))).toMatchObject({
      granted: false,
    })
    const named = request(`named-${sku}`, [{ sku, locationId: "quarantine", milli: 2_000 }])
    expect(await reservations.reserve(named)).toMatchObject({ granted: true })
    expect(await pool(sku)).toEqual({ onHand: 1_000, reserved: 0, promise: 1_000 })
    await policies.setPooled("quarantine", true)
    expect(await pool(sku)).toEqual({ onHand: 6_000, reserved: 2_000, promise: 4_000 })
    expect(await ledger.rebuild({ sku, dryRun: true, reason: "check" })).toEqual([])
  })
})

describe("keys", () => {
  test("the same key is one reservation, in one batch and later, and asks for the same thing or is refused", async () => {
    const sku = await stocked({ dc: 3_000 })
    const ask = request(`key-${sku}`, [{ sku, milli: 1_000 }])
    const twice = await reservations.reserveMany([ask, ask, { ...ask, owner: "somebody else" }])
    expect(twice).toMatchObject([
      { granted: true, duplicate: false },
      { granted: true, duplicate: true },
      { granted: false, conflict: "RESERVATION_KEY_REUSED" },
    ])
    expect(await reservations.reserve(ask)).toMatchObject({ granted: true, duplicate: true })
    const other = request(ask.key, [{ sku, milli: 2_000 }])
    await expect(reservations.reserve(other)).rejects.toMatchObject({ code: "RESERVATION_KEY_REUSED" })
    expect(await pool(sku)).toMatchObject({ reserved: 1_000 })
  })

  test("a refused key may ask again and is decided anew", async () => {
    const sku = await stocked({ dc: 500 })
    const ask = request(`again-${sku}`, [{ sku, milli: 1_000 }])
    expect(await reservations.reserve(ask)).toMatchObject({ granted: false })
    await ledger.applyMovements([{ fact: `more-${sku}`, kind: "receipt", sku, locationId: "dc", milli: 500 }])
    expect(await reservations.reserve(ask)).toMatchObject({ granted: true, duplicate: false })
  })

  test("a reservation that arrives after its release holds nothing", async () => {
    const sku = await stocked({ dc: 1_000 })
    expect(await reservations.release(`late-${sku}`, "undo")).toEqual({ outcome: "unknown", releasedMilli: 0 })
    const late = await reservations.reserve(request(`late-${sku}`, [{ sku, milli: 1_000 }]))
    expect(late).toMatchObject({ granted: false, ended: "released" })
    expect(await pool(sku)).toMatchObject({ reserved: 0 })
  })

  test("the same keys from several processes at once are granted once each", async () => {
    const sku = await stocked({ dc: 40_000 })
    const processes = Array.from({ length: 4 }, () => createReservations(database.sql))
    const answers = await Promise.all(
      processes.flatMap((process, index) =>
        Array.from({ length: 60 }, (_, n) =>
          process.reserve(request(`many-${sku}-${index % 2 === 0 ? n : 59 - n}`, [{ sku, milli: 1_000 }])),
        ),
      ),
    )
    const fresh = answers.filter((answer) => answer.granted && !answer.duplicate)
    expect(fresh).toHaveLength(40)
    expect(await pool(sku)).toEqual({ onHand: 40_000, reserved: 40_000, promise: 0 })
  })

  test("processes that race for the last units in many rounds never grant one twice", async () => {
    const processes = Array.from({ length: 4 }, () => createReservations(database.sql))
    // All connections are opened first, otherwise the rounds would queue behind one of them.
    await Promise.all(processes.map(() => database.sql`select pg_sleep(0.2)`))
    for (let round = 0; round < 40; round++) {
      const sku = await stocked({ dc: 3_000 })
      const answers = await Promise.all(
        processes.map((process, n) => process.reserve(request(`round-${sku}-${n}`, [{ sku, milli: 1_000 }]))),
      )
      expect(answers.filter((answer) => answer.granted)).toHaveLength(3)
      expect(await pool(sku)).toEqual({ onHand: 3_000, reserved: 3_000, promise: 0 })
    }
  })

  test("several processes that want many SKUs in different orders all finish and oversell none", async () => {
    const skus = await Promise.all(["x", "y", "z"].map(() => stocked({ dc: 20_000, shop: 10_000 })))
    const processes = Array.from({ length: 4 }, () => createReservations(database.sql))
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => {
        const turned = [...skus.slice(n % 3), ...skus.slice(0, n % 3)]
        const process = processes[n % 4]
        return process?.reserve(
          request(
            `cross-${skus[0]}-${n}`,
            turned.map((sku) => ({ sku, milli: 1_000 })),
          ),
        )
      }),
    )
    expect(answers.filter((answer) => answer?.granted)).toHaveLength(30)
    for (const sku of skus) expect(await pool(sku)).toEqual({ onHand: 30_000, reserved: 30_000, promise: 0 })
  })
})

describe("giving back", () => {
  test("release after a partial shipment gives back only the rest, once", async () => {
    const sku = await stocked({ dc: 5_000 })
    const key = `partial-${sku}`
    await reservations.reserve(request(key, [{ sku, milli: 3_000 }]))
    await reservations.consume(key, [{ sku, locationId: "dc", milli: 1_000 }], `ship-${sku}`)
    expect(await reservations.release(key, "cancelled")).toEqual({ outcome: "released", releasedMilli: 2_000 })
    expect(await reservations.release(key, "cancelled")).toMatchObject({
      outcome: "ended",
      state: "consumed",
      releasedMilli: 0,
    })
    expect(await pool(sku)).toEqual({ onHand: 4_000, reserved: 0, promise: 4_000 })
  })

  test("expiry ends soft holds in time and never one that was confirmed or allocated", async () => {
    const sku = await stocked({ dc: 4_000 })
    const past = instant(systemClock.now() - 1_000)
    const future = instant(systemClock.now() + 3_600_000)
    const soft = (name: string, expiresAt: string): ReserveRequest =>
      request(`${name}-${sku}`, [{ sku, milli: 1_000 }], { kind: "soft", expiresAt })
    await reservations.reserveMany([soft("due", past), soft("sure", past), soft("placed", past), soft("early", future)])
    await reservations.confirm(`sure-${sku}`)
    await reservations.allocate(`placed-${sku}`, [{ sku, locationId: "dc", milli: 1_000 }])
    expect(await reservations.expireDue(100)).toEqual([`due-${sku}`])
    expect(await reservations.expireDue(100)).toEqual([])
    expect(await pool(sku)).toMatchObject({ reserved: 3_000 })
    expect(await reservations.reserve(soft("due", past))).toMatchObject({ granted: false, ended: "expired" })
    expect(await reservations.confirm(`due-${sku}`)).toEqual({ outcome: "ended", state: "expired" })
  })

  test("release races with shipment: every unit is either shipped or given back", async () => {
    const sku = await stocked({ dc: 50_000 })
    const processes = [createReservations(database.sql), createReservations(database.sql)]
    const keys = Array.from({ length: 50 }, (_, n) => `race-${sku}-${n}`)
    await reservations.reserveMany(keys.map((key) => request(key, [{ sku, milli: 1_000 }])))
    const answers = await Promise.all(
      keys.map((key) =>
        Promise.all([
          processes[0]?.release(key, "cancelled"),
          processes[1]?.consume(key, [{ sku, locationId: "dc", milli: 1_000 }], `ship-${key}`),
        ]),
      ),
    )
    for (const [released, shipped] of answers) expect(released?.releasedMilli).toBe(shipped?.unreservedMilli)
    expect(await pool(sku)).toMatchObject({ onHand: 0, reserved: 0 })
    expect(await ledger.rebuild({ sku, dryRun: true, reason: "check" })).toEqual([])
  })
})

describe("one bad change among others", () => {
  test("that is not valid names every problem and never reaches the batch", async () => {
    const sku = await stocked({ dc: 2_000 })
    const key = `valid-${sku}`
    await reservations.reserve(request(key, [{ sku, milli: 1_000 }]))
    const bad = [
      { sku: "", locationId: "dc", milli: 1_000 },
      { sku, locationId: "d\u001fc", milli: 0.5 },
    ]
    const [good, refused] = await Promise.allSettled([
      reservations.allocate(key, [{ sku, locationId: "dc", milli: 1_000 }]),
      reservations.consume(key, bad, { fact: "", occurredAt: "yesterday" }),
    ])
    expect(good).toMatchObject({ status: "fulfilled", value: { outcome: "allocated" } })
    expect(refused).toMatchObject({
      reason: {
        code: "REQUEST_INVALID",
        problems: [
          { pointer: "/fact" },
          { pointer: "/lines/0/sku" },
          { pointer: "/lines/1/locationId" },
          { pointer: "/lines/1/milli" },
          { pointer: "/occurredAt" },
        ],
      },
    })
  })

  test("that the database refuses is refused alone; the others are done once", async () => {
    const sku = await stocked({ dc: 9_000 })
    const keys = Array.from({ length: 9 }, (_, n) => `beside-${sku}-${n}`)
    await reservations.reserveMany(keys.map((key) => request(key, [{ sku, milli: 1_000 }])))
    // An index entry of PostgreSQL has at most 2,704 bytes.
    const tooLong = Array.from({ length: 4_000 }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000))).join(
      "",
    )
    const answers = await Promise.allSettled([
      ...keys.slice(0, 4).map((key) => reservations.release(key, "test")),
      reservations.release(tooLong, "test"),
      ...keys.slice(4).map((key) => reservations.release(key, "test")),
    ])
    expect(answers.filter(({ status }) => status === "rejected")).toHaveLength(1)
    for (const [index, answer] of answers.entries())
      if (index !== 4) expect(answer).toMatchObject({ value: { outcome: "released", releasedMilli: 1_000 } })
    expect(await pool(sku)).toMatchObject({ reserved: 0 })
  })
})

// Overselling bugs of a comparable product, by their issue numbers in github.com/medusajs/medusa.
describe("oversell bugs seen elsewhere", () => {
  test("#16569: concurrent direct reservations of the last unit grant one and lose no update", async () => {
    const sku = await stocked({ dc: 1_000 })
    const ask = (n: number) =>
      database.sql`select * from stock_reserve(array[${`direct-${sku}-${n}`}], array['o'], array['']::text[], array['hard'],
        array[null]::timestamptz[], array[gen_random_uuid()], array[true], array[1], array[${sku}], array['dc'], array[1000]::bigint[], null, true, true)`
    const answers = await Promise.all([1, 2, 3, 4].map(ask))
    expect(answers.filter((rows) => rows.length === 0)).toHaveLength(1)
    expect(await pool(sku)).toEqual({ onHand: 1_000, reserved: 1_000, promise: 0 })
  })

  test("#16502: two lines of one request for the same stock are judged together", async () => {
    const sku = await stocked({ dc: 3_000 })
    const lines = [
      { lineId: "bundle", sku, locationId: "dc", milli: 2_000 },
      { lineId: "single", sku, locationId: "dc", milli: 2_000 },
    ]
    expect(await reservations.reserve(request(`bundle-${sku}`, lines))).toMatchObject({ granted: false })
    const mixed = [
      { sku, milli: 2_000 },
      { sku, locationId: "dc", milli: 2_000 },
    ]
    expect(await reservations.reserve(request(`mixed-${sku}`, mixed))).toMatchObject({ granted: false })
    expect(await pool(sku)).toMatchObject({ reserved: 0 })
  })

  test("#16825: a request with one impossible line leaves nothing reserved for its siblings", async () => {
    const [plenty, last] = [await stocked({ dc: 9_000 }), await stocked({ dc: 1_000 })]
    const lines = [
      { sku: plenty, milli: 1_000 },
      { sku: last, milli: 1_000 },
    ]
    const results = await reservations.reserveMany([
      request(`order-1-${last}`, lines),
      request(`order-2-${last}`, lines),
    ])
    expect(results.map((result) => result.granted)).toEqual([true, false])
    expect(await pool(plenty)).toMatchObject({ reserved: 1_000 })
    expect(await reservations.find(`order-2-${last}`)).toBeUndefined()
  })

  test("#16406: releasing after everything shipped brings nothing back", async () => {
    const sku = await stocked({ dc: 1_000 })
    const key = `shipped-${sku}`
    await reservations.reserve(request(key, [{ sku, milli: 1_000 }]))
    await reservations.consume(key, [{ sku, locationId: "dc", milli: 1_000 }], `ship-${sku}`)
    expect(await reservations.release(key, "undo")).toMatchObject({ outcome: "ended", releasedMilli: 0 })
    expect(await pool(sku)).toEqual({ onHand: 0, reserved: 0, promise: 0 })
  })
})
