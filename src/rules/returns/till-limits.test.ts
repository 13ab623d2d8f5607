import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { money } from "../../base/money.ts"
import type { BlindPolicy } from "../../canonical/returns/till-policy.ts"
import type { Receipt } from "../../canonical/sales/receipt.ts"
import type { ReceiptLine } from "../../canonical/sales/receipt-line.ts"
import {
  blindBreaches,
  blindGivenMinor,
  blindLines,
  customerBreach,
  givenForGoodsMinor,
  offlineBreaches,
  overMinorOf,
} from "./till-limits.ts"

const euro = (minor: number) => [money(minor, "EUR")]
const line = (amountMinor: number, more: Partial<ReceiptLine> = {}): ReceiptLine => {
  return { lineId: "1", sku: "TEE-M", quantityMilli: amountMinor < 0 ? -1000 : 1000, unit: "ea", amountMinor, ...more }
}
const receipt = (lines: ReceiptLine[], more: Partial<Receipt> = {}): Receipt => ({
  storeId: "117",
  tillId: "3",
  sequence: 1,
  kind: "sale",
  endedAt: "2026-11-20T10:00:00.000Z",
  currency: "EUR",
  cashier: "ina",
  customerId: "c-1",
  lines,
  tenders: [{ kind: "store credit", amountMinor: lines.reduce((sum, one) => sum + one.amountMinor, 0) }],
  ...more,
})
const policy: BlindPolicy = { aloneUpTo: euro(2000), approvedUpTo: euro(10_000), tenders: ["store credit"] }
const whys = (...of: Parameters<typeof blindBreaches>) => blindBreaches(...of).map(({ why }) => why)
const none = new Map()

