import { expect, test } from "vitest"
import { one, why } from "../../../test/fixtures/sales/poslog-lines.ts"

const control = (inner: string) => `<TenderControlTransaction>${inner}</TenderControlTransaction>`
const settle = `<TillSettle><TenderSummary><Ending TenderType="Cash"><Amount>5.00</Amount></Ending></TenderSummary></TillSettle>`

test.each([
  ["beside the amount", `<TenderPickup><Amount TenderType="Check">5.00</Amount></TenderPickup>`, "Check"],
  ["of the totals", `<TenderPickup><Totals TenderType="Check"><Amount>5.00</Amount></Totals></TenderPickup>`, "Check"],
  ["of the movement", `<TenderPickup TenderType="CreditDebit"><Amount>5.00</Amount></TenderPickup>`, "card"],
  [
    "nobody names",
    `<TenderPickup><Amount>5.00</Amount><Totals><Amount>5.00</Amount></Totals></TenderPickup>`,
    undefined,
  ],
])("money moves by the tender %s", (_what, movement, tender) => {
  const found = one(control(movement))
  expect(found.unread).toBeUndefined()
  expect(found.receipt).toMatchObject({ kind: "safe-drop", money: { amountMinor: 500 } })
  expect(found.receipt?.money?.tender).toBe(tender)
})

test.each([
  ["<PaidIn><Amount>5.00</Amount></PaidIn><PaidIn><Amount>2.00</Amount></PaidIn>", " moves money 2 times"],
  ["<PaidIn><Amount>5.00</Amount></PaidIn><PaidOut><Amount>2.00</Amount></PaidOut>", " moves money 2 times"],
  [`<TenderPickup><Amount>5.00</Amount></TenderPickup>${settle}`, " moves money 2 times"],
  [`${settle}${settle}`, " moves money 2 times"],
  [
    `<TenderPickup><Totals TenderType="Cash"><Amount>5.00</Amount></Totals><Totals TenderType="Check"><Amount>2.00</Amount></Totals></TenderPickup>`,
    "/TenderPickup moves several tenders at once",
  ],
  ["<PaidIn><Amount>5.00</Amount><Amount>2.00</Amount></PaidIn>", "/PaidIn/Amount says several amounts"],
  [
    "<PaidIn><Totals><Amount>5.00</Amount><Amount>2.00</Amount></Totals></PaidIn>",
    "/PaidIn/Amount says several amounts",
  ],
  [
    "<PaidIn><Amount>5.00</Amount><Totals><Amount>2.00</Amount></Totals></PaidIn>",
    "/PaidIn/Amount says several amounts",
  ],
  ["<PaidIn><Amount>-5.00</Amount></PaidIn>", "/PaidIn/Amount is negative"],
  ["<TenderLoan><Totals><Amount>-5.00</Amount></Totals></TenderLoan>", "/TenderLoan/Totals/Amount is negative"],
])("a movement that is not one amount of one tender is parked: %s", (movement, problem) => {
  const [first, ...others] = why(control(movement))
  expect(others).toEqual([])
  expect(first).toContain(`TenderControlTransaction${problem}`)
})
