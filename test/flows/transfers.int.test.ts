import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { plentifulSkus } from "../fixtures/order-flow.ts"

// Goods between two places, and stock that people set right.

let t: TestCrossdock
let [from, to, sku] = ["", "", ""]
/** Tells a second attempt of a test from its first. */
let attempt = 0
beforeEach(() => void (attempt += 1))
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 72,
    lab: quietWarehouse,
    estate: (estate) => ({
      ...estate,
      policies: { ...estate.policies, adjustments: { approveAboveMilli: 5000, approveAboveMinor: 10_000 } },
    }),
  })
  ;[from, to] = t.lab.estate.locations.map(({ locationId }) => locationId) as [string, string]
  sku = plentifulSkus(t, 1)[0] ?? ""
})
afterAll(async () => t?.stop())

async function post(path: string, body: object): Promise<void> {
  const answer = await t.api("POST", path, body)
  expect([answer.status, answer.body]).toEqual([202, expect.anything()])
}

async function onHand(...places: string[]): Promise<number[]> {
  const rows = await t.sql<{ location_id: string; on_hand_milli: number }[]>`
    select location_id, on_hand_milli from stock_positions where sku = ${sku} and location_id = any(${places})`
  return places.map((place) => rows.find(({ location_id }) => location_id === place)?.on_hand_milli ?? 0)
}

const becomes = (what: string, places: string[], wanted: number[]) =>
  eventually(what, async () => String(await onHand(...places)) === String(wanted), {
    withinMs: 30_000,
    seen: async () => ({ onHand: await onHand(...places), wanted }),
  })

async function untilStateOf(kind: string, id: string, state: string): Promise<void> {
  await eventually(
    `${kind} ${id} ${state}`,
    async () => {
      const { status, body } = await t.api("GET", `/v1/objects/${encodeURIComponent(`${kind}/${id}`)}`)
      return status === 200 && (body as Record<string, unknown>)["state"] === state
    },
    {
      withinMs: 30_000,
      seen: async () => (await t.api("GET", `/v1/objects/${encodeURIComponent(`${kind}/${id}`)}`)).body,
    },
  )
}

async function question(cause: string, about: string): Promise<string> {
  const found = await eventually(
    `a question about ${about}`,
    async () => {
      const { body } = await t.api("GET", "/v1/exceptions?state=open&limit=100")
      return body.items?.find((one) => one["cause"] === cause && JSON.stringify(one).includes(about))
    },
    { withinMs: 30_000 },
  )
  return String(found["id"])
}

const decide = async (id: string, action: string) => {
  const { status, body } = await t.api("POST", `/v1/exceptions/${id}/decision`, { action, reason: "a test" })
  expect([status, body]).toEqual([expect.toSatisfy((one: number) => one < 300), expect.anything()])
}

const goods = (pieces: number, more: object = {}) => [{ sku, milli: pieces * 1000, unit: "ea", ...more }]

test("S-67: a transfer is ordered, shipped and received; in between nobody sells it, and what is missing a person decides", async () => {
  const places = [from, `${to}/in-transit`, to, `${to}/damaged`]
  const [a = 0, , b = 0] = await onHand(...places)
  await post("/v1/transfers", {
    transferId: `T-1-${attempt}`,
    fromLocationId: from,
    toLocationId: to,
    lines: goods(10),
  })
  await untilStateOf("transfer", `T-1-${attempt}`, "ordered")
  await post(`/v1/transfers/T-1-${attempt}/shipment`, { fact: "s1", lines: goods(10) })
  await becomes("shipped", places, [a - 10_000, 10_000, b, 0])
  await untilStateOf("transfer", `T-1-${attempt}`, "in transit")
  await post(`/v1/transfers/T-1-${attempt}/receipt`, { fact: "r1", lines: goods(6), isLast: false })
  await becomes("received in part", places, [a - 10_000, 4_000, b + 6_000, 0])
  // The same receipt again changes nothing.
  await post(`/v1/transfers/T-1-${attempt}/receipt`, { fact: "r1", lines: goods(6), isLast: false })
  await post(`/v1/transfers/T-1-${attempt}/receipt`, { fact: "r2", lines: goods(1, { state: "damaged" }) })
  const id = await question("transfer is not complete", `T-1-${attempt}`)
  await untilStateOf("transfer", `T-1-${attempt}`, "needs a person")
  await becomes("three missing", places, [a - 10_000, 3_000, b + 6_000, 1_000])
  await decide(id, "it is lost")
  await becomes("gone", places, [a - 10_000, 0, b + 6_000, 1_000])
  await untilStateOf("transfer", `T-1-${attempt}`, "received")
  // Two of the lost ones turn up: they are there to be sold, and somebody is asked.
  await post(`/v1/transfers/T-1-${attempt}/receipt`, { fact: "r3", lines: goods(2) })
  await becomes("turned up", places, [a - 10_000, -2_000, b + 8_000, 1_000])
  await decide(await question("transfer is not complete", "too many"), "it is lost")
  await becomes("even", places, [a - 10_000, 0, b + 8_000, 1_000])
  await untilStateOf("transfer", `T-1-${attempt}`, "received")
})

