import { AppError } from "../base/errors.ts"
import { own } from "../base/lookup.ts"
import { epochMs, instant } from "../base/time.ts"
import { letGo, waitingFor } from "../durable/drains.ts"
import type { Connection } from "../effects/connections.ts"
import { ownConnections, type EstateFrame } from "../estate/frame.ts"
import { storeDesk } from "../ports/route-scope.ts"
import { placesOf } from "../estate/places.ts"
import { Backstop, leaseMs, readHistory, type PolledList } from "../eventlog/backstop.ts"
import { assertReach } from "../eventlog/readers/reach.ts"
import {
  corrected,
  correctedAll,
  isCorrectedBy,
  noteCorrection,
  withCorrection,
} from "../eventlog/deliveries/corrections.ts"
import { readDelivery, readDeliveryState, readWindow } from "../eventlog/deliveries/stored-deliveries.ts"
import { registerDuplicates } from "../eventlog/gauges/duplicates.ts"
import { registerMissedEvents } from "../eventlog/gauges/missed-events.ts"
import {
  keepSubscriptionsAlive,
  subscriptionsEveryMs,
  type SubscribedConnection,
} from "../eventlog/keep-subscriptions-alive.ts"
import { ObjectFetcher, type ObjectReader } from "../eventlog/object-fetcher.ts"
import { checkConnections, type CheckedConnection } from "../eventlog/readers/check-connections.ts"
import { checkName, lateAfterMs, type ReaderView } from "../eventlog/readers/readers.ts"
import { audited } from "../governance/audit.ts"
import { deliveryRoutes, type Deliveries } from "../gateway/routes/operations/deliveries.ts"
import { readWaitingByConnection } from "../durable/waiting.ts"
import { DrainWatch } from "../effects/drain-watch.ts"
import { connectionRoutes, type ConnectionViews } from "../gateway/routes/connections/connections.ts"
import { webhookRoutes } from "../gateway/routes/connections/webhooks.ts"
import type { AnyBulkKind } from "../operations/bulk/kind.ts"
import { correctDelivery } from "../operations/bulk/kinds/correct-delivery.ts"
import { drain } from "../operations/bulk/kinds/drain.ts"
import { replayWindow } from "../operations/bulk/kinds/replay.ts"
import type { ExceptionAction } from "../operations/exceptions/actions.ts"
import { viewDelivery } from "../operations/payloads/delivery-view.ts"
import { registerDeliveries } from "../operations/gauges.ts"
import { deliveryFigures } from "../operations/live-figures.ts"
import type { Delivery } from "../ports/capabilities/intake.ts"
import { defineArea, type AreaParts, type Service } from "./define-area.ts"

// The exception of a delivery, `inbox-7` or `inbox-7-2` at a later attempt, and of one of its records, `inbox-7:3`.
const deliveryException = /^inbox-(?<inboxId>\d+)(?:-\d+)?(?::\d+)?$/

const actions: readonly ExceptionAction[] = [
  {
    name: "translate again",
    does: "Reads the kept bytes of the delivery with today's mapping, as a whole.",
    effect: {
      kind: "carry out",
      async run({ inbox }, { id }) {
        const inboxId = deliveryException.exec(id)?.groups?.["inboxId"]
        if (inboxId !== undefined) await inbox.retranslate({ inboxId: Number(inboxId) })
      },
      // One decision counts for all records that the delivery had refused.
      alsoDecides: (id) => (id.includes(":") ? id.slice(0, id.indexOf(":") + 1) : undefined),
    },
  },
  {
    name: "dismiss",
    does: "Leaves what the delivery says unknown to Crossdock, on purpose.",
    effect: { kind: "close" },
  },
]

/** The other systems: their deliveries, their state, and the changes their webhooks missed. */
export const connections = defineArea({
  name: "connections",
  actions,
  kpis: (_parts, { figures }) => Promise.resolve({ deliveries: deliveryFigures(figures) }),
  routes: (parts) => [
    ...webhookRoutes(parts.core),
    ...connectionRoutes(viewsOf(parts)),
    ...deliveryRoutes(deliveriesOf(parts)),
  ],
  gauges(registry, { sql }) {
    registerDeliveries(registry, sql)
    registerDuplicates(registry, sql)
    registerMissedEvents(registry, sql)
  },
  bulk: (parts) => [drainOf(parts), replayOf(parts), correctionOf(parts)],
  services: (parts) => [checking(parts), fetching(parts), polling(parts), ...subscribing(parts)],
})

