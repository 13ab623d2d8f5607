import { describe, expect, test } from "vitest"
import { createEstate } from "../../estate/estate.ts"
import { fulfillmentOrdersOf, placeOrder } from "../placing.ts"
import { restOrder } from "../rest/order-payload.ts"
import { KeptList, KeptMap } from "../../keep/kept.ts"
import { ShopStore } from "../store.ts"
import type { ShopLocation, ShopOrder } from "./model.ts"
import { decimalText, exponentOf, minorFromText, portion, share } from "./money.ts"
import { oddities, sales } from "./oddities.ts"
import { createOrderFactory } from "./order-factory.ts"
import { financialStatus, lineTax, lineTotal, totalsOf } from "./totals.ts"

const estate = createEstate({ seed: 7, skuCount: 400 })
const locations = estate.locations.map((location, index): ShopLocation => ({
  id: index + 1,
  externalId: location.locationId,
  name: location.name,
  kind: location.kind,
  countryCode: location.countryCode,
  city: location.city,
  zip: location.postalCode,
  line1: location.line1,
}))

function factoryFor(shopCurrency: string) {
  return createOrderFactory({
    seed: 7,
    skus: estate.skus,
    customers: estate.customers,
    locations,
    oddShare: 0.3,
    shopCurrency,
  })
}

type Json = Record<string, unknown>
type Set = {
  shop_money: { amount: string; currency_code: string }
  presentment_money: { amount: string; currency_code: string }
}

/** The sums a careful reader of the webhook would check, in both currencies, from its text alone. */
function sumsOf(payload: Json, side: keyof Set): { total: number; parts: number; taxes: number; lineTaxes: number } {
  const minor = (set: unknown): number => {
    // Every *_set of the payload has this shape; a null set would throw and fail the test.
    const money = (set as Set)[side]
    const value = minorFromText(money.amount, money.currency_code)
    if (value === undefined) throw new Error(`${money.amount} ${money.currency_code} is no amount`)
    return value
  }
  const list = (value: unknown): Json[] => value as Json[]
  const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0)
  const taxes = (owner: Json): number => sum(list(owner["tax_lines"]).map((tax) => minor(tax["price_set"])))
  const allocations = (owner: Json): number =>
    sum(list(owner["discount_allocations"]).map((item) => minor(item["amount_set"])))
  const lines = list(payload["line_items"])
  const shipping = list(payload["shipping_lines"])
  const duties = sum(lines.flatMap((line) => list(line["duties"]).map((duty) => minor(duty))))
  const goods = sum(lines.map((line) => minor(line["price_set"]) * Number(line["quantity"]) - allocations(line)))
  const carriage = sum(shipping.map((line) => minor(line["price_set"]) - allocations(line)))
  const lineTaxes = sum([...lines, ...shipping].map(taxes))
  const total = minor(payload["total_price_set"])
  const tipText = String(payload["total_tip_received"])
  const tip = side === "shop_money" ? (minorFromText(tipText, String(payload["currency"])) ?? Number.NaN) : 0
  const fees = payload["original_total_additional_fees_set"]
  const charges = carriage + duties + (fees ? minor(fees) : 0) + tip
  const parts = goods + charges + (payload["taxes_included"] === true ? 0 : lineTaxes)
  return { total, parts, taxes: minor(payload["total_tax_set"]), lineTaxes }
}

describe.each(["EUR", "JPY", "KWD"])("a shop in %s", (shopCurrency) => {
  const factory = factoryFor(shopCurrency)
  test.each([...oddities, ...sales])("an order with %s adds up to the minor unit in its webhook", (oddity) => {
    for (let number = 1; number <= 40; number++) {
      const { order } = factory.create({ number, nowMs: 1_800_000_000_000, odd: [oddity] })
      const payload = restOrder(order)
      const shop = sumsOf(payload, "shop_money")
      expect(shop.total).toBe(shop.parts)
      expect(shop.taxes).toBe(shop.lineTaxes)
      // The payload gives the tip in the shop's currency only.
      const presentment = sumsOf(payload, "presentment_money")
      expect(presentment.total).toBe(presentment.parts + order.tip.presentment)
      for (const line of order.lines) expect(lineTax(line).shop).toBeGreaterThanOrEqual(0)
    }
  })
})

