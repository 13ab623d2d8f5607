import fc from "fast-check"
import { expect, test } from "vitest"
import { cut } from "./text.ts"

test("P-33: a text is cut to its length in characters, and an emoji on the edge is kept or left out whole", () => {
  expect(cut("parcel", 10)).toBe("parcel")
  expect(cut("parcel", 3)).toBe("par")
  expect(cut("ab😀", 2)).toBe("ab")
  expect(cut("ab😀", 3)).toBe("ab😀")
  expect(cut("😀".repeat(300), 255)).toBe("😀".repeat(255))
})

test("what is cut is the longest beginning of the text that fits and is well-formed", () => {
  const text = fc.string({ unit: "grapheme" })
  fc.assert(
    fc.property(text, fc.integer({ min: 0, max: 20 }), (whole, max) => {
      const part = cut(whole, max)
      expect(whole.startsWith(part)).toBe(true)
      expect(part.isWellFormed()).toBe(true)
      expect([...part]).toEqual([...whole].slice(0, max))
    }),
  )
})
