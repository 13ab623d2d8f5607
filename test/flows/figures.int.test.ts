import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { placeOrder, untilState } from "../fixtures/order-flow.ts"

// What people see as figures is counted from the log: the same after every rebuild, and never twice.

let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 81 })
}, 60_000)
afterAll(() => t?.stop())

const sku = () => t.lab.estate.skus[0]?.sku ?? ""

async function order(externalId: string, more: { count?: number; placedAt?: string; channel?: string } = {}) {
  const { count = 1, ...rest } = more
  return placeOrder(t, { externalId, lines: [{ sku: sku(), count, totalMinor: 2420 }], ...rest })
}

const caughtUp = () =>
  eventually("the figures have caught up", async () => {
    const rows = await t.sql`
      select 1 from subscriptions s where s.name = 'figures' and not exists (
        select from events e where (e.xid, e.seq) > (s.xid, s.seq)
          and e.type in ('order.placed', 'order.state-changed', 'exception.opened', 'exception.decided', 'entry.posted'))`
    return rows.length > 0
  })

const counted = async () => {
  const figures = await t.sql`
    select name, hour::text, channel, place, label, value::text from figures where process = 'log' order by 1, 2, 3, 4, 5`
  const states = await t.sql`
    select kind, state, hour::text, channel, place, currency, is_final, count::text, value_minor::text from business_states
    order by 1, 2, 3, 4, 5, 6`
  const objects =
    await t.sql`select ref, state, channel, place, value_minor::text, counted from figure_objects order by ref`
  return { figures, states, objects }
}

