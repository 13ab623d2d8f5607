import { Registry } from "prom-client"
import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "./fixtures/database.ts"
import { fillWithOrders, orderIdAt } from "./fixtures/volume/many-orders.ts"
import { planOf, recording } from "./fixtures/volume/plans.ts"
import { createLog } from "../src/base/log.ts"
import type { Sql } from "../src/base/sql.ts"
import { dayAfter, instant, systemClock } from "../src/base/time.ts"
import { whyFigures } from "../src/areas/figures/why.ts"
import { EventLog, logStart } from "../src/eventlog/event-log.ts"
import { Inbox } from "../src/eventlog/inbox.ts"
import { Retention } from "../src/governance/retention.ts"
import { listEffects } from "../src/operations/effect-list.ts"
import { listAlerts } from "../src/operations/alerts/read.ts"
import { silenceSource } from "../src/operations/alerts/silent-channels.ts"
import { countKept } from "../src/operations/promises/accuracy.ts"
import { readBudget } from "../src/operations/promises/budget.ts"
import { explainScope, listMissed } from "../src/operations/promises/missed.ts"
import { predictMisses } from "../src/operations/promises/predict.ts"
import { readPromises } from "../src/operations/promises/read.ts"
import type { NamedPromise } from "../src/rules/promises/definition.ts"
import { ExceptionDesk } from "../src/operations/exceptions/desk.ts"
import { readWindow } from "../src/eventlog/deliveries/stored-deliveries.ts"
import { readOperations } from "../src/operations/bulk/reads.ts"
import { readFilters } from "../src/operations/exceptions/filters.ts"
import { listGroupRules, rulesOfGroup } from "../src/operations/groups/rules.ts"
import { findGroup, listGroups } from "../src/operations/groups/groups.ts"
import { readOrderKpis } from "../src/operations/live-figures.ts"
import { lastDay, readKpis } from "../src/operations/kpis/answer.ts"
import { readBacklogAges, readBusinessStates } from "../src/operations/kpis/business-states.ts"
import { mondayOf, weeklyReport } from "../src/operations/report/weekly.ts"
import { readSameHours } from "../src/operations/why/same-hours.ts"
import { casesOpened, outagesTold } from "../src/operations/why/signals.ts"
import { orderLineage } from "../src/operations/lineage/order-lineage.ts"
import { OrderBook } from "../src/operations/order-book.ts"
import { workOf } from "../src/operations/places/work.ts"
import { changesAfter, endOfLog, operationStates } from "../src/operations/stream/changes.ts"
import { heldLines } from "../src/stock/views/held.ts"
import { createAvailability } from "../src/stock/availability.ts"
import { articleStock } from "../src/stock/views/article-stock.ts"
import { ledgerEntries } from "../src/stock/views/ledger-entries.ts"
import { traceOrder } from "../src/operations/trace/trace.ts"
import { readStockCounts } from "../src/stock/counts.ts"
import type { StockChannel } from "../src/publishing/policies.ts"
import { channelViews, publishedPage } from "../src/publishing/read.ts"
import { PublishedRows } from "../src/publishing/rows.ts"
import { registerDuplicates } from "../src/eventlog/gauges/duplicates.ts"
import { registerHeldBack } from "../src/eventlog/gauges/held-back.ts"
import { registerMissedEvents } from "../src/eventlog/gauges/missed-events.ts"

// What operators read, statement by statement, on tables as a retailer's: none reads a big table whole, and the number of pages
// one looks at does not depend on how many rows there are.

const orders = 40_000
const pagesMost = 500
// These look at a fixed number of the newest rows, or at every table's size.
const pagesMostOf: Readonly<Record<string, number>> = {
  "/v1/effects?connection=…": 2500,
  "/v1/effects?outcome=under way": 2500,
  "/metrics, missed events": 4000,
  "/metrics, duplicates": 1000,
  "/v1/retention": 6000,
  // Rows that are not as they should be, one by one: they are few.
  "/v1/channels": 2500,
  "/v1/promise-budget": 1000,
  "/v1/kpis/figures, promises of a year": 1000,
  "/v1/reports/weekly": 1000,
  // One look-up by index for each hour of nine weeks and each counter, however many orders there are.
  "/v1/why, of a week": 12_000,
}
const growing =
  /^(events|inbox|inbox_bodies|objects|object_links|workflow_(?:instances|journal|signals)|exceptions|event_facts|figure_objects|figures|business_states|stock_ledger|published_rows|promise_orders|promise_outcomes)(_|$)/

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
  await fillWithOrders(database.sql, orders)
}, 180_000)
afterAll(() => database?.drop())

const id = orderIdAt(orders / 2)
const about = `order/${id}` as const

const shipped: NamedPromise = { name: "shipped", of: "order shipped", within: { days: 2 }, target: 0.99 }
const promised = (sql: Sql) => ({ sql, clock: systemClock, build: "b" })

