import { createHmac } from "node:crypto"
import { afterEach, describe, expect, test } from "vitest"
import type { Receiver } from "../receiver.ts"
import { startReceiver } from "../receiver.ts"
import type { Simulator } from "../simulator.ts"
import { defaultHabits } from "./floor.ts"
import type { WarehouseSimulatorOptions } from "./warehouse.ts"
import { startWarehouse, warehouseToken, warehouseWebhookSecret } from "./warehouse.ts"

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const quick = { shipAfterMs: { min: 1, max: 5 }, deliverAfterMs: null, splitShare: 0, shortShare: 0, mishapShare: 0 }
const paused = { ...quick, isPaused: true }

async function start(options: Partial<WarehouseSimulatorOptions> = {}) {
  const receiver = await startReceiver()
  const warehouse = await startWarehouse({ seed: 7, webhookTarget: receiver.url, habits: quick, ...options })
  closers.push(warehouse.stop, receiver.stop)
  return { warehouse, receiver }
}

/** The fields these tests read; which of them are there depends on the call. */
type Line = {
  lineId: string
  sku: string
  quantityMilli: number
  shippedMilli: number
  cancelledMilli: number
  missingMilli: number
}
type Body = { code?: string; status?: string; lines?: Line[]; events?: Event[]; next?: string; found?: boolean }
type Event = { type: string; eventId: string; requestId: string; lines: Line[]; isLast?: boolean; milestone?: string }

