import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import type { Order } from "../../src/canonical/order.ts"
import type { Shipment } from "../../src/canonical/shipment.ts"
import { money } from "../../src/base/money.ts"
import { createHttpClient } from "../../src/base/http.ts"
import { createShopClient, gid } from "../../src/connectors/shopify/client.ts"
import { confirmsFulfilment } from "../../src/connectors/shopify/confirms-fulfilment.ts"
import { shopify } from "../../src/connectors/shopify/connector.ts"
import { AppError } from "../../src/base/errors.ts"
import { createLog } from "../../src/base/log.ts"
import { systemClock } from "../../src/base/time.ts"
import { newCall, shopSettings, startShopBench, type ShopBench } from "./shopify-bench.ts"

let bench: ShopBench
beforeAll(async () => {
  bench = await startShopBench()
})
beforeEach(async () => {
  bench.simulator.setFaults({})
  await bench.webhooks()
  bench.simulator.reset()
})
afterAll(() => bench.stop())

async function placeOne(odd: boolean | string[], payment = "paid"): Promise<Order> {
  await bench.act("orders", { count: 1, odd, payment })
  const events = (await bench.webhooks()).flatMap((one) => bench.shop.receivesDeliveries.translate(one).events)
  const placed = events.find((event) => event.type === "order.placed")
  if (!placed) throw new Error("no order was placed")
  // The event's type says which data it has.
  return (placed.data as { order: Order }).order
}

function shipmentOf(order: Order, id: string, share = (milli: number) => milli): Shipment {
  const lines = order.lines
    .filter((line) => line.fulfilment.method !== "digital")
    .map((line) => ({ lineId: line.id, quantity: { ...line.quantity, milli: share(line.quantity.milli) } }))
  return {
    id,
    orderId: order.id,
    locationId: "wh-leipzig",
    shippedAt: "2026-11-20T22:00:00.000Z",
    carrier: "DHL",
    trackingNumber: `T-${id}`,
    lines: lines.filter((line) => line.quantity.milli > 0),
  }
}

/** The shop's number of the location at this place of the estate's list. */
const shopPlace = (index: number) => String(70_000_000_001 + index)

const client = () => {
  const { baseUrl, accessToken, allowPrivateNetwork } = shopSettings(bench.simulator.url)
  const http = createHttpClient({ baseUrl, timeoutMs: 5_000, allowPrivateNetwork })
  return createShopClient({ http, accessToken, clock: systemClock })
}

/** Where the shop plans to fulfil an order, and where it shows that it was fulfilled. */
async function placesOf(order: Order): Promise<{ planned: string[]; shown: string[] }> {
  const document = `query Places($id: ID!) { order(id: $id) {
    fulfillmentOrders(first: 9) { nodes { assignedLocation { location { id } } } } fulfillments { location { id } } } }`
  const data = await client().read({ document, variables: { id: gid("Order", order.externalId) }, call: newCall() })
  const found = data.object("order")
  return {
    planned: found.nodes("fulfillmentOrders").map((one) => one.object("assignedLocation").object("location").id("id")),
    shown: found.list("fulfillments").map((one) => one.object("location").id("id")),
  }
}

interface BookOrder {
  line_items: { id: number; quantity: number; fulfilled_quantity: number }[]
  fulfillments: { id: number; lines: { lineId: number; quantity: number }[] }[]
  refunds: { note: string | null; transaction_ids: number[] }[]
  transactions: { id: number; kind: string; amount: string; gateway: string }[]
  cancelled_at: string | null
}
// The simulator's books hold exactly these rows (lab/shopify/rest/documents.ts).
const book = () => (bench.simulator.books()["orders"] as BookOrder[])[0]
const updates = () => ({
  ...bench.shop.confirmsFulfilment,
  ...bench.shop.cancelsChannelOrders,
  ...bench.shop.refundsChannelOrders,
})

