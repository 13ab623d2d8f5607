import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { ref } from "../../src/canonical/refs.ts"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { buyInShop, openExceptions, plentifulSkus, untilEnded, untilState } from "../fixtures/order-flow.ts"
import { askShop, creditsOf, journalItems, shipAll, shipmentRequests } from "../fixtures/vendor-books.ts"

// What a shop gives back after the goods have left: it reaches the books, the stock and the order's account, once.

let t: TestCrossdock
let skus: string[] = []
/** Our locations by the shop's numbers. */
let places: [string, string][] = []
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 38,
    lab: quietWarehouse,
    estate: (estate) => {
      const { shopify } = estate.connections
      if (!shopify) throw new Error("no shop")
      // The shop numbers its locations one after the other; the last one is none of ours.
      const ours = estate.locations.slice(0, -1).map(({ id }, index) => [id, String(shopLocation(index))])
      places = ours.map(([id = "", number = ""]) => [number, id])
      const settings = { ...(shopify.settings as object), locations: Object.fromEntries(ours) as object }
      return { ...estate, connections: { ...estate.connections, shopify: { ...shopify, settings, pollEveryMs: 500 } } }
    },
  })
  skus = plentifulSkus(t, 3)
})
afterAll(async () => t?.stop())

const shopLocation = (index: number) => 70_000_000_001 + index

interface ShopLine {
  id: string
  quantity: number
  sku: string
}

/** An order that is paid and has left, with its lines in the shop. */
async function shipped(wish: Record<string, unknown> = {}) {
  const [one] = await buyInShop(t, { count: 1, skus: skus.slice(0, 2), payment: "paid", ...wish })
  if (!one) throw new Error("nothing was bought")
  await untilState(t, one.orderId, ["released", "partly shipped"])
  await shipAll(t, one.orderId)
  expect(await untilEnded(t, one.orderId)).toBe("done")
  return { ...one, lines: await shopLines(one.id) }
}

/** One whose shipping cost the buyer something. */
async function shippedForMoney() {
  for (;;) {
    const order = await shipped()
    const query = `{ order(id: "gid://shopify/Order/${order.id}") { totalShippingPriceSet { shopMoney { amount } } } }`
    const answer = await askShop<{ order: { totalShippingPriceSet: { shopMoney: { amount: string } } } }>(t, query)
    if (Number(answer.order.totalShippingPriceSet.shopMoney.amount) > 0) return order
  }
}

/** One of which nothing has left yet, with two or more units in its only line. */
async function twoOfOne() {
  for (;;) {
    const [one] = await buyInShop(t, { count: 1, skus: skus.slice(0, 1), payment: "paid" })
    if (!one) throw new Error("nothing was bought")
    await untilState(t, one.orderId, "released")
    const lines = await shopLines(one.id)
    if ((lines[0]?.quantity ?? 0) >= 2) return { ...one, lines }
  }
}

async function shopLines(id: number): Promise<ShopLine[]> {
  const query = `{ order(id: "gid://shopify/Order/${id}") { lineItems(first: 9) { nodes { id quantity sku } } } }`
  const { order } = await askShop<{ order: { lineItems: { nodes: ShopLine[] } } }>(t, query)
  return order.lineItems.nodes
}

const lineId = ({ id }: ShopLine) => Number(id.slice(id.lastIndexOf("/") + 1))
const refund = (id: number, body: object) => control(t.lab.shopify, `orders/${id}/refund`, body)

/** What the ERP's ledger holds of an order, by account, in minor units; credits are negative. */
function booked(orderId: string): Map<string, number> {
  const byText = new Map<string, number>()
  for (const { text, amountMinor } of journalItems(t, orderId)) byText.set(text, (byText.get(text) ?? 0) + amountMinor)
  return byText
}

/** What the shop says is left of the order, in minor units. */
async function leftInShop(id: number): Promise<number> {
  const query = `{ order(id: "gid://shopify/Order/${id}") { netPaymentSet { shopMoney { amount } } } }`
  const { order } = await askShop<{ order: { netPaymentSet: { shopMoney: { amount: string } } } }>(t, query)
  return Math.round(Number(order.netPaymentSet.shopMoney.amount) * 100)
}

