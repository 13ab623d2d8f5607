import { randomUUID } from "node:crypto"
import * as fc from "fast-check"
import { afterAll, beforeAll, expect, test } from "vitest"
import { inTransaction } from "../../../src/base/sql.ts"
import { systemClock } from "../../../src/base/time.ts"
import type { FieldChange } from "../../../src/canonical/catalogue/field-change.ts"
import { writeProducts } from "../../../src/catalogue/writes/product-writes.ts"
import type { Writing } from "../../../src/catalogue/writes/writing.ts"
import { own } from "../../../src/governance/ownership/own.ts"
import { createAvailability } from "../../../src/stock/availability.ts"
import { heldBack } from "../../../src/stock/demand/held-back.ts"
import { refusingMadeOfParts } from "../../../src/stock/parts/no-own-stock.ts"
import { takeApart } from "../../../src/stock/parts/read-parts.ts"
import { createStockPolicies } from "../../../src/stock/policies.ts"
import { createReservations } from "../../../src/stock/reservations.ts"
import { createStockLedger } from "../../../src/stock/stock-ledger.ts"
import { takeStockChanges, watchStock } from "../../../src/stock/views/changed.ts"
import { freshDatabase, type FreshDatabase } from "../../fixtures/database.ts"

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database?.drop())

const writing = (): Writing => ({
  sql: database.sql,
  clock: systemClock,
  rules: [own("product.*", {}, { owner: "pim" })],
  policy: "test",
  policies: {},
  append: async () => undefined,
})

const write = (rows: { sku: string; changes: FieldChange[] }[]) =>
  writeProducts(writing(), rows, { author: { name: "pim" } })

const title = (sku: string) => ({ sku, changes: [{ field: "title", set: sku } satisfies FieldChange] })

function kit(sku: string, components: Record<string, number>, stock: "derived" | "own" = "derived") {
  const set = { stock, components: Object.entries(components).map(([part, milli]) => ({ sku: part, milli })) }
  return { sku, changes: [{ field: "kit", set } satisfies FieldChange] }
}

const cans = (base: string, cased: string, milli = 24_000) => ({
  sku: base,
  changes: [
    {
      field: "units",
      set: { base: "ea", sales: [{ unit: "case", baseMilli: milli, sku: cased }] },
    } satisfies FieldChange,
  ],
})

let facts = 0
async function receive(sku: string, pieces: number, locationId = "dc") {
  facts += 1
  const [result] = await refusingMadeOfParts(createStockLedger(database.sql), database.sql).applyMovements([
    { kind: pieces < 0 ? "adjustment" : "receipt", fact: `kits:${facts}`, sku, locationId, milli: pieces * 1000 },
  ])
  return result
}

async function promised(sku: string, locationId?: string) {
  const [answer] = await createAvailability(database.sql).query([{ sku, ...(locationId ? { locationId } : {}) }])
  return answer
}
const pieces = async (sku: string, locationId?: string) =>
  ((await promised(sku, locationId))?.availableToPromiseMilli ?? 0) / 1000

test("PUBLISHING 3: can and case share one pool, a case is rounded down, and each falls by what the other sells", async () => {
  expect(await write([title("CAN"), cans("CAN", "CAN-24")])).toMatchObject([{}, { outcome: "accepted" }])
  await receive("CAN", 100)
  expect([await pieces("CAN"), await pieces("CAN-24")]).toEqual([100, 4])
  const reservations = createReservations(database.sql)
  const [taken] = await takeApart(database.sql, [[{ sku: "CAN-24", unit: "ea" }]])
  expect(taken?.made).toEqual([{ sku: "CAN-24", unit: "ea", parts: [{ sku: "CAN", milli: 24_000, unit: "ea" }] }])
  const lines = [{ sku: "CAN", milli: 48_000 }]
  await reservations.reserve({ key: "two-cases", owner: "o", kind: "hard", lines })
  expect([await pieces("CAN"), await pieces("CAN-24")]).toEqual([52, 2])
  await reservations.reserve({ key: "can", owner: "o", kind: "hard", lines: [{ sku: "CAN", milli: 5_000 }] })
  expect([await pieces("CAN"), await pieces("CAN-24")]).toEqual([47, 1])
  await reservations.release("two-cases", "test")
  expect(await promised("CAN-24")).toMatchObject({
    availableToPromiseMilli: 3000,
    isKnown: true,
    madeOf: { limitedBy: "CAN", parts: [{ sku: "CAN", milli: 24_000, availableToPromiseMilli: 95_000 }] },
  })
})