describe("fulfilments", () => {
  test("a shipment from two of the shop's locations becomes one fulfilment for each, matched by line id", async () => {
    const order = await placeOne(["mixed-delivery", "same-sku-twice"])
    const update = await updates().confirmFulfilment.send(
      { order, shipment: shipmentOf(order, "S1"), notifyCustomer: false },
      newCall(),
    )
    expect(update.channelId.split(",")).toHaveLength(2)
    expect(book()?.line_items.every((line) => line.fulfilled_quantity === line.quantity)).toBe(true)
  })

  test.each([0, 1])("P-17 of two lines with one SKU only the one that shipped is fulfilled: number %i", async (n) => {
    const order = await placeOne(["same-sku-twice"])
    const skus = order.lines.map((line) => line.sku)
    const lineId = order.lines.filter(({ sku }) => skus.indexOf(sku) !== skus.lastIndexOf(sku))[n]?.id ?? ""
    const whole = shipmentOf(order, "S1")
    const shipment = { ...whole, lines: whole.lines.filter((line) => line.lineId === lineId) }
    await updates().confirmFulfilment.send({ order, shipment, notifyCustomer: false }, newCall())
    const done = book()?.line_items.filter((line) => line.fulfilled_quantity > 0)
    expect(done?.map((line) => String(line.id))).toEqual([lineId])
  })

  test("a send that broke off between two locations is continued and nothing is fulfilled twice", async () => {
    const order = await placeOne(["mixed-delivery"])
    const input = { order, shipment: shipmentOf(order, "S1"), notifyCustomer: false }
    bench.simulator.setFaults({ operations: { fulfillmentCreate: { commitThenReset: 1 } } })
    await expect(updates().confirmFulfilment.send(input, newCall("f1"))).rejects.toMatchObject({
      code: "VENDOR_UNCERTAIN",
    })
    bench.simulator.setFaults({})
    expect(await updates().confirmFulfilment.probe(input, newCall("f1"))).toBeUndefined()
    const update = await updates().confirmFulfilment.send(input, newCall("f1"))
    expect(await updates().confirmFulfilment.probe(input, newCall("f1"))).toEqual(update)
    expect(book()?.fulfillments).toHaveLength(2)
    expect(book()?.line_items.every((line) => line.fulfilled_quantity === line.quantity)).toBe(true)
  })

  test("partial shipments add up, and of more than the shop has open it shows what it has", async () => {
    const order = await placeOne(["large-quantity"])
    const half = shipmentOf(order, "S1", (milli) => Math.floor(milli / 2_000) * 1_000)
    const rest = shipmentOf(order, "S2", (milli) => milli - Math.floor(milli / 2_000) * 1_000)
    for (const shipment of [half, rest])
      await updates().confirmFulfilment.send({ order, shipment, notifyCustomer: false }, newCall())
    expect(book()?.line_items.every((line) => line.fulfilled_quantity === line.quantity)).toBe(true)
    const over = { order, shipment: { ...half, id: "S3", trackingNumber: "T-S3" }, notifyCustomer: false }
    expect((await updates().confirmFulfilment.send(over, newCall())).notOpen).toEqual(half.lines)
    expect(book()?.fulfillments).toHaveLength(2)
  })

  test("P-36: a unit that was refunded meanwhile is no reason to refuse the others of its parcel", async () => {
    const order = await placeOne(["large-quantity"])
    await bench.act(`orders/${order.externalId}/refund`, { quantity: 1 })
    const shipment = shipmentOf(order, "S1")
    const { notOpen, channelId } = await updates().confirmFulfilment.send(
      { order, shipment, notifyCustomer: false },
      newCall(),
    )
    expect(notOpen).toEqual([{ lineId: order.lines[0]?.id, quantity: { milli: 1000, unit: "ea" } }])
    expect(channelId).not.toBe("")
    const [line] = book()?.line_items ?? []
    expect(line?.fulfilled_quantity).toBe((line?.quantity ?? 0) - 1)
  })

  test("P-38: goods that left from another place than the shop had planned are shown there", async () => {
    const order = await placeOne(["large-quantity"])
    const half = shipmentOf(order, "S1", (milli) => Math.floor(milli / 2_000) * 1_000)
    const rest = shipmentOf(order, "S2", (milli) => milli - Math.floor(milli / 2_000) * 1_000)
    const [planned = ""] = (await placesOf(order)).planned
    const other = bench.estate.locations.findIndex((_, index) => shopPlace(index) !== planned)
    const locations = { [half.locationId]: shopPlace(other) }
    const { confirmFulfilment } = confirmsFulfilment({ client: client(), system: "shop-de", locations })
    expect(
      await confirmFulfilment.send({ order, shipment: half, notifyCustomer: false }, newCall()),
    ).not.toHaveProperty("otherPlace")
    // A place that the shop does not know moves nothing.
    await confirmFulfilment.send(
      { order, shipment: { ...rest, locationId: "pop-up" }, notifyCustomer: false },
      newCall(),
    )
    expect((await placesOf(order)).shown).toEqual([shopPlace(other), planned])
    expect(book()?.line_items.every((line) => line.fulfilled_quantity === line.quantity)).toBe(true)
  })

  test("P-38: a move that the shop refuses stops no parcel from being shown", async () => {
    const order = await placeOne(["large-quantity"])
    const { confirmFulfilment } = confirmsFulfilment({
      client: client(),
      system: "shop-de",
      locations: { "wh-leipzig": "999" },
    })
    const update = await confirmFulfilment.send(
      { order, shipment: shipmentOf(order, "S1"), notifyCustomer: false },
      newCall(),
    )
    expect(update.otherPlace).toContain("not found")
    expect(book()?.line_items.every((line) => line.fulfilled_quantity === line.quantity)).toBe(true)
  })

  test("P-37: goods on hold in the shop are a conflict until the hold is released, the others are shown", async () => {
    const order = await placeOne(["mixed-delivery"])
    const sku = order.lines[0]?.sku
    await bench.act(`orders/${order.externalId}/hold`, { sku })
    const input = { order, shipment: shipmentOf(order, "S1"), notifyCustomer: false }
    await expect(updates().confirmFulfilment.send(input, newCall("h1"))).rejects.toMatchObject({
      code: "HELD_BY_CHANNEL",
    })
    expect(book()?.fulfillments).toHaveLength(1)
    await bench.act(`orders/${order.externalId}/release-hold`, {})
    await updates().confirmFulfilment.send(input, newCall("h1"))
    expect(book()?.line_items.every((line) => line.fulfilled_quantity === line.quantity)).toBe(true)
  })

  test("the echo of our own fulfilment is a fact that carries our tracking number", async () => {
    const order = await placeOne(false)
    const { channelId } = await updates().confirmFulfilment.send(
      { order, shipment: shipmentOf(order, "S1"), notifyCustomer: false },
      newCall(),
    )
    const events = (await bench.webhooks()).flatMap((one) => bench.shop.receivesDeliveries.translate(one).events)
    const echo = events.filter((event) => event.type === "order.fulfilled-by-channel")
    expect(new Set(echo.map((event) => event.fact)).size).toBe(1)
    expect(echo[0]?.data).toMatchObject({ fulfilmentId: channelId, trackingNumber: "T-S1", orderId: order.id })
  })
})

