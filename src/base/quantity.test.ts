import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { pieces, quantityFromDecimal, quantityToDecimal } from "./quantity.ts"

describe("quantity", () => {
  it("what is written as decimal text is read back as it was", () => {
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000_000 }), (milli) => {
        expect(quantityFromDecimal(quantityToDecimal({ milli, unit: "kg" }), "kg")).toEqual({ milli, unit: "kg" })
      }),
    )
  })

  it("text is as short as it can be", () => {
    const text = [0, 5, 1000, 1250, 10_000, 1001].map((milli) => quantityToDecimal({ milli, unit: "ea" }))
    expect(text).toEqual(["0", "0.005", "1", "1.25", "10", "1.001"])
  })

  it("pieces are whole and never negative", () => {
    expect(pieces(3)).toEqual({ milli: 3000, unit: "ea" })
    for (const count of [0.5, -1, Number.NaN, Number.MAX_SAFE_INTEGER + 1])
      expect(() => pieces(count)).toThrow("pieces")
  })

  it.each(["1.2345", "-1", "", "one", "1e3", ".5"])("%j is no quantity", (text) => {
    expect(() => quantityFromDecimal(text, "kg")).toThrow("not a quantity")
  })
})