test("a line in a sales unit of the same SKU is so many of the base unit; a unit that nobody declared is named with those there are", async () => {
  await write([cans("CAN", "CAN-24")])
  expect(
    await takeApart(database.sql, [
      [
        { sku: "CAN", unit: "case" },
        { sku: "CAN", unit: "ea" },
      ],
      [{ sku: "CAN", unit: "ea" }],
      [
        { sku: "CAN", unit: "pallet" },
        { sku: "NOBODY", unit: "crate" },
        { sku: "NOBODY", unit: "kg" },
      ],
    ]),
  ).toEqual([
    { made: [{ sku: "CAN", unit: "case", parts: [{ sku: "CAN", milli: 24_000, unit: "ea" }] }], unknownUnits: [] },
    { made: [], unknownUnits: [] },
    {
      made: [],
      unknownUnits: [
        { sku: "CAN", unit: "pallet", units: ["ea", "case"] },
        { sku: "NOBODY", unit: "crate", units: [] },
      ],
    },
  ])
})

test("a kit's promise is that of its scarcest component, at a place and in the pool, and it says which", async () => {
  await write([title("CUP"), title("TEA"), kit("SET", { CUP: 2000, TEA: 1000 })])
  await receive("CUP", 11)
  await receive("TEA", 9)
  expect(await promised("SET")).toMatchObject({
    availableToPromiseMilli: 5000,
    onHandMilli: 5500,
    madeOf: { limitedBy: "CUP", apartMilli: 0 },
  })
  expect(await pieces("SET", "dc")).toBe(5)
  expect(await pieces("SET", "elsewhere")).toBe(0)
})

test("a kit leaves from one place: what lies apart is not promised, and the answer says how much", async () => {
  await write([title("LEFT"), title("RIGHT"), kit("PAIR", { LEFT: 1000, RIGHT: 1000 })])
  await receive("LEFT", 5, "dc")
  await receive("LEFT", 1, "store")
  await receive("RIGHT", 2, "dc")
  await receive("RIGHT", 6, "store")
  expect(await promised("PAIR")).toMatchObject({
    availableToPromiseMilli: 3000,
    madeOf: { limitedBy: "LEFT", apartMilli: 3000 },
  })
  // It can be taken from where no pair needs it.
  await createReservations(database.sql).reserve({
    key: "left-somewhere",
    owner: "o",
    kind: "hard",
    lines: [{ sku: "LEFT", milli: 1000 }],
  })
  expect(await pieces("PAIR")).toBe(3)
  // A backorder comes in where it is needed.
  await createStockPolicies(database.sql).setPolicy("LEFT", {
    allowBackorder: true,
    backorderLimitMilli: 100_000,
    safetyStockMilli: 0,
  })
  expect(await pieces("PAIR")).toBe(8)
})

test("a kit with stock of its own is counted by itself; when it becomes a derived one its own shelf must be empty", async () => {
  await write([title("A1"), title("A2"), kit("BOXED", { A1: 1000, A2: 1000 }, "own")])
  await receive("BOXED", 3)
  await receive("A1", 50)
  await receive("A2", 50)
  expect(await pieces("BOXED")).toBe(3)
  const [refused] = await write([kit("BOXED", { A1: 1000, A2: 1000 })])
  expect(refused).toMatchObject({ outcome: "refused", problems: [{ pointer: "/kit/set/stock" }] })
  expect(refused?.why).toContain("up to 3 lie or are reserved at a place")
  await receive("BOXED", -3)
  await write([kit("BOXED", { A1: 1000, A2: 1000 })])
  expect(await pieces("BOXED")).toBe(50)
  expect(await receive("BOXED", 1)).toMatchObject({
    applied: false,
    problems: [{ pointer: "/sku", message: expect.stringContaining("Book 1 × A1 and 1 × A2 instead") }],
  })
  expect(await pieces("BOXED")).toBe(50)
})

test("when a component moves, every kit and case over it is looked at, kits of kits too, and nothing else", async () => {
  await write([
    title("BOLT"),
    title("NUT"),
    cans("BOLT", "BOLT-10", 10_000),
    kit("PACK", { BOLT: 2000, NUT: 2000 }),
    kit("PALLET", { PACK: 10_000, NUT: 1000 }),
    kit("OTHER", { CUP: 1000 }),
  ])
  await watchStock(database.sql, "test")
  const take = (most: number) => inTransaction(database.sql, (tx) => takeStockChanges(tx, most))
  while ((await take(1000)).length > 0);
  await receive("BOLT", 200)
  expect((await take(1000)).map(({ sku }) => sku).sort()).toEqual(["BOLT", "BOLT-10", "PACK", "PALLET"])
  await receive("NUT", 30)
  const names = new Set<string>()
  for (let batch = await take(1); batch.length > 0; batch = await take(1)) {
    expect(batch.length).toBeLessThanOrEqual(2)
    for (const { sku } of batch) names.add(sku)
  }
  expect([...names].sort()).toEqual(["NUT", "PACK", "PALLET"])
  expect([await pieces("PACK"), await pieces("PALLET"), await pieces("BOLT-10")]).toEqual([15, 1, 20])
  // What the catalogue says of a kit changes what is shown of it.
  await write([kit("PACK", { BOLT: 1000, NUT: 2000 })])
  expect((await take(1000)).map(({ sku }) => sku).sort()).toEqual(["PACK", "PALLET"])
})