describe("refunds and cancellations", () => {
  test("a refund of a split payment is taken from both payments and comes back as the same amount", async () => {
    const order = await placeOne(["split-tender", "jpy"])
    const amount = { shop: order.total.shop, presentment: order.total.presentment }
    const input = { order, refundId: "r1", amount, lines: [] }
    const refunded = await updates().refundOrder.send(input, newCall("ref_1"))
    expect(await updates().refundOrder.probe(input, newCall("ref_1"))).toEqual(refunded)
    expect(await updates().refundOrder.send(input, newCall("ref_1"))).toEqual(refunded)
    expect(
      book()
        ?.transactions.filter((one) => one.kind === "refund")
        .map((one) => one.gateway),
    ).toHaveLength(2)
    const events = (await bench.webhooks()).flatMap((one) => bench.shop.receivesDeliveries.translate(one).events)
    const told = events.filter((event) => event.type === "order.refunded")
    expect(told[0]?.data).toMatchObject({ refundId: refunded.channelId, amount: { presentment: amount.presentment } })
  })

  test("P-52 a refund of a payment that the shop holds is taken from that payment alone, once, and is no more than it has", async () => {
    const order = await placeOne(["split-tender", "jpy"])
    const [sale, other] = book()?.transactions ?? []
    if (!sale || !other) throw new Error("two payments were expected")
    const amount = money(100, order.currency.presentment)
    const inChannel = { orderId: order.externalId, tenderId: String(sale.id) }
    const at = { orderId: order.id, paymentId: "p1", inChannel, amount }
    const { refund } = bench.shop.refundsPayments
    expect(await refund.probe(at, newCall("ref_2"))).toBeUndefined()
    const made = await refund.send(at, newCall("ref_2"))
    expect(made).toMatchObject({ paymentId: "p1", amount, state: "refunded" })
    expect([await refund.probe(at, newCall("ref_2")), await refund.send(at, newCall("ref_2"))]).toEqual([made, made])
    const back = book()?.transactions.filter(({ kind }) => kind === "refund")
    expect(back?.map(({ gateway }) => gateway)).toEqual([sale.gateway])
    const number = made.reference?.id ?? ""
    const found = await refund.links?.read({ number: gid("Refund", number), order, key: "ref_2" }, newCall())
    const { worth: total, of } = refund.links?.asks(at) ?? {}
    expect(found).toMatchObject({ reference: "ref_2", total, of, state: "paid back" })
    expect(found?.output.reference).toEqual(made.reference)
    expect(await refund.links?.read({ number: "1", order, key: "ref_2" }, newCall())).toBeUndefined()
    expect((await refund.links?.read({ number, order, key: "another" }, newCall()))?.cannotBe).toContain("another step")
    await bench.act(`orders/${order.externalId}/refund`, { quantity: 1 })
    const byHand = String(book()?.refunds.at(-1)?.["id" as never] ?? "")
    expect(await refund.links?.read({ number: byHand, order, key: "ref_2" }, newCall())).toMatchObject({
      reference: "",
    })
    const tooMuch = { ...at, amount: order.total.presentment }
    await expect(refund.send(tooMuch, newCall("ref_3"))).rejects.toMatchObject({ code: "VENDOR_REJECTED" })
  })

  test("more than the payments hold is refused before anything is sent", async () => {
    const order = await placeOne(false)
    const currency = order.currency.presentment
    const amount = { shop: order.total.shop, presentment: money(order.total.presentment.amountMinor + 1, currency) }
    const refund = updates().refundOrder.send({ order, refundId: "r1", amount, lines: [] }, newCall())
    await expect(refund).rejects.toMatchObject({ code: "VENDOR_REJECTED" })
    expect(book()?.refunds).toHaveLength(0)
  })

  test("a cancellation waits for the shop's job, is found by probe and is a no-op the second time", async () => {
    const order = await placeOne(false)
    const input = { order, reason: "out of stock", refund: true }
    expect(await updates().cancelOrder.probe(input, newCall())).toBeUndefined()
    const cancelled = await updates().cancelOrder.send(input, newCall())
    expect(book()?.cancelled_at).not.toBeNull()
    expect(await updates().cancelOrder.probe(input, newCall())).toEqual(cancelled)
    expect(await updates().cancelOrder.send(input, newCall())).toEqual(cancelled)
  })
})

