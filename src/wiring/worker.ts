import type { Sql } from "../base/sql.ts"
import { stockCountSubscriber } from "../stock/counts.ts"
import { createStockPolicies } from "../stock/policies.ts"
import { IdempotencyKeys } from "../governance/idempotency-keys.ts"
import { ReplayGuard } from "../governance/replay-guard.ts"
import { instant } from "../base/time.ts"
import { newEvent } from "../canonical/events.ts"
import type { AnyWorkflow } from "../durable/define-workflow.ts"
import { Runner } from "../durable/runner.ts"
import { assertNothingStranded } from "../durable/stranded.ts"
import { Worker } from "../durable/worker.ts"
import type { Connections } from "../effects/connections.ts"
import { findRoute, type Estate } from "../estate.ts"
import { Backstop, type PolledList } from "../eventlog/backstop.ts"
import { keepSubscriptionsAlive, type SubscribedConnection } from "../eventlog/keep-subscriptions-alive.ts"
import { ObjectFetcher, type ObjectReader } from "../eventlog/object-fetcher.ts"
import type { Failure } from "../eventlog/subscriber.ts"
import { Subscriptions } from "../eventlog/subscriptions.ts"
import type { Delivery } from "../ports/capabilities/intake.ts"
import { createStockLedger } from "../stock/stock-ledger.ts"
import { fulfilOrder } from "../workflows/fulfil-order/fulfil-order.ts"
import { orderPolicies } from "./order-policies.ts"
import type { Parts, Stop } from "./parts.ts"

/** Every workflow there is. */
export const workflows: readonly AnyWorkflow[] = [fulfilOrder]

/** Starts everything that works through the log; what has started is added to `stops`, also when a later part fails. */
export async function startWorker(parts: Parts, stops: Stop[]): Promise<void> {
  const { estate, sql, log, clock, eventLog, inbox, connections, process } = parts
  await assertNothingStranded(sql, workflows)
  await setStockPolicies(sql, estate)
  const orders = orderPolicies(parts)
  const runner = new Runner({
    connections,
    clock,
    log,
    workflows,
    route: (capability, scope, about) => findRoute(estate, capability, { scope, key: about }),
    policies: (block) => (block === "orders" ? orders : undefined),
    tell: (event) => eventLog.append(event),
  })
  const worker = new Worker({ sql, log, eventLog, connections, runner, process })
  const subscriptions = new Subscriptions({
    sql,
    log,
    eventLog,
    onParked: (name, failure) => tellParked(parts, name, failure),
  })
  stops.push(() => subscriptions.stop())
  await subscriptions.start(stockCountSubscriber(createStockLedger(sql)))
  const backstop = new Backstop({
    sql,
    log,
    clock,
    inbox,
    eventLog,
    lists: polledLists(estate, connections),
  })
  const fetcher = new ObjectFetcher({ sql, log, clock, inbox, eventLog, readers: objectReaders(connections) })
  worker.start()
  fetcher.start()
  backstop.start()
  stops.push(
    keepSubscriptionsAlive({ sql, log, clock, eventLog, connections: subscribedConnections(estate, connections) }),
  )
  const upkeep = startUpkeep(parts)
  stops.push(async () => {
    clearInterval(upkeep)
    await Promise.all([worker.stop(), fetcher.stop(), backstop.stop()])
  })
}

async function setStockPolicies(sql: Sql, { stock }: Estate): Promise<void> {
  const policies = createStockPolicies(sql)
  for (const [sku, policy] of Object.entries(stock?.policies ?? {})) await policies.setPolicy(sku, policy)
  for (const buffer of stock?.buffers ?? []) await policies.setBuffer(buffer)
}

const upkeepEveryMs = 10_000

/** What has to be done now and then: partitions for the months ahead, soft holds that ran out. */
function startUpkeep({ sql, clock, reservations, log }: Parts): NodeJS.Timeout {
  const upkeep = async () => {
    await sql`select ensure_event_partitions(${instant(clock.now())}::timestamptz)`
    while ((await reservations.expireDue(500)).length === 500);
    await new IdempotencyKeys(sql).expire()
    await new ReplayGuard(sql, clock).expire()
    await sql`select fold_figures()`
    await sql`delete from workers where fenced_at < now() - interval '1 day'`
  }
  return setInterval(() => {
    upkeep().catch((error: unknown) => log.debug({ err: error }, "upkeep did not finish; it is tried again"))
  }, upkeepEveryMs)
}

async function tellParked({ eventLog, clock }: Parts, name: string, { event, error }: Failure): Promise<void> {
  const at = instant(clock.now())
  // The moment is part of it: an event that is parked again after somebody had it tried again is a new exception.
  const parking = `parked:${event.position.xid}-${event.position.seq}:${clock.now()}`
  await eventLog.append(
    newEvent({
      type: "exception.opened",
      fact: `subscription:${name}:${parking}`,
      source: "crossdock:subscriptions",
      time: at,
      data: {
        exceptionId: parking,
        about: event.key,
        cause: "event cannot be handled",
        summary:
          `"${name}" cannot handle ${event.type} of ${event.key}: ${error instanceof Error ? error.message : String(error)}`.slice(
            0,
            1000,
          ),
        doneSoFar: [],
        ifNobodyActs: "events of this one object wait; all others go on",
        allowedActions: ["try again", "acknowledge"],
        owner: "integration",
        at,
      },
    }),
  )
}

function polledLists(estate: Estate, connections: Connections): PolledList[] {
  return Object.entries(estate.connections).flatMap(([id, { pollEveryMs }]) => {
    const connection = connections.get(id)
    const { listsChanges = {}, receivesDeliveries } = connection.connected
    if (pollEveryMs === undefined || !receivesDeliveries) return []
    return Object.entries(listsChanges).flatMap(([list, changes]) => {
      const everyMs = typeof pollEveryMs === "number" ? pollEveryMs : pollEveryMs[list]
      if (everyMs === undefined) return []
      return [
        {
          connection: id,
          list,
          everyMs,
          changes,
          translate: (delivery: Delivery) => receivesDeliveries.translate(delivery),
          stating: { connection: id, states: receivesDeliveries.states },
          read: <Result>(work: () => Promise<Result>) => connection.gate.pass("service", work),
        },
      ]
    })
  })
}

function objectReaders(connections: Connections): ReadonlyMap<string, ObjectReader> {
  return new Map(
    connections.all.flatMap(({ id, gate, connected: { readsObjects } }) =>
      readsObjects ? [[id, { fetchObject: readsObjects.fetchObject, read: (work) => gate.pass("service", work) }]] : [],
    ),
  )
}

function subscribedConnections(estate: Estate, connections: Connections): SubscribedConnection[] {
  return Object.entries(estate.connections).flatMap(([id, { webhookAddress: address }]) => {
    const { connected, gate } = connections.get(id)
    const keeps = connected.keepsSubscriptions
    if (address === undefined || !keeps) return []
    return [{ id, address, keeps, call: <Result>(work: () => Promise<Result>) => gate.pass("service", work) }]
  })
}