test("S-67: what never left goes back to where it was sent from, and no unit is made or lost", async () => {
  const places = [from, `${to}/in-transit`, to]
  const [a = 0, , b = 0] = await onHand(...places)
  await post("/v1/transfers", { transferId: `T-2-${attempt}`, fromLocationId: from, toLocationId: to, lines: goods(5) })
  await post(`/v1/transfers/T-2-${attempt}/shipment`, { fact: "s1", lines: [...goods(2), ...goods(3)] })
  await post(`/v1/transfers/T-2-${attempt}/receipt`, { fact: "r1", lines: goods(3) })
  await decide(await question("transfer is not complete", `T-2-${attempt}`), "it never left")
  await becomes("back", places, [a - 3_000, 0, b + 3_000])
  await untilStateOf("transfer", `T-2-${attempt}`, "received")
})

test("S-67: a warehouse that ships and receives by itself carries the ordered transfer on to its end", async () => {
  const places = [from, `${to}/in-transit`, to]
  const [a = 0, , b = 0] = await onHand(...places)
  await post("/v1/transfers", { transferId: `T-3-${attempt}`, fromLocationId: from, toLocationId: to, lines: goods(2) })
  const moved = { transferId: `T-3-${attempt}`, lines: [{ sku, quantityMilli: 2000, unit: "ea" }] }
  await control(t.lab.warehouse, "movements", {
    ...moved,
    movement: "transfer-shipped",
    locationId: from,
    toLocationId: to,
  })
  await becomes("shipped", places, [a - 2_000, 2_000, b])
  await control(t.lab.warehouse, "movements", { ...moved, movement: "transfer-received", locationId: to })
  await becomes("received", places, [a - 2_000, 0, b + 2_000])
  await untilStateOf("transfer", `T-3-${attempt}`, "received")
})

test("S-67: a small adjustment is booked at once; one above the limit waits for somebody else, and is refused or booked", async () => {
  const [a = 0] = await onHand(from)
  const adjust = (adjustmentId: string, pieces: number, more: object = {}) =>
    post("/v1/stock-adjustments", { adjustmentId, locationId: from, lines: goods(pieces), reason: "found", ...more })
  await adjust(`A-1-${attempt}`, 2)
  await becomes("booked", [from], [a + 2_000])
  await adjust(`A-2-${attempt}`, -6)
  const refused = await question("adjustment needs approval", `adjustment/A-2-${attempt}`)
  await untilStateOf("adjustment", `A-2-${attempt}`, "waits for approval")
  await decide(refused, "refuse the adjustment")
  await untilStateOf("adjustment", `A-2-${attempt}`, "refused")
  await adjust(`A-3-${attempt}`, -1, { worth: { amountMinor: -20_000, currency: "EUR" } })
  const own = await question("adjustment needs approval", `adjustment/A-3-${attempt}`)
  await decide(own, "approve the adjustment")
  // The operator asked for it: it is asked again, and stock stays as it is.
  await eventually(
    "asked again",
    async () => (await question("adjustment needs approval", `adjustment/A-3-${attempt}`)) !== own,
  )
  expect(await onHand(from)).toEqual([a + 2_000])
})
