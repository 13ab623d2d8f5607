import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { deployedVersion } from "../../src/durable/retry/deployed-version.ts"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  decide,
  ledgerOf,
  openExceptions,
  placeOrder,
  plentifulSkus,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import { countOf, deliver } from "../fixtures/fulfilment/warehouse-hook.ts"
import { withRefusals, type Refusals } from "../fixtures/refusals.ts"
import { salesOrders } from "../fixtures/vendor-books.ts"

// Operations on many objects against systems that keep books: what exists is never done a second time, whatever dies in between.

const refusals: Refusals = new Set()
let t: TestCrossdock
let sku = ""
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 31, lab: quietWarehouse, estate: (estate) => withRefusals(estate, refusals) })
  ;[sku = ""] = plentifulSkus(t, 1)
}, 60_000)
afterAll(() => t?.stop())
afterEach(async () => {
  refusals.clear()
  await t.api("POST", "/v1/connections/sap/resume", {})
})

interface Operation {
  id: string
  hash: string
  state: string
  total: number
  done: number
  skipped: number
  says: string[]
  refused: { id: string; why: string }[]
  needsApproval?: string
  atRisk: { amountMinor: number; currency: string }[]
  perSecond: number
}

async function preview(kind: string, spec: object, perSecond = 200): Promise<Operation> {
  const { status, body } = await t.api("POST", "/v1/operations", { kind, spec, reason: "a test", perSecond })
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body as unknown as Operation
}
const act = async (id: string, verb: string, body: object = {}) =>
  (await t.api("POST", `/v1/operations/${id}/${verb}`, body)).body as unknown as Operation
const look = async (id: string) => (await t.api("GET", `/v1/operations/${id}`)).body as unknown as Operation
const untilDone = (id: string) =>
  eventually(
    `operation ${id} is done`,
    async () => {
      const now = await look(id)
      return now.state === "done" ? now : undefined
    },
    { withinMs: 30_000, seen: () => look(id) },
  )
async function carriedOut({ id, hash }: Operation): Promise<Operation> {
  await act(id, "run", { hash })
  return untilDone(id)
}

/** As if the worker had died after each change and before its note: every member is asked for again. */
async function carriedOutAgain({ id }: Operation): Promise<Operation> {
  await t.sql`update bulk_members set outcome = null, reason = null where operation = ${id}`
  await t.sql`update bulk_operations set state = 'running', ended_at = null where id = ${id}`
  return untilDone(id)
}

let count = 0
async function place(): Promise<string> {
  count += 1
  return placeOrder(t, { externalId: `op-${count}`, lines: [{ sku, count: 1, totalMinor: 1210 }] })
}

/** Orders that the ERP refuses, and their group. */
async function refused(orders: number): Promise<{ ids: string[]; cases: string[]; group: string }> {
  refusals.add("booksOrders.bookOrder")
  const ids = await Promise.all(Array.from({ length: orders }, place))
  const cases = await Promise.all(ids.map(async (id) => (await untilException(t, id, "book order")).id))
  const { body } = await t.api("GET", `/v1/exceptions/${cases[0]}`)
  return { ids, cases, group: body["group"] as unknown as string }
}

const attemptsOf = async (id: string) =>
  (await ledgerOf(t, id)).find(({ step }) => step === "book order in ERP")?.history.map(({ outcome }) => outcome)

