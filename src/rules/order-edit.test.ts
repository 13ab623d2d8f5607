import { money, moneyText } from "../base/money.ts"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { orderArbitrary } from "../../test/fixtures/orders.ts"
import type { Order } from "../canonical/order.ts"
import { editDifference } from "./order-edit.ts"

/** Two orders, before and after an edit. Lines are matched by id, so lines with the same id stayed. */
const edits = fc.tuple(orderArbitrary, orderArbitrary)
const milliOf = (order: Order, lineId: string) => order.lines.find(({ id }) => id === lineId)?.quantity.milli ?? 0

describe("the difference an edit makes", () => {
  it("an order compared with itself has none, whatever the order of the address's fields", () => {
    fc.assert(
      fc.property(orderArbitrary, (order) => {
        const address = Object.fromEntries(
          Object.entries(order.shippingAddress ?? {}).reverse(),
        ) as Order["shippingAddress"]
        const same = { ...structuredClone(order), ...(address ? { shippingAddress: address } : {}) }
        expect(editDifference(order, same)).toEqual({
          quantities: [],
          isAddressChanged: false,
          totalMinor: 0,
          summary: "nothing that matters here",
        })
      }),
    )
  })

  it("applied to the quantities before, it gives the quantities after, line by line", () => {
    fc.assert(
      fc.property(edits, ([before, after]) => {
        const { quantities } = editDifference(before, after)
        for (const id of new Set([...before.lines, ...after.lines].map((line) => line.id))) {
          const change = quantities.find(({ lineId }) => lineId === id)
          expect(milliOf(before, id) + (change ? change.toMilli - change.fromMilli : 0)).toBe(milliOf(after, id))
          expect(change?.fromMilli === change?.toMilli && change !== undefined).toBe(false)
        }
      }),
    )
  })

  it("backwards it is the opposite", () => {
    fc.assert(
      fc.property(edits, ([before, after]) => {
        const there = editDifference(before, after)
        const back = editDifference(after, before)
        expect(back.totalMinor + there.totalMinor).toBe(0)
        expect(back.isAddressChanged).toBe(there.isAddressChanged)
        const turned = there.quantities.map(({ lineId, fromMilli, toMilli }) => [lineId, toMilli, fromMilli])
        expect(back.quantities.map(({ lineId, fromMilli, toMilli }) => [lineId, fromMilli, toMilli]).sort()).toEqual(
          turned.sort(),
        )
      }),
    )
  })

  it("a new address and a dearer order are told in words", () => {
    fc.assert(
      fc.property(orderArbitrary, (before) => {
        const after = structuredClone(before)
        if (after.shippingAddress) after.shippingAddress.city = "Ghent"
        after.total.shop.amountMinor += 250
        const { summary, isAddressChanged, totalMinor } = editDifference(before, after)
        expect([isAddressChanged, totalMinor]).toEqual([true, 250])
        expect(summary).toBe(`another address; total +${moneyText(money(250, before.currency.shop))}`)
      }),
    )
  })
})
