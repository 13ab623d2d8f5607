import { derivedId } from "../../base/ids.ts"
import type { Sql } from "../../base/sql.ts"
import { cut } from "../../base/text.ts"
import { instant, type Clock, type Instant } from "../../base/time.ts"
import { newEvent } from "../../canonical/events.ts"
import { shelfGoods, type Order, type OrderLine } from "../../canonical/order.ts"
import { textMax, type LineQuantity } from "../../canonical/parts.ts"
import type { EventLog } from "../../eventlog/event-log.ts"
import type { CancelsReleases, ReleasesFulfilment, RoutedLine } from "../../ports/capabilities/goods.ts"
import { added, type Pickup } from "../../rules/pickup/pickup.ts"
import { readChange, readPickup } from "./read.ts"

interface Given {
  sql: Sql
  eventLog: Pick<EventLog, "append" | "readKey">
  clock: Clock
  /** When goods asked for at a moment are promised to be ready at a place. */
  readyBy: (locationId: string, at: Instant) => Instant
}

type Method = Pickup["method"]
const methods = ["pickup", "ship"] as const satisfies readonly Method[]

/**
 * Stores that get their pick list from Crossdock, as a place that ships like any other. A release is a request in the log, and what
 * cannot be stopped any more is what the log has as handed over before: both facts have the key of their call, so a repeat changes
 * nothing and answers the same.
 */
export function storeDeskOf(given: Given): ReleasesFulfilment & CancelsReleases {
  const release: ReleasesFulfilment["releaseShipment"]["send"] = async ({ order, locationId, lines }, { key }) => {
    for (const method of methods) {
      const asked = lines.filter((line) => methodOf(order, line) === method)
      if (asked.length > 0) await request(given, { order, locationId, lines: asked, method, key })
    }
    return { requestId: key }
  }
  const stop: CancelsReleases["cancelRelease"]["send"] = async ({ requestKey, lines }, { key }) => {
    const cancelled: LineQuantity[] = []
    let unasked = lines
    for (const method of methods) {
      const stopped = await stopOne(given, { requestKey, method, lines, key })
      cancelled.push(...stopped.lines)
      unasked = unasked.filter(({ lineId }) => !stopped.of.has(lineId))
    }
    // What was never requested will not be shipped. What is missing or put back is told by itself, and counts as refused until then.
    cancelled.push(...unasked)
    return { cancelled, refused: restOf(lines, cancelled) }
  }
  return {
    releaseShipment: { send: release, probe: release, settleMs: 0 },
    cancelRelease: { send: stop, probe: stop, settleMs: 0 },
  }
}

function methodOf(order: Order, { lineId }: RoutedLine): Method {
  return order.lines.find(({ id }) => id === lineId)?.fulfilment.method === "pickup" ? "pickup" : "ship"
}

const pickupIdOf = (requestKey: string, method: Method) => derivedId("pku", requestKey, method)

interface Asked {
  order: Order
  locationId: string
  lines: readonly RoutedLine[]
  method: Method
  key: string
}

async function request(
  { eventLog, clock, readyBy }: Given,
  { order, locationId, lines, method, key }: Asked,
): Promise<void> {
  const requestedAt = instant(clock.now())
  const sold = new Map(order.lines.map((line) => [line.id, line]))
  const pickupId = pickupIdOf(key, method)
  await eventLog.append(
    newEvent({
      type: "pickup.requested",
      fact: `store-desk:${pickupId}:requested`,
      source: "crossdock:store-desk",
      time: requestedAt,
      data: {
        pickupId,
        orderId: order.id,
        locationId,
        channel: order.channel,
        number: order.number,
        method,
        lines: lines.map(({ lineId, sku, quantity }) => {
          const line = sold.get(lineId)
          const title = cut(line?.title ?? sku, textMax)
          return { lineId, sku, title, quantity, ...(line?.components ? { parts: partsOf(line, quantity.milli) } : {}) }
        }),
        readyBy: readyBy(locationId, requestedAt),
        requestedAt,
      },
    }),
  )
}

/** What whoever picks takes from the shelf for so much of a line that is made of other articles. */
function partsOf(line: OrderLine, milli: number): NonNullable<OrderLine["components"]> {
  const units = new Map(line.components?.map(({ sku, quantity }) => [sku, quantity.unit]))
  return shelfGoods(line, milli).map((one) => {
    return { sku: one.sku, quantity: { milli: one.milli, unit: units.get(one.sku) ?? line.quantity.unit } }
  })
}

/** Stops what can be stopped of one request; nothing of one that never came. Returns its lines, and what this call stopped of them. */
async function stopOne(
  { sql, eventLog, clock }: Given,
  { requestKey, method, lines, key }: { requestKey: string; method: Method; lines: LineQuantity[]; key: string },
): Promise<{ of: ReadonlySet<string>; lines: LineQuantity[] }> {
  const pickupId = pickupIdOf(requestKey, method)
  const known = await readPickup(eventLog, pickupId)
  const of = new Set(known?.pickup.lines.map(({ lineId }) => lineId))
  const named = lines.filter(({ lineId }) => of.has(lineId))
  if (!known || named.length === 0) return { of, lines: [] }
  const at = instant(clock.now())
  const fact = `store-desk:${pickupId}:stopped:${key}`
  const { orderId, locationId } = known.pickup
  await eventLog.append(
    newEvent({
      type: "pickup.stopped",
      fact,
      source: "crossdock:store-desk",
      time: at,
      data: { pickupId, orderId, locationId, lines: named, at },
    }),
  )
  // What the log has before this fact decides, also of a handover that was told at the same moment.
  const change = await readChange({ sql, eventLog }, { pickupId, fact })
  return { of, lines: change ? added(change.before, change.after, "stoppedMilli") : [] }
}

function restOf(lines: readonly LineQuantity[], cancelled: readonly LineQuantity[]): LineQuantity[] {
  const done = new Map<string, number>()
  for (const { lineId, quantity } of cancelled) done.set(lineId, (done.get(lineId) ?? 0) + quantity.milli)
  return lines.flatMap(({ lineId, quantity }) => {
    const milli = quantity.milli - (done.get(lineId) ?? 0)
    return milli > 0 ? [{ lineId, quantity: { ...quantity, milli } }] : []
  })
}
