import fc from "fast-check"
import { expect, it } from "vitest"
import { money } from "../../base/money.ts"
import { ownershipProblems, policyVersion } from "./check.ts"
import { judgeWrite } from "./judge.ts"
import { own, ruleName, type Ownership } from "./own.ts"
import { ownerOf, tie } from "./resolve.ts"

const rules: Ownership[] = [
  own("product.*", {}, { owner: "pim", to: ["shop"] }),
  own("product.title", { locale: "de" }, { owner: "people", to: ["shop"], foreign: "hold" }),
  own("price.*", {}, { owner: "erp", to: ["shop"], foreign: "alert" }),
  own(
    "price.sale",
    { market: "DE" },
    {
      owner: "erp",
      to: ["shop"],
      foreign: "restore",
      override: { by: "operator", within: "10%", until: "7d" },
    },
  ),
  own("promotion.terms", {}, { owner: "people" }),
  own("stock.*", {}, { owner: "erp" }),
  own("stock.count", { location: "store-*" }, { owner: "till", foreign: "alert" }),
]
const connections = ["pim", "erp", "shop", "till"]
const at = "2026-11-20T10:00:00.000Z"

it("X-04: a complete set of rules has no problem", () => {
  expect(ownershipProblems(rules, connections)).toEqual([])
})

it("X-04: the most specific rule counts, whatever the order of the list", () => {
  expect(ownerOf(rules, "product.title", { locale: "de" })?.owner).toBe("people")
  expect(ownerOf(rules, "product.title", { locale: "fr" })?.owner).toBe("pim")
  expect(ownerOf(rules, "stock.count", { location: "store-117" })?.owner).toBe("till")
  expect(ownerOf(rules, "stock.count", { location: "wh-berlin" })?.owner).toBe("erp")
  expect(ownerOf(rules.toReversed(), "stock.count", { location: "store-117" })?.owner).toBe("till")
})

it("X-04: ties, fields without an owner and owners that do not exist are all named at once", () => {
  const bad: Ownership[] = [
    own("price.base", { market: "DE" }, { owner: "erp" }),
    own("price.base", { channel: "shop" }, { owner: "nobody" }),
    own("product.*", {}, { owner: "pim", to: ["pim"], fresh: "soon" as "5m" }),
  ]
  const messages = ownershipProblems(bad, connections).map(({ message }) => message)
  expect(messages).toContainEqual(expect.stringContaining("equally specific"))
  expect(messages).toContainEqual(expect.stringContaining('its owner "nobody" is no connection'))
  expect(messages).toContainEqual(expect.stringContaining("which owns it"))
  expect(messages).toContainEqual(expect.stringContaining('fresh "soon"'))
  expect(messages).toContainEqual(expect.stringContaining("price.base has no owner"))
  expect(messages).toContainEqual(expect.stringContaining("stock.count has no owner"))
})

it("X-04: a connector that pushes a price it does not own is refused with the rule's name", () => {
  const wanted = { field: "price.base", scope: { market: "FR" }, author: { name: "shop" }, at } as const
  expect(judgeWrite(rules, wanted)).toEqual({
    kind: "alerted",
    rule: "price.*",
    why: "price.base belongs to erp, and shop wrote it",
  })
  expect(judgeWrite(rules, { ...wanted, author: { name: "erp" } })).toEqual({ kind: "accepted", rule: "price.*" })
  expect(judgeWrite([], wanted).kind).toBe("refused")
})

it("X-04: an override needs its role, an end in time, and stays within its share to the cent", () => {
  const wanted = (role: string, days: number, amountMinor: number) =>
    judgeWrite(rules, {
      field: "price.sale",
      scope: { market: "DE" },
      author: { name: "k@example.com", roles: [role] },
      at,
      override: { until: new Date(Date.parse(at) + days * 86_400_000).toISOString() },
      amounts: { wanted: money(amountMinor, "EUR"), owners: money(1000, "EUR") },
    })
  expect(wanted("operator", 7, 900)).toEqual({ kind: "override", rule: "price.sale for market=DE" })
  expect(wanted("operator", 7, 1100).kind).toBe("override")
  expect(wanted("operator", 7, 899)).toMatchObject({ kind: "refused", why: expect.stringContaining("within 10%") })
  expect(wanted("operator", 8, 950)).toMatchObject({ kind: "refused", why: expect.stringContaining("at most 7d") })
  expect(wanted("operator", 0, 950)).toMatchObject({ kind: "refused" })
  expect(wanted("viewer", 1, 950)).toMatchObject({ kind: "refused", why: "only operator may override it" })
})

const pattern = fc.constantFrom("a", "b", "ab", "a*", "ab*", "b*")
const anyScope = fc.record({ channel: pattern, market: pattern, location: pattern }, { requiredKeys: [] })
const anyRule = fc
  .record({
    field: fc.constantFrom("price.base", "price.sale", "price.*", "stock.count", "stock.*"),
    scope: anyScope,
    owner: fc.constantFrom("x", "y"),
  })
  .map(({ field, scope, owner }) => own(field as "price.*", scope, { owner }))
const place = fc.record(
  {
    channel: fc.constantFrom("a", "ab", "abc", "b"),
    market: fc.constantFrom("a", "ab"),
    location: fc.constantFrom("b", "ba"),
  },
  { requiredKeys: [] },
)

it("X-04: for any rules without a tie, one order of the list decides like any other, and no rule is preferred to a narrower one", () => {
  fc.assert(
    fc.property(fc.array(anyRule, { maxLength: 7 }), place, fc.infiniteStream(fc.nat()), (made, where, numbers) => {
      const noTies = made.filter((rule, n) => !made.slice(0, n).some((other) => tie(rule, other)))
      const shuffled = noTies.map((rule) => ({ rule, by: numbers.next().value ?? 0 })).sort((a, b) => a.by - b.by)
      const found = ownerOf(noTies, "price.base", where)
      expect(
        ownerOf(
          shuffled.map(({ rule }) => rule),
          "price.base",
          where,
        ),
      ).toEqual(found)
      const narrower = noTies.filter(
        (rule) =>
          Object.keys(rule.scope).length > Object.keys(found?.scope ?? {}).length &&
          ownerOf([rule], "price.base", where),
      )
      expect(narrower).toEqual([])
      expect(policyVersion(noTies)).toBe(policyVersion(shuffled.map(({ rule }) => rule)))
    }),
  )
})

it("X-04: two rules tie exactly when they are equally specific and one value can be covered by both", () => {
  const names = (one: Ownership) => ruleName(one)
  fc.assert(
    fc.property(anyRule, anyRule, place, (one, other, where) => {
      fc.pre(names(one) !== names(other))
      const both = ownerOf([one], "price.base", where) && ownerOf([other], "price.base", where)
      if (both && !tie(one, other))
        expect(ownerOf([one, other], "price.base", where)).toEqual(ownerOf([other, one], "price.base", where))
    }),
  )
})