async function call(
  ...[warehouse, path, body, method]: [warehouse: Simulator, path: string, body?: unknown, method?: string]
) {
  const response = await fetch(warehouse.url + path, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: { authorization: `Bearer ${warehouseToken}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Body }
}

const asked = (requestId: string, lines: unknown[] = [line("1")]) => ({
  requestId,
  orderId: `ord-${requestId}`,
  orderNumber: `#${requestId}`,
  locationId: "wh-rotterdam",
  method: "ship",
  shipTo: { name: "Ada", line1: "Coolsingel 40", postalCode: "3011 AD", city: "Rotterdam", countryCode: "NL" },
  lines,
})
const line = (lineId: string, change: object = {}) => ({
  lineId,
  sku: `SKU-${lineId}`,
  quantityMilli: 2_000,
  unit: "ea",
  ...change,
})
const eventsOf = (receiver: Receiver) => receiver.received.map((delivery) => JSON.parse(delivery.body) as Event)
const read = (warehouse: Simulator, requestId: string) => call(warehouse, `/shipment-requests/${requestId}`)

describe("a shipment request", () => {
  test("is accepted once for its id, for ever", async () => {
    const { warehouse } = await start({ habits: paused })
    const first = await call(warehouse, "/shipment-requests", asked("r-1"))
    expect(first).toMatchObject({ status: 201, body: { requestId: "r-1", status: "accepted" } })
    const again = await call(warehouse, "/shipment-requests", asked("r-1", [line("2")]))
    expect(again).toMatchObject({ status: 409, body: { code: "DUPLICATE_REQUEST" } })
    expect((await read(warehouse, "r-1")).body).toMatchObject({
      status: "accepted",
      lines: [{ lineId: "1", shippedMilli: 0 }],
    })
    expect(warehouse.books()["shipmentRequests"]).toHaveLength(1)
  })

  test("ships by itself, tells so with a signature, and appears in the list of shipments", async () => {
    const { warehouse, receiver } = await start()
    await call(warehouse, "/shipment-requests", asked("r-1"))
    await expect.poll(() => receiver.received.length).toBe(1)
    const [delivery] = receiver.received
    const [event] = eventsOf(receiver)
    expect(event).toMatchObject({
      type: "shipment.shipped",
      requestId: "r-1",
      isLast: true,
      lines: [{ quantityMilli: 2_000 }],
    })
    const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature } = delivery?.headers ?? {}
    const key = Buffer.from(warehouseWebhookSecret.slice("whsec_".length), "base64")
    const expected = createHmac("sha256", key).update(`${id}.${timestamp}.${delivery?.body}`).digest("base64")
    expect([id, signature]).toEqual([event?.eventId, `v1,${expected}`])
    expect((await call(warehouse, "/events")).body).toEqual({ events: [event], next: "1" })
    expect((await call(warehouse, "/events?after=1")).body).toEqual({ events: [], next: "1" })
    expect((await read(warehouse, "r-1")).body).toMatchObject({ status: "shipped" })
  })

  test("is delivered after it shipped", async () => {
    const { receiver, warehouse } = await start({ habits: { ...quick, deliverAfterMs: { min: 1, max: 3 } } })
    await call(warehouse, "/shipment-requests", asked("r-1"))
    await expect.poll(() => eventsOf(receiver).map((event) => event.milestone)).toContain("delivered")
    const told = eventsOf(receiver).flatMap(({ milestone = [] }) => milestone)
    expect(told.toSorted()).toEqual(["delivered", "handed-over", "in-transit", "out-for-delivery"])
  })

  test("may meet with a mishap on the road: the same one for the same request", async () => {
    const habits = { ...quick, deliverAfterMs: { min: 1, max: 3 }, mishapShare: 1 }
    const ids = Array.from({ length: 20 }, (_, index) => `r-${index}`)
    const tellAll = async () => {
      const { receiver, warehouse } = await start({ habits })
      for (const id of ids) await call(warehouse, "/shipment-requests", asked(id))
      await expect.poll(() => eventsOf(receiver).filter(({ type }) => type === "shipment.shipped")).toHaveLength(20)
      await new Promise((resolve) => setTimeout(resolve, 200))
      await warehouse.webhooks()?.idle()
      return ids.map((id) =>
        eventsOf(receiver)
          .flatMap((event) => (event.requestId === id && event.milestone) || [])
          .sort(),
      )
    }
    const once = await tellAll()
    expect(await tellAll()).toEqual(once)
    expect(new Set(once.flat())).toContain("lost")
    expect(new Set(once.flat())).toContain("returned")
  })

  test("in several parcels ships every unit exactly once and says which parcel is the last", async () => {
    const { warehouse, receiver } = await start({ habits: { ...quick, splitShare: 1 } })
    const ids = Array.from({ length: 40 }, (_, index) => `r-${index}`)
    const lines = [line("1", { quantityMilli: 5_000 }), line("2"), line("3", { unit: "kg", quantityMilli: 751 })]
    for (const id of ids) await call(warehouse, "/shipment-requests", asked(id, lines))
    const isDone = async (id: string) => (await read(warehouse, id)).body.status === "shipped"
    await expect.poll(async () => (await Promise.all(ids.map(isDone))).every(Boolean)).toBe(true)
    await warehouse.webhooks()?.idle()
    const events = eventsOf(receiver)
    expect(events.length).toBeGreaterThan(50)
    for (const id of ids) {
      const parcels = events.filter((event) => event.requestId === id)
      expect(parcels.filter((parcel) => parcel.isLast)).toHaveLength(1)
      for (const { lineId, quantityMilli } of lines) {
        const shipped = parcels.flatMap((parcel) => parcel.lines).filter((part) => part.lineId === lineId)
        expect(shipped.reduce((sum, part) => sum + part.quantityMilli, 0)).toBe(quantityMilli)
      }
    }
  })

  test.each([
    ["an unknown place", 422, "UNKNOWN_LOCATION", { ...asked("r-1"), locationId: "wh-moon" }],
    ["an unknown SKU", 422, "UNKNOWN_SKU", asked("r-1", [line("9")])],
    ["a SKU that asks to be refused", 422, "UNKNOWN_SKU", asked("r-1", [line("1", { sku: "REJECT-WMS-1" })])],
    ["a quantity of nothing", 400, "INVALID_REQUEST", asked("r-1", [line("1", { quantityMilli: 0 })])],
    ["a repeated line", 400, "INVALID_REQUEST", asked("r-1", [line("1"), line("1")])],
    ["an id that is too long", 400, "INVALID_REQUEST", asked("r".repeat(65))],
  ])("with %s is refused with %i %s and leaves nothing", async (...[, status, code, body]) => {
    const { warehouse } = await start({ locationIds: ["wh-rotterdam"], skus: ["SKU-1", "SKU-2", "REJECT-WMS-1"] })
    expect(await call(warehouse, "/shipment-requests", body)).toMatchObject({ status, body: { code } })
    expect(warehouse.books()["shipmentRequests"]).toEqual([])
  })

  test("without the token is not answered", async () => {
    const { warehouse } = await start()
    expect((await fetch(`${warehouse.url}/events`)).status).toBe(401)
  })
})

