import { areas as everyArea } from "./areas.ts"
import { randomId } from "./base/ids.ts"
import { own } from "./base/lookup.ts"
import { openSql, type Sql } from "./base/sql.ts"
import { systemClock } from "./base/time.ts"
import { Connections } from "./effects/connections.ts"
import { activeAreas } from "./estate/check-estate.ts"
import { EventLog } from "./eventlog/event-log.ts"
import { Inbox } from "./eventlog/inbox.ts"
import { Readers } from "./eventlog/readers/readers.ts"
import { newRegistry } from "./gateway/metrics.ts"
import { Access } from "./governance/access.ts"
import { Consumers } from "./governance/consumers.ts"
import { TokenVerifier } from "./governance/tokens.ts"
import { readyByOf } from "./areas/pickups/times.ts"
import { OrderAccounts } from "./orders/accounts.ts"
import { storeDeskOf } from "./orders/pickups/store-desk.ts"
import { TheirNames } from "./stock/articles/their-names.ts"
import { createReservations } from "./stock/reservations.ts"
import { createStockLedger } from "./stock/stock-ledger.ts"
import { askedForIn } from "./durable/waiting.ts"
import {
  addOwnConnections,
  assertEstate,
  connectAll,
  statingBy,
  translateBy,
  webhookReaders,
} from "./wiring/connect.ts"
import { followUpsOf } from "./wiring/follow-ups.ts"
import { gatewayOf } from "./wiring/gateway.ts"
import type { Stop, WiringOptions } from "./wiring/parts.ts"
import { giveBackMemoryAtRest } from "./wiring/memory.ts"
import { startOtlpMetrics } from "./wiring/otlp-metrics.ts"
import { startTelemetry } from "./wiring/telemetry.ts"
import { startWorker } from "./wiring/worker.ts"

/** A running Crossdock. */
export interface Crossdock {
  gatewayUrl: string | undefined
  consumers: Consumers
  access: Access
  sql: Sql
  connections: Connections
  /** `application_name` of its database connections, and the name of its worker. */
  process: string
  stop(): Promise<void>
}

/** Puts all parts together and starts the roles asked for. The only place that knows every module. */
export async function startCrossdock(options: WiringOptions): Promise<Crossdock> {
  assertEstate(options.estate, options.areas)
  const stops: Stop[] = []
  // Last started, first stopped.
  const stop = async () => {
    for (const end of stops.splice(0).reverse())
      await end().catch((error: unknown) => options.log.warn({ err: error }, "a part did not stop cleanly"))
  }
  try {
    return { ...(await startRoles(options, stops)), stop }
  } catch (thrown) {
    // What is left open would keep the process alive, neither running nor ended, and nobody would start it again.
    await stop()
    throw thrown
  }
}

async function startRoles(options: WiringOptions, stops: Stop[]): Promise<Omit<Crossdock, "stop">> {
  const { estate, log, roles } = options
  const clock = options.clock ?? systemClock
  const process = randomId("crossdock").slice(0, 26)
  const stopTelemetry = await startTelemetry(log, process)
  if (stopTelemetry) stops.push(stopTelemetry)
  stops.push(giveBackMemoryAtRest())
  const sql = openSql(options.databaseUrl, { connectionsMax: 12, name: process })
  stops.push(() => sql.end({ timeout: 2 }))
  const allAreas = options.areas ?? everyArea
  const areas = activeAreas(estate, allAreas)
  const workflows = areas.flatMap((area) => area.workflows ?? [])
  const eventLog = new EventLog(sql, followUpsOf(areas))
  const connections = new Connections(sql, log)
  stops.push(() => Promise.resolve(connections.stop()))
  const reservations = createReservations(sql)
  connectAll(connections, estate, { clock, log, names: new TheirNames(sql) })
  addOwnConnections(connections, {
    reservations,
    ledger: createStockLedger(sql),
    accounts: new OrderAccounts(sql),
    desk: storeDeskOf({ sql, eventLog, clock, readyBy: readyByOf(estate.locations, estate.policies.pickups) }),
  })
  await connections.start()
  await connections.restoreBreakers()
  const translate = translateBy(connections, areas)
  const inbox = new Inbox({
    sql,
    log,
    clock,
    eventLog,
    translate,
    stating: statingBy(connections, estate),
    askedFor: askedForIn(sql),
  })
  const readers = new Readers({ sql, log, clock, eventLog })
  const parts = {
    areas,
    estate,
    log,
    clock,
    sql,
    eventLog,
    inbox,
    connections,
    reservations,
    workflows,
    process,
    readers,
    webhooks: webhookReaders(connections, readers),
    policyOf: (name: string) => own<unknown>({ ...estate.policies }, name),
  }
  const consumers = new Consumers(sql)
  const tokens = estate.tokenIssuer && new TokenVerifier(estate.tokenIssuer, clock)
  const access = new Access({ consumers, clock, log, ...(tokens ? { tokens } : {}) })
  stops.push(() => access.close())
  if (roles.includes("worker")) await startWorker(parts, stops)
  stops.push(() => readers.stop())
  readers.start()
  let gatewayUrl: string | undefined
  if (roles.includes("gateway")) {
    const registry = newRegistry()
    const gateway = gatewayOf(parts, { consumers, access, registry })
    const stopMetrics = await startOtlpMetrics(registry, { log, process })
    if (stopMetrics) stops.push(stopMetrics)
    stops.push(() => gateway.close().then(() => undefined))
    gatewayUrl = await gateway.listen({ host: options.host, port: options.port })
  }
  return { gatewayUrl, consumers, access, sql, connections, process }
}
