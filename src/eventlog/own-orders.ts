import { AppError } from "../base/errors.ts"
import { aboutOf, type NewEvent } from "../canonical/events.ts"
import { orderIdIn } from "../canonical/refs.ts"
import { isOfChannel, type Stating } from "../ports/statements.ts"
import { parked, type Translated, type Translating } from "./translate.ts"

/** A connection and an order that it stated something about. */
export interface ConnectionOrder {
  connection: string
  orderId: string
}

/** Those of some pairs whose connection was asked to do something for the order. */
export type AskedFor = (pairs: readonly ConnectionOrder[]) => Promise<readonly ConnectionOrder[]>

interface Options {
  askedFor?: AskedFor
  stating?: (connection: string) => Stating | undefined
}

/**
 * Leaves out what connections state, by webhook or in a list that is polled, about orders that they were never asked to do anything
 * for. A warehouse, a payment provider
 * or a fraud screen serves orders of every channel, but whoever has its secret must not ship or cancel all of them. An intent is in
 * the journal before its call, so the answer to it always comes later. Without both options nothing is left out. Deliveries with such facts are parked (FACT_FORBIDDEN).
 */
export async function onlyOwnOrders(
  deliveries: readonly Translating[],
  translated: readonly Translated[],
  { askedFor, stating }: Options,
): Promise<Translated[]> {
  if (!askedFor || !stating) return [...translated]
  const ordersOf = ({ connection }: Translating, events: readonly NewEvent[]): ConnectionOrder[] => {
    const states = stating(connection)
    if (!states || isOfChannel(states)) return []
    // Events about the delivery itself (it was parked) are our own.
    return events.flatMap((event) => {
      const orderId = event.source === connection ? orderIdIn(aboutOf(event)) : undefined
      return orderId === undefined ? [] : [{ connection, orderId }]
    })
  }
  const pairs = deliveries.flatMap((delivery, n) => ordersOf(delivery, translated[n]?.events ?? []))
  if (pairs.length === 0) return [...translated]
  const asked = new Set((await askedFor(pairs)).map(keyOf))
  return translated.map((one, n) => {
    const delivery = deliveries[n]
    if (!delivery) return one
    const isForeign = (event: NewEvent) => ordersOf(delivery, [event]).some((pair) => !asked.has(keyOf(pair)))
    const foreign = one.events.filter(isForeign)
    return foreign.length === 0 ? one : withoutForeign(one, { delivery, foreign })
  })
}

function withoutForeign(
  translated: Translated,
  { delivery, foreign }: { delivery: Translating; foreign: readonly NewEvent[] },
): Translated {
  const problems = foreign.map((event) => ({
    pointer: `/facts/${translated.events.indexOf(event)}/data/orderId`,
    message: `${delivery.connection} was asked to do nothing for ${orderIdIn(aboutOf(event))}`,
  }))
  const message = `${foreign.length} of its facts are about orders that are not its own: ${problems[0]?.message ?? ""}`
  const refused = parked(delivery, new AppError("FACT_FORBIDDEN", message, { problems }))
  const own = translated.events.filter((event) => !foreign.includes(event))
  // One exception for the delivery is enough, if other facts of it were refused before.
  const events = translated.isParked ? own : [...own, ...refused.events]
  return {
    ...translated,
    ...refused,
    events,
    problems: [...(translated.problems ?? []), ...problems],
    exceptions: translated.isParked ? (translated.exceptions ?? 0) : (refused.exceptions ?? 0),
  }
}

function keyOf({ connection, orderId }: ConnectionOrder): string {
  return `${connection} ${orderId}`
}
