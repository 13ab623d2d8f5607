import { describe, expect, test } from "vitest"
import type { Translation } from "../../../ports/capabilities/intake.ts"
import {
  translate,
  set,
  line,
  order,
  payment,
  refund,
  item,
  types,
  waiting,
  cancelled,
} from "../../../../test/fixtures/shop/bodies.ts"

describe("what is there and is no such thing is named with its place, never taken for nothing", () => {
  const place = (translation: Translation) =>
    translation.refused?.flatMap(({ problems }) => problems.map((one) => one.pointer))

  test.each(["true", 1, "no", {}])("P-31: a flag that is %j", (value) => {
    expect(place(translate(order("20.00", { test: value })))).toEqual(["/test"])
    expect(place(translate(order("20.00", { tax_exempt: value })))).toEqual(["/tax_exempt"])
    const gift = order("20.00", { line_items: [line(1, "20.00", { gift_card: value })] })
    expect(place(translate(gift))).toEqual(["/line_items/0/gift_card"])
  })

  test.each(["BEL", "Belgium", "*", "1"])("P-31: a country code that is %s", (code) => {
    const address = { name: "Ada", address1: "1 Main St", zip: "1000", city: "Brussels", country_code: code }
    expect(place(translate(order("20.00", { shipping_address: address })))).toEqual(["/shipping_address/country_code"])
  })
})

describe("money of a refund in another currency than the order's (P-20, P-31)", () => {
  const both = {
    shop_money: { amount: "20.00", currency_code: "EUR" },
    presentment_money: { amount: "22.00", currency_code: "USD" },
  }
  const abroad = {
    presentment_currency: "USD",
    total_price_set: both,
    current_total_price_set: both,
    line_items: [line(1, "20.00", { price_set: both })],
  }
  const card = payment(5, "10.00", { currency: "USD" })
  const giftCard = payment(6, "10.00", { gateway: "gift_card" })

  test.each([
    ["paid back in both", { transactions: [card, giftCard] }, ["/refunds/0/transactions/1/currency"], undefined],
    [
      "on its way in both",
      { transactions: [card, giftCard].map((one) => ({ ...one, status: "pending" })) },
      ["/refunds/0/transactions/1/currency"],
      undefined,
    ],
    [
      "paid back in a third",
      { transactions: [payment(5, "10.00", { currency: "GBP" })] },
      ["/refunds/0/transactions/0/currency"],
      1000,
    ],
    [
      "worth something in a third",
      {
        refund_line_items: [item(1, "20.00", { subtotal_set: set("20.00", "GBP"), total_tax_set: both })],
        transactions: [card],
      },
      ["shop", "presentment"].map((side) => `/refunds/0/refund_line_items/0/subtotal_set/${side}_money/currency_code`),
      1000,
    ],
  ])("it waits alone, at its place, when it is %s", (...[, parts, places, atRisk]) => {
    const translation = translate(order("20.00", { ...abroad, ...cancelled, refunds: [refund(31, parts)] }))
    expect(types(translation)).toEqual(["order.placed", "order.cancellation-requested"])
    expect(translation.refused?.flatMap(({ problems }) => problems.map(({ pointer }) => pointer))).toEqual(places)
    expect(waiting(translation)).toEqual([["shop-x:order:8001:refund:31", atRisk, "#8001"]])
  })

  test("a refund that comes alone is read with its order", () => {
    const alone = { ...refund(31, { transactions: [card, giftCard] }), order_id: 8001 }
    const { events, refused, fetch } = translate(alone, "refunds/create")
    expect({ events, refused, fetch }).toEqual({
      events: [],
      refused: undefined,
      fetch: [{ type: "order", id: "8001" }],
    })
  })

  test("a refund that pays back less than nothing waits", () => {
    const translation = translate(order("20.00", { refunds: [refund(31, { transactions: [payment(5, "-20.00")] })] }))
    expect(types(translation)).toEqual(["order.placed"])
    expect(translation.refused?.[0]?.problems[0]?.pointer).toBe("/refunds/0/transactions/0/amount")
  })
})
