import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { AppError } from "../../base/errors.ts"
import type { Order } from "../../canonical/order.ts"
import { Reader } from "./orders/reader.ts"
import { receivesDeliveries } from "./receives-deliveries.ts"

const fixture = readFileSync(new URL("./fixtures/orders-create.json", import.meta.url), "utf8")
const { translate } = receivesDeliveries({
  secrets: ["secret"],
  shopDomain: "lab-shop.myshopify.com",
  shopCurrency: "EUR",
  context: {
    system: "shop-de",
    conventions: { pickupProperty: "_pickup_location", componentsProperty: "_components" },
    gateways: {},
    places: new Map(),
  },
})

function delivery(body: string, topic = "orders/create") {
  const headers = { "x-shopify-topic": topic }
  const receivedAt = "2026-11-20T22:00:00.000Z"
  return { connection: "shop-de", via: "webhook" as const, headers, bytes: Buffer.from(body), receivedAt }
}

/** The fixture with a change made to its text. */
function changed(from: string, to: string): string {
  expect(fixture).toContain(from)
  return fixture.replaceAll(from, to)
}

function refusal(body: string, topic?: string): Pick<AppError, "code" | "problems"> {
  try {
    const { refused = [] } = translate(delivery(body, topic))
    if (refused[0]) return { code: refused[0].code, problems: [...refused[0].problems] }
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown
  }
  throw new Error("nothing was refused")
}

test("an order keeps its discounts, taxes, tip, kit, note and purchase order number", () => {
  const [placed] = translate(delivery(fixture)).events
  if (!placed) throw new Error("nothing was placed")
  // The event's type says which data it has.
  const { order } = placed.data as { order: Order }
  expect(order.lines.flatMap((line) => line.discounts.map((discount) => discount.scope))).toContain("order")
  expect(order.lines.flatMap((line) => line.discounts.map((discount) => discount.scope))).toContain("line")
  expect(order.lines[0]?.taxes.map((tax) => tax.ratePercent)).toEqual(["6.25", "1", "1"])
  expect(order.charges.map((charge) => charge.kind)).toEqual(["shipping", "tip"])
  expect(order.lines.some((line) => (line.components?.length ?? 0) > 1)).toBe(true)
  expect(order.notes).toContain("gift_message: Alles Gute!")
  expect(order.customerReference).toMatch(/^PO-/)
  expect(order.version).toBe(order.placedAt)
})

test("every wrong value of a part is named at once with its place", () => {
  const strange = changed('"requires_shipping": true', '"requires_shipping": "yes"').replace(
    '"po_number": "PO-56523/1"',
    '"po_number": 7',
  )
  const { code, problems } = refusal(strange)
  expect(code).toBe("TRANSLATION_FAILED")
  expect(problems.map((problem) => problem.pointer)).toEqual(
    expect.arrayContaining(["/po_number", "/line_items/0/requires_shipping"]),
  )
})

test("P-31: a value that decides nothing and that nobody knows hides no order", () => {
  const strange = changed('"financial_status": "paid"', '"financial_status": "owed"').replaceAll(
    '"allocation_method": "across"',
    '"allocation_method": "sideways"',
  )
  expect(translate(delivery(strange))).toMatchObject({ events: [{ type: "order.placed" }] })
})

test("an order whose parts do not make its total is not let in", () => {
  const [, total = ""] = /"total_price_set": \{\s*"shop_money": \{\s*"amount": "([\d.]+)"/.exec(fixture) ?? []
  const error = refusal(fixture.replaceAll(`"${total}"`, '"1.00"'))
  expect(error.code).toBe("TRANSLATION_FAILED")
  expect(error.problems.map((problem) => problem.code)).toContain("ORDER_TOTALS_WRONG")
})

test("a value the canonical model has no room for is named with its place", () => {
  const sku = /"sku": "(SKU-\d+)"/.exec(fixture)?.[1] ?? ""
  const error = refusal(changed(`"sku": "${sku}"`, `"sku": "${"X".repeat(256)}"`))
  expect(error.problems.map((problem) => problem.pointer)).toContain("/lines/0/sku")
})

test("bytes that are no JSON, a list and a topic nobody has mapped are refused and kept", () => {
  expect(refusal("{").code).toBe("TRANSLATION_FAILED")
  expect(refusal("[]").code).toBe("TRANSLATION_FAILED")
  expect(refusal("{}", "carts/update").code).toBe("VENDOR_VALUE_UNKNOWN")
})

test("an edit's own webhook is understood and left to the order's", () => {
  expect(translate(delivery('{"order_edit":{"id":1}}', "orders/edited"))).toMatchObject({ events: [] })
  for (const rubbish of ["{}", "null", '"text"'])
    expect(() => translate(delivery(rubbish, "orders/edited"))).toThrow(/orders\/edited|order_edit|object/)
})

test("rates become percent text without the digits a float would add", () => {
  for (const [rate, text] of [
    [0.0625, "6.25"],
    [0.21, "21"],
    [0.09975, "9.975"],
    [0.07, "7"],
    [0.29, "29"],
    [1.1, "110"],
    [0, "0"],
    [0.005, "0.5"],
  ] as const)
    expect(new Reader({ rate }).ratePercent("rate")).toBe(text)
})

const milestone = readFileSync(new URL("./fixtures/fulfillment-events-create.json", import.meta.url), "utf8")

test("a fulfilment event is a milestone that names the fulfilment, in UTC", () => {
  const [event, ...more] = translate(delivery(milestone, "fulfillment_events/create")).events
  expect(more).toEqual([])
  expect(event).toMatchObject({
    type: "shipment.milestone",
    fact: "shop-de:order:450789469:fulfilment:4044542214:attempted_delivery:2026-11-24T14:41:12.000Z",
    data: {
      fulfilmentId: "4044542214",
      milestone: "attempt failed",
      place: "Rotterdam, Netherlands",
      text: "Nobody was at home; a card was left",
      expectedAt: "2026-11-25T17:00:00.000Z",
      at: "2026-11-24T14:41:12.000Z",
    },
  })
})

test("a status of a fulfilment that nobody knows is refused, never taken for another", () => {
  const error = refusal(milestone.replace("attempted_delivery", "left_with_neighbour"), "fulfillment_events/create")
  expect([error.code, error.problems]).toMatchObject(["VENDOR_VALUE_UNKNOWN", [{ pointer: "/status" }]])
})

test.each([
  ["Cash on Delivery (COD)", "cash"],
  ["cash_on_delivery", "cash"],
  ["Money Order", "invoice"],
  ["money_order", "invoice"],
  ["Bank Deposit", "invoice"],
  ["bank-deposit", "invoice"],
  ["manual", "invoice"],
])("P-40: a pending payment by %s is a tender of kind %s that nobody has paid yet", (gateway, kind) => {
  const transaction = {
    id: 9001,
    order_id: 6001,
    kind: "sale",
    gateway,
    status: "pending",
    created_at: "2026-11-20T10:00:03+01:00",
    amount: "20.00",
    currency: "EUR",
    parent_id: null,
    receipt: {},
    payment_id: "p.1",
  }
  const { events } = translate(delivery(JSON.stringify(transaction), "order_transactions/create"))
  expect(events).toMatchObject([{ type: "order.tender-changed", data: { tender: { kind, state: "pending" } } }])
})
