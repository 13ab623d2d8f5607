import { expect, test } from "vitest"
import { cash, goods, item, one, sale, why } from "../../../test/fixtures/sales/poslog-lines.ts"
import type { PoslogPolicy } from "./policy.ts"

const link = `<TransactionLink ReasonCode="Voided"><RetailStoreID>117</RetailStoreID><WorkstationID>3</WorkstationID><SequenceNumber>10441</SequenceNumber></TransactionLink>`
const ofVoid = (inner: string) => sale(link + inner, ' TransactionStatus="PostVoided"')
const sold = (sign: string) => goods(1, `${sign}5.00`) + cash(2, `${sign}5.00`)
const tax = "<Tax><Amount>0.04</Amount><TaxGroupID>T</TaxGroupID></Tax>"
const bottle = (sign: string) => goods(1, `${sign}0.25`, tax) + cash(2, `${sign}0.25`)

test.each<[string, string, PoslogPolicy["voids"]]>([
  ["repeats the sale", "", undefined],
  ["repeats the sale, as is said", "", "as the sale"],
  ["turns it round", "-", "turned round"],
])("a void takes back what its sale did: it %s", (_what, sign, voids) => {
  const found = one(ofVoid(sold(sign)), { policy: { voids } })
  expect(found.unread).toBeUndefined()
  expect(found.receipt).toMatchObject({
    kind: "void",
    voids: { sequence: 10441 },
    lines: [{ amountMinor: -500, quantityMilli: -1000 }],
    tenders: [{ amountMinor: -500 }],
  })
})

test.each<[string, string, PoslogPolicy["voids"]]>([
  ["repeats it", "-", "as the sale"],
  ["turns it round", "", "turned round"],
])("a void of bottles that came back takes their money back: it %s", (_what, sign, voids) => {
  const found = one(ofVoid(bottle(sign)), { policy: { voids } })
  expect(found.unread).toBeUndefined()
  expect(found.receipt).toMatchObject({
    lines: [{ amountMinor: 25, quantityMilli: 1000, taxes: [{ amountMinor: 4 }] }],
    tenders: [{ amountMinor: 25 }],
  })
})

test("a void that may be either is parked", () => {
  const problem =
    "RetailTransaction/LineItem[1]/Sale[1] a void with a negative amount of Sale: whether its sale is turned round or repeated is not clear; say it in policies.sales.poslog.voids"
  expect(why(ofVoid(sold("-")))).toEqual([problem])
  expect(why(ofVoid(bottle("-")))).toEqual([problem])
  expect(why(ofVoid(goods(1, "-0.25") + goods(2, "5.00") + cash(3, "4.75")))).toEqual([problem])
})

test("a void of an exchange takes back what was sold and gives out again what came back", () => {
  const back = goods(2, "2.00").replace("<Sale", "<Return").replace("</Sale>", "</Return>")
  const lines = goods(1, "5.00") + back + item(3, "<Rounding>0.00</Rounding>") + cash(4, "3.00")
  expect(one(ofVoid(lines)).receipt).toMatchObject({
    lines: [{ amountMinor: -500 }, { amountMinor: 200, quantityMilli: 1000 }],
    tenders: [{ amountMinor: -300 }],
  })
})
