import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { money } from "../../base/money.ts"
import type { Order, OrderLine } from "../../canonical/order.ts"
import { saleLines } from "./from-canonical.ts"
import type { TrytonSettings } from "./settings.ts"

const settings: TrytonSettings = {
  baseUrl: "http://127.0.0.1:9",
  database: "books",
  user: "admin",
  password: "admin",
  currency: "USD",
  company: 1,
  currencyId: 1,
  party: 2,
  address: 2,
  paymentTerm: 1,
  warehouses: { wh: 5 },
  units: { ea: 1, kg: 2 },
  chargeProducts: { shipping: "SHIPPING", rounding: "DISCOUNT" },
  timeZone: "Europe/Brussels",
  taxAccount: 7,
}

const pair = (amountMinor: number) => {
  const amount = money(amountMinor, "USD")
  return { shop: amount, presentment: amount }
}

function orderOf(line: { milli: number; unit: string; netMinor: number; taxMinor: number }): Order {
  const sold: OrderLine = {
    id: "1",
    sku: "SKU-001",
    title: "thing",
    quantity: { milli: line.milli, unit: line.unit },
    gross: pair(line.netMinor),
    discounts: [],
    taxes: [{ title: "tax", amount: pair(line.taxMinor) }],
    total: pair(line.netMinor + line.taxMinor),
    fulfilment: { method: "ship" },
  }
  const at = "2026-11-20T10:00:00.000Z"
  return {
    id: "ord_0123456789abcdef",
    channel: "shop",
    externalId: "1",
    number: "1",
    version: at,
    placedAt: at,
    currency: { shop: "USD", presentment: "USD" },
    taxesIncluded: false,
    customer: {},
    lines: [sold],
    charges: [],
    cashRounding: pair(0),
    total: sold.total,
    tenders: [],
    references: [],
  }
}

/** What Tryton makes of a line: quantity × price in ten-thousandths, rounded half to even on the cent (`Currency.round` of 6.0). */
function booksMinor(milli: number, unitPriceText: string): number {
  const fine = BigInt(unitPriceText.replace(".", "")) * 10n ** BigInt(4 - (unitPriceText.split(".")[1]?.length ?? 0))
  const thousandths = fine * BigInt(milli)
  const cent = 100_000n
  const whole = thousandths / cent
  const rest = thousandths % cent
  const isUp = rest * 2n > cent || (rest * 2n === cent && whole % 2n === 1n)
  return Number(isUp ? whole + 1n : whole)
}

describe("lines of a sale", () => {
  test("are worth in the books what was charged before tax, to the cent, whatever the quantity", () => {
    const amounts = {
      netMinor: fc.integer({ min: 0, max: 5_000_000 }),
      taxMinor: fc.integer({ min: 0, max: 1_000_000 }),
    }
    const pieces = fc.record({
      milli: fc.integer({ min: 1, max: 2_000 }).map((n) => n * 1000),
      unit: fc.constant("ea"),
      ...amounts,
    })
    const weighed = fc.record({ milli: fc.integer({ min: 1, max: 500_000 }), unit: fc.constant("kg"), ...amounts })
    fc.assert(
      fc.property(fc.oneof(pieces, weighed), (line) => {
        const lines = saleLines(orderOf(line), settings)
        const sum = lines.reduce((total, part) => total + booksMinor(part.quantity.milli, part.unitPriceText), 0)
        expect(sum).toBe(line.netMinor)
        for (const { unitPriceText } of lines) expect(unitPriceText).toMatch(/^-?\d+\.\d{2,4}$/)
      }),
      { numRuns: 2_000 },
    )
  })

  test("carry the id of the order's line, so that one SKU on two lines stays two lines", () => {
    const [line] = saleLines(orderOf({ milli: 2000, unit: "ea", netMinor: 1998, taxMinor: 400 }), settings)
    expect(line).toMatchObject({ productCode: "SKU-001", unitPriceText: "9.9900", description: "thing [1]" })
  })

  test("money of a kind no product stands for is refused by name", () => {
    const order = orderOf({ milli: 1000, unit: "ea", netMinor: 100, taxMinor: 0 })
    const tip = {
      id: "t",
      kind: "tip" as const,
      title: "tip",
      gross: pair(50),
      discounts: [],
      taxes: [],
      total: pair(50),
    }
    expect(() => saleLines({ ...order, charges: [tip] }, settings)).toThrow(
      'no product is configured for charges of the kind "tip"',
    )
  })
})
