import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { orderArbitrary, shipmentsArbitrary } from "../../test/fixtures/orders.ts"
import { taxMinor } from "../canonical/order-invariants.ts"
import { mergeLines, shipmentAmounts } from "./apportion.ts"

/** Amounts of each shipment in turn. */
function allAmounts({
  order,
  shipments,
}: {
  order: Parameters<typeof shipmentAmounts>[0]
  shipments: Parameters<typeof shipmentAmounts>[2][]
}) {
  const before = new Map<string, number>()
  return shipments.map((lines) => {
    const amounts = shipmentAmounts(order, before, lines)
    for (const [lineId, milli] of mergeLines(lines)) before.set(lineId, (before.get(lineId) ?? 0) + milli)
    return amounts
  })
}

const shippedOrders = orderArbitrary.chain((order) =>
  shipmentsArbitrary(order).map((shipments) => ({ order, shipments })),
)
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

describe("apportioning an order to its shipments", () => {
  it("all shipments together are the order's total, however it is split (P-17)", () => {
    fc.assert(
      fc.property(shippedOrders, ({ order, shipments }) => {
        const totals = allAmounts({ order, shipments }).map((amounts) => amounts.totalMinor)
        expect(sum(totals)).toBe(order.total.shop.amountMinor)
      }),
      { numRuns: 500 },
    )
  })

  it("some pieces of a line whose price holds its tax cost as much as those pieces, to the cent", () => {
    const cases = fc.record({
      order: orderArbitrary.filter(({ lines }) => lines.length > 0),
      priceMinor: fc.integer({ min: 1, max: 100_000 }),
      pieces: fc.integer({ min: 2, max: 30 }),
      part: fc.integer({ min: 1, max: 29 }),
      ratePercent: fc.integer({ min: 0, max: 27 }),
    })
    fc.assert(
      fc.property(cases, ({ order, priceMinor, pieces, part, ratePercent }) => {
        const [line] = order.lines
        if (!line) return
        const both = (amountMinor: number) => {
          const money = { amountMinor, currency: order.currency.shop }
          return { shop: money, presentment: money }
        }
        const totalMinor = priceMinor * pieces
        const tax = both(Math.round((totalMinor * ratePercent) / (100 + ratePercent)))
        const taxes = [{ title: "VAT", ratePercent: String(ratePercent), amount: tax }]
        const whole = {
          ...line,
          quantity: { milli: pieces * 1000, unit: "ea" as const },
          total: both(totalMinor),
          taxes,
          taxesIncluded: true,
        }
        const shipped = [{ lineId: line.id, quantity: { milli: Math.min(part, pieces) * 1000, unit: "ea" as const } }]
        const sold = { ...order, lines: [whole], charges: [], cashRounding: both(0) }
        expect(shipmentAmounts(sold, new Map(), shipped).totalMinor).toBe(priceMinor * Math.min(part, pieces))
      }),
    )
  })

  it("each line's net and tax over all shipments are the line's own, and charges come once", () => {
    fc.assert(
      fc.property(shippedOrders, ({ order, shipments }) => {
        const all = allAmounts({ order, shipments })
        for (const line of order.lines) {
          const parts = all.flatMap(({ lines }) => lines.filter(({ lineId }) => lineId === line.id))
          expect(sum(parts.map((part) => part.taxMinor))).toBe(taxMinor(line, "shop"))
          expect(sum(parts.map((part) => part.netMinor + part.taxMinor))).toBe(line.total.shop.amountMinor)
        }
        expect(all.map(({ charges }) => charges.length)).toEqual(
          all.map((_, n) => (n === 0 ? order.charges.length : 0)),
        )
        expect(sum(all.map(({ roundingMinor }) => roundingMinor))).toBe(order.cashRounding.shop.amountMinor)
      }),
    )
  })

  it("no share of a line is negative or more than the line", () => {
    fc.assert(
      fc.property(shippedOrders, ({ order, shipments }) => {
        for (const { lines } of allAmounts({ order, shipments }))
          for (const { lineId, taxMinor: tax } of lines) {
            const line = order.lines.find(({ id }) => id === lineId)
            expect(tax).toBeGreaterThanOrEqual(0)
            expect(tax).toBeLessThanOrEqual(line ? taxMinor(line, "shop") : 0)
          }
      }),
    )
  })

  it("more of a line than was ordered, and a line the order does not have, are refused", () => {
    fc.assert(
      fc.property(orderArbitrary, (order) => {
        const [line] = order.lines
        if (!line) return
        const tooMuch = [{ lineId: line.id, quantity: { milli: line.quantity.milli + 1, unit: line.quantity.unit } }]
        expect(() => shipmentAmounts(order, new Map(), tooMuch)).toThrow("more of line")
        expect(() => shipmentAmounts(order, new Map(), [{ lineId: "nobody", quantity: line.quantity }])).toThrow(
          "nobody",
        )
      }),
    )
  })
})
