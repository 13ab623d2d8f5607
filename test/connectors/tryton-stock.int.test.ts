import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { startTryton, trytonPassword, trytonUser } from "../../lab/tryton/tryton.ts"
import { trytonLocations as at } from "../../lab/tryton/stock.ts"
import { createLog } from "../../src/base/log.ts"
import type { BusinessDate } from "../../src/base/time.ts"
import type { EventData } from "../../src/canonical/events.ts"
import { tryton } from "../../src/connectors/tryton/connector.ts"
import type { ChangesPage } from "../../src/ports/capabilities/intake.ts"
import { routedTo, sampleOrder } from "../laws/sample-order.ts"

// Stock that Tryton tells: moves as a list, and what lies at a place (issue "What every channel shows", stock in).
let simulator: Awaited<ReturnType<typeof startTryton>>
let aheadMs = 0
let erp: ReturnType<typeof connect>

function connect(baseUrl: string) {
  const settings = {
    baseUrl,
    database: "books",
    user: trytonUser,
    password: trytonPassword,
    currency: "EUR",
    company: 1,
    currencyId: 1,
    party: 2,
    address: 2,
    paymentTerm: 1,
    warehouses: { "wh-1": at.warehouse },
    stock: { "wh-1": [at.storage, at.output], shop: [at.shop] },
    units: { ea: 1 },
    chargeProducts: { shipping: "SERVICE-SHIPPING", rounding: "SERVICE-ROUNDING" },
    timeZone: "Europe/Brussels",
    taxAccount: 7,
    allowPrivateNetwork: true,
  }
  const clock = { now: () => Date.now() + aheadMs }
  const connected = tryton.connect(settings, { connectionId: "erp", clock, log: createLog("test", "silent") })
  const { reportsStock, listsChanges: { moves } = {}, receivesDeliveries } = connected
  if (!reportsStock || !moves || !receivesDeliveries) throw new Error("it tells no stock")
  return { ...connected, reportsStock, moves, receivesDeliveries }
}

beforeAll(async () => {
  simulator = await startTryton({ seed: 61 })
  erp = connect(simulator.url)
})
beforeEach(() => {
  simulator.reset()
  aheadMs = 0
})
afterAll(async () => {
  erp?.close()
  await simulator?.stop()
})

const call = (key = "stock") => ({ key, signal: AbortSignal.timeout(10_000), correlation: "test" })

/** What people do with goods in Tryton. */
async function move(code: string, quantity: number, way: object): Promise<{ id: number }> {
  const body = JSON.stringify({ code, quantity, ...way })
  return (await fetch(`${simulator.url}/__lab/moves`, { method: "POST", body })).json() as Promise<{ id: number }>
}

async function level(sku: string, locationId = "wh-1"): Promise<number | undefined> {
  const page = await erp.reportsStock.readStock({ locationId }, call())
  return page.levels.find((one) => one.sku === sku)?.onHand.milli
}

/** Everything that the list has from a moment on, translated. */
async function listed(sinceMs = 0): Promise<EventData<"stock.moved">[]> {
  const found: EventData<"stock.moved">[] = []
  for (let cursor: string | undefined; ;) {
    const page: ChangesPage = await erp.moves.listChanges({ cursor, sinceMs }, call())
    for (const delivery of page.deliveries)
      for (const { data } of erp.receivesDeliveries.translate(delivery).events)
        found.push(data as EventData<"stock.moved">)
    cursor = page.nextCursor
    if (!page.hasMore) return found
  }
}

const facts = (moves: readonly EventData<"stock.moved">[]) =>
  moves.map(({ movement, sku, locationId, toLocationId, milli }) =>
    [movement, sku, locationId, toLocationId, milli].filter((part) => part !== undefined).join(" "),
  )

test("S-61: each way of goods is its own movement; what stays at a place, also below it, is none", async () => {
  await move("ART-1", 10, { from: at.supplier, to: at.storage })
  await move("ART-1", 2, { from: at.storage, to: at.output })
  await move("ART-1", 1, { from: at.storage, to: at.lostAndFound })
  await move("ART-1", 3, { from: at.lostAndFound, to: at.storage })
  await move("ART-1", 1, { from: at.storage, to: at.customer })
  await move("ART-1", 1, { from: at.customer, to: at.storage })
  await move("ART-1", 2, { from: at.storage, to: at.repairShelf })
  await move("ART-1", 4, { from: at.storage, to: at.window })
  await move("ART-1", 1, { from: at.shop, to: at.window })
  expect(facts(await listed())).toEqual([
    "receipt ART-1 wh-1 10000",
    "adjustment ART-1 wh-1 -1000",
    "adjustment ART-1 wh-1 3000",
    "pick ART-1 wh-1 1000",
    "return ART-1 wh-1 1000",
    "adjustment ART-1 wh-1 -2000",
    "transfer shipped ART-1 wh-1 shop 4000",
    "transfer received ART-1 shop 4000",
  ])
})

