import { expect, test } from "vitest"
import { cash, goods, item, one, sale, why } from "../../../test/fixtures/sales/poslog-lines.ts"

const many = (count: number, of: (n: number) => string) => Array.from({ length: count }, (_, n) => of(n)).join("")
const tender = (n: number) => cash(n, "0.01")
const tax = (n: number) => `<Tax><Amount>0.01</Amount><TaxGroupID>T${n}</TaxGroupID></Tax>`
const modifier = `<RetailPriceModifier><Amount Action="Subtract">0.01</Amount></RetailPriceModifier>`
const discount = "<Discount><Amount>0.01</Amount></Discount>"

test.each([
  ["lines", many(2001, (n) => goods(n, "1.00")), "LineItem[2001] expected at most 2000 lines in a receipt"],
  ["lines in one", item(1, "<Sale/>".repeat(1001)), "LineItem[1] has more than 1000 parts"],
  ["tenders", many(101, tender), "LineItem[101] expected at most 100 tenders in a receipt"],
  ["taxes", item(1, many(101, tax)), "LineItem[1] expected at most 100 taxes in a receipt"],
  ["discounts", item(1, discount.repeat(51)), "LineItem[1] expected at most 50 discounts in a receipt"],
  ["taxes of a line", goods(1, "1.00", many(21, tax)), "LineItem[1]/Sale[1]/Tax expected at most 20, not 21"],
  [
    "discounts of a line",
    goods(1, "1.00", modifier.repeat(51)),
    "LineItem[1]/Sale[1]/RetailPriceModifier expected at most 50, not 51",
  ],
  [
    "different taxes",
    many(101, (n) => goods(n, "1.00", tax(n))),
    "LineItem[1]/Sale[1]/Tax[1] expected at most 100 different taxes in a receipt",
  ],
  [
    "discounts on the whole of many lines",
    many(1001, (n) => goods(n, "1.00")) + item(1, discount.repeat(20)),
    " has 20 discounts on the whole of 1001 lines, which is too much for a receipt",
  ],
])("a receipt with too many %s is parked before its ways of reading are tried", (_what, lines, problem) => {
  const [first, ...others] = why(sale(lines))
  expect(others).toEqual([])
  expect(first).toBe(`RetailTransaction${problem.startsWith(" ") ? "" : "/"}${problem}`)
})

test("of a receipt with many problems no more are looked for than are told", () => {
  expect(why(sale("<LineItem><Odd/></LineItem>".repeat(3000)))).toHaveLength(50)
})

test("a long receipt whose lines are void by the one before, with discounts and tax, is read", () => {
  const voided = many(100, (n) => goods(n, "1.00") + goods(n + 100, "1.00", "", ' VoidFlag="true"'))
  const kept = many(200, (n) => goods(n + 200, "2.00", modifier + tax(n % 100)))
  const paid = (amount: string) => one(sale(voided.replaceAll(/A-\d+/g, "A") + kept + cash(400, amount)))
  // 200 × (2.00 − 0.01), with and without the 100 that are void or are not.
  expect(paid("398.00").receipt?.lines).toHaveLength(200)
  expect(paid("498.00").receipt?.lines).toHaveLength(300)
  expect(paid("397.00").unread?.problems[0]?.message).toContain("does not add up in any of 8 ways")
})