const untilClosed = (orderId: string, count = 1) =>
  eventually(`${count} credits of ${orderId} are closed`, async () => {
    const rows = await t.sql<{ data: { state: string } }[]>`
      select data from events where type = 'credit.state-changed' and data ->> 'state' = 'closed'
      and data ->> 'creditId' like ${`${orderId}-c%`}`
    return rows.length >= count || undefined
  })

const onHand = async (sku: string) =>
  Object.fromEntries(
    (
      await t.sql<{ place: string; milli: number }[]>`
        select location_id as place, on_hand_milli as milli from stock_positions where sku = ${sku}`
    ).map(({ place, milli }) => [place, Number(milli)]),
  )

const returned = async (orderId: string) => {
  const { body } = await t.api("GET", `/v1/orders/${orderId}/account`)
  return (body as unknown as { lines: { returnedMilli: number }[] }).lines.map((line) => line.returnedMilli)
}

/** Books and shop agree on what the buyer has paid in the end. */
async function expectTied(order: { id: number; orderId: string }, count: number) {
  await untilClosed(order.orderId, count)
  const byText = booked(order.orderId)
  expect(byText.get("payment clearing")).toBe(await leftInShop(order.id))
  expect([...byText.values()].reduce((sum, minor) => sum + minor, 0)).toBe(0)
  expect(creditsOf(t, order.orderId)).toHaveLength(count)
}

