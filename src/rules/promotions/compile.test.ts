import fc from "fast-check"
import { expect, it } from "vitest"
import { money } from "../../base/money.ts"
import type { Promotion } from "../../canonical/catalogue/promotion.ts"
import { abilities } from "./abilities.ts"
import { compilePromotion, promotedPrice } from "./compile.ts"

const promotion = (more: Partial<Promotion> = {}): Promotion => ({
  title: "Summer",
  benefit: { kind: "percentage off", hundredths: 1000 },
  skus: ["TEE-M"],
  conditions: {},
  channels: ["shop"],
  validity: { from: "2026-11-26T23:00:00.000Z", until: "2026-11-30T23:00:00.000Z" },
  combines: true,
  ...more,
})
const on = (platform: string | undefined, more: object = {}) => ({ channel: "shop", platform, ...more })

it("S-150: what a platform can carry is native", () => {
  expect(compilePromotion(promotion(), on("shopify"))).toEqual({ kind: "native", platform: "shopify" })
})

it("S-150: a plain scheduled price, which Shopify does not have, is carried as a price", () => {
  const fixed = promotion({ benefit: { kind: "fixed price", amount: money(999, "EUR") } })
  expect(compilePromotion(fixed, on("shopify"))).toMatchObject({ kind: "price override" })
})

it("S-150: the 26th automatic discount is no longer native, and with conditions it is refused", () => {
  const full = on("shopify", { automaticCount: 25 })
  expect(compilePromotion(promotion(), full)).toMatchObject({ kind: "price override" })
  const conditional = promotion({ conditions: { leastTotal: money(5000, "EUR") } })
  expect(compilePromotion(conditional, full)).toMatchObject({
    kind: "refused",
    why: expect.stringContaining("carries 25 promotions"),
  })
  expect(compilePromotion(promotion({ conditions: { codes: ["TEN"] } }), full)).toMatchObject({ kind: "native" })
})

it("S-150: a code that a till does not take is refused there with the reason", () => {
  expect(compilePromotion(promotion({ conditions: { codes: ["TEN"] } }), on("square"))).toEqual({
    kind: "refused",
    why: "square takes no codes; as a price it cannot be said, because it has conditions",
  })
  expect(compilePromotion(promotion(), on(undefined))).toMatchObject({ kind: "refused" })
})

it("PUBLISHING 14: a promotion that ends at seven in the evening is not native where days are the finest", () => {
  const evening = promotion({ validity: { until: "2026-11-30T18:00:00.000Z" } })
  const isMidnight = (at: string) => at.endsWith("T23:00:00.000Z")
  expect(compilePromotion(evening, on("adobe", { midnights: isMidnight }))).toMatchObject({ kind: "price override" })
  expect(compilePromotion(promotion(), on("adobe", { midnights: isMidnight }))).toMatchObject({ kind: "native" })
})

it("S-150: whatever the promotion, it is never nearly carried: native needs every ability, a price needs no condition", () => {
  const flag = fc.boolean()
  const made = fc
    .record({
      kind: fc.constantFrom("percentage off", "fixed price", "free shipping"),
      codes: flag,
      nested: flag,
      groups: flag,
      combines: flag,
      all: flag,
    })
    .map(({ kind, codes, nested, groups, combines, all }) =>
      promotion({
        benefit:
          kind === "percentage off"
            ? { kind, hundredths: 1000 }
            : kind === "fixed price"
              ? { kind, amount: money(999, "EUR") }
              : { kind: "free shipping" },
        conditions: { ...(codes && { codes: ["A"] }), ...(nested && { nested }), ...(groups && { groups: ["vip"] }) },
        skus: all ? [] : ["TEE-M"],
        combines,
      }),
    )
  fc.assert(
    fc.property(made, fc.constantFrom(...Object.keys(abilities)), (one, platform) => {
      const compiled = compilePromotion(one, on(platform, { midnights: () => true }))
      const able = abilities[platform]
      if (compiled.kind === "native") {
        expect(able?.benefits).toContain(one.benefit.kind)
        expect(one.conditions.codes === undefined || able?.codes).toBe(true)
        expect(one.conditions.nested === undefined || able?.nested).toBe(true)
        expect(one.combines || able?.exclusive).toBe(true)
      }
      if (compiled.kind === "price override") {
        expect(one.conditions).toEqual({})
        expect(one.skus.length).toBeGreaterThan(0)
        expect(promotedPrice(one, money(1999, "EUR"))).toBeDefined()
      }
    }),
  )
})

it("a price under a promotion is exact to the minor unit", () => {
  expect(promotedPrice(promotion(), money(1995, "EUR"))).toEqual(money(1796, "EUR"))
  expect(
    promotedPrice(
      promotion({ benefit: { kind: "amount off", amount: money(500, "EUR"), each: true } }),
      money(1999, "EUR"),
    ),
  ).toEqual(money(1499, "EUR"))
  expect(
    promotedPrice(promotion({ benefit: { kind: "fixed price", amount: money(500, "USD") } }), money(1999, "EUR")),
  ).toBeUndefined()
})
