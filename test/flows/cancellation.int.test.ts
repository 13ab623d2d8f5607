import { ref } from "../../src/canonical/refs.ts"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { control, eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  heldCard,
  instanceState,
  ledgerOf,
  openExceptions,
  placeOrder,
  plentifulSkus,
  splitNeed,
  stateOf,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import {
  heldMilli,
  mailsTo,
  payment,
  salesOrders,
  shipmentRequests,
  stillToShipMilli,
} from "../fixtures/vendor-books.ts"

let t: TestCrossdock
let sku = ""
const home = "wh-rotterdam"
const fail = (): never => {
  throw new Error("the estate has no such connection")
}
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 15,
    lab: { warehouse: { habits: { isPaused: true, deliverAfterMs: null } } },
    // Two connections to the same floor, so that one place can be out of reach while another is not.
    estate: (estate) => ({
      ...estate,
      connections: { ...estate.connections, others: estate.connections["warehouse"] ?? fail() },
      routes: [
        { capability: ["releasesFulfilment", "cancelsReleases"], connection: "warehouse", location: home },
        ...estate.routes.map((route) =>
          route.connection === "warehouse" ? { ...route, connection: "others" } : route,
        ),
      ],
    }),
  })
  ;[sku = ""] = plentifulSkus(t, 1)
})
afterAll(async () => {
  await t?.stop()
})
afterEach(async () => {
  for (const simulator of t.lab.simulators) simulator.setFaults({})
  for (const id of ["fraud", "tax", "sap", "warehouse", "others"])
    await t.api("POST", `/v1/connections/${id}/resume`, {})
})

let count = 0

/** An order with a card held for it, and who bought it. */
async function heldOrder(
  lines = [{ sku, count: 2, totalMinor: 4000 }],
): Promise<{ orderId: string; paymentId: string; email: string }> {
  count += 1
  const email = `buyer${count}@shop.example`
  const tender = heldCard(t, 4000)
  const externalId = `cancel-${count}`
  const orderId = await placeOrder(t, { externalId, email, lines, tenders: [tender] })
  return { orderId, paymentId: tender.reference ?? "", email }
}

async function cancel(orderId: string, reason = "changed my mind"): Promise<void> {
  const answer = await t.api("POST", `/v1/orders/${orderId}/cancellation`, { reason })
  expect(answer.status).toBe(202)
}

async function untilCancellationIsHeard(orderId: string): Promise<void> {
  await eventually("the cancellation has reached the workflow", async () => {
    const rows = await t.sql`
      select 1 from workflow_signals s join workflow_instances i on i.id = s.instance
        where i.about = ${ref("order", orderId)} and s.type = 'order.cancellation-requested'`
    return rows.length > 0
  })
}

/** Nothing of the order is left anywhere: books, stock, warehouse, money. */
async function expectNothingLeft({ orderId, paymentId }: { orderId: string; paymentId: string }): Promise<void> {
  expect(salesOrders(t, orderId).filter((order) => order.isActive)).toEqual([])
  expect(await heldMilli(t, orderId)).toBe(0)
  expect(stillToShipMilli(t, orderId)).toBe(0)
  expect(shipmentRequests(t, orderId).flatMap((request) => request.shipmentIds)).toEqual([])
  expect(payment(t, paymentId)).toMatchObject({ status: "canceled", amount_received: 0 })
}

/** Waits until a connection is what the order waits for. */
async function untilItWaitsFor(orderId: string, connection: string): Promise<void> {
  await eventually(`${orderId} waits for ${connection}`, async () => {
    const [row] = await t.sql<
      { waiting: unknown }[]
    >`select q.waiting from workflow_queue q join workflow_instances i on i.id = q.instance
      where i.about = ${ref("order", orderId)}`
    return JSON.stringify(row?.waiting ?? "").includes(connection)
  })
}

describe("a cancellation before a step", () => {
  // Paused before its step, each system in turn holds the order there; behind it the workflow has done all it could.
  for (const connection of ["fraud", "sap", "warehouse"])
    test(`P-15 an order cancelled while it waits for ${connection} leaves nothing behind`, async () => {
      await t.api("POST", `/v1/connections/${connection}/pause`, { reason: "a test" })
      const held = await heldOrder()
      await untilItWaitsFor(held.orderId, connection)
      await cancel(held.orderId)
      await untilCancellationIsHeard(held.orderId)
      await t.api("POST", `/v1/connections/${connection}/resume`, {})
      expect(await untilEnded(t, held.orderId)).toBe("undone")
      await untilState(t, held.orderId, "cancelled")
      await expectNothingLeft(held)
      expect(shipmentRequests(t, held.orderId)).toEqual([])
      expect(mailsTo(t, held.email).at(-1)).toMatch(/cancel/i)
    })

  test("P-15 an order cancelled before it was heard of is never booked", async () => {
    await t.api("POST", "/v1/connections/fraud/pause", { reason: "a test" })
    const held = await heldOrder()
    await untilState(t, held.orderId, "accepted")
    await cancel(held.orderId)
    await untilCancellationIsHeard(held.orderId)
    await t.api("POST", "/v1/connections/fraud/resume", {})
    expect(await untilEnded(t, held.orderId)).toBe("undone")
    expect(salesOrders(t, held.orderId)).toEqual([])
    await expectNothingLeft(held)
  })
})

