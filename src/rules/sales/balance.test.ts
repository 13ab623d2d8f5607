import { array, assert, constantFrom, integer, option, property, record, type Arbitrary } from "fast-check"
import { describe, expect, test } from "vitest"
import { splitMoney, money } from "../../base/money.ts"
import { offBalanceMinor, shapeProblems } from "../../canonical/sales/receipt-law.ts"
import type { ReceiptLine, SaleTax } from "../../canonical/sales/receipt-line.ts"
import type { Receipt } from "../../canonical/sales/receipt.ts"
import type { StoreLine } from "../../canonical/sales/store-entry.ts"
import { saleReceipt } from "../../../test/fixtures/sales/receipts.ts"
import { countSession, postCounts, tenderTotals } from "./close-day.ts"
import { keyOfLine, lineKey, postReceipt, summed } from "./post-receipt.ts"

const at = { storeId: "117", tillId: "3", sequence: 1 }
const sum = (lines: readonly StoreLine[]) => lines.reduce((total, { amountMinor }) => total + amountMinor, 0)
const on = (lines: readonly StoreLine[], account: string) => sum(lines.filter((line) => line.account === account))

const rates = [
  { code: "DE-19", percent: 19 },
  { code: "DE-7", percent: 7 },
  { code: "US-8.875", percent: 8.875 },
  { code: "NL-21", percent: 21 },
]

interface Part {
  grossMinor: number
  discountPercent: number
  rate: (typeof rates)[number]
  isIncluded: boolean
  isReturned: boolean
  as: NonNullable<ReceiptLine["as"]>
}

/** A line as a till would print it: its tax is rounded by the till, and never computed again. */
function lineOf({ grossMinor, discountPercent, rate, isIncluded, isReturned, as }: Part, n: number): ReceiptLine {
  const sign = isReturned ? -1 : 1
  const discountMinor = Math.round((grossMinor * discountPercent) / 100)
  const rest = grossMinor - discountMinor
  const tax = Math.round(isIncluded ? (rest * rate.percent) / (100 + rate.percent) : (rest * rate.percent) / 100)
  const taxes: SaleTax[] =
    as === "goods" || as === "service" ? [{ code: rate.code, amountMinor: sign * tax, isIncluded }] : []
  return {
    lineId: String(n + 1),
    as,
    sku: `SKU-${n}`,
    quantityMilli: sign * 1000,
    unit: "ea",
    amountMinor: sign * grossMinor,
    taxes,
    ...(discountMinor > 0 ? { discounts: [{ amountMinor: sign * discountMinor }] } : {}),
  }
}

const parts: Arbitrary<Part[]> = array(
  record({
    grossMinor: integer({ min: 0, max: 200_000 }),
    discountPercent: constantFrom(0, 0, 10, 33, 100),
    rate: constantFrom(...rates),
    isIncluded: constantFrom(true, false),
    isReturned: constantFrom(true, false, false),
    as: constantFrom<Part["as"][]>("goods", "goods", "service", "gift card", "deposit", "account payment"),
  }),
  { minLength: 1, maxLength: 8 },
)

const receipts: Arbitrary<Receipt> = record({
  parts,
  tipMinor: option(integer({ min: 1, max: 5000 }), { nil: 0 }),
  roundsToFive: constantFrom(true, false),
  split: integer({ min: 0, max: 100 }),
  changeMinor: constantFrom(0, 0, 2500),
  kind: constantFrom<Receipt["kind"][]>("sale", "sale", "void"),
  currency: constantFrom("EUR", "USD"),
}).map(({ parts: drawn, tipMinor, roundsToFive, split, changeMinor, kind, currency }) => {
  const lines = drawn.map(lineOf)
  const unpaid = { ...at, kind, endedAt: "2026-11-20T10:00:00.000Z", currency: currency as "EUR" } satisfies Receipt
  const charges = tipMinor > 0 ? [{ kind: "tip" as const, amountMinor: tipMinor }] : []
  const due = offBalanceMinor({ ...unpaid, lines, charges })
  const roundingMinor = roundsToFive ? Math.round(due / 5) * 5 - due : 0
  const [card, cash] = splitMoney(money(due + roundingMinor, currency), [split, 100 - split])
  return {
    ...unpaid,
    lines,
    charges,
    roundingMinor,
    tenders: [
      { kind: "card", amountMinor: card?.amountMinor ?? 0, card: { merchantAccount: "m-1" } },
      { kind: "cash", amountMinor: (cash?.amountMinor ?? 0) + changeMinor, changeMinor },
    ],
  }
})

