import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { money } from "../../base/money.ts"
import { epochMs, instant } from "../../base/time.ts"
import { brokenGuard, priceProblems } from "./guards.ts"
import { lowestBefore } from "./lowest-price.ts"
import { nextBoundary, validPrice, type PriceRecord } from "./valid-price.ts"
import { holds, readValidity } from "../../canonical/catalogue/validity.ts"

const euro = (amountMinor: number) => money(amountMinor, "EUR")
const record = (name: string, more: Partial<PriceRecord> = {}): PriceRecord => ({
  record: name,
  source: "erp",
  layer: "owned",
  type: "base",
  amount: euro(1999),
  taxBasis: "inclusive",
  scope: {},
  validity: {},
  ...more,
})
const at = (text: string) => ({ sku: "TEE-M", currency: "EUR", atMs: epochMs(text) })

describe("validity", () => {
  it("PUBLISHING 14: a price that ends on a day ends at the midnight of its zone, not a day late", () => {
    const { from, until } = readValidity({ from: "2026-11-27", until: "2026-11-30", zone: "Europe/Berlin" })
    expect(from).toBe("2026-11-26T23:00:00.000Z")
    expect(until).toBe("2026-11-30T23:00:00.000Z")
    const records = [
      record("base"),
      record("sale", { type: "sale", amount: euro(1499), validity: { from: from ?? "", until: until ?? "" } }),
    ]
    expect(validPrice(records, at("2026-11-30T22:59:59.999Z")).price?.record).toBe("sale")
    expect(validPrice(records, at("2026-11-30T23:00:00.000Z")).price?.record).toBe("base")
  })

  it("PUBLISHING 14: an end that is left out is the midnight before, and one that is included the moment after", () => {
    const until = (written: object) => readValidity({ zone: "Europe/Berlin", ...written }).until
    expect(until({ until: "2026-11-30", endIncluded: false })).toBe("2026-11-29T23:00:00.000Z")
    expect(until({ until: "2026-11-30T23:59:59", endIncluded: true })).toBe("2026-11-30T23:00:00.000Z")
    expect(until({ until: "2026-11-30T23:59", endIncluded: true })).toBe("2026-11-30T23:00:00.000Z")
    expect(until({ until: "2026-11-30T23:59:59.999+01:00", endIncluded: true })).toBe("2026-11-30T23:00:00.000Z")
    expect(until({ until: "2026-11-30T23:59:59Z" })).toBe("2026-11-30T23:59:59.000Z")
  })

  it("PUBLISHING 14: days of summer and winter time have 23 and 25 hours", () => {
    const hours = (day: string) => {
      const { from = "", until = "" } = readValidity({ from: day, until: day, zone: "Europe/Berlin" })
      return (epochMs(until) - epochMs(from)) / 3_600_000
    }
    expect([hours("2026-03-29"), hours("2026-10-25"), hours("2026-11-01")]).toEqual([23, 25, 24])
  })

  it("a day without its zone, an end before its beginning and a 31 November are refused with their place", () => {
    const problems = (written: object) => {
      try {
        readValidity(written)
        return []
      } catch (thrown) {
        return (thrown as { problems: { pointer: string }[] }).problems.map(({ pointer }) => pointer)
      }
    }
    expect(problems({ until: "2026-11-30" })).toEqual(["/until"])
    expect(problems({ from: "2026-11-31", zone: "UTC" })).toEqual(["/from"])
    expect(problems({ from: "2026-12-01", until: "2026-11-01", zone: "UTC" })).toEqual(["/until"])
    expect(problems({ from: "2026-12-01", zone: "Mars/Olympus" })).toEqual(["/zone"])
  })

  const zone = fc.constantFrom(
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Santiago",
  )
  // Around the days on which clocks change in both halves of the world.
  const anyDay = fc
    .integer({ min: 0, max: 500 })
    .map((n) => instant(Date.UTC(2026, 0, 1) + n * 86_400_000).split("T")[0] ?? "")

  it("prices of consecutive days never overlap and leave no gap, whatever the clocks do", () => {
    fc.assert(
      fc.property(zone, anyDay, fc.integer({ min: 0, max: 3 }), (zoneName, day, more) => {
        const next = instant(Date.parse(`${day}T00:00:00Z`) + (more + 1) * 86_400_000).split("T")[0] ?? ""
        const last = instant(Date.parse(`${day}T00:00:00Z`) + more * 86_400_000).split("T")[0] ?? ""
        const one = readValidity({ from: day, until: last, zone: zoneName })
        const other = readValidity({ from: next, until: next, zone: zoneName })
        expect(one.until).toBe(other.from)
        const edge = epochMs(one.until ?? "")
        expect([holds(one, edge - 1), holds(other, edge - 1)]).toEqual([true, false])
        expect([holds(one, edge), holds(other, edge)]).toEqual([false, true])
      }),
    )
  })
})

