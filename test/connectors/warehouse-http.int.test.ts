import { afterEach, describe, expect, test } from "vitest"
import { startWarehouse } from "../../lab/warehouse/warehouse.ts"
import type { Simulator } from "../../lab/simulator.ts"
import { asAppError } from "../../src/base/errors.ts"
import { pieces } from "../../src/base/quantity.ts"
import type { Order } from "../../src/canonical/order.ts"
import { connectWarehouse } from "../laws/subjects/warehouse-http.ts"
import { routedTo, sampleOrder } from "../laws/sample-order.ts"

let simulator: Simulator | undefined
afterEach(() => simulator?.stop())

const locationId = "wh-rotterdam"
const call = (key: string) => ({ key, signal: AbortSignal.timeout(5_000), correlation: "test" })

async function start(openingStock?: { sku: string; locationId: string; onHandMilli: number; unit: string }[]) {
  simulator = await startWarehouse({ seed: 7, habits: { isPaused: true }, ...(openingStock && { openingStock }) })
  const { url } = simulator
  const { releasesFulfilment, cancelsReleases, reportsStock } = connectWarehouse(url)
  return {
    stock: async () => {
      const { levels } = await reportsStock.readStock(
        { locationId },
        { signal: AbortSignal.timeout(5_000), correlation: "test" },
      )
      return levels
    },
    releases: releasesFulfilment,
    release: (order: Order, key: string) =>
      releasesFulfilment.releaseShipment.send({ order, locationId, lines: routedTo(order, locationId) }, call(key)),
    cancel: (requestKey: string, key: string, lines = all()) =>
      cancelsReleases.cancelRelease.send({ orderId: "ord_1", locationId, requestKey, lines }, call(key)),
    ship: (key: string) => fetch(`${url}/__lab/shipment-requests/${key}/ship`, { method: "POST", body: "{}" }),
    // The books hold these rows (lab/warehouse/premises.ts).
    requests: () =>
      (simulator?.books()["shipmentRequests"] ?? []) as {
        requestId: string
        method: string
        lines: { lineId: string }[]
      }[],
  }
}

/** Both lines of the sample order: one piece of the first, two of the second. */
const all = () => [
  { lineId: "1", quantity: pieces(1) },
  { lineId: "2", quantity: pieces(2) },
]

describe("cancelling a release", () => {
  test("before the work begins everything is cancelled, and the repeat says the same", async () => {
    const { release, cancel } = await start()
    await release(sampleOrder({ number: 1 }), "r1")
    const first = await cancel("r1", "c1")
    expect(first).toEqual({ cancelled: all(), refused: [] })
    expect(await cancel("r1", "c1")).toEqual(first)
  })

  test("after the goods have left everything is refused", async () => {
    const { release, cancel, ship } = await start()
    await release(sampleOrder({ number: 1 }), "r1")
    await ship("r1")
    expect(await cancel("r1", "c1")).toEqual({ cancelled: [], refused: all() })
  })

  test("what an earlier cancellation stopped counts as cancelled", async () => {
    const { release, cancel } = await start()
    await release(sampleOrder({ number: 1 }), "r1")
    await cancel("r1", "c1", [{ lineId: "2", quantity: pieces(1) }])
    expect(await cancel("r1", "c2")).toEqual({ cancelled: all(), refused: [] })
  })

  test("what was not on the shelf will not be shipped either", async () => {
    const { release, cancel, ship } = await start()
    await release(sampleOrder({ number: 1, skus: ["LAW-1", "SHORT-1"] }), "r1")
    await ship("r1")
    const [first, second] = all()
    expect(await cancel("r1", "c1")).toEqual({ cancelled: [second], refused: [first] })
  })

  test("a release that never arrived is cancelled as a whole", async () => {
    const { cancel } = await start()
    expect(await cancel("never", "c1")).toEqual({ cancelled: all(), refused: [] })
  })

  test("no lines ask nothing of the warehouse", async () => {
    const { cancel } = await start()
    expect(await cancel("never", "c1", [])).toEqual({ cancelled: [], refused: [] })
  })
})

