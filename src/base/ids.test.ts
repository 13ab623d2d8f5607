import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { canonicalJson, contentDigest, derivedId, factKey, orderIdOf, randomId, risingId, textKey } from "./ids.ts"

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
    expect(textKey("order shop-de/1001 placed")).toBe("56253713-db64-757c-4d59-43f8e94ae6d3")
    expect(orderIdOf("shop-de", "1001")).toBe("ord_2qmgkf34wh6zvj1e")
    expect(orderIdOf("shop-de", "5678901234567")).toBe("ord_atahf7k01kmhjmg5")
    expect(orderIdOf("shop-de", "026-1520163-6049104")).toBe("ord_j5eanpx3g9ctgsmm")
    expect(factKey(`order/${orderIdOf("shop-de", "1001")}`, "shop-de:order:1001:placed")).toBe(
      "15e90535-c23a-51bc-9b2a-1cccc2bbb9dc",
    )
    expect(factKey("stock/wh-1/TEE-M", "wh:stock:1")).toBe("66c6bb76-fe73-243b-df1d-1045e4ff58f8")
  })

  const externalId = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 80n }).map(String),
    fc.uuid({ version: 7 }),
    fc.ulid(),
    fc.string(),
  )

  it("rising ids are as long as derived ones, and other parts give another id", () => {
    fc.assert(
      fc.property(externalId, externalId, (left, right) => {
        expect(orderIdOf("shop-de", left)).toMatch(/^ord_[0-9a-hjkmnp-tv-z]{16}$/)
        expect(orderIdOf("shop-de", left)).toBe(orderIdOf("shop-de", left))
        expect(orderIdOf("shop-de", left) === orderIdOf("shop-de", right)).toBe(left === right)
        expect(orderIdOf("shop-fr", left)).not.toBe(orderIdOf("shop-de", left))
      }),
      { numRuns: 1000 },
    )
  })

  const front = (id: string) => id.slice(4, 8)

  it("the front of an order's id never falls while a channel's numbers rise, and moves on at least every 8,192nd part", () => {
    const number = fc.bigInt({ min: 0n, max: 10n ** 40n - 1n })
    fc.assert(
      fc.property(fc.oneof(number, fc.bigInt({ min: 0n, max: 2n ** 64n })), fc.nat(1_000_000), (low, more) => {
        const high = low + BigInt(more)
        if (high < 10n ** 40n)
          expect(front(orderIdOf("shop-de", String(low))) <= front(orderIdOf("shop-de", String(high)))).toBe(true)
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 62n }), (low) => {
        const high = low + low / 8192n + 1n
        expect(front(orderIdOf("shop-de", String(low))) < front(orderIdOf("shop-de", String(high)))).toBe(true)
      }),
    )
  })

  it("the front of an order's id never falls while the times in UUIDs of version 7 and ULIDs rise", () => {
    const at = fc.integer({ min: Date.UTC(2001), max: Date.UTC(2058) })
    const uuid = (ms: number) => {
      const hex = ms.toString(16).padStart(12, "0")
      return `${hex.slice(0, 8)}-${hex.slice(8)}-7abc-8def-0123456789ab`
    }
    const ulid = (ms: number) => {
      const digits = [...ms.toString(32).padStart(10, "0")].map((digit) => Number.parseInt(digit, 32))
      return `${digits.map((digit) => "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[digit]).join("")}0123456789ABCDEF`
    }
    fc.assert(
      fc.property(at, at, (one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)]
        for (const text of [uuid, ulid]) {
          const [before, after] = [text(low), text(high)].map((id) => front(risingId("ret", "shop-de", id)))
          expect((before ?? "") <= (after ?? "")).toBe(true)
          if (high - low > 3_600_000) expect(before).not.toBe(after)
        }
        expect(front(risingId("ret", "x", uuid(low)))).toBe(front(risingId("ret", "x", ulid(low))))
      }),
    )
  })

  it("keys of an order's facts stand together and rise with the order, and every other fact has another key", () => {
    const about = (number: number) => `order/${orderIdOf("shop-de", String(number))}`
    fc.assert(
      fc.property(
        fc.tuple(fc.nat(), fc.nat()),
        fc.tuple(fc.string(), fc.string()),
        ([one, other], [fact, otherFact]) => {
          expect(factKey(about(one), fact).slice(0, 13)).toBe(factKey(about(one), otherFact).slice(0, 13))
          expect(factKey(about(one), fact).slice(13) === factKey(about(other), otherFact).slice(13)).toBe(
            fact === otherFact,
          )
          const [low, high] = [Math.min(one, other), Math.max(one, other)]
          expect(factKey(about(low), fact).slice(0, 5) <= factKey(about(high), otherFact).slice(0, 5)).toBe(true)
        },
      ),
      { numRuns: 500 },
    )
    expect(factKey(about(1), "x")).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(factKey("stock/117/TEE-M", "x")).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
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

  it("canonical JSON is what a replacer that sorts each object's keys writes, byte for byte", () => {
    const bySorting = (value: unknown) =>
      JSON.stringify(value, (_key, inner: unknown) => {
        if (inner === null || typeof inner !== "object" || Array.isArray(inner)) return inner
        return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      })
    const anything = fc.object({
      key: fc.oneof(fc.string(), fc.constantFrom("__proto__", "toJSON", "10", "9", "b", "a")),
      withDate: true,
      withSparseArray: true,
      values: [fc.jsonValue(), fc.constant(undefined), fc.double(), fc.string({ unit: "binary" })],
    })
    fc.assert(
      fc.property(anything, (value) => {
        expect(canonicalJson(value)).toBe(bySorting(value))
        // As JSON it was parsed from, where `__proto__` is a field like any other.
        const parsed: unknown = JSON.parse(JSON.stringify(value).replaceAll('"a":', '"__proto__":'))
        expect(canonicalJson(parsed)).toBe(bySorting(parsed))
      }),
      { numRuns: 500 },
    )
    expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"y":1,"x":2}}'))).toBe('{"__proto__":{"x":2,"y":1},"b":1}')
  })
})