describe("retry", () => {
  test("from the failed step: what exists is found, earlier attempts stay, and a worker that dies doubles nothing (§6.12)", async () => {
    const { ids, group } = await refused(4)
    const asked = await preview("retry", { from: "failed step", group })
    expect(asked).toMatchObject({ total: 4, refused: [], atRisk: [{ amountMinor: 4840, currency: "EUR" }] })
    expect(asked.says.join(" ")).toContain(`version ${deployedVersion()}`)
    expect(asked.says.join(" ")).toContain("Tried again, each under its key: book order in ERP (4)")
    refusals.clear()
    expect(await carriedOut(asked)).toMatchObject({ done: 4, skipped: 0 })
    for (const id of ids) await untilState(t, id, "released")
    expect(await carriedOutAgain(asked)).toMatchObject({ done: 4, skipped: 0 })
    for (const id of ids) {
      expect(salesOrders(t, id)).toHaveLength(1)
      expect(await attemptsOf(id)).toEqual(["rejected", "done"])
    }
  })

  test("from the first step too, and from a chosen one: decisions that no effect followed from are made anew (§6.9)", async () => {
    const { ids, cases } = await refused(2)
    const first = await preview("retry", { from: "first step", ids: cases })
    expect(first.says.join(" ")).toMatch(/What exists is found and not done again: .*reserve/)
    const odd = await preview("retry", { from: "chosen step", step: "no such step", ids: cases })
    expect(odd).toMatchObject({ total: 0, refused: [{ why: 'it has not reached the step "no such step"' }, {}] })
    refusals.clear()
    expect(await carriedOut(first)).toMatchObject({ done: 2, skipped: 0 })
    for (const id of ids) await untilState(t, id, "released")
    expect(await carriedOutAgain(first)).toMatchObject({ done: 2 })
    for (const id of ids) expect(salesOrders(t, id)).toHaveLength(1)
    const told =
      await t.sql`select 1 from events where type = 'workflow.retried' and key = any(${ids.map((id) => `order/${id}`)})`
    expect(told).toHaveLength(2)
  })

  test("says which version it runs, and refuses another (§6.10)", async () => {
    const { cases } = await refused(1)
    const spec = { from: "failed step", version: "000000000000", ids: cases }
    const { status, body } = await t.api("POST", "/v1/operations", { kind: "retry", spec, reason: "a test" })
    expect([status, JSON.stringify(body)]).toEqual([
      422,
      expect.stringContaining(`only ${deployedVersion()} is deployed`),
    ])
    const asked = await preview("retry", { from: "first step", ids: cases })
    await t.sql`update bulk_members set seen = replace(seen, ${deployedVersion()}, 'older') where operation = ${asked.id}`
    expect(await carriedOut(asked)).toMatchObject({ done: 0, skipped: 1 })
  })

  test("leaves a member that moved, and of two operations on the same members each is done once", async () => {
    const { ids, cases } = await refused(3)
    const spec = { from: "first step", ids: cases }
    const [one, other] = [await preview("retry", spec), await preview("retry", spec)]
    refusals.clear()
    await decide(t, cases[0] ?? "", "retry")
    await untilState(t, ids[0] ?? "", "released")
    await Promise.all([one, other].map(({ id, hash }) => act(id, "run", { hash })))
    const ended = await Promise.all([one, other].map(({ id }) => untilDone(id)))
    expect(ended.map(({ done, skipped }) => done + skipped)).toEqual([3, 3])
    expect(ended.every(({ skipped }) => skipped > 0)).toBe(true)
    for (const id of ids) {
      await untilState(t, id, "released")
      expect(salesOrders(t, id)).toHaveLength(1)
    }
  })

  test("offers only what can be done: an order that ended is refused with its reason (§6.13)", async () => {
    const { ids, cases } = await refused(1)
    await decide(t, cases[0] ?? "", "cancel order")
    await untilEnded(t, ids[0] ?? "")
    const asked = await preview("retry", { from: "first step", ids: cases })
    expect(asked).toMatchObject({ total: 0, refused: [{ id: cases[0], why: "it is not open, or there is none" }] })
  })
})

describe("drain", () => {
  test("lets go what waits for a connection at its pace, which can be changed while it runs, and nothing goes besides", async () => {
    await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
    const ids = await Promise.all(Array.from({ length: 6 }, place))
    await eventually("all wait", async () => {
      const [row] = await t.sql<{ count: number }[]>`select count(*) from workflow_queue where waits_for = 'sap'`
      return Number(row?.count) === 6
    })
    const asked = await preview("drain", { connection: "sap" }, 1)
    expect(asked).toMatchObject({ total: 6, perSecond: 1, lastsSeconds: 6 })
    await act(asked.id, "run", { hash: asked.hash })
    await eventually(
      "the first goes",
      async () => salesOrders(t).some(({ number }) => number !== "") && (await look(asked.id)).done > 0,
    )
    const early = await look(asked.id)
    expect(early.done).toBeLessThan(4)
    const { body } = await t.api("GET", "/v1/connections/sap")
    expect(body).toMatchObject({ isPaused: false })
    expect(await act(asked.id, "pause")).toMatchObject({ state: "paused" })
    expect(await act(asked.id, "pace", { perSecond: 100 })).toMatchObject({ perSecond: 100 })
    const paused = await look(asked.id)
    await new Promise((resolve) => setTimeout(resolve, 500))
    const [left] = await t.sql<{ count: number }[]>`select count(*) from workflow_queue where waits_for = 'sap'`
    expect(Number(left?.count)).toBe(6 - paused.done)
    expect(await carriedOut(asked)).toMatchObject({ done: 6, skipped: 0 })
    for (const id of ids) await untilState(t, id, "released")
    expect(await carriedOutAgain(asked)).toMatchObject({ done: 0, skipped: 6 })
    for (const id of ids) expect(salesOrders(t, id)).toHaveLength(1)
  })
})

describe("replay", () => {
  test("of a window says what is known and what would be new; and nothing is doubled", async () => {
    const ids = await Promise.all([place(), place()])
    for (const id of ids) await untilState(t, id, "released")
    const spec = { connection: "api:operator", from: "2026-01-01T00:00:00Z", to: "2099-01-01T00:00:00Z" }
    const asked = await preview("replay", spec)
    expect(asked.total).toBeGreaterThanOrEqual(2)
    expect(asked.says[0]).toMatch(/0 would tell 0 new facts; \d+ facts are known/)
    expect((await preview("replay", { ...spec, only: "with news" })).total).toBe(0)
    const counts = () =>
      t.sql`select (select count(*) from events) as events, (select count(*) from workflow_instances) as runs`
    const before = await counts()
    expect(await carriedOut(asked)).toMatchObject({ done: asked.total })
    expect(await carriedOutAgain(asked)).toMatchObject({ done: asked.total })
    expect(await counts()).toEqual(before)
    // What was taken again is not taken again by the next replay.
    expect((await preview("replay", spec)).total).toBe(asked.total)
  })
})