describe("a cancellation", () => {
  const cancel = (warehouse: Simulator, body: unknown) => call(warehouse, "/shipment-requests/r-1/cancellation", body)

  test("of an untouched request cancels everything, and its repeat says the same", async () => {
    const { warehouse } = await start({ habits: paused })
    await call(warehouse, "/shipment-requests", asked("r-1"))
    const answer = { status: 200, body: { cancelled: [{ lineId: "1", quantityMilli: 2_000 }], refused: [] } }
    expect(await cancel(warehouse, { cancellationId: "c-1" })).toEqual(answer)
    expect(await cancel(warehouse, { cancellationId: "c-1" })).toEqual(answer)
    expect((await read(warehouse, "r-1")).body).toMatchObject({
      status: "cancelled",
      lines: [{ cancelledMilli: 2_000 }],
    })
  })

  test("of a part leaves the rest to ship", async () => {
    const { warehouse } = await start({ habits: paused })
    await call(warehouse, "/shipment-requests", asked("r-1", [line("1"), line("2")]))
    await cancel(warehouse, { cancellationId: "c-1", lines: [{ lineId: "2", quantityMilli: 1_000 }] })
    await call(warehouse, "/__lab/shipment-requests/r-1/ship", {})
    expect((await read(warehouse, "r-1")).body).toMatchObject({
      status: "shipped",
      lines: [{ shippedMilli: 2_000 }, { shippedMilli: 1_000, cancelledMilli: 1_000 }],
    })
  })

  test("of what has shipped is refused line by line", async () => {
    const { warehouse } = await start({ habits: paused })
    await call(warehouse, "/shipment-requests", asked("r-1"))
    await call(warehouse, "/__lab/shipment-requests/r-1/ship", {})
    const refused = [{ lineId: "1", quantityMilli: 2_000, reason: "shipped" }]
    expect((await cancel(warehouse, { cancellationId: "c-1" })).body).toEqual({ cancelled: [], refused })
  })

  test("of what lies in a box is refused as picked", async () => {
    const { warehouse } = await start({ habits: { ...quick, shipAfterMs: { min: 400, max: 400 } } })
    await call(warehouse, "/shipment-requests", asked("r-1"))
    await expect.poll(async () => (await read(warehouse, "r-1")).body.status, { interval: 10 }).toBe("picking")
    const refused = [{ lineId: "1", quantityMilli: 2_000, reason: "picked" }]
    expect((await cancel(warehouse, { cancellationId: "c-1" })).body).toEqual({ cancelled: [], refused })
  })

  test("of an unknown request is 404", async () => {
    const { warehouse } = await start()
    expect(await cancel(warehouse, { cancellationId: "c-1" })).toMatchObject({
      status: 404,
      body: { code: "NOT_FOUND" },
    })
  })
})

describe("what is not on the shelf", () => {
  const openingStock = [{ sku: "SKU-1", locationId: "wh-rotterdam", onHandMilli: 3_000, unit: "ea" as const }]

  test("is told as short, and the rest ships", async () => {
    const { warehouse, receiver } = await start({ openingStock, habits: paused })
    for (const id of ["r-1", "r-2"]) {
      await call(warehouse, "/shipment-requests", asked(id))
      await call(warehouse, `/__lab/shipment-requests/${id}/ship`, {})
    }
    expect((await read(warehouse, "r-2")).body).toMatchObject({
      status: "short",
      lines: [{ shippedMilli: 1_000, missingMilli: 1_000 }],
    })
    await warehouse.webhooks()?.idle()
    const short = eventsOf(receiver).filter((event) => event.type === "request.short")
    expect(short).toMatchObject([{ requestId: "r-2", lines: [{ lineId: "1", missingMilli: 1_000 }] }])
  })

  test("counts include what has shipped and not what is still in a box", async () => {
    const { warehouse } = await start({ openingStock, habits: paused })
    await call(warehouse, "/shipment-requests", asked("r-1"))
    await call(warehouse, "/__lab/shipment-requests/r-1/ship", {})
    const count = await call(warehouse, "/__lab/counts", { locationId: "wh-rotterdam" })
    expect(count.body).toMatchObject({
      type: "stock.counted",
      eventCursor: "1",
      lines: [{ sku: "SKU-1", onHandMilli: 1_000 }],
    })
  })

  test("what is cancelled in the middle of the work can be shipped to somebody else", async () => {
    const { warehouse } = await start({
      openingStock,
      habits: { ...quick, splitShare: 1, shipAfterMs: { min: 300, max: 300 } },
    })
    await call(warehouse, "/shipment-requests", asked("r-1", [line("1", { quantityMilli: 3_000 })]))
    await expect.poll(async () => (await read(warehouse, "r-1")).body.status, { interval: 10 }).toBe("picking")
    const { body } = await call(warehouse, "/shipment-requests/r-1/cancellation", { cancellationId: "c-1" })
    const { cancelled } = body as { cancelled: { quantityMilli: number }[] }
    const freedMilli = cancelled[0]?.quantityMilli ?? 0
    expect(freedMilli).toBeGreaterThan(0)
    await call(warehouse, "/shipment-requests", asked("r-2"))
    await call(warehouse, "/__lab/shipment-requests/r-2/ship", {})
    expect((await read(warehouse, "r-2")).body.lines?.[0]?.shippedMilli).toBe(Math.min(2_000, freedMilli))
  })

  test("a SKU that asks for it is never found", async () => {
    const { warehouse } = await start({ habits: paused })
    await call(warehouse, "/shipment-requests", asked("r-1", [line("1", { sku: "SHORT-1" })]))
    await call(warehouse, "/__lab/shipment-requests/r-1/ship", {})
    expect((await read(warehouse, "r-1")).body).toMatchObject({ status: "short", lines: [{ missingMilli: 2_000 }] })
    expect((await call(warehouse, "/events")).body.events).toMatchObject([{ type: "request.short", requestId: "r-1" }])
  })
})

