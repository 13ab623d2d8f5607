import { readFileSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { catalogueToken, startCatalogue } from "../catalogue/catalogue.ts"
import { startFraud, fraudToken } from "../fraud/fraud.ts"
import type { Receiver } from "../receiver.ts"
import { startReceiver } from "../receiver.ts"
import type { Simulator } from "../simulator.ts"
import { startStoreBooks, storeBooksToken } from "../store-books/store-books.ts"
import { startTax, taxToken } from "../tax/tax.ts"
import { startWarehouse, warehouseToken } from "../warehouse/warehouse.ts"

// Runs the examples of the protocol page, so that the page stays true.
const page = readFileSync(new URL("../../docs/reference/http-json-systems.md", import.meta.url), "utf8")

/** The JSON blocks under a heading that starts with this text. */
function examples(heading: string): Record<string, unknown>[] {
  const section = page.split(/^#{2,3} /m).find((part) => part.startsWith(heading))
  if (section === undefined) throw new Error(`the page has no heading ${heading}`)
  return [...section.matchAll(/```json\n([\s\S]*?)```/g)].map(
    (match) => JSON.parse(match[1] ?? "") as Record<string, unknown>,
  )
}

/** Every path to a value, lists by their first element: the shape of a response without its values. */
function shapeOf(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return value.length === 0 ? [`${path}[]`] : shapeOf(value[0], `${path}[]`)
  if (typeof value !== "object" || value === null) return [`${path}: ${value === null ? "null" : typeof value}`]
  return Object.entries(value)
    .flatMap(([key, inner]) => shapeOf(inner, `${path}/${key}`))
    .sort()
}

async function send(url: string, token: string, body?: unknown) {
  const response = await fetch(url, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver.stop())

describe("warehouse", () => {
  let warehouse: Simulator
  const [request, accepted] = examples("Ask for a shipment")
  const stock = { sku: "SKU-00042", locationId: "wh-rotterdam", unit: "ea" as const }
  beforeAll(async () => {
    const habits = { shipAfterMs: { min: 5, max: 10 }, deliverAfterMs: null, splitShare: 0, shortShare: 0 }
    const openingStock = [{ ...stock, onHandMilli: 1_000 }]
    warehouse = await startWarehouse({ seed: 7, webhookTarget: receiver.url, openingStock, habits })
  })
  afterAll(() => warehouse.stop())

  test("the example request is accepted, read, cancelled, told and listed in the shapes of the page", async () => {
    const created = await send(`${warehouse.url}/shipment-requests`, warehouseToken, request)
    expect(created.status).toBe(201)
    expect(shapeOf(created.body)).toEqual(shapeOf(accepted))
    const path = `${warehouse.url}/shipment-requests/${String(request?.["requestId"])}`
    await expect.poll(async () => (await send(path, warehouseToken)).body["status"]).toBe("short")
    const [view] = examples("Read a request")
    expect(shapeOf((await send(path, warehouseToken)).body)).toEqual(shapeOf(view))
    const [cancellation, answer] = examples("Cancel:")
    const refused = (await send(`${path}/cancellation`, warehouseToken, cancellation)).body
    expect(shapeOf(refused["refused"])).toEqual(shapeOf(answer?.["refused"]))
    expect(Object.keys(refused)).toEqual(Object.keys(answer ?? {}))
    const list = (await send(`${warehouse.url}/events`, warehouseToken)).body
    expect(Object.keys(list)).toEqual(Object.keys(examples("Read events")[0] ?? {}))
  })

  test("its events have the shapes of the page", async () => {
    await warehouse.webhooks()?.idle()
    const received = () => receiver.received.map((delivery) => JSON.parse(delivery.body) as Record<string, unknown>)
    const shown = examples("Events")
    expect(shown.map((event) => event["type"]).sort()).toEqual([
      "request.short",
      "shipment.milestone",
      "shipment.shipped",
    ])
    const { milestone, place, text, expectedAt } = shown.find(({ type }) => type === "shipment.milestone") ?? {}
    const shipped = received().find(({ type }) => type === "shipment.shipped")
    const told = `${warehouse.url}/__lab/shipments/${String(shipped?.["shipmentId"])}/milestones`
    await send(told, warehouseToken, { milestone, place, text, expectedAt })
    await warehouse.webhooks()?.idle()
    const events = received()
    for (const event of shown)
      expect(shapeOf(events.find((sent) => sent["type"] === event["type"]))).toEqual(shapeOf(event))
  })
})

test("tax: the example is answered with exactly the figures of the page", async () => {
  const tax = await startTax({ seed: 7 })
  const [question, answer] = examples("Quote:")
  const { body } = await send(`${tax.url}/quotes`, taxToken, question)
  expect({ ...body, quoteId: "" }).toEqual({ ...answer, quoteId: "" })
  await tax.stop()
})

test("fraud: a screening is answered in the shape of the page", async () => {
  const fraud = await startFraud({ seed: 7, reviewMs: null })
  const [, ...none] = examples("Screen:")
  expect(none).toEqual([])
  const [shown] = examples("Screen:")
  const shipTo = examples("Ask for a shipment")[0]?.["shipTo"]
  const line = { sku: "SKU-00042", quantityMilli: 1_000, unit: "ea", amountMinor: 12_100 }
  const asked = {
    reference: "ord_01",
    amount: { amountMinor: 12_100, currency: "EUR" },
    email: "ada+review-accept@shop.example",
    shipTo,
    lines: [line],
  }
  const { status, body } = await send(`${fraud.url}/screenings`, fraudToken, asked)
  expect(status).toBe(201)
  expect(shapeOf(body)).toEqual(shapeOf(shown))
  await fraud.stop()
})

test("errors have the shape of the page", async () => {
  const tax = await startTax({ seed: 7 })
  const { body } = await send(`${tax.url}/quotes`, taxToken, {})
  expect(shapeOf(body)).toEqual(shapeOf(examples("Errors")[0]))
  await tax.stop()
})

describe("catalogue", () => {
  test("the example events can be said, are sent as they stand there, and are listed word for word", async () => {
    const catalogue = await startCatalogue({ seed: 7, webhookTarget: receiver.url })
    try {
      const section = page.split(/^## Catalogue$/m)[1] ?? ""
      const shown = [...section.matchAll(/```json\n([\s\S]*?)```/g)].map(
        ([, text = ""]) => JSON.parse(text) as Record<string, unknown>,
      )
      const events = shown.filter(({ type }) => type !== undefined)
      expect(events).toHaveLength(2)
      for (const { type, eventId: _id, occurredAt: _at, ...fields } of events) {
        const said = await fetch(`${catalogue.url}/__lab/events`, {
          method: "POST",
          body: JSON.stringify({ type, fields }),
        })
        expect([said.status, await said.text()]).toEqual([200, expect.any(String)])
      }
      const { body } = await send(`${catalogue.url}/events?limit=10`, catalogueToken)
      expect(body["next"]).toBe("2")
      const listed = body["events"] as Record<string, unknown>[]
      expect(listed.map(({ eventId: _id, occurredAt: _at, ...event }) => event)).toEqual(
        events.map(({ eventId: _id, occurredAt: _at, ...event }) => event),
      )
      expect((await send(`${catalogue.url}/events`, "another token")).status).toBe(401)
    } finally {
      await catalogue.stop()
    }
  })
})

describe("books of stores", () => {
  let books: Simulator
  const [entry, posted] = examples("Post an entry")
  beforeAll(async () => {
    books = await startStoreBooks({ seed: 7, closedBefore: "2026-11-01" })
  })
  afterAll(() => books.stop())
  const post = (body: object) => send(`${books.url}/store-entries`, storeBooksToken, body)

  test("the example is posted once, read, and refused with other lines", async () => {
    const created = await post(entry ?? {})
    expect(created.status).toBe(201)
    expect(shapeOf(created.body)).toEqual(shapeOf(posted))
    expect(await post(entry ?? {})).toEqual({ ...created, status: 200 })
    const read = await send(`${books.url}/store-entries/${String(entry?.["entryId"])}`, storeBooksToken)
    expect(read).toEqual({ status: 200, body: { ...entry, documentNumber: created.body["documentNumber"] } })
    const other = [
      { account: "drawer", amountMinor: 1 },
      { account: "revenue", amountMinor: -1 },
    ]
    expect(await post({ ...entry, lines: other })).toMatchObject({ status: 409, body: { code: "DUPLICATE_REQUEST" } })
  })

  test.each([
    ["UNBALANCED", { lines: [{ account: "drawer", amountMinor: 1 }] }],
    ["UNKNOWN_ACCOUNT", { lines: [{ account: "pocket", amountMinor: 0 }] }],
    ["PERIOD_CLOSED", { postingDate: "2026-10-31" }],
  ])("%s is refused, and nothing is posted", async (code, more) => {
    const id = `e-${code}`
    expect(await post({ ...entry, entryId: id, ...more })).toMatchObject({ status: 422, body: { code } })
    expect((await send(`${books.url}/store-entries/${id}`, storeBooksToken)).status).toBe(404)
  })
})
