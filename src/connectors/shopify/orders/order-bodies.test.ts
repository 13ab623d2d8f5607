import { describe, expect, test } from "vitest"
import {
  type Json,
  translate,
  set,
  line,
  order,
  payment,
  refund,
  item,
  types,
  waiting,
  told,
  placed,
  cancelled,
} from "../../../../test/fixtures/shop/bodies.ts"

test.each(["total_price_set", "current_total_price_set", "updated_at", "currency"])(
  "P-31: %s that is no such thing is one problem, at its place",
  (field) => {
    const { refused } = translate(order("10.00", { [field]: 7 }))
    expect(refused?.flatMap(({ problems }) => problems.map(({ pointer }) => pointer))).toEqual([`/${field}`])
  },
)

test("P-16: an edit that takes the only unit off and leaves its shipping charged is an edit like any other", () => {
  const shipping = { title: "Standard", price_set: set("5.00"), tax_lines: [], discount_allocations: [] }
  const lines = [line(1, "20.00", { current_quantity: 0 })]
  const more = { current_total_price_set: set("5.00"), line_items: lines, shipping_lines: [shipping] }
  const translation = translate(order("25.00", more))
  expect(waiting(translation)).toEqual([])
  const { lines: left, total } = told(translation, "order.edited").order
  expect([left.map(({ quantity }) => quantity.milli), total.shop.amountMinor]).toEqual([[0], 500])
  const nothing = { current_total_price_set: set("5.00"), line_items: [], shipping_lines: [shipping] }
  expect(waiting(translate(order("5.00", nothing)))).toEqual([
    ["shop-x:order:8001:content@2026-11-20T09:00:05.000Z", 500, "#8001"],
  ])
})

describe("a part that cannot be read waits alone (P-31)", () => {
  test("P-31: a cancellation is heard although a refund of the order cannot be read", () => {
    const odd = refund(31, {
      refund_line_items: [item(1, "20.00", { restock_type: "sideways" })],
      transactions: [payment(5, "20.00")],
    })
    const translation = translate(order("20.00", { ...cancelled, refunds: [odd] }))
    expect(types(translation)).toEqual(["order.placed", "order.cancellation-requested"])
    expect(waiting(translation)).toEqual([["shop-x:order:8001:refund:31", 2000, "#8001"]])
    expect(translation.refused?.[0]).toMatchObject({
      code: "VENDOR_VALUE_UNKNOWN",
      about: { system: "shop-x", type: "order", id: "8001" },
      problems: [{ pointer: "/refunds/0/refund_line_items/0/restock_type" }],
    })
  })

  test("P-31: a cancellation is heard although a part of a refund is on its way", () => {
    const pending = refund(31, {
      order_adjustments: [{ id: 2, kind: "refund_discrepancy", amount_set: set("-1.50"), tax_amount_set: set("0.00") }],
      transactions: [payment(5, "1.00"), payment(6, "0.50", { status: "pending" })],
    })
    const translation = translate(order("20.00", { ...cancelled, refunds: [pending] }))
    expect(types(translation)).toEqual(["order.placed", "order.cancellation-requested"])
    expect(waiting(translation)).toEqual([["shop-x:order:8001:refund:31", 50, "#8001"]])
  })

  test("P-31: a refund whose payments all failed is told to people: its buyer has no money", () => {
    const failed = refund(31, {
      refund_line_items: [item(1, "20.00")],
      transactions: [payment(5, "20.00", { status: "failure" })],
    })
    const translation = translate(order("20.00", { refunds: [failed], current_total_price_set: set("0.00") }))
    expect(types(translation)).not.toContain("order.refunded")
    expect(waiting(translation)).toEqual([["shop-x:order:8001:refund:31:failed", 2000, "#8001"]])
    expect(translation.refused?.[0]?.part?.waitsFor).toMatchObject({ cause: "refund did not arrive", owner: "finance" })
  })

  test("P-31: refunds, fulfilments and the cancellation are heard although what was sold cannot be understood", () => {
    const translation = translate(
      order("20.00", {
        ...cancelled,
        line_items: [{ id: 1, quantity: "one" }],
        refunds: [refund(31, { refund_line_items: [item(1, "20.00")], transactions: [payment(5, "20.00")] })],
        fulfillments: [
          { id: 41, status: "success", created_at: "2026-11-20T12:00:00+01:00", line_items: [{ id: 1, quantity: 1 }] },
        ],
      }),
    )
    expect(types(translation)).toEqual(["order.refunded", "order.fulfilled-by-channel", "order.cancellation-requested"])
    expect(waiting(translation)).toEqual([["shop-x:order:8001:content@2026-11-20T09:00:05.000Z", 2000, "#8001"]])
  })

  test("P-31: a fulfilment with a status nobody knows waits, and the others are heard", () => {
    const fulfilment = (id: number, status: string) => ({
      id,
      status,
      created_at: "2026-11-20T12:00:00+01:00",
      line_items: [{ id: 1, quantity: 1 }],
    })
    const translation = translate(
      order("20.00", { fulfillments: [fulfilment(41, "teleported"), fulfilment(42, "success")] }),
    )
    expect(types(translation)).toContain("order.fulfilled-by-channel")
    expect(waiting(translation)).toEqual([["shop-x:order:8001:fulfilment:41", undefined, "#8001"]])
  })

  test("P-31: a reason of cancellation that nobody knows does not hide the cancellation", () => {
    const translation = translate(order("20.00", { ...cancelled, cancel_reason: "regulator" }))
    expect(told(translation, "order.cancellation-requested")).toMatchObject({
      reason: "regulator",
      requestedBy: "shop",
    })
  })

  test("P-31: a list entry that is no object waits, too", () => {
    const translation = translate(order("20.00", { ...cancelled, refunds: ["lost"] }))
    expect(types(translation)).toContain("order.cancellation-requested")
    expect(translation.refused).toHaveLength(1)
  })

  test("P-31: a body of which only the order's id can be read waits under the order, until a state of it can be read", () => {
    const translation = translate({ id: 8001, name: "#8001", updated_at: "2026-11-20T10:00:05+01:00" })
    expect(translation.events).toEqual([])
    expect(waiting(translation)).toEqual([
      ["shop-x:order:8001:delivery:orders/updated@2026-11-20T09:00:05.000Z", undefined, "#8001"],
    ])
    const prefixes = translate(order("20.00")).readWhole?.map(({ prefix }) => prefix)
    expect(prefixes).toContain("shop-x:order:8001:delivery:orders/")
    expect(prefixes).not.toContain("shop-x:order:8001:transaction")
  })
})

