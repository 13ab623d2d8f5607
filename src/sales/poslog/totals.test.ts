import { expect, test } from "vitest"
import { cash, goods, item, one, sale, why } from "../../../test/fixtures/sales/poslog-lines.ts"

const total = (amount: string, type = "TransactionGrandAmount") => `<Total TotalType="${type}">${amount}</Total>`
const lines = goods(1, "12.10") + cash(2, "12.10")

test.each([
  { what: "lines that are not all of it", inner: lines, paidMinor: 1210 },
  { what: "no lines at all", inner: "", paidMinor: 0 },
  { what: "its type in other letters", inner: lines, paidMinor: 1210, type: "TRANSACTIONGRANDAMOUNT" },
])("a receipt whose printed total is not what was paid is parked: $what", ({ inner, paidMinor, type }) => {
  expect(why(sale(inner + total("99.00", type)))).toEqual([
    `RetailTransaction/Total adds up to ${paidMinor} minor units that were paid, and the printed total is 9900`,
  ])
})

test.each([
  ["as it was paid", lines, "12.10"],
  ["without a sign of what came back", goods(1, "-12.10") + cash(2, "-12.10"), "12.10"],
  [
    "before cash was rounded",
    `${goods(1, "12.13")}${item(3, "<Rounding><Amount>0.03</Amount></Rounding>")}${cash(2, "12.10")}`,
    "12.13",
  ],
  [
    "after it was",
    `${goods(1, "12.13")}${item(3, "<Rounding><Amount>0.03</Amount></Rounding>")}${cash(2, "12.10")}`,
    "12.10",
  ],
])("a printed total is that of the receipt: %s", (_, inner, printed) => {
  expect(why(sale(inner + total(printed)))).toEqual([])
})

test("totals of other kinds are of parts and say nothing, and two different sums park the receipt", () => {
  expect(why(sale(lines + total("0.00", "TransactionTaxAmount") + total("99.00", "X:GrossPositive")))).toEqual([])
  expect(why(sale(lines + total("12.10") + total("12.00")))).toEqual([
    "RetailTransaction/Total says several sums: expected one TransactionGrandAmount",
  ])
})

test.each([
  { what: "its printed total", inner: total("12.10"), worthMinor: 1210 },
  { what: "the total of what came back", inner: total("-12.10"), worthMinor: -1210 },
  { what: "nothing without a total", inner: "", worthMinor: undefined },
  { what: "nothing by two totals", inner: total("12.10") + total("12.00"), worthMinor: undefined },
  { what: "nothing by a total that is no amount", inner: total("12,10"), worthMinor: undefined },
])("a parked receipt is worth $what", ({ inner, worthMinor }) => {
  const odd = item(2, `<Tender TenderType="Odd"><Amount>12.10</Amount></Tender>`)
  expect(one(sale(goods(1, "12.10") + odd + inner)).unread?.worthMinor).toBe(worthMinor)
})

test("amounts are decimals as XML Schema has them, and nothing that only looks like one", () => {
  expect(one(sale(goods(1, ".50") + cash(2, "+0.5"))).receipt?.lines?.[0]?.amountMinor).toBe(50)
  for (const amount of ["1.234,50", "12,10", "1.21E1", "0x10", ".", "12.10-", "١٢.١٠"])
    expect([amount, why(sale(goods(1, amount) + cash(2, "12.10")))]).toEqual([
      amount,
      ["RetailTransaction/LineItem[1]/Sale[1]/ExtendedAmount expected a decimal amount"],
    ])
})

test("a quantity that contradicts its amount parks the receipt", () => {
  const place = "RetailTransaction/LineItem[1]/Sale[1]/Quantity"
  expect(why(sale(goods(1, "12.10", "", "", "-1") + cash(2, "12.10")))).toEqual([
    `${place} is negative, and the amount is not: whether it was sold or came back cannot be told`,
  ])
  expect(why(sale(goods(1, "12.10", "", "", "0") + cash(2, "12.10")))).toEqual([
    `${place} expected how much of it was sold, not 0`,
  ])
  expect(one(sale(goods(1, "-12.10", "", "", "-1") + cash(2, "-12.10"))).receipt?.lines).toMatchObject([
    { quantityMilli: -1000, amountMinor: -1210 },
  ])
})