describe("a delivery of many records", () => {
  const home = () => t.lab.estate.locations[0]?.locationId ?? ""
  /** A count of three articles, of which one line is as wrong as `onHand`. */
  async function countOfThree(onHand: unknown): Promise<number> {
    const skus = plentifulSkus(t, 4).slice(1)
    const lines = skus.map((of, n) => ({ sku: of, onHandMilli: n === 1 ? onHand : 7_000_000, unit: "ea" }))
    return deliver(t, { ...countOf("", `evt_${Math.random()}`, home()), lines })
  }
  const factsOf = (id: number) => t.sql`select 1 from events where inbox_id = ${id} and type = 'stock.counted'`
  const aboutOf = async ({ id }: Operation) => {
    const { body } = await t.api("GET", `/v1/operations/${id}/members`)
    return new Map((body.items as unknown as { member: string; about: string }[]).map((one) => [one.member, one.about]))
  }

  test("is replayed whole: of its records those that are new are told, and the others change nothing (§6.11)", async () => {
    const spec = { connection: "warehouse", from: new Date().toISOString(), to: "2099-01-01T00:00:00Z" }
    const good = await countOfThree(7_000_000)
    const id = await countOfThree("many")
    expect([(await factsOf(good)).length, (await factsOf(id)).length]).toEqual([3, 2])
    const asWell = await preview("replay", spec)
    expect((await aboutOf(asWell)).get(`inbox/${good}`)).toContain("facts: 0 new, 3 known")
    expect(asWell.refused).toMatchObject([{ id: `inbox/${id}` }])
    // As if the mapping had learnt to read the line meanwhile.
    await t.sql`
      insert into inbox_corrections (delivery, made_in, pointer, value, made_by)
      values (${id}, 'a test', '/lines/1/onHandMilli', '6000000', 'tests')`
    const asked = await preview("replay", { ...spec, only: "with news" })
    expect(await aboutOf(asked)).toEqual(
      new Map([[`inbox/${id}`, expect.stringContaining("facts: 1 new, 2 known") as string]]),
    )
    expect(await carriedOut(asked)).toMatchObject({ total: 1, done: 1 })
    expect(await factsOf(id)).toHaveLength(3)
    expect(await carriedOutAgain(asked)).toMatchObject({ done: 1 })
    expect(await carriedOut(await preview("replay", spec))).toMatchObject({ total: 2, done: 2 })
    const [sum] = await t.sql<{ parked: number; facts: number }[]>`
      select (select count(*) from inbox where state = 'parked') as parked,
        (select count(*) from events where type = 'stock.counted' and source = 'warehouse') as facts`
    expect(sum).toEqual({ parked: 0, facts: 6 })
    expect(await t.sql`select 1 from exceptions where about = ${`inbox/${id}`} and state = 'open'`).toHaveLength(0)
  })
})

describe("cancel orders", () => {
  test("always waits for another person, and asks each order once; one that moved is left", async () => {
    const ids = await Promise.all([place(), place()])
    for (const id of ids) await untilState(t, id, "released")
    const asked = await preview("cancel orders", { orders: [...ids, "ord_0000000000000000"] })
    expect(asked).toMatchObject({
      total: 2,
      needsApproval: "it takes back what was done in other systems",
      refused: [{ id: "ord_0000000000000000", why: "there is no such order" }],
    })
    expect(await act(asked.id, "run", { hash: asked.hash })).toMatchObject({ state: "waiting for approval" })
    expect(await look(asked.id)).toMatchObject({
      approval: { allowed: false, waitsFor: "another person with the role approver or finance or admin" },
    })
    const { consumers, access } = t.crossdock
    await consumers.put({
      id: "second",
      name: "Second",
      owner: "operations",
      scopes: ["*"],
      ratePerSecond: 500,
      burst: 500,
      apiVersion: "2026-11-01",
    })
    const { key } = await consumers.addKey("second")
    await access.refresh()
    const answer = await fetch(`${t.gatewayUrl}/v1/operations/${asked.id}/approval`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ hash: asked.hash }),
    })
    expect(answer.status).toBe(200)
    expect(await untilDone(asked.id)).toMatchObject({ done: 2 })
    for (const id of ids) await untilEnded(t, id)
    expect(await carriedOutAgain(asked)).toMatchObject({ done: 2 })
    const told =
      await t.sql`select 1 from events where type = 'order.cancellation-requested' and key = any(${ids.map((id) => `order/${id}`)})`
    expect(told).toHaveLength(2)
    for (const id of ids) expect(await openExceptions(t, id)).toEqual([])
  })
})
