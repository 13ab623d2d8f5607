import { expect, test } from "vitest"
import { translateWarehouseEvent } from "../to-canonical.ts"

const occurredAt = "2026-11-23T09:30:00.000Z"

const told = (body: object) =>
  translateWarehouseEvent({
    connection: "wms",
    bytes: new TextEncoder().encode(JSON.stringify({ eventId: "e", occurredAt, locationId: "dc", ...body })),
  } as Parameters<typeof translateWarehouseEvent>[0])

const moved = (movement: string, lines: unknown[], more: object = {}) =>
  told({ type: "stock.moved", movement, movementNumber: 7, lines, ...more })

const line = (quantityMilli: unknown, more: object = {}) => ({ sku: "TEE-M", quantityMilli, unit: "ea", ...more })

test("an article with a line for each pallet is one movement of all of them, and one count", () => {
  const { events, refused } = moved("received", [line(5_000), line(5_000), line(1_000, { sku: "MUG" })])
  expect(refused).toBeUndefined()
  expect(events.map(({ data }) => data)).toMatchObject([
    { sku: "TEE-M", milli: 10_000 },
    { sku: "MUG", milli: 1_000 },
  ])
  const bins = [3_000, 4_000].map((onHandMilli) => ({ sku: "TEE-M", onHandMilli, unit: "ea" }))
  expect(told({ type: "stock.counted", lines: bins }).events).toMatchObject([{ data: { countedMilli: 7_000 } }])
})

test("a line that cannot be booked is refused alone, whatever is wrong with it", () => {
  const bad = [
    line(-1),
    line(0),
    line(1.5),
    line(1e300),
    line("5"),
    line(1, { sku: "" }),
    line(1, { sku: "x".repeat(300) }),
  ]
  const { events, refused } = moved("received", [...bad, line(2_000), line(1_000, { unit: "box" })])
  expect(events).toMatchObject([{ data: { milli: 2_000, unit: "ea" } }])
  expect(refused).toHaveLength(bad.length + 1)
})

test("received goods name what they were ordered by, and nothing else does", () => {
  const ordered = { purchaseOrderId: "4500017", inboundShipmentId: "ASN-1" }
  expect(moved("received", [line(5_000)], ordered).events).toMatchObject([{ data: { purchase: ordered } }])
  expect(moved("received", [line(5_000)], { purchaseOrderId: "4500017" }).events).toMatchObject([
    { data: { purchase: { purchaseOrderId: "4500017" } } },
  ])
  expect(() => moved("returned", [line(5_000)], ordered)).toThrow("cannot")
  expect(() => moved("received", [line(5_000)], { inboundShipmentId: "ASN-1" })).toThrow("cannot")
})

test("an adjustment takes both signs, and one that changes nothing is none", () => {
  expect(moved("adjusted", [line(-3_000)]).events).toMatchObject([{ data: { milli: -3_000 } }])
  expect(moved("adjusted", [line(3_000), line(-3_000)])).toEqual({ events: [] })
})

test("a change to the state that the goods had is refused", () => {
  expect(() => moved("state-changed", [line(1_000)], { state: "damaged", toState: "damaged" })).toThrow("two states")
  expect(() => moved("state-changed", [line(1_000)])).toThrow("two states")
})