describe("money that is stated twice has one source (P-32)", () => {
  const tipLine = line(9, "3.00", {
    sku: null,
    title: "Tip",
    requires_shipping: false,
    variant_id: null,
    product_id: null,
  })

  test.each([
    ["marked as a tip", { ...tipLine, tip: { payment_gateway: "stripe" } }, "3.00"],
    ["marked, and not among the totals", { ...tipLine, tip: {} }, "0.00"],
    ["not marked", tipLine, "3.00"],
  ])("P-32: a tip that is also a line is one charge: %s", (_name, tip, received) => {
    const { lines, charges, total } = placed(
      translate(order("23.00", { total_tip_received: received, line_items: [tip, line(1, "20.00")] })),
    )
    expect(lines.map(({ id }) => id)).toEqual(["1"])
    expect(charges.map(({ kind, total: { shop: amount } }) => [kind, amount.amountMinor])).toEqual([["tip", 300]])
    expect(total.shop.amountMinor).toBe(2300)
  })

  test("P-32: an article that costs what the tip is stays an article", () => {
    const wrapping = { ...tipLine, title: "Gift wrapping" }
    const { lines, charges } = placed(
      translate(order("26.00", { total_tip_received: "3.00", line_items: [wrapping, line(1, "20.00")] })),
    )
    expect(lines).toHaveLength(2)
    expect(charges.map(({ kind }) => kind)).toEqual(["tip"])
  })

  test("P-32: refunded shipping counts once, as a shipping line or as the adjustment of older payloads", () => {
    const adjustment = { id: 2, kind: "shipping_refund", amount_set: set("-5.00"), tax_amount_set: set("0.00") }
    const shipping = {
      shipping_lines: [
        { id: 5, title: "Standard", code: "std", price_set: set("5.00"), tax_lines: [], discount_allocations: [] },
      ],
    }
    for (const more of [
      { refund_shipping_lines: [{ id: 1, subtotal_amount_set: set("5.00") }], order_adjustments: [adjustment] },
      { order_adjustments: [adjustment] },
      { refund_shipping_lines: [{ id: 1, subtotal_amount_set: set("5.00"), tax_amount_set: set("0.00") }] },
    ]) {
      const body = order("25.00", {
        ...shipping,
        line_items: [line(1, "20.00")],
        refunds: [refund(31, { ...more, transactions: [payment(5, "5.00")] })],
      })
      const refunded = told(translate(body), "order.refunded")
      expect([refunded.amount.shop.amountMinor, refunded.worth]).toEqual([500, undefined])
    }
  })

  test("P-32: what was paid back counts, and what the goods are worth stands beside it when it differs", () => {
    const body = order("28.00", {
      line_items: [line(1, "20.00", { current_quantity: 0 }), line(2, "8.00")],
      current_total_price_set: set("8.00"),
      refunds: [
        refund(31, { refund_line_items: [item(1, "20.00")], transactions: [payment(5, "12.00")], return: { id: 66 } }),
      ],
    })
    const translation = translate(body)
    const refunded = told(translation, "order.refunded")
    expect([refunded.amount.shop.amountMinor, refunded.worth?.shop.amountMinor]).toEqual([1200, 2000])
    expect(told(translation, "order.edited").order.lines.map(({ id }) => id)).toEqual(["1", "2"])
    expect(translation.refused).toBeUndefined()
  })

  test("P-32: additional fees and duties that only the order states are charges of their own", () => {
    const body = order("24.50", {
      line_items: [line(1, "20.00")],
      original_total_additional_fees_set: set("1.50"),
      current_total_additional_fees_set: set("1.50"),
      original_total_duties_set: set("3.00"),
    })
    expect(placed(translate(body)).charges.map(({ kind, total }) => [kind, total.shop.amountMinor])).toEqual([
      ["duty", 300],
      ["fee", 150],
    ])
  })

  test("P-32: payloads of versions without sets of both currencies are read where the two are one", () => {
    const old = (body: Json): Json =>
      Object.fromEntries(
        Object.entries(body).filter(
          ([key]) => !key.endsWith("_set") && key !== "presentment_currency" && key !== "current_quantity",
        ),
      )
    const body = {
      ...old(order("25.00")),
      total_price: "25.00",
      line_items: [
        { ...old(line(1, "20.00")), price: "20.00", tax_lines: [{ title: "VAT", rate: 0.21, price: "3.47" }] },
      ],
      shipping_lines: [{ id: 5, title: "Standard", price: "5.00", tax_lines: [], discount_allocations: [] }],
      refunds: [
        {
          ...refund(31, { transactions: [payment(5, "20.00")] }),
          refund_line_items: [
            { id: 1, line_item_id: 1, quantity: 1, restock_type: "return", subtotal: 20.0, total_tax: 3.47 },
          ],
        },
      ],
    }
    const translation = translate(body)
    expect(placed(translation).total.presentment.amountMinor).toBe(2500)
    expect(told(translation, "order.refunded").amount.shop.amountMinor).toBe(2000)
  })
})

