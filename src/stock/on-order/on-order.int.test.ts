import fc from "fast-check"
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { eventually } from "../../../test/fixtures/crossdock.ts"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import {
  comingOf,
  type ModelOrder,
  type ModelReceipt,
  type ModelShipment,
} from "../../../test/fixtures/stock/on-order-model.ts"
import { inTransaction } from "../../base/sql.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { EventLog, logStart, type StoredEvent } from "../../eventlog/event-log.ts"
import { Articles } from "../articles/articles.ts"
import { readSignals } from "../replenishment/read-signals.ts"
import { forgetPurchases } from "./forget.ts"
import { onOrderSubscriber } from "./subscriber.ts"

let database: FreshDatabase
let log: EventLog
beforeAll(async () => {
  database = await freshDatabase()
  log = new EventLog(database.sql)
}, 120_000)
afterAll(() => database?.drop())
beforeEach(async () => {
  await database.sql`select rebuild_on_order()`
})

const at = "2026-11-20T10:00:00.000Z"
const days = ["2026-12-01", "2026-12-02", "2026-12-03"]

type Told =
  | ({ kind: "order" } & ModelOrder)
  | { kind: "cancelled"; version: number }
  | ({ kind: "receipt"; n: number } & ModelReceipt)
  | ({ kind: "shipment" } & ModelShipment)

/** The warehouse has the last word on receipts; the books tell them later, too. */
const sources = { warehouse: "wms", books: "erp" }

function eventOf(told: Told, order: string): NewEvent {
  const purchaseOrderId = order
  switch (told.kind) {
    case "order":
      return newEvent({
        type: "purchaseOrder.changed",
        fact: `erp:${order}:${told.version}`,
        source: sources.books,
        time: at,
        data: {
          purchaseOrderId,
          version: told.version,
          placedAt: at,
          changedAt: at,
          lines: told.lines.map(({ lineId, sku, place, ordered, day, isClosed }) => ({
            lineId,
            sku,
            locationId: place,
            orderedMilli: ordered * 1000,
            unit: "ea",
            ...(day === undefined ? {} : { expectedOn: day }),
            ...(isClosed ? { isClosed } : {}),
          })),
        },
      })
    case "cancelled":
      return newEvent({
        type: "purchaseOrder.cancelled",
        fact: `erp:${order}:${told.version}`,
        source: sources.books,
        time: at,
        data: { purchaseOrderId, version: told.version, cancelledAt: at },
      })
    case "receipt":
      return newEvent({
        type: "stock.moved",
        fact: `${order}:receipt:${told.n}`,
        source: told.isBooked ? sources.warehouse : sources.books,
        time: at,
        data: {
          movement: "receipt",
          sku: told.sku,
          locationId: told.place,
          milli: told.units * 1000,
          unit: "ea",
          movedAt: at,
          purchase: {
            purchaseOrderId,
            ...(told.lineId === undefined ? {} : { lineId: told.lineId }),
            ...(told.shipmentId === undefined ? {} : { inboundShipmentId: `${order}-${told.shipmentId}` }),
          },
        },
      })
    case "shipment":
      return newEvent({
        type: "inboundShipment.announced",
        fact: `erp:${order}:${told.id}:${told.version}`,
        source: sources.books,
        time: at,
        data: {
          inboundShipmentId: `${order}-${told.id}`,
          version: told.version,
          announcedAt: at,
          ...(told.day === undefined ? {} : { expectedOn: told.day }),
          lines: told.lines.map(({ sku, place, units }) => ({
            purchaseOrderId,
            sku,
            locationId: place,
            milli: units * 1000,
            unit: "ea",
          })),
        },
      })
  }
}

const reader = () =>
  onOrderSubscriber({
    articles: new Articles(database.sql),
    equations: { [sources.books]: { tells: ["adjustment"] } },
  })

/** Hands events over in parts, as the log's reader does: each part with its position or not at all. A death takes a part back. */
async function keep(events: readonly StoredEvent[], parts: readonly { size: number; dies: boolean }[]): Promise<void> {
  let next = 0
  for (let n = 0; next < events.length; n += 1) {
    const { size, dies } = parts[n % parts.length] ?? { size: 1, dies: false }
    const batch = events.slice(next, next + size)
    if (dies)
      await inTransaction(database.sql, async (tx) => {
        await reader().keep(tx, batch)
        throw new Error("the process died")
      }).catch(() => undefined)
    await inTransaction(database.sql, (tx) => reader().keep(tx, batch))
    next += size
  }
}

