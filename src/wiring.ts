import { Registry, collectDefaultMetrics, Gauge } from "prom-client"
import { AppError } from "./base/errors.ts"
import type { Log } from "./base/log.ts"
import { openSql, type Sql } from "./base/sql.ts"
import { epochMs, instant, systemClock, type Clock } from "./base/time.ts"
import { newEvent } from "./canonical/events.ts"
import { Connections, type Connection } from "./effects/connections.ts"
import { EffectLedger } from "./effects/ledger.ts"
import { assertSettings, checkEstate, findRoute, stockConnectionId, type Estate } from "./estate.ts"
import { Backstop } from "./eventlog/backstop.ts"
import { EventLog } from "./eventlog/event-log.ts"
import { Inbox } from "./eventlog/inbox.ts"
import { Subscriptions, type Failure } from "./eventlog/subscriptions.ts"
import { Translator } from "./eventlog/translator.ts"
import { createGateway } from "./gateway/create-gateway.ts"
import { translateApiDelivery } from "./gateway/api-deliveries.ts"
import type { GatewayDependencies } from "./gateway/dependencies.ts"
import { apiVersions, Versions } from "./gateway/phases/versions.ts"
import { Access } from "./governance/access.ts"
import { Consumers } from "./governance/consumers.ts"
import { IdempotencyKeys } from "./governance/idempotency-keys.ts"
import { ReplayGuard } from "./governance/replay-guard.ts"
import { ExceptionDesk, exceptionSubscriber } from "./operations/exception-desk.ts"
import { readKpis } from "./operations/kpis.ts"
import { listEffects } from "./operations/effect-list.ts"
import { OrderBook, orderBookSubscriber } from "./operations/order-book.ts"
import { traceOrder } from "./operations/trace.ts"
import type { Connected } from "./ports/connector.ts"
import type { Delivery, Translation } from "./ports/capabilities.ts"
import { createAvailability } from "./stock/availability.ts"
import { createReservations } from "./stock/reservations.ts"
import { reservesStock } from "./stock/reserves-stock.ts"
import { createStockLedger } from "./stock/stock-ledger.ts"
import { dispatchSubscriber } from "./workflows/dispatch.ts"
import { fulfilOrder } from "./workflows/fulfil-order.ts"
import type { OrderPolicies } from "./workflows/order/policies.ts"
import { assertNothingStranded } from "./workflows/stranded.ts"
import { Runner } from "./workflows/runner.ts"
import { Restate, serveWorkflows } from "./workflows/service.ts"
import { Waker } from "./workflows/wake.ts"

export type Role = "gateway" | "worker"

interface WiringOptions {
  estate: Estate
  databaseUrl: string
  restateIngressUrl: string
  restateAdminUrl: string
  log: Log
  roles: readonly Role[]
  /** Where the gateway listens; 0 = any free port. */
  host: string
  port: number
  /** Where Restate reaches this worker. Keep it the same over restarts: invocations under way go on at their address. */
  workerHost: string
  workerPort: number
  workerUrl?: string
  /** Sets this estate's services apart in a Restate that others use too. */
  restateNamespace?: string
  clock?: Clock
}

/** A running Crossdock. */
export interface Crossdock {
  gatewayUrl: string | undefined
  consumers: Consumers
  access: Access
  sql: Sql
  connections: Connections
  stop(): Promise<void>
}

const workflows = [fulfilOrder]

/** Puts all parts together and starts the roles asked for. The only place that knows every module. */
export async function startCrossdock(options: WiringOptions): Promise<Crossdock> {
  const { estate, log, roles } = options
  const clock = options.clock ?? systemClock
  assertSettings(estate)
  const sql = openSql(options.databaseUrl, { connectionsMax: 12, name: "crossdock" })
  const eventLog = new EventLog(sql)
  const inbox = new Inbox(sql)
  const connections = new Connections(sql, log)
  const reservations = createReservations(sql)
  connectAll(connections, estate, { clock, log })
  addStockConnection(connections, reservations)
  checkEstate(estate, new Map(connections.all.map((connection) => [connection.id, connection.connected])), workflows)
  await connections.start()
  await connections.restoreBreakers()
  const translator = new Translator({ sql, log, clock, inbox, eventLog, translate: translateBy(connections) })
  const restate = new Restate(options.restateIngressUrl, options.restateAdminUrl, options.restateNamespace)
  const parts = { ...options, clock, sql, eventLog, inbox, connections, translator, restate, reservations }
  const stops: (() => Promise<void>)[] = []
  if (roles.includes("worker")) stops.push(await startWorker(parts))
  const consumers = new Consumers(sql)
  const access = new Access({ consumers, clock, log })
  let gatewayUrl: string | undefined
  if (roles.includes("gateway")) {
    const gateway = createGateway(gatewayDependencies(parts, consumers, access))
    gatewayUrl = await gateway.listen({ host: options.host, port: options.port })
    stops.unshift(() => gateway.close().then(() => undefined))
  }
  return {
    gatewayUrl,
    consumers,
    access,
    sql,
    connections,
    stop: async () => {
      for (const stop of stops) await stop()
      await access.close().catch(() => undefined)
      connections.stop()
      restate.close()
      await sql.end({ timeout: 2 })
    },
  }
}