describe("sales that are no web orders (P-33)", () => {
  test("P-33: goods that a buyer took from the till are handed over, and the place is named as we call it", () => {
    const { lines, source } = placed(
      translate(order("20.00", { source_name: "pos", location_id: 91, shipping_address: null, customer: null })),
    )
    expect(lines.map(({ fulfilment }) => fulfilment.method)).toEqual(["handed over"])
    expect(source).toMatchObject({ name: "pos", place: "store-117" })
  })

  test("P-33: a web order with goods and no address is heard; people must say where it goes", () => {
    const { lines, shippingAddress } = placed(translate(order("20.00", { shipping_address: null })))
    expect([lines[0]?.fulfilment.method, shippingAddress]).toEqual(["ship", undefined])
  })

  test("P-33: a line without an SKU, an empty city, no country and texts of any length are an order", () => {
    const emoji = "🧦".repeat(400)
    const address = { name: emoji, address1: "1", zip: null, city: "", country_code: null, province_code: null }
    const { lines, billingAddress } = placed(
      translate(
        order("20.00", { billing_address: address, line_items: [line(1, "20.00", { sku: null, title: emoji })] }),
      ),
    )
    expect(lines[0]?.sku).toBe("🧦".repeat(255))
    expect(billingAddress).toEqual({ name: "🧦".repeat(255), line1: "1", postalCode: "", city: "" })
  })

  test("P-33: an order of 600 lines is an order", () => {
    const lines = Array.from({ length: 600 }, (_, n) => line(n + 1, "1.00"))
    expect(placed(translate(order("600.00", { line_items: lines }))).lines).toHaveLength(600)
  })

  test("P-33: orders of the test mode are left out, or marked where the connection wants them", () => {
    const body = order("20.00", { test: true })
    expect(translate(body)).toEqual({ events: [], ignored: "an order of the shop's test mode" })
    expect(placed(translate(body, "orders/create", { testOrders: "mark" })).isTest).toBe(true)
  })

  test("P-33: the admin's test notification is recognised in either setting, and a real id of that size is kept exactly", () => {
    const sample = JSON.stringify(order("20.00", { test: true })).replace('"id":8001', '"id":820982911946154508')
    for (const options of [{}, { testOrders: "mark" as const }])
      expect(translate(sample, "orders/create", options)).toEqual({
        events: [],
        ignored: "a test notification of the shop's admin",
      })
    const real = JSON.stringify(order("20.00")).replace('"id":8001', '"id":9007199254740993123')
    expect(placed(translate(real)).externalId).toBe("9007199254740993123")
  })

  test("P-33: values of notes and properties may be anything that JSON holds", () => {
    const values = [4711, ["a", "b"], { deep: true }, null, "plain", true]
    const properties = values.map((value, n) => ({ name: `p${n}`, value }))
    const read = placed(
      translate(order("20.00", { note_attributes: properties, line_items: [line(1, "20.00", { properties })] })),
    )
    const texts = ["4711", '["a","b"]', '{"deep":true}', "", "plain", "true"]
    expect(read.properties?.map(({ value }) => value)).toEqual(texts)
    expect(read.lines[0]?.properties?.map(({ value }) => value)).toEqual(texts)
  })

  test.each([
    ["Cash on Delivery (COD)", "cash"],
    ["Bank Deposit", "invoice"],
    ["manual", "invoice"],
    ["shopify_payments", "card"],
  ])("P-33: the gateway %s is %s", (gateway, kind) => {
    const transaction = {
      ...payment(9001, "20.00", { kind: "sale", status: "pending", gateway, parent_id: null }),
      order_id: 8001,
    }
    expect(told(translate(transaction, "order_transactions/create"), "order.tender-changed").tender).toMatchObject({
      kind,
      state: "pending",
    })
  })

  test("P-31: a payment at a gateway that nobody knows waits with its money; one that failed moved none and is told", () => {
    const transaction = (status: string) => ({
      ...payment(9001, "20.00", { kind: "sale", status, gateway: "Paymob", parent_id: null }),
      order_id: 8001,
    })
    const unknown = translate(transaction("success"), "order_transactions/create")
    expect([types(unknown), waiting(unknown)]).toEqual([
      [],
      [["shop-x:order:8001:transaction:9001:captured", 2000, undefined]],
    ])
    expect(
      told(translate(transaction("failure"), "order_transactions/create"), "order.tender-changed").tender,
    ).toMatchObject({ kind: "other", state: "failed" })
  })
})

