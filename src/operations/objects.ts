import { own } from "../base/lookup.ts"
import { aboutOf, type EventData, type NewEvent } from "../canonical/events.ts"
import { parseRef } from "../canonical/refs.ts"

/** What an event says of the state of a business object, as `announce_objects` takes it. */
export type ObjectChange =
  | {
      ref: string
      kind: string
      id: string
      /** The state a new object begins in. */
      introduced: string
      channel: string
      number: string
      externalId: string
      version: string
      valueMinor: number
      currency: string
      placedAt: string
      at: string
    }
  | { ref: string; kind: string; id: string; state: string; reason?: string; at: string; isFinal: boolean }

/**
 * What an event says of an object; undefined when it says nothing of its state. `finalStates` has the states after which nothing
 * more is expected, by kind of object.
 */
export function objectChange(
  event: NewEvent,
  finalStates: Readonly<Record<string, readonly string[]>>,
): ObjectChange | undefined {
  if (event.type === "order.placed" || event.type === "order.edited")
    return introduced(event as NewEvent<"order.placed">)
  if (!event.type.endsWith(".state-changed")) return undefined
  const ref = aboutOf(event)
  const { kind, parts } = parseRef(ref) ?? { kind: "", parts: [ref] }
  const { state, reason, at } = event.data as EventData<"order.state-changed">
  return {
    ref,
    kind,
    id: parts.join("/"),
    state,
    at,
    isFinal: own(finalStates, kind)?.includes(state) ?? false,
    ...(reason === undefined ? {} : { reason }),
  }
}

function introduced(event: NewEvent<"order.placed">): ObjectChange {
  const { order } = event.data
  return {
    ref: aboutOf(event),
    kind: "order",
    id: order.id,
    introduced: "accepted",
    channel: order.channel,
    number: order.number,
    externalId: order.externalId,
    version: order.version,
    valueMinor: order.total.shop.amountMinor,
    currency: order.total.shop.currency,
    placedAt: order.placedAt,
    at: event.time,
  }
}
