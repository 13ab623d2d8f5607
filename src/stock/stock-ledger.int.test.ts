import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { freshDatabase } from "../../test/fixtures/database.ts"
import { instant } from "../base/time.ts"
import { createAvailability, openParcelsByLocation, type AvailabilityReader } from "./availability.ts"
import { createStockPolicies } from "./policies.ts"
import { createReservations, type Reservations } from "./reservations.ts"
import { createStockLedger, type StockLedger, type StockMovement } from "./stock-ledger.ts"

let database: Awaited<ReturnType<typeof freshDatabase>>
let ledger: StockLedger
let reservations: Reservations
let availability: AvailabilityReader

beforeAll(async () => {
  database = await freshDatabase()
  ledger = createStockLedger(database.sql)
  reservations = createReservations(database.sql)
  availability = createAvailability(database.sql)
})
afterAll(() => database.drop())

const at = (minute: number): string => instant(Date.UTC(2026, 0, 1, 10, minute))

async function receive(sku: string, milli: number): Promise<void> {
  const receipt = { fact: `receipt:${sku}`, kind: "receipt" as const, sku, locationId: "dc", milli, occurredAt: at(0) }
  await ledger.applyMovements([receipt])
}

function count(
  sku: string,
  countedMilli: number,
  more: Partial<StockMovement & { kind: "count" }> = {},
): StockMovement {
  return {
    fact: `count:${sku}:${countedMilli}:${more.countedAt ?? at(30)}`,
    kind: "count",
    sku,
    locationId: "dc",
    countedMilli,
    countedAt: at(30),
    includesReservations: "none",
    ...more,
  }
}

async function sellable(sku: string): Promise<number | undefined> {
  const [answer] = await availability.query([{ sku, locationId: "dc" }])
  return answer?.availableToPromiseMilli
}

async function ordered(sku: string, key: string): Promise<void> {
  await reservations.reserve({ key, owner: key, kind: "hard", lines: [{ sku, locationId: "dc", milli: 3_000 }] })
}

async function ship(sku: string, key: string, minute: number): Promise<void> {
  const shipment = { fact: `ship:${key}`, occurredAt: at(minute) }
  await reservations.consume(key, [{ sku, locationId: "dc", milli: 3_000 }], shipment)
}

