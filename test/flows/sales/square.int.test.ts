import { afterAll, beforeAll, expect, test } from "vitest"
import type { Order, Payment, PaymentRefund } from "../../../lab/square/records.ts"
import type { Sale } from "../../../lab/square/register.ts"
import { squareMerchant, squareToken } from "../../../lab/square/api.ts"
import { squareSignatureKey, startSquare } from "../../../lab/square/square.ts"
import type { Simulator } from "../../../lab/simulator.ts"
import { square } from "../../../src/connectors/square/connector.ts"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../../fixtures/crossdock.ts"

// Square's tills: from a sale at a register, by notification and by list, to the day of the store and its books.

const notificationUrl = "https://crossdock.example/hooks/square"
const [locationId, elsewhere] = ["LLAB00000001", "LLAB00000002"]

let t: TestCrossdock
let seller: Simulator
let storeId = ""
let sku = ""

beforeAll(async () => {
  seller = await startSquare({ seed: 92, notificationUrl, retryScale: 0.001, locationIds: [locationId, elsewhere] })
  t = await startTestCrossdock({
    seed: 91,
    lab: quietWarehouse,
    estate: (estate) => {
      storeId = estate.locations.find(({ kind }) => kind === "store")?.id ?? ""
      return {
        ...estate,
        connections: {
          ...estate.connections,
          square: {
            connector: square,
            settings: {
              baseUrl: seller.url,
              allowPrivateNetwork: true,
              accessToken: squareToken,
              merchantId: squareMerchant,
              notificationUrl,
              signatureKeys: [squareSignatureKey],
              locations: { [locationId]: { storeId } },
              tills: { "device:FRONT": "front" },
              taxCodes: { "VAT 21": "NL-21" },
            },
            places: [storeId],
            pollEveryMs: 400,
          },
        },
        // Closed by the tests, not by the clock.
        policies: { ...estate.policies, sales: { closeAfter: { days: 1000 }, gapsToldAfter: { ms: 0 } } },
      }
    },
  })
  const row = t.lab.estate.stock.find((one) => one.locationId === storeId && one.onHandMilli >= 10_000)
  sku = row?.sku ?? ""
  if (sku === "") throw new Error("the store has no article of which ten lie there")
  await lab("POST", "variations", { id: "VAR-1", sku })
  await lab("POST", "variations", { id: "VAR-NONE", sku: null })
})
afterAll(async () => {
  await t?.stop()
  await seller?.stop()
})

async function lab<Answer = Record<string, unknown>>(method: string, path: string, body: object): Promise<Answer> {
  const answer = await fetch(`${seller.url}/__lab/${path}`, { method, body: JSON.stringify(body) })
  expect(answer.status).toBe(200)
  return (await answer.json()) as Answer
}
const sell = (more: Partial<Sale> = {}) =>
  lab<{ order: Order; payments: Payment[] }>("POST", "sales", {
    locationId,
    lines: [{ variationId: "VAR-1", name: "Shirt", price: 1210 }],
    tax: { name: "VAT 21", percentage: 21, type: "INCLUSIVE" },
    deviceId: "device:FRONT",
    ...more,
  })
const listen = (isOn: boolean) => seller.setWebhookTarget(isOn ? `${t.gatewayUrl}/hooks/square` : undefined)

async function standings(documentId: string): Promise<Record<string, unknown>[]> {
  return (await t.api("GET", `/v1/sales?storeId=${storeId}&documentId=${documentId}`)).body.items ?? []
}
const untilKnown = (documentId: string, what = "recorded") =>
  eventually(
    `${documentId} is ${what}`,
    async () => (await standings(documentId)).find((one) => one["standing"] === what),
    { withinMs: 30_000, seen: () => standings(documentId) },
  )
const onHand = async () => {
  const [row] = await t.sql<{ on_hand_milli: number }[]>`
    select on_hand_milli from stock_positions where sku = ${sku} and location_id = ${storeId}`
  return row?.on_hand_milli ?? 0
}
const receipts = async (documentId: string) => {
  const rows = await t.sql<{ data: { receipt: Record<string, unknown> } }[]>`
    select data from events where type = 'sale.recorded' and data -> 'receipt' ->> 'documentId' = ${documentId}`
  return rows.map(({ data }) => data.receipt)
}

