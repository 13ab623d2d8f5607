import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { placeOrder, plentifulSkus, untilState } from "../fixtures/order-flow.ts"
import { shipmentRequests } from "../fixtures/vendor-books.ts"

// What the people of a store do: see what they have to send, say what they do not find, count what lies there.

let t: TestCrossdock
let sku: string
let place: string
let orderId: string
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 93, lab: quietWarehouse })
  ;[sku = ""] = plentifulSkus(t, 1)
  orderId = await placeOrder(t, { externalId: "store-1", lines: [{ sku, count: 2, totalMinor: 4998 }] })
  await untilState(t, orderId, "released")
  place = shipmentRequests(t, orderId)[0]?.locationId ?? ""
})
afterAll(() => t?.stop())

/** The API as a person of some stores. */
async function personOf(name: string, stores?: string[], role = "operator") {
  await t.api("PUT", `/v1/people/${name}`, { fullName: name, roles: [role], ...(stores ? { stores } : {}) })
  const { body } = await t.api("POST", `/v1/people/${name}/link`)
  const headers = { "crossdock-console": "1", "content-type": "application/json" }
  const signedIn = await fetch(`${t.gatewayUrl}/v1/session`, {
    method: "POST",
    headers,
    body: JSON.stringify({ token: body["token"] }),
  })
  const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? ""
  return async (method: string, path: string, sent?: unknown) => {
    const answer = await fetch(t.gatewayUrl + path, {
      method,
      headers: { ...headers, cookie },
      ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, never> }
  }
}

const items = ({ body }: { body: Record<string, never> }) => body["items"] as unknown as Record<string, unknown>[]

describe("a person of one store", () => {
  test("sees what it has to send, and the reservation behind it; not another store's", async () => {
    const call = await personOf("own-store", [place])
    expect((await call("GET", "/v1/me")).body).toMatchObject({ stores: [place] })
    expect(items(await call("GET", "/v1/locations")).map(({ id }) => id)).toEqual([place])
    const { body } = await call("GET", `/v1/locations/${place}/work`)
    expect(body["orders"]).toContainEqual({
      orderId,
      number: "#store-1",
      state: "released",
      since: expect.any(String) as string,
      channel: "till",
      reservedAt: expect.any(String) as string,
      lines: [{ sku, heldMilli: 2000 }],
      exceptions: 0,
    })
    const held = items(await call("GET", `/v1/reservations?sku=${sku}&location=${place}`))
    expect(held).toContainEqual(expect.objectContaining({ orderId, heldMilli: 2000, kind: "hard" }))
    const other = t.lab.estate.locations.find(({ locationId }) => locationId !== place)?.locationId ?? ""
    for (const path of [
      `/v1/locations/${other}/work`,
      `/v1/reservations?location=${other}`,
      // Of all places.
      `/v1/reservations?sku=${sku}`,
      `/v1/stock-movements?sku=${sku}&location=${other}`,
    ])
      expect((await call("GET", path)).status).toBe(403)
    const count = { fact: "c-1", sku, countedMilli: 1000 }
    expect((await call("POST", `/v1/locations/${other}/counts`, count)).status).toBe(403)
    const gap = { id: "g-0", locationId: other, lines: [{ lineId: "L1", quantity: { milli: 1000, unit: "ea" } }] }
    expect((await call("POST", `/v1/orders/${orderId}/shortages`, gap)).status).toBe(403)
  })

  test("counts what lies there once, and the ledger says why the number is what it is", async () => {
    const call = await personOf("counts", [place])
    const before = items(await call("GET", `/v1/availability?sku=${sku}&location=${place}`))[0] ?? {}
    const countedMilli = Number(before["onHandMilli"]) - 3000
    const count = { fact: "c-2", sku, countedMilli, reason: "the shelf has three less" }
    const booked = { applied: true, deltaMilli: -3000, onHandMilli: countedMilli }
    expect((await call("POST", `/v1/locations/${place}/counts`, count)).body).toMatchObject(booked)
    const repeat = (await call("POST", `/v1/locations/${place}/counts`, count)).body
    expect(repeat).toEqual({ fact: "c-2", applied: false, duplicate: true })
    const after = items(await call("GET", `/v1/availability?sku=${sku}&location=${place}`))[0]
    expect(after).toMatchObject({ onHandMilli: countedMilli })
    const [last] = items(await call("GET", `/v1/stock-movements?sku=${sku}&location=${place}`))
    expect(last).toMatchObject({ kind: "count", deltaMilli: -3000, reason: "the shelf has three less" })
  })

  test("corrects a number whose answer was lost: the last one counts, and a number that is none is refused", async () => {
    const call = await personOf("corrects", [place])
    const path = `/v1/locations/${place}/counts`
    await call("POST", path, { fact: "c-3", sku, countedMilli: 12_000 })
    await call("POST", path, { fact: "c-3", sku, countedMilli: 21_000 })
    const [now] = items(await call("GET", `/v1/availability?sku=${sku}&location=${place}`))
    expect(now).toMatchObject({ onHandMilli: 21_000 })
    for (const countedMilli of [-1000, 0.5, "3", null, 1e15])
      expect((await call("POST", path, { fact: "c-4", sku, countedMilli })).status).toBe(422)
    const empty = await call("POST", path, { fact: "c-5", sku, countedMilli: 0 })
    expect(empty.body).toMatchObject({ applied: true, onHandMilli: 0, shortMilli: 2000 })
    await call("POST", path, { fact: "c-6", sku, countedMilli: 21_000 })
  })

  test("who books stock for one store books none of another's, also not by a transfer", async () => {
    const call = await personOf("books", [place], "engineer")
    const other = t.lab.estate.locations.find(({ locationId }) => locationId !== place)?.locationId ?? ""
    const movement = { fact: "b-1", kind: "receipt", sku, locationId: place, milli: 1000 }
    const book = async (more: object) =>
      (await call("POST", "/v1/stock-movements", { movements: [{ ...movement, ...more }] })).status
    expect(await book({ locationId: other })).toBe(403)
    expect(await book({ kind: "transfer", toLocationId: other })).toBe(403)
    expect(await book({})).toBe(200)
  })

  test("says what it cannot find, and the order is sought elsewhere", async () => {
    const call = await personOf("cannot-find", [place])
    const report = { id: "g-1", locationId: place, lines: [{ lineId: "L1", quantity: { milli: 2000, unit: "ea" } }] }
    expect((await call("POST", `/v1/orders/${orderId}/shortages`, report)).status).toBe(202)
    await eventually("another place, or a question", async () => {
      const { body } = await call("GET", `/v1/locations/${place}/work`)
      const left = body["orders"] as unknown as { orderId: string }[]
      return left.every((one) => one.orderId !== orderId) || undefined
    })
  })

  test("who is limited to no store sees all of them, and pages through what is reserved", async () => {
    const call = await personOf("everywhere")
    expect(items(await call("GET", "/v1/locations")).length).toBeGreaterThan(3)
    const more = await Promise.all(
      [1, 2, 3].map((n) => placeOrder(t, { externalId: `page-${n}`, lines: [{ sku, count: 1, totalMinor: 2499 }] })),
    )
    for (const id of more) await untilState(t, id, "released")
    const seen: unknown[] = []
    let cursor: string | undefined
    do {
      const page = await call("GET", `/v1/reservations?sku=${sku}&limit=1${cursor ? `&cursor=${cursor}` : ""}`)
      seen.push(...items(page).map((line) => line["orderId"]))
      cursor = page.body["cursor"]
    } while (cursor !== undefined)
    expect(seen).toEqual(expect.arrayContaining(more))
    expect(new Set(seen).size).toBe(seen.length)
    expect((await call("GET", "/v1/reservations")).status).toBe(422)
    expect((await call("GET", "/v1/reservations?sku=X&cursor=bm9uZQ")).status).toBe(422)
  })
})
