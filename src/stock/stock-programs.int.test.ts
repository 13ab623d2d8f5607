import * as fc from "fast-check"
import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase } from "../../test/fixtures/database.ts"
import { instant } from "../base/time.ts"
import { createAvailability } from "./availability.ts"
import { createReservations, type PlacedLine } from "./reservations.ts"
import type { ReserveRequest } from "./reserve.ts"
import { createStockLedger } from "./stock-ledger.ts"

let database: Awaited<ReturnType<typeof freshDatabase>>
let runCount = 0

beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.drop())

const skuIndex = fc.integer({ min: 0, max: 1 })
const placeIndex = fc.integer({ min: 0, max: 1 })
const milli = fc.integer({ min: 1, max: 8 }).map((count) => count * 500)
const reservationIndex = fc.integer({ min: 0, max: 5 })
const lines = fc.array(fc.record({ sku: skuIndex, place: fc.option(placeIndex), milli }), {
  minLength: 1,
  maxLength: 4,
})
const placed = fc.array(fc.record({ sku: skuIndex, place: placeIndex, milli }), { minLength: 1, maxLength: 3 })

const step = fc.oneof(
  fc.record({ op: fc.constant("receipt" as const), sku: skuIndex, place: placeIndex, milli }),
  fc.record({ op: fc.constant("sale" as const), sku: skuIndex, place: placeIndex, milli, isLate: fc.boolean() }),
  fc.record({ op: fc.constant("vanish" as const), sku: skuIndex, place: placeIndex, milli }),
  fc.record({ op: fc.constant("count" as const), sku: skuIndex, place: placeIndex, named: fc.array(reservationIndex) }),
  fc.record({ op: fc.constant("transfer" as const), sku: skuIndex, place: placeIndex, milli }),
  fc.record({ op: fc.constant("reserve" as const), key: reservationIndex, lines, isSoft: fc.boolean() }),
  fc.record({ op: fc.constant("release" as const), key: reservationIndex }),
  fc.record({ op: fc.constant("allocate" as const), key: reservationIndex, lines: placed }),
  fc.record({ op: fc.constant("ship" as const), key: reservationIndex, isLate: fc.boolean(), twice: fc.boolean() }),
  fc.record({ op: fc.constant("expire" as const) }),
  fc.record({ op: fc.constant("report" as const) }),
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

interface Held {
  state: "held" | "ended"
  isSoft: boolean
  body: string
  /** By SKU and place, "" for the pool. */
  held: Map<string, number>
}

const nameOf = (sku: string, place: string): string => `${sku}@${place}`

/**
 * A model of the world outside the database: the physical stock, the holds of every reservation, and the facts not
 * reported yet. It computes results in the simplest way, and the database must return the same.
 */
class World {
  readonly physical = new Map<string, number>()
  /** Expected books: physical stock plus movements that no count has seen and nobody has reported. */
  readonly booked = new Map<string, number>()
  readonly countedAt = new Map<string, number>()
  readonly reservations = new Map<string, Held>()
  readonly unreported: (() => Promise<void>)[] = []

  reserved(sku: string, place?: string): number {
    let sum = 0
    for (const reservation of this.reservations.values())
      for (const [name, amount] of reservation.held)
        if (place === undefined ? name.startsWith(`${sku}@`) : name === nameOf(sku, place)) sum += amount
    return sum
  }

  onHand(sku: string, place?: string): number {
    let sum = 0
    for (const [name, amount] of this.booked)
      if (place === undefined ? name.startsWith(`${sku}@`) : name === nameOf(sku, place)) sum += amount
    return sum
  }

  fits(wanted: ReserveRequest["lines"]): boolean {
    const need = new Map<string, { sku: string; place: string | undefined; milli: number }>()
    const add = (sku: string, place: string | undefined, amount: number): void => {
      const name = nameOf(sku, place ?? "")
      need.set(name, { sku, place, milli: amount + (need.get(name)?.milli ?? 0) })
    }
    for (const line of wanted) {
      add(line.sku, undefined, line.milli)
      if (line.locationId !== undefined) add(line.sku, line.locationId, line.milli)
    }
    return [...need.values()].every(
      ({ sku, place, milli }) => milli <= this.onHand(sku, place) - this.reserved(sku, place),
    )
  }
}

const bump = (map: Map<string, number>, name: string, amount: number): void =>
  void map.set(name, (map.get(name) ?? 0) + amount)

/** Runs one program on its own SKUs and compares after every step. */
async function runProgram(program: readonly Step[]): Promise<void> {
  const run = `run-${++runCount}`
  const skus = [`${run}-a`, `${run}-b`]
  const places = ["north", "south"]
  const skuOf = (index: number): string => skus[index] ?? run
  const placeOf = (index: number): string => places[index] ?? run
  const ledger = createStockLedger(database.sql)
  const reservations = createReservations(database.sql)
  const availability = createAvailability(database.sql)
  const world = new World()
  let second = 0
  // A clock in the past that advances one second per step, because only the order matters for counts.
  const tick = (): number => Date.UTC(2026, 0, 1) + ++second * 1000
  const later = async (isLate: boolean, report: () => Promise<void>): Promise<void> =>
    isLate ? void world.unreported.push(report) : report()
  const isCovered = (name: string, at: number): boolean => (world.countedAt.get(name) ?? 0) >= at

  const move = async (
    kind: "receipt" | "sale",
    where: { sku: string; place: string; milli: number; isLate: boolean },
  ) => {
    const name = nameOf(where.sku, where.place)
    const signed = kind === "receipt" ? where.milli : -where.milli
    const at = tick()
    const fact = `${run}:${at}`
    bump(world.physical, name, signed)
    await later(where.isLate, async () => {
      const movement = {
        fact,
        kind,
        sku: where.sku,
        locationId: where.place,
        milli: where.milli,
        occurredAt: instant(at),
      }
      const [first] = await ledger.applyMovements([movement])
      expect(first).toMatchObject({ applied: true })
      if (!isCovered(name, at)) bump(world.booked, name, signed)
      expect(await ledger.applyMovements([movement])).toMatchObject([{ duplicate: true }])
    })
  }

  const ship = async (index: number, isLate: boolean, twice: boolean): Promise<void> => {
    const key = `${run}-${index}`
    const reservation = world.reservations.get(key)
    const part = [...(reservation?.held ?? [])].find(([, amount]) => amount > 0)
    if (!reservation || !part || reservation.state === "ended") return
    const sku = part[0].split("@")[0] ?? ""
    const place = part[0].split("@")[1] || "north"
    const amount = part[1]
    const at = tick()
    const name = nameOf(sku, place)
    bump(world.physical, name, -amount)
    // Goods in transit still count as reserved; a late report may find a count that already included the shipment.
    await later(isLate, async () => {
      const line: PlacedLine = { sku, locationId: place, milli: amount }
      const shipment = { fact: `${run}:ship:${at}`, occurredAt: instant(at) }
      const answer = await reservations.consume(key, [line], shipment)
      const order = [place, "", ...places.filter((other) => other !== place)]
      let rest = amount
      for (const from of order) {
        const has = reservation.held.get(nameOf(sku, from)) ?? 0
        const taken = Math.min(has, rest)
        if (taken > 0) reservation.held.set(nameOf(sku, from), has - taken)
        rest -= taken
      }
      expect(answer.unreservedMilli).toBe(rest)
      if (!isCovered(name, at)) bump(world.booked, name, -amount)
      if ([...reservation.held.values()].every((left) => left === 0)) reservation.state = "ended"
      if (twice) expect(await reservations.consume(key, [line], shipment)).toMatchObject({ duplicate: true })
    })
  }

  const reserve = async (index: number, asked: ReserveRequest["lines"], isSoft: boolean): Promise<void> => {
    const key = `${run}-${index}`
    const request: ReserveRequest = isSoft
      ? { key, owner: run, kind: "soft", expiresAt: instant(Date.UTC(2026, 0, 1)), lines: asked }
      : { key, owner: run, kind: "hard", lines: asked }
    const earlier = world.reservations.get(key)
    const body = JSON.stringify([isSoft, asked.map((line) => [line.sku, line.locationId, line.milli])])
    if (earlier) {
      if (earlier.body !== body) return
      const again = await reservations.reserve(request)
      expect(again).toMatchObject({ duplicate: true })
      return
    }
    const isGranted = world.fits(asked)
    expect((await reservations.reserve(request)).granted).toBe(isGranted)
    if (!isGranted) return
    const held = new Map<string, number>()
    for (const line of asked) bump(held, nameOf(line.sku, line.locationId ?? ""), line.milli)
    world.reservations.set(key, { state: "held", isSoft, body, held })
  }

  const allocate = async (index: number, wanted: readonly PlacedLine[]): Promise<void> => {
    const key = `${run}-${index}`
    const reservation = world.reservations.get(key)
    const answer = await reservations.allocate(key, wanted)
    if (!reservation || reservation.state === "ended") return expect(answer.outcome).not.toBe("allocated")
    for (const { sku, locationId, missingMilli } of answer.outcome === "short" ? answer.short : []) {
      const asked = wanted.filter((line) => line.sku === sku && line.locationId === locationId)
      const free = world.onHand(sku, locationId) - world.reserved(sku, locationId)
      const more =
        asked.reduce((sum, line) => sum + line.milli, 0) - (reservation.held.get(nameOf(sku, locationId ?? "")) ?? 0)
      expect(more).toBeGreaterThanOrEqual(missingMilli)
      expect(more).toBeGreaterThan(free)
    }
    if (answer.outcome !== "allocated") return
    reservation.isSoft = false
    const view = await reservations.find(key)
    const before = new Map<string, number>()
    const after = new Map<string, number>()
    for (const [name, amount] of reservation.held) bump(before, name.split("@")[0] ?? "", amount)
    const placedBefore = new Map(reservation.held)
    reservation.held.clear()
    for (const line of view?.lines ?? []) {
      reservation.held.set(nameOf(line.sku, line.locationId ?? ""), line.heldMilli)
      bump(after, line.sku, line.heldMilli)
    }
    for (const [name, amount] of reservation.held) {
      const [sku = "", place = ""] = name.split("@")
      const more = amount - (placedBefore.get(name) ?? 0)
      if (place !== "" && more > 0) expect(world.reserved(sku, place)).toBeLessThanOrEqual(world.onHand(sku, place))
    }
    // Placing moves units and never creates or loses one.
    expect(Object.fromEntries(after)).toEqual(Object.fromEntries(before))
  }

  const count = async (sku: string, place: string, named: readonly number[]): Promise<void> => {
    const name = nameOf(sku, place)
    const keys = [...new Set(named)]
      .map((index) => `${run}-${index}`)
      .filter((key) => {
        const reservation = world.reservations.get(key)
        // The other system deducts a live order where it is placed, but no order that has ended or is in transit.
        return reservation?.state === "held" && world.unreported.length === 0
      })
    let deducted = 0
    for (const key of keys) deducted += world.reservations.get(key)?.held.get(name) ?? 0
    const pooled = keys.some((key) => (world.reservations.get(key)?.held.get(nameOf(sku, "")) ?? 0) > 0)
    if (pooled) return
    const at = tick()
    const countedMilli = (world.physical.get(name) ?? 0) - deducted
    const [answer] = await ledger.applyMovements([
      {
        fact: `${run}:count:${at}`,
        kind: "count",
        sku,
        locationId: place,
        countedMilli,
        countedAt: instant(at),
        includesReservations: keys.length > 0 ? keys : "none",
      },
    ])
    world.countedAt.set(name, at)
    world.booked.set(name, world.physical.get(name) ?? 0)
    expect(answer).toMatchObject({ applied: true, onHandMilli: world.physical.get(name) ?? 0 })
  }

  const release = async (key: string, isExpiry: boolean): Promise<void> => {
    const reservation = world.reservations.get(key)
    if (!isExpiry) await reservations.release(key, "test")
    if (!reservation) world.reservations.set(key, { state: "ended", isSoft: false, body: "", held: new Map() })
    else {
      reservation.state = "ended"
      reservation.held.clear()
    }
  }

  const perform = async (next: Step): Promise<void> => {
    switch (next.op) {
      case "receipt":
        return move("receipt", { sku: skuOf(next.sku), place: placeOf(next.place), milli: next.milli, isLate: false })
      case "sale":
        return move("sale", { ...next, sku: skuOf(next.sku), place: placeOf(next.place) })
      case "vanish":
        return bump(world.physical, nameOf(skuOf(next.sku), placeOf(next.place)), -next.milli)
      case "count":
        return count(skuOf(next.sku), placeOf(next.place), next.named)
      case "transfer": {
        const [sku, from, to] = [skuOf(next.sku), placeOf(next.place), placeOf(1 - next.place)]
        const at = tick()
        await ledger.applyMovements([
          {
            fact: `${run}:${at}`,
            kind: "transfer",
            sku,
            locationId: from,
            toLocationId: to,
            milli: next.milli,
            occurredAt: instant(at),
          },
        ])
        for (const map of [world.physical, world.booked]) {
          bump(map, nameOf(sku, from), -next.milli)
          bump(map, nameOf(sku, to), next.milli)
        }
        return
      }
      case "reserve": {
        const asked = next.lines.map((line) => ({
          sku: skuOf(line.sku),
          milli: line.milli,
          ...(line.place === null ? {} : { locationId: placeOf(line.place) }),
        }))
        return reserve(next.key, asked, next.isSoft)
      }
      case "release":
        return release(`${run}-${next.key}`, false)
      case "allocate":
        return allocate(
          next.key,
          next.lines.map((line) => ({ sku: skuOf(line.sku), locationId: placeOf(line.place), milli: line.milli })),
        )
      case "ship":
        return ship(next.key, next.isLate, next.twice)
      case "expire": {
        const due = [...world.reservations]
          .filter(([, held]) => held.state === "held" && held.isSoft)
          .map(([key]) => key)
        expect((await reservations.expireDue(1000)).filter((key) => key.startsWith(`${run}-`)).sort()).toEqual(
          due.sort(),
        )
        for (const key of due) await release(key, true)
        return
      }
      case "report":
        return world.unreported.shift()?.()
    }
  }

  const compare = async (): Promise<void> => {
    for (const sku of skus) {
      const answers = await availability.query([{ sku }, ...places.map((locationId) => ({ sku, locationId }))])
      for (const answer of answers) {
        expect(answer.availableToPromiseMilli).toBeGreaterThanOrEqual(0)
        expect([answer.onHandMilli, answer.reservedMilli]).toEqual([
          world.onHand(sku, answer.locationId),
          world.reserved(sku, answer.locationId),
        ])
      }
      expect(await ledger.rebuild({ sku, dryRun: true, reason: "check" })).toEqual([])
    }
  }

  for (const sku of skus) for (const place of places) await move("receipt", { sku, place, milli: 5_000, isLate: false })
  for (const next of program) {
    await perform(next)
    await compare()
  }
  for (const report of world.unreported) await report()
  await compare()
  for (const sku of skus) for (const place of places) await count(sku, place, [])
  for (const [name, amount] of world.physical) expect(world.booked.get(name)).toBe(amount)
  await compare()
}

test("any program of facts, reservations, counts and late reports keeps books, promises and the world in step", async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), runProgram), { numRuns: 100 })
}, 120_000)