describe("what a receipt moves in the books", () => {
  test("STORES 9, 10, P-21: whatever is sold, given back, discounted, rounded and taxed, a receipt that holds balances, and so does a day of them", () => {
    assert(
      property(array(receipts, { minLength: 1, maxLength: 40 }), (day) => {
        for (const receipt of day) {
          expect(shapeProblems(receipt)).toEqual([])
          expect(offBalanceMinor(receipt)).toBe(0)
          expect(sum(postReceipt(receipt))).toBe(0)
        }
        const entry = summed(day.flatMap(postReceipt))
        expect(sum(entry)).toBe(0)
        // Tax is what was charged, to the cent.
        const charged = day.flatMap(({ lines = [] }) => lines.flatMap(({ taxes = [] }) => taxes))
        expect(on(entry, "tax payable") + charged.reduce((total, { amountMinor }) => total + amountMinor, 0)).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  test("the order of receipts changes no sum, and a key is read as it was written", () => {
    assert(
      property(array(receipts, { maxLength: 20 }), (day) => {
        const byKey = (lines: StoreLine[]) => Object.fromEntries(lines.map((line) => [lineKey(line), line.amountMinor]))
        expect(byKey(summed(day.flatMap(postReceipt)))).toEqual(byKey(summed(day.toReversed().flatMap(postReceipt))))
        for (const line of day.flatMap(postReceipt))
          expect({ ...keyOfLine(lineKey(line)), amountMinor: line.amountMinor }).toEqual(line)
      }),
    )
  })

  test("a receipt and its void, or its whole return, come to nothing", () => {
    assert(
      property(receipts, (receipt) => {
        const flip = (value: unknown): unknown =>
          JSON.parse(
            JSON.stringify(value, (key, inner: unknown) =>
              typeof inner === "number" && key !== "sequence" && inner !== 0 ? -inner : inner,
            ),
          )
        const back = flip(receipt) as Receipt
        expect(summed([...postReceipt(receipt), ...postReceipt(back)])).toEqual([])
      }),
    )
  })

  test("STORES 11: a hundred is given for seventy-five: the drawer has seventy-five more", () => {
    const receipt = saleReceipt({
      ...at,
      amountMinor: 7500,
      tenders: [{ kind: "cash", amountMinor: 10_000, changeMinor: 2500 }],
    })
    expect(offBalanceMinor(receipt)).toBe(0)
    expect(tenderTotals(postReceipt(receipt))).toEqual([{ tender: "cash", amountMinor: 7500 }])
  })

  test("STORES 9: a sale rounded in cash and its refund tie, and what is left over stands on its own account", () => {
    const sold = saleReceipt({
      ...at,
      amountMinor: 1998,
      roundingMinor: 2,
      tenders: [{ kind: "cash", amountMinor: 2000 }],
    })
    const back = saleReceipt({
      ...at,
      sequence: 2,
      amountMinor: -1998,
      tenders: [{ kind: "card", amountMinor: -1998 }],
    })
    const lines = summed([sold, back].flatMap(postReceipt))
    expect(sum(lines)).toBe(0)
    expect(on(lines, "rounding")).toBe(-2)
    expect(on(lines, "revenue") + on(lines, "tax payable")).toBe(0)
  })

  test("STORES 13: a discounted line that comes back takes its discount back, and the day closes", () => {
    const line = (sign: 1 | -1): ReceiptLine => ({
      ...lineOf(
        {
          grossMinor: 1999,
          discountPercent: 33,
          rate: { code: "DE-19", percent: 19 },
          isIncluded: true,
          isReturned: sign < 0,
          as: "goods",
        },
        0,
      ),
    })
    const paid = 1999 - 660
    const sold: Receipt = { ...saleReceipt(at), lines: [line(1)], tenders: [{ kind: "cash", amountMinor: paid }] }
    const back: Receipt = { ...saleReceipt(at), lines: [line(-1)], tenders: [{ kind: "cash", amountMinor: -paid }] }
    expect([offBalanceMinor(sold), offBalanceMinor(back)]).toEqual([0, 0])
    expect(summed([sold, back].flatMap(postReceipt))).toEqual([])
    // What is sold for less is revenue and a discount, both without tax.
    expect(on(postReceipt(sold), "revenue")).toBe(-1680)
    expect(on(postReceipt(sold), "discounts")).toBe(555)
  })

  test("P-19: an exchange is one settlement: only the difference moves money, and nothing is left over", () => {
    for (const [back, out] of [
      [5000, 3000],
      [4000, 4000],
      [3000, 5000],
    ] as const) {
      const [returned, sold] = [saleReceipt({ ...at, amountMinor: -back }), saleReceipt({ ...at, amountMinor: out })]
      const lines = [...(returned.lines ?? []), ...(sold.lines ?? []).map((line) => ({ ...line, lineId: "2" }))]
      const exchange: Receipt = {
        ...saleReceipt(at),
        exchangeGroup: "x-1",
        lines,
        tenders: out === back ? [] : [{ kind: "cash", amountMinor: out - back }],
      }
      expect(offBalanceMinor(exchange)).toBe(0)
      expect(sum(postReceipt(exchange))).toBe(0)
      expect(on(postReceipt(exchange), "drawer")).toBe(out - back)
    }
  })

  test("P-22: a gift card is owed when it is sold and paid with when it is redeemed; it is revenue once, with the goods", () => {
    const sold = saleReceipt({ ...at, amountMinor: 5000 })
    const card: Receipt = {
      ...sold,
      lines: sold.lines?.map((line) => ({ ...line, as: "gift card" as const, taxes: [] })) ?? [],
    }
    const bought = saleReceipt({
      ...at,
      amountMinor: 5000,
      tenders: [{ kind: "gift card", amountMinor: 5000, cardId: "g-1" }],
    })
    expect(on(postReceipt(card), "revenue")).toBe(0)
    expect(on(postReceipt(card), "gift card liability")).toBe(-5000)
    const both = summed([card, bought].flatMap(postReceipt))
    expect(on(both, "gift card liability")).toBe(0)
    expect(on(both, "revenue") + on(both, "tax payable")).toBe(-5000)
  })

  test("training, a suspended and a cancelled sale, a count and a declined card move nothing", () => {
    const nothing: Partial<Receipt>[] = [{ kind: "training" }, { status: "suspended" }, { status: "cancelled" }]
    for (const more of nothing) expect(postReceipt({ ...saleReceipt(at), ...more })).toEqual([])
    expect(postReceipt({ ...saleReceipt(at), kind: "count", lines: [], tenders: [] })).toEqual([])
    const tried = saleReceipt({
      ...at,
      tenders: [
        { kind: "card", amountMinor: 1190, card: { merchantAccount: "m", authorisation: "declined" } },
        { kind: "cash", amountMinor: 1190 },
      ],
    })
    expect(offBalanceMinor(tried)).toBe(0)
    expect(on(postReceipt(tried), "card clearing")).toBe(0)
  })
})

describe("counts", () => {
  const session = { sessionId: "s", currency: "EUR" }
  const cash = (amountMinor: number): StoreLine => ({ account: "drawer", tender: "cash", amountMinor })
  const drawer = () => "drawer" as const

  test("STORES 8: counting again, and closing again, posts a difference once, whatever came in between", () => {
    assert(
      property(
        array(record({ sold: integer({ min: 0, max: 9999 }), off: integer({ min: -99, max: 99 }) })),
        (steps) => {
          let [sold, posted] = [0, 0]
          let before: ReturnType<typeof countSession> = []
          for (const step of steps) {
            sold += step.sold
            const counted = sold + step.off
            const counts = countSession({ ...session, lines: [cash(sold)], counted: { cash: counted } })
            const lines = postCounts(counts, before, drawer)
            expect(sum(lines)).toBe(0)
            posted += on(lines, "drawer")
            before = [...before, ...counts]
            // The drawer in the books is what was counted.
            expect(sold + posted).toBe(counted)
          }
        },
      ),
    )
  })

  test("a tender that was not counted has no difference", () => {
    const counts = countSession({ ...session, lines: [cash(100)], counted: {} })
    expect(counts).toEqual([{ ...session, tender: "cash", expectedMinor: 100 }])
    expect(postCounts(counts, [], drawer)).toEqual([])
  })
})
