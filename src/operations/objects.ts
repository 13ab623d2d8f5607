import { own } from "../base/lookup.ts"
import { aboutOf, mentionsOf, type EventData, type NewEvent } from "../canonical/events.ts"
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
  | {
      ref: string
      kind: string
      id: string
      state: string
      reason?: string
      at: string
      isFinal: boolean
      /** Who looks after it; nobody once it has ended. */
      owner?: string
      place?: string
      /** The object it is a part of. */
      partOf?: string
      valueMinor?: number
      currency?: string
    }

/** What an object's area says of its states and its workflows. */
export interface ObjectRules {
  /** States after which nothing more is expected, by kind of object. */
  finalStates: Readonly<Record<string, readonly string[]>>
  /** Who looks after the objects of a workflow. */
  ownerOf: (workflow: string) => string | undefined
}

/** What an event says of an object; undefined when it says nothing of its state. */
export function objectChange(event: NewEvent, { finalStates, ownerOf }: ObjectRules): ObjectChange | undefined {
  if (event.type === "order.placed" || event.type === "order.edited")
    return introduced(event as NewEvent<"order.placed">)
  if (!event.type.endsWith(".state-changed")) return undefined
  const ref = aboutOf(event)
  const { kind, parts } = parseRef(ref) ?? { kind: "", parts: [ref] }
  const { state, reason, at, place, amount } = event.data as EventData<"order.state-changed">
  const isFinal = own(finalStates, kind)?.includes(state) ?? false
  const owner = isFinal ? undefined : ownerOf(event.source.slice(event.source.indexOf(":") + 1))
  const [partOf] = mentionsOf(event)
  return {
    ref,
    kind,
    id: parts.join("/"),
    state,
    at,
    isFinal,
    ...(reason === undefined ? {} : { reason }),
    ...(owner === undefined ? {} : { owner }),
    ...(place === undefined ? {} : { place }),
    ...(partOf === undefined ? {} : { partOf }),
    ...(amount === undefined ? {} : { valueMinor: amount.amountMinor, currency: amount.currency }),
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
