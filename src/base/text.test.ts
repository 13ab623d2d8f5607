import fc from "fast-check"
import { expect, test } from "vitest"
import { cut } from "./text.ts"

test("a text is cut to its length, and an emoji on the edge is left out whole", () => {
  expect(cut("parcel", 10)).toBe("parcel")
  expect(cut("parcel", 3)).toBe("par")
  expect(cut("ab😀", 3)).toBe("ab")
  expect(cut("ab😀", 4)).toBe("ab😀")
})

test("what is cut is the longest beginning of the text that fits and is well-formed", () => {
  const text = fc.string({ unit: "grapheme" })
  fc.assert(
    fc.property(text, fc.integer({ min: 0, max: 20 }), (whole, max) => {
      const part = cut(whole, max)
      expect(whole.startsWith(part)).toBe(true)
      expect(part.isWellFormed()).toBe(true)
      expect(part.length).toBeGreaterThanOrEqual(Math.min(whole.length, max) - 1)
    }),
  )
})