describe("what is told once (P-39)", () => {
  const facts = (body: Json, topic?: string) => translate(body, topic).events.map(({ fact }) => fact)

  test("P-39: a payment or a later time of change makes no other fact of an order", () => {
    const later = { updated_at: "2026-11-22T10:00:00+01:00", financial_status: "refunded" }
    expect(facts(order("20.00", later))).toEqual(facts(order("20.00")))
  })

  test("P-39: other tags are one other state of the order, in whatever order and spelling of spaces the shop lists them", () => {
    const [placedBefore, stated] = facts(order("20.00"))
    const [placedNow, tagged] = facts(order("20.00", { tags: "vip, gift" }))
    expect([placedNow, tagged === stated]).toEqual([placedBefore, false])
    expect(facts(order("20.00", { tags: "gift,  vip," }))).toEqual([placedBefore, tagged])
    expect(facts(order("20.00", { tags: "vip" }))).not.toContain(tagged)
  })

  test("P-39: another address is another state of the order; the first state is what was placed", () => {
    const moved = order("20.00", {
      shipping_address: { name: "Ada", address1: "2 Other St", zip: "1000", city: "Brussels", country_code: "BE" },
    })
    const [placedBefore, stated] = facts(order("20.00"))
    const [placedNow, changed] = facts(moved)
    expect([placedNow, changed === stated]).toEqual([placedBefore, false])
    expect(facts(order("20.00"), "orders/create")).toEqual([placedBefore])
  })

  test("P-39: a tracking number that comes later, and a fulfilment that is taken back, are facts of their own", () => {
    const fulfilment = (more: Json) => ({
      id: 41,
      order_id: 8001,
      status: "success",
      created_at: "2026-11-20T12:00:00+01:00",
      updated_at: "2026-11-20T13:00:00+01:00",
      line_items: [{ id: 1, quantity: 1 }],
      ...more,
    })
    const tracked = { tracking_number: "TRK-1", tracking_company: "DHL", tracking_url: "https://dhl.example/TRK-1" }
    const all = [{}, tracked, tracked, { ...tracked, status: "cancelled" }].map((more) =>
      translate(fulfilment(more), "fulfillments/update"),
    )
    expect(all.flatMap(({ events }) => events.map(({ fact }) => fact))).toEqual([
      "shop-x:order:8001:fulfilment:41",
      "shop-x:order:8001:fulfilment:41:tracking:TRK-1",
      "shop-x:order:8001:fulfilment:41:tracking:TRK-1",
      "shop-x:order:8001:fulfilment:41:taken-back",
    ])
    expect(all[1]?.events[0]?.data).toMatchObject({ carrier: "DHL", trackingUrl: "https://dhl.example/TRK-1" })
    expect(all[3]?.events[0]?.data).toMatchObject({ at: "2026-11-20T12:00:00.000Z" })
  })
})