describe("a cancellation that the shop refuses", () => {
  test.each([
    ["an authorisation is pending", { "transactions.0.kind": "AUTHORIZATION", "transactions.0.status": "PENDING" }],
    ["goods are on their way back", { hasActiveReturn: true }],
  ])("because %s is refused with its words", async (_why, set) => {
    const order = await placeOne(false)
    await bench.act(`orders/${order.externalId}/set`, { set })
    const input = { order, reason: "out of stock", refund: true }
    await expect(updates().cancelOrder.send(input, newCall())).rejects.toMatchObject({ code: "VENDOR_REJECTED" })
    expect(book()?.cancelled_at).toBeNull()
  })

  test("only when its job runs is refused too, and not left as unknown", async () => {
    const slow = await startShopBench({ jobMs: 400 })
    await slow.act("orders", { count: 1, odd: false, payment: "paid" })
    const events = (await slow.webhooks()).flatMap((one) => slow.shop.receivesDeliveries.translate(one).events)
    const placed = events.find(({ type }) => type === "order.placed")
    if (!placed) throw new Error("no order was placed")
    const { order } = placed.data as { order: Order }
    const sent = slow.shop.cancelsChannelOrders.cancelOrder.send({ order, reason: "fraud", refund: true }, newCall())
    const later = new Promise((resolve) => setTimeout(resolve, 200))
    const returned = later.then(() => slow.act(`orders/${order.externalId}/set`, { set: { hasActiveReturn: true } }))
    await expect(sent).rejects.toMatchObject({
      code: "VENDOR_REJECTED",
      message: expect.stringContaining("active returns"),
    })
    await returned
    await slow.stop()
  })
})