let after = logStart
async function stored(events: readonly NewEvent[]): Promise<StoredEvent[]> {
  // One after another, so that the log has them in this order; some come again.
  let news = 0
  for (const event of events) if ((await log.append(event)).isNew) news += 1
  // Readers stop below transactions of other tests on the same server.
  return eventually(`${news} events`, async () => {
    const found = await log.read({ after, limit: 5000 })
    if (found.events.length < news) return undefined
    after = found.last
    return found.events
  })
}

async function coming(order: string): Promise<Map<string, number>> {
  const rows = await database.sql<{ name: string; units: number }[]>`
    select sku || ' ' || location_id || ' ' || coalesce(expected_on::text, '-') || ' '
      || case when is_announced then 'announced' else 'ordered' end as name, sum(milli)::float8 / 1000 as units
    from stock_on_order where order_id = ${order} group by 1`
  return new Map(rows.map(({ name, units }) => [name, units]))
}

const sku = fc.constantFrom("A", "B")
const place = fc.constantFrom("wh", "117")
const units = fc.integer({ min: 1, max: 6 })
const day = fc.option(fc.constantFrom(...days), { nil: undefined })
const lineId = fc.constantFrom("10", "20", "30")

const line = fc.record({ sku, place, ordered: fc.integer({ min: 0, max: 8 }), day, isClosed: fc.boolean() })
const content = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.dictionary(lineId, line, { minKeys: 1 }))
  .map(([version, lines]): Told => ({
    kind: "order",
    version,
    lines: Object.entries(lines).map(([id, one]) => ({ ...one, lineId: id })),
  }))
const receipt = fc.record({
  kind: fc.constant("receipt" as const),
  n: fc.nat(10_000),
  lineId: fc.option(fc.oneof(lineId, fc.constant("90")), { nil: undefined }),
  shipmentId: fc.option(fc.constantFrom("s1", "s2"), { nil: undefined }),
  sku,
  place,
  units,
  isBooked: fc.boolean(),
})
const shipment = fc.record({
  kind: fc.constant("shipment" as const),
  id: fc.constantFrom("s1", "s2"),
  version: fc.integer({ min: 1, max: 4 }),
  day,
  lines: fc.array(fc.record({ sku, place, units }), { maxLength: 3 }),
})
const cancelled = fc.record({ kind: fc.constant("cancelled" as const), version: fc.integer({ min: 1, max: 9 }) })

/** One fact is one version: two contents of one version are none that a system tells. */
const factName = (told: Told): string =>
  told.kind === "receipt"
    ? `r${told.n}`
    : told.kind === "shipment"
      ? `${told.id} ${told.version}`
      : `version ${told.version}`
const all = fc.uniqueArray<Told, string>(
  fc.oneof(
    { weight: 3, arbitrary: content },
    { weight: 6, arbitrary: receipt },
    { weight: 3, arbitrary: shipment },
    { weight: 1, arbitrary: cancelled },
  ),
  { minLength: 1, maxLength: 14, selector: factName },
)
const parts = fc.array(fc.record({ size: fc.integer({ min: 1, max: 5 }), dies: fc.boolean() }), {
  minLength: 1,
  maxLength: 4,
})

let run = 0
test("S-63: what is on order is the same in whatever order, parts and repeats it is told, and through deaths between", async () => {
  await fc.assert(
    fc.asyncProperty(all, fc.array(fc.nat(13)), parts, async (told, again, cut) => {
      const order = `PO-${process.pid}-${(run += 1)}`
      const repeated = [...told, ...again.flatMap((n) => told[n] ?? [])]
      await keep(await stored(repeated.map((one) => eventOf(one, order))), cut)
      const expected = comingOf({
        contents: told.filter((one) => one.kind === "order"),
        cancelledVersions: told.filter((one) => one.kind === "cancelled").map(({ version }) => version),
        receipts: told.filter((one) => one.kind === "receipt"),
        shipments: told.filter((one) => one.kind === "shipment"),
      })
      expect(await coming(order)).toEqual(expected)
    }),
    { numRuns: 100 },
  )
}, 300_000)

test("S-63: an over-delivery closes its line and no other, and a receipt of an order that nobody knows waits for it", async () => {
  const order = `PO-over-${process.pid}`
  const lines = [
    { lineId: "10", sku: "A", place: "wh", ordered: 10, day: days[0] ?? "" },
    { lineId: "20", sku: "A", place: "wh", ordered: 5, day: days[1] ?? "" },
  ]
  const came = { kind: "receipt", n: 1, lineId: "10", sku: "A", place: "wh", units: 12, isBooked: true } as const
  await keep(await stored([eventOf(came, order)]), [{ size: 1, dies: false }])
  expect(await coming(order)).toEqual(new Map())
  await keep(await stored([eventOf({ kind: "order", version: 1, lines }, order)]), [{ size: 1, dies: false }])
  expect(await coming(order)).toEqual(new Map([["A wh 2026-12-02 ordered", 5]]))
})