describe("one place that both ships and hands over", () => {
  const mixed = (): Order => {
    const order = sampleOrder({ number: 1 })
    const [first, ...rest] = order.lines
    if (first === undefined) throw new Error("the sample order has lines")
    return { ...order, lines: [{ ...first, fulfilment: { method: "pickup", locationId } }, ...rest] }
  }

  test("gets a request for each, and both are found and cancelled as one", async () => {
    const { releases, release, cancel, requests } = await start()
    const order = mixed()
    const sent = await release(order, "r1")
    expect(
      requests().map(({ requestId, method, lines }) => [requestId, method, lines.map(({ lineId }) => lineId)]),
    ).toEqual([
      ["r1", "ship", ["2"]],
      ["r1.pickup", "pickup", ["1"]],
    ])
    const input = { order, locationId, lines: routedTo(order, locationId) }
    expect(await releases.releaseShipment.probe(input, call("r1"))).toEqual(sent)
    expect(await cancel("r1", "c1")).toEqual({ cancelled: all(), refused: [] })
  })

  test("half of it is not a release: sending again completes it", async () => {
    const { releases, release, requests } = await start()
    const order = mixed()
    const onlyShipped = { ...order, lines: order.lines.slice(1) }
    await release(onlyShipped, "r1")
    const input = { order, locationId, lines: routedTo(order, locationId) }
    expect(await releases.releaseShipment.probe(input, call("r1"))).toBeUndefined()
    await release(order, "r1")
    expect(requests()).toHaveLength(2)
  })
})

test("a kit is taken from the shelf piece by piece, whole kits only, and told as the line it was sold as", async () => {
  const onShelf = { locationId, unit: "ea" }
  const { release, ship, requests, stock } = await start([
    { ...onShelf, sku: "CUP", onHandMilli: 5000 },
    { ...onShelf, sku: "PLATE", onHandMilli: 9000 },
  ])
  const order = sampleOrder({ number: 1, skus: ["PLATE", "PARTY-SET"] })
  const kit = order.lines[1]
  if (kit)
    kit.components = [
      { sku: "CUP", quantity: pieces(6) },
      { sku: "PLATE", quantity: pieces(2) },
    ]
  await release(order, "r1")
  await ship("r1")
  expect(requests()[0]?.lines).toMatchObject([
    { lineId: "1", sku: "PLATE", shippedMilli: 1000, missingMilli: 0 },
    { lineId: "2", sku: "PARTY-SET", shippedMilli: 1000, missingMilli: 1000 },
  ])
  expect(await stock()).toMatchObject([
    { sku: "CUP", onHand: { milli: 2000 } },
    { sku: "PLATE", onHand: { milli: 7000 } },
  ])
})

test("a request that exists and asks for something else is a conflict with both told", async () => {
  const { release } = await start()
  await release(sampleOrder({ number: 1 }), "r1")
  const error = await release(sampleOrder({ number: 2 }), "r1").catch(asAppError)
  expect(error).toMatchObject({ code: "VENDOR_CONFLICT" })
  expect(asAppError(error).data).toHaveProperty("theirs")
})

test("an order that is collected without any address needs the home address of the connection", async () => {
  const { release } = await start()
  const order = sampleOrder({ number: 1 })
  const lines = order.lines.map((line) => ({ ...line, fulfilment: { method: "pickup" as const, locationId } }))
  const { shippingAddress: _address, ...rest } = order
  expect(await release({ ...rest, lines }, "r1").catch(asAppError)).toMatchObject({ code: "REQUEST_INVALID" })
})

test("shipments, shortages and deliveries whose webhooks were lost are told by the poll as the same facts, page by page", async () => {
  const { release, ship } = await start()
  const order = sampleOrder({ number: 1, skus: ["LAW-1", "SHORT-1"] })
  await release(order, "r1")
  await ship("r1")
  const { listsChanges, receivesDeliveries } = connectWarehouse(simulator?.url ?? "")
  const first = await listsChanges.events.listChanges({ sinceMs: 0, cursor: undefined }, call("poll"))
  const facts = first.deliveries.flatMap((delivery) => receivesDeliveries.translate(delivery).events)
  expect(facts.map(({ type }) => type)).toEqual(expect.arrayContaining(["shipment.confirmed", "shipment.short"]))
  expect(facts.find(({ type }) => type === "shipment.short")).toMatchObject({ data: { orderId: order.id } })
  const again = await listsChanges.events.listChanges({ sinceMs: 0, cursor: first.nextCursor }, call("poll"))
  expect(again).toMatchObject({ deliveries: [], nextCursor: first.nextCursor, hasMore: false })
})
