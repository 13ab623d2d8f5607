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

/** States after which nothing more is expected of an object, by its kind. */
const finalStates: Readonly<Record<string, readonly string[]>> = {
  order: ["closed", "cancelled", "refused"],
  delivery: ["delivered", "lost", "came back", "closed"],
  return: ["refused", "closed", "cancelled"],
}

/** What an event says of an object; undefined when it says nothing of its state. */
export function objectChange(event: NewEvent): ObjectChange | undefined {
  if (event.type === "order.placed" || event.type === "order.edited")
    return introduced(event as NewEvent<"order.placed">)
  if (!event.type.endsWith(".state-changed")) return undefined
  const ref = aboutOf(event)
  const { kind, parts } = parseRef(ref) ?? { kind: "", parts: [ref] }
  const { state, reason, at } = event.data as EventData<"order.state-changed">
  const finals = own(finalStates, kind)
  return {
    ref,
    kind,
    id: parts.join("/"),
    state,
    at,
    isFinal: finals?.includes(state) ?? false,
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

/** A counter of a figure. */
export interface Count {
  name: string
  label: string
  by: number
}

/** What an event adds to the figures of the business: money that left with goods, and money the books have. */
export function figuresOf(event: NewEvent): Count[] {
  if (event.type === "order.state-changed") {
    const { state, amount } = event.data as EventData<"order.state-changed">
    if (!amount || !state.endsWith("shipped")) return []
    return [{ name: "money shipped", label: amount.currency, by: amount.amountMinor }]
  }
  if (event.type !== "entry.posted") return []
  const { kind, total } = event.data as EventData<"entry.posted">
  return kind === "invoice" ? [{ name: "money booked", label: total.currency, by: total.amountMinor }] : []
}