describe("which price holds", () => {
  it("S-89: the reason says why a price holds, and why the others do not", () => {
    const sale = record("sale", { type: "sale", amount: euro(1499), validity: { until: "2026-11-30T23:00:00.000Z" } })
    const cost = record("cost", { type: "cost", amount: euro(700) })
    const french = record("french", { scope: { market: "FR" } })
    const found = validPrice([record("base"), cost, french, sale], at("2026-11-30T12:00:00.000Z"))
    expect(found.price?.amount).toEqual(euro(1499))
    expect(found.why).toContain(
      "sale price sale of erp holds everywhere, until 2026-11-30T23:00:00.000Z; counts before base",
    )
    expect(found.changesAt).toBe("2026-11-30T23:00:00.000Z")
    const outcomes = Object.fromEntries(found.considered.map(({ record: name, outcome }) => [name, outcome]))
    expect(outcomes).toMatchObject({
      cost: "cost is no price that buyers pay",
      french: "is for market FR",
      sale: "holds",
    })
  })

  it("a sale is never taken for the base price, and nothing is sold at a price that nobody set", () => {
    expect(validPrice([], at("2026-11-30T12:00:00.000Z"))).toMatchObject({ price: undefined })
    expect(
      validPrice([record("usd", { amount: money(1, "USD") })], at("2026-11-30T12:00:00.000Z")).price,
    ).toBeUndefined()
  })

  it("a declared override counts before all else, and lapses by itself", () => {
    const override = record("pin", {
      layer: "override",
      amount: euro(1800),
      validity: { until: "2026-12-01T00:00:00.000Z" },
    })
    const records = [record("sale", { type: "sale", rank: 900, amount: euro(1499) }), override]
    expect(validPrice(records, at("2026-11-30T23:59:59.000Z")).price?.record).toBe("pin")
    expect(validPrice(records, at("2026-12-01T00:00:00.000Z")).price?.record).toBe("sale")
  })

  it("a tier price holds from its quantity on, and a case has a price of its own", () => {
    const records = [
      record("base"),
      record("ten", { type: "tier", amount: euro(1799), scope: { minMilli: 10_000 } }),
      record("case", { scope: { unit: "case" }, amount: euro(20_000) }),
    ]
    const asked = (more: object) => validPrice(records, { ...at("2026-11-30T12:00:00.000Z"), ...more }).price?.record
    expect([asked({ milli: 9999 }), asked({ milli: 10_000 }), asked({ unit: "case" })]).toEqual(["base", "ten", "case"])
  })

  const edges = fc.integer({ min: 0, max: 8 }).map((n) => instant(Date.UTC(2026, 2, 28, 21) + n * 3_600_000))
  const anyRecord = fc.record({
    type: fc.constantFrom("base" as const, "sale" as const, "tier" as const, "cost" as const),
    from: fc.option(edges, { nil: undefined }),
    until: fc.option(edges, { nil: undefined }),
    rank: fc.integer({ min: 0, max: 2 }),
    market: fc.option(fc.constantFrom("DE", "FR"), { nil: undefined }),
  })
  const anyRecords = fc.array(anyRecord, { maxLength: 8 }).map((made) =>
    made.map(({ type, from, until, rank, market }, n) =>
      record(`r${n}`, {
        type,
        rank,
        scope: { ...(market && { market }), ...(type === "tier" && { minMilli: 1000 }) },
        validity: { ...(from && { from }), ...(until && { until }) },
      }),
    ),
  )

  it("the price of overlapping records does not depend on their order, and nothing changes before the next boundary", () => {
    fc.assert(
      fc.property(
        anyRecords,
        fc.integer({ min: -1, max: 9 * 3600 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (records, second, part) => {
          const atMs = Date.UTC(2026, 2, 28, 21) + second * 1000
          const question = { sku: "TEE-M", currency: "EUR", market: "DE", atMs }
          const found = validPrice(records, question)
          expect(validPrice(records.toReversed(), question).price).toEqual(found.price)
          if (found.price) expect(holds(found.price.validity, atMs)).toBe(true)
          const edge = nextBoundary(records, atMs)
          const until = edge === undefined ? atMs + 86_400_000 : epochMs(edge)
          const meanwhile = Math.floor(atMs + (until - atMs) * part)
          expect(validPrice(records, { ...question, atMs: meanwhile }).price).toEqual(found.price)
        },
      ),
    )
  })
})

describe("lowest price before a reduction", () => {
  const shown = [
    { at: "2026-08-01T00:00:00.000Z", amount: euro(1500) },
    { at: "2026-09-20T00:00:00.000Z", amount: euro(1999) },
    { at: "2026-11-20T00:00:00.000Z", amount: euro(1200) },
  ]

  it("PUBLISHING 18: it is counted back from the reduction's start, not from today", () => {
    const startsAt = "2026-11-20T00:00:00.000Z"
    expect(lowestBefore(shown, { startsAt, currency: "EUR" })).toEqual({
      amount: euro(1999),
      from: "2026-10-21T00:00:00.000Z",
      until: startsAt,
      isWholeWindow: true,
    })
    // Weeks into the reduction the claim is the same, although thirty days back from then there was only the reduced price.
    const later = [...shown, { at: "2026-12-24T00:00:00.000Z", amount: euro(999) }]
    expect(lowestBefore(later, { startsAt, currency: "EUR" })?.amount).toEqual(euro(1999))
  })

  it("PUBLISHING 18: a price that still stood when the window began counts, and of a new article nothing whole is claimed", () => {
    const startsAt = "2026-10-10T00:00:00.000Z"
    expect(lowestBefore(shown, { startsAt, currency: "EUR" })?.amount).toEqual(euro(1500))
    expect(lowestBefore(shown.slice(1), { startsAt, currency: "EUR" })).toMatchObject({ isWholeWindow: false })
    expect(lowestBefore([], { startsAt, currency: "EUR" })).toBeUndefined()
  })
})

describe("guards", () => {
  it("PUBLISHING 24: a price of 0 is refused for every variant, and a compare-at of 0 is no price", () => {
    expect(priceProblems(record("zero", { amount: euro(0) }))).toMatchObject([{ pointer: "/amount/amountMinor" }])
    expect(priceProblems(record("cost", { type: "cost", amount: euro(0) }))).toEqual([])
    expect(priceProblems(record("was", { compareAt: { set: euro(0) } }))).toMatchObject([
      { pointer: "/compareAt/set", message: "0 is no price: take it away by `clear`" },
    ])
    expect(priceProblems(record("was", { compareAt: { clear: true } }))).toEqual([])
  })

  it("a price that moves too far or falls below its cost breaks a guard by its name", () => {
    const guards = { largestChangePercent: 50, floorPercentOfCost: 105 }
    const broken = (amount: number, before?: number) =>
      brokenGuard(
        record("x", { amount: euro(amount) }),
        { before: before === undefined ? undefined : euro(before), cost: euro(1000) },
        guards,
      )?.name
    expect(broken(1500, 1000)).toBeUndefined()
    expect(broken(1501, 1000)).toBe("guard: largest change")
    expect(broken(1049)).toBe("guard: floor")
    expect(broken(1050)).toBeUndefined()
  })
})

it("a price that ends before it begins is refused", () => {
  const validity = { from: "2026-12-01T00:00:00Z", until: "2026-11-30T00:00:00.000Z" }
  const problems = priceProblems({
    type: "base",
    amount: money(100, "EUR"),
    taxBasis: "inclusive",
    scope: {},
    validity,
  })
  expect(problems).toEqual([{ pointer: "/validity/until", message: "is not after its beginning" }])
})

it("of prices that are equal in all else the one that was said last holds", () => {
  const records = [record("a", { at: "2026-11-01T00:00:00Z" }), record("b", { at: "2026-11-02T00:00:00Z" })]
  const answer = validPrice(records, at("2026-11-30T12:00:00.000Z"))
  expect(answer).toMatchObject({ price: { record: "b" }, ambiguous: ["a"], why: expect.stringContaining("said later") })
})
