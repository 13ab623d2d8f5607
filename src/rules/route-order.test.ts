import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  kilometres,
  routeOrder,
  type Routing,
  type RoutingInput,
  type ShippingLocation,
  type WantedLine,
} from "./route-order.ts"

const skus = ["a", "b", "c"] as const
const quantities = fc.integer({ min: 0, max: 6 }).map((count) => count * 1000)

const location = (id: string): fc.Arbitrary<ShippingLocation> =>
  fc.record({
    id: fc.constant(id),
    kind: fc.constantFrom("warehouse", "store"),
    latitude: fc.integer({ min: 36, max: 60 }),
    longitude: fc.integer({ min: -9, max: 30 }),
    costPerShipmentMinor: fc.integer({ min: 100, max: 1500 }),
    serviceDays: fc.integer({ min: 1, max: 5 }),
    capacityLeft: fc.integer({ min: 0, max: 50 }),
  })

const wantedLine = (lineId: string): fc.Arbitrary<WantedLine> =>
  fc
    .record({ sku: fc.constantFrom(...skus), count: fc.integer({ min: 1, max: 5 }), isKit: fc.boolean() })
    .map(({ sku, count, isKit }): WantedLine => ({
      lineId,
      sku: isKit ? "kit" : sku,
      milli: count * 1000,
      unit: "ea",
      needs: isKit
        ? [
            { sku: "a", milli: count * 1000 },
            { sku: "b", milli: count * 2000 },
          ]
        : [{ sku, milli: count * 1000 }],
      stepMilli: 1000,
    }))

const inputs: fc.Arbitrary<RoutingInput> = fc
  .record({
    locations: fc
      .integer({ min: 0, max: 6 })
      .chain((count) => fc.tuple(...Array.from({ length: count }, (_, n) => location(`l${n}`)))),
    wanted: fc
      .integer({ min: 1, max: 4 })
      .chain((count) => fc.tuple(...Array.from({ length: count }, (_, n) => wantedLine(`L${n}`)))),
    shelves: fc.array(fc.record({ sku: fc.constantFrom(...skus), at: fc.nat({ max: 5 }), milli: quantities }), {
      maxLength: 18,
    }),
    hasDestination: fc.boolean(),
  })
  .map(({ locations, wanted, shelves, hasDestination }) => {
    const stock = new Map<string, Map<string, number>>(skus.map((sku) => [sku, new Map()]))
    for (const { sku, at, milli } of shelves) stock.get(sku)?.set(`l${at}`, milli)
    return {
      locations,
      wanted,
      stock,
      destination: hasDestination ? { latitude: 50, longitude: 5 } : undefined,
      weights: { perKilometreMinor: 1, perServiceDayMinor: 50, splitPenaltyMinor: 400, fullnessMinor: 100 },
    }
  })

/** The quantity a routing takes of one SKU at one location. */
function taken(input: RoutingInput, routing: Routing, { sku, at }: { sku: string; at: string }): number {
  return routing.lines
    .filter(({ locationId }) => locationId === at)
    .reduce((sum, { lineId, quantity }) => {
      const wanted = input.wanted.find((line) => line.lineId === lineId)
      const need = wanted?.needs.find((one) => one.sku === sku)
      return sum + (wanted && need ? Math.ceil((need.milli * quantity.milli) / wanted.milli) : 0)
    }, 0)
}