type Parts = WiringOptions & {
  clock: Clock
  sql: Sql
  eventLog: EventLog
  inbox: Inbox
  connections: Connections
  translator: Translator
  restate: Restate
  reservations: ReturnType<typeof createReservations>
}

function connectAll(connections: Connections, estate: Estate, context: { clock: Clock; log: Log }): void {
  for (const [id, { connector, settings, rate }] of Object.entries(estate.connections)) {
    // Settings were checked against this very schema by assertSettings.
    const connected: Connected = connector.connect(settings as never, { ...context, connectionId: id })
    const { name, apiVersion, timeoutMs } = connector
    connections.add({ id, connector: name, apiVersion, timeoutMs, connected, rate: { ...connector.rate, ...rate } })
  }
}

function addStockConnection(connections: Connections, reservations: ReturnType<typeof createReservations>): void {
  connections.add({
    id: stockConnectionId,
    connector: "crossdock",
    apiVersion: "1",
    timeoutMs: 10_000,
    connected: { reservesStock: reservesStock(reservations), check: () => Promise.resolve(), close: () => undefined },
    // Requests are batched in the database; this only bounds what is under way.
    rate: { concurrencyMax: 2000 },
  })
}

function translateBy(connections: Connections): (delivery: Delivery) => Translation {
  const versions = new Versions(apiVersions)
  return (delivery) => {
    if (delivery.connection.startsWith("api:")) return translateApiDelivery(delivery, versions)
    return connections.capability(delivery.connection, "receivesDeliveries").translate(delivery)
  }
}

async function startWorker(parts: Parts): Promise<() => Promise<void>> {
  const { estate, sql, log, clock, eventLog, inbox, connections, restate, translator } = parts
  const ledger = new EffectLedger(sql, eventLog)
  await assertNothingStranded(sql, workflows)
  const runner = new Runner({
    ledger,
    connections,
    clock,
    log,
    workflows,
    route: (capability, scope) => findRoute(estate, capability, scope),
    policies: orderPolicies(parts),
  })
  const service = await serveWorkflows({
    runner,
    workflows,
    host: parts.workerHost,
    port: parts.workerPort,
    log,
    ...(parts.restateNamespace === undefined ? {} : { namespace: parts.restateNamespace }),
  })
  await restate.register(parts.workerUrl ?? `http://${parts.workerHost}:${service.port}`)
  const subscriptions = new Subscriptions({
    sql,
    log,
    eventLog,
    onParked: (name, failure) => tellParked(parts, name, failure),
  })
  await subscriptions.start(dispatchSubscriber(workflows, ledger, restate))
  await subscriptions.start(orderBookSubscriber(sql))
  await subscriptions.start(exceptionSubscriber(sql))
  const waker = new Waker({ sql, log, connections, restate })
  const backstop = new Backstop({
    sql,
    log,
    clock,
    inbox,
    eventLog,
    connections: polledConnections(estate, connections),
  })
  translator.start()
  waker.start()
  backstop.start()
  const upkeep = startUpkeep(parts)
  return async () => {
    clearInterval(upkeep)
    await Promise.all([translator.stop(), waker.stop(), backstop.stop(), subscriptions.stop()])
    await service.stop()
  }
}

/** What has to be done now and then: partitions for the months ahead, soft holds that ran out. */
function startUpkeep({ sql, clock, reservations, log }: Parts): NodeJS.Timeout {
  const upkeep = async () => {
    await sql`select ensure_event_partitions(${instant(clock.now())}::timestamptz)`
    while ((await reservations.expireDue(500)).length === 500);
  }
  return setInterval(() => {
    upkeep().catch((error: unknown) => log.debug({ err: error }, "upkeep did not finish; it is tried again"))
  }, 5000)
}

