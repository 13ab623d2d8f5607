import { expect, test } from "vitest"
import { saleReceipt } from "../../../test/fixtures/sales/receipts.ts"
import { numbered, offBalanceMinor, receiptDigest, shapeProblems } from "./receipt-law.ts"

const at = { storeId: "117", tillId: "3", sequence: 1 }
const dayOf = (endedAt: string, timeZone: string, dayEndsAt = "00:00") =>
  numbered(saleReceipt({ ...at, endedAt }), { timeZone, dayEndsAt }).businessDay

test("STORES 5, P-23: eight in the evening in Honolulu, ten hours behind, is still the store's day", () => {
  expect(dayOf("2026-11-21T06:00:00.000Z", "Pacific/Honolulu")).toBe("2026-11-20")
})

test.each([
  ["in summer", "2026-07-18T23:30:00.000Z", "2026-07-18"],
  ["in the night the clocks go forward", "2026-03-29T00:30:00.000Z", "2026-03-28"],
  ["in the night the clocks go back, before they do", "2026-10-24T23:30:00.000Z", "2026-10-24"],
  ["in the night the clocks go back, after they did", "2026-10-25T01:30:00.000Z", "2026-10-24"],
])("STORES 6: half past one with a cut-off at four is the day before, %s", (_when, endedAt, day) => {
  expect(dayOf(endedAt, "Europe/Berlin", "04:00")).toBe(day)
})

test("STORES 6: the day's own stamp by the till wins over the clock", () => {
  const stamped = saleReceipt({ ...at, endedAt: "2026-11-21T06:00:00.000Z", businessDay: "2026-11-20" })
  expect(numbered(stamped, { timeZone: "Europe/Berlin" }).businessDay).toBe("2026-11-20")
})

test("the digest is of the content, not of the order of its fields, and says whatever differs", () => {
  const receipt = numbered(saleReceipt(at), { timeZone: "UTC" })
  const shuffled = Object.fromEntries(Object.entries(receipt).toReversed()) as typeof receipt
  expect(receiptDigest(shuffled)).toBe(receiptDigest(receipt))
  expect(receiptDigest({ ...receipt, cashier: "ina" })).not.toBe(receiptDigest(receipt))
})

test("a receipt of a cent too much is off by a cent, and one that moves nothing is never off", () => {
  const wrong = saleReceipt({ ...at, tenders: [{ kind: "cash", amountMinor: 1189 }] })
  expect(offBalanceMinor(wrong)).toBe(1)
  expect(offBalanceMinor({ ...wrong, status: "suspended" })).toBe(0)
})

test("what a kind of receipt cannot have is named with its place", () => {
  const lines = saleReceipt(at).lines ?? []
  const wrong = {
    ...saleReceipt(at),
    kind: "paid-out" as const,
    businessDay: "2026-02-30",
    lines: [...lines, ...lines],
  }
  expect(shapeProblems(wrong).map(({ pointer }) => pointer)).toEqual([
    "/lines",
    "/tenders",
    "/money",
    "/businessDay",
    "/lines/1/lineId",
  ])
})
