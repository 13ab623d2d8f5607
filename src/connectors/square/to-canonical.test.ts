import { expect, test } from "vitest"
import type { Order } from "../../../lab/square/records.ts"
import { giveBack, orderStatus } from "../../../lab/square/refunds.ts"
import { ringUp, type Sale } from "../../../lab/square/register.ts"
import { offBalanceMinor } from "../../canonical/sales/receipt-law.ts"
import { aboutOf, type EventData } from "../../canonical/events.ts"
import { checkEvent } from "../../canonical/check-event.ts"
import { withoutPersonal } from "./payloads.ts"
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
    [
      { tenders: [{ ...tender, amount_money: { amount: -1464, currency: "EUR" } }] },
      /amount_money must not be negative/,
    ],
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
  const unsaid = held.payments.map((payment) => ({ ...payment, status: undefined }))
  expect(problems(told(held.order, { payments: unsaid })).join()).toContain("/payments/0/status is missing")
})

test("the tip of a voided payment was not given", () => {
  const { order, payments } = made({ tip: 100, tenders: [{ type: "CARD" }] })
  const [tender] = order.tenders ?? []
  const again = { ...tender, id: "again", payment_id: "again" }
  const paid = [
    { ...payments[0], status: "CANCELED" },
    { ...payments[0], id: "again" },
  ]
  const { receipt, unread } = receiptIn(told({ ...order, tenders: [tender, again] }, { payments: paid }))
  expect([unread, offBalanceMinor(receipt)]).toEqual([undefined, 0])
  expect(receipt.charges).toEqual([{ kind: "tip", amountMinor: 100 }])
})

test("names, accounts and words of people are not kept", () => {
  const payment = {
    id: "P1",
    wallet_details: { brand: "CASH_APP", cash_app_details: { buyer_full_name: "Ada L", buyer_cashtag: "$ada" } },
    bank_account_details: { ach_details: { account_number_suffix: "000" } },
    receipt_url: "https://squareup.com/receipt/preview/P1",
  }
  expect(withoutPersonal({ payment, refunds: [{ id: "R1", reason: "Ada was unwell" }] })).toEqual({
    payment: { id: "P1", wallet_details: { brand: "CASH_APP" } },
    refunds: [{ id: "R1" }],
  })
})

const returnOf = (status: string, destination = "CARD") => {
  const { order, payments } = made({ tenders: [{ type: "CARD" }] })
  const wanted = { orderId: order.id, amount: 500, status, destination, at: "2026-11-21T10:00:00Z" }
  const back = giveBack(order, wanted, { nextId: () => "same", sourceType: "CARD" })
  return { sold: order, back, payments }
}
/** As the order is when the refund is so. */
const readReturn = (
  { sold, back, payments }: ReturnType<typeof returnOf>,
  refund: { status?: string; [more: string]: unknown } = {},
) =>
  told(withRefund(back.order, refund), {
    payments,
    refunds: [{ ...back.refund, ...refund }],
    sources: { [sold.id]: "L1" },
  })
const withRefund = (order: Order, { status }: { status?: string }) => ({
  ...order,
  refunds: order.refunds?.map((one) => ({ ...one, ...(status === undefined ? {} : { status: orderStatus(status) }) })),
})
const tendersOf = ({ events }: ReturnType<typeof told>) =>
  events.map(({ data }) => (data as EventData<"receipt.told">).receipt.tenders)

test("the receipt of a return owes its money; when the refund was given, it is a receipt of its own, the way it went", () => {
  const of = returnOf("COMPLETED", "CASH")
  const { events, refused } = readReturn(of)
  expect(refused).toBeUndefined()
  expect(events.flatMap((event) => checkEvent(event))).toEqual([])
  expect(tendersOf({ events })).toEqual([
    [{ kind: "other", name: "refund underway", amountMinor: -500 }],
    [
      { kind: "other", name: "refund underway", amountMinor: 500 },
      { kind: "cash", amountMinor: -500 },
    ],
  ])
  for (const { data } of events) expect(offBalanceMinor((data as EventData<"receipt.told">).receipt)).toBe(0)
  expect(events[0]?.data).toMatchObject({
    receipt: { lines: [{ amountMinor: -500, returned: { original: { storeId: "store-1", documentId: of.sold.id } } }] },
  })
  // What is given back is of the day when it was given, and known however long its id is.
  const later = readReturn(of, { updated_at: "2026-11-24T08:00:00Z", status: "COMPLETED" })
  expect(later.events[1]?.time).toBe("2026-11-24T08:00:00.000Z")
  expect(later.events.map(({ fact }) => fact)).toEqual(events.map(({ fact }) => fact))
})

