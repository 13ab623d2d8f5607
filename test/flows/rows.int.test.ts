import { afterAll, beforeAll, expect, test } from "vitest"
import { startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"

let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 57 })
})
afterAll(() => t?.stop())

/** Routes that take many rows, and the list they take. */
const lists: Readonly<Record<string, string>> = {
  "POST /v1/sales": "receipts",
  "POST /v1/stock-movements": "movements",
  "POST /v1/purchase-orders": "purchaseOrders",
  "POST /v1/inbound-shipments": "inboundShipments",
  "POST /v1/goods-receipts": "receipts",
  "POST /v1/products": "products",
  "PUT /v1/prices": "prices",
  "POST /v1/shown-prices": "prices",
  "PUT /v1/promotions": "promotions",
}

const bad = [{}, null, 7, { sku: "A\u0000" }, { "\ud800": 1 }, JSON.parse('{"__proto__": {"a": 1}}')] as const

function send(route: string, { body, type = "application/json" }: { body: string | Buffer; type?: string }) {
  const [method = "", path = ""] = route.split(" ")
  const headers = { authorization: `Bearer ${t.key}`, "content-type": type }
  return fetch(t.gatewayUrl + path, { method, headers, body })
}

test("every route that answers row by row is tried here", async () => {
  const answer = await fetch(`${t.gatewayUrl}/openapi.json`)
  const { paths } = (await answer.json()) as { paths: Record<string, Record<string, object>> }
  const answering = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) => {
      const text = JSON.stringify((operation as { responses?: Record<string, unknown> }).responses?.["200"] ?? {})
      return text.includes(`"results":{"type":"array"`) ? [`${method.toUpperCase()} ${path}`] : []
    }),
  )
  expect(answering.toSorted()).toEqual(Object.keys(lists).toSorted())
})

test.each(Object.entries(lists))(
  "%s: a row that cannot be read, stored or understood costs itself only",
  async (route, list) => {
    const answer = await send(route, { body: JSON.stringify({ [list]: bad }) })
    const { results = [] } = (await answer.json()) as { results?: { problems?: { message: string }[] }[] }
    expect([answer.status, results.length]).toEqual([200, bad.length])
    for (const [n, { problems = [] }] of results.entries()) expect([n, problems.length > 0]).toEqual([n, true])
    expect(results[3]?.problems?.[0]).toMatchObject({ pointer: "/sku", message: expect.stringContaining("U+0000") })
  },
)

const receipt = (sequence: number) => ({
  storeId: "store-utrecht",
  tillId: "9",
  sequence,
  kind: "no-sale",
  endedAt: new Date(Date.now() - 60_000).toISOString(),
  currency: "EUR",
})

test("receipts beside bad ones count, also behind a byte order mark, and a line that is no JSON is named with its place", async () => {
  const outcomes = async (sent: { body: string; type?: string }) => {
    const answer = await send("POST /v1/sales", sent)
    const { results } = (await answer.json()) as { results: { outcome: string; problems?: object[] }[] }
    return results.map(({ outcome, problems }) => problems?.[0] ?? outcome)
  }
  const [first, second] = [receipt(1), receipt(2)].map((one) => JSON.stringify(one))
  const type = "application/x-ndjson"
  expect(await outcomes({ body: `\uFEFF${first}\r\n\r\n{"storeId": x\r\n${second}`, type })).toEqual([
    "accepted",
    { pointer: "/storeId", message: expect.stringMatching(/line 1, column 13 \(of line 3 of the body\)$/) },
    "accepted",
  ])
  expect(await outcomes({ body: `\uFEFF{"receipts": [${first}, {"tillId": "\\u0000"}]}` })).toEqual([
    "same as before",
    { pointer: "/tillId", message: expect.stringContaining("U+0000") },
  ])
})

test("a content type that a route does not take is answered with those that it takes", async () => {
  const answer = await send("POST /v1/sales", { body: "a,b", type: "text/csv" })
  expect([answer.status, await answer.json()]).toMatchObject([
    400,
    { problems: [{ message: "must be application/json or application/x-ndjson or application/xml" }] },
  ])
})
