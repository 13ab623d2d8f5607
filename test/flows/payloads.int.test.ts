import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { countOf, deliver } from "../fixtures/fulfilment/warehouse-hook.ts"
import { buyInShop, plentifulSkus, untilState } from "../fixtures/order-flow.ts"

// What a system sent beside what we made of it: the fault's place, what is personal, and one value corrected.

let t: TestCrossdock
let sku = ""
let viewer = ""
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 33 })
  ;[sku = ""] = plentifulSkus(t, 1)
  viewer = await keyOf("viewer", ["operations:read", "operations:write"])
}, 60_000)
afterAll(() => t?.stop())

async function keyOf(id: string, scopes: string[]): Promise<string> {
  const { consumers, access } = t.crossdock
  const given = { id, name: id, owner: "tests", scopes, ratePerSecond: 500, burst: 500, apiVersion: "2026-11-01" }
  await consumers.put(given)
  const { key } = await consumers.addKey(id)
  await access.refresh()
  return key
}

async function asViewer(method: string, path: string, body?: object) {
  const headers = { authorization: `Bearer ${viewer}`, "content-type": "application/json" }
  const answer = await fetch(t.gatewayUrl + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
  return { status: answer.status, text: await answer.text() }
}

const counted = (body: object) => deliver(t, body)
const countAt = (eventId: string, locationId: string) => countOf(sku, eventId, locationId)

interface View {
  state: string
  payload: { lines: string[]; marks: { line: number; pointer: string; message: string }[] }
  canonical: { lines: string[]; marks: { line: number; pointer: string }[] }
  isRedacted: boolean
  isCorrected: boolean
}
const view = async (id: number) => (await t.api("GET", `/v1/deliveries/${id}`)).body as unknown as View

describe("a delivery", () => {
  test("is shown beside our translation, each fault on its line", async () => {
    const wrong = "nowhere"
    const ours = await view(await counted(countAt("evt_place", wrong)))
    expect(ours).toMatchObject({ state: "parked", isRedacted: false })
    const [mark] = ours.canonical.marks
    expect(ours.canonical.lines[(mark?.line ?? 0) - 1]).toContain(`"locationId": "${wrong}"`)
    const odd = await view(
      await counted({ ...countAt("evt_odd", wrong), lines: [{ sku, onHandMilli: "many", unit: "ea" }] }),
    )
    const [fault] = odd.payload.marks
    expect(odd.payload.lines[(fault?.line ?? 0) - 1]).toContain('"onHandMilli": "many"')
  })

  test("shows what is personal, and its bytes, to those who may read raw payloads; who read them is audited", async () => {
    const [bought] = await buyInShop(t, { count: 1 })
    await untilState(t, bought?.orderId ?? "", [
      "accepted",
      "released",
      "shipped",
      "closed",
      "in the books",
      "reserved",
    ])
    const [row] = await t.sql<{ id: number }[]>`
      select id from inbox where connection = 'shopify' and topic = 'orders/create' and state = 'translated' limit 1`
    const id = Number(row?.id)
    const whole = JSON.stringify(await view(id))
    const email = /[\w.+-]+@[\w.-]+/.exec(whole)?.[0] ?? "no address"
    expect(whole).toContain(email)
    const less = await asViewer("GET", `/v1/deliveries/${id}`)
    expect(less.status).toBe(200)
    expect(less.text).not.toContain(email)
    expect(less.text).not.toMatch(/@shop|@example/)
    expect(JSON.parse(less.text)).toMatchObject({ isRedacted: true })
    expect((await asViewer("GET", `/v1/deliveries/${id}/raw`)).status).toBe(403)
    const raw = await t.api("GET", `/v1/deliveries/${id}/raw`)
    expect([raw.status, JSON.stringify(raw.body)]).toEqual([200, expect.stringContaining(email)])
    const read =
      await t.sql`select 1 from audit_log where action = 'read raw delivery' and subject = ${`delivery ${id}`}`
    expect(read).toHaveLength(1)
    expect((await t.api("GET", "/v1/deliveries/12")).status).toBe(404)
    expect((await t.api("GET", "/v1/deliveries/no-number/raw")).status).toBe(404)
  })

  test("is corrected at one value after a preview with the difference; its bytes stay, and a repeat changes nothing", async () => {
    const wrong = "nowhere"
    const home = t.lab.estate.locations[0]?.locationId ?? ""
    const id = await counted(countAt("evt_mend", wrong))
    const spec = { delivery: id, pointer: "/locationId", value: JSON.stringify(home) }
    const ask = (more: object) =>
      t.api("POST", "/v1/operations", { kind: "correct delivery", spec: { ...spec, ...more }, reason: "a test" })
    expect(
      (await asViewer("POST", "/v1/operations", { kind: "correct delivery", spec, reason: "a test" })).status,
    ).toBe(403)
    for (const wrongly of [{ value: "no json" }, { pointer: "/nowhere" }, { delivery: 1 }])
      expect((await ask(wrongly)).status).toBe(422)
    expect((await ask({ value: '"another"' })).body).toMatchObject({ total: 0, refused: [{ id: `inbox/${id}` }] })
    const { body: asked } = await ask({})
    expect(asked).toMatchObject({ total: 1 })
    const { id: operation, hash } = asked as unknown as { id: string; hash: string }
    const shown = (await t.api("GET", `/v1/operations/${operation}`)).body
    expect(shown).toMatchObject({
      difference: [{ at: "/locationId", before: JSON.stringify(wrong), after: JSON.stringify(home) }],
    })
    const untilDone = () =>
      eventually("it is done", async () => {
        const { body } = await t.api("GET", `/v1/operations/${operation}`)
        return String(body["state"]) === "done" && body
      })
    await t.api("POST", `/v1/operations/${operation}/run`, { hash })
    expect(await untilDone()).toMatchObject({ done: 1 })
    expect(await view(id)).toMatchObject({ state: "translated", isCorrected: true })
    const raw = await t.api("GET", `/v1/deliveries/${id}/raw`)
    expect(JSON.stringify(raw.body)).toContain(wrong)
    const facts = () => t.sql`select 1 from events where inbox_id = ${id} and type = 'stock.counted'`
    expect(await facts()).toHaveLength(1)
    await t.sql`update bulk_members set outcome = null where operation = ${operation}`
    await t.sql`update bulk_operations set state = 'running' where id = ${operation}`
    expect(await untilDone()).toMatchObject({ done: 1, skipped: 0 })
    expect(await facts()).toHaveLength(1)
    const open = await t.sql`select 1 from exceptions where about = ${`inbox/${id}`} and state = 'open'`
    expect(open).toHaveLength(0)
  })
})

test("each hop of an order leads to what stands behind it: the delivery that told it, or the call that was made", async () => {
  const [bought] = await buyInShop(t, { count: 1 })
  const orderId = bought?.orderId ?? ""
  await untilState(t, orderId, ["released", "shipped", "closed"])
  const { body } = await t.api("GET", `/v1/orders/${orderId}/trace`)
  const hops = (body as unknown as { hops: { what: string; delivery?: number; isCall?: true; outcome?: string }[] })
    .hops
  const placed = hops.find(({ what }) => what === "order.placed")
  const came = hops.find(({ what, outcome }) => what.startsWith("orders/create") && outcome === "translated")
  expect(placed?.delivery).toBe(came?.delivery)
  expect(await view(placed?.delivery ?? 0)).toMatchObject({ state: "translated" })
  const allocated = hops.find(({ what }) => what === "allocate stock#1")
  expect(allocated?.isCall).toBe(true)
  const { text } = await asViewer("GET", `/v1/effects?key=order/${orderId}&limit=100`)
  const items = (JSON.parse(text) as { items: { step: string; input: object }[] }).items
  expect(items.find(({ step }) => step === allocated?.what)?.input).toMatchObject({ reservation: orderId })
})