test("a percentage discount is that part of the goods, rounded once, and its shares are never more than a line", () => {
  const factory = factoryFor("EUR")
  for (let number = 1; number <= 100; number++) {
    const { order } = factory.create({ number, nowMs: 0, odd: ["order-discount", "jpy"] })
    const [application] = order.discountApplications
    if (application === undefined || !("percentage" in application.value)) throw new Error("no percentage discount")
    for (const side of ["shop", "presentment"] as const) {
      const goods = order.lines.reduce((sum, line) => sum + line.unitPrice[side] * line.quantity, 0)
      const given = order.lines.flatMap((line) => line.discountAllocations.map((item) => item.amount[side]))
      const exact = (goods * application.value.percentage) / 100
      expect(Math.abs(given.reduce((sum, amount) => sum + amount, 0) - exact)).toBeLessThanOrEqual(0.5)
      for (const line of order.lines) expect(lineTotal(line)[side]).toBeGreaterThanOrEqual(0)
    }
  }
})

test("mixed odd orders add up too, and the share of odd ones is as asked", () => {
  const factory = factoryFor("EUR")
  let odd = 0
  for (let number = 1; number <= 2_000; number++) {
    const { order, oddities: chosen } = factory.create({ number, nowMs: 0 })
    if (chosen.size > 0) odd += 1
    const sums = sumsOf(restOrder(order), "shop_money")
    expect(sums.total).toBe(sums.parts)
  }
  expect(odd / 2_000).toBeGreaterThan(0.25)
  expect(odd / 2_000).toBeLessThan(0.35)
})

test("an order is the same whatever was made before it", () => {
  const first = factoryFor("EUR").create({ number: 9, nowMs: 5 }).order
  const factory = factoryFor("EUR")
  for (let number = 1; number < 9; number++) factory.create({ number, nowMs: 5, odd: true })
  expect(factory.create({ number: 9, nowMs: 5 }).order).toEqual(first)
})

test("tenders add up to the total, and every unit has a place that fulfils it", async () => {
  const factory = factoryFor("EUR")
  const keep = { keep: () => new KeptMap<never, never>(undefined), keepList: () => new KeptList<never>(undefined) }
  const store = new ShopStore(locations, { skus: [], ...keep })
  for (const [index, oddity] of oddities.entries()) {
    const { order, oddities: chosen } = factory.create({
      number: index + 1,
      nowMs: 0,
      odd: [oddity, "gift-card-tender", "split-tender"],
    })
    await placeOrder(store, order, { oddities: chosen, payment: "paid" })
    const { received, total } = totalsOf(order)
    expect(received).toEqual(total)
    expect(financialStatus(order)).toBe("PAID")
    expect(units(order)).toBe(order.lines.reduce((sum, line) => sum + line.quantity, 0))
  }
})

function units(order: ShopOrder): number {
  const lines = fulfillmentOrdersOf(order).flatMap((fulfillmentOrder) => fulfillmentOrder.lines)
  return lines.reduce((sum, line) => sum + line.remainingQuantity, 0)
}

test("amounts are written with the currency's digits and read back exactly", () => {
  for (const currency of ["EUR", "JPY", "KWD"]) {
    for (const amountMinor of [0, 1, 9, 10, 99, 100, 12_345, -7, -1_050]) {
      const text = decimalText(amountMinor, currency)
      expect(minorFromText(text, currency)).toBe(amountMinor)
      expect(text.split(".")[1]?.length ?? 0).toBe(exponentOf(currency))
    }
  }
  expect(minorFromText("1.005", "EUR")).toBeUndefined()
})

test("shares and portions always sum to the whole", () => {
  for (let total = 0; total < 60; total++) {
    expect(share(total, [3, 3, 1]).reduce((a, b) => a + b, 0)).toBe(total)
    const parts = [0, 1, 2].map((from) =>
      portion({ shop: total, presentment: total * 7 }, { from, to: from + 1, count: 3 }),
    )
    expect(parts.reduce((sum, part) => sum + part.shop, 0)).toBe(total)
    expect(parts.reduce((sum, part) => sum + part.presentment, 0)).toBe(total * 7)
  }
})
