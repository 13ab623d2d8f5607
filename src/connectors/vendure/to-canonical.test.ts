import { describe, expect, test } from "vitest"
import type { NewEvent } from "../../canonical/events.ts"
import { deliveredOrder, isTorn } from "./payloads.ts"
import { factsOf as told } from "./to-canonical.ts"

const context = { system: "shop", tenderKinds: { dummy: "card" as const }, amounts: {} }
const factsOf = (order: unknown, more: Partial<typeof context> = {}) =>
  told(deliveredOrder(order), { ...context, ...more }).events
const oddOf = (order: unknown) => told(deliveredOrder(order), context).odd

/** An order of Vendure 3.7.3 as its Admin API answered it; odd cents and a rounded tax are the real ones. */
function snapshot(changes: object = {}) {
  const noAddress = { company: null, streetLine2: null, province: null, phoneNumber: null }
  const address = { ...noAddress, fullName: "Real Buyer", streetLine1: "1 Main Street", city: "Springfield" }
  const line = { discounts: [], taxLines: [{ description: "Sales tax 20%", taxRate: 20 }] }
  const order = {
    id: "4",
    code: "UA95BKS9FKEA8DK8",
    state: "PaymentSettled",
    active: false,
    orderPlacedAt: "2026-11-20T22:27:05.395Z",
    updatedAt: "2026-11-20T22:27:04.903Z",
    currencyCode: "USD",
    couponCodes: [],
    subTotal: 4544,
    subTotalWithTax: 5452,
    shipping: 500,
    shippingWithTax: 600,
    total: 5044,
    totalWithTax: 6052,
    customer: { id: "2", emailAddress: "b3@example.com", firstName: "Real", lastName: "Buyer", phoneNumber: null },
    shippingAddress: { ...address, postalCode: "12345", countryCode: "US" },
    billingAddress: {
      ...noAddress,
      fullName: null,
      streetLine1: null,
      city: null,
      postalCode: null,
      countryCode: null,
    },
    lines: [
      {
        ...line,
        id: "2",
        quantity: 3,
        orderPlacedQuantity: 3,
        productVariant: { id: "1", sku: "SKU-000", name: "SKU-000" },
        unitPrice: 999,
        linePrice: 2997,
        proratedLinePrice: 2997,
        proratedLinePriceWithTax: 3596,
      },
      {
        ...line,
        id: "7",
        quantity: 1,
        orderPlacedQuantity: 1,
        productVariant: { id: "5", sku: "SKU-004", name: "SKU-004" },
        unitPrice: 1547,
        linePrice: 1547,
        proratedLinePrice: 1547,
        proratedLinePriceWithTax: 1856,
      },
    ],
    surcharges: [],
    shippingLines: [
      {
        id: "1",
        price: 500,
        discountedPrice: 500,
        discountedPriceWithTax: 600,
        shippingMethod: { code: "standard", name: "Standard" },
      },
    ],
    payments: [
      {
        id: "1",
        createdAt: "2026-11-20T22:27:05.306Z",
        method: "dummy",
        amount: 6052,
        state: "Settled",
        transactionId: "a2ta81ecn",
        refunds: [],
      },
    ],
    fulfillments: [],
    history: { items: [{ createdAt: "2026-11-20T22:27:05.400Z" }] },
    cancellations: { items: [] },
  }
  return { ...order, ...changes } as typeof order
}

const types = (events: readonly NewEvent[]) => events.map(({ type }) => type)

