import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest"
import { startEdge, type EdgeAgent } from "../../../src/edge/agent.ts"
import { storeDesk } from "../../../src/estate.ts"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../../fixtures/crossdock.ts"
import { heldCard, placeOrder, plentifulSkus } from "../../fixtures/order-flow.ts"
import { startEdgeProcess, storeKey } from "../../fixtures/sales/edge.ts"
import { startLine, type Line } from "../../fixtures/sales/line.ts"
import { saleReceipt } from "../../fixtures/sales/receipts.ts"

// What a store has of the centre while its line is cut: a real agent, a real centre, a line between them.

let t: TestCrossdock
let [storeId, otherStore] = ["", ""]
let key = ""
let line: Line
let folder = ""
let made = 0
const agents: EdgeAgent[] = []
const processes: { kill(): Promise<void> }[] = []

beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 95,
    lab: quietWarehouse,
    estate: (estate) => {
      ;[storeId = "", otherStore = ""] = estate.locations.filter(({ kind }) => kind === "store").map(({ id }) => id)
      const desk = {
        capability: ["releasesFulfilment", "cancelsReleases"] as const,
        connection: storeDesk,
        location: storeId,
      }
      const pickups = {
        readyWithin: { hours: 4 },
        keepFor: { days: 5 },
        putBackWithin: { days: 1 },
        codeKey: "the key of the codes of this test",
      }
      return { ...estate, routes: [desk, ...estate.routes], policies: { ...estate.policies, pickups } }
    },
  })
  key = await storeKey(t, storeId)
  line = await startLine(t.gatewayUrl)
}, 120_000)
afterAll(async () => {
  await line?.close()
  await t?.stop()
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "crossdock-edge-"))
  line.mode = "on"
})
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop()
  for (const edge of processes.splice(0)) await edge.kill()
  rmSync(folder, { recursive: true, force: true })
})

async function start(): Promise<EdgeAgent> {
  const snapshot = { everyMs: 3_600_000, staleAfterMs: 60_000 }
  const where = { storeId, centreUrl: line.url, key, dataFolder: folder, port: 0, timeZone: "Europe/Amsterdam" }
  const agent = await startEdge({ ...where, reserveBytes: 0, snapshot }, { firstWaitMs: 20 })
  agents.push(agent)
  return agent
}
async function stop(agent: EdgeAgent): Promise<void> {
  agents.splice(agents.indexOf(agent), 1)
  await agent.stop()
}
const isThere = (agent: EdgeAgent) =>
  eventually("everything was read once", () => agent.status().snapshot.isThere, {
    withinMs: 60_000,
    seen: async () => agent.status().snapshot,
  })

interface Asked {
  status: number
  sku: string
  asOf: string
  ageSeconds: number
  isStale: boolean
  price?: { record: string; amount: { amountMinor: number } }
  changesAt?: string
  article: Record<string, unknown>
  promotions: { promotionId: string }[]
  onHandMilli: number
  availableMilli: number
  reservedMilli: number
  soldSinceMilli: number
  items: { pickupId: string; number: string; buyer?: string; lines: { toFindMilli: number }[]; codeHash?: string }[]
  isCode?: boolean
}
async function ask({ url }: { url: string }, path: string, body?: object): Promise<Asked> {
  const init = body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }
  const answer = await fetch(url + path, init)
  return { ...((await answer.json()) as Asked), status: answer.status }
}

