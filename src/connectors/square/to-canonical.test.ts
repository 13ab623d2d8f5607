import { expect, test } from "vitest"
import { giveBack } from "../../../lab/square/refunds.ts"
import { ringUp, type Sale } from "../../../lab/square/register.ts"
import { offBalanceMinor } from "../../canonical/sales/receipt-law.ts"
import type { EventData } from "../../canonical/events.ts"
import { checkEvent } from "../../canonical/check-event.ts"
import { translateRead } from "./to-canonical.ts"

// Orders by the rules of Square's documents (lab/square/real.md), and what of them must not be believed.

const settings = { locations: { L1: { storeId: "store-1" } } }
let ids = 0
const nextId = () => `id${(ids += 1)}`
const made = (more: Partial<Sale> = {}) =>
  ringUp({ locationId: "L1", lines: [{ variationId: "V1", price: 1210 }], at: "2026-11-20T10:00:00Z", ...more }, nextId)
const told = (order: object, more: object = {}, of: object = {}) =>
  translateRead(
    { type: "crossdock.order.read", order, payments: [], refunds: [], skus: { V1: "SKU-1" }, sources: {}, ...more },
    { system: "square", settings: { ...settings, ...of } },
  )
function receiptIn({ events }: ReturnType<typeof told>): EventData<"receipt.told"> {
  const [event] = events
  if (event === undefined) throw new Error("nothing was told")
  expect(checkEvent(event)).toEqual([])
  return event.data as EventData<"receipt.told">
}
const problems = (translation: ReturnType<typeof told>) =>
  (receiptIn(translation).unread?.problems ?? []).map(({ pointer, message }) => `${pointer} ${message}`)

test("the law holds for whatever a register rings up, also in yen", () => {
  const sales: Partial<Sale>[] = [
    { tax: { name: "T", percentage: 8.25, type: "ADDITIVE" }, tip: 100, tenders: [{ type: "CARD" }] },
    { tax: { name: "T", percentage: 21, type: "INCLUSIVE" }, discount: { name: "D", percentage: 33 } },
    { serviceCharge: { name: "S", percentage: 12.5 }, roundTo: 5, tenders: [{ type: "CASH", given: 5000 }] },
    {
      currency: "JPY",
      lines: [{ variationId: "V1", price: 333, quantity: "1.5" }],
      tenders: [{ type: "CASH", given: 600 }],
    },
    { lines: [{ variationId: "V1", price: 0 }], tenders: [] },
    {
      lines: [
        { itemType: "GIFT_CARD", price: 2500 },
        { itemType: "CUSTOM_AMOUNT", price: 99 },
      ],
    },
  ]
  for (const sale of sales) {
    const { order, payments } = made(sale)
    const { receipt, unread } = receiptIn(told(order, { payments }))
    expect(unread).toBeUndefined()
    expect(offBalanceMinor(receipt)).toBe(0)
    if ((order.tenders ?? []).length === 0) continue
    const back = giveBack(
      order,
      { orderId: order.id, lines: [{ line: 0, quantity: 1 }] },
      { nextId, sourceType: "CASH" },
    )
    const returned = receiptIn(told(back.order, { payments, refunds: [back.refund] }))
    expect(offBalanceMinor(returned.receipt)).toBe(0)
  }
})

test("read by other settings, or after fees and versions changed, it is the same fact", () => {
  const { order, payments } = made({ tax: { name: "VAT", percentage: 21, type: "INCLUSIVE" } })
  const [first] = told(order, { payments }).events
  const later = { ...order, version: 9, updated_at: "2026-11-21T00:00:00Z", refunds: [{ id: "r" }], return_amounts: {} }
  expect(told(later, { payments }, { taxCodes: { VAT: "NL-21" } }).events[0]?.fact).toBe(first?.fact)
  const dearer = { ...order, total_money: { amount: 1, currency: "EUR" } }
  expect(told(dearer, { payments }).events[0]?.fact).not.toBe(first?.fact)
})

test("what is not COMPLETED is no receipt, and a state that nobody explained is parked", () => {
  const { order } = made()
  for (const state of ["OPEN", "DRAFT", "CANCELED"]) expect(told({ ...order, state }).events).toEqual([])
  expect(() => told({ ...order, state: "PARTLY" })).toThrow(/"PARTLY" is not known/)
})

