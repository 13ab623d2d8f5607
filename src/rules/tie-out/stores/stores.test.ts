import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { ref } from "../../../canonical/refs.ts"
import { findDayDifferences, findZGaps } from "./days.ts"
import { findFalseGaps, findUnnamedGaps, type GapLook } from "./gaps.ts"
import { findReceiptDifferences, findUntoldConflicts, type KnownContent } from "./receipts.ts"
import { findOverRefunded, findReturnedTwice } from "./returns.ts"

const sale = (n: number) => ref("sale", "117", "3", "2026-11-20", "1", String(n))
const whats = (found: readonly { what: string }[]) => found.map(({ what }) => what)

describe("receipts", () => {
  const printed = [1, 2, 3].map((n) => ({ sale: sale(n), content: `c${n}` }))
  const known = printed.map((one): KnownContent => ({ ...one, standing: "recorded" }))

  test("the same set ties; one lost, doubled, or of no till does not", () => {
    expect(findReceiptDifferences(printed, known)).toEqual([])
    expect(whats(findReceiptDifferences(printed, known.slice(1)))).toEqual(["was printed by its till and is not known"])
    expect(whats(findReceiptDifferences(printed, [...known, ...known.slice(2)]))).toEqual([
      "is known more than once",
      "does not count once",
    ])
    expect(whats(findReceiptDifferences(printed.slice(1), known))).toEqual(["is known, and its till did not print it"])
  })

  test("property: whichever receipts are left out of either side are named, and no others", () => {
    const some = fc.uniqueArray(fc.integer({ min: 1, max: 50 }))
    fc.assert(
      fc.property(some, some, (ours, theirs) => {
        const side = (numbers: number[]) => numbers.map((n) => ({ sale: sale(n), content: "c" }))
        const centre = side(theirs).map((one) => ({ ...one, standing: "recorded" as const }))
        const named = findReceiptDifferences(side(ours), centre).map(({ about }) => about)
        const apart = [...ours.filter((n) => !theirs.includes(n)), ...theirs.filter((n) => !ours.includes(n))]
        expect(named.toSorted()).toEqual(apart.map(sale).toSorted())
      }),
    )
  })

  test("of a number that was used twice one content counts, the other has a case", () => {
    const twice = [...known, { sale: sale(3), content: "other", standing: "conflicting" as const }]
    expect(findReceiptDifferences([...printed, { sale: sale(3), content: "other" }], twice)).toEqual([])
    expect(findUntoldConflicts(twice, [sale(3)])).toEqual([])
    expect(findUntoldConflicts(twice, [])).toMatchObject([{ about: sale(3), expected: "1", found: "0" }])
    expect(findUntoldConflicts(known, [sale(1)])).toMatchObject([{ expected: "0", found: "1" }])
    const both = twice.map((one) => ({ ...one, standing: "recorded" as const }))
    expect(whats(findReceiptDifferences([...printed, { sale: sale(3), content: "other" }], both))).toEqual([
      "does not count once",
    ])
  })
})

describe("gaps", () => {
  const look: GapLook = {
    till: ref("till", "117", "3"),
    epoch: "1",
    given: [1, 2, 3, 4, 5, 6],
    knownBefore: [2, 5],
    missing: [1, 3, 4, 6],
    toldLast: 0,
    named: [{ from: 3, to: 4 }],
  }

  test("what lies between known numbers is named; what nobody told of is not asked for", () => {
    expect([...findUnnamedGaps([look]), ...findFalseGaps([look])]).toEqual([])
    expect(findUnnamedGaps([{ ...look, named: [{ from: 3, to: 3 }] }])).toHaveLength(1)
    expect(findUnnamedGaps([{ ...look, toldLast: 6 }])).toHaveLength(1)
  })

  test("a number that came, or that the till never gave, is not outstanding", () => {
    expect(findFalseGaps([{ ...look, named: [{ from: 3, to: 5 }] }])).toMatchObject([{ expected: "it came" }])
    expect(findFalseGaps([{ ...look, named: [{ from: 6, to: 7 }] }])).toMatchObject([
      { expected: "it was never given" },
    ])
  })
})

describe("days", () => {
  const day = ref("storeDay", "117:2026-11-20")
  const of = (sums: Record<string, number>) => [{ day, currency: "EUR", sums }]

  test("a cent on either side is named with its account", () => {
    expect(
      findDayDifferences("booked", of({ drawer: 100, revenue: -100 }), of({ drawer: 100, revenue: -100 })),
    ).toEqual([])
    expect(findDayDifferences("booked", of({ drawer: 100 }), of({ drawer: 101 }))).toMatchObject([
      { what: "booked drawer", expected: "1.00 EUR", found: "1.01 EUR", atRisk: { amountMinor: 1 } },
    ])
    expect(findDayDifferences("booked", [], of({ drawer: 5 }))).toHaveLength(1)
    expect(findDayDifferences("booked", of({ drawer: 5 }), [])).toHaveLength(1)
  })

  test("Z numbers go on by one", () => {
    const z = (...zNumbers: number[]) => findZGaps([{ storeId: "117", zNumbers }])
    expect([...z(), ...z(4, 5, 3)]).toEqual([])
    expect([z(1, 3), z(1, 1)].map(({ length }) => length)).toEqual([1, 1])
  })
})

test("a unit comes back once, and a tender gives back what it took", () => {
  const line = { about: sale(1), lineId: "1", soldMilli: 1000, returnedMilli: 1000 }
  const tender = { about: sale(1), tender: "cash", currency: "EUR", takenMinor: 500, givenBackMinor: 500 }
  expect([...findReturnedTwice([line]), ...findOverRefunded([tender])]).toEqual([])
  expect(findReturnedTwice([{ ...line, returnedMilli: 2000 }])).toHaveLength(1)
  expect(findOverRefunded([{ ...tender, givenBackMinor: 501 }])).toMatchObject([{ atRisk: { amountMinor: 1 } }])
})
