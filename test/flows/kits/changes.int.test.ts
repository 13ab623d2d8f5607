import { afterAll, beforeAll, expect, test } from "vitest"
import { own } from "../../../src/governance/ownership/own.ts"
import {
  control,
  eventually,
  quietWarehouse,
  startTestCrossdock,
  type TestCrossdock,
} from "../../fixtures/crossdock.ts"
import {
  decide,
  orderRequest,
  placeOrder,
  plentifulSkus,
  untilEnded,
  untilException,
  untilHeard,
  untilState,
  type OrderDraft,
} from "../../fixtures/order-flow.ts"
import { lying } from "../../fixtures/shop/returned-order.ts"
import { shipAll } from "../../fixtures/vendor-books.ts"

// What happens to orders of kits while orders and kits change, while processes die, and what others say of a kit's own stock.

let t: TestCrossdock
let kit = ""
let cased = ""
let cup = ""
let tea = ""
let can = ""
let place = ""
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 59,
    skuCount: 140,
    lab: quietWarehouse,
    estate: (estate) => ({
      ...estate,
      ownership: [
        own("product.*", {}, { owner: "api:operator", to: [] }),
        ...(estate.ownership ?? []).filter((rule) => !rule.field.startsWith("product.")),
      ],
    }),
  })
  ;[cup = "", tea = "", can = ""] = plentifulSkus(t, 3)
  ;[kit = "", cased = ""] = t.lab.estate.skus.filter(({ kind }) => kind === "kit").map(({ sku }) => sku)
  // A warehouse that was told of its stock counts from then on: not one that ships these orders.
  place = t.lab.estate.locations.at(-1)?.locationId ?? ""
  await put(can, [{ field: "units", set: { base: "ea", sales: [{ unit: "case", baseMilli: 6000, sku: cased }] } }])
}, 120_000)
afterAll(async () => t?.stop())

async function put(sku: string, changes: object[]): Promise<void> {
  const { status, body } = await t.api("PUT", `/v1/products/${sku}`, { changes })
  expect([status, body]).toEqual([
    200,
    expect.objectContaining({ outcome: expect.stringMatching("accepted|unchanged") }),
  ])
}
const madeOf = (parts: Record<string, number>) => {
  const components = Object.entries(parts).map(([sku, milli]) => ({ sku, milli }))
  return put(kit, [{ field: "kit", set: { stock: "derived", components } }])
}

let count = 0
const draft = (lines: OrderDraft["lines"]): OrderDraft => ({ externalId: `C-${(count += 1)}`, lines, tenders: [] })
const line = (id: string, sku: string, pieces: number) => ({ id, sku, count: pieces, totalMinor: 1000 * pieces })

async function edit(orderId: string, changed: OrderDraft): Promise<void> {
  const body = orderRequest({ ...changed, version: new Date().toISOString() })
  const answer = await t.api("POST", `/v1/orders/${orderId}/edits`, { ...body, tenders: [] })
  expect([answer.status, answer.body]).toEqual([202, expect.anything()])
  await untilHeard(t, orderId, "order.edited")
}

/** What is held for an order, in pieces; over all its reservations. */
async function heldFor(orderId: string): Promise<Record<string, number>> {
  const rows = await t.sql<{ sku: string; held: number }[]>`
    select l.sku, sum(l.held_milli)::bigint as held from stock_reservations r join stock_reservation_lines l on l.reservation_id = r.id
    where r.owner = ${orderId} group by 1 having sum(l.held_milli) > 0 order by 1`
  return Object.fromEntries(rows.map(({ sku, held }) => [sku, Number(held) / 1000]))
}
const sorted = (of: Record<string, number>) => JSON.stringify(Object.entries(of).toSorted())
const untilHeld = (orderId: string, wanted: Record<string, number>) =>
  eventually(`${orderId} holds ${sorted(wanted)}`, async () => sorted(await heldFor(orderId)) === sorted(wanted), {
    withinMs: 40_000,
    seen: () => heldFor(orderId),
  })