test("a reservation of a kit holds its parts, and a repeat after the kit changed is the same reservation", async () => {
  await write([title("PEN"), title("INK"), kit("WRITE", { PEN: 1000, INK: 3000 })])
  await receive("PEN", 4)
  await receive("INK", 20)
  const held = heldBack(createAvailability(database.sql), systemClock)
  const reservations = createReservations(database.sql)
  const asked = [{ sku: "WRITE", milli: 2000 }]
  const request = async () => ({
    key: "cart",
    owner: "c",
    kind: "hard" as const,
    asked,
    ...(await held(asked, undefined)),
  })
  expect(await reservations.reserve(await request())).toMatchObject({ granted: true, duplicate: false })
  expect([await pieces("PEN"), await pieces("INK"), await pieces("WRITE")]).toEqual([2, 14, 2])
  await write([kit("WRITE", { PEN: 2000 })])
  const later = heldBack(createAvailability(database.sql), systemClock)
  expect(await reservations.reserve({ ...(await request()), ...(await later(asked, undefined)) })).toMatchObject({
    granted: true,
    duplicate: true,
  })
  await reservations.release("cart", "test")
  expect([await pieces("PEN"), await pieces("INK")]).toEqual([4, 20])
})

test("kits, cases and single pieces compete for few goods from many sides at once: nothing is sold twice, nothing stays reserved", async () => {
  const written = await write([
    title("X"),
    title("Y"),
    cans("X", "X-6", 6000),
    kit("XY", { X: 1000, Y: 2000 }),
    kit("XYX", { XY: 1000, "X-6": 1000 }),
  ])
  expect(written.filter(({ outcome }) => outcome === "refused")).toEqual([])
  const articles = ["X", "Y", "X-6", "XY", "XYX"]
  const parts: Record<string, Record<string, number>> = {
    X: { X: 1 },
    Y: { Y: 1 },
    "X-6": { X: 6 },
    XY: { X: 1, Y: 2 },
    XYX: { X: 7, Y: 2 },
  }
  // Not of an earlier try.
  const keys = randomUUID()
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.record({ x: fc.integer({ min: 0, max: 60 }), y: fc.integer({ min: 0, max: 30 }) }),
      fc.array(
        fc.record({ of: fc.constantFrom(...articles), count: fc.integer({ min: 1, max: 3 }), ends: fc.boolean() }),
        {
          minLength: 20,
          maxLength: 60,
        },
      ),
      async (stock, orders) => {
        run += 1
        const before = { X: await pieces("X"), Y: await pieces("Y") }
        const change = { X: stock.x - before.X, Y: stock.y - before.Y }
        for (const [sku, by] of Object.entries(change)) if (by !== 0) await receive(sku, by)
        // Two processes, each with batches of its own.
        const sides = [createReservations(database.sql), createReservations(database.sql)]
        const held = heldBack(createAvailability(database.sql), systemClock)
        const answers = await Promise.all(
          orders.map(async ({ of, count }, n) => {
            const lines = [{ sku: of, milli: count * 1000 }]
            return sides[n % 2]?.reserve({
              key: `${keys}-${run}-${n}`,
              owner: `o${n}`,
              kind: "hard",
              asked: lines,
              ...(await held(lines, undefined)),
            })
          }),
        )
        const sold = (part: string) =>
          orders.reduce(
            (sum, { of, count }, n) => sum + (answers[n]?.granted ? count * (parts[of]?.[part] ?? 0) : 0),
            0,
          )
        expect(sold("X")).toBeLessThanOrEqual(stock.x)
        expect(sold("Y")).toBeLessThanOrEqual(stock.y)
        expect([await pieces("X"), await pieces("Y")]).toEqual([stock.x - sold("X"), stock.y - sold("Y")])
        for (const article of articles) {
          const left = { X: stock.x - sold("X"), Y: stock.y - sold("Y") }
          const enough = Object.entries(parts[article] ?? {}).map(([part, each]) =>
            Math.floor(left[part as "X" | "Y"] / each),
          )
          expect(await pieces(article)).toBe(Math.min(...enough))
        }
        await Promise.all(orders.map((_, n) => sides[(n + 1) % 2]?.release(`${keys}-${run}-${n}`, "cancelled")))
        expect([await pieces("X"), await pieces("Y")]).toEqual([stock.x, stock.y])
        const [left] = await database.sql<{ count: number }[]>`
          select count(*) as count from stock_reservation_lines where held_milli > 0 and sku in ('X', 'Y', 'X-6', 'XY', 'XYX')`
        expect(left?.count).toBe(0)
      },
    ),
    { numRuns: 12, endOnFailure: true },
  )
})
