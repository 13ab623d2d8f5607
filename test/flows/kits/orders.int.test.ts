import { afterAll, beforeAll, expect, test } from "vitest"
import { own } from "../../../src/governance/ownership/own.ts"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../../fixtures/crossdock.ts"
import {
  cancelOrder,
  decide,
  heldCard,
  orderRequest,
  placeOrder,
  plentifulSkus,
  untilEnded,
  untilException,
  untilState,
  type OrderDraft,
} from "../../fixtures/order-flow.ts"
import { askReturn, lying, shippedOrder, untilReturn } from "../../fixtures/shop/returned-order.ts"
import { expectAsAtTheStart, salesOrders, shipAll, shipmentRequests } from "../../fixtures/vendor-books.ts"

let t: TestCrossdock
let skus: string[] = []
let kit = ""
let cased = ""
let place = ""
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 57,
    skuCount: 140,
    lab: quietWarehouse,
    estate: (estate) => ({
      ...estate,
      ownership: [own("product.*", {}, { owner: "api:operator", to: [] }), ...(estate.ownership ?? [])].filter(
        (rule, n) => n === 0 || !rule.field.startsWith("product."),
      ),
    }),
  })
  skus = plentifulSkus(t, 6)
  const kits = t.lab.estate.skus.filter(({ kind }) => kind === "kit").map(({ sku }) => sku)
  ;[kit = "", cased = ""] = kits
  place = t.lab.estate.locations.find(({ kind }) => kind === "store")?.locationId ?? ""
  const [cup = "", tea = "", can = ""] = skus
  await put(cup, [{ field: "title", set: "Cup" }])
  await put(kit, [{ field: "kit", set: { stock: "derived", components: [part(cup, 2000), part(tea, 1000)] } }])
  await put(can, [{ field: "units", set: { base: "ea", sales: [{ unit: "case", baseMilli: 6000, sku: cased }] } }])
}, 120_000)
afterAll(async () => t?.stop())

const part = (sku: string, milli: number) => ({ sku, milli })
async function put(sku: string, changes: object[]) {
  const { status, body } = await t.api("PUT", `/v1/products/${sku}`, { changes })
  expect([status, body]).toEqual([
    200,
    expect.objectContaining({ outcome: expect.stringMatching("accepted|unchanged") }),
  ])
}

let count = 0
const draft = (lines: OrderDraft["lines"]): OrderDraft => ({ externalId: `K-${(count += 1)}`, lines })
const line = (sku: string, pieces: number) => ({ sku, count: pieces, totalMinor: 1000 * pieces })

const heldBy = async (orderId: string) => {
  const rows = await t.sql<{ sku: string; held: number; consumed: number }[]>`
    select l.sku, sum(l.held_milli)::bigint as held, sum(l.consumed_milli)::bigint as consumed
    from stock_reservations r join stock_reservation_lines l on l.reservation_id = r.id where r.owner = ${orderId} group by 1`
  return Object.fromEntries(
    rows.map(({ sku, held, consumed }) => [sku, { held: Number(held), consumed: Number(consumed) }]),
  )
}
/** What a warehouse is asked to take from the shelf. */
const taken = (sku: string, quantityMilli: number) => ({ sku, quantityMilli, unit: "ea" })
const all = async (sku: string) => Object.values(await lying(t, sku)).reduce((sum, milli) => sum + milli, 0)

test("an order of kits and cases reserves, ships and leaves the books of what they are made of; its lines stay as sold", async () => {
  const [cup = "", tea = "", can = ""] = skus
  const before = [await all(cup), await all(tea), await all(can)]
  const orderId = await placeOrder(t, draft([line(kit, 2), line(cased, 3), line(cup, 1)]))
  await untilState(t, orderId, "released")
  expect(await heldBy(orderId)).toEqual({
    [cup]: { held: 5000, consumed: 0 },
    [tea]: { held: 2000, consumed: 0 },
    [can]: { held: 18_000, consumed: 0 },
  })
  const asked = shipmentRequests(t, orderId).flatMap(({ lines }) => lines)
  expect(Object.fromEntries(asked.map((one) => [one.sku, [one.quantityMilli, one.components]]))).toEqual({
    [kit]: [2000, expect.arrayContaining([taken(cup, 4000), taken(tea, 2000)])],
    [cased]: [3000, [taken(can, 18_000)]],
    [cup]: [1000, undefined],
  })
  expect(
    salesOrders(t, orderId)
      .flatMap(({ items }) => items.map((one) => [one.material, one.quantity]))
      .sort(),
  ).toEqual(
    [
      [kit, 2],
      [cased, 3],
      [cup, 1],
    ].sort(),
  )
  const { body } = await t.api("GET", `/v1/orders/${orderId}`)
  const document = body["document"] as unknown as { lines: { sku: string; components?: { sku: string }[] }[] }
  expect(document.lines.map(({ sku, components }) => [sku, components?.map((one) => one.sku)])).toEqual([
    [kit, expect.arrayContaining([cup, tea])],
    [cased, [can]],
    [cup, undefined],
  ])
  // What the catalogue says later is about later orders.
  await put(kit, [{ field: "kit", set: { stock: "derived", components: [part(tea, 9000)] } }])
  await shipAll(t, orderId)
  expect(await untilEnded(t, orderId)).toBe("done")
  expect([await all(cup), await all(tea), await all(can)]).toEqual([
    (before[0] ?? 0) - 5000,
    (before[1] ?? 0) - 2000,
    (before[2] ?? 0) - 18_000,
  ])
  expect(await all(kit)).toBe(0)
  await put(kit, [{ field: "kit", set: { stock: "derived", components: [part(cup, 2000), part(tea, 1000)] } }])
})

