import { afterAll, beforeAll, expect, test } from "vitest"
import { quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  decide,
  openExceptions,
  placeOrder,
  plentifulSkus,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import { salesOrders, shipAll, shipmentRequests } from "../fixtures/vendor-books.ts"

// P-34: an article that the ERP or the warehouse does not know is a question of data, with the same desk as the shop's articles.

let t: TestCrossdock
let known = ""
beforeAll(async () => {
  // The policy takes back what the books refuse; an article that they do not know is no such refusal.
  t = await startTestCrossdock({ seed: 36, lab: quietWarehouse, orders: { onBooksRefusal: "compensate" } })
  ;[known = ""] = plentifulSkus(t, 1)
})
afterAll(async () => t?.stop())

// The ERP of the lab knows only its own materials, and its warehouse refuses SKUs that begin with REJECT-WMS.
/** We have stock of an article that no other system has heard of. */
async function stocked(sku: string): Promise<void> {
  const locationId = t.lab.estate.locations[0]?.locationId
  const receipt = {
    kind: "receipt",
    fact: `first ${sku}`,
    sku,
    locationId,
    milli: 9000,
    occurredAt: new Date().toISOString(),
  }
  expect(await t.api("POST", "/v1/stock-movements", { movements: [receipt] })).toMatchObject({ status: 200 })
}

const map = (channel: string, article: string, sku: string) =>
  t.api("POST", "/v1/article-mappings", { channel, article, sku, reason: "its number there" })

test("P-34: it waits for a mapping in each system in turn, under its own SKU with us, and goes on by itself", async () => {
  await stocked("REJECT-WMS-1")
  const orderId = await placeOrder(t, {
    externalId: "ours-1",
    lines: [{ sku: "REJECT-WMS-1", count: 2, totalMinor: 900 }],
  })
  const atErp = await untilException(t, orderId, "article is unknown to sap")
  expect(atErp).toMatchObject({ sku: "REJECT-WMS-1", owner: "operations", allowed: ["retry", "cancel order"] })
  expect(atErp.summary).toContain('crossdock mappings set sap <its article> "REJECT-WMS-1"')
  expect(await map("sap", known, "REJECT-WMS-1")).toMatchObject({ status: 200, body: { ordersGoOn: 1 } })

  const atWarehouse = await untilException(t, orderId, "article is unknown to warehouse")
  expect(atWarehouse).toMatchObject({ sku: "REJECT-WMS-1" })
  expect(salesOrders(t, orderId).flatMap(({ items }) => items.map(({ material }) => material))).toEqual([known])
  expect(await map("warehouse", known, "REJECT-WMS-1")).toMatchObject({ status: 200, body: { ordersGoOn: 1 } })
  await expect.poll(() => shipmentRequests(t, orderId).length, { timeout: 20_000 }).toBe(1)
  expect(shipmentRequests(t, orderId).flatMap(({ lines }) => lines.map(({ sku }) => sku))).toEqual([known])
  await shipAll(t, orderId)
  expect(await untilEnded(t, orderId)).toBe("done")
  await untilState(t, orderId, "closed")
  expect(await openExceptions(t, orderId)).toEqual([])

  const next = await placeOrder(t, {
    externalId: "ours-2",
    lines: [{ sku: "REJECT-WMS-1", count: 1, totalMinor: 500 }],
  })
  await untilState(t, next, "released")
  expect(await openExceptions(t, next)).toEqual([])
})

test("P-34: a person may cancel it, and nobody else does", async () => {
  await stocked("OURS-2")
  const orderId = await placeOrder(t, { externalId: "ours-3", lines: [{ sku: "OURS-2", count: 2, totalMinor: 900 }] })
  const open = await untilException(t, orderId, "article is unknown to sap")
  await decide(t, open.id, "cancel order")
  expect(await untilEnded(t, orderId)).toBe("undone")
})
