import { expect, test } from "vitest"
import { at, cash, goods, item, one, read, sale, why } from "../../../test/fixtures/sales/poslog-lines.ts"
import { poslogFile, transaction } from "../../../test/fixtures/sales/poslog.ts"

const vat = (amount: string, percent = "10") =>
  `<Tax TaxType="VAT"><Amount>${amount}</Amount><Percent>${percent}</Percent></Tax>`

test("tax that is large and finer than money is split to the smallest unit", () => {
  const found = one(
    sale(
      [
        goods(1, "10900901.00", vat("990990.9910")),
        goods(2, "5450450.50", vat("495495.4955")),
        item(9, vat("1486486.49")),
        cash(3, "16351351.50"),
      ].join(""),
    ),
    { currency: "IDR" },
  )
  expect(found.unread).toBeUndefined()
  expect(found.receipt?.lines?.map(({ taxes }) => taxes?.map(({ amountMinor }) => amountMinor))).toEqual([
    [99_099_099],
    [49_549_550],
  ])
})

test("a transaction whose amounts are beyond what can be computed is parked, and the others of its file are read", () => {
  const body = sale(goods(1, "5.00", vat("9999999999999999.001")) + cash(2, "5.00"))
  const plain = sale(goods(1, "5.00") + cash(2, "5.00"))
  const found = read(poslogFile([transaction(at, body), transaction({ ...at, sequence: 10443 }, plain)]))
  expect(found.map(({ receipt, unread }) => [receipt?.sequence, unread?.problems])).toEqual([
    [10442, [{ pointer: "Transaction[1]", message: expect.stringContaining("cannot be read") }]],
    [10443, undefined],
  ])
  expect(why(body)).toHaveLength(1)
})

const back = (n: number, amount: string, tax: string) =>
  goods(n, amount, tax).replace("<Sale", "<Return").replace("</Sale>", "</Return>")
const rate = `<Tax TaxType="VAT"><Percent>10</Percent></Tax>`
const taxesOf = (body: string) =>
  one(body).receipt?.lines?.map(({ taxes = [] }) => taxes.map(({ amountMinor }) => amountMinor))

test("tax of the receipt that is on goods sold and on goods that came back is parked where lines do not say how much", () => {
  const paid = cash(3, "10.00")
  expect(why(sale(goods(1, "20.00", rate) + back(2, "10.00", rate) + item(9, vat("0.91")) + paid))).toEqual([
    "RetailTransaction/LineItem[1]/Sale[1]/Tax[1] the tax of lines that were sold and of lines that came back is not said to the smallest unit of money",
  ])
  const fine = goods(1, "20.00", vat("1.8182")) + back(2, "10.00", vat("-0.9091")) + item(9, vat("0.91"))
  expect(why(sale(fine + paid))[0]).toContain("is not said to the smallest unit")
})

test.each([
  ["net", vat("0.91")],
  ["each by its size", vat("1.82") + vat("0.91")],
  ["as part of it was rounded elsewhere", vat("0.90")],
  ["not at all", ""],
])("where lines say it, it is what lines say, and the till prints it %s", (_what, printed) => {
  const lines = goods(1, "20.00", vat("1.82")) + back(2, "10.00", vat("0.91"))
  expect(taxesOf(sale(lines + item(9, printed) + cash(3, "10.00")))).toEqual([[182], [-91]])
})

test.each([
  ["of another rate", vat("0.50", "5")],
  ["more than lines have", vat("1.90")],
])("a tax that was printed and is on no line is parked: %s", (_what, more) => {
  const lines = goods(1, "20.00", vat("1.82")) + goods(2, "10.00")
  const printed = item(9, more.includes("1.90") ? more : vat("1.82") + more)
  expect(why(sale(lines + printed + cash(3, "30.00")))).toEqual([
    "RetailTransaction/LineItem[3]/Tax[1] the tax that was printed is not the tax of the lines",
  ])
})