describe("the API's own rules", () => {
  test("a throttled query says how long to wait and nothing was done", async () => {
    const { startShopify } = await import("../../lab/shopify/shopify.ts")
    const simulator = await startShopify({
      seed: 1,
      estate: bench.estate,
      costBucket: { maximum: 100, restorePerSecond: 10 },
    })
    const shop = shopify.connect(shopSettings(simulator.url), {
      connectionId: "shop-de",
      clock: systemClock,
      log: createLog("test", "silent"),
    })
    const list = () => shop.listsChanges.orders.listChanges({ cursor: undefined, sinceMs: 0 }, newCall())
    const answers = await Promise.allSettled([list(), list(), list()])
    const refusals = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []))
    expect(refusals.length).toBeGreaterThan(0)
    for (const refusal of refusals)
      expect(refusal).toMatchObject({ code: "VENDOR_UNAVAILABLE", retryAfterMs: expect.any(Number) })
    shop.close()
    await simulator.stop()
  })

  test("a wrong token makes work wait instead of undoing orders", async () => {
    const shop = shopify.connect(
      { ...shopSettings(bench.simulator.url), accessToken: "wrong" },
      { connectionId: "shop-de", clock: systemClock, log: createLog("test", "silent") },
    )
    await expect(shop.check()).rejects.toMatchObject({ code: "VENDOR_KEY_REFUSED" })
    await bench.shop.check()
    shop.close()
  })

  test("P-46: scopes that every shop needs, and the approval for personal data, are missed at the check and not at the first order", async () => {
    const own = await startShopBench()
    const control = (body: object) =>
      fetch(`${own.simulator.url}/__lab/access`, {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      })
    const refusal = async () => {
      const error = await own.shop.check().catch((thrown: unknown) => thrown)
      return error instanceof AppError ? `${error.code} ${error.message}` : error
    }
    await own.shop.check()
    await control({ refusesPersonal: true })
    expect(await refusal()).toBe(
      "VENDOR_KEY_REFUSED the app lacks a scope or an approval: This app is not approved to use the email field.",
    )
    await control({ without: "write_products" })
    await own.shop.check()
    await control({ without: "write_orders" })
    await control({ without: "write_merchant_managed_fulfillment_orders" })
    expect(await refusal()).toMatch(
      /^VENDOR_KEY_REFUSED the app lacks the access scope write_orders \(.+\); and write_merchant_managed_fulfillment_orders or .+\)$/,
    )
    await own.stop()
  })

  test("P-42: an app that is shown the orders of sixty days only says so before a history is read, and not by reading less", async () => {
    const own = await startShopBench()
    const dayMs = 24 * 3_600_000
    await own.act("orders", { odd: false, ageMs: 61 * dayMs })
    await own.act("orders", { odd: false })
    const { orders } = own.shop.listsChanges
    const since = (days: number) => ({ sinceMs: Date.now() - days * dayMs })
    const count = async () =>
      (await orders.listChanges({ cursor: undefined, ...since(90) }, newCall())).deliveries.length
    expect(await orders.refusesSince?.(since(90), newCall())).toBeUndefined()
    expect(await count()).toBe(2)
    await fetch(`${own.simulator.url}/__lab/access`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ without: "read_all_orders" }),
    })
    expect(await count()).toBe(1)
    expect(await orders.refusesSince?.(since(90), newCall())).toMatch(
      /^without the access scope read_all_orders the shop shows orders of the last 60 days only: begin at \d{4}-/,
    )
    expect(await orders.refusesSince?.(since(59), newCall())).toBeUndefined()
    // Everything else works without it.
    await own.shop.check()
    const refusal = await orders.refusesSince?.(since(90), newCall())
    // The moment that it names is still taken when somebody has typed it.
    const named = Date.parse(/begin at (\S+)/.exec(refusal ?? "")?.[1] ?? "")
    expect(named - since(60).sinceMs).toBeGreaterThanOrEqual(30 * 60_000 - 5000)
    expect(await orders.refusesSince?.({ sinceMs: named }, newCall())).toBeUndefined()
    await own.stop()
  })
})
