import type { Problem } from "../base/errors.ts"
import { orderIdOf } from "../base/ids.ts"
import { aboutOf, type EventData, type EventName, type NewEvent } from "../canonical/events.ts"
import { orderIdIn } from "../canonical/refs.ts"

/** A connection and what it may state. */
export interface Stating {
  connection: string
  /** The event types that its connector declares. */
  states: readonly EventName[]
  /** Ids of the places that it may speak of; without it any. */
  places?: ReadonlySet<string>
}

/**
 * Why a connection may not state a fact; empty when it may. A valid signature proves only who sent the body, so four
 * rules hold whatever it says: a connection states facts only of the types its connector declares, only under its own
 * name, only of the places that the estate gives it, and, if it is a channel, only about its own orders. A connection that is no channel (a warehouse, a payment
 * provider) serves orders of any channel; which ones, the journals of the orders know (`onlyOwnOrders`).
 */
export function statementProblems(event: NewEvent, { connection, states, places }: Stating): Problem[] {
  if (!states.includes(event.type))
    return [
      {
        pointer: "/type",
        message: `${connection} may not state ${String(event.type).slice(0, 64)}; ${mayState(states)}`,
      },
    ]
  const problems: Problem[] = []
  if (event.source !== connection)
    problems.push({ pointer: "/source", message: `expected ${connection}, not ${event.source.slice(0, 64)}` })
  if (!event.fact.startsWith(`${connection}:`))
    problems.push({ pointer: "/fact", message: `expected a fact of ${connection}` })
  if (event.type === "receipt.told" && (event.data as EventData<"receipt.told">).system !== connection)
    problems.push({ pointer: "/data/system", message: `expected ${connection}` })
  const place = placeIn(event)
  if (place && places && !places.has(place.id))
    problems.push({ pointer: place.pointer, message: `${place.id.slice(0, 64)} is no place of ${connection}` })
  if (isOfChannel({ states })) problems.push(...foreignOrder(event, connection))
  return problems
}

/** The place whose stock an event counts, whose goods moved or are missing, or whose tills sold. */
function placeIn({ type, data }: NewEvent): { id: string; pointer: string } | undefined {
  switch (type) {
    case "stock.counted":
    case "stock.moved":
      return { id: (data as EventData<typeof type>).locationId, pointer: "/data/locationId" }
    case "receipt.told":
      return { id: (data as EventData<typeof type>).receipt.storeId, pointer: "/data/receipt/storeId" }
    case "shipment.confirmed":
      return { id: (data as EventData<typeof type>).shipment.locationId, pointer: "/data/shipment/locationId" }
    case "shipment.short":
      return { id: (data as EventData<typeof type>).shortage.locationId, pointer: "/data/shortage/locationId" }
  }
  return undefined
}

/** Whether a connection sells: its orders are then its own by their ids. */
export function isOfChannel({ states }: Pick<Stating, "states">): boolean {
  return states.includes("order.placed")
}

function mayState(states: readonly EventName[]): string {
  return states.length === 0 ? "it states nothing" : `it states ${states.join(", ")}`
}

/** A channel's order id is derived from the channel and the external id, so a channel cannot name another channel's order. */
function foreignOrder(event: NewEvent, connection: string): Problem[] {
  const orderId = orderIdIn(aboutOf(event))
  if (orderId === undefined) return []
  if (event.type === "order.placed" || event.type === "order.edited") {
    const { order } = event.data as EventData<"order.placed">
    const problems: Problem[] = []
    if (order.channel !== connection)
      problems.push({ pointer: "/data/order/channel", message: `expected ${connection}, not ${order.channel}` })
    if (orderIdOf(connection, order.externalId) !== orderId)
      problems.push({
        pointer: "/data/orderId",
        message: `expected the id of ${connection}'s order ${order.externalId}`,
      })
    return problems
  }
  return namesItsOrder(event.fact, { connection, orderId })
    ? []
    : [
        {
          pointer: "/data/orderId",
          message: `is no order of ${connection} that the fact "${event.fact.slice(0, 200)}" names`,
        },
      ]
}

/** Facts of a channel have the form `<channel>:order:<external id>:…`; an external id may itself contain colons. */
function namesItsOrder(fact: string, { connection, orderId }: { connection: string; orderId: string }): boolean {
  const prefix = `${connection}:order:`
  if (!fact.startsWith(prefix)) return false
  const rest = fact.slice(prefix.length)
  for (let end = rest.indexOf(":"); end >= 0; end = rest.indexOf(":", end + 1))
    if (orderIdOf(connection, rest.slice(0, end)) === orderId) return true
  return false
}
