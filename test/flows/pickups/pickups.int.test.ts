import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { storeDesk } from "../../../src/estate.ts"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../../fixtures/crossdock.ts"
import {
  cancelOrder,
  heldCard,
  openExceptions,
  placeOrder,
  plentifulSkus,
  untilEnded,
  untilException,
  untilState,
} from "../../fixtures/order-flow.ts"
import { lying } from "../../fixtures/shop/returned-order.ts"
import { expectAsAtTheStart, heldMilli, journalItems, mailsTo, payment } from "../../fixtures/vendor-books.ts"

// Goods that a store without a system of its own gets ready: its people say so, and order, stock, money and books follow.

let t: TestCrossdock
let store = ""
let other = ""
let sku = ""
const pickups = {
  readyWithin: { hours: 4 },
  keepFor: { days: 5 },
  putBackWithin: { days: 1 },
  codeKey: "the key of the codes of this test",
  checkIdFrom: [{ amountMinor: 50_000, currency: "EUR" }],
}
let soon: Partial<{ readyWithin: object; keepFor: object; remindAfter: object; putBackWithin: object }> = {}

beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 71,
    lab: quietWarehouse,
    estate: (estate) => {
      ;[store = "", other = ""] = estate.locations.map(({ id }) => id)
      const desk = {
        capability: ["releasesFulfilment", "cancelsReleases"] as const,
        connection: storeDesk,
        location: store,
      }
      return {
        ...estate,
        routes: [desk, ...estate.routes],
        policies: {
          ...estate.policies,
          orders: { ...estate.policies.orders, shipWithin: { seconds: 1 } },
          pickups: { ...pickups, ...soon },
        },
      }
    },
  })
  ;[sku = ""] = plentifulSkus(t, 1)
})
afterAll(() => t?.stop())

interface PickupNow {
  pickupId: string
  state: string
  readyBy: string
  keptUntil?: string
  asksId: boolean
  lines: { lineId: string; toFindMilli: number; toHandOverMilli: number }[]
}

let hostile: { id: string } | undefined
let orders = 0
/** An order of two pieces that a buyer collects at the store, and the request to get them ready. */
async function collected(
  more: { email?: string; totalMinor?: number } = {},
): Promise<{ orderId: string; id: string; paymentId: string }> {
  orders += 1
  const { email = `buyer-${orders}@shop.example`, totalMinor = 4998 } = more
  const method = { method: "pickup" as const, locationId: store }
  const lines = [{ sku, count: 2, totalMinor, method }]
  const card = heldCard(t, totalMinor)
  const orderId = await placeOrder(t, { externalId: `pick-${orders}`, email, lines, tenders: [card] })
  const { pickupId: id } = await eventually("the store is asked", async () => (await pickupsOf(orderId))[0])
  return { orderId, id, paymentId: card.reference ?? "" }
}

async function pickupsOf(orderId: string): Promise<PickupNow[]> {
  const { body } = await t.api("GET", `/v1/pickups?order=${orderId}`)
  return body["items"] as unknown as PickupNow[]
}

async function pickup(id: string): Promise<PickupNow> {
  const { status, body } = await t.api("GET", `/v1/pickups/${id}`)
  expect(status).toBe(200)
  return body as unknown as PickupNow
}

async function untilPickup(id: string, state: string): Promise<void> {
  await eventually(
    `the pickup is ${state}`,
    async () => {
      const { body } = await t.api("GET", `/v1/pickups?limit=200`)
      const listed = (body["items"] as unknown as PickupNow[]).find(({ pickupId }) => pickupId === id)
      return listed?.state === state || undefined
    },
    { seen: () => pickup(id) },
  )
}

const say = (id: string, what: string, body: object) => t.api("POST", `/v1/pickups/${id}/${what}`, body)
const pieces = (count: number) => [{ lineId: "L1", quantity: { milli: count * 1000, unit: "ea" } }]

async function found(id: string, count = 2): Promise<void> {
  expect((await say(id, "pick", { id: `found ${count}`, found: pieces(count) })).status).toBe(202)
}

/** The code that the buyer was written. */
async function codeFor(email: string): Promise<string> {
  return eventually("the buyer is told the code", async () => {
    const mails = Object.values(t.lab.mail.books()).flat() as { recipients?: unknown; text?: string; raw?: string }[]
    const own = mails.filter((mail) => JSON.stringify(mail).includes(email)).map((mail) => JSON.stringify(mail))
    return Promise.resolve(own.map((text) => /the code ([2-9A-Z]{6})/.exec(text)?.[1]).find((code) => code))
  })
}