test("an unknown location waits, with the money of its receipt", () => {
  const { order, payments } = made()
  const { events, refused } = told({ ...order, location_id: "L9" }, { payments })
  expect(events).toEqual([])
  expect(refused?.[0]?.problems[0]?.message).toContain("L9")
  expect(refused?.[0]?.part?.money).toEqual({ amountMinor: 1210, currency: "EUR" })
})

test("words that nobody explained, and sums that differ, are parked with their places", () => {
  const { order, payments } = made({
    tax: { name: "VAT", percentage: 21, type: "ADDITIVE" },
    tenders: [{ type: "CARD" }],
  })
  const [line] = order.line_items ?? []
  const [tender] = order.tenders ?? []
  const cases: [object, RegExp][] = [
    [
      { taxes: order.taxes?.map((tax) => ({ ...tax, type: "UNKNOWN_TAX" })) },
      /taxes\/0\/type "UNKNOWN_TAX" is not known/,
    ],
    [{ line_items: [{ ...line, item_type: "SUBSCRIPTION" }] }, /item_type "SUBSCRIPTION" is not known/],
    [{ tenders: [{ ...tender, type: "SEASHELLS" }] }, /tenders\/0\/type "SEASHELLS" is not known/],
    [{ total_money: { amount: 1, currency: "EUR" } }, /total_money is 1 minor units/],
    [
      { line_items: [{ ...line, base_price_money: null, variation_total_price_money: null }] },
      /variation_total_price_money is missing/,
    ],
    [{ line_items: [{ ...line, quantity: "0.00001" }] }, /quantity "0.00001" is not a quantity/],
    [{ total_tip_money: { amount: 5, currency: "EUR" } }, /total_tip_money is 5 minor units/],
  ]
  for (const [change, message] of cases)
    expect(problems(told({ ...order, ...change }, { payments })).join("\n")).toMatch(message)
  expect(problems(told(order, { payments, skus: { V1: null } })).join()).toContain("has no SKU in Square")
  expect(problems(told(order, { payments, skus: {} })).join()).toContain("is not known to Square")
  expect(problems(told(order, { payments }, { taxCodes: { other: "X" } })).join()).toContain("has no code in taxCodes")
  expect(problems(told(order)).join()).toContain("Square does not have this payment")
})

test("a voided payment moves nothing, and one that is not taken yet parks the receipt", () => {
  const { order, payments } = made({ tenders: [{ type: "CARD", amount: 0, status: "FAILED" }, { type: "CASH" }] })
  expect(receiptIn(told(order, { payments })).receipt.tenders).toMatchObject([{ kind: "cash", amountMinor: 1210 }])
  const held = made({ tenders: [{ type: "CARD", status: "APPROVED" }] })
  expect(problems(told(held.order, { payments: held.payments })).join()).toContain("has not been taken yet")
})

test("a refund goes back the way Square says, a failed one gave nothing, and a pending one is the same as when it arrived", () => {
  const { order, payments } = made({ tenders: [{ type: "CARD" }] })
  const back = (status: string, destination = "CARD") =>
    giveBack(
      order,
      { orderId: order.id, amount: 500, status, destination, at: "2026-11-21T10:00:00Z" },
      { nextId: () => "same", sourceType: "CARD" },
    )
  const read = ({ order: of, refund }: ReturnType<typeof back>) =>
    told(of, { payments, refunds: [refund], sources: { [order.id]: "L1" } })
  expect(receiptIn(read(back("COMPLETED", "CASH"))).receipt.tenders).toEqual([{ kind: "cash", amountMinor: -500 }])
  const pending = read(back("PENDING"))
  expect(receiptIn(pending).receipt).toMatchObject({
    lines: [
      { quantityMilli: -1000, amountMinor: -500, returned: { original: { storeId: "store-1", documentId: order.id } } },
    ],
    tenders: [{ kind: "card", amountMinor: -500 }],
  })
  expect(read(back("COMPLETED")).events[0]?.fact).toBe(pending.events[0]?.fact)
  const failed = read(back("FAILED"))
  expect(failed.events[0]?.fact).not.toBe(pending.events[0]?.fact)
  expect(offBalanceMinor(receiptIn(failed).receipt)).toBe(-500)
})