async function read(path: string) {
  const { status, body } = await t.api("GET", path)
  if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`)
  return body as unknown as Answer
}

interface Answer {
  asOf: string
  items: { kind: string; state: string; channel: string; count: number; value: object[] }[]
  figures: { name: string; rows: { of?: string; now: { value?: number; n: number } | null; before?: object[] }[] }[]
  notPosted: { currency: string; notPostedMinor: number; share: number }[]
  unknown: { name: string; why: string }[]
}

const nowOf = ({ figures }: Answer, name: string, of?: string) =>
  figures.find((figure) => figure.name === name)?.rows.find((row) => row.of === of)?.now

describe("I-10 S-131 figures of the log", () => {
  test("orders stand in the counters of the states that the order book shows", async () => {
    const placedAt = new Date().toISOString()
    const well = await order("F-1", { placedAt })
    const short = await order("F-2", { count: 90_001, placedAt })
    const other = await order("F-3", { channel: "kiosk", placedAt })
    for (const id of [well, other]) await untilState(t, id, "closed")
    await eventually("the short one needs a person", async () => {
      const { items } = await read("/v1/business-states?kind=exception")
      return items.some(({ state }) => state === "open")
    })
    await caughtUp()
    const { items, asOf } = await read("/v1/business-states?kind=order")
    const book = await t.sql<{ channel: string; state: string; count: number }[]>`
      select channel, state, count(*)::int as count from objects where kind = 'order' group by 1, 2 order by 1, 2`
    const shown = items.reduce<Record<string, number>>((sums, { channel, state, count }) => {
      const key = `${channel} ${state}`
      return { ...sums, [key]: (sums[key] ?? 0) + count }
    }, {})
    expect(shown).toEqual(Object.fromEntries(book.map(({ channel, state, count }) => [`${channel} ${state}`, count])))
    expect(Date.parse(asOf)).toBeGreaterThan(Date.now() - 60_000)
    expect(short).not.toBe(well)
  })

  test("S-129…S-138 the declared figures say what happened, by channel too", async () => {
    const all = await read("/v1/kpis/figures")
    expect(nowOf(all, "orders placed")).toEqual({ value: 3, n: 3 })
    expect(nowOf(all, "order fallout rate")).toEqual({ value: 1 / 3, n: 3 })
    expect(nowOf(all, "order completion rate")).toEqual({ value: 2 / 3, n: 3 })
    expect(nowOf(all, "order backlog")).toEqual({ value: 1, n: 1 })
    expect(nowOf(all, "order release time")?.n).toBe(2)
    expect(nowOf(all, "sales posting latency")?.n).toBe(2)
    expect(all.notPosted).toEqual([expect.objectContaining({ currency: "EUR", notPostedMinor: 0, share: 0 })])
    expect(nowOf(all, "return cycle time")).toBeNull()
    const byChannel = await read("/v1/kpis/figures?by=channel")
    expect(nowOf(byChannel, "orders placed", "till")?.value).toBe(2)
    expect(nowOf(byChannel, "order fallout rate", "kiosk")?.value).toBe(0)
    const kept = await eventually("promises are decided", async () => {
      const now = nowOf(
        await read("/v1/kpis/figures?by=channel&figure=order promise accuracy"),
        "order promise accuracy",
        "till",
      )
      return now !== undefined && now !== null && now.n >= 2 && now
    })
    expect(kept).toEqual({ value: 1, n: kept.n })
    const byConnection = await read("/v1/kpis/figures?by=connection&figure=integration failure rate")
    expect(nowOf(byConnection, "integration failure rate", "sap")?.value).toBe(0)
  })

  test("I-10 a rebuild gives the same figures", async () => {
    await caughtUp()
    const before = await counted()
    expect(before.figures.length).toBeGreaterThan(10)
    const answer = await t.api("POST", "/v1/kpis/rebuild", {})
    expect(answer.status).toBe(202)
    await eventually(
      "all is counted again",
      async () => {
        const now = await counted()
        return JSON.stringify(now) === JSON.stringify(before)
      },
      { withinMs: 20_000, seen: async () => ({ before, now: await counted() }) },
    )
    await caughtUp()
    expect(await counted()).toEqual(before)
  })

  test("a restart and another process count nothing twice", async () => {
    const before = await counted()
    await t.restart()
    await order("F-4", { placedAt: new Date().toISOString() })
    await caughtUp()
    const placed = (all: typeof before) =>
      all.figures.filter(({ name }) => name === "orders placed").reduce((sum, { value }) => sum + Number(value), 0)
    expect(placed(await counted())).toBe(placed(before) + 1)
  })

  test("S-164 figures of the time before are imported whole or not at all, and stand beside those of now", async () => {
    const row = { line: 2, dimension: "", of: "", from: "2026-01-01", until: "2026-03-31", currency: "", note: "" }
    const rows = [
      { ...row, figure: "order fallout rate", value: "0.08" },
      { ...row, line: 3, figure: "order fallout rate", value: "8" },
      { ...row, line: 4, figure: "no figure", value: "x", until: "2025-02-30" },
    ]
    const refused = await t.api("POST", "/v1/kpis/baseline", { rows })
    expect(refused.status).toBe(422)
    expect((refused.body as { problems?: { pointer: string; message: string }[] }).problems).toEqual(
      [
        { pointer: "line 3", message: "value: a share is from 0 to 1, so 2.5 % is 0.025" },
        { pointer: "line 3", message: "is about the same as line 2" },
        {
          pointer: "line 4",
          message: 'figure: there is no figure "no figure"; `crossdock kpis --definitions` lists them',
        },
        { pointer: "line 4", message: 'until: "2025-02-30" is no day, as YYYY-MM-DD' },
        { pointer: "line 4", message: expect.stringContaining('value: "x" is no number') as string },
      ].map((problem) => expect.objectContaining(problem) as unknown),
    )
    expect((await t.api("GET", "/v1/kpis/baseline")).body.items).toEqual([])
    const trial = await t.api("POST", "/v1/kpis/baseline", { rows: rows.slice(0, 1), dryRun: true })
    expect(trial.body).toEqual({ problems: [], stored: 1 })
    expect((await t.api("GET", "/v1/kpis/baseline")).body.items).toEqual([])
    await t.api("POST", "/v1/kpis/baseline", { rows: rows.slice(0, 1) })
    const all = await read("/v1/kpis/figures?figure=order fallout rate")
    expect(all.figures[0]?.rows[0]?.before).toEqual([
      { figure: "order fallout rate", from: "2026-01-01", until: "2026-03-31", value: 0.08 },
    ])
  })

  test("what cannot be known is listed with its reason", async () => {
    const { unknown } = await read("/v1/kpis/definitions")
    expect(unknown.map(({ name }) => name)).toContain("support cases")
    for (const { why } of unknown) expect(why.length).toBeGreaterThan(10)
  })
})
