import { afterAll, beforeAll, expect, test } from "vitest"
import { control, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { openExceptions, placeOrder, plentifulSkus, untilException, untilState } from "../fixtures/order-flow.ts"
import { heldMilli, shipmentRequests } from "../fixtures/vendor-books.ts"

// Stock that comes in lets the orders go on that wait for it, and not only when they look again.

let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 35, lab: quietWarehouse, orders: { routeAgainAfter: { hours: 6 } } })
})
afterAll(async () => t?.stop())

let moves = 0
async function move(movements: object[]): Promise<void> {
  const occurredAt = new Date().toISOString()
  const all = movements.map((one) => ({ fact: `move-${(moves += 1)}`, reason: "a test", occurredAt, ...one }))
  const answer = await t.api("POST", "/v1/stock-movements", { movements: all })
  if (answer.status >= 300) throw new Error(JSON.stringify(answer.body))
}

/** Takes all that is free of a SKU from the shelves, but some pieces in the first warehouse. */
async function drain(sku: string, leftMilli: number): Promise<void> {
  const rows = await t.sql<{ location: string; free: number }[]>`
    select location_id as location, on_hand_milli - reserved_milli as free from stock_positions where sku = ${sku}`
  const place = t.lab.estate.locations[0]?.locationId
  const movements = rows.map(({ location, free }) => ({
    kind: "adjustment",
    sku,
    locationId: location,
    milli: (location === place ? leftMilli : 0) - Number(free),
  }))
  await move(movements.filter(({ milli }) => milli !== 0))
}

const receipt = (sku: string, pieces: number) => ({
  kind: "receipt",
  sku,
  locationId: t.lab.estate.locations[0]?.locationId,
  milli: pieces * 1000,
})

test("P-34: a sold order without stock goes on when its stock comes in, though nobody decides and no time is over", async () => {
  const [sku = ""] = plentifulSkus(t, 1)
  await drain(sku, 1000)
  const orderId = await placeOrder(t, { externalId: "arrives-1", lines: [{ sku, count: 3, totalMinor: 900 }] })
  await untilException(t, orderId, "stock is short")
  const startedMs = Date.now()
  await move([receipt(sku, 5)])
  await untilState(t, orderId, "released")
  console.log(`from the receipt to the release: ${Date.now() - startedMs} ms`)
  expect(shipmentRequests(t, orderId).flatMap(({ lines }) => lines.map((line) => line.quantityMilli))).toEqual([3000])
  expect(await openExceptions(t, orderId)).toEqual([])
  expect(await heldMilli(t, orderId)).toBe(3000)
})

test("P-34: of two orders the one that has waited longer gets what came in, and the other still waits", async () => {
  const sku = plentifulSkus(t, 2).at(-1) ?? ""
  await drain(sku, 0)
  const place = (externalId: string, placedAt: string) =>
    placeOrder(t, { externalId, placedAt, lines: [{ sku, count: 2, totalMinor: 900 }] })
  const later = await place("arrives-2", "2026-11-21T10:00:00.000Z")
  await untilException(t, later, "stock is short")
  const earlier = await place("arrives-3", "2026-11-20T10:00:00.000Z")
  await untilException(t, earlier, "stock is short")
  await move([receipt(sku, 2)])
  await untilState(t, earlier, "released")
  expect(await openExceptions(t, later)).toMatchObject([{ cause: "stock is short" }])
  await move([receipt(sku, 2)])
  await untilState(t, later, "released")
})

test("P-34: goods that a released order lacks are asked of the place where they come in", async () => {
  const sku = plentifulSkus(t, 3).at(-1) ?? ""
  await drain(sku, 2000)
  const orderId = await placeOrder(t, { externalId: "arrives-4", lines: [{ sku, count: 2, totalMinor: 900 }] })
  await untilState(t, orderId, "released")
  const [request] = shipmentRequests(t, orderId)
  if (!request) throw new Error("nothing was asked of a place")
  const other = t.lab.estate.locations.find(({ locationId }) => locationId !== request.locationId)
  const { locationId } = request
  await control(t.lab.warehouse, "stock", { rows: [{ sku, locationId, onHandMilli: 0, unit: "ea" }] })
  await control(t.lab.warehouse, `shipment-requests/${request.requestId}/ship`, {})
  await untilException(t, orderId, "goods are nowhere")
  await move([{ ...receipt(sku, 2), locationId: other?.locationId }])
  const asked = () => shipmentRequests(t, orderId).map(({ locationId }) => locationId)
  await expect.poll(asked, { timeout: 20_000 }).toContain(other?.locationId)
  const open = await openExceptions(t, orderId)
  expect(open.filter(({ cause }) => cause.startsWith("goods are nowhere"))).toEqual([])
})