const newSku = () => `SHELF-${(made += 1)}`
const hours = (count: number) => new Date(Date.now() + count * 3_600_000).toISOString()
const price = (amountMinor: number, more: object = {}) => ({
  type: "base",
  amount: { amountMinor, currency: "EUR" },
  taxBasis: "inclusive",
  scope: {},
  validity: {},
  ...more,
})
/** Prices are derived from the log: what was written is there once the reader has it. */
async function putPrices(rows: { sku: string; record: string; price?: object; ended?: true }[]): Promise<void> {
  const { body } = await t.api("PUT", "/v1/prices", { prices: rows })
  expect((body as unknown as { results: { outcome: string }[] }).results.map(({ outcome }) => outcome)).toEqual(
    rows.map(() => "accepted"),
  )
}
async function putProduct(sku: string, changes: object[] = [{ field: "title", set: sku }]): Promise<void> {
  const { body } = await t.api("PUT", `/v1/products/${sku}`, { changes })
  expect(body).toMatchObject({ outcome: "accepted" })
}
async function move(movement: object): Promise<void> {
  made += 1
  const whole = { fact: `shelf:${made}`, locationId: storeId, occurredAt: new Date().toISOString(), ...movement }
  const { status, body } = await t.api("POST", "/v1/stock-movements", { movements: [whole] })
  expect([status, JSON.stringify(body)]).toEqual([200, expect.stringContaining('"applied":true')])
}
let sequence = 0
async function sell({ url }: { url: string }, sku: string): Promise<void> {
  const receipt = saleReceipt({
    storeId,
    tillId: "3",
    sequence: (sequence += 1),
    sku,
    endedAt: new Date().toISOString(),
  })
  const answer = await fetch(`${url}/sales`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(receipt),
  })
  expect(answer.status).toBe(200)
}
const onHand = async (sku: string) => {
  const [row] = await t.sql<{ milli: number }[]>`
    select on_hand_milli as milli from stock_positions where sku = ${sku} and location_id = ${storeId}`
  return row?.milli ?? 0
}
/** What the reader of the catalogue has not read yet is nobody's price. */
const untilPriced = (agent: EdgeAgent, sku: string, record: string | undefined) =>
  eventually(
    `${sku} costs what ${record} says`,
    async () => {
      await agent.follow()
      const { price: found } = await ask(agent, `/prices?sku=${sku}`)
      return found?.record === record
    },
    { withinMs: 30_000, seen: () => ask(agent, `/prices?sku=${sku}`) },
  )

test("a price that begins at midnight is right after midnight although the line is cut since, and one of another store never comes", async () => {
  const sku = newSku()
  await putProduct(sku, [
    { field: "title", set: "Shirt" },
    { field: "gtins", set: [{ gtin: "04006381333931", unit: "ea" }] },
  ])
  await putPrices([
    { sku, record: `${sku}-base`, price: price(1999) },
    {
      sku,
      record: `${sku}-night`,
      price: price(1799, { type: "sale", validity: { from: hours(5), until: hours(29) } }),
    },
    { sku, record: `${sku}-other`, price: price(1500, { scope: { location: otherStore }, rank: 9 }) },
    { sku, record: `${sku}-cost`, price: price(700, { type: "cost" }) },
  ])
  const agent = await start()
  await isThere(agent)
  await untilPriced(agent, sku, `${sku}-base`)
  line.mode = "off"
  const at = (count: number) => ask(agent, `/prices?sku=${sku}&at=${hours(count)}`)
  expect(await at(0)).toMatchObject({
    status: 200,
    isStale: false,
    price: { record: `${sku}-base` },
    article: { title: "Shirt" },
  })
  expect((await at(0)).changesAt).toBeTruthy()
  expect((await at(6)).price).toMatchObject({ record: `${sku}-night`, amount: { amountMinor: 1799 } })
  expect((await at(30)).price?.record).toBe(`${sku}-base`)
  expect((await ask(agent, "/prices?sku=04006381333931")).sku).toBe(sku)
  const kept =
    readFileSync(join(folder, "snapshot.db")).toString("latin1") +
    readFileSync(join(folder, "snapshot.db-wal")).toString("latin1")
  expect([kept.includes(`${sku}-night`), kept.includes(`${sku}-other`), kept.includes(`${sku}-cost`)]).toEqual([
    true,
    false,
    false,
  ])
  expect((await ask(agent, "/prices?sku=NOBODYS")).status).toBe(404)
  const { status, ...problem } = await ask(agent, "/prices?at=yesterday&milli=none")
  expect(status).toBe(422)
  expect(JSON.stringify(problem)).toMatch(/(?=.*\/sku)(?=.*\/at)(?=.*\/milli)/s)
  line.mode = "on"
  await putPrices([{ sku, record: `${sku}-base`, ended: true }])
  await untilPriced(agent, sku, undefined)
}, 120_000)