test("orders of which nothing is open go two years after the last of them, with their receipts and notices; what is open stays", async () => {
  const name = (of: string) => `PO-${of}-${process.pid}`
  const line = { lineId: "10", sku: "OLD", place: "wh", ordered: 5 }
  const placed = (of: string) => eventOf({ kind: "order", version: 1, lines: [line] }, name(of))
  const came = (of: string, units: number, n = 1) =>
    eventOf({ kind: "receipt", n, lineId: "10", sku: "OLD", place: "wh", units, isBooked: true }, name(of))
  const later = (event: NewEvent) =>
    ({ ...event, data: { ...event.data, movedAt: "2026-11-25T10:00:00Z" } }) as NewEvent
  const notice = (of: string) =>
    eventOf(
      { kind: "shipment", id: "s1", version: 1, day: days[0] ?? "", lines: [{ sku: "OLD", place: "wh", units: 5 }] },
      name(of),
    )
  const told = [
    [placed("whole"), came("whole", 5), notice("whole")],
    [placed("open"), came("open", 3), notice("open")],
    [placed("late"), came("late", 4), later(came("late", 1, 2))],
    [came("nobodys", 2), notice("nobodys")],
  ].flat()
  await keep(await stored(told), [{ size: 5, dies: false }])
  const left = async () => {
    const rows = await database.sql<{ name: string }[]>`
      select 'order ' || order_id as name from purchase_orders union select 'line ' || order_id from purchase_order_lines
      union select 'receipt ' || order_id from purchase_order_receipts union select 'notice ' || shipment_id from inbound_shipments
      union select 'announced ' || order_id from inbound_shipment_lines order by 1`
    return rows.map((row) => row.name.replace(`-${process.pid}`, "").replace("PO-", ""))
  }
  const open = ["announced open", "line open", "notice open-s1", "order open", "receipt open"]
  const two = 2 * 366 * 86_400_000
  const before = await left()
  await forgetPurchases(database.sql, Date.parse(at) + two)
  expect(await left()).toEqual(before)
  // A second after what came last of most, and before the last receipt of one. The notice of nobody's order is of a later day.
  await forgetPurchases(database.sql, Date.parse(at) + two + 1000)
  const late = ["line late", "order late", "receipt late"]
  expect(await left()).toEqual([...open, ...late, "announced nobodys", "notice nobodys-s1"].sort())
  await forgetPurchases(database.sql, Date.parse("2027-01-01T00:00:00Z") + two)
  expect(await left()).toEqual(open)
  expect(await coming(name("open"))).toEqual(new Map([["OLD wh 2026-12-01 announced", 2]]))
})

test("S-63: the lead time is measured from the order to the last receipt of a complete line", async () => {
  const told = (n: number, receivedAt: string) => {
    const order = `PO-lead-${process.pid}-${n}`
    const lines = [{ lineId: "10", sku: "LEAD", place: "wh", ordered: 4 }]
    const placed = eventOf({ kind: "order", version: 1, lines }, order)
    const came = eventOf(
      { kind: "receipt", n, lineId: "10", sku: "LEAD", place: "wh", units: 4, isBooked: true },
      order,
    )
    return [placed, { ...came, data: { ...came.data, movedAt: receivedAt } } as NewEvent]
  }
  const events = [
    ...told(1, "2026-11-22T10:00:00Z"),
    ...told(2, "2026-11-24T10:00:00Z"),
    ...told(3, "2026-11-30T10:00:00Z"),
  ]
  await keep(await stored(events), [{ size: 4, dies: false }])
  await keep(
    await stored([
      eventOf(
        { kind: "order", version: 1, lines: [{ lineId: "1", sku: "LEAD", place: "wh", ordered: 7 }] },
        `PO-lead-open-${process.pid}`,
      ),
    ]),
    [{ size: 1, dies: false }],
  )
  const { items } = await readSignals(
    database.sql,
    { sku: "LEAD", limit: 10 },
    { nowMs: Date.parse(at), declaredMs: () => 86_400_000 },
  )
  expect(items).toHaveLength(1)
  expect(items[0]).toMatchObject({
    onOrder: { milli: 7000, announcedMilli: 0 },
    leadTime: { count: 3, medianDays: 4, p90Days: 8.8, declaredDays: 1 },
  })
})