describe("goods that a buyer collects at a store", () => {
  test("are asked for at once, with a time, and at no warehouse", async () => {
    const { orderId, id } = await collected()
    expect(await untilState(t, orderId, "released")).toBeTruthy()
    const now = await pickup(id)
    expect(now).toMatchObject({ state: "requested", lines: [{ lineId: "L1", toFindMilli: 2000 }] })
    expect(Date.parse(now.readyBy)).toBeGreaterThan(Date.now())
    expect(JSON.stringify(t.lab.warehouse.books())).not.toContain(orderId)
  })

  test("are complete only when they are handed over: stock, money and books follow, and the buyer has them", async () => {
    const email = "handed@shop.example"
    const before = await lying(t, sku)
    const { orderId, id, paymentId } = await collected({ email })
    await say(id, "accept", { id: "a" })
    await found(id)
    await untilPickup(id, "ready")
    expect(await untilState(t, orderId, "released")).toBeTruthy()
    expect(payment(t, paymentId)).toMatchObject({ amount_received: 0 })
    const code = await codeFor(email)
    const wrong = await say(id, "hand-over", { id: "h", code: "AAAAAA" })
    expect([wrong.status, JSON.stringify(wrong.body)]).toEqual([422, expect.stringContaining("/code")])
    expect((await say(id, "hand-over", { id: "h" })).status).toBe(422)
    const handed = { id: "h", code: code.toLowerCase(), proof: "code" }
    expect((await say(id, "hand-over", handed)).status).toBe(202)
    // The answer may have been lost, so it is said again.
    expect((await say(id, "hand-over", handed)).status).toBe(202)
    expect(await untilEnded(t, orderId)).toBe("done")
    await untilPickup(id, "handed over")
    expect(payment(t, paymentId)).toMatchObject({ amount_received: 4998 })
    expect(journalItems(t, orderId).length).toBeGreaterThan(0)
    expect((await lying(t, sku))[store]).toBe((before[store] ?? 0) - 2000)
    expect(await heldMilli(t, orderId)).toBe(0)
    // Of the handover the buyer needs no mail.
    expect(mailsTo(t, email)).toEqual([expect.stringContaining("is ready to be collected")])
    await eventually("it is delivered", async () => {
      const told = await t.sql`select from events where type = 'shipment.delivered' and key = ${`order/${orderId}`}`
      return told.length === 1 || undefined
    })
  })

  test("that wait for their buyer are not told of as late", async () => {
    const { orderId, id } = await collected()
    await found(id)
    await untilPickup(id, "ready")
    // Longer than any other order may wait here.
    await sleep(2500)
    expect(await openExceptions(t, orderId)).toEqual([])
  })

  test("of a high amount are handed over to whoever shows a document, code or not", async () => {
    const email = "dear@shop.example"
    const { id } = await collected({ email, totalMinor: 60_000 })
    await found(id)
    await untilPickup(id, "ready")
    expect((await pickup(id)).asksId).toBe(true)
    const code = await codeFor(email)
    const refused = await say(id, "hand-over", { id: "h", code })
    expect([refused.status, JSON.stringify(refused.body)]).toEqual([422, expect.stringContaining("/proof")])
    expect((await say(id, "hand-over", { id: "h", proof: "identity document" })).status).toBe(202)
    await untilPickup(id, "handed over")
  })

  test("are kept from who guesses their code: after three wrong ones each has to wait, and a document will do", async () => {
    const email = "guessed@shop.example"
    const { id } = await collected({ email })
    await found(id)
    await untilPickup(id, "ready")
    const code = await codeFor(email)
    for (const wrong of ["AAAAAA", "AAAAAB", "AAAAAC"])
      expect((await say(id, "hand-over", { id: "h", code: wrong })).status).toBe(422)
    // While it waits, the right one is not looked at.
    const right = await say(id, "hand-over", { id: "h", code })
    expect([right.status, JSON.stringify(right.body)]).toEqual([429, expect.stringContaining("too many wrong codes")])
    const document = { id: "h", proof: "identity document" }
    expect((await say(id, "hand-over", document)).status).toBe(202)
    await untilPickup(id, "handed over")
    expect((await say(id, "hand-over", document)).status).toBe(202)
  })

  test("are not handed over without proof by somebody else who uses the id of an earlier report", async () => {
    const { id } = await collected()
    await found(id)
    const part = { id: "h", lines: pieces(1), proof: "identity document" }
    expect((await say(id, "hand-over", part)).status).toBe(202)
    const { consumers, access } = t.crossdock
    await consumers.put({ id: "kiosk", name: "kiosk", owner: "tests", scopes: ["*"], apiVersion: "2026-11-01" })
    const { key } = await consumers.addKey("kiosk")
    await access.refresh()
    const other = await fetch(`${t.gatewayUrl}/v1/pickups/${id}/hand-over`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ id: "h" }),
    })
    expect([other.status, await other.text()]).toEqual([422, expect.stringContaining("/code")])
    // The same sender, with other content under the same id, is told so; with the same content it is a repeat.
    const again = await say(id, "hand-over", { ...part, lines: pieces(2) })
    expect([again.status, JSON.stringify(again.body)]).toEqual([409, expect.stringContaining("/lines")])
    expect((await say(id, "hand-over", part)).status).toBe(202)
    expect((await pickup(id)).lines).toMatchObject([{ toHandOverMilli: 1000 }])
  })

  test("of two reports at once under one id the first counts, and the other is told", async () => {
    const { id } = await collected()
    const both = await Promise.all([1, 2, 1, 2].map((n) => say(id, "pick", { id: "twin", found: pieces(n) })))
    const told = both.map(({ status }) => status).toSorted()
    expect(told.filter((status) => status === 202).length).toBeGreaterThan(0)
    expect(told.every((status) => [202, 409, 422].includes(status))).toBe(true)
    const [line] = (await pickup(id)).lines
    expect([0, 1000]).toContain(line?.toFindMilli)
  })

  const one = (milli: number, more: { unit?: string; lineId?: string } = {}) => {
    const { unit = "ea", lineId = "L1" } = more
    return [{ lineId, quantity: { milli, unit } }]
  }
  test.each([
    {
      of: "a line that it does not have",
      name: "pick",
      body: { found: one(1, { lineId: "L9" }) },
      at: "/found/0/lineId",
    },
    { of: "another unit", name: "pick", body: { found: one(1, { unit: "kg" }) }, at: "/found/0/quantity/unit" },
    { of: "nothing", name: "pick", body: { missing: one(0) }, at: "/missing/0/quantity/milli" },
    { of: "less than nothing", name: "pick", body: { found: one(-1000) }, at: "/found/0" },
    { of: "a line twice, together too much", name: "pick", body: { found: [...pieces(2), ...one(1)] }, at: "/found/1" },
    {
      of: "more than there is in two ways",
      name: "pick",
      body: { found: pieces(2), missing: one(1) },
      at: "/missing/0",
    },
    { of: "neither", name: "pick", body: {}, at: "found" },
    { of: "a wait before it is ready", name: "keep-longer", body: { until: "2099-01-01T00:00:00Z" }, at: "not ready" },
    { of: "what is not ready", name: "hand-over", body: { proof: "identity document" }, at: "nothing of it" },
    { of: "what nobody left", name: "put-back", body: {}, at: "nothing of it" },
  ])("a report of $of changes nothing and says where the fault is", async ({ name, body, at }) => {
    hostile ??= await collected()
    const answer = await say(hostile.id, name, { id: "x", ...body })
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([422, expect.stringContaining(at)])
    expect(await pickup(hostile.id)).toMatchObject({ state: "requested", lines: [{ toFindMilli: 2000 }] })
  })

  test("are kept longer until a moment to come, within a year", async () => {
    const { id } = await collected()
    await found(id)
    await untilPickup(id, "ready")
    await eventually("it is kept", async () => (await pickup(id)).keptUntil)
    for (const until of ["2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "2026-02-30T00:00:00Z"]) {
      const answer = await say(id, "keep-longer", { id: `u ${until}`, until })
      expect([until, answer.status]).toEqual([until, 422])
    }
    const until = new Date(Date.now() + 10 * 86_400_000).toISOString()
    expect((await say(id, "keep-longer", { id: "u", until })).status).toBe(202)
    expect((await pickup(id)).keptUntil).toBe(until)
  })

  test("STORES-25 that the store rejects are looked for elsewhere", async () => {
    const { orderId, id } = await collected()
    expect((await say(id, "reject", { id: "r", reason: "the store is closed today" })).status).toBe(202)
    await untilPickup(id, "not there")
    await eventually("somebody else is asked, or people are", async () => {
      const cases = await openExceptions(t, orderId)
      const asked = await pickupsOf(orderId)
      return (
        cases.length > 0 || asked.length > 1 || JSON.stringify(t.lab.warehouse.books()).includes(orderId) || undefined
      )
    })
    expect((await say(id, "reject", { id: "r2", reason: "again" })).status).toBe(422)
  })

  test("of which one is missing are ready with the other, and the order hears of the one", async () => {
    const { orderId, id } = await collected()
    await found(id, 1)
    const tooMany = await say(id, "pick", { id: "m", missing: pieces(2) })
    expect([tooMany.status, JSON.stringify(tooMany.body)]).toEqual([422, expect.stringContaining("1 to be found")])
    expect((await say(id, "pick", { id: "m", missing: pieces(1), reason: "damaged" })).status).toBe(202)
    await untilPickup(id, "ready")
    await untilException(t, orderId, "location is short")
    expect((await say(id, "hand-over", { id: "h", proof: "identity document" })).status).toBe(202)
    await untilState(t, orderId, "partly shipped")
  })

  test("of an order that is cancelled are put back, and the order ends as if it had never been", async () => {
    const { orderId, id, paymentId } = await collected()
    await found(id)
    await untilPickup(id, "ready")
    await cancelOrder(t, orderId)
    await untilPickup(id, "to put back")
    const refused = await say(id, "hand-over", { id: "h", proof: "identity document" })
    expect([refused.status, JSON.stringify(refused.body)]).toEqual([422, expect.stringContaining("nothing of it")])
    expect((await say(id, "put-back", { id: "p" })).status).toBe(202)
    await untilPickup(id, "put back")
    await untilState(t, orderId, "cancelled")
    await expectAsAtTheStart(t, { orderId, paymentId })
  })

  test.each([1, 2, 3, 4, 5, 6])(
    "that are handed over while the order is cancelled end in one way: taken and paid, or put back and not paid (%i)",
    async () => {
      const { orderId, id, paymentId } = await collected()
      await found(id)
      await untilPickup(id, "ready")
      // Both at once: the log decides which was first.
      const [handed] = await Promise.all([
        say(id, "hand-over", { id: "h", proof: "identity document" }),
        cancelOrder(t, orderId),
      ])
      expect([202, 422]).toContain(handed.status)
      await eventually("the pickup is at one end", async () =>
        ["handed over", "to put back"].includes((await pickup(id)).state),
      )
      const isTaken = (await pickup(id)).state === "handed over"
      if (!isTaken) await say(id, "put-back", { id: "p" })
      await untilState(t, orderId, isTaken ? ["shipped", "closed"] : ["cancelled"])
      await untilEnded(t, orderId)
      expect(payment(t, paymentId)).toMatchObject({ amount_received: isTaken ? 4998 : 0 })
      expect(await heldMilli(t, orderId)).toBe(0)
    },
  )

  test("are seen and told of by the people of their store only", async () => {
    const { id } = await collected()
    await t.api("PUT", "/v1/people/elsewhere", { fullName: "Else", roles: ["operator"], stores: [other] })
    const { body } = await t.api("POST", "/v1/people/elsewhere/link")
    const headers = { "crossdock-console": "1", "content-type": "application/json" }
    const session = { method: "POST", headers, body: JSON.stringify({ token: body["token"] }) }
    const cookie = (await fetch(`${t.gatewayUrl}/v1/session`, session)).headers.get("set-cookie")?.split(";")[0] ?? ""
    const call = async (path: string) => (await fetch(t.gatewayUrl + path, { headers: { ...headers, cookie } })).status
    expect(await call(`/v1/pickups/${id}`)).toBe(404)
    expect(await call(`/v1/pickups?location=${store}`)).toBe(403)
    expect(await call("/v1/pickups")).toBe(403)
    expect(await call(`/v1/pickups?location=${other}`)).toBe(200)
  })

  test("that are listed are what the log says, also when the list is made anew", async () => {
    const listed = async () => (await t.api("GET", "/v1/pickups?limit=200")).body["items"]
    const before = await listed()
    await t.sql`delete from pickups`
    await t.sql`update subscriptions set xid = '0', seq = 0 where name = 'list of pickups'`
    await t.restart()
    await eventually("the list is as it was", async () => {
      return JSON.stringify(await listed()) === JSON.stringify(before) || undefined
    })
  })
})