test("what the store sells is off the stock it tells, once, before and after the centre has booked it", async () => {
  const sku = newSku()
  await move({ kind: "receipt", sku, milli: 10_000 })
  const agent = await start()
  await isThere(agent)
  const told = async () => (await ask(agent, `/stock?sku=${sku}`)).onHandMilli
  expect(await told()).toBe(10_000)
  line.mode = "off"
  await sell(agent, sku)
  await sell(agent, sku)
  expect(await told()).toBe(8000)
  line.mode = "on"
  await eventually("all is sent", () => agent.status().outstanding === 0, { withinMs: 30_000 })
  await eventually("all is booked", async () => (await onHand(sku)) === 8000, { withinMs: 30_000 })
  expect(await told()).toBe(8000)
  await agent.follow()
  expect(await ask(agent, `/stock?sku=${sku}`)).toMatchObject({ onHandMilli: 8000, soldSinceMilli: 0 })
  // A count that was made after a sale has it already, although the sale is not sent.
  line.mode = "no sales"
  await sell(agent, sku)
  await move({ kind: "count", sku, countedMilli: 6000, includesReservations: "none" })
  expect(await onHand(sku)).toBe(6000)
  await agent.follow()
  expect(await told()).toBe(6000)
  line.mode = "on"
  await eventually("the centre has it", async () => agent.status().outstanding === 0 && (await onHand(sku)) === 6000, {
    withinMs: 30_000,
  })
  await agent.follow()
  expect(await told()).toBe(6000)
}, 120_000)

test("a store has its open pickups with as much of the buyer as they need, knows the code without having it, and forgets both with the handover", async () => {
  const [sku = ""] = plentifulSkus(t, 1)
  await move({ kind: "receipt", sku, milli: 20_000 })
  const method = { method: "pickup" as const, locationId: storeId }
  const lines = [{ sku, count: 1, totalMinor: 2499, method }]
  const email = "collects@shop.example"
  const orderId = await placeOrder(t, { externalId: newSku(), email, lines, tenders: [heldCard(t, 2499)] })
  const { pickupId } = await eventually("the store is asked", async () => {
    return (await t.api("GET", `/v1/pickups?order=${orderId}`)).body.items?.[0] as { pickupId: string } | undefined
  })
  const agent = await start()
  await isThere(agent)
  await eventually("the agent has it", async () => {
    await agent.follow()
    return (await ask(agent, "/pickups")).items.some((one) => one.pickupId === pickupId)
  })
  const before = await ask(agent, "/pickups")
  expect(before.items.find((one) => one.pickupId === pickupId)).toMatchObject({
    lines: [{ toFindMilli: 1000 }],
    asksCode: true,
  })
  expect(JSON.stringify(before)).not.toMatch(/shop\.example|codeHash/)
  const found = { id: "f", found: [{ lineId: "L1", quantity: { milli: 1000, unit: "ea" } }] }
  expect((await t.api("POST", `/v1/pickups/${pickupId}/pick`, found)).status).toBe(202)
  const code = await eventually(
    "the buyer is told the code",
    async () => {
      const mails = Object.values(t.lab.mail.books())
        .flat()
        .map((mail) => JSON.stringify(mail))
      return Promise.resolve(
        mails
          .filter((mail) => mail.includes(email))
          .map((mail) => /the code ([2-9A-Z]{6})/.exec(mail)?.[1])
          .find(Boolean),
      )
    },
    { withinMs: 30_000 },
  )
  line.mode = "off"
  expect((await ask(agent, "/pickups/code", { pickupId, code: ` ${code.toLowerCase()}` })).isCode).toBe(true)
  expect((await ask(agent, "/pickups/code", { pickupId, code: "AAAAAA" })).isCode).toBe(false)
  const onDisk = () =>
    ["", "-wal"].map((end) => readFileSync(join(folder, `snapshot.db${end}`)).toString("latin1")).join("")
  expect([onDisk().includes(pickupId), onDisk().includes(code)]).toEqual([true, false])
  line.mode = "on"
  expect((await t.api("POST", `/v1/pickups/${pickupId}/hand-over`, { id: "h", code, proof: "code" })).status).toBe(202)
  await eventually(
    "it is over",
    async () => {
      await agent.follow()
      return !(await ask(agent, "/pickups")).items.some((one) => one.pickupId === pickupId)
    },
    { withinMs: 30_000 },
  )
  await stop(agent)
  expect(readFileSync(join(folder, "snapshot.db")).toString("latin1").includes(pickupId)).toBe(false)
}, 120_000)