describe("goods without their receipt", () => {
  test("are lines that take goods back and name neither a receipt nor an order nor a return", () => {
    const blind = line(-500)
    const others = [
      line(500),
      line(-500, { returned: { original: { storeId: "117", documentId: "x" } } }),
      line(-500, { returned: { orderId: "ord_0123456789abcdef" } }),
      line(-500, { returned: { returnId: "ret_0123456789abcdef" } }),
      line(-500, { as: "deposit" }),
      line(-500, { orderId: "ord_0123456789abcdef" }),
    ]
    expect(blindLines(receipt([blind, ...others]))).toEqual([blind])
    expect(blindLines(receipt([line(-500, { returned: { reason: "too small" } })]))).toHaveLength(1)
    // A void takes out what was sold a moment before.
    expect(blindLines(receipt([blind], { kind: "void" }))).toEqual([])
  })

  test("are taken back never, where the policy says so: all that was given is beyond it", () => {
    expect(blindBreaches(receipt([line(-500), line(3000)]), "never", none)).toEqual([
      { why: "nothing is taken back without its receipt", overMinor: 500 },
    ])
    expect(blindBreaches(receipt([line(3000)]), "never", none)).toEqual([])
  })

  test.each([
    { name: "within the limit", given: 2000, more: {}, over: 0, says: "" },
    { name: "above it and alone", given: 2500, more: {}, over: 500, says: "nobody approved it" },
    { name: "approved", given: 2500, more: { override: { approver: "bea" } }, over: 0, says: "" },
    {
      name: "approved by the cashier",
      given: 2500,
      more: { override: { approver: "ina" } },
      over: 500,
      says: "ina is the cashier",
    },
    {
      name: "approved by somebody who may not",
      given: 2500,
      more: { override: { approver: "tom" } },
      over: 500,
      says: "tom may not approve",
    },
    {
      name: "above what an approver may",
      given: 12_000,
      more: { override: { approver: "bea" } },
      over: 2000,
      says: "above the limit of 100.00",
    },
    { name: "in a currency without a limit", given: 1, more: { currency: "CHF" }, over: 1, says: "0.00 CHF" },
  ])("$name", ({ given, more, over, says }) => {
    const found = blindBreaches(
      receipt([line(-given)], more as Partial<Receipt>),
      { ...policy, approvers: ["bea"] },
      none,
    )
    expect(overMinorOf(found)).toBe(over)
    expect(found.map(({ why }) => why).join()).toContain(says)
  })

  test("go back by the means of the policy only; what pays for goods on the same receipt does not go back", () => {
    const cash = receipt([line(-1500)], { tenders: [{ kind: "cash", amountMinor: -1500 }] })
    expect(blindBreaches(cash, policy, none)).toEqual([
      { why: "15.00 EUR went back as cash and not as store credit", overMinor: 1500 },
    ])
    const exchanged = receipt([line(-1500), line(2500)], { tenders: [{ kind: "cash", amountMinor: 1000 }] })
    expect(blindBreaches(exchanged, policy, none)).toEqual([])
    // Half of what went back was for a line with its receipt.
    const both = receipt([line(-1500), line(-700, { returned: { original: { storeId: "117", documentId: "x" } } })], {
      tenders: [{ kind: "cash", amountMinor: -2200 }],
    })
    expect(overMinorOf(blindBreaches(both, policy, none))).toBe(1500)
  })

  test("are worth their lowest price, with or without tax as that price is, to the roundings of the till", () => {
    const dear = { ...policy, aloneUpTo: euro(100_000), lowestPrice: { days: 30 } }
    const taxes = [{ code: "DE-19", amountMinor: -319, isIncluded: true }]
    const one = receipt([line(-1999, { taxes })])
    const at = (lowest: object) => new Map([["1", lowest]])
    expect(whys(one, dear, at({ inclusive: 1999 }))).toEqual([])
    expect(whys(one, dear, at({ inclusive: 1997 }))).toEqual([])
    expect(blindBreaches(one, dear, at({ inclusive: 1499 }))).toEqual([
      { why: "TEE-M was 14.99 EUR at its lowest", overMinor: 500 },
    ])
    expect(whys(one, dear, at({ exclusive: 1680 }))).toEqual([])
    expect(overMinorOf(blindBreaches(one, dear, at({ exclusive: 1180 })))).toBe(500)
    expect(blindBreaches(one, dear, none)).toEqual([{ why: "nobody knows a price of TEE-M", overMinor: 1999 }])
    const byCase = receipt([line(-1999, { unit: "case" })])
    expect(blindBreaches(byCase, dear, new Map([["1", "another unit"]]))).toEqual([
      { why: "the prices of TEE-M are not known to be of its unit case", overMinor: 1999 },
    ])
    const three = receipt([line(-4500, { quantityMilli: -3000 })])
    expect(whys(three, dear, at({ inclusive: 1500 }))).toEqual([])
    expect(overMinorOf(blindBreaches(three, dear, at({ inclusive: 1000 })))).toBe(1500)
  })

  test("are a customer's so often within so many days, in the order in which they came", () => {
    const often = { ...policy, perCustomer: { receipts: 2, days: 30 } }
    const day = (n: number) => ({ givenMinor: 500, atMs: n * 86_400_000 })
    expect(customerBreach([day(1), day(2)], often)).toEqual([])
    expect(customerBreach([day(1), day(2), day(3)], often)).toMatchObject([{ overMinor: 500 }])
    expect(customerBreach([day(1), day(2), day(31)], often)).toEqual([])
    // One that comes late is counted with those that are near it, whichever was first.
    expect(customerBreach([day(20), day(22), day(3)], often)).toHaveLength(1)
    expect(whys(receipt([line(-500)]), often, none)).toEqual([])
    const { customerId: _nobody, ...unnamed } = receipt([line(-500)])
    expect(whys(unnamed, often, none)).toEqual(["the receipt names no customer"])
  })

  test("are beyond the policy by no more than was given, however many rules they break", () => {
    const amounts = fc.integer({ min: 1, max: 50_000 })
    fc.assert(
      fc.property(fc.array(amounts, { minLength: 1, maxLength: 5 }), amounts, amounts, (given, limit, price) => {
        const all = receipt(
          given.map((minor, n) => line(-minor, { lineId: String(n) })),
          { tenders: [{ kind: "cash", amountMinor: -given.reduce((sum, minor) => sum + minor, 0) }] },
        )
        const hard: BlindPolicy = { aloneUpTo: euro(limit), tenders: ["store credit"], lowestPrice: { days: 30 } }
        const lowest = new Map(given.map((_, n) => [String(n), n % 2 === 0 ? { inclusive: price } : {}]))
        expect(overMinorOf(blindBreaches(all, hard, lowest))).toBeLessThanOrEqual(blindGivenMinor(all))
      }),
    )
  })
})

describe("what a till gives back while it is offline", () => {
  const offline = { receiptUpTo: euro(5000), tillDayUpTo: euro(8000) }
  const given = (...minor: number[]) => minor.map((givenMinor) => ({ givenMinor }))

  test("is so much on one receipt, and so much a day: the receipt that goes beyond is told with what is beyond", () => {
    expect(offlineBreaches(given(5000), { offline }, "EUR")).toEqual([])
    expect(offlineBreaches(given(6000), { offline }, "EUR")).toMatchObject([{ overMinor: 1000 }])
    expect(offlineBreaches(given(5000, 3000), { offline }, "EUR")).toEqual([])
    expect(offlineBreaches(given(5000, 4000), { offline }, "EUR")).toMatchObject([{ overMinor: 1000 }])
    // What went before is told already.
    expect(offlineBreaches(given(5000, 5000, 500), { offline }, "EUR")).toMatchObject([{ overMinor: 500 }])
  })

  test("is not limited in a currency that is not named, nor where nobody limits it", () => {
    expect(offlineBreaches(given(900_000), { offline }, "CHF")).toEqual([])
    expect(offlineBreaches(given(900_000), {}, "EUR")).toEqual([])
  })

  test("has lines with their receipt and without, and not what a return pays or an order hands over", () => {
    const all = receipt([
      line(-500),
      line(-700, { returned: { original: { storeId: "117", documentId: "x" } } }),
      line(-900, { returned: { returnId: "ret_0123456789abcdef" } }),
      line(-900, { orderId: "ord_0123456789abcdef" }),
      line(5000),
    ])
    expect(givenForGoodsMinor(all)).toBe(1200)
  })
})