describe("a count that had deducted reservations already", () => {
  test("order, reduced push, ship, next push: sellable is 7 at every step after the order", async () => {
    const sku = "p12"
    await receive(sku, 10_000)
    expect(await sellable(sku)).toBe(10_000)
    await ordered(sku, "p12-order")
    expect(await sellable(sku)).toBe(7_000)
    const reduced = count(sku, 7_000, { includesReservations: ["p12-order"] })
    expect(await ledger.applyMovements([reduced])).toMatchObject([{ onHandMilli: 10_000, reservedMilli: 3_000 }])
    expect(await sellable(sku)).toBe(7_000)
    await ship(sku, "p12-order", 40)
    expect(await sellable(sku)).toBe(7_000)
    await ledger.applyMovements([count(sku, 7_000, { countedAt: at(50), includesReservations: ["p12-order"] })])
    expect(await sellable(sku)).toBe(7_000)
    expect(await ledger.rebuild({ sku, dryRun: true, reason: "check" })).toEqual([])
  })

  test("a push that had not deducted the order leaves sellable at 7 as well", async () => {
    const sku = "p12-none"
    await receive(sku, 10_000)
    await ordered(sku, "p12-none-order")
    await ledger.applyMovements([count(sku, 10_000)])
    expect(await sellable(sku)).toBe(7_000)
    await ship(sku, "p12-none-order", 40)
    expect(await sellable(sku)).toBe(7_000)
  })

  test("a reduced push that arrives after the shipment it was made before deducts nothing twice", async () => {
    const sku = "p12-late-push"
    await receive(sku, 10_000)
    await ordered(sku, "late-push-order")
    await ship(sku, "late-push-order", 40)
    await ledger.applyMovements([count(sku, 7_000, { includesReservations: ["late-push-order"] })])
    expect(await sellable(sku)).toBe(7_000)
  })

  test("a shipment reported late, made before the push, is deducted once whether or not the push included it", async () => {
    for (const [sku, countedMilli, includes] of [
      ["late-ship-in", 7_000, ["late-ship-in-order"]],
      ["late-ship-out", 7_000, "none"],
    ] as const) {
      await receive(sku, 10_000)
      await ordered(sku, `${sku}-order`)
      await ledger.applyMovements([count(sku, countedMilli, { includesReservations: includes })])
      await ship(sku, `${sku}-order`, 20)
      expect(await sellable(sku)).toBe(7_000)
    }
  })

  test("an order cancelled here after the push included it is sellable again", async () => {
    const sku = "p12-cancel"
    await receive(sku, 10_000)
    await ordered(sku, "cancel-order")
    await ledger.applyMovements([count(sku, 7_000, { includesReservations: ["cancel-order"] })])
    await reservations.release("cancel-order", "customer")
    expect(await sellable(sku)).toBe(10_000)
  })

  test('"all" includes what was reserved before the count and nothing after it', async () => {
    const sku = "p12-all"
    await receive(sku, 10_000)
    await ordered(sku, "all-before")
    const [row] = await database.sql<{ now: Date }[]>`select clock_timestamp() as now`
    const countedAt = instant((row?.now.getTime() ?? 0) + 1)
    await new Promise((resolve) => setTimeout(resolve, 10))
    await ordered(sku, "all-after")
    await ledger.applyMovements([count(sku, 7_000, { countedAt, includesReservations: "all" })])
    expect(await sellable(sku)).toBe(4_000)
  })

  test("an order still in the pool is added back at one place only", async () => {
    const sku = "p12-pool"
    await receive(sku, 10_000)
    await ledger.applyMovements([
      { fact: "p12-pool-shop", kind: "receipt", sku, locationId: "shop", milli: 5_000, occurredAt: at(0) },
    ])
    await reservations.reserve({ key: "pool-order", owner: "o", kind: "hard", lines: [{ sku, milli: 3_000 }] })
    await ledger.applyMovements([
      count(sku, 7_000, { includesReservations: ["pool-order"] }),
      count(sku, 5_000, {
        fact: "p12-pool-shop-count",
        locationId: "shop",
        includesReservations: ["pool-order"],
        countedAt: at(59),
      }),
    ])
    const [pool] = await availability.query([{ sku }])
    expect(pool).toMatchObject({ onHandMilli: 15_000, reservedMilli: 3_000 })
  })
})

