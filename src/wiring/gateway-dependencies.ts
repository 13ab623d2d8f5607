import { setting } from "../base/config.ts"
import { Registry, collectDefaultMetrics, Gauge } from "prom-client"
import { type Sql } from "../base/sql.ts"
import type { Connections } from "../effects/connections.ts"
import { type Connection } from "../effects/connections.ts"
import { stockConnectionId } from "../estate.ts"
import type { GatewayDependencies } from "../gateway/dependencies.ts"
import { apiVersions, Versions } from "../gateway/phases/versions.ts"
import type { Access } from "../governance/access.ts"
import type { Consumers } from "../governance/consumers.ts"
import { IdempotencyKeys } from "../governance/idempotency-keys.ts"
import { ReplayGuard } from "../governance/replay-guard.ts"
import { ExceptionDesk } from "../operations/exception-desk.ts"
import { readFigures, readKpis } from "../operations/kpis.ts"
import { listEffects } from "../operations/effect-list.ts"
import { OrderBook } from "../operations/order-book.ts"
import { traceOrder } from "../operations/trace.ts"
import { createAvailability } from "../stock/availability.ts"
import { createStockLedger } from "../stock/stock-ledger.ts"
import { own } from "../base/lookup.ts"
import { registerHeldBack } from "./held-back.ts"
import { registerMissedEvents } from "./missed-events.ts"
import type { Parts } from "./parts.ts"

/** What the gateway needs, from the real modules. */
export function gatewayDependencies(parts: Parts, consumers: Consumers, access: Access): GatewayDependencies {
  const { sql, clock, log, eventLog, inbox, connections, estate, reservations } = parts
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const orderBook = new OrderBook(sql)
  const desk = new ExceptionDesk({ sql, eventLog, inbox, clock })
  registerGauges(registry, { sql, orderBook, desk })
  return {
    clock,
    log,
    registry,
    settings: { nodeCount: Number(setting("CROSSDOCK_GATEWAYS") ?? 1), title: "Crossdock" },
    versions: new Versions(apiVersions),
    access,
    consumers,
    idempotencyKeys: new IdempotencyKeys(sql),
    replayGuard: new ReplayGuard(sql, clock),
    inbox,
    eventLog,
    receiver: (id) => {
      const receivesDeliveries = connections.has(id) ? connections.get(id).connected.receivesDeliveries : undefined
      const retryHorizonMs = own(estate.connections, id)?.retryHorizonMs
      return receivesDeliveries
        ? { receivesDeliveries, ...(retryHorizonMs === undefined ? {} : { retryHorizonMs }) }
        : undefined
    },
    orders: {
      find: (id) => orderBook.find(id),
      list: (request) => orderBook.list(request),
      trace: (id) => traceOrder(sql, orderBook, id),
    },
    stock: { reservations, availability: createAvailability(sql), ledger: createStockLedger(sql) },
    effects: { list: (request) => listEffects(sql, request) },
    connections: connectionViews(connections),
    exceptions: desk,
    kpis: (sinceHours) => readKpis(sql, sinceHours),
    readiness: async () => [
      {
        name: "database",
        isReady: await sql`select 1`.then(
          () => true,
          () => false,
        ),
      },
    ],
  }
}

function connectionViews(connections: Connections): GatewayDependencies["connections"] {
  const view = ({ id, connector, apiVersion, gate, connected }: Connection) => ({
    id,
    connector,
    apiVersion,
    capabilities: Object.keys(connected).filter((name) => !["check", "close"].includes(name)),
    ...gate.state,
    callsUnderWay: gate.pacing.busyCount,
    callsWaiting: gate.pacing.waitingCount,
  })
  const change = async (id: string, isPaused: boolean, act: { by: string; reason?: string }) => {
    if (!connections.has(id)) return undefined
    await connections.setPaused(id, { isPaused, by: act.by, reason: act.reason ?? "" })
    return view(connections.get(id))
  }
  return {
    list: () => Promise.resolve(connections.all.filter(({ id }) => id !== stockConnectionId).map(view)),
    find: (id) => Promise.resolve(connections.has(id) ? view(connections.get(id)) : undefined),
    pause: (id, act) => change(id, true, act),
    resume: (id, act) => change(id, false, act),
  }
}

function registerGauges(registry: Registry, reads: { sql: Sql; orderBook: OrderBook; desk: ExceptionDesk }): void {
  const orders = new Gauge({
    name: "crossdock_orders",
    help: "Orders of the last 24 hours by business state.",
    labelNames: ["state"],
    registers: [registry],
    collect: async () => {
      orders.reset()
      for (const [state, count] of Object.entries(await reads.orderBook.countByState())) orders.set({ state }, count)
    },
  })
  const exceptions: Gauge = new Gauge({
    name: "crossdock_exceptions_open",
    help: "Exceptions that wait for a decision.",
    registers: [registry],
    collect: async () => {
      exceptions.set(await reads.desk.countOpen())
    },
  })
  const parked = new Gauge({
    name: "crossdock_inbox_rows",
    help: "Deliveries by what became of them.",
    labelNames: ["connection", "state"],
    registers: [registry],
    collect: async () => {
      const deliveries = (await readFigures(reads.sql, 24)).get("deliveries") ?? new Map<string, number>()
      parked.reset()
      for (const [label, count] of deliveries) {
        const [connection = "", state = ""] = label.split("|")
        parked.set({ connection, state }, count)
      }
    },
  })
  registerDuplicates(registry, reads.sql)
  registerMissedEvents(registry, reads.sql)
  registerHeldBack(registry, reads.sql)
}

/** The dedupe report in figures: ids are left out of the reasons, so that their number stays small. */
function registerDuplicates(registry: Registry, sql: Sql): void {
  const duplicates = new Gauge({
    name: "crossdock_duplicates_stopped",
    help: "Deliveries of the last hour that told nothing new, by why.",
    labelNames: ["connection", "reason"],
    registers: [registry],
    collect: async () => {
      const rows = await sql<{ connection: string; reason: string; count: number }[]>`
        select connection, regexp_replace(coalesce(reason, ''), '[0-9]+', 'n', 'g') as reason, count(*) as count from inbox
        where state = 'duplicate' and received_at > now() - interval '1 hour' group by 1, 2`
      duplicates.reset()
      for (const { connection, reason, count } of rows) duplicates.set({ connection, reason }, count)
    },
  })
}