describe("P-35 a refund of goods that had left", () => {
  test("of one unit: the books credit it, it is back where the shop says, and the account knows", async () => {
    const order = await shipped()
    const [line] = order.lines
    if (!line) throw new Error("no line")
    const [number = "", place = ""] = places[1] ?? []
    const before = await onHand(line.sku)
    await refund(order.id, { lineId: lineId(line), locationId: Number(number) })
    await expectTied(order, 1)
    const after = await onHand(line.sku)
    expect(after[place]).toBe((before[place] ?? 0) + 1000)
    expect(await returned(order.orderId)).toEqual([1000, 0])
    expect(await openExceptions(t, order.orderId)).toEqual([])
    const { body } = await t.api("GET", `/v1/objects?kind=credit&state=closed`)
    expect(JSON.stringify(body)).toContain(`${order.orderId}-c`)
    const trace = await t.api("GET", `/v1/orders/${order.orderId}/trace`)
    expect(JSON.stringify(trace.body)).toContain("credit.due")
  })

  test("of everything with its shipping: nothing is left in the books", async () => {
    const order = await shipped()
    await refund(order.id, {
      lines: order.lines.map((line) => ({ lineId: lineId(line), quantity: line.quantity })),
      shipping: true,
    })
    await expectTied(order, 1)
    expect([...booked(order.orderId)].filter(([, minor]) => minor !== 0)).toEqual([])
    expect(await returned(order.orderId)).toEqual(order.lines.map(({ quantity }) => quantity * 1000))
  })

  test("two refunds, one of shipping alone and one of money for nothing: two credits, and no stock", async () => {
    const order = await shippedForMoney()
    const before = await onHand(order.lines[0]?.sku ?? "")
    await refund(order.id, { goods: false, shipping: true })
    await refund(order.id, { goods: false, amountMinor: 123 })
    await expectTied(order, 2)
    expect(await onHand(order.lines[0]?.sku ?? "")).toEqual(before)
  })

  test("that the buyer keeps: credited, on no shelf, and given back in the account", async () => {
    const order = await shipped()
    const [line] = order.lines
    if (!line) throw new Error("no line")
    const before = await onHand(line.sku)
    await refund(order.id, { lines: [{ lineId: lineId(line), restock: "NO_RESTOCK" }] })
    await expectTied(order, 1)
    expect(await onHand(line.sku)).toEqual(before)
    expect(await returned(order.orderId)).toEqual([1000, 0])
  })

  test("put back where nobody of ours is: operations is told, and the stock stays as it is", async () => {
    const order = await shipped()
    const [line] = order.lines
    if (!line) throw new Error("no line")
    await refund(order.id, { lineId: lineId(line), locationId: shopLocation(places.length) })
    await expectTied(order, 1)
    const causes = await t.sql`select cause from exceptions where about like ${`credit/${order.orderId}-c%`}`
    expect(causes).toMatchObject([{ cause: "put back at an unknown place" }])
  })

  test("for which no money moves, as in an even exchange: the unit is back in the stock, and what it was worth pays for something else", async () => {
    const order = await shipped()
    const [line] = order.lines
    if (!line) throw new Error("no line")
    const [number = "", place = ""] = places[1] ?? []
    const before = await onHand(line.sku)
    const paid = booked(order.orderId).get("payment clearing")
    await refund(order.id, { lineId: lineId(line), amountMinor: 0, locationId: Number(number) })
    await untilClosed(order.orderId)
    expect((await onHand(line.sku))[place]).toBe((before[place] ?? 0) + 1000)
    expect(await returned(order.orderId)).toEqual([1000, 0])
    const byText = booked(order.orderId)
    // The money stays; the buyer has that much to the good.
    expect(byText.get("payment clearing")).toBe(paid)
    expect(byText.get("receivable")).toBeLessThan(0)
    expect([...byText.values()].reduce((sum, minor) => sum + minor, 0)).toBe(0)
    expect(await openExceptions(t, order.orderId)).toEqual([])
  })

  test("in an even exchange before the order has ended: one article comes back, the other one leaves, and books and shop agree", async () => {
    const [order] = await buyInShop(t, { count: 1, skus: skus.slice(0, 1), payment: "paid" })
    if (!order) throw new Error("nothing was bought")
    await untilState(t, order.orderId, "released")
    const [line] = await shopLines(order.id)
    if (!line) throw new Error("no line")
    const other = skus[2] ?? ""
    const shelves = async (sku: string) => Object.values(await onHand(sku)).reduce((sum, milli) => sum + milli, 0)
    const [ours, others] = [await shelves(line.sku), await shelves(other)]
    await refund(order.id, {
      lines: [{ lineId: lineId(line), quantity: line.quantity, restock: "RETURN" }],
      amountMinor: 0,
    })
    await control(t.lab.shopify, `orders/${order.id}/edit`, {
      add: [{ likeLineId: lineId(line), quantity: line.quantity, sku: other }],
    })
    // After release a person says whether an edit is carried out, in an exchange as well.
    const [open] = await eventually("the edit waits for a person", async () => {
      const found = await openExceptions(t, order.orderId)
      return found.length > 0 ? found : undefined
    })
    await t.api("POST", `/v1/exceptions/${open?.id}/decision`, { action: "apply" })
    await eventually("the other article is asked for", () => {
      const asked = shipmentRequests(t, order.orderId).flatMap(({ lines }) => lines)
      return asked.some(({ sku }) => sku === other) || undefined
    })
    await shipAll(t, order.orderId)
    expect(await untilEnded(t, order.orderId)).toBe("done")
    await untilClosed(order.orderId)
    const byText = booked(order.orderId)
    expect({ money: byText.get("payment clearing"), owed: byText.get("receivable") ?? 0 }).toEqual({
      money: await leftInShop(order.id),
      owed: 0,
    })
    expect(await shelves(other)).toBe(others - line.quantity * 1000)
    expect(await shelves(line.sku)).toBe(ours)
    expect(await openExceptions(t, order.orderId)).toEqual([])
  })

  test("told twice, by webhook and by poll, and again after a restart: once", async () => {
    const order = await shipped()
    const [line] = order.lines
    if (!line) throw new Error("no line")
    await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
    await refund(order.id, { lineId: lineId(line) })
    await eventually("the credit waits for the books", async () => {
      const rows = await t.sql`select 1 from workflow_queue q join workflow_instances i on i.id = q.instance
        where i.about like ${`credit/${order.orderId}-c%`} and q.waiting is not null`
      return rows.length > 0
    })
    await t.restart()
    await t.api("POST", "/v1/connections/sap/resume", {})
    await control(t.lab.shopify, `orders/${order.id}/settle-refunds`, {})
    await expectTied(order, 1)
    expect(await returned(order.orderId)).toEqual([1000, 0])
  })

  test("heard before its parcel: credited with it", async () => {
    const [order] = await buyInShop(t, { count: 1, skus: skus.slice(0, 1), payment: "paid" })
    if (!order) throw new Error("nothing was bought")
    await untilState(t, order.orderId, "released")
    const [line] = await shopLines(order.id)
    if (!line) throw new Error("no line")
    await refund(order.id, { lines: [{ lineId: lineId(line), quantity: line.quantity, restock: "RETURN" }] })
    await eventually("the refund is heard", async () => {
      const rows = await t.sql`select 1 from workflow_signals s join workflow_instances i on i.id = s.instance
        where i.about = ${ref("order", order.orderId)} and s.type = 'order.refunded'`
      return rows.length > 0
    })
    expect(creditsOf(t, order.orderId)).toEqual([])
    await shipAll(t, order.orderId)
    await expectTied(order, 1)
    expect(await returned(order.orderId)).toEqual([line.quantity * 1000])
  })

  test("after another that took a unit off before it left: both are right to the cent, and nobody is asked", async () => {
    const order = await twoOfOne()
    const [line] = order.lines
    if (!line) throw new Error("no line")
    await refund(order.id, { lines: [{ lineId: lineId(line), restock: "CANCEL" }] })
    await eventually("the warehouse has stopped it", () => {
      const lines = shipmentRequests(t, order.orderId).flatMap((request) => request.lines)
      return lines.some(({ cancelledMilli }) => cancelledMilli === 1000) || undefined
    })
    await shipAll(t, order.orderId)
    expect(await untilEnded(t, order.orderId)).toBe("done")
    await refund(order.id, { lines: [{ lineId: lineId(line), restock: "NO_RESTOCK" }] })
    await eventually("books and shop agree", async () => {
      return booked(order.orderId).get("payment clearing") === (await leftInShop(order.id)) || undefined
    })
    expect(await returned(order.orderId)).toEqual([1000])
    expect(await openExceptions(t, order.orderId)).toEqual([])
  })
})