describe("facts", () => {
  test("a fact told twice is booked once, and one told differently is a conflict", async () => {
    const receipt: StockMovement = { fact: "grn-1", kind: "receipt", sku: "twice", locationId: "dc", milli: 1_000 }
    const answers = await ledger.applyMovements([receipt, receipt, { ...receipt, milli: 2_000 }])
    expect(answers).toMatchObject([
      { applied: true, onHandMilli: 1_000 },
      { applied: false, duplicate: true },
      { applied: false, conflict: "IDEMPOTENCY_KEY_REUSED" },
    ])
  })

  test("concurrent tellings of one fact book it once", async () => {
    const receipt: StockMovement = { fact: "grn-2", kind: "receipt", sku: "raced", locationId: "dc", milli: 1_000 }
    const answers = await Promise.all(Array.from({ length: 8 }, () => ledger.applyMovements([receipt])))
    expect(answers.flat().filter((answer) => answer.applied)).toHaveLength(1)
  })

  test("a sale that happened is booked although the books had none, and says by how much they are wrong", async () => {
    await receive("oversold", 1_000)
    const sale: StockMovement = { fact: "till-1", kind: "sale", sku: "oversold", locationId: "dc", milli: 3_000 }
    expect(await ledger.applyMovements([sale])).toMatchObject([{ onHandMilli: -2_000, overdrawnMilli: 2_000 }])
    expect(await sellable("oversold")).toBe(0)
  })

  test("what happened between a count and its arrival is kept on top of it", async () => {
    await receive("meanwhile", 10_000)
    const sale: StockMovement = { fact: "till-2", kind: "sale", sku: "meanwhile", locationId: "dc", milli: 2_000 }
    await ledger.applyMovements([{ ...sale, occurredAt: at(40) }])
    const [counted] = await ledger.applyMovements([count("meanwhile", 9_000)])
    expect(counted).toMatchObject({ onHandMilli: 7_000, deltaMilli: -1_000 })
  })

  test("an older count that arrives after a newer one changes nothing", async () => {
    await receive("older", 1_000)
    const [newer, older] = await ledger.applyMovements([
      count("older", 8_000),
      count("older", 3_000, { countedAt: at(10) }),
    ])
    expect(newer).toMatchObject({ onHandMilli: 8_000, superseded: false })
    expect(older).toMatchObject({ onHandMilli: 8_000, deltaMilli: 0, superseded: true })
  })

  test("a count that leaves less than is reserved says how much is short and keeps further promises at zero", async () => {
    await receive("short", 5_000)
    await ordered("short", "short-order")
    expect(await ledger.applyMovements([count("short", 1_000)])).toMatchObject([{ shortMilli: 2_000 }])
    expect(await sellable("short")).toBe(0)
    const more = await reservations.reserve({
      key: "short-2",
      owner: "o",
      kind: "hard",
      lines: [{ sku: "short", milli: 1 }],
    })
    expect(more).toMatchObject({ granted: false, short: [{ missingMilli: 1 }] })
    expect(await reservations.release("short-order", "cancelled")).toMatchObject({ releasedMilli: 3_000 })
    expect(await sellable("short")).toBe(1_000)
  })

  test("a transfer takes from one place and gives to the other in one step", async () => {
    await receive("moved", 5_000)
    const transfer: StockMovement = {
      fact: "to-1",
      kind: "transfer",
      sku: "moved",
      locationId: "dc",
      toLocationId: "shop",
      milli: 2_000,
    }
    await ledger.applyMovements([transfer])
    const answers = await availability.query([{ sku: "moved" }, { sku: "moved", locationId: "shop" }])
    expect(answers).toMatchObject([{ onHandMilli: 5_000 }, { onHandMilli: 2_000 }])
  })
})

test("a movement whose names cannot travel, or at no moment, is refused and names every problem", async () => {
  const movement: StockMovement = {
    fact: "a\u001fb",
    kind: "receipt",
    sku: "odd",
    locationId: "dc",
    milli: 1_000,
    occurredAt: "soon",
  }
  await expect(ledger.applyMovements([movement])).rejects.toMatchObject({
    code: "REQUEST_INVALID",
    problems: [{ pointer: "/0" }, { pointer: "/0/occurredAt" }],
  })
})

describe("rebuild", () => {
  test("a damaged position is reported, mended and recorded with its reason, and a second run finds nothing", async () => {
    const sku = "damaged"
    await receive(sku, 10_000)
    await ordered(sku, "damaged-order")
    await database.sql`update stock_positions set on_hand_milli = 4000, reserved_milli = 1000 where sku = ${sku}`
    await database.sql`update stock_skus set reserved_milli = 0 where sku = ${sku}`
    const expected = [
      { sku, locationId: "dc", onHandMilli: { was: 4_000, is: 10_000 }, reservedMilli: { was: 1_000, is: 3_000 } },
      { sku, onHandMilli: { was: 10_000, is: 10_000 }, reservedMilli: { was: 0, is: 3_000 } },
    ]
    expect(await ledger.rebuild({ sku, dryRun: true, reason: "look" })).toEqual(expected)
    expect(await ledger.rebuild({ dryRun: false, reason: "restored an old backup" })).toEqual(expected)
    expect(await ledger.rebuild({ dryRun: false, reason: "again" })).toEqual([])
    expect(await sellable(sku)).toBe(7_000)
    const rows = await database.sql`select reason, stated_milli from stock_ledger where kind = 'correction' order by id`
    expect(rows).toMatchObject([
      { reason: "restored an old backup: reserved 1000 -> 3000", stated_milli: 6_000 },
      { reason: "restored an old backup: reserved 0 -> 3000", stated_milli: 0 },
    ])
  })
})

