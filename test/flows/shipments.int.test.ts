import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { control, eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  decide,
  heldCard,
  instanceState,
  openExceptions,
  placeOrder,
  plentifulSkus,
  splitNeed,
  story,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import {
  deliveries,
  heldMilli,
  journalItems,
  payment,
  salesOrders,
  shipmentRequests,
} from "../fixtures/vendor-books.ts"
import { ref } from "../../src/canonical/refs.ts"

let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 17,
    orders: { capture: "per shipment", onShortage: "ask" },
    lab: {
      warehouse: {
        habits: { shipAfterMs: { min: 10, max: 40 }, deliverAfterMs: null, splitShare: 1, shortShare: 0 },
      },
    },
  })
})
afterAll(async () => {
  await t?.stop()
})

/** An order as the simulated shop's books have it. */
interface ShopOrder {
  name: string
  line_items: { id: number; sku: string; quantity: number; fulfilled_quantity: number }[]
  fulfillments: { tracking: { number: string }[]; lines: { lineId: number; quantity: number }[] }[]
}

interface ShipmentEvent {
  shipment: {
    id: string
    locationId: string
    trackingNumber?: string
    lines: { lineId: string; quantity: { milli: number } }[]
  }
}

async function shipmentsOf(orderId: string): Promise<ShipmentEvent["shipment"][]> {
  const rows = await t.sql<{ data: ShipmentEvent }[]>`
    select data from events where key = ${ref("order", orderId)} and type = 'shipment.confirmed' order by xid, seq`
  return rows.map((row) => row.data.shipment)
}

function byLine(shipments: ShipmentEvent["shipment"][]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { lineId, quantity } of shipments.flatMap((shipment) => shipment.lines))
    sums[lineId] = (sums[lineId] ?? 0) + quantity.milli
  return sums
}

