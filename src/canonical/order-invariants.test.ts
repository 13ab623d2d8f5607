import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { money } from "../base/money.ts"
import { orderArbitrary } from "../../test/fixtures/orders.ts"
import { Order } from "./order.ts"
import { orderProblems, tenderedMinor } from "./order-invariants.ts"
import { validator } from "./validate.ts"

const orders = validator(Order, "order")
const views = ["shop", "presentment"] as const
type View = (typeof views)[number]

const pointersOf = (order: Order) => orderProblems(order).map(({ pointer }) => pointer)

/** Changes a copy and returns exactly the pointers that must be reported; undefined when it does not apply. */
type Mutation = (order: Order, view: View) => string[] | undefined

/** `amount + 1` in one view, or another currency in it. */
function shift(pair: Order["total"], view: View, by = 1): void {
  pair[view] = money(pair[view].amountMinor + by, pair[view].currency)
}

const isCoveredInFull = (order: Order, view: View) =>
  tenderedMinor(order, view) === order.total[view].amountMinor && order.tenders.some(({ state }) => state !== "failed")

const mutations: Record<string, Mutation> = {
  "the order's total is one more": (order, view) => {
    shift(order.total, view)
    return ["/total"]
  },
  "the order's total is one less than its tenders": (order, view) => {
    if (!isCoveredInFull(order, view)) return undefined
    shift(order.total, view, -1)
    return ["/total", "/tenders"]
  },
  "a line's total is one more": (order, view) => {
    const at = order.lines.length - 1
    const line = order.lines[at]
    if (!line) return undefined
    shift(line.total, view)
    return [`/lines/${at}/total`, "/total"]
  },
  "a line's gross is one more": (order, view) => {
    const line = order.lines[0]
    if (!line) return undefined
    shift(line.gross, view)
    return ["/lines/0/total"]
  },
  "a charge's gross is negative": (order, view) => {
    const [charge] = order.charges
    // A credit and the rest of a rounding may be negative (P-45).
    if (!charge || charge.kind === "credit" || charge.kind === "rounding") return undefined
    charge.gross[view] = money(-1, order.currency[view])
    charge.discounts = []
    charge.taxes = []
    // The earlier charge decides whether the sums are wrong as well.
    const isOff = charge.total[view].amountMinor !== -1
    const other = views.find((one) => one !== view) as View
    const isOtherOff = charge.total[other].amountMinor !== charge.gross[other].amountMinor
    return [...(isOff || isOtherOff ? ["/charges/0/total"] : []), "/charges/0/gross"]
  },
  "a discount is one more": (order, view) => {
    const at = order.lines.findIndex((line) => line.discounts.length > 0)
    const discount = order.lines[at]?.discounts[0]
    if (!discount) return undefined
    shift(discount.amount, view)
    return [`/lines/${at}/total`]
  },
  "a tax that was added to the price is one more": (order, view) => {
    const at = order.lines.findIndex((line) => line.taxes.length > 0)
    const tax = order.lines[at]?.taxes[0]
    if (!tax || (order.lines[at]?.taxesIncluded ?? order.taxesIncluded)) return undefined
    shift(tax.amount, view)
    return [`/lines/${at}/total`]
  },
  "cash rounding is one more": (order, view) => {
    shift(order.cashRounding, view)
    return ["/total"]
  },
  "tenders cover one more than the total": (order, view) => {
    const live = order.tenders.find(({ state }) => state !== "failed")
    if (!live || !isCoveredInFull(order, view)) return undefined
    shift(live.amount, view)
    return ["/tenders"]
  },
  "the total is in another currency": (order, view) => {
    order.total[view] = money(order.total[view].amountMinor, "CHF")
    return [`/total/${view}/currency`]
  },
  "cash rounding is in another currency": (order, view) => {
    order.cashRounding[view] = money(order.cashRounding[view].amountMinor, "CHF")
    return [`/cashRounding/${view}/currency`]
  },
  "a tax is in another currency": (order, view) => {
    const at = order.lines.findIndex((line) => line.taxes.length > 0)
    const tax = order.lines[at]?.taxes[0]
    if (!tax) return undefined
    tax.amount[view] = money(tax.amount[view].amountMinor, "CHF")
    return [`/lines/${at}/taxes/0/amount/${view}/currency`]
  },
  "a tender is in another currency": (order, view) => {
    const tender = order.tenders[0]
    if (!tender) return undefined
    tender.amount[view] = money(tender.amount[view].amountMinor, "CHF")
    return [`/tenders/0/amount/${view}/currency`]
  },
  "a line's id occurs twice": (order) => {
    const [first, second] = order.lines
    if (!first || !second) return undefined
    second.id = first.id
    return ["/lines/1/id"]
  },
  "half a piece is sold": (order) => {
    const at = order.lines.findIndex((line) => line.quantity.unit === "ea" && line.quantity.milli > 0)
    const line = order.lines[at]
    if (!line) return undefined
    line.quantity = { milli: line.quantity.milli - 500, unit: "ea" }
    return [`/lines/${at}/quantity/milli`]
  },
  "goods are to be shipped nowhere": (order) => {
    const isShipped = order.lines.some((line) => line.fulfilment.method === "ship" && line.quantity.milli > 0)
    if (!isShipped) return undefined
    delete order.shippingAddress
    return ["/shippingAddress"]
  },
}

describe("order invariants", () => {
  it("an odd but valid order has no problems, in schema or sums", () => {
    fc.assert(
      fc.property(orderArbitrary, (order) => {
        expect(orders.problems(order)).toEqual([])
        expect(orderProblems(order)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it.each(Object.entries(mutations))("when %s, exactly the places that are off are named", (_name, mutate) => {
    let applied = 0
    fc.assert(
      fc.property(orderArbitrary, fc.constantFrom(...views), (original, view) => {
        const order = structuredClone(original)
        const expected = mutate(order, view)
        if (!expected) return
        applied += 1
        expect([...new Set(pointersOf(order))].sort()).toEqual([...expected].sort())
      }),
      { numRuns: 150 },
    )
    expect(applied).toBeGreaterThan(10)
  })

  it("an order that charges money for empty lines is named, even when its sums are right", () => {
    fc.assert(
      fc.property(orderArbitrary, (original) => {
        const order = structuredClone(original)
        for (const line of order.lines) {
          const zero = { shop: money(0, order.currency.shop), presentment: money(0, order.currency.presentment) }
          Object.assign(line, {
            quantity: { milli: 0, unit: "ea" },
            gross: zero,
            discounts: [],
            taxes: [],
            total: zero,
          })
        }
        for (const view of views) {
          const parts = [...order.charges.map((charge) => charge.total), order.cashRounding]
          order.total[view] = money(
            parts.reduce((sum, part) => sum + part[view].amountMinor, 0),
            order.currency[view],
          )
        }
        order.tenders = []
        fc.pre(views.every((view) => order.total[view].amountMinor >= 0))
        expect(pointersOf(order)).toEqual(order.total.shop.amountMinor > 0 ? ["/lines"] : [])
      }),
    )
  })

  it("a failed tender covers nothing", () => {
    fc.assert(
      fc.property(orderArbitrary, (order) => {
        const failed = { ...order, tenders: order.tenders.map((tender) => ({ ...tender, state: "failed" as const })) }
        expect(tenderedMinor(failed, "shop")).toBe(0)
        expect(orderProblems(failed)).toEqual([])
      }),
    )
  })
})