const all = async (sku: string) => Object.values(await lying(t, sku)).reduce((sum, milli) => sum + milli, 0) / 1000
const stock = () => Promise.all([cup, tea, can].map(all))

test(
  "an edit before release that adds a kit and a case reserves their parts, and one that raises a kit's count reserves what the kit was when the order was taken apart",
  { timeout: 120_000 },
  async () => {
    await madeOf({ [cup]: 2000, [tea]: 1000 })
    await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
    const before = await stock()
    const raised = draft([line("A", cup, 1), line("B", kit, 1)])
    const added = draft([line("A", cup, 1)])
    const raisedId = await placeOrder(t, raised)
    const addedId = await placeOrder(t, added)
    for (const orderId of [raisedId, addedId]) await untilState(t, orderId, "waiting for the books")
    // From now on the kit is another; the order that has one keeps its own.
    await madeOf({ [tea]: 5000 })
    await edit(raisedId, { ...raised, lines: [line("A", cup, 1), line("B", kit, 3), line("C", cased, 2)] })
    await edit(addedId, { ...added, lines: [line("A", cup, 1), line("B", kit, 2)] })
    await t.api("POST", "/v1/connections/sap/resume", {})
    for (const orderId of [raisedId, addedId]) await untilState(t, orderId, "released")
    await untilHeld(raisedId, { [cup]: 7, [tea]: 3, [can]: 12 })
    await untilHeld(addedId, { [cup]: 1, [tea]: 10 })
    for (const orderId of [raisedId, addedId]) {
      await shipAll(t, orderId)
      expect(await untilEnded(t, orderId)).toBe("done")
      expect(await heldFor(orderId)).toEqual({})
    }
    const after = await stock()
    expect(after.map((pieces, n) => (before[n] ?? 0) - pieces)).toEqual([8, 13, 12])
    expect([await all(kit), await all(cased)]).toEqual([0, 0])
  },
)

test(
  "an edit after release that raises a kit's count and takes a case off is carried out in parts when a person says so",
  { timeout: 120_000 },
  async () => {
    await madeOf({ [cup]: 2000, [tea]: 1000 })
    const before = await stock()
    const first = draft([line("A", kit, 1), line("B", cased, 1)])
    const orderId = await placeOrder(t, first)
    await untilState(t, orderId, "released")
    await madeOf({ [can]: 1000 })
    await edit(orderId, { ...first, lines: [line("A", kit, 2)] })
    const open = await untilException(t, orderId, "changed after release")
    await decide(t, open.id, "apply")
    // What was taken off is let go when the order ends.
    await untilHeld(orderId, { [cup]: 4, [tea]: 2, [can]: 6 })
    // Only then is the second request there.
    await eventually("the amendment is recorded", async () => {
      const rows = await t.sql`
      select 1 from workflow_steps where about = ${`order/${orderId}`} and step like 'amend order%' and outcome = 'done'`
      return rows.length > 0
    })
    await shipAll(t, orderId)
    expect(await untilEnded(t, orderId)).toBe("done")
    const after = await stock()
    expect(after.map((pieces, n) => (before[n] ?? 0) - pieces)).toEqual([4, 2, 0])
    expect(await heldFor(orderId)).toEqual({})
  },
)

