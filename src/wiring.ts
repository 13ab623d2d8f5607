import { openSql, type Sql } from "./base/sql.ts"
import { systemClock } from "./base/time.ts"
import { Connections } from "./effects/connections.ts"
import { assertSettings, checkEstate } from "./estate.ts"
import { EventLog } from "./eventlog/event-log.ts"
import { Inbox } from "./eventlog/inbox.ts"
import { Translator } from "./eventlog/translator.ts"
import { createGateway } from "./gateway/create-gateway.ts"
import { Access } from "./governance/access.ts"
import { Consumers } from "./governance/consumers.ts"
import { TokenVerifier } from "./governance/tokens.ts"
import { createReservations } from "./stock/reservations.ts"
import { Restate } from "./workflows/service.ts"
import { addStockConnection, connectAll, translateBy } from "./wiring/connect.ts"
import { gatewayDependencies } from "./wiring/gateway-dependencies.ts"
import type { Stop, WiringOptions } from "./wiring/parts.ts"
import { startWorker, workflows } from "./wiring/worker.ts"

/** A running Crossdock. */
export interface Crossdock {
  gatewayUrl: string | undefined
  consumers: Consumers
  access: Access
  sql: Sql
  connections: Connections
  stop(): Promise<void>
}

/** Puts all parts together and starts the roles asked for. The only place that knows every module. */
export async function startCrossdock(options: WiringOptions): Promise<Crossdock> {
  assertSettings(options.estate)
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
  const sql = openSql(options.databaseUrl, { connectionsMax: 12, name: "crossdock" })
  stops.push(() => sql.end({ timeout: 2 }))
  const eventLog = new EventLog(sql)
  const inbox = new Inbox(sql)
  const connections = new Connections(sql, log)
  stops.push(() => Promise.resolve(connections.stop()))
  const reservations = createReservations(sql)
  connectAll(connections, estate, { clock, log })
  addStockConnection(connections, reservations)
  checkEstate(estate, new Map(connections.all.map((connection) => [connection.id, connection.connected])), workflows)
  await connections.start()
  await connections.restoreBreakers()
  const translator = new Translator({ sql, log, clock, inbox, eventLog, translate: translateBy(connections) })
  const restate = new Restate(options.restateIngressUrl, options.restateAdminUrl, options.restateNamespace)
  stops.push(() => Promise.resolve(restate.close()))
  const parts = { ...options, clock, sql, eventLog, inbox, connections, translator, restate, reservations }
  const consumers = new Consumers(sql)
  const tokens = estate.tokenIssuer && new TokenVerifier(estate.tokenIssuer, clock)
  const access = new Access({ consumers, clock, log, ...(tokens ? { tokens } : {}) })
  stops.push(() => access.close())
  if (roles.includes("worker")) await startWorker(parts, stops)
  let gatewayUrl: string | undefined
  if (roles.includes("gateway")) {
    const gateway = createGateway(gatewayDependencies(parts, consumers, access))
    stops.push(() => gateway.close().then(() => undefined))
    gatewayUrl = await gateway.listen({ host: options.host, port: options.port })
  }
  return { gatewayUrl, consumers, access, sql, connections }
}