const reads: Record<string, (sql: Sql) => Promise<unknown>> = {
  "/v1/kpis": (sql) => readOrderKpis(sql, { hours: 24, finals: ["closed", "cancelled", "refused"] }),
  "/v1/kpis/figures": (sql) => readKpis(figuresOn(sql), lastDay(systemClock)),
  "/v1/kpis/figures?by=channel": (sql) => readKpis(figuresOn(sql), { ...lastDay(systemClock), by: "channel" }),
  "/v1/kpis/figures, one channel's": (sql) => readKpis(figuresOn(sql), { ...lastDay(systemClock), channels: ["shop"] }),
  "/v1/kpis/figures, promises of a year": (sql) =>
    readKpis(figuresOn(sql), { ...lastDay(systemClock), since: ago(399), figures: ["order promise accuracy"] }),
  "/v1/reports/weekly": (sql) =>
    weeklyReport(
      { ...figuresOn(sql), targets: {}, read: (asked) => readKpis(figuresOn(sql), asked) },
      dayAfter(mondayOf(systemClock.now(), "Europe/Amsterdam"), -7),
    ),
  "/v1/why": (sql) => whyOn(sql, ago(3 / 24)),
  "/v1/why, of a week": (sql) => whyOn(sql, ago(7)),
  "/v1/business-states": (sql) => readBusinessStates(sql, { since: lastDay(systemClock).since }),
  "/v1/business-states?kind=order": (sql) => readBacklogAges(sql, { kind: "order" }),
  "/v1/orders": (sql) => new OrderBook(sql).list({ limit: 26 }),
  "/v1/orders?state=closed": (sql) => new OrderBook(sql).list({ limit: 26, state: "closed" }),
  "/v1/orders?state=accepted": (sql) => new OrderBook(sql).list({ limit: 26, state: "accepted" }),
  "/v1/orders/{id}/lineage": (sql) => orderLineage(sql, id),
  "/v1/orders/{id}": (sql) => new OrderBook(sql).find(id),
  "/v1/orders/{id}/trace": (sql) => traceOrder(sql, new OrderBook(sql), { id }),
  "/v1/orders/{id}/trace?after=…": (sql) =>
    traceOrder(sql, new OrderBook(sql), { id, after: "2026-11-20T00:00:00.000Z" }),
  "/v1/stream": (sql) => changesAfter(sql, logStart),
  "/v1/stream, its end": (sql) => endOfLog(sql),
  "/v1/stream, operations": (sql) => operationStates(sql, 1),
  "/v1/locations/{id}/work": (sql) => workOf(sql, [{ orderId: id, sku: "S", heldMilli: 1, reservedAt: "" }]),
  "/v1/reservations?sku=…": (sql) => heldLines(sql, { sku: "SKU-00001", limit: 51 }),
  "/v1/stock/{sku}": (sql) =>
    articleStock({ sql, availability: createAvailability(sql) }, { sku: "SKU-00001", channels: ["shop"] }),
  "/v1/availability": (sql) => createAvailability(sql).query([{ sku: "SKU-00001", channel: "shop" }]),
  "/v1/stock-movements": (sql) => ledgerEntries(sql, { sku: "SKU-00001", locationId: "wh", limit: 20 }),
  "/v1/channels": (sql) => channelViews(sql, [{ ...shop, aspect: "stock" }], ago(0)),
  "/v1/channels/{channel}/published": (sql) => publishedPage(sql, "shop", { filter: {}, limit: 51 }),
  "/v1/channels/{channel}/published?state=held": (sql) =>
    publishedPage(sql, "shop", { filter: { state: "held" }, limit: 51 }),
  "/v1/channels/{channel}/published?sku=…": (sql) =>
    publishedPage(sql, "shop", { filter: { item: "SKU-20000" }, limit: 51 }),
  "publishing: what there is to do": (sql) =>
    new PublishedRows(sql, "stock").candidates("shop", { now: ago(0), limit: 1000, onlyMarked: false }),
  "/v1/events": (sql) => new EventLog(sql).read({ after: logStart, limit: 100 }),
  "/v1/events?type=…": (sql) => new EventLog(sql).read({ after: logStart, limit: 100, types: ["order.edited"] }),
  "/v1/events?key=…": (sql) => new EventLog(sql).readKey(about),
  "/v1/effects": (sql) => listEffects(sql, { limit: 26 }),
  "/v1/effects?outcome=done": (sql) => listEffects(sql, { limit: 26, outcome: "done" }),
  "/v1/effects?outcome=rejected": (sql) => listEffects(sql, { limit: 26, outcome: "rejected" }),
  "/v1/effects?outcome=under way": (sql) => listEffects(sql, { limit: 26, outcome: "under way" }),
  "/v1/effects?connection=…": (sql) => listEffects(sql, { limit: 26, connection: "nobody's" }),
  "/v1/effects?workflow=…": (sql) => listEffects(sql, { limit: 26, workflow: "nobody's" }),
  "/v1/effects?key=…": (sql) => listEffects(sql, { limit: 26, key: id }),
  "/v1/exceptions": (sql) => deskOn(sql).list({ limit: 26 }),
  "/v1/exceptions?state=open": (sql) => deskOn(sql).list({ limit: 26, state: "open" }),
  "/v1/exceptions?orderId=…": (sql) => deskOn(sql).list({ limit: 26, orderId: id }),
  "/v1/exceptions?group=…": (sql) => deskOn(sql).list({ limit: 26, group: "grp_0123456789abcdef" }),
  "/v1/exception-filters": (sql) => readFilters(sql, {}),
  "/v1/exception-group-rules": (sql) => listGroupRules(sql),
  "/v1/exception-groups/{id}, its rules": (sql) => rulesOfGroup(sql, "grp_0123456789abcdef"),
  "/v1/operations": (sql) => readOperations({ sql, clock: systemClock }, { limit: 26 }),
  "a replay of a window": (sql) =>
    readWindow(
      sql,
      { connection: "shopify", from: "2026-11-20T10:00:00Z", to: "2026-11-20T11:00:00Z" },
      { after: 0, limit: 200 },
    ),
  "/v1/kpis, money at risk": (sql) => deskOn(sql).atRisk(),
  "/v1/exception-groups": (sql) => listGroups({ sql, clock: systemClock }, {}),
  "/v1/exception-groups?owner=…": (sql) => listGroups({ sql, clock: systemClock }, { owner: "nobody" }),
  "/v1/promises": (sql) => readPromises(promised(sql), [shipped]),
  "/v1/promises, of channels": (sql) => readPromises(promised(sql), [shipped], { channels: ["shop"] }),
  "/v1/promises/{name}/missed": (sql) => listMissed(promised(sql), shipped, { limit: 50 }),
  "/v1/promise-budget": (sql) => readBudget(promised(sql), [shipped]),
  "alerts: what a missed promise has in common": (sql) => explainScope(promised(sql), shipped, ["DE", "shop"]),
  "alerts: likely misses": (sql) => predictMisses(promised(sql), shipped),
  "alerts: silence of orders": (sql) => silenceSource({ sql, clock: systemClock }, ["shop"]).read(),
  "/v1/alerts": (sql) => listAlerts(sql, { limit: 50 }),
  "/v1/exception-groups/{id}": (sql) => findGroup({ sql, clock: systemClock }, "grp_0123456789abcdef", {}),
  "/metrics, missed events": (sql) => collect((registry) => registerMissedEvents(registry, sql)),
  "/metrics, duplicates": (sql) => collect((registry) => registerDuplicates(registry, sql)),
  "/metrics, events held back": (sql) => collect((registry) => registerHeldBack(registry, sql)),
  "/v1/retention": (sql) => new Retention(sql, systemClock, {}).report(),
}

