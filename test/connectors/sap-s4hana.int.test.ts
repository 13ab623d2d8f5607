import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { businessDate as businessDateOf, instant, systemClock } from "../../src/base/time.ts"
import type { Order, OrderLine } from "../../src/canonical/order.ts"
import type { JournalEntry } from "../../src/canonical/ledger-entry.ts"
import type { RoutedLine } from "../../src/ports/capabilities/goods.ts"
import { startErpBench, type ErpBench } from "./sap-bench.ts"
import { newCall, startShopBench, type ShopBench } from "./shopify-bench.ts"

/** A day of the open period: the lab's books are open for this month and the two before. */
const businessDate = businessDateOf(instant(systemClock.now()), { timeZone: "UTC" })

let bench: ErpBench
let shop: ShopBench

beforeAll(async () => {
  bench = await startErpBench()
  shop = await startShopBench()
})
beforeEach(() => {
  bench.simulator.setFaults({})
  bench.simulator.reset()
})
afterAll(async () => {
  await shop.stop()
  await bench.stop()
})

/** Orders as the shop sells them, of all oddities or of the named ones. */
async function shopOrders(count: number, odd: boolean | string[] = true): Promise<Order[]> {
  await shop.act("orders", { count, odd, payment: "paid" })
  const events = (await shop.webhooks()).flatMap((one) => shop.shop.receivesDeliveries.translate(one).events)
  const placed = events.filter((event) => event.type === "order.placed")
  // The event's type says which data it has.
  return [...new Map(placed.map((event) => [event.fact, (event.data as { order: Order }).order])).values()]
}

/** Everything from one place, gift cards from none. */
function routingOf(order: Order, locationId = "wh-leipzig"): RoutedLine[] {
  return order.lines
    .filter((line) => line.fulfilment.method !== "digital" && line.quantity.milli > 0)
    .map(({ id, sku, quantity }) => ({ lineId: id, sku, quantity, locationId }))
}

const { booksOrders, amendsOrders, cancelsOrders, recordsDeliveries, postsJournals } = {
  booksOrders: () => bench.erp.booksOrders,
  amendsOrders: () => bench.erp.amendsOrders,
  cancelsOrders: () => bench.erp.cancelsOrders,
  recordsDeliveries: () => bench.erp.recordsDeliveries,
  postsJournals: () => bench.erp.postsJournals,
}

type Row = Record<string, unknown>

const itemsOf = (order: Row | undefined) => (order?.["to_Item"] ?? []) as Row[]
// The simulator's books are rows of the vendor's entities.
const rows = (kind: string) => bench.simulator.books()[kind] as Row[]

async function bookOne(odd: boolean | string[] = false) {
  const [order] = await shopOrders(1, odd)
  if (!order) throw new Error("the shop sold nothing")
  const routing = routingOf(order)
  const booked = await booksOrders().bookOrder.send({ order, routing, businessDate }, newCall(order.id))
  return { order, routing, booked }
}