test("a refund that is pending is not given, and one that fails undoes nothing: the return is the same fact throughout", () => {
  const of = returnOf("PENDING")
  const pending = readReturn(of)
  expect(tendersOf(pending)).toEqual([[{ kind: "other", name: "refund underway", amountMinor: -500 }]])
  expect(pending.refused).toMatchObject([
    { part: { money: { amountMinor: 500 }, waitsFor: { cause: "refund is on its way", owner: "finance" } } },
  ])
  const given = readReturn(of, { status: "COMPLETED" })
  expect(given.refused).toBeUndefined()
  // What waits is named as what is told later, so that an older state of it does not wait again.
  const part = pending.refused?.[0]?.part
  expect(part?.name).toBe(given.events[1]?.fact)
  const [, money] = given.events
  expect(part?.factAbout).toBe(money && aboutOf(money))
  for (const status of ["FAILED", "REJECTED"]) {
    const failed = readReturn(of, { status, updated_at: "2026-11-23T10:00:00Z" })
    expect(failed.events.map(({ fact }) => fact)).toEqual(pending.events.map(({ fact }) => fact))
    expect(tendersOf(failed)).toEqual(tendersOf(pending))
    expect(failed.refused).toMatchObject([{ part: { waitsFor: { cause: "refund did not arrive" } } }])
    // It ends the wait for the money, although the order did not change.
    const about = { prefix: pending.refused?.[0]?.part?.name, at: "2026-11-23T10:00:00.000Z" }
    expect(failed.readWhole).toContainEqual(about)
    expect(failed.refused).toMatchObject([{ part: { at: about.at } }])
  }
})

test("a refund is as old as it says itself, whatever the order's clock says: read late, it ends nothing that was said since", () => {
  const of = returnOf("PENDING")
  const ahead = { ...of, back: { ...of.back, order: { ...of.back.order, updated_at: "2026-11-25T10:00:00Z" } } }
  const { refused, readWhole } = readReturn(ahead, { updated_at: "2026-11-22T10:00:00Z" })
  expect(refused).toMatchObject([{ part: { at: "2026-11-22T10:00:00.000Z" } }])
  const prefix = refused?.[0]?.part?.name ?? "-"
  expect(readWhole?.filter((one) => prefix.startsWith(one.prefix))).toEqual([
    { prefix, at: "2026-11-22T10:00:00.000Z" },
  ])
})

test("a return whose order is closed with its refund, later, is of the moment when the goods came back, and the same fact", () => {
  const of = returnOf("PENDING")
  const { closed_at: _, ...open } = of.back.order
  const facts = [
    open,
    of.back.order,
    { ...open, closed_at: "2026-11-24T23:59:00Z", updated_at: "2026-11-24T23:59:00Z" },
  ]
  const all = facts.map((order) => readReturn({ ...of, back: { ...of.back, order } }).events[0])
  expect(new Set(all.map((event) => `${event?.fact} ${event?.time} ${JSON.stringify(event?.data)}`)).size).toBe(1)
  expect(all[0]?.time).toBe("2026-11-21T10:00:00.000Z")
})

test("a status of a refund that nobody explained, and an amount that differs, park its money and not the return", () => {
  const of = returnOf("COMPLETED")
  for (const [change, message] of [
    [{ status: "REVERSED" }, '/refunds/0/status "REVERSED" is not known'],
    [{ amount_money: { amount: 400, currency: "EUR" } }, "/refunds/0/amount_money is 400 minor units"],
    [{ destination_type: "SEASHELLS" }, '/refunds/0/destination_type "SEASHELLS" is not known'],
  ] as const) {
    const [back, money] = readReturn(of, change).events.map(({ data }) => data as EventData<"receipt.told">)
    expect(back?.unread).toBeUndefined()
    expect(JSON.stringify(money?.unread?.problems.map((one) => `${one.pointer} ${one.message}`))).toContain(
      JSON.stringify(message).slice(1, -1),
    )
    expect(money?.receipt.tenders).toBeUndefined()
  }
})

test("a refund to another card than the payment's is by that card, and a negative amount of a refund is none", () => {
  const of = returnOf("COMPLETED")
  const card_details = { card: { card_brand: "SQUARE_GIFT_CARD" } }
  const [, toGiftCard] = tendersOf(readReturn(of, { destination_details: { card_details } }))
  expect(toGiftCard?.[1]).toEqual({ kind: "gift card", amountMinor: -500 })
  const amount_money = { amount: -500, currency: "EUR" }
  const refunds = of.back.order.refunds?.map((one) => ({ ...one, amount_money }))
  const negative = readReturn({ ...of, back: { ...of.back, order: { ...of.back.order, refunds } } } as typeof of)
  expect(negative.events.map(({ data }) => (data as EventData<"receipt.told">).unread?.problems[0])).toEqual([
    { pointer: "/order/refunds/0/amount_money", message: "must not be negative" },
    { pointer: "/order/refunds/0/amount_money", message: "must not be negative" },
  ])
})