test("a kit that is cancelled gives everything back, and nothing is left reserved", async () => {
  const orderId = await placeOrder(t, draft([line(kit, 1), line(cased, 1)]))
  await untilState(t, orderId, "released")
  await cancelOrder(t, orderId)
  await untilEnded(t, orderId)
  await expectAsAtTheStart(t, { orderId })
})

test("a kit that comes back is its parts again, by what it was made of when it was sold", async () => {
  const [cup = "", tea = ""] = skus
  const orderId = await shippedOrder(t, draft([line(kit, 2)]))
  await put(kit, [{ field: "kit", set: { stock: "derived", components: [part(tea, 5000)] } }])
  const before = [await all(cup), await all(tea)]
  const quantity = { milli: 1000, unit: "ea" }
  const { returnId } = await askReturn(t, {
    orderId,
    reference: `R-${orderId}`,
    how: "bring to a store",
    takenOver: { locationId: place, lines: [{ lineId: "L1", quantity, disposition: "sell here" }] },
    lines: [{ lineId: "L1", quantity }],
  })
  await untilReturn(t, returnId, { state: "closed" })
  expect([await all(cup), await all(tea)]).toEqual([(before[0] ?? 0) + 2000, (before[1] ?? 0) + 1000])
  expect(await all(kit)).toBe(0)
  await put(kit, [{ field: "kit", set: { stock: "derived", components: [part(cup, 2000), part(tea, 1000)] } }])
})

test("a line in a unit that the product does not have waits for a person, and goes on when the unit is declared", async () => {
  const [, , can = ""] = skus
  const wanted = draft([line(can, 2)])
  const bare = orderRequest(wanted)
  const request = { ...bare, tenders: [heldCard(t, bare.total.shop.amountMinor)] }
  const lines = request.lines.map((one) => ({ ...one, quantity: { milli: 2000, unit: "tray" } }))
  expect(await t.api("POST", "/v1/orders", { ...request, lines })).toMatchObject({ status: 202 })
  const [{ id: orderId } = { id: "" }] = await eventually("the order is there", async () => {
    const rows = await t.sql<{ id: string }[]>`select id from orders where number = ${request.number}`
    return rows.length > 0 && rows
  })
  const open = await untilException(t, orderId, "unit is unknown")
  expect(open.summary).toContain(`nobody knows how much a "tray" of ${can} is; its units are ea, case`)
  expect(await heldBy(orderId)).toEqual({})
  await put(can, [
    {
      field: "units",
      set: {
        base: "ea",
        sales: [
          { unit: "case", baseMilli: 6000, sku: cased },
          { unit: "tray", baseMilli: 4000 },
        ],
      },
    },
  ])
  await decide(t, open.id, "retry")
  await eventually("it is reserved", async () => (await heldBy(orderId))[can]?.held === 8000)
})

test("what a system tells of a kit's own stock is not booked, and one case says so; its parts are booked", async () => {
  const [cup = ""] = skus
  const movement = (sku: string, fact: string) => ({
    kind: "receipt",
    fact,
    sku,
    locationId: place,
    milli: 1000,
    occurredAt: new Date().toISOString(),
  })
  const before = await all(cup)
  const { body } = await t.api("POST", "/v1/stock-movements", {
    movements: [movement(kit, "kit-in"), movement(cup, "cup-in")],
  })
  expect(body).toMatchObject({
    results: [
      { applied: false, problems: [{ pointer: "/sku", message: expect.stringContaining("has no stock of its own") }] },
      { applied: true },
    ],
  })
  expect([await all(kit), await all(cup)]).toEqual([0, before + 1000])
})