/** Drain: `refresh` comes before the end of a pause, so that workers let nothing go besides. */
function drainOf({ sql, connections }: AreaParts): AnyBulkKind {
  return drain({
    connections: connections.all.map(({ id }) => id).filter((id) => !ownIds.has(id)),
    waitingFor: (connection, limit) => waitingFor(sql, connection, limit),
    letGo: (one, connection) => letGo(sql, one, connection),
    isOpen: (connection) => connections.get(connection).gate.wakeBudget !== "none",
    async resume(connection, { by, reason }) {
      await connections.refresh()
      if (connections.get(connection).gate.state.isPaused)
        await connections.setPaused(connection, { isPaused: false, by, reason })
    },
  }) as AnyBulkKind
}

function replayOf({ sql, inbox }: AreaParts): AnyBulkKind {
  return replayWindow({
    inbox,
    read: async (window, page) => correctedAll(sql, await readWindow(sql, window, page)),
  }) as AnyBulkKind
}

function correctionOf({ sql, inbox }: AreaParts): AnyBulkKind {
  return correctDelivery({
    async parked(inboxId) {
      const [state, delivery] = await Promise.all([readDeliveryState(sql, inboxId), readDelivery(sql, inboxId)])
      return state?.state === "parked" && delivery ? corrected(sql, { inboxId, delivery }) : undefined
    },
    withCorrection,
    async wouldTell(inboxId, delivery) {
      const [told] = await inbox.wouldTell([{ inboxId, delivery }])
      return told ?? { isParked: true, known: 0, fresh: 0 }
    },
    isCorrectedBy: (of) => isCorrectedBy(sql, of),
    async correct(correction) {
      await noteCorrection(sql, correction)
      await inbox.retranslate({ inboxId: correction.inboxId })
    },
  }) as AnyBulkKind
}

const deliveriesOf = ({ sql, inbox }: AreaParts): Deliveries => ({
  view: (id, of) => viewDelivery({ sql, inbox }, id, of),
  async raw(id, { channels, by }) {
    const delivery = await readDelivery(sql, id)
    if (!delivery || (channels && !channels.includes(delivery.connection))) return undefined
    await audited(sql, { by, action: "read raw delivery", subject: `delivery ${id}` }, () => Promise.resolve())
    return delivery.bytes
  },
})

const ownIds = new Set<string>([...Object.values(ownConnections), storeDesk])

/** Connections as people see them, with what waits for each and until when at its present pace. */
function connectionViews({ readers, sql, clock }: Pick<AreaParts, "readers" | "sql" | "clock">) {
  const drains = new DrainWatch()
  return async (shown: readonly Connection[]) => {
    const [all, waiting] = await Promise.all([readers.list(), readWaitingByConnection(sql)])
    return shown.map((connection) => {
      const objectsWaiting = waiting.get(connection.id) ?? 0
      const endsAtMs = drains.endsAtMs(connection.id, objectsWaiting, clock.now())
      const ends = endsAtMs === undefined ? {} : { drainEndsAt: instant(Math.round(endsAtMs)) }
      return { ...viewOf(connection, all), objectsWaiting, ...ends }
    })
  }
}

function viewOf({ id, connector, apiVersion, connectedAtMs, gate, connected }: Connection, all: readonly ReaderView[]) {
  return {
    id,
    connector,
    apiVersion,
    capabilities: Object.keys(connected).filter((name) => !["check", "close"].includes(name)),
    ...(connectedAtMs === undefined ? {} : { connectedAt: instant(connectedAtMs) }),
    ...gate.state,
    callsUnderWay: gate.pacing.busyCount,
    callsWaiting: gate.pacing.waitingCount,
    readers: all.filter(({ connection }) => connection === id),
  }
}

function viewsOf({ estate, connections, readers, sql, clock }: AreaParts): ConnectionViews {
  const views = connectionViews({ readers, sql, clock })
  const find = async (id: string) => (connections.has(id) ? (await views([connections.get(id)]))[0] : undefined)
  const change = async (id: string, isPaused: boolean, act: { by: string; reason?: string }) => {
    if (!connections.has(id)) return undefined
    await connections.setPaused(id, { isPaused, by: act.by, reason: act.reason ?? "" })
    return find(id)
  }
  return {
    list: () => views(connections.all.filter(({ id }) => !ownIds.has(id))),
    find,
    readers: () => readers.list(),
    async history(id, since, { by }) {
      if (!connections.has(id)) return undefined
      const lists = polledEvery(estate, connections.get(id)).map(({ list }) => list)
      if (lists.length === 0) throw new AppError("STATE_FORBIDS", `nothing of ${id} is polled: give it pollEveryMs`)
      const sinceMs = epochMs(since)
      await assertReach(connections.get(id), { lists, sinceMs })
      await readHistory(sql, { connection: id, lists, sinceMs, by })
      return lists
    },
    pause: (id, act) => change(id, true, act),
    resume: (id, act) => change(id, false, act),
  }
}