describe("one SKU on two lines, from two places, in several parcels", () => {
  test("P-17 every parcel is matched by line, each place is asked once, and all amounts sum to the order", async () => {
    const need = await splitNeed(t, 4)
    const first = Math.floor(need.count / 2)
    // Odd prices and a discount on one of the lines, so that nothing divides evenly.
    const lines = [
      { sku: need.sku, count: first, totalMinor: 10_007, discountMinor: 333 },
      { sku: need.sku, count: need.count - first, totalMinor: 7_919 },
    ]
    const totalMinor = 10_007 - 333 + 7_919 + 695
    const tender = heldCard(t, totalMinor)
    const orderId = await placeOrder(t, { externalId: "split", lines, shippingMinor: 695, tenders: [tender] })
    await untilEnded(t, orderId)
    await untilState(t, orderId, "closed")

    const shipments = await shipmentsOf(orderId)
    expect(shipments.length).toBeGreaterThanOrEqual(3)
    expect(byLine(shipments)).toEqual({ L1: first * 1000, L2: (need.count - first) * 1000 })
    const places = shipmentRequests(t, orderId).map((request) => request.locationId)
    expect(places.length).toBe(2)
    expect(new Set(places).size).toBe(2)

    const items = journalItems(t, orderId)
    const sum = (account: string) =>
      items.filter((item) => item.account === account).reduce((total, item) => total + item.amountMinor, 0)
    expect(items.reduce((total, item) => total + item.amountMinor, 0)).toBe(0)
    expect(sum("11001050")).toBe(totalMinor)
    const taxMinor = [10_007 - 333, 7_919, 695].reduce((tax, minor) => tax + Math.round((minor * 21) / 121), 0)
    expect(sum("22000000")).toBe(-taxMinor)
    // Shipping is invoiced with the first parcel and not again.
    expect(items.filter((item) => item.account === "41000500")).toHaveLength(1)
    expect(payment(t, tender.reference ?? "")).toMatchObject({ amount_received: totalMinor, amount_capturable: 0 })

    const [booked] = salesOrders(t, orderId)
    const delivered = deliveries(t, booked?.number ?? "").flat()
    expect(delivered.reduce((total, item) => total + item.quantity, 0)).toBe(need.count)
    expect(await heldMilli(t, orderId)).toBe(0)
  })

  test("P-17 the shop shows each parcel with the lines that are in it, also of two lines with one SKU", async () => {
    const [sku = ""] = plentifulSkus(t, 1)
    // Several, because parcels that happen to hold the lines in their order would be shown right by chance.
    const many = await buyInShop(t, { count: 3, odd: ["same-sku-twice", "large-quantity"], skus: [sku] })
    const bought = [...many, ...(await buyInShop(t, { count: 9, odd: ["same-sku-twice"], skus: [sku] }))]
    for (const { orderId, name } of bought) {
      await untilEnded(t, orderId)
      const order = (t.lab.shopify.books()["orders"] as ShopOrder[]).find((candidate) => candidate.name === name)
      const same = order?.line_items.filter((line) => line.sku === sku) ?? []
      expect(same).toHaveLength(2)
      for (const line of same) expect(line.fulfilled_quantity).toBe(line.quantity)
      const shown = order?.fulfillments.map(({ tracking, lines }) => ({
        trackingNumber: tracking[0]?.number,
        lines: Object.fromEntries(lines.map((line) => [String(line.lineId), line.quantity * 1000])),
      }))
      const left = (await shipmentsOf(orderId)).map((shipment) => ({
        trackingNumber: shipment.trackingNumber,
        lines: byLine([shipment]),
      }))
      expect(new Map(shown?.map((parcel) => [parcel.trackingNumber, parcel.lines]))).toEqual(
        new Map(left.map((parcel) => [parcel.trackingNumber, parcel.lines])),
      )
      expect(shown).toHaveLength(left.length)
    }
  })

  test("P-08 echoes of the first parcels are known as our own while the last is still waited for", async () => {
    const [sku = ""] = plentifulSkus(t, 1)
    await control(t.lab.warehouse, "habits", { shipAfterMs: { min: 900, max: 1000 } })
    // Several, because the shop decides how many pieces each buyer wants, and one piece makes one parcel.
    const bought = await buyInShop(t, { count: 5, odd: ["large-quantity"], skus: [sku] })
    const orderIds = bought.map((order) => order.orderId)
    for (const orderId of orderIds) await untilEnded(t, orderId)
    const taken = await t.sql`
      select 1 from workflow_steps
      where about = any(${orderIds.map((id) => ref("order", id))}) and kind = 'until'
        and result ->> 'type' = 'order.fulfilled-by-channel'`
    expect(taken.length).toBeGreaterThan(0)
    const causes = await t.sql<{ cause: string }[]>`
      select cause from exceptions where order_id = any(${orderIds}) and cause like 'fulfilled past us%'`
    expect(causes).toEqual([])
    await control(t.lab.warehouse, "habits", { shipAfterMs: { min: 10, max: 40 } })
  })
})