describe("an order of the shop", () => {
  test("is placed as charged, with its tax as it was rounded there", () => {
    const [placed] = factsOf(snapshot())
    expect(placed?.fact).toBe("shop:order:4:placed")
    if (!placed) throw new Error("there is an order.placed")
    const { order } = placed.data as { order: { lines: { taxes: unknown }[]; total: unknown; tenders: unknown } }
    const usd = (amountMinor: number) => {
      const amount = { amountMinor, currency: "USD" }
      return { shop: amount, presentment: amount }
    }
    expect(order.total).toEqual(usd(6052))
    expect(order.lines[0]?.taxes).toEqual([{ title: "Sales tax 20%", ratePercent: "20", amount: usd(599) }])
    expect(order.tenders).toMatchObject([{ kind: "card", state: "captured", provider: "shop:dummy" }])
  })

  test("tells the same facts whether it was read while paid or after it shipped, and more of them", () => {
    const fulfilment = {
      id: "1",
      state: "Shipped",
      method: "UPS",
      trackingCode: "1Z999",
      updatedAt: "2026-11-20T22:30:00.000Z",
      lines: [{ orderLineId: "2", quantity: 3 }],
    }
    const before = factsOf(snapshot())
    const after = factsOf(snapshot({ state: "PartiallyShipped", fulfillments: [fulfilment] }))
    expect(after.slice(0, before.length)).toEqual(before)
    expect(types(after).at(-1)).toBe("order.fulfilled-by-channel")
  })

  test("that is cancelled has lost its amounts and tells of the cancellation and the refund only", () => {
    const [line] = snapshot().lines
    const [payment] = snapshot().payments
    if (!line || !payment) throw new Error("the sample has a line and a payment")
    const refund = {
      id: "9",
      createdAt: "2026-11-20T22:31:00.000Z",
      state: "Settled",
      total: 6052,
      reason: "x",
      lines: [],
    }
    const cancelled = snapshot({
      state: "Cancelled",
      totalWithTax: 0,
      lines: [{ ...line, quantity: 0, linePrice: 0, proratedLinePrice: 0, proratedLinePriceWithTax: 0 }],
      payments: [{ ...payment, refunds: [refund] }],
      cancellations: { items: [{ createdAt: "2026-11-20T22:30:30.000Z", data: { reason: "out of stock (eff_1)" } }] },
    })
    const facts = factsOf(cancelled)
    expect(types(facts)).toEqual(["order.cancellation-requested", "order.tender-changed", "order.refunded"])
    expect(facts[0]?.data).toMatchObject({ reason: "out of stock (eff_1)" })
  })

  test("from which pieces were taken is an edit that is as new as its history says", () => {
    const [line, other] = snapshot().lines
    if (!line || !other) throw new Error("the sample has two lines")
    const fewer = {
      ...line,
      quantity: 2,
      linePrice: 1998,
      proratedLinePrice: 1998,
      proratedLinePriceWithTax: 2398,
    }
    const facts = factsOf(
      snapshot({
        lines: [fewer, other],
        totalWithTax: 4854,
        payments: [],
        history: { items: [{ createdAt: "2026-11-20T23:00:00.000Z" }] },
      }),
      context,
    )
    expect(types(facts)).toEqual(["order.placed", "order.edited"])
    expect(facts[1]).toMatchObject({ fact: "shop:order:4:edited:2x2+7x1", time: "2026-11-20T23:00:00.000Z" })
  })

  test("read in the middle of its cancellation is told as torn", () => {
    const empty = { quantity: 0, linePrice: 0, proratedLinePrice: 0, proratedLinePriceWithTax: 0 }
    expect(isTorn(snapshot())).toBe(false)
    expect(isTorn(snapshot({ lines: snapshot().lines.map((line) => ({ ...line, ...empty })) }))).toBe(true)
    const free = { price: 0, discountedPrice: 0, discountedPriceWithTax: 0 }
    expect(isTorn(snapshot({ shippingLines: snapshot().shippingLines.map((line) => ({ ...line, ...free })) }))).toBe(
      true,
    )
  })

  test("that is a cart is none", () => {
    expect(factsOf(snapshot({ orderPlacedAt: null, active: true }))).toEqual([])
  })

  test("P-31: with a total its parts do not make says so alone, and its payment goes on", () => {
    const wrong = snapshot({ totalWithTax: 6053 })
    expect(types(factsOf(wrong))).toEqual(["order.tender-changed"])
    expect(oddOf(wrong)).toMatchObject([{ kind: "content", money: { amountMinor: 6053 } }])
    expect(oddOf(wrong)[0]?.problems[0]?.pointer).toBe("/total")
  })

  test("P-31: paid in a way nobody mapped waits for a mapping alone, with its money", () => {
    const [payment] = snapshot().payments
    const unknown = snapshot({ payments: [{ ...payment, method: "barter" }] })
    expect(types(factsOf(unknown))).toEqual(["order.placed"])
    expect(oddOf(unknown)).toMatchObject([{ kind: "transaction", id: "1", money: { amountMinor: 6052 } }])
    expect(oddOf(unknown)[0]?.problems[0]?.message).toBe('payment method "barter" is not mapped')
  })

  test("with our own key as tracking code names no tracking number: it is our echo", () => {
    const fulfilment = {
      id: "1",
      state: "Shipped",
      method: "parcel",
      trackingCode: "eff_0123456789abcdef",
      updatedAt: "2026-11-20T22:30:00.000Z",
      lines: [{ orderLineId: "2", quantity: 3 }],
    }
    const told = factsOf(snapshot({ fulfillments: [fulfilment] })).at(-1)
    expect(told?.data).not.toHaveProperty("trackingNumber")
  })

  const [payment] = snapshot().payments
  const refund = (changes: object) => ({
    id: "9",
    createdAt: "2026-11-20T22:31:00.000Z",
    state: "Settled",
    total: 1000,
    reason: "late",
    lines: [],
    ...changes,
  })
  const parcel = {
    id: "1",
    state: "Shipped",
    method: "UPS",
    trackingCode: "1Z999",
    updatedAt: "2026-11-20T22:30:00.000Z",
    lines: [{ orderLineId: "2", quantity: 3 }],
  }
  const whole = { payments: [{ ...payment, refunds: [refund({})] }], fulfillments: [parcel] }
  const all = ["order.placed", "order.tender-changed", "order.refunded", "order.fulfilled-by-channel"]

  test.each([
    [
      "content",
      "a line without an article",
      { ...whole, lines: [{ ...snapshot().lines[0], productVariant: null }] },
      0,
    ],
    ["content", "an address that is a text", { ...whole, shippingAddress: "1 Main Street" }, 0],
    ["transaction", "a payment without an amount", { ...whole, payments: [{ ...whole.payments[0], amount: null }] }, 1],
    ["transaction", "payments that are no list", { fulfillments: [parcel], payments: "none" }, 1],
    [
      "refund",
      "a refund with half a piece",
      { ...whole, payments: [{ ...payment, refunds: [refund({ lines: [{ orderLineId: "2", quantity: 0.5 }] })] }] },
      2,
    ],
    [
      "refund",
      "a refund state of a later version",
      { ...whole, payments: [{ ...payment, refunds: [refund({ state: "Disputed" })] }] },
      2,
    ],
    ["fulfilment", "a parcel without lines", { ...whole, fulfillments: [{ ...parcel, lines: null }] }, 3],
  ] as const)("P-31: %s: %s waits alone, and the others go on", (...row) => {
    const [kind, , changes, at] = row
    expect(types(factsOf(snapshot(whole)))).toEqual(all)
    const odd = snapshot(changes)
    expect(oddOf(odd).map((part) => part.kind)).toEqual([kind])
    const heard = types(factsOf(odd))
    expect(heard).not.toContain(all[at])
    expect(heard.length).toBeGreaterThanOrEqual(2)
  })

  test("P-31: that does not say which order it is is refused with the place", () => {
    expect(() => deliveredOrder(snapshot({ currencyCode: 7 }))).toThrow("not as documented")
  })

  test("P-36: a refund on its way is no refund yet, one that failed is none, and each waits with its money", () => {
    const refunds = [refund({ id: "1", state: "Pending" }), refund({ id: "2", state: "Failed" }), refund({ id: "3" })]
    const order = snapshot({ payments: [{ ...payment, refunds }] })
    expect(factsOf(order).flatMap(({ data }) => ("refundId" in data ? data.refundId : []))).toEqual(["3"])
    expect(oddOf(order)).toMatchObject([
      { id: "1", money: { amountMinor: 1000 }, waitsFor: { cause: "refund is on its way", owner: "finance" } },
      { id: "2:failed", waitsFor: { cause: "refund did not arrive", owner: "finance" } },
    ])
  })

  test("P-36: our own refund on its way is told of by its effect", () => {
    const ours = refund({ state: "Pending", reason: "refund R1 (eff_0123456789abcdef)" })
    const order = snapshot({ payments: [{ ...payment, refunds: [ours] }] })
    expect([types(factsOf(order)), oddOf(order)]).toEqual([["order.placed", "order.tender-changed"], []])
  })

  test("an edit that makes a paid order cheaper is heard; the payment covers what is left, and the rest is for a refund", () => {
    const [line, other] = snapshot().lines
    const fewer = { ...line, quantity: 2, linePrice: 1998, proratedLinePrice: 1998, proratedLinePriceWithTax: 2398 }
    const order = snapshot({ lines: [fewer, other], totalWithTax: 4854 })
    const facts = factsOf(order)
    expect([types(facts), oddOf(order)]).toEqual([["order.placed", "order.edited", "order.tender-changed"], []])
    const edited = facts[1]?.data as { order: { total: unknown; tenders: unknown } }
    expect(edited.order).toMatchObject({
      total: { shop: { amountMinor: 4854 } },
      tenders: [{ id: "1", amount: { shop: { amountMinor: 4854 } } }],
    })
    expect(facts[2]?.data).toMatchObject({ tender: { amount: { shop: { amountMinor: 6052 } } } })
  })

  test("P-45: a surcharge below zero is a credit", () => {
    const voucher = { id: "5", description: "Voucher", price: -500, priceWithTax: -600, taxLines: [] }
    const [placed] = factsOf(snapshot({ surcharges: [voucher], totalWithTax: 5452 }))
    expect(placed?.data).toMatchObject({
      order: { charges: [{}, { kind: "credit", title: "Voucher", total: { shop: { amountMinor: -600 } } }] },
    })
  })

  test("P-45: amounts finer than the minor unit are rounded half away from zero, and the rest is a charge of its own name", () => {
    const fine = (minor: number) => minor * 10
    const [line, other] = snapshot().lines
    const finer = (one: typeof line, more: number) => ({
      ...one,
      linePrice: fine(one?.linePrice ?? 0) + more,
      proratedLinePrice: fine(one?.proratedLinePrice ?? 0) + more,
      proratedLinePriceWithTax: fine(one?.proratedLinePriceWithTax ?? 0) + more,
    })
    const order = snapshot({
      lines: [finer(line, 4), finer(other, 4)],
      shippingLines: [
        { ...snapshot().shippingLines[0], price: 5000, discountedPrice: 5000, discountedPriceWithTax: 6000 },
      ],
      totalWithTax: 60_528,
      payments: [{ ...payment, amount: 60_528 }],
    })
    const [placed] = factsOf(order, { amounts: { digits: 3 } })
    expect(placed?.data).toMatchObject({
      order: {
        total: { shop: { amountMinor: 6053 } },
        charges: [
          {},
          { kind: "rounding", title: "Rounding to the smallest unit", total: { shop: { amountMinor: 1 } } },
        ],
      },
    })
  })
})
