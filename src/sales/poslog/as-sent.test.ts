import { expect, test } from "vitest"
import { goods, item, one, sale } from "../../../test/fixtures/sales/poslog-lines.ts"

const card = "4111 1111 1111 1111"

test("what is parked is kept without the buyer and the card", () => {
  const odd = item(
    2,
    `<Tender TenderType="Odd"><Amount>5.00</Amount><CreditDebit><PrimaryAccountNumber>${card}</PrimaryAccountNumber></CreditDebit></Tender>`,
  )
  const kept = one(sale(`<Customer><Name>Ina Ohm</Name></Customer>${goods(1, "5.00")}${odd}`)).unread?.asSent
  expect(kept).toContain('<Tender TenderType="Odd"><Amount>5.00</Amount><CreditDebit/></Tender>')
  expect(kept).toContain('<Sale ItemType="Stock"><ItemID>A-1</ItemID><ExtendedAmount>5.00</ExtendedAmount>')
  expect(kept).not.toMatch(/4111|Ohm/)
})

test.each([
  ["an element that is not known", `<CardHolder><Account>${card}</Account><FullName>Ina Ohm</FullName></CardHolder>`],
  ["an attribute that is not known", `<Odd Account="${card}" FullName="Ina Ohm"/>`],
  ["a text that is known", `<Reason>back on ${card}</Reason>`],
  ["an attribute that is known", `<Odd ReasonCode="${card}"/>`],
  ["the number of a card that is a voucher's", "<Voucher><SerialNumber>6006491286999929</SerialNumber></Voucher>"],
])("of %s no card and no name is kept", (_what, inner) => {
  const found = one(sale(goods(1, "5.00") + item(2, `<Tender TenderType="Odd"><Amount>5.00</Amount>${inner}</Tender>`)))
  expect(found.unread?.asSent).toContain("<Amount>5.00</Amount><")
  expect(found.unread?.asSent).not.toMatch(/4111|1111 1111|Ohm|600649/)
})

test("what is wrong, and why goods came back, is told without a card", () => {
  const odd = one(sale(goods(1, "5.00", `<SpecialOrderNumber>${card}</SpecialOrderNumber>`)))
  expect(odd.unread?.problems[0]?.message).toContain('"…1111" is an order of another system')
  const back = item(
    1,
    `<Return><ItemID>A-1</ItemID><ExtendedAmount>5.00</ExtendedAmount><Quantity>1</Quantity><TransactionLink><TransactionID>${card}</TransactionID></TransactionLink><Reason>to ${card}</Reason></Return>`,
  )
  const refund = item(2, `<Tender TypeCode="Refund" TenderType="Cash"><Amount>5.00</Amount></Tender>`)
  expect(one(sale(back + refund)).receipt?.lines?.[0]?.returned).toEqual({
    reason: "to …1111, of TransactionID …1111",
  })
})