describe("goods that nobody collects", () => {
  test("are told of, put back and given back in money", async () => {
    soon = {
      readyWithin: { seconds: 1 },
      remindAfter: { seconds: 1 },
      keepFor: { seconds: 3 },
      putBackWithin: { seconds: 1 },
    }
    await t.restart()
    const email = "absent@shop.example"
    const { orderId, id, paymentId } = await collected({ email })
    const late = async (cause: string) => {
      const rows =
        await t.sql`select from exceptions where about = ${`pickup/${id}`} and cause = ${cause} and state = 'open'`
      return rows.length > 0 || undefined
    }
    await eventually("the store is told that it is late", () => late("pickup is late"))
    await found(id)
    await untilPickup(id, "to put back")
    expect(mailsTo(t, email)).toEqual(
      expect.arrayContaining([
        expect.stringContaining("is ready to be collected"),
        expect.stringContaining("waiting for you"),
      ]),
    )
    await eventually("the store is told to put it back", () => late("goods were not put back"))
    expect(payment(t, paymentId)).toMatchObject({ status: "requires_capture" })
    expect((await say(id, "put-back", { id: "p" })).status).toBe(202)
    await untilPickup(id, "put back")
    await untilState(t, orderId, "cancelled")
    await expectAsAtTheStart(t, { orderId, paymentId })
    const open = await t.sql`select from exceptions where about = ${`pickup/${id}`} and state = 'open'`
    expect(open).toHaveLength(0)
  })
})