test("a sale that a notification names is a receipt once, and moves the store's stock", async () => {
  listen(true)
  const before = await onHand()
  const { order } = await sell({ tenders: [{ type: "CASH", given: 1500 }] })
  expect(await untilKnown(order.id)).toMatchObject({ documentId: order.id, tillId: "front", standing: "recorded" })
  await eventually("the stock moved", async () => (await onHand()) === before - 1000, { seen: onHand })
  const [receipt, ...others] = await receipts(order.id)
  expect(others).toEqual([])
  expect(receipt).toMatchObject({
    lines: [{ sku, amountMinor: 1210, taxes: [{ code: "NL-21", amountMinor: 210, isIncluded: true }] }],
    tenders: [{ kind: "cash", amountMinor: 1500, changeMinor: 290 }],
  })
})

test("a sale that no notification names is found by the list, and told once by both", async () => {
  listen(false)
  const { order } = await sell()
  await untilKnown(order.id)
  listen(true)
  await lab("PATCH", "records", { kind: "orders", id: order.id, change: { version: 2 } })
  const { order: next } = await sell()
  await untilKnown(next.id)
  expect(await receipts(order.id)).toHaveLength(1)
})

test("a day of sales, a return and a refund of an amount is closed and posted, balanced", async () => {
  listen(true)
  const card = await sell({
    lines: [{ variationId: "VAR-1", price: 1210, quantity: "2", modifiers: [{ name: "gift wrap", price: 100 }] }],
    discount: { name: "Staff", percentage: 10 },
    serviceCharge: { name: "Service", percentage: 5 },
    tip: 150,
    tenders: [{ type: "SQUARE_GIFT_CARD", amount: 1000 }, { type: "CARD" }],
  })
  const cash = await sell({ lines: [{ variationId: "VAR-1", price: 1213 }], roundTo: 5 })
  const back = await lab<{ order: Order }>("POST", "refunds", {
    orderId: card.order.id,
    lines: [{ line: 0, quantity: 1 }],
  })
  const amount = await lab<{ order: Order }>("POST", "refunds", { orderId: cash.order.id, amount: 300 })
  for (const { order } of [card, cash, back, amount]) await untilKnown(order.id)
  const [returned] = await receipts(back.order.id)
  expect(returned).toMatchObject({
    lines: [
      {
        sku,
        quantityMilli: -1000,
        returned: { original: { storeId, documentId: card.order.id, lineId: card.order.line_items?.[0]?.uid } },
      },
    ],
    tenders: [{ kind: "other", name: "refund underway" }],
  })
  expect((await receipts(amount.order.id))[0]).toMatchObject({
    lines: [{ amountMinor: -300, returned: { original: { documentId: cash.order.id } } }],
    tenders: [{ name: "refund underway", amountMinor: -300 }],
  })
  const day = String((await untilKnown(card.order.id))["businessDay"])
  const closed = await t.api("POST", `/v1/store-days/${storeId}/${day}/close`)
  expect(closed.body).toMatchObject({ state: "closed", waitsFor: [] })
  const { closures, tills } = closed.body as unknown as {
    closures: { entries: { entryId: string; lines: { account: string; amountMinor: number }[] }[]; missing: string[] }[]
    tills: object[]
  }
  expect(tills).toContainEqual({ tillId: "front", receipts: 5 })
  expect(closures[0]?.missing).toEqual([])
  const lines = closures[0]?.entries[0]?.lines ?? []
  expect(lines.reduce((sum, one) => sum + one.amountMinor, 0)).toBe(0)
  expect(lines.map(({ account }) => account)).toEqual(
    expect.arrayContaining(["drawer", "card clearing", "gift card liability", "tips payable", "charges", "rounding"]),
  )
})

test("what cannot be read is parked with its money, and counts once it can", async () => {
  listen(true)
  const { order } = await sell({ lines: [{ variationId: "VAR-NONE", price: 1210 }], at: new Date().toISOString() })
  await untilKnown(order.id, "parked")
  const found = await eventually("the exception", async () => {
    const { body } = await t.api("GET", "/v1/exceptions?state=open&limit=200")
    return body.items?.find((one) => String(one["summary"]).includes(order.id))
  })
  expect(found).toMatchObject({ cause: "receipt cannot be read", atRisk: { amountMinor: 1210, currency: "EUR" } })
  expect(found["summary"]).toContain("has no SKU in Square")
  // Somebody gives the article its SKU, and the order is read again.
  await lab("POST", "variations", { id: "VAR-NONE", sku })
  await lab("PATCH", "records", { kind: "orders", id: order.id, change: {} })
  await untilKnown(order.id)
  await eventually("the case has ended", async () => {
    const { body } = await t.api("GET", "/v1/exceptions?state=open&limit=200")
    return !JSON.stringify(body).includes(order.id)
  })
})