describe("orders", () => {
  test(
    "the books hold every odd order to the cent of what was charged, and find it by our key",
    { timeout: 60_000 },
    async () => {
      for (const order of await shopOrders(300)) {
        const routing = routingOf(order)
        const booked = await booksOrders().bookOrder.send({ order, routing, businessDate }, newCall(order.id))
        expect(booked.total).toEqual(order.total.shop)
        expect(await booksOrders().bookOrder.probe({ order, routing, businessDate }, newCall(order.id))).toEqual(booked)
      }
    },
  )

  test("a line that two places ship becomes two items that together are worth the line", async () => {
    const [order] = await shopOrders(1, ["large-quantity", "order-discount"])
    const [line] = order?.lines ?? []
    if (!order || !line) throw new Error("the shop sold nothing")
    const part = (milli: number, locationId: string) => ({
      lineId: line.id,
      sku: line.sku,
      quantity: { milli, unit: "ea" },
      locationId,
    })
    const rest = routingOf(order).filter((one) => one.lineId !== line.id)
    const routing = [part(3_000, "wh-leipzig"), part(line.quantity.milli - 3_000, "store-berlin"), ...rest]
    const booked = await booksOrders().bookOrder.send({ order, routing, businessDate }, newCall(order.id))
    expect(booked.total).toEqual(order.total.shop)
    const [document] = rows("orders")
    const items = itemsOf(document).filter((item) => item["PurchaseOrderByCustomer"] === line.id)
    expect(items.map((item) => item["ProductionPlant"])).toEqual(["W002", "S008"])
  })

  test("two live orders with one reference are named to a person, a rejected one is not counted", async () => {
    const { order, routing, booked } = await bookOne()
    const again = await booksOrders().bookOrder.send({ order, routing, businessDate }, newCall(order.id))
    const probe = () => booksOrders().bookOrder.probe({ order, routing, businessDate }, newCall(order.id))
    await expect(probe()).rejects.toMatchObject({
      code: "VENDOR_MISBEHAVED",
      data: { documentNumbers: [booked.documentNumber, again.documentNumber] },
    })
    await rejectAll(again.documentNumber)
    expect((await probe())?.documentNumber).toBe(booked.documentNumber)
  })

  test("an unknown material is refused in SAP's own words and nothing is booked", async () => {
    const [order] = await shopOrders(1, false)
    if (!order) throw new Error("the shop sold nothing")
    const strange = { ...order, lines: order.lines.map((line) => ({ ...line, sku: "REJECT-ERP-1" })) }
    await expect(
      booksOrders().bookOrder.send({ order: strange, routing: [], businessDate }, newCall(order.id)),
    ).rejects.toMatchObject({
      code: "ARTICLE_UNKNOWN",
      message: expect.stringContaining("REJECT-ERP-1 is not defined"),
    })
    expect(rows("orders")).toHaveLength(0)
  })

  test("an amended order has the new lines and their value, and amending it again changes nothing", async () => {
    const { order, booked } = await bookOne(["large-quantity", "order-discount"])
    const [first, ...others] = order.lines
    if (!first) throw new Error("an order without lines")
    const more: OrderLine = { ...first, id: "77001", quantity: { milli: 2_000, unit: "ea" } }
    const edited = { ...order, lines: [halved(first), ...others.map(emptied), more] }
    const input = { order: edited, routing: routingOf(edited), documentNumber: booked.documentNumber }
    expect(await amendsOrders().amendOrder.probe(input, newCall())).toBeUndefined()
    const amended = await amendsOrders().amendOrder.send(input, newCall())
    expect(await amendsOrders().amendOrder.probe(input, newCall())).toEqual(amended)
    expect(await amendsOrders().amendOrder.send(input, newCall())).toEqual(amended)
    const items = itemsOf(rows("orders")[0]).filter((item) => item["SalesDocumentRjcnReason"] === "")
    expect(items.map((item) => [item["PurchaseOrderByCustomer"], item["RequestedQuantity"]])).toEqual([
      [first.id, `${halved(first).quantity.milli / 1_000}`],
      ["77001", "2"],
    ])
  })

  test("a cancellation takes the order that a person linked, and no rejected duplicate for it", async () => {
    const { order, routing, booked } = await bookOne()
    await rejectAll(booked.documentNumber)
    const byHand = await booksOrders().bookOrder.send({ order, routing, businessDate }, newCall("by hand"))
    const input = { orderId: order.id, reason: "", documentNumber: byHand.documentNumber }
    expect(await cancelsOrders().cancelOrder.probe(input, newCall())).toBeUndefined()
    expect(await cancelsOrders().cancelOrder.send(input, newCall())).toMatchObject({
      documentNumber: byHand.documentNumber,
    })
    expect(rows("orders").map((row) => row["OverallSDDocumentRejectionSts"])).toEqual(["C", "C"])
    expect(await cancelsOrders().cancelOrder.probe(input, newCall())).toMatchObject({
      documentNumber: byHand.documentNumber,
    })
  })

  test("a number that a person answers for is the one that the API shows, however it is typed", () => {
    const { links } = booksOrders().bookOrder
    expect(links?.named(" 0000004711 ", {}).reference?.id).toBe("4711")
    expect(links?.named("00SO-1", {}).reference?.id).toBe("00SO-1")
  })

  test("an order that was never booked is cancelled by doing nothing", async () => {
    const cancelled = await cancelsOrders().cancelOrder.send({ orderId: "ord_0000000000000000", reason: "" }, newCall())
    expect(cancelled).toEqual({ documentNumber: "" })
  })
})