test("a store gets nothing of others, an unchanged snapshot is no thing and the same cursor, and a cursor of nobody begins anew", async () => {
  const ofStore = await storeKey(t, storeId, { stores: [storeId] })
  const page = async (body: object, with_ = ofStore) => {
    const answer = await fetch(`${t.gatewayUrl}/v1/store-snapshots`, {
      method: "POST",
      headers: { authorization: `Bearer ${with_}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    })
    return {
      status: answer.status,
      ...((await answer.json()) as { cursor: string; isLast: boolean; items: unknown[]; mode: string }),
    }
  }
  expect((await page({ storeId: otherStore })).status).toBe(403)
  expect((await page({ storeId, limit: 0, cursor: 7 })).status).toBe(422)
  let one = await page({ storeId, limit: 7 })
  let things = one.items.length
  while (!one.isLast) {
    one = await page({ storeId, limit: 7, cursor: one.cursor })
    things += one.items.length
  }
  expect([one.mode, things > 7]).toEqual(["whole", true])
  const quiet = await page({ storeId, cursor: one.cursor })
  const again = await page({ storeId, cursor: quiet.cursor })
  expect(again).toMatchObject({ mode: "changes", isLast: true, items: [], cursor: quiet.cursor })
  const odd = Buffer.from(JSON.stringify(["x", "9:8:", null, null, null])).toString("base64url")
  for (const cursor of ["nobody's", odd]) expect((await page({ storeId, cursor })).mode).toBe("whole")
}, 120_000)

test("a file that is damaged is thrown away and read anew, and the journal beside it is as it was", async () => {
  const sku = newSku()
  await putProduct(sku)
  await putPrices([{ sku, record: `${sku}-base`, price: price(1999) }])
  await move({ kind: "receipt", sku, milli: 9000 })
  const agent = await start()
  await isThere(agent)
  await untilPriced(agent, sku, `${sku}-base`)
  await sell(agent, sku)
  await eventually("it is booked", async () => (await onHand(sku)) === 8000, { withinMs: 30_000 })
  await agent.follow()
  await stop(agent)
  const file = join(folder, "snapshot.db")
  writeFileSync(file, readFileSync(file).fill(0x5a, 4096, 3 * 4096))
  line.mode = "off"
  const blind = await start()
  expect((await ask(blind, `/prices?sku=${sku}`)).status).toBe(503)
  expect(blind.status()).toMatchObject({ isWell: true, snapshot: { isThere: false, thrownAway: expect.any(String) } })
  expect(blind.status().incidents).toEqual([])
  line.mode = "on"
  await isThere(blind)
  expect(await ask(blind, `/stock?sku=${sku}`)).toMatchObject({ onHandMilli: 8000, isStale: false })
  expect((await ask(blind, `/prices?sku=${sku}`)).price?.record).toBe(`${sku}-base`)
  expect(await (await fetch(`${blind.url}/verify`)).json()).toMatchObject({ breaks: [] })
}, 120_000)

test("an agent that is killed while it reads goes on, and ends with what the centre has", async () => {
  const skus = Array.from({ length: 40 }, newSku)
  for (const sku of skus) await move({ kind: "receipt", sku, milli: 5000 })
  for (let life = 0; life < 2; life += 1) {
    const edge = await startEdgeProcess({ storeId, key, centreUrl: line.url, folder })
    processes.push(edge)
    await sell(edge, skus[life] ?? "")
    await new Promise((resolve) => setTimeout(resolve, life * 100))
    await edge.kill()
    await move({ kind: "receipt", sku: skus[life + 10] ?? "", milli: 1000 })
  }
  const agent = await start()
  await isThere(agent)
  await eventually(
    "all is sent and booked",
    async () => agent.status().outstanding === 0 && (await onHand(skus[1] ?? "")) === 4000,
    {
      withinMs: 30_000,
    },
  )
  await agent.follow()
  for (const sku of skus)
    expect([sku, (await ask(agent, `/stock?sku=${sku}`)).onHandMilli]).toEqual([sku, await onHand(sku)])
}, 400_000)

const step = fc.oneof(
  fc.record({
    do: fc.constant("price" as const),
    amount: fc.integer({ min: 1500, max: 2000 }),
    from: fc.integer({ min: -2, max: 6 }),
    place: fc.constantFrom("", "own", "other"),
  }),
  fc.record({
    do: fc.constantFrom("end", "goods", "sale", "sale", "cut", "mend", "follow", "follow", "restart", "damage"),
  }),
)

test("whatever changes in whatever order, with cuts, restarts and damage in between: the stock told is what came less what was sold, and in the end all is as the centre has it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
      const sku = newSku()
      await putProduct(sku)
      await putPrices([{ sku, record: `${sku}-0`, price: price(1900) }])
      await move({ kind: "receipt", sku, milli: 20_000 })
      rmSync(join(folder, "snapshot.db"), { force: true })
      line.mode = "on"
      let agent = await start()
      await isThere(agent)
      let [came, seen, sold, records] = [20_000, 20_000, 0, 1]
      for (const one of steps) {
        if (one.do === "price") {
          const scope = one.place === "" ? {} : { location: one.place === "own" ? storeId : otherStore }
          const validity = { from: hours(one.from), until: hours(one.from + 3) }
          await putPrices([
            { sku, record: `${sku}-${(records += 1) % 4}`, price: price(one.amount, { scope, validity }) },
          ])
        } else if (one.do === "end")
          await putPrices([{ sku, record: `${sku}-${records % 4}`, ended: true }]).catch(() => undefined)
        else if (one.do === "goods") {
          await move({ kind: "receipt", sku, milli: 1000 })
          came += 1000
        } else if (one.do === "sale") {
          await sell(agent, sku)
          sold += 1000
        } else if (one.do === "cut" || one.do === "mend") line.mode = one.do === "cut" ? "off" : "on"
        else if (one.do === "follow") {
          const now = came
          await agent.follow().then(
            () => (seen = now),
            () => undefined,
          )
        } else {
          await stop(agent)
          if (one.do === "damage") writeFileSync(join(folder, "snapshot.db"), "no database at all")
          agent = await start()
          if (one.do === "damage" && line.mode === "on") await isThere(agent)
        }
        if (!agent.status().snapshot.isThere) continue
        const { onHandMilli } = await ask(agent, `/stock?sku=${sku}`)
        expect([onHandMilli >= Math.min(seen, came) - sold, onHandMilli <= came - sold, onHandMilli]).toEqual([
          true,
          true,
          onHandMilli,
        ])
      }
      line.mode = "on"
      await eventually(
        "all is sent and booked",
        async () => agent.status().outstanding === 0 && (await onHand(sku)) === came - sold,
        {
          withinMs: 40_000,
        },
      )
      await isThere(agent)
      const body = {
        items: [-1, 0, 2, 5, 8].map((count) => ({ sku, currency: "EUR", location: storeId, at: hours(count) })),
      }
      const { items = [] } = (await t.api("POST", "/v1/prices/query", body)).body
      await eventually("the same prices hold", async () => {
        await agent.follow()
        const told = await Promise.all(body.items.map(({ at }) => ask(agent, `/prices?sku=${sku}&at=${at}`)))
        const amounts = (of: readonly unknown[]) =>
          (of as Asked[]).map((one) => one.price && [one.price.record, one.price.amount.amountMinor])
        return JSON.stringify(amounts(told)) === JSON.stringify(amounts(items))
      })
      expect((await ask(agent, `/stock?sku=${sku}`)).onHandMilli).toBe(await onHand(sku))
      await stop(agent)
    }),
    { numRuns: 8 },
  )
}, 300_000)