describe("the floor", () => {
  test("works on after a pause", async () => {
    const { warehouse } = await start({ habits: paused })
    await call(warehouse, "/shipment-requests", asked("r-1"))
    await call(warehouse, "/__lab/habits", { isPaused: false }, "PUT")
    await expect.poll(async () => (await read(warehouse, "r-1")).body.status).toBe("shipped")
  })

  test("does the same with a request whatever else it is doing", async () => {
    const shape = async (others: number) => {
      const { warehouse } = await start({ habits: { ...defaultHabits, ...quick, splitShare: 0.5, shortShare: 0.3 } })
      for (let i = 0; i < others; i++) await call(warehouse, "/shipment-requests", asked(`x-${i}`))
      const ids = Array.from({ length: 10 }, (_, index) => `r-${index}`)
      for (const id of ids) await call(warehouse, "/shipment-requests", asked(id, [line("1"), line("2")]))
      const views = async () => Promise.all(ids.map(async (id) => (await read(warehouse, id)).body))
      await expect
        .poll(async () => (await views()).every(({ status }) => status === "shipped" || status === "short"))
        .toBe(true)
      return views()
    }
    expect(await shape(0)).toEqual(await shape(7))
  })
})

describe("faults", () => {
  test("a request whose answer was lost is found by its id and not accepted twice", async () => {
    const { warehouse } = await start({ habits: paused, faults: { commitThenReset: 1 } })
    await expect(call(warehouse, "/shipment-requests", asked("r-1"))).rejects.toThrow()
    expect((await read(warehouse, "r-1")).status).toBe(200)
    warehouse.setFaults({})
    expect((await call(warehouse, "/shipment-requests", asked("r-1"))).status).toBe(409)
  })

  test.each([
    ["rate429", 429, "RATE_LIMITED", 0],
    ["rate5xx", 503, "UNAVAILABLE", 0],
    ["commitThen5xx", 500, "INTERNAL", 1],
  ] as const)("%s answers %i %s and leaves %i requests", async (...[fault, status, code, requests]) => {
    const { warehouse } = await start({ habits: paused, faults: { [fault]: 1 } })
    expect(await call(warehouse, "/shipment-requests", asked("r-1"))).toMatchObject({ status, body: { code } })
    expect(warehouse.books()["shipmentRequests"]).toHaveLength(requests)
  })

  test("what webhooks that were dropped would have told is still in the list, and the drops are known", async () => {
    const { warehouse, receiver } = await start({ faults: { dropWebhook: 1 } })
    await call(warehouse, "/shipment-requests", asked("r-1"))
    await expect.poll(async () => (await call(warehouse, "/events")).body.events?.length).toBe(1)
    expect(receiver.received).toEqual([])
    expect(warehouse.webhooks()?.report().drops).toMatchObject([{ topic: "shipment.shipped" }])
  })

  test("a webhook that is not taken comes again with the same id", async () => {
    const { warehouse, receiver } = await start({ retryScale: 0.001 })
    receiver.answerWith(500)
    await call(warehouse, "/shipment-requests", asked("r-1"))
    await expect.poll(() => receiver.received.length).toBeGreaterThan(0)
    receiver.answerWith(200)
    await expect.poll(() => receiver.received.length).toBeGreaterThan(1)
    expect(new Set(receiver.received.map((delivery) => delivery.headers["webhook-id"])).size).toBe(1)
  })
})