async function tellParked({ eventLog, clock }: Parts, name: string, { event, error }: Failure): Promise<void> {
  const at = instant(clock.now())
  const exceptionId = `parked:${name}:${event.key}`.replaceAll(/[^A-Za-z0-9:_-]+/g, "-").slice(0, 64)
  await eventLog.append(
    newEvent({
      type: "exception.opened",
      fact: `subscription:${name}:${event.position.xid}-${event.position.seq}`,
      source: "crossdock:subscriptions",
      time: at,
      data: {
        exceptionId,
        subject: event.key,
        cause: "event cannot be handled",
        summary:
          `"${name}" cannot handle ${event.type} of ${event.key}: ${error instanceof Error ? error.message : String(error)}`.slice(
            0,
            1000,
          ),
        doneSoFar: [],
        ifNobodyActs: "events of this one object wait; all others go on",
        allowedActions: ["acknowledge"],
        owner: "integration",
        at,
      },
    }),
  )
}

function polledConnections(estate: Estate, connections: Connections) {
  return Object.entries(estate.connections).flatMap(([id, { pollEveryMs }]) => {
    const connection = connections.get(id)
    const { listsChanges, receivesDeliveries } = connection.connected
    if (pollEveryMs === undefined || !listsChanges || !receivesDeliveries) return []
    return [
      {
        id,
        everyMs: pollEveryMs,
        listsChanges,
        translate: (delivery: Delivery) => receivesDeliveries.translate(delivery),
        read: <Result>(work: () => Promise<Result>) => connection.gate.pass("service", work),
      },
    ]
  })
}

const backlogFreshForMs = 5000

function orderPolicies({ estate, sql, clock }: Parts): OrderPolicies {
  const availability = createAvailability(sql)
  let openParcels = { readAtMs: 0, byLocation: new Map<string, number>() }
  const readOpenParcels = async () => {
    if (clock.now() - openParcels.readAtMs > backlogFreshForMs) {
      const rows = await sql<{ location: string; count: number }[]>`
        select location_id as location, count(distinct reservation_id) as count from stock_reservation_lines
        where held_milli > 0 and location_id <> '' group by 1`
      openParcels = { readAtMs: clock.now(), byLocation: new Map(rows.map((row) => [row.location, row.count])) }
    }
    return openParcels.byLocation
  }
  return {
    ...estate.orders,
    locations: async () => {
      const busy = await readOpenParcels()
      return estate.locations.map(({ capacityPerDay, timeZone: _zone, ...location }) => ({
        ...location,
        capacityLeft: Math.max(0, capacityPerDay - (busy.get(location.id) ?? 0)),
      }))
    },
    freeStock: async (skus) => {
      const questions = skus.flatMap((sku) => estate.locations.map((location) => ({ sku, locationId: location.id })))
      const answers = await availability.query(questions)
      const free = new Map<string, Map<string, number>>()
      for (const answer of answers) {
        const byLocation = free.get(answer.sku) ?? new Map<string, number>()
        byLocation.set(answer.locationId ?? "", answer.onHandMilli - answer.reservedMilli)
        free.set(answer.sku, byLocation)
      }
      return free
    },
  }
}

function gatewayDependencies(parts: Parts, consumers: Consumers, access: Access): GatewayDependencies {
  const { sql, clock, log, eventLog, inbox, connections, translator, estate, reservations, restate } = parts
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const orderBook = new OrderBook(sql)
  const desk = new ExceptionDesk({ sql, eventLog, translator, clock })
  registerGauges(registry, { sql, orderBook, desk })
  return {
    clock,
    log,
    registry,
    settings: { nodeCount: 1, title: "Crossdock" },
    versions: new Versions(apiVersions),
    access,
    consumers,
    idempotencyKeys: new IdempotencyKeys(sql),
    replayGuard: new ReplayGuard(sql),
    inbox,
    eventLog,
    receiver: (id) => {
      const receivesDeliveries = connections.has(id) ? connections.get(id).connected.receivesDeliveries : undefined
      const retryHorizonMs = estate.connections[id]?.retryHorizonMs
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
      { name: "restate", isReady: await restate.health() },
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
      const rows = await reads.sql<{ connection: string; state: string; count: number }[]>`
        select connection, state, count(*) as count from inbox where received_at > now() - interval '24 hours' group by 1, 2`
      parked.reset()
      for (const { connection, state, count } of rows) parked.set({ connection, state }, count)
    },
  })
}
