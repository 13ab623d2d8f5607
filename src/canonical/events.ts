import { cut } from "../base/text.ts"
import type { Static } from "typebox"
import { catalogueEvents } from "./catalogue/events.ts"
import { exceptionEvents } from "./events/exceptions.ts"
import type { EventType } from "./events/event-type.ts"
import { financeEvents } from "./events/finance.ts"
import { modeEvents } from "./events/modes.ts"
import { orderEvents } from "./events/orders.ts"
import { paymentEvents } from "./events/payments.ts"
import { pickupEvents } from "./pickups/events.ts"
import { returnEvents } from "./returns/events.ts"
import { shipmentEvents } from "./events/shipments.ts"
import { stateEvents } from "./events/state-changes.ts"
import { stockEvents } from "./events/stock.ts"
import { saleEvents } from "./sales/events.ts"
import { purchasingEvents } from "./stock/purchasing.ts"
import { transferEvents } from "./stock/transfers.ts"
import type { Reference } from "./parts.ts"
import type { Ref } from "./refs.ts"

/** Every business event of Crossdock, by area. Each entry is one kind of business fact, in the past tense. */
export const eventTypes = {
  ...orderEvents,
  ...paymentEvents,
  ...shipmentEvents,
  ...returnEvents,
  ...pickupEvents,
  ...financeEvents,
  ...stateEvents,
  ...stockEvents,
  ...transferEvents,
  ...purchasingEvents,
  ...exceptionEvents,
  ...modeEvents,
  ...catalogueEvents,
  ...saleEvents,
} as const satisfies Record<string, EventType>

/** The type of an event in the log. */
export type EventName = keyof typeof eventTypes
/** The data of an event of one type. */
export type EventData<Name extends EventName> = Static<(typeof eventTypes)[Name]["schema"]>

/** Whether a text is the name of an event type. */
export function isEventName(text: string): text is EventName {
  return Object.hasOwn(eventTypes, text)
}

/** The types that a name stands for: itself, or all of a kind (`order.*`); none for a name that stands for nothing. */
export function eventTypesNamed(name: string): EventName[] {
  if (isEventName(name)) return [name]
  const known = Object.keys(eventTypes) as EventName[]
  return name.endsWith(".*") ? known.filter((type) => type.startsWith(name.slice(0, -1))) : []
}

/**
 * A business fact before it is stored. `fact` is its identity: the same fact is stored once, however often it arrives.
 * Build it from what identifies the fact in its system (system, object, version), never from a delivery id. The same
 * fact is always about the same object.
 */
export interface NewEvent<Name extends EventName = EventName> {
  type: Name
  fact: string
  source: string
  time: string
  data: EventData<Name>
  correlation?: string
  causation?: string
  traceparent?: string
}

/** Makes an event with its type checked against its data. */
export function newEvent<Name extends EventName>(event: NewEvent<Name>): NewEvent<Name> {
  return event
}

/** The object an event is about; events about one object are applied in order. */
export function aboutOf(event: Pick<NewEvent, "type" | "data">): Ref {
  return entryOf(event).about(event.data)
}

/** The other objects an event names. */
export function mentionsOf(event: Pick<NewEvent, "type" | "data">): Ref[] {
  return entryOf(event).mentions(event.data)
}

/** What systems call the object an event is about. */
export function namesOf(event: Pick<NewEvent, "type" | "data">): Reference[] {
  return entryOf(event).names(event.data)
}

function entryOf({ type }: Pick<NewEvent, "type">): EventType {
  return eventTypes[type]
}

/** A kind of object whose states are announced. */
export type StatefulKind = { [Name in EventName]: Name extends `${infer Kind}.state-changed` ? Kind : never }[EventName]

/**
 * Type and data of the event that announces a state, for code that does not know the kinds. `checkEvent` checks that
 * the state exists.
 */
export function stateChange(
  kind: StatefulKind,
  id: string,
  change: { state: string; at: string } & Omit<EventData<"order.state-changed">, "orderId" | "state">,
): Pick<NewEvent, "type" | "data"> {
  // The reason another system gave may be longer than the event allows.
  const reason = change.reason === undefined ? {} : { reason: cut(change.reason, 500) }
  // The field is named after the kind, as in the catalogue's entry of that kind.
  return { type: `${kind}.state-changed`, data: { [`${kind}Id`]: id, ...change, ...reason } as NewEvent["data"] }
}
