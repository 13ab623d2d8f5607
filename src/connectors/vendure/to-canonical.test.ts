import { describe, expect, test } from "vitest"
import { AppError } from "../../base/errors.ts"
import type { NewEvent } from "../../canonical/events.ts"
import { deliveredOrder, isTorn, type VendureOrder } from "./payloads.ts"
import { factsOf } from "./to-canonical.ts"

const context = { system: "shop", tenderKinds: { dummy: "card" as const } }

/** An order of Vendure 3.7.3 as its Admin API answered it; odd cents and a rounded tax are the real ones. */
function snapshot(changes: Partial<VendureOrder> = {}): VendureOrder {
  const noAddress = { company: null, streetLine2: null, province: null, phoneNumber: null }
  const address = { ...noAddress, fullName: "Real Buyer", streetLine1: "1 Main Street", city: "Springfield" }
  const line = { discounts: [], taxLines: [{ description: "Sales tax 20%", taxRate: 20 }] }
  return deliveredOrder({
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
    ...changes,
  })
}

const types = (events: readonly NewEvent[]) => events.map(({ type }) => type)

describe("an order of the shop", () => {
  test("is placed as charged, with its tax as it was rounded there", () => {
    const [placed] = factsOf(snapshot(), context)
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
    const before = factsOf(snapshot(), context)
    const after = factsOf(snapshot({ state: "PartiallyShipped", fulfillments: [fulfilment] }), context)
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
    const facts = factsOf(cancelled, context)
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
    expect(factsOf(snapshot({ orderPlacedAt: null, active: true }), context)).toEqual([])
  })

  test("with a total its parts do not make is refused with the place", () => {
    const wrong = () => factsOf(snapshot({ totalWithTax: 6053 }), context)
    expect(wrong).toThrow(AppError)
    expect(wrong).toThrow("/total")
  })

  test("paid in a way nobody mapped waits for a mapping", () => {
    const [payment] = snapshot().payments
    if (!payment) throw new Error("the sample has a payment")
    const unknown = snapshot({ payments: [{ ...payment, method: "barter" }] })
    expect(() => factsOf(unknown, context)).toThrow('payment method "barter" is not mapped')
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
    const told = factsOf(snapshot({ fulfillments: [fulfilment] }), context).at(-1)
    expect(told?.data).not.toHaveProperty("trackingNumber")
  })
})
