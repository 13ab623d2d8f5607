import { own } from "../base/lookup.ts"
import { aboutOf, mentionsOf, type EventData, type NewEvent } from "../canonical/events.ts"
import { editionOf } from "../canonical/order.ts"
import { parseRef } from "../canonical/refs.ts"

/** An object's insertion or change of state, as `announce_objects` takes it. */
export type ObjectChange =
  | {
      ref: string
      kind: string
      id: string
      /** The first state of a new object. */
      introduced: string
      channel: string
      number: string
      externalId: string
      version: string
      /** Which of its states it is in: what is stated again is no news. */
      edition: string
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
      /** The team or system that owns it; null once it has ended. */
      owner?: string
      place?: string
      /** The object it is a part of. */
      partOf?: string
      valueMinor?: number
      currency?: string
    }

/** Declared by an object's area. */
export interface ObjectRules {
  /** Last states, by kind of object. */
  finalStates: Readonly<Record<string, readonly string[]>>
  /** Owners of the objects of a workflow. */
  ownerOf: (workflow: string) => string | undefined
}

/** The object's insertion or change of state in an event; undefined if there is none. */
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
    edition: editionOf(order),
    valueMinor: order.total.shop.amountMinor,
    currency: order.total.shop.currency,
    placedAt: order.placedAt,
    at: event.time,
  }
}