const shop: StockChannel = {
  channel: "shop",
  connection: "shop",
  places: [{ locationId: "wh", shows: "place" }],
  foreign: "restore",
  isDryRun: false,
  auditWithinMs: 86_400_000,
  withdrawAtMostPercent: 2,
}

const figuresOn = (sql: Sql) => ({
  sql,
  clock: systemClock,
  timeZone: "Europe/Amsterdam",
  regionOf: () => "",
  stockCounts: (since: string, until: string) => readStockCounts(sql, { since, until }),
  promiseCounts: (asked: Parameters<typeof countKept>[2]) => countKept(promised(sql), [shipped], asked),
})

const ago = (days: number) => instant(systemClock.now() - days * 86_400_000)

/** All that "why is revenue down?" reads of the database. */
async function whyOn(sql: Sql, from: string): Promise<void> {
  const [to, timeZone] = [ago(0), "Europe/Amsterdam"]
  await readSameHours(sql, whyFigures, { from, to, weeks: 8, timeZone })
  await casesOpened(sql, { from, to })
  await outagesTold(sql, { from, to })
  await readBusinessStates(sql, { kind: "order", since: to })
}

async function collect(register: (registry: Registry) => void): Promise<void> {
  const registry = new Registry()
  register(registry)
  await registry.metrics()
}

function deskOn(sql: Sql): ExceptionDesk {
  const eventLog = new EventLog(sql)
  const inbox = new Inbox({
    sql,
    log: createLog("test", "silent"),
    clock: systemClock,
    eventLog,
    translate: () => ({ events: [] }),
  })
  return new ExceptionDesk({ sql, eventLog, inbox, clock: systemClock, actions: [] })
}

for (const [name, read] of Object.entries(reads))
  test(`${name} finds what it shows by index`, async () => {
    const statements = await recording(database.sql, read)
    expect(statements.length).toBeGreaterThan(0)
    for (const statement of statements) {
      const plan = await planOf(database.sql, statement)
      const read = {
        statement: statement.text,
        whole: plan.readWhole.filter((table) => growing.test(table)),
        isWide: plan.pages > (pagesMostOf[name] ?? pagesMost),
      }
      expect(read, `${plan.pages} pages`).toEqual({ statement: statement.text, whole: [], isWide: false })
    }
  })