function halved(line: OrderLine): OrderLine {
  return { ...line, quantity: { ...line.quantity, milli: Math.floor(line.quantity.milli / 2_000) * 1_000 } }
}
function emptied(line: OrderLine): OrderLine {
  return { ...line, quantity: { ...line.quantity, milli: 0 } }
}

/** What a clerk does with a duplicate. */
async function rejectAll(number: string): Promise<void> {
  const base = `${bench.simulator.url}/sap/opu/odata/sap/API_SALES_ORDER_SRV`
  const authorization = `Basic ${Buffer.from(`${bench.settings.user}:${bench.settings.password}`).toString("base64")}`
  const token = await fetch(`${base}/`, { headers: { authorization, "x-csrf-token": "Fetch" } })
  const cookie = token.headers
    .getSetCookie()
    .map((line) => line.split(";")[0])
    .join("; ")
  const headers = { authorization, cookie, "x-csrf-token": token.headers.get("x-csrf-token") ?? "", "if-match": "*" }
  const found = rows("orders").find((order) => order["SalesOrder"] === number)
  for (const item of itemsOf(found))
    await fetch(`${base}/A_SalesOrderItem(SalesOrder='${number}',SalesOrderItem='${String(item["SalesOrderItem"])}')`, {
      method: "PATCH",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify({ SalesDocumentRjcnReason: "61" }),
    })
}

describe("sessions", () => {
  test("twenty bookings at once after all sessions ended share one new session", async () => {
    const orders = await shopOrders(20, false)
    await bookOne()
    await fetch(`${bench.simulator.url}/__lab/expire-sessions`, { method: "POST" })
    const before = await tokenFetches()
    const booked = await Promise.all(
      orders.map((order) =>
        booksOrders().bookOrder.send({ order, routing: routingOf(order), businessDate }, newCall(order.id)),
      ),
    )
    expect(new Set(booked.map((one) => one.documentNumber)).size).toBe(20)
    expect((await tokenFetches()) - before).toBe(1)
  })
})

async function tokenFetches(): Promise<number> {
  const answer = await fetch(`${bench.simulator.url}/__lab/requests?limit=1000`)
  const { requests } = (await answer.json()) as { requests: { operation?: string }[] }
  return requests.filter((request) => request.operation === "fetchToken").length
}

describe("deliveries", () => {
  const shipmentOf = (order: Order, lines: RoutedLine[], id: string) => ({
    id,
    orderId: order.id,
    locationId: "wh-leipzig",
    shippedAt: "2026-11-20T22:00:00.000Z",
    trackingNumber: `TRACK-${id}`,
    lines: lines.map(({ lineId, quantity }) => ({ lineId, quantity })),
  })

  test("partial deliveries add up to the order, and what broke off between two steps is finished", async () => {
    const { order, routing, booked } = await bookOne(["large-quantity"])
    const part = (share: (milli: number) => number) =>
      routing
        .map((line) => ({ ...line, quantity: { ...line.quantity, milli: share(line.quantity.milli) } }))
        .filter((line) => line.quantity.milli > 0)
    const halves = [
      part((milli) => Math.floor(milli / 2_000) * 1_000),
      part((milli) => milli - Math.floor(milli / 2_000) * 1_000),
    ]
    for (const [index, lines] of halves.entries()) {
      const shipment = shipmentOf(order, lines, `S${index}`)
      const input = {
        orderId: order.id,
        documentNumber: booked.documentNumber,
        shipment,
        lines,
        postingDate: businessDate,
      }
      const key = `del_${order.id}_${index}`
      bench.simulator.setFaults({ operations: { postGoodsIssue: { resetBeforeCommit: 1 } } })
      await expect(recordsDeliveries().recordDelivery.send(input, newCall(key))).rejects.toMatchObject({
        code: "VENDOR_UNCERTAIN",
      })
      bench.simulator.setFaults({})
      expect(await recordsDeliveries().recordDelivery.probe(input, newCall(key))).toBeUndefined()
      const recorded = await recordsDeliveries().recordDelivery.send(input, newCall(key))
      expect(await recordsDeliveries().recordDelivery.probe(input, newCall(key))).toEqual(recorded)
      // What a person sees of it who links it.
      const { links } = recordsDeliveries().recordDelivery
      const number = recorded.documentNumber
      const found = await links?.read({ number: `00${number}`, order, key }, newCall())
      const state = "goods issue posted"
      expect(found).toEqual({ output: recorded, reference: key, state, ...links?.asks(input) })
      expect(await links?.read({ number: "99999999", order, key }, newCall())).toBeUndefined()
    }
    expect(rows("deliveries")).toHaveLength(2)
    expect(rows("orders")[0]?.["OverallDeliveryStatus"]).toBe("C")
  })
})