test("P-35 where the books take no credits, finance is told what to post; where the warehouse tells, the stock waits for it", async () => {
  const other = await startTestCrossdock({
    seed: 39,
    lab: quietWarehouse,
    estate: (estate) => {
      const { restock: _restock, ...orders } = estate.policies.orders
      const routes = estate.routes.map((route) => {
        const capability = [route.capability].flat().filter((name) => name !== "postsCredits")
        return { ...route, capability }
      })
      return { ...estate, routes, policies: { ...estate.policies, orders } }
    },
  })
  const kept = t
  t = other
  try {
    skus = plentifulSkus(t, 3)
    const order = await shipped()
    const [line] = order.lines
    if (!line) throw new Error("no line")
    const before = await onHand(line.sku)
    await refund(order.id, { lineId: lineId(line) })
    const asked = await eventually("finance is asked", async () => {
      const rows = await t.sql<{ id: string; owner: string; summary: string }[]>`
        select id, owner, summary from exceptions where about like ${`credit/${order.orderId}-c%`}`
      return rows[0]
    })
    expect(asked).toMatchObject({ owner: "finance" })
    expect(asked.summary).toMatch(/debit revenue .* EUR.*credit payment clearing .* EUR/)
    expect(creditsOf(t, order.orderId)).toEqual([])
    await t.api("POST", `/v1/exceptions/${asked.id}/decision`, { action: "posted by hand" })
    await untilClosed(order.orderId)
    expect(await onHand(line.sku)).toEqual(before)
    expect(await returned(order.orderId)).toEqual([1000, 0])
  } finally {
    t = kept
    await other.stop()
  }
})
