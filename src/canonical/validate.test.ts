import * as fc from "fast-check"
import { Type } from "typebox"
import { describe, expect, it } from "vitest"
import { AppError } from "../base/errors.ts"
import { orderArbitrary } from "../../test/fixtures/orders.ts"
import { Order } from "./order.ts"
import { validator } from "./validate.ts"

const orders = validator(Order, "order")
const pointers = (value: unknown) => orders.problems(value).map(({ pointer }) => pointer)

/** A generated order as loose JSON, for tests that make it invalid. */
const loose = orderArbitrary.map((order) => structuredClone(order) as unknown as Record<string, unknown>)

describe("validator", () => {
  it("what is missing is named where it should stand", () => {
    const required = ["id", "channel", "number", "currency", "lines", "total", "tenders"]
    fc.assert(
      fc.property(loose, fc.constantFrom(...required), (order, name) => {
        delete order[name]
        expect(pointers(order)).toEqual([`/${name}`])
      }),
    )
  })

  it("what nobody knows is named, once", () => {
    fc.assert(
      fc.property(loose, (order) => {
        order["discountCode~/x"] = "SAVE10"
        expect(pointers(order)).toEqual(["/discountCode~0~1x"])
      }),
    )
  })

  it.each([
    [
      "a negative quantity",
      (line: Record<string, unknown>) => (line["quantity"] = { milli: -1000, unit: "ea" }),
      "/lines/0/quantity/milli",
    ],
    [
      "half a minor unit",
      (line: Record<string, unknown>) =>
        (line["gross"] = {
          shop: { amountMinor: 0.5, currency: "EUR" },
          presentment: { amountMinor: 1, currency: "EUR" },
        }),
      "/lines/0/gross/shop/amountMinor",
    ],
    [
      "a currency in small letters",
      (line: Record<string, unknown>) =>
        (line["total"] = {
          shop: { amountMinor: 1, currency: "eur" },
          presentment: { amountMinor: 1, currency: "EUR" },
        }),
      "/lines/0/total/shop/currency",
    ],
    [
      "an amount beyond what is exact",
      (line: Record<string, unknown>) =>
        (line["total"] = {
          shop: { amountMinor: 2 ** 53, currency: "EUR" },
          presentment: { amountMinor: 1, currency: "EUR" },
        }),
      "/lines/0/total/shop/amountMinor",
    ],
    ["an empty SKU", (line: Record<string, unknown>) => (line["sku"] = ""), "/lines/0/sku"],
    ["a SKU that is a number", (line: Record<string, unknown>) => (line["sku"] = 12), "/lines/0/sku"],
  ])("%s is named where it is", (_what, spoil, pointer) => {
    fc.assert(
      fc.property(loose, (order) => {
        spoil((order["lines"] as Record<string, unknown>[])[0] as Record<string, unknown>)
        expect(pointers(order)).toEqual([pointer])
      }),
    )
  })

  it("every problem is told, not only the first, and at most fifty", () => {
    fc.assert(
      fc.property(loose, (order) => {
        Object.assign(order, { id: "1001", number: "", taxesIncluded: "yes", version: "today" })
        expect(pointers(order).sort()).toEqual(["/id", "/number", "/taxesIncluded", "/version"])
      }),
    )
    const many = validator(Type.Array(Type.Integer()), "list").problems(Array.from({ length: 200 }, () => "x"))
    expect(many.length).toBe(50)
  })

  it("junk of any shape is refused in words and never throws anything else", () => {
    fc.assert(
      fc.property(fc.anything(), (junk) => {
        try {
          orders.parse(junk)
          expect.unreachable("junk is no order")
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AppError)
          expect(thrown).toMatchObject({ code: "REQUEST_INVALID", message: "the input is not a valid order" })
        }
      }),
    )
  })
})