describe("availability", () => {
  test("placing units changes the version of the location and not that of the pool, whose numbers stay", async () => {
    await receive("placed", 5_000)
    await reservations.reserve({ key: "placed-1", owner: "o", kind: "hard", lines: [{ sku: "placed", milli: 1_000 }] })
    const ask = () => availability.query([{ sku: "placed" }, { sku: "placed", locationId: "dc" }])
    const [poolBefore, placeBefore] = await ask()
    await reservations.allocate("placed-1", [{ sku: "placed", locationId: "dc", milli: 1_000 }])
    const [poolAfter, placeAfter] = await ask()
    expect({ ...poolAfter, asOf: "", freshnessAgeMs: 0 }).toEqual({ ...poolBefore, asOf: "", freshnessAgeMs: 0 })
    expect(placeAfter?.reservedMilli).toBe(1_000)
    expect(placeAfter?.version).toBeGreaterThan(placeBefore?.version ?? 0)
  })

  test("a location has as many open parcels as reservations hold units there, however many lines they have", async () => {
    const place = (key: string, skus: readonly string[]) =>
      reservations.reserve({
        key,
        owner: "o",
        kind: "hard",
        lines: skus.map((sku) => ({ sku, locationId: "annex", milli: 1_000 })),
      })
    for (const sku of ["parcel-a", "parcel-b"])
      await ledger.applyMovements([{ fact: `receipt:${sku}`, kind: "receipt", sku, locationId: "annex", milli: 9_000 }])
    await place("parcel-1", ["parcel-a", "parcel-b"])
    await place("parcel-2", ["parcel-a"])
    await reservations.reserve({
      key: "parcel-3",
      owner: "o",
      kind: "hard",
      lines: [{ sku: "parcel-a", milli: 1_000 }],
    })
    expect((await openParcelsByLocation(database.sql)).get("annex")).toBe(2)
    await reservations.consume("parcel-2", [{ sku: "parcel-a", locationId: "annex", milli: 1_000 }], "parcel-2-shipped")
    expect((await openParcelsByLocation(database.sql)).get("annex")).toBe(1)
  })

  test("the widest buffer that applies to channel, location and SKU is held back, and the floor is zero", async () => {
    const policies = createStockPolicies(database.sql)
    await receive("buffered", 5_000)
    await policies.setBuffer({ channel: "market", bufferMilli: 1_000 })
    await policies.setBuffer({ channel: "market", sku: "buffered", bufferMilli: 2_000 })
    await policies.setBuffer({ channel: "kiosk", bufferMilli: 9_000 })
    const answers = await availability.query([
      { sku: "buffered" },
      { sku: "buffered", channel: "market" },
      { sku: "buffered", channel: "kiosk" },
      { sku: "nobody" },
    ])
    expect(answers.map((answer) => answer.availableToPromiseMilli)).toEqual([5_000, 3_000, 0, 0])
    expect(answers.map((answer) => answer.isKnown)).toEqual([true, true, true, false])
  })

  test("age is that of the longest silent location, and hearing from it makes its stock young again", async () => {
    await ledger.applyMovements([
      { fact: "aged-1", kind: "receipt", sku: "aged", locationId: "farm", milli: 1_000, occurredAt: at(0) },
    ])
    const [old] = await availability.query([{ sku: "aged" }])
    expect(old?.freshnessAgeMs).toBeGreaterThan(3_600_000)
    await createStockPolicies(database.sql).noteHeard("farm")
    const [young] = await availability.query([{ sku: "aged" }])
    expect(young?.freshnessAgeMs).toBeLessThan(60_000)
  })
})
