import fc from "fast-check"
import { expect, test } from "vitest"
import { readArray, writeArray } from "./arrays.ts"

const same = (value: unknown) => String(value)

test("what is written is read again, whatever the text, with nulls and levels", () => {
  const awkward = fc.oneof(fc.string(), fc.constantFrom("", "NULL", "null", "{", "}", ",", '"', "\\", " a ", "{1,2}"))
  const elements = fc.array(fc.option(awkward))
  fc.assert(
    fc.property(fc.oneof(elements, fc.array(elements)), (values) => {
      expect(readArray(writeArray(values, same), same)).toEqual(values)
    }),
  )
})

test("an array with a lower bound of its own is read", () => {
  expect(readArray("[0:1]={1,2}", Number)).toEqual([1, 2])
})

test("an element that is undefined is refused", () => {
  expect(() => writeArray(["a", undefined], same)).toThrow("undefined")
})