describe("a cancellation during a step", () => {
  const during = [
    { step: "the fraud screening", simulator: "fraud", operation: "screen" },
    { step: "the booking in the ERP", simulator: "sap", operation: "createSalesOrder" },
    { step: "the release to a location", simulator: "warehouse", operation: "requestShipment" },
  ] as const
  for (const { step, simulator, operation } of during)
    test(`P-15 an order cancelled while ${step} is under way leaves nothing behind`, async () => {
      t.lab[simulator].setFaults({ operations: { [operation]: { latencyMs: { p50: 700, p99: 701 } } } })
      const held = await heldOrder()
      await eventually(`${step} is under way`, async () => {
        const open = (await ledgerOf(t, held.orderId)).filter((row) => row.kind === "effect" && row.outcome === null)
        return open.some((row) => ["screen for", "book order", "release to"].some((name) => row.step.startsWith(name)))
          ? open.some((row) =>
              row.step.startsWith(
                { screen: "screen", createSalesOrder: "book", requestShipment: "release" }[operation],
              ),
            )
          : false
      })
      await cancel(held.orderId)
      await untilEnded(t, held.orderId)
      await untilState(t, held.orderId, "cancelled")
      await expectNothingLeft(held)
    })

  test("P-15 an order cancelled while the answer of the ERP is lost is looked up, then taken back", async () => {
    t.lab.sap.setFaults({ operations: { createSalesOrder: { commitThenReset: 1 }, readSalesOrder: { rate5xx: 1 } } })
    const held = await heldOrder()
    await eventually("the outcome is unknown", async () =>
      (await ledgerOf(t, held.orderId)).some((row) => row.step === "book order in ERP" && row.outcome === "unknown"),
    )
    await cancel(held.orderId)
    await untilCancellationIsHeard(held.orderId)
    expect(salesOrders(t, held.orderId).filter((order) => order.isActive)).toHaveLength(1)
    t.lab.sap.setFaults({})
    expect(await untilEnded(t, held.orderId)).toBe("undone")
    expect(salesOrders(t, held.orderId)).toHaveLength(1)
    await expectNothingLeft(held)
  })
})

describe("a cancellation after release", () => {
  test("P-15 an order cancelled after release and before picking is stopped everywhere", async () => {
    const held = await heldOrder()
    await untilState(t, held.orderId, "released")
    await cancel(held.orderId)
    expect(await untilEnded(t, held.orderId)).toBe("done")
    await untilState(t, held.orderId, "cancelled")
    await expectNothingLeft(held)
    expect(await openExceptions(t, held.orderId)).toEqual([])
  })

  test("P-15 what had shipped stays booked and paid, and a return is asked for", async () => {
    const held = await heldOrder()
    await untilState(t, held.orderId, "released")
    await t.api("POST", "/v1/connections/warehouse/pause", { reason: "a test" })
    await cancel(held.orderId)
    await untilItWaitsFor(held.orderId, "warehouse")
    const [request] = shipmentRequests(t, held.orderId)
    await control(t.lab.warehouse, `shipment-requests/${request?.requestId}/ship`, {})
    await t.api("POST", "/v1/connections/warehouse/resume", {})
    expect(await untilEnded(t, held.orderId)).toBe("done")
    const open = await untilException(t, held.orderId, "too late to stop")
    expect(open).toMatchObject({ owner: "customer service", risk_minor: 4000 })
    expect(open.allowed).toContain("open a return")
    expect(salesOrders(t, held.orderId).filter((order) => order.isActive)).toHaveLength(1)
    expect(payment(t, held.paymentId)).toMatchObject({ status: "succeeded", amount_received: 4000 })
    expect(await heldMilli(t, held.orderId)).toBe(0)
    expect(stillToShipMilli(t, held.orderId)).toBe(0)
    await untilState(t, held.orderId, "closed")
  })

  test("P-15 an order cancelled after it had closed is an exception that opens a return", async () => {
    const held = await heldOrder()
    await untilState(t, held.orderId, "released")
    const [request] = shipmentRequests(t, held.orderId)
    await control(t.lab.warehouse, `shipment-requests/${request?.requestId}/ship`, {})
    await untilEnded(t, held.orderId)
    await cancel(held.orderId)
    const open = await untilException(t, held.orderId, "cancelled after")
    expect(open.allowed).toContain("open a return")
    expect(await stateOf(t, held.orderId)).toBe("closed")
  })

  test("P-15 a second location whose request was not sent yet is never asked after a cancellation", async () => {
    await t.api("POST", "/v1/connections/others/pause", { reason: "a test" })
    const need = await splitNeed(t)
    const held = await heldOrder([{ ...need, totalMinor: 4000 }])
    await untilItWaitsFor(held.orderId, "others")
    expect(shipmentRequests(t, held.orderId).map((request) => request.locationId)).toEqual([home])
    await cancel(held.orderId)
    await untilState(t, held.orderId, "cancelled")
    await t.api("POST", "/v1/connections/others/resume", {})
    await untilEnded(t, held.orderId)
    expect(shipmentRequests(t, held.orderId)).toHaveLength(1)
    await expectNothingLeft(held)
  })
})

describe("a cancellation from the shop", () => {
  test("P-15 the shop's own cancellation is not told back to it", async () => {
    await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
    const [bought] = await buyInShop(t, { count: 1 })
    const orderId = bought?.orderId ?? ""
    await untilItWaitsFor(orderId, "sap")
    await control(t.lab.shopify, `orders/${bought?.id}/cancel`, {})
    await untilCancellationIsHeard(orderId)
    await t.api("POST", "/v1/connections/sap/resume", {})
    expect(await untilEnded(t, orderId)).toBe("undone")
    await untilState(t, orderId, "cancelled")
    const told = (await ledgerOf(t, orderId)).filter((row) => row.step === "tell the shop it is cancelled")
    expect(told).toEqual([])
    expect(await heldMilli(t, orderId)).toBe(0)
    expect(salesOrders(t, orderId).filter((order) => order.isActive)).toEqual([])
    expect(await instanceState(t, orderId)).toBe("undone")
    expect(await openExceptions(t, orderId)).toEqual([])
  })
})