/** What a receipt moved in the store's stock. */
const bookedBy = async (documentId: string) => {
  const [row] = await t.sql<{ milli: number }[]>`
    select coalesce(sum(delta_milli), 0)::int as milli from stock_ledger where location_id = ${storeId} and fact like ${`%/${documentId}/%`}`
  return row?.milli
}
const untilBack = (documentId: string) =>
  eventually("the goods are back", async () => (await bookedBy(documentId)) === 1000, {
    withinMs: 30_000,
    seen: () => bookedBy(documentId),
  })
type GivenBack = { order: Order; refund: PaymentRefund }
const giveBack = (orderId: string, more: object) => lab<GivenBack>("POST", "refunds", { orderId, ...more })
const openCases = async (about: string) => {
  const { body } = await t.api("GET", "/v1/exceptions?state=open&limit=200")
  return (body.items ?? []).filter((one) => JSON.stringify(one).includes(about)).map((one) => one["cause"])
}
const untilCases = (about: string, causes: string[]) =>
  eventually(
    `the open cases of ${about} are: ${causes.join(", ") || "none"}`,
    async () => JSON.stringify((await openCases(about)).sort()) === JSON.stringify(causes),
    { withinMs: 30_000, seen: () => openCases(about) },
  )
const become = (id: string, status: string) => lab("PATCH", "records", { kind: "refunds", id, change: { status } })
/** Ids of refunds are longer than a document's: the beginning is kept. */
const moneyOf = async (refund: PaymentRefund) => {
  const rows = await t.sql<{ data: { receipt: Record<string, unknown> } }[]>`
    select data from events where type = 'sale.recorded'
      and data -> 'receipt' ->> 'documentId' like ${`${refund.id.slice(0, 27)}%`} and data -> 'receipt' ->> 'lines' is null`
  return rows.map(({ data }) => data.receipt)
}

test.each([true, false])(
  "STORES 18: a refund that is on its way is not given: the goods are back, and its money counts when it arrives (told: %s)",
  async (isTold) => {
    listen(isTold)
    const sold = await sell({ tenders: [{ type: "CARD" }] })
    const back = await giveBack(sold.order.id, { lines: [{ line: 0, quantity: 1 }], status: "PENDING" })
    for (const { order } of [sold, back]) await untilKnown(order.id)
    await untilCases(back.order.id, ["refund is on its way"])
    await untilBack(back.order.id)
    expect(await moneyOf(back.refund)).toEqual([])
    await become(back.refund.id, "COMPLETED")
    await untilCases(back.order.id, [])
    const [money, ...others] = await eventually(
      "its money is given",
      async () => {
        const found = await moneyOf(back.refund)
        return found.length > 0 && found
      },
      { withinMs: 30_000 },
    )
    expect(others).toEqual([])
    expect(money?.["tenders"]).toMatchObject([
      { name: "refund underway", amountMinor: 1210 },
      { kind: "card", amountMinor: -1210 },
    ])
    expect(await receipts(back.order.id)).toHaveLength(1)
  },
)

test("STORES 19: a refund that fails later undoes nothing, is no second receipt, and finance is told", async () => {
  listen(true)
  const sold = await sell({ tenders: [{ type: "CARD" }] })
  const back = await giveBack(sold.order.id, { lines: [{ line: 0, quantity: 1 }], status: "PENDING" })
  await untilKnown(back.order.id)
  await untilBack(back.order.id)
  const was = [await receipts(back.order.id), await standings(back.order.id)]
  await become(back.refund.id, "FAILED")
  await untilCases(back.order.id, ["refund did not arrive"])
  const { body } = await t.api("GET", "/v1/exceptions?state=open&limit=200")
  expect(body.items?.find((one) => one["cause"] === "refund did not arrive")).toMatchObject({
    owner: "finance",
    atRisk: { amountMinor: 1210, currency: "EUR" },
  })
  expect([await receipts(back.order.id), await standings(back.order.id)]).toEqual(was)
  expect(await bookedBy(back.order.id)).toBe(1000)
  expect(await moneyOf(back.refund)).toEqual([])
})

test("a unit of a receipt of Square comes back once: the second time it is told as a loss", async () => {
  listen(true)
  const { order } = await sell()
  const first = await giveBack(order.id, { lines: [{ line: 0, quantity: 1 }] })
  await untilKnown(first.order.id)
  const second = await giveBack(order.id, { lines: [{ line: 0, quantity: 1 }] })
  await untilKnown(second.order.id)
  await untilCases(second.order.id, ["unit was given back before"])
  expect(await openCases(first.order.id)).toEqual([])
})

test("after all of this a rebuild of the store's sales finds every row as the log says it", async () => {
  const { body } = await t.api("POST", "/v1/sales/rebuild", { storeId, dryRun: true })
  expect(body).toMatchObject({ differences: 0 })
})
