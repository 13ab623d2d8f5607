import { afterAll, beforeAll, expect, test } from "vitest"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { buyInShop, orderRequest, plentifulSkus, untilException, untilState } from "../fixtures/order-flow.ts"
import { runCommand } from "../fixtures/readers/command.ts"
import { shipmentRequests } from "../fixtures/vendor-books.ts"

// P-34: a code on the goods that the catalogue knows is proposed, and a person says what the article is (P-24).

let t: TestCrossdock
let sku = ""
let other = ""
const ean = "4006381333931"
const gtin = "04006381333931"
const caseCode = "04012345000016"
const unitCode = "04012345000023"
const newCode = "04012345000030"

beforeAll(async () => {
  t = await startTestCrossdock({ seed: 35, lab: quietWarehouse })
  ;[sku = "", other = ""] = plentifulSkus(t, 2)
  const put = async (of: string, changes: object[]) =>
    expect((await t.api("PUT", `/v1/products/${of}`, { changes })).status).toBe(200)
  await put(sku, [{ field: "gtins", set: [{ gtin, unit: "ea" }] }])
  await put(other, [
    {
      field: "units",
      set: {
        base: "ea",
        sales: [
          { unit: "pack", baseMilli: 6000 },
          { unit: "case", baseMilli: 12_000, sku: `${other}-CASE` },
        ],
      },
    },
    {
      field: "gtins",
      set: [
        { gtin: unitCode, unit: "pack" },
        { gtin: caseCode, unit: "case" },
      ],
    },
  ])
  await put("NEVER-HAD-STOCK", [{ field: "gtins", set: [{ gtin: newCode, unit: "ea" }] }])
  const catalogued = async () => {
    const { body } = await t.api("GET", "/v1/products/NEVER-HAD-STOCK")
    return JSON.stringify(body).includes(newCode) || undefined
  }
  await eventually("the catalogue has the codes", catalogued)
})
afterAll(async () => t?.stop())

async function boughtAs(article: string, more: Record<string, unknown> = {}): Promise<string> {
  t.lab.shopify.setWebhookTarget(undefined)
  const [order] = await buyInShop(t, { count: 1, skus: [other], payment: "paid" })
  if (!order) throw new Error("nothing was bought")
  t.lab.shopify.setWebhookTarget(`${t.gatewayUrl}/hooks/shopify`)
  await control(t.lab.shopify, `orders/${order.id}/set`, { set: { "lines.0.sku": article, ...more } })
  await control(t.lab.shopify, `orders/${order.id}/pay`, {})
  return order.orderId
}

const asked = (orderId: string) => shipmentRequests(t, orderId).flatMap(({ lines }) => lines.map((line) => line.sku))
const unknown = async () => {
  const { status, body } = await t.api("GET", "/v1/unknown-articles?channel=shopify")
  expect(status).toBe(200)
  return body["items"] as Record<string, unknown>[]
}

test("P-34: an article that carries a barcode of the catalogue is proposed as that SKU, never taken for it, and goes on when a person says so", async () => {
  const soldAsCode = await boughtAs(ean)
  const named = await boughtAs("OLD-NUMBER-7", { "lines.0.properties": [{ name: "_EAN", value: ean }] })
  for (const orderId of [soldAsCode, named]) {
    const { summary } = await untilException(t, orderId, "article is unknown")
    expect(summary).toContain(`it may be ${sku} by its barcode ${gtin}`)
    await untilState(t, orderId, "on hold")
    expect(asked(orderId)).toEqual([])
  }
  const candidates = [{ sku, barcode: gtin }]
  expect(await unknown()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ channel: "shopify", article: ean, orders: 1, barcodes: [], candidates }),
      expect.objectContaining({ channel: "shopify", article: "OLD-NUMBER-7", orders: 1, barcodes: [gtin], candidates }),
    ]),
  )
  expect((await t.api("GET", "/v1/article-mappings")).body).toEqual({ items: [] })
  const listed = await runCommand(t, ["mappings"])
  expect(listed.code).toBe(0)
  expect(listed.text).toContain("no article is mapped")
  expect(listed.text).toMatch(new RegExp(`^shopify +OLD-NUMBER-7 +1 +\\S+ +${sku} \\(barcode ${gtin}\\)$`, "m"))

  const body = { channel: "shopify", article: "OLD-NUMBER-7", sku }
  expect(await t.api("POST", "/v1/article-mappings", body)).toMatchObject({ body: { ordersGoOn: 1 } })
  await untilState(t, named, "released")
  expect(asked(named)).toEqual([sku])
  expect((await unknown()).map(({ article }) => article)).toEqual([ean])
})

test("P-34: what the catalogue learns while an order waits is proposed at the desk", async () => {
  const late = "4012345000047"
  const orderId = await boughtAs("OLD-NUMBER-8", { "lines.0.properties": [{ name: "barcode", value: late }] })
  await untilException(t, orderId, "article is unknown")
  const found = async () => (await unknown()).find(({ article }) => article === "OLD-NUMBER-8")
  expect(await found()).toMatchObject({ candidates: [] })
  const changes = [
    {
      field: "gtins",
      set: [
        { gtin, unit: "ea" },
        { gtin: `0${late}`, unit: "ea" },
      ],
    },
  ]
  expect((await t.api("PUT", `/v1/products/${sku}`, { changes })).status).toBe(200)
  const one = await eventually("it is proposed", async () => {
    const known = await found()
    return JSON.stringify(known).includes(late) && JSON.stringify(known).includes(sku) ? known : undefined
  })
  expect(one).toMatchObject({ candidates: [{ sku, barcode: `0${late}` }] })
})

test("P-34: the door names what a barcode means: a unit's own SKU, never one piece for a case, and a SKU that never had stock", async () => {
  const wanted = {
    externalId: "coded",
    lines: ["A", "B", "C", "D"].map((id) => ({ id, sku: `XQ-${id}`, count: 1, totalMinor: 1210 })),
  }
  const order = orderRequest(wanted)
  const codes = [gtin, caseCode, unitCode, newCode]
  const lines = order.lines.map((line, n) => ({ ...line, barcode: codes[n] }))
  const { status, body } = await t.api("POST", "/v1/orders", { ...order, lines })
  expect(status).toBe(422)
  const hints = (body["problems"] as unknown as { message: string }[]).map(({ message }) => message.split("; ")[1])
  expect(hints).toEqual([
    `it may be ${sku} by its barcode ${gtin}`,
    `it may be ${other}-CASE by its barcode ${caseCode}`,
    undefined,
    `it may be NEVER-HAD-STOCK by its barcode ${newCode}, which never had stock`,
  ])
})