test("S-61: an internal shipment over a place of its own leaves and arrives as one transfer, under the name that people gave it", async () => {
  const body = JSON.stringify({ from_location: at.storage, to_location: at.shop, reference: "tr-7" })
  await fetch(`${simulator.url}/__lab/internal-shipments`, { method: "POST", body })
  const shipment = "stock.shipment.internal,1"
  await move("ART-2", 5, { from: at.storage, to: at.transit, shipment })
  await move("ART-2", 4, { from: at.transit, to: at.shop, shipment })
  const moves = await listed()
  expect(facts(moves)).toEqual(["transfer shipped ART-2 wh-1 shop 5000", "transfer received ART-2 shop 4000"])
  expect(moves.map(({ transferId }) => transferId)).toEqual(["tr-7", "tr-7"])
})

test("a stock take of more moves than a page has one time, and every one of them is listed once", async () => {
  const ids = await Promise.all(
    Array.from({ length: 450 }, (_, n) => move(`COUNT-${n}`, 1 + n, { from: at.lostAndFound, to: at.storage })),
  )
  // One transaction.
  const moves = simulator.books()["moves"] as { write_date: object }[]
  for (const one of moves) one.write_date = moves[0]?.write_date ?? {}
  const found = await listed()
  expect(found.length).toBe(ids.length)
  expect(new Set(found.map(({ sku }) => sku)).size).toBe(ids.length)
})

test("a move whose transaction ends late stands under an earlier time, and a later pass of the list has it", async () => {
  const passedMs = Date.now()
  await move("LATE-1", 3, { from: at.supplier, to: at.storage, lateMs: 300 })
  await move("LATE-2", 1, { from: at.supplier, to: at.storage })
  expect(facts(await listed(passedMs))).toEqual(["receipt LATE-2 wh-1 1000"])
  await expect
    .poll(async () => facts(await listed(Date.now())))
    .toEqual(["receipt LATE-1 wh-1 3000", "receipt LATE-2 wh-1 1000"])
})

test("the absolute is of a minute ago: what was done since is in the list and not in the number", async () => {
  await move("ART-3", 10, { from: at.supplier, to: at.storage })
  expect(await level("ART-3")).toBe(0)
  aheadMs = erp.moves.overlapMs + 1000
  expect(await level("ART-3")).toBe(10_000)
  // Below the place, in the dispatch area, on the shelf beside it.
  await move("ART-3", 4, { from: at.storage, to: at.output })
  await move("ART-3", 1, { from: at.storage, to: at.repairShelf })
  await move("ART-3", 2, { from: at.storage, to: at.window })
  expect([await level("ART-3"), await level("ART-3", "shop")]).toEqual([7000, 2000])
})

test("what the books hold for orders of ours is off the number, before and after the parcel is recorded", async () => {
  await move("LAW-1", 10, { from: at.supplier, to: at.storage })
  aheadMs = erp.moves.overlapMs + 1000
  const order = sampleOrder({ number: 61, skus: ["LAW-1", "LAW-2"] })
  const routing = routedTo(order, "wh-1")
  const left = 10_000 - routing.filter(({ sku }) => sku === "LAW-1").reduce((sum, one) => sum + one.quantity.milli, 0)
  await erp.booksOrders.bookOrder.send({ order, routing, businessDate: "2026-11-20" as BusinessDate }, call(order.id))
  expect(await level("LAW-1")).toBe(left)
  const shipment = {
    id: "s1",
    orderId: order.id,
    locationId: "wh-1",
    shippedAt: order.placedAt,
    lines: routing.map(({ lineId, quantity }) => ({ lineId, quantity })),
  }
  await erp.recordsDeliveries.recordDelivery.send(
    { orderId: order.id, documentNumber: "1", shipment, lines: routing, postingDate: "2026-11-20" as BusinessDate },
    call(`${order.id}-d1`),
  )
  expect(await level("LAW-1")).toBe(left)
  // Also while it is younger than the number: it was held for the order before.
  aheadMs = 0
  await move("LAW-1", 1, { from: at.supplier, to: at.storage })
  expect(await level("LAW-1")).toBe(left - 10_000)
  const picks = (await listed()).filter(({ movement }) => movement === "pick")
  expect(picks.map(({ orderId }) => orderId)).toEqual([order.id, order.id])
})

test("goods in a unit that nobody declared are refused, and left out of the number", async () => {
  await move("KG-1", 2, { from: at.supplier, to: at.storage })
  aheadMs = erp.moves.overlapMs + 1000
  expect(await level("KG-1")).toBeUndefined()
  await expect(listed()).rejects.toMatchObject({ code: "VENDOR_VALUE_UNKNOWN" })
})

test("a place without locations is refused before Tryton is asked", async () => {
  await expect(erp.reportsStock.readStock({ locationId: "nowhere" }, call())).rejects.toMatchObject({
    code: "CONFIG_INVALID",
  })
})
