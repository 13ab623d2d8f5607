import { areas as everyArea } from "../areas.ts"
import { asAppError, type Problem } from "../base/errors.ts"
import { createLog, type Log } from "../base/log.ts"
import { systemClock, type Clock } from "../base/time.ts"
import type { Connections } from "../effects/connections.ts"
import { isWrite } from "../effects/routed.ts"
import type { Area } from "../areas/define-area.ts"
import { type Estate } from "../estate.ts"
import { estateProblems, invalid, problemsOfSettings } from "../estate/check-estate.ts"
import { placesOf } from "../estate/places.ts"
import { ownConnections } from "../estate/frame.ts"
import { storeDesk } from "../ports/route-scope.ts"
import type { Reader, Readers } from "../eventlog/readers/readers.ts"
import { translateApiDelivery, type ApiIntake } from "../gateway/api-deliveries.ts"
import { apiVersions, Versions } from "../gateway/phases/versions.ts"
import type { OrderAccounts } from "../orders/accounts.ts"
import { claimsRefunds } from "../orders/claims-refunds.ts"
import type { CancelsReleases, ReleasesFulfilment } from "../ports/capabilities/goods.ts"
import type { Connected } from "../ports/connector.ts"
import type { Delivery, Translation } from "../ports/capabilities/intake.ts"
import { isOfChannel, type Stating } from "../ports/statements.ts"
import type { Reservations } from "../stock/reservations.ts"
import type { TheirNames } from "../stock/articles/their-names.ts"
import { reservesStock } from "../stock/reserves-stock.ts"
import type { StockLedger } from "../stock/stock-ledger.ts"

/** Connects every connection of an estate. Systems other than channels are told of articles by their own names. */
export function connectAll(
  connections: Connections,
  estate: Estate,
  context: { clock: Clock; log: Log; names: TheirNames },
): void {
  for (const [id, { connector, settings, rate }] of Object.entries(estate.connections)) {
    // Settings were checked against this very schema by assertEstate.
    const { clock, log, names } = context
    const bare: Connected = connector.connect(settings as never, { clock, log, connectionId: id })
    const sells = bare.receivesDeliveries && isOfChannel(bare.receivesDeliveries)
    const connected = sells ? bare : withTheirNames(bare, { system: id, names })
    const { name, apiVersion, timeoutMs } = connector
    connections.add({ id, connector: name, apiVersion, timeoutMs, connected, rate: { ...connector.rate, ...rate } })
  }
}

/** A connection whose writes name articles as the system does. */
function withTheirNames(connected: Connected, { system, names }: { system: string; names: TheirNames }): Connected {
  const capabilities = Object.entries(connected).map(([name, capability]: [string, unknown]) => {
    if (typeof capability !== "object" || capability === null) return [name, capability]
    const operations = Object.entries(capability).map(([operation, member]: [string, unknown]) => {
      if (!isWrite(member)) return [operation, member]
      const write: typeof member = {
        ...member,
        send: (input, call) => names.send(system, input, (theirs) => member.send(theirs, call)),
        probe: (input, call) => names.send(system, input, (theirs) => member.probe(theirs, call)),
      }
      return [operation, write]
    })
    return [name, Object.fromEntries(operations)]
  })
  // Each capability has the operations it had.
  return Object.fromEntries(capabilities) as Connected
}

/**
 * Every problem of an estate, found before anything is started: settings, routes, policies, polls. Connections are connected to
 * see what they can do; nothing is called.
 */
export function findEstateProblems(estate: Estate, areas: readonly Area[] = everyArea): Problem[] {
  const connected = new Map<string, Connected>()
  const problems: Problem[] = []
  for (const [id, connection] of Object.entries(estate.connections ?? {})) {
    if (problemsOfSettings(id, connection).length > 0) continue
    const context = { clock: systemClock, log: createLog("check", "silent"), connectionId: id }
    try {
      connected.set(id, connection.connector.connect(connection.settings as never, context))
    } catch (thrown) {
      problems.push({ pointer: `/connections/${id}/settings`, message: asAppError(thrown).message })
    }
  }
  problems.push(...estateProblems(estate, { connected, areas }))
  for (const one of connected.values()) one.close()
  return problems
}

/** Throws CONFIG_INVALID that names every problem of an estate at once. */
export function assertEstate(estate: Estate, areas?: readonly Area[]): void {
  const problems = findEstateProblems(estate, areas)
  if (problems.length > 0) throw invalid(estate, problems)
}

/** Adds what Crossdock does itself, as connections of its own. */
export function addOwnConnections(
  connections: Connections,
  own: {
    reservations: Reservations
    ledger: StockLedger
    accounts: OrderAccounts
    desk: ReleasesFulfilment & CancelsReleases
  },
): void {
  const add = (id: string, does: Partial<Connected>, concurrencyMax: number) =>
    connections.add({
      id,
      connector: "crossdock",
      apiVersion: "1",
      timeoutMs: 10_000,
      connected: { ...does, check: () => Promise.resolve(), close: () => undefined },
      rate: { concurrencyMax },
    })
  // Requests are batched in the database; this only bounds what is under way.
  add(ownConnections.reservesStock, { reservesStock: reservesStock(own.reservations, own.ledger) }, 2000)
  // Appends to the log are batched.
  add(storeDesk, { releasesFulfilment: own.desk, cancelsReleases: own.desk }, 64)
  // Each claim is a statement of its own, and they are rare.
  add(ownConnections.claimsRefunds, { claimsRefunds: claimsRefunds(own.accounts) }, 8)
}

/** What each connection may state. What came over the API is our own translation; its rights were checked before it was taken. */
export function statingBy(connections: Connections, estate: Estate): (connection: string) => Stating | undefined {
  const places = new Map(Object.keys(estate.connections).map((id) => [id, placesOf(estate, id)]))
  return (connection) =>
    connection.startsWith("api:")
      ? undefined
      : {
          connection,
          states: connections.capability(connection, "receivesDeliveries").states,
          places: places.get(connection) ?? new Set(),
        }
}

/** Picks the pure mapping of a delivery: its connection's, or for what came over the API that of the area with its route. */
export function translateBy(connections: Connections, areas: readonly Area[]): (delivery: Delivery) => Translation {
  const versions = new Versions(apiVersions)
  const intake = Object.assign({}, ...areas.map((area) => area.intake)) as ApiIntake
  return (delivery) => {
    if (delivery.connection.startsWith("api:")) return translateApiDelivery(delivery, { intake, versions })
    return connections.capability(delivery.connection, "receivesDeliveries").translate(delivery)
  }
}

/** A heartbeat for the webhooks of each connection that receives any. Workers make its row, gateways keep it. */
export function webhookReaders(connections: Connections, readers: Readers): Map<string, Reader> {
  const receiving = connections.all.filter(({ connected }) => connected.receivesDeliveries)
  return new Map(
    receiving.map(({ id }) => [
      id,
      readers.add({
        name: `webhooks ${id}`,
        connection: id,
        what: `The webhooks of ${id}`,
        meanwhile: "what they say is not heard; where there is a poll, it finds it later",
        everyMs: 0,
      }),
    ]),
  )
}
