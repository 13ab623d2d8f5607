import fc from "fast-check"
import { expect, test } from "vitest"
import { cut, withoutCardNumbers } from "./text.ts"

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

test("what may be the number of a card is cut to its last four digits, wherever it stands and however it is grouped", () => {
  expect(withoutCardNumbers("paid by 4111111111111111.")).toBe("paid by …1111.")
  expect(withoutCardNumbers("5500 0055 5555 5559 and 4012-8888-8888-1881")).toBe("…5559 and …1881")
  expect(withoutCardNumbers("10442 4111 1111 1111 1111 7")).toBe("10442 …1111 7")
  // Amex has 15 digits in three groups.
  expect(withoutCardNumbers("3782 822463 10005")).toBe("…0005")
  const others = "of 02890093672714, 4111111111111112, 2026-11-29, 12345678901, 41111111111111111111111"
  expect(withoutCardNumbers(others)).toBe(others)
})

test("a long run of digits is looked through in one go", () => {
  const run = "4 ".repeat(50_000)
  expect(withoutCardNumbers(run).length).toBeLessThanOrEqual(run.length)
})
