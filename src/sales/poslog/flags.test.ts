import { expect, test } from "vitest"
import { cash, goods, one, sale, why } from "../../../test/fixtures/sales/poslog-lines.ts"

const sold = sale(goods(1, "5.00") + cash(2, "5.00"))

test.each([
  ["TrainingModeFlag", "true", "training"],
  ["TrainingModeFlag", "True", "training"],
  ["TrainingModeFlag", "1", "training"],
  ["TrainingModeFlag", "FALSE", "sale"],
  ["TrainingModeFlag", "0", "sale"],
])("%s=%s is a %s", (flag, word, kind) => {
  const found = one(sold, { attributes: ` ${flag}="${word}"` })
  expect([found.unread, found.receipt?.kind]).toEqual([undefined, kind])
})

test.each(["TrainingModeFlag", "CancelFlag", "OfflineFlag"])(
  "a transaction whose %s is neither yes nor no is parked",
  (flag) => {
    expect(why(sold, { attributes: ` ${flag}="yes"` })).toEqual([`@${flag} expected true or false, not "yes"`])
  },
)

test.each(["CancelFlag", "DeleteFlag", "VoidFlag"])("so is one with a line whose %s is", (flag) => {
  expect(why(sale(goods(1, "5.00", "", ` ${flag}="J"`) + cash(2, "5.00")))).toEqual([
    `RetailTransaction/LineItem[1]/@${flag} expected true or false, not "J"`,
  ])
  const cancelled = goods(3, "7.00", "", ` ${flag}="TRUE"`)
  expect(one(sale(goods(1, "5.00") + cancelled + cash(2, "5.00"))).receipt?.lines).toHaveLength(1)
})

test("what a line says of its tax is yes or no, too", () => {
  const odd = goods(1, "5.00", "<TaxIncludedInPriceFlag>N</TaxIncludedInPriceFlag>")
  expect(why(sale(odd.replace("<Sale", '<Sale TaxableFlag="x"') + cash(2, "5.00")))).toEqual([
    'RetailTransaction/LineItem[1]/Sale[1]/TaxIncludedInPriceFlag expected true or false, not "N"',
    'RetailTransaction/LineItem[1]/Sale[1]/@TaxableFlag expected true or false, not "x"',
  ])
})
