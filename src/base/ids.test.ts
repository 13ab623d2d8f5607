import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { canonicalJson, contentDigest, derivedId, factKey, randomId } from "./ids.ts"

const parts = fc.array(fc.string({ maxLength: 12 }), { maxLength: 4 })

describe("ids", () => {
  it("the same parts give the same id, other parts another, however they are cut", () => {
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        const isSame = JSON.stringify(left) === JSON.stringify(right)
        expect(derivedId("ord", ...left) === derivedId("ord", ...right)).toBe(isSame)
      }),
      { numRuns: 500 },
    )
    expect(derivedId("ord", "ab", "c")).not.toBe(derivedId("ord", "a", "bc"))
    expect(derivedId("ord", "a|1:b")).not.toBe(derivedId("ord", "a", "b"))
  })

  it("an id never changes from one release to the next", () => {
    expect(derivedId("ord", "shop-de", "1001")).toBe("ord_kf34wh6zvj1eveze")
    expect(factKey("order shop-de/1001 placed")).toBe("56253713-db64-757c-4d59-43f8e94ae6d3")
  })

  it("ids can be read out: 16 characters without i, l, o and u", () => {
    fc.assert(
      fc.property(parts, (some) => {
        expect(derivedId("ord", ...some)).toMatch(/^ord_[0-9a-hjkmnp-tv-z]{16}$/)
      }),
    )
    expect(new Set(Array.from({ length: 1000 }, () => randomId("key"))).size).toBe(1000)
  })

  it("equal values have one digest, whatever the order of their keys", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse())
        expect(contentDigest({ a: [turned] })).toBe(contentDigest({ a: [value] }))
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
    expect(contentDigest([1, 2])).not.toBe(contentDigest([2, 1]))
  })
})
