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
