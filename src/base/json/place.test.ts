import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { brokenPlace } from "./place.ts"

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe("P-50: the place where a text stops being JSON", () => {
  it.each([
    ["", "", 1, 1, "a value"],
    ["{", "", 1, 2, "the name of a member in double quotes"],
    ['{"a" 1}', "/a", 1, 6, "a colon"],
    ['{"a":1,}', "", 1, 8, "the name of a member in double quotes"],
    ['{"a":[1,2,,]}', "/a/2", 1, 11, "a value"],
    ['{"lines":[{"sku":"A"},\n  {"sku":NaN}]}', "/lines/1/sku", 2, 10, "a value"],
    ['{"a/b":{"c~d":tru}}', "/a~1b/c~0d", 1, 15, "a value"],
    ['{"a":"x\u0000y"}', "/a", 1, 6, "a string that ends, without control characters"],
    ['{"a":"open', "/a", 1, 6, "a string that ends, without control characters"],
    ['{"a":1} {"a":2}', "", 1, 9, "the end of the body"],
    ["[1 2]", "/0", 1, 4, "a comma or ]"],
    ['\ufeff{"a":1}', "", 1, 1, "a value"],
  ])("of %j is named", (text, ...place) => {
    const [pointer, line, column, expected] = place
    expect(brokenPlace(text)).toEqual({ pointer, line, column, expected })
  })

  it("is found in every text that JSON.parse refuses, and in no other", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 3 }), (json, at, inserted) => {
        const place = at % (json.length + 1)
        const text = json.slice(0, place) + inserted + json.slice(place + (at % 3))
        expect([text, brokenPlace(text) === undefined]).toEqual([text, isJson(text)])
      }),
      { numRuns: 2000 },
    )
  })

  it("is found in time that grows with the length of the text", () => {
    const startedAt = performance.now()
    brokenPlace(`${"[".repeat(100_000)}"${"a".repeat(100_000)}`)
    expect(performance.now() - startedAt).toBeLessThan(5000)
  })
})