describe("amounts finer than the minor unit (P-45)", () => {
  test("P-45: each is rounded half away from zero, and the rest is a charge of its own name", () => {
    const body = order("49.11", {
      taxes_included: false,
      line_items: [
        line(1, "13.3333", {
          quantity: 3,
          current_quantity: 3,
          tax_lines: [{ title: "VAT", rate: 0.19, price_set: set("7.5999") }],
        }),
        line(2, "0.755", { quantity: 2, current_quantity: 2 }),
      ],
    })
    const { lines, charges, total } = placed(translate(body))
    expect(lines.map((one) => [one.gross.shop.amountMinor, one.total.shop.amountMinor])).toEqual([
      [4000, 4760],
      [151, 151],
    ])
    expect(lines[0]?.unitPriceText).toBe("13.3333")
    expect(total.shop.amountMinor).toBe(4911)
    expect(charges).toEqual([])
    const off = placed(translate({ ...body, total_price_set: set("49.12"), current_total_price_set: set("49.12") }))
    expect(off.charges.map(({ kind, title, total: rest }) => [kind, title, rest.shop.amountMinor])).toEqual([
      ["rounding", "Rounding to the smallest unit", 1],
    ])
    expect(
      translate({ ...body, total_price_set: set("49.90"), current_total_price_set: set("49.90") }).refused,
    ).toHaveLength(1)
  })
})

test("fields a retailer needs further on travel with the order", () => {
  const body = order("25.00", {
    app_id: 580111,
    source_identifier: "S-1",
    tags: "vip,  gift",
    company: { id: 71, location_id: 72 },
    po_number: "PO-9",
    payment_terms: { payment_terms_name: "Net 30", payment_schedules: [{ due_at: "2026-12-20T10:00:00+01:00" }] },
    tax_exempt: true,
    customer: { id: 801, first_name: "Ada", last_name: "Jansen", phone: "+3225550100" },
    line_items: [
      line(1, "20.00", { variant_id: 51, product_id: 41, properties: [{ name: "Gift message", value: "Alles Gute" }] }),
    ],
    shipping_lines: [
      { id: 5, title: "Express", code: "dhl-express", price_set: set("5.00"), tax_lines: [], discount_allocations: [] },
    ],
  })
  expect(placed(translate(body))).toMatchObject({
    source: { name: "web", application: "580111", id: "S-1" },
    tags: ["gift", "vip"],
    customerReference: "PO-9",
    paymentTerms: { name: "Net 30", dueAt: "2026-12-20T09:00:00.000Z" },
    taxExempt: true,
    customer: { phone: "+3225550100", company: { reference: { type: "company", id: "71" }, location: "72" } },
    lines: [
      {
        properties: [{ name: "Gift message", value: "Alles Gute" }],
        references: [
          { type: "variant", id: "51" },
          { type: "product", id: "41" },
        ],
      },
    ],
    charges: [{ kind: "shipping", code: "dhl-express" }],
  })
})
