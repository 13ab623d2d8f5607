import { expect, it } from "vitest"
import { becauseOf, fieldOf } from "./because.ts"

it("a field is the same in every place of a list, and whatever ids are in it", () => {
  expect(fieldOf("/line_items/0/tax_lines/12/price")).toBe("/line_items/*/tax_lines/*/price")
  expect(fieldOf("/orders/820982911946154508/total")).toBe("/orders/*/total")
  expect(fieldOf("/address2")).toBe("/address2")
})

it("an error says of which kind its cases are", () => {
  const of = (code: string) => becauseOf({ code }, {}).kind
  expect(of("VENDOR_UNAVAILABLE")).toBe("outage")
  expect(of("VENDOR_REJECTED")).toBe("data")
  expect(of("VENDOR_VALUE_UNKNOWN")).toBe("data")
  expect(of("INVARIANT_BROKEN")).toBe("flow")
  expect(of("A_CODE_OF_LATER")).toBe("data")
})

it("holds no text and no amount of a case, only its place, so that a thousand cases are one group", () => {
  const because = (n: number) =>
    becauseOf(
      { code: "VENDOR_REJECTED", problems: [{ pointer: `/items/${n}/material`, message: `order ${n}: 12.${n} EUR` }] },
      { connection: "erp", operation: "book order" },
    )
  expect(because(1)).toEqual(because(2))
  expect(because(1)).toEqual({
    kind: "data",
    connection: "erp",
    operation: "book order",
    code: "VENDOR_REJECTED",
    field: "/items/*/material",
  })
})
