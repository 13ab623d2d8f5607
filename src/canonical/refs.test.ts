import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { linkedObjects, orderIdIn, parseRef, ref, Ref, refKinds, type RefKind } from "./refs.ts"
import { validator } from "./validate.ts"

const kind = fc.constantFrom(...(Object.keys(refKinds) as RefKind[]))
// Characters with a meaning in a ref, and any others.
const part = fc.string({
  unit: fc.oneof(fc.constantFrom("/", "%", "2", "F", "\u0000"), fc.string({ minLength: 1, maxLength: 1 })),
  minLength: 1,
  maxLength: 8,
})
const parts = fc
  .tuple(part, fc.array(part, { maxLength: 3 }))
  .map(([first, more]): [string, ...string[]] => [first, ...more])
const isRef = validator(Ref, "ref")

describe("refs", () => {
  it("two objects share a ref only when kind and parts are the same, however the parts are cut", () => {
    fc.assert(
      fc.property(fc.tuple(kind, parts), fc.tuple(kind, parts), ([leftKind, left], [rightKind, right]) => {
        const isSame = leftKind === rightKind && JSON.stringify(left) === JSON.stringify(right)
        expect(ref(leftKind, ...left) === ref(rightKind, ...right)).toBe(isSame)
      }),
      { numRuns: 1000 },
    )
    expect(ref("stock", "a/b", "c")).not.toBe(ref("stock", "a", "b/c"))
    expect(ref("stock", "a%2Fb", "c")).not.toBe(ref("stock", "a/b", "c"))
    expect(ref("sku", "117")).not.toBe(ref("store", "117"))
  })

  it("a ref is read back as kind and parts, and fits its schema", () => {
    fc.assert(
      fc.property(kind, parts, (one, given) => {
        const text = ref(one, ...given)
        expect(parseRef(text)).toEqual({ kind: one, parts: given })
        expect(isRef.problems(text)).toEqual([])
      }),
      { numRuns: 1000 },
    )
    expect(ref("till", "117", "3")).toBe("till/117/3")
    expect(ref("stock", "117", "TEE/M 5%")).toBe("stock/117/TEE%2FM 5%25")
  })

  it.each([
    "order",
    "order/",
    "order//x",
    "ord_0000000000000000",
    "constructor/x",
    "__proto__/x",
    "order/%41",
    "order/%2f",
    "order/%",
    "",
  ])("%j is no ref, so that no object has two names", (text) => {
    expect(parseRef(text)).toBeUndefined()
  })

  it("a ref without a part is made without a throw and does not fit the schema", () => {
    expect(isRef.problems(ref("order", ""))).not.toEqual([])
    expect(isRef.problems(ref("stock", "117", ""))).not.toEqual([])
  })

  it("the order is known from its own ref and from those of its parts, and from no other", () => {
    const orderId = "ord_0123456789abcdef"
    expect(orderIdIn(ref("order", orderId))).toBe(orderId)
    expect(orderIdIn(ref("shipment", orderId, "SH-1"))).toBe(orderId)
    expect(orderIdIn(ref("stock", "117", "TEE-M"))).toBeUndefined()
    expect(orderIdIn(orderId)).toBeUndefined()
  })

  it("links are kept between objects of their own only, each once", () => {
    const order = ref("order", "ord_0123456789abcdef")
    const shipment = ref("shipment", "ord_0123456789abcdef", "SH-1")
    expect(linkedObjects(order, [shipment, order, shipment, ref("sku", "TEE-M")])).toEqual([shipment])
    expect(linkedObjects(ref("stock", "117", "TEE-M"), [shipment])).toEqual([])
  })
})