describe("routing an order", () => {
  it("what is routed and what is nowhere are together what was wanted, line by line, in whole pieces", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { lines, unfilled } = routeOrder(input)
        for (const { lineId, milli } of input.wanted) {
          const routed = lines
            .filter((line) => line.lineId === lineId)
            .reduce((sum, line) => sum + line.quantity.milli, 0)
          const missing = unfilled.find((line) => line.lineId === lineId)?.milli ?? 0
          expect(routed + missing).toBe(milli)
        }
        for (const { quantity } of lines) expect([quantity.milli > 0, quantity.milli % 1000]).toEqual([true, 0])
      }),
      { numRuns: 300 },
    )
  })

  it("no shelf gives more than it has, and no location without capacity is used", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const routing = routeOrder(input)
        for (const { id, capacityLeft } of input.locations) {
          for (const sku of skus)
            expect(taken(input, routing, { sku, at: id })).toBeLessThanOrEqual(input.stock.get(sku)?.get(id) ?? 0)
          if (capacityLeft === 0) expect(routing.lines.some(({ locationId }) => locationId === id)).toBe(false)
        }
      }),
      { numRuns: 300 },
    )
  })

  it("when one location has everything, nothing is missing", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const needs = (sku: string) =>
          input.wanted.flatMap((line) => line.needs).reduce((sum, need) => sum + (need.sku === sku ? need.milli : 0), 0)
        const hasAll = input.locations.some(
          ({ id, capacityLeft }) =>
            capacityLeft > 0 && skus.every((sku) => (input.stock.get(sku)?.get(id) ?? 0) >= needs(sku)),
        )
        fc.pre(hasAll)
        const { unfilled, lines } = routeOrder(input)
        expect(unfilled).toEqual([])
        expect(new Set(lines.map(({ locationId }) => locationId)).size).toBe(1)
      }),
    )
  })

  it("the answer does not depend on the order in which locations are given", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const turned = { ...input, locations: [...input.locations].reverse() }
        expect(routeOrder(turned)).toEqual(routeOrder(input))
      }),
    )
  })

  const place = (id: string, more: Partial<ShippingLocation> = {}): ShippingLocation => {
    return {
      id,
      kind: "warehouse",
      latitude: 50,
      longitude: 5,
      costPerShipmentMinor: 500,
      serviceDays: 1,
      capacityLeft: 10,
      ...more,
    }
  }
  const one = (locations: ShippingLocation[], splitPenaltyMinor = 400): RoutingInput => ({
    locations,
    wanted: [
      { lineId: "1", sku: "a", milli: 1000, unit: "ea", needs: [{ sku: "a", milli: 1000 }], stepMilli: 1000 },
      { lineId: "2", sku: "b", milli: 1000, unit: "ea", needs: [{ sku: "b", milli: 1000 }], stepMilli: 1000 },
    ],
    stock: new Map([
      ["a", new Map(locations.map(({ id }) => [id, 1000]))],
      ["b", new Map(locations.map(({ id }) => [id, 1000]))],
    ]),
    destination: { latitude: 50, longitude: 5 },
    weights: { perKilometreMinor: 1, perServiceDayMinor: 50, splitPenaltyMinor, fullnessMinor: 100 },
  })
  const chosen = (input: RoutingInput) => [...new Set(routeOrder(input).lines.map(({ locationId }) => locationId))]

  it("the cheaper, the nearer, the faster and the emptier location is preferred, each for itself", () => {
    expect(chosen(one([place("a", { costPerShipmentMinor: 600 }), place("b")]))).toEqual(["b"])
    expect(chosen(one([place("a", { latitude: 55 }), place("b")]))).toEqual(["b"])
    expect(chosen(one([place("a", { serviceDays: 3 }), place("b")]))).toEqual(["b"])
    expect(chosen(one([place("a", { capacityLeft: 1 }), place("b")]))).toEqual(["b"])
    expect(chosen(one([place("b"), place("a")]))).toEqual(["a"])
  })

  it("an order is split only when no single location has it", () => {
    const input = one([place("a"), place("b")])
    const stock = new Map([
      ["a", new Map([["a", 1000]])],
      ["b", new Map([["b", 1000]])],
    ])
    expect(chosen({ ...input, stock })).toEqual(["a", "b"])
    expect(routeOrder({ ...input, stock }).explanation).toBe("2 parcels, from a, b")
  })

  it("distances are those of a globe", () => {
    // The centres of London and Paris are 344 km apart.
    const distance = kilometres({ latitude: 51.5074, longitude: -0.1278 }, { latitude: 48.8566, longitude: 2.3522 })
    expect(Math.round(distance)).toBe(344)
  })
})