describe("journal entries", () => {
  const entry = (number: string, text = 'Müller & Söhne <"ltd">'): JournalEntry => ({
    number,
    orderId: "ord_0000000000000001",
    kind: "invoice",
    postedAt: "2026-11-20T22:00:00.000Z",
    businessDate,
    currency: "EUR",
    lines: [
      { account: "receivable", amount: { amountMinor: 11_900, currency: "EUR" }, text },
      { account: "revenue", amount: { amountMinor: -10_000, currency: "EUR" }, tax: { rates: ["19"] } },
      { account: "tax payable", amount: { amountMinor: -1_900, currency: "EUR" }, tax: { rates: ["19"] } },
    ],
  })

  test("an entry is posted with its text intact and found by a key longer than SAP's reference", async () => {
    const key = "inv_ord_0000000000000001_shipment1"
    const posted = await postsJournals().postEntry.send({ entry: entry(key) }, newCall(key))
    expect(await postsJournals().postEntry.probe({ entry: entry(key) }, newCall(key))).toEqual(posted)
    expect(rows("journals").map((row) => row["DocumentItemText"])).toContain('Müller & Söhne <"ltd">')
    const { links } = postsJournals().postEntry
    const [order] = await shopOrders(1, false)
    if (!order) throw new Error("the shop sold nothing")
    const own = { ...order, id: "ord_0000000000000001" }
    const number = posted.documentNumber
    const found = await links?.read({ number: `00${number}`, order: own, key }, newCall())
    const due = links?.asks({ entry: entry(key) })
    expect(due?.worth).toEqual({ amountMinor: 11_900, currency: "EUR" })
    expect(Object.values(due?.lines ?? {}).sort()).toEqual(["-100.00 EUR", "-19.00 EUR", "119.00 EUR"])
    expect(found).toEqual({
      output: posted,
      total: due?.worth,
      lines: due?.lines,
      reference: key,
      state: "posted as DR",
    })
    const typed = { number: `${number}/${businessDate.slice(0, 4)}`, order: own, key }
    expect((await links?.read(typed, newCall()))?.output).toEqual(posted)
    expect(await links?.read({ number: `${number}/1999`, order: own, key }, newCall())).toBeUndefined()
    expect((await links?.read({ number, order, key }, newCall()))?.cannotBe).toContain("assigned to another order")
    const other = "inv_ord_0000000000000001_shipment2"
    expect(await postsJournals().postEntry.probe({ entry: entry(other) }, newCall(other))).toBeUndefined()
  })

  test("P-44: a closed period is refused with the reasons of SAP's log, though HTTP says 200", async () => {
    const closed = { ...entry("inv_2"), businessDate: "2020-01-15" }
    await expect(postsJournals().postEntry.send({ entry: closed }, newCall("inv_2"))).rejects.toMatchObject({
      code: "PERIOD_CLOSED",
      message: expect.stringContaining("Posting period 001 2020 is not open"),
    })
  })
})
