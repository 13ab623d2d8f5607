import { afterAll, beforeAll, expect, test } from "vitest"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { placeOrder, plentifulSkus, untilState } from "../fixtures/order-flow.ts"
import { salesOrders } from "../fixtures/vendor-books.ts"

let t: TestCrossdock
let sku = ""
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 13,
    estate: (estate) => {
      const soon = { enter: { awayFor: { ms: 500 } }, leave: { answersFor: { ms: 200 } } }
      const modes = (estate.policies.modes ?? []).map((mode) => ({ ...mode, ...soon }))
      return { ...estate, policies: { ...estate.policies, modes } }
    },
  })
  ;[sku = ""] = plentifulSkus(t, 1)
})
afterAll(async () => t?.stop())

const path = `/v1/modes/${encodeURIComponent("ERP down")}`
const mode = async () => (await t.api("GET", path)).body
const place = (externalId: string) =>
  placeOrder(t, {
    externalId,
    placedAt: new Date().toISOString(),
    lines: [{ sku, count: 1, totalMinor: 1000 }],
    tenders: [],
  })
const untilMode = (state: string) =>
  eventually(`the mode is ${state}`, async () => ((await mode())["state"] === state ? true : undefined), {
    withinMs: 60_000,
  })

test("X-13 while the ERP is away orders are accepted and said to wait; afterwards all are booked once, and the report accounts for each", async () => {
  expect(await mode()).toMatchObject({ state: "normal", waiting: 0 })
  t.lab.sap.setFaults({ outage: true })
  // What these meet shows that the ERP is away.
  const ids: string[] = []
  for (let n = 0; n < 6; n += 1) ids.push(await place(`mode-first-${n}`))
  await untilMode("entered")
  for (let n = 0; n < 12; n += 1) ids.push(await place(`mode-${n}`))
  for (const id of ids) await untilState(t, id, "waiting for the books")
  await eventually("all wait", async () => (await mode())["waiting"] === ids.length, { withinMs: 60_000 })
  await eventually("the watch has seen them", async () => {
    const { episodes } = (await mode()) as unknown as { episodes: { mostWaiting: number }[] }
    return episodes[0]?.mostWaiting === ids.length
  })
  expect(await mode()).toMatchObject({
    because: expect.stringContaining("sap has given no answer") as string,
    defers: expect.arrayContaining(["booking of orders"]) as string[],
    buyersAreTold: { de: expect.stringContaining("Bestellung") as string },
    runbooks: ["it", "store"],
  })
  expect((await t.api("GET", `${path}/runbooks/store`)).body["text"]).toContain("Sell as usual")
  // Orders of the absence and of the way back.
  t.lab.sap.setFaults({})
  for (const id of ids) await untilState(t, id, "closed")
  await untilMode("normal")
  expect(
    salesOrders(t)
      .map(({ reference }) => reference)
      .toSorted(),
  ).toEqual([...ids].toSorted())
  const { episodes } = (await mode()) as unknown as { episodes: unknown }
  const [episode] = episodes as {
    mostWaiting: number
    report: { orders: { accepted: number; money: object[]; ended: number; unaccounted: number } }
  }[]
  const { accepted = 0, money, ended, unaccounted } = episode?.report.orders ?? {}
  expect(accepted).toBeGreaterThanOrEqual(12)
  expect(money).toEqual([{ amountMinor: accepted * 1000, currency: "EUR" }])
  expect([ended, unaccounted]).toEqual([accepted, 0])
  expect(episode?.mostWaiting).toBe(ids.length)
  const told = await t.sql<{ state: string }[]>`
    select data ->> 'state' as state from events where type = 'mode.state-changed' and key = 'mode/ERP down' order by xid, seq`
  expect(told.map(({ state }) => state)).toEqual(["entered", "draining", "left"])
}, 180_000)

test("X-13 a person who expects an absence enters the mode: nothing calls the system until somebody leaves it", async () => {
  expect((await t.api("POST", `${path}/enter`, { reason: "maintenance" })).body).toMatchObject({ state: "entered" })
  expect((await t.api("GET", "/v1/buyer-notices")).body.items).toHaveLength(1)
  const id = await place("planned-1")
  await untilState(t, id, "waiting for the books")
  expect((await t.api("GET", "/v1/connections/sap")).body).toMatchObject({ isPaused: true })
  expect((await t.api("POST", `${path}/leave`, { reason: "it is back" })).status).toBe(200)
  await untilState(t, id, "closed")
  await untilMode("normal")
  expect((await t.api("GET", "/v1/modes/nothing")).status).toBe(404)
  expect((await t.api("POST", `${path}/enter`, {})).status).toBe(422)
}, 120_000)