function polling({ estate, connections, sql, log, clock, inbox, eventLog, readers }: AreaParts): Service {
  return new Backstop({ sql, log, clock, inbox, eventLog, lists: polledLists(estate, { connections, readers }) })
}

/** Asks each system of the estate from time to time whether it is there and takes our key. */
function checking({ estate, connections, readers, sql, log }: AreaParts): Service {
  const checked = Object.keys(estate.connections).map((id): CheckedConnection => {
    const { gate, connected } = connections.get(id)
    const name = checkName(id)
    const reader = readers.add({
      name,
      connection: id,
      what: `The connection to ${id}`,
      meanwhile: "what it should do waits and what it says is not heard; nothing is lost",
      everyMs: 20_000,
    })
    return {
      name,
      reader,
      check: () => gate.pass("service", () => connected.check()),
      answeredMsAgo: () => gate.answeredMsAgo,
    }
  })
  let stop = () => Promise.resolve()
  return {
    start: () => {
      stop = checkConnections({ sql, log, connections: checked })
    },
    stop: () => stop(),
  }
}

function polledLists(
  estate: EstateFrame,
  { connections, readers }: Pick<AreaParts, "connections" | "readers">,
): PolledList[] {
  return Object.keys(estate.connections).flatMap((id) => {
    const connection = connections.get(id)
    const { receivesDeliveries } = connection.connected
    if (!receivesDeliveries) return []
    return polledEvery(estate, connection).map(({ list, changes, everyMs }) => ({
      connection: id,
      list,
      everyMs,
      changes,
      translate: (delivery: Delivery) => receivesDeliveries.translate(delivery),
      stating: { connection: id, states: receivesDeliveries.states, places: placesOf(estate, id) },
      read: <Result>(work: () => Promise<Result>) => connection.gate.pass("service", work),
      ...(connection.connectedAtMs === undefined ? {} : { startsAtMs: connection.connectedAtMs }),
      reader: readers.add({
        name: `poll ${id}/${list}`,
        connection: id,
        what: `The poll of ${list} of ${id}`,
        meanwhile: "what its webhooks miss is not found",
        everyMs,
        // A process that dies in a pass keeps the list until its lease ends; that alone makes nobody late.
        lateAfterMs: leaseMs + lateAfterMs(everyMs),
      }),
    }))
  })
}

/** The lists of a connection that are polled, and how often. */
function polledEvery(estate: EstateFrame, { id, connected }: Connection) {
  const pollEveryMs = own(estate.connections, id)?.pollEveryMs
  return Object.entries(connected.listsChanges ?? {}).flatMap(([list, changes]) => {
    const everyMs = typeof pollEveryMs === "number" ? pollEveryMs : pollEveryMs?.[list]
    return everyMs === undefined ? [] : [{ list, changes, everyMs }]
  })
}

function fetching({ connections, sql, log, clock, inbox, eventLog, readers }: AreaParts): Service {
  const heartbeat = readers.add({
    name: "fetch named objects",
    what: "The reading of objects that deliveries only name",
    meanwhile: "what happened to these objects is not known",
    everyMs: 4000,
  })
  const reading = connections.all.flatMap(({ id, gate, connected: { readsObjects } }): [string, ObjectReader][] =>
    readsObjects ? [[id, { fetchObject: readsObjects.fetchObject, read: (work) => gate.pass("service", work) }]] : [],
  )
  return new ObjectFetcher({ sql, log, clock, inbox, eventLog, readers: new Map(reading), heartbeat })
}

function subscribing({ estate, connections, sql, log, clock, eventLog, readers }: AreaParts): Service[] {
  const kept = Object.entries(estate.connections).flatMap(
    ([id, { webhookAddress: address }]): SubscribedConnection[] => {
      const { connected, gate } = connections.get(id)
      const keeps = connected.keepsSubscriptions
      if (address === undefined || !keeps) return []
      const reader = readers.add({
        name: `webhook subscriptions ${id}`,
        connection: id,
        what: `The care for the webhook subscriptions of ${id}`,
        meanwhile: "a subscription that the vendor removes is not made again; the polls find what it would have told",
        everyMs: subscriptionsEveryMs,
      })
      return [{ id, address, keeps, reader, call: (work) => gate.pass("service", work) }]
    },
  )
  return keepSubscriptionsAlive({ sql, log, clock, eventLog, connections: kept })
}