test("what a warehouse counts or receives of a kit itself is one case with the figure and what to book instead; it is added to nothing", async () => {
  await madeOf({ [cup]: 2000, [tea]: 1000 })
  const before = await stock()
  const move = (movement: string, sku: string, milli: number) =>
    control(t.lab.warehouse, "movements", {
      movement,
      locationId: place,
      lines: [{ sku, quantityMilli: milli, unit: "ea" }],
    })
  await move("received", kit, 40_000)
  await move("received", kit, 2_000)
  await move("received", can, 3_000)
  await eventually("the cans are booked", async () => (await all(can)) === (before[2] ?? 0) + 3)
  const told = async () => {
    const { body } = await t.api("GET", "/v1/exceptions?state=open&limit=200")
    return (body.items ?? []).filter(({ cause }) => cause === "article has no stock of its own")
  }
  await eventually("people are told", async () => (await told()).length > 0)
  expect(await told()).toMatchObject([
    {
      sku: kit,
      owner: "inventory",
      summary: `warehouse tells of ${kit}: a receipt of 40 at ${place}. It was not booked: ${kit} has no stock of its own. Book 2 × ${cup} and 1 × ${tea} instead; a kit that is put together beforehand has stock "own".`,
    },
  ])
  expect([await all(kit), ...(await stock())]).toEqual([0, before[0], before[1], (before[2] ?? 0) + 3])
  // Both were heard.
  expect(await t.sql`select from events where type = 'stock.moved' and data ->> 'sku' = ${kit}`).toHaveLength(2)
})

test(
  "a process that dies at every write while an order is taken apart and reserved doubles nothing, and keeps to what was decided first",
  { timeout: 180_000 },
  async () => {
    await madeOf({ [cup]: 2000, [tea]: 1000 })
    const before = await stock()
    await arm()
    const orderId = await placeOrder(t, draft([line("A", kit, 2), line("B", cased, 1)]))
    await eventually(
      "it is taken apart and dies before it reserves",
      async () => {
        const [row] = await t.sql<{ n: number; deaths: number }[]>`
        select (select count(*)::int from events where type = 'order.taken-apart' and data ->> 'orderId' = ${orderId}) as n,
          (select last_value::int from doom_reserving) as deaths`
        return row?.n === 1 && row.deaths > 1
      },
      { withinMs: 60_000 },
    )
    await madeOf({ [can]: 9000 })
    await t.sql`update doom set holds = false`
    await untilState(t, orderId, "released")
    expect(await heldFor(orderId)).toEqual({ [cup]: 4, [tea]: 2, [can]: 6 })
    await shipAll(t, orderId)
    expect(await untilEnded(t, orderId)).toBe("done")
    const [deaths] = await t.sql<{ n: number }[]>`select last_value::int as n from doom_journal`
    await t.sql`drop trigger doom on workflow_journal`
    await t.sql`drop trigger doom on stock_reservations`
    expect(deaths?.n).toBeGreaterThan(2)
    const after = await stock()
    expect(after.map((pieces, n) => (before[n] ?? 0) - pieces)).toEqual([4, 2, 6])
    expect(await heldFor(orderId)).toEqual({})
    expect(
      await t.sql`select from events where type = 'order.taken-apart' and data ->> 'orderId' = ${orderId}`,
    ).toHaveLength(1)
  },
)

/** Every other write of these steps kills its own connection before it commits; a reservation does so for as long as `holds`. */
async function arm(): Promise<void> {
  await t.sql`drop table if exists doom`
  await t.sql`create table doom as select true as holds`
  await t.sql`create sequence if not exists doom_journal`
  await t.sql`create sequence if not exists doom_reserving`
  await t.sql.unsafe(`
    create or replace function doom_at_journal() returns trigger language plpgsql as $$ begin
      if new.entries::text ~ 'kits|reserve stock' and nextval('doom_journal') % 2 = 1 then perform pg_terminate_backend(pg_backend_pid()); end if; return new; end $$;
    create or replace function doom_at_reserving() returns trigger language plpgsql as $$ begin
      if nextval('doom_reserving') > 0 and (select holds from doom) then perform pg_terminate_backend(pg_backend_pid()); end if; return new; end $$;
    create or replace trigger doom before insert on workflow_journal for each row execute function doom_at_journal();
    create or replace trigger doom before insert on stock_reservations for each row execute function doom_at_reserving();`)
}