describe("goods that are not there", () => {
  let drained = 2
  /** A SKU of which two pieces are left, at one place. */
  async function soldOut(): Promise<{ sku: string; free: number }> {
    const sku = plentifulSkus(t, (drained += 1)).at(-1) ?? ""
    const rows = await t.sql<{ location: string; free: number }[]>`
      select location_id as location, on_hand_milli - reserved_milli as free from stock_positions where sku = ${sku}`
    const movements = rows.map(({ location, free }) => ({
      kind: "adjustment",
      fact: `lost:${sku}:${location}`,
      reason: "a test",
      sku,
      locationId: location,
      milli: (location === "wh-rotterdam" ? 2000 : 0) - Number(free),
      occurredAt: new Date().toISOString(),
    }))
    const answer = await t.api("POST", "/v1/stock-movements", {
      movements: movements.filter((movement) => movement.milli !== 0),
    })
    if (answer.status >= 300) throw new Error(JSON.stringify(answer.body))
    return { sku, free: 2 }
  }

  test("P-10 a sold order without stock opens an exception with order, SKU, quantity and money within ten seconds", async () => {
    const { sku, free } = await soldOut()
    const lines = [{ sku, count: free + 3, totalMinor: 9900 }]
    const tender = heldCard(t, 9900)
    const startedMs = Date.now()
    const orderId = await placeOrder(t, { externalId: "short", lines, tenders: [tender] })
    const open = await untilException(t, orderId, "stock is short")
    expect(Date.now() - startedMs).toBeLessThan(10_000)
    expect(open).toMatchObject({ sku, owner: "operations" })
    expect(Number(open.missing_milli)).toBe(3000)
    expect(Number(open.risk_minor)).toBe(9900)

    // It cannot be closed without one of the decisions it names.
    const wrong = await t.api("POST", `/v1/exceptions/${open.id}/decision`, { action: "acknowledge" })
    expect(wrong.status).toBe(409)
    expect(await openExceptions(t, orderId)).toHaveLength(1)
    await eventually("it waits", async () => (await instanceState(t, orderId)) === "waiting")
    expect(salesOrders(t, orderId)).toEqual([])

    await decide(t, open.id, "cancel order")
    expect(await untilEnded(t, orderId)).toBe("undone")
    await untilState(t, orderId, "refused")
    expect(await openExceptions(t, orderId)).toEqual([])
    expect(payment(t, tender.reference ?? "").status).toBe("canceled")
    expect(await heldMilli(t, orderId)).toBe(0)
  })

  test("P-10 after a receipt the same decision screen lets the order go on", async () => {
    const { sku, free } = await soldOut()
    const orderId = await placeOrder(t, { externalId: "short-2", lines: [{ sku, count: free + 1, totalMinor: 500 }] })
    const open = await untilException(t, orderId, "stock is short")
    const locationId = t.lab.estate.locations[0]?.locationId
    const receipt = {
      kind: "receipt",
      fact: "more",
      sku,
      locationId,
      milli: 1000,
      occurredAt: new Date().toISOString(),
    }
    await t.api("POST", "/v1/stock-movements", { movements: [receipt] })
    await decide(t, open.id, "retry")
    expect(await untilEnded(t, orderId)).toBe("done")
    await untilState(t, orderId, "closed")
  })

  test("P-10 a shelf that turns out empty is told with SKU and quantity, and the goods come from elsewhere", async () => {
    const [sku = ""] = plentifulSkus(t, 2).slice(1)
    const rows = [{ sku, locationId: "wh-rotterdam", onHandMilli: 1000, unit: "ea" }]
    await control(t.lab.warehouse, "stock", { rows })
    const orderId = await placeOrder(t, { externalId: "empty", lines: [{ sku, count: 3, totalMinor: 3000 }] })
    const open = await untilException(t, orderId, "location is short")
    expect(open).toMatchObject({ sku })
    expect(Number(open.missing_milli)).toBe(2000)
    expect(Number(open.risk_minor)).toBe(3000)
    expect(await untilEnded(t, orderId)).toBe("done")
    expect(byLine(await shipmentsOf(orderId))).toEqual({ L1: 3000 })
    expect(shipmentRequests(t, orderId).length).toBeGreaterThan(1)
    expect(await heldMilli(t, orderId)).toBe(0)
    expect(journalItems(t, orderId).reduce((sum, item) => sum + item.amountMinor, 0)).toBe(0)
    const delivered = deliveries(t, salesOrders(t, orderId)[0]?.number ?? "").flat()
    expect(delivered.reduce((sum, item) => sum + item.quantity, 0)).toBe(3)
    // It stays in front of people until somebody says that he has seen it.
    await eventually("the exception is still open", async () => (await openExceptions(t, orderId)).length === 1, {
      seen: () => story(t, orderId),
    })
  })
})
