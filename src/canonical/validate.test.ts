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

  it("P-50: every problem lists what is allowed there, and of a choice only the shape that was meant", () => {
    const Shapes = Type.Object(
      {
        kind: Type.Union([Type.Literal("soft"), Type.Literal("hard")]),
        state: Type.Enum(["open", "ended"]),
        ways: Type.Array(
          Type.Union([
            Type.Object({ method: Type.Literal("ship") }, { additionalProperties: false }),
            Type.Object({ method: Type.Literal("pickup"), at: Type.String() }, { additionalProperties: false }),
          ]),
        ),
        code: Type.String({ pattern: "^[A-Z]{3}$", description: "three capital letters" }),
        both: Type.Union([Type.Integer(), Type.Object({ at: Type.Integer() })]),
      },
      { additionalProperties: false },
    )
    const problems = validator(Shapes, "shapes").problems({
      kind: "firm",
      state: 5,
      ways: [{ method: "pickup" }, { method: "fly", at: 1 }, { method: "ship", at: "x" }, "ship"],
      code: "eur",
      both: "x",
      more: 1,
      "a/b": 2,
    })
    expect(problems.toSorted((a, b) => a.pointer.localeCompare(b.pointer))).toEqual([
      { pointer: "/a~1b", message: "is not known here; known are kind, state, ways, code, both" },
      { pointer: "/both", message: "must be integer or object" },
      { pointer: "/code", message: "expected three capital letters" },
      { pointer: "/kind", message: 'must be one of "soft", "hard"' },
      { pointer: "/more", message: "is not known here; known are kind, state, ways, code, both" },
      { pointer: "/state", message: 'must be one of "open", "ended"' },
      { pointer: "/ways/0/at", message: "is required" },
      { pointer: "/ways/1/method", message: 'must be one of "ship", "pickup"' },
      { pointer: "/ways/2/at", message: "is not known here; known are method" },
      { pointer: "/ways/3", message: "must be object" },
    ])
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
