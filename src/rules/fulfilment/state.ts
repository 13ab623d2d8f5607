import type { BusinessDate, Instant } from "../../base/time.ts"
import type { EventData } from "../../canonical/events.ts"
import type { HeldPart } from "../../canonical/events/orders.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { Order, OrderLine, Tender } from "../../canonical/order.ts"
import type { RoutedLine } from "../../ports/capabilities/goods.ts"
import { mergeLines } from "../apportion.ts"
import type { Routing } from "../route-order.ts"
import type { OpenRefund } from "./news.ts"
import type { Task } from "./tasks.ts"

/** The retailer's decisions about fulfilment, and which payments Crossdock captures. Fixed while an order is fulfilled. */
export interface Terms {
  /** Capture the payment in full with the first shipment, or with each shipment its part. */
  capture: "once" | "per shipment"
  /** An edit after release: ask a person, keep the order as it was, or carry it out where it is paid and ask otherwise. */
  onLateEdit: "ask" | "keep" | "carry out what is paid"
  /** The business day of a moment at a place; at the company's where the place has none of its own. */
  dayAt: (at: string, locationId: string) => BusinessDate
  /** After this time a part that the shop holds back is an exception. */
  holdWithinMs: number
  /** Whether we capture this tender's payment; otherwise the shop does. */
  isOurs: (tender: Tender) => boolean
}

/** A request to one location to ship some lines of an order. */
export interface Leg {
  n: number
  locationId: string
  /** The stock reservation that holds these goods. */
  reservation: string
  /** The lines the location is responsible for, shipped units included. */
  lines: readonly RoutedLine[]
  /** "unknown" while we do not know whether the location has the request; "held" while the shop holds its goods back. */
  request: "not sent" | "held" | "sent" | "unknown"
}

/** Goods of a released order for which no location has been found yet. */
export interface Sought {
  label: string
  reservation: string
  wanted: readonly { line: OrderLine; milli: number }[]
  /** Locations that reported that they have none. */
  without: readonly string[]
  attempts: number
}

/** Captures of one tender's authorisation, in minor units of the buyer's currency. */
export interface Captures {
  /** Requested from the payment provider, whether captured already or still waiting. */
  askedMinor: number
  /** The part of `askedMinor` that was refused and that a person left as it is. */
  leftMinor: number
  /** Captured by us. */
  ownMinor: number
  /** Captured by whomever, as far as the last capture showed: staff may capture by hand at the shop or the provider. */
  takenMinor: number
  /** A capture still waits, for the payment provider or for a person. */
  isOpen: boolean
  /** Nothing is authorised any more. */
  isEnded: boolean
}

/** An edit after release that a person has to decide. */
export interface WaitingEdit {
  fact: string
  order: Order
}

/** Why an order stops; `fact` is the event that caused it. */
export interface StopReason {
  kind: "interrupted"
  reason: string
  fact?: string
}

/**
 * The state of an order whose goods move: plain data, rebuilt by every run from the same news in the same order. Maps
 * are by line id in thousandths unless stated otherwise.
 */
export interface Fulfilment {
  /** "preparing" before the first request to a location, "ended" when nothing is left to do. */
  phase: "preparing" | "moving" | "ended"
  order: Order
  legs: readonly Leg[]
  shipped: ReadonlyMap<string, number>
  cancelled: ReadonlyMap<string, number>
  /** By line and location, as `placeKey` names them. */
  shippedFrom: ReadonlyMap<string, number>
  sought: readonly Sought[]
  /** Facts of edits and fraud reviews that were taken into account before anything was released. */
  knownFacts: readonly string[]
  waitingEdits: readonly WaitingEdit[]
  /** By tender id. */
  captures: ReadonlyMap<string, Captures>
  knownTracking: readonly string[]
  /** Parcels that only the shop has reported so far: the shop's fulfilment id by tracking number. */
  shippedPastUs: ReadonlyMap<string, string>
  /** Fulfilments that the shop showed and cancelled. */
  takenBack: readonly EventData<"order.fulfilment-taken-back">[]
  /** Refunds by the shop that were heard, and those for which an exception was raised. */
  knownRefunds: readonly string[]
  raisedRefunds: readonly string[]
  /** The newest news of each part that the shop held back or let go, by its id there. */
  holds: ReadonlyMap<string, HeldPart>
  /** Parts for which an exception was raised, because they are held for long. */
  raisedHolds: readonly string[]
  /** Tenders for which an exception was raised, because their authorisation lapses soon. */
  raisedLapses: readonly string[]
  /** Fraud reviews for which an exception was raised, because goods were moving: when they were opened, by fact. */
  raisedReviews: ReadonlyMap<string, Instant>
  /** When a fraud review was decided last. */
  reviewedAt?: Instant
  /** How often held parts were looked up. */
  holdLooks: number
  /** Announced as on hold, because all that is left waits for the shop. */
  isOnHold: boolean
  /** Units that refunds of the shop took off before they left, and refunded units that had left. */
  refundedBefore: ReadonlyMap<string, number>
  refundedAfter: ReadonlyMap<string, number>
  openRefunds: readonly OpenRefund[]
  /** Of the refunds whose credit was decided: units that never leave, and units that had left. */
  takenOff: ReadonlyMap<string, number>
  credited: ReadonlyMap<string, number>
  invoicedMinor: number
  /** Shipments already counted, by id and location, in their order. One that is reported twice counts once. */
  shipments: readonly string[]
  /** Shortages already counted, by id and location. */
  shortages: readonly string[]
  /** Reservations of what edits added, also while their goods are on no leg. */
  reservedForEdits: readonly string[]
  /** Whether stock that will not ship may still be reserved. */
  holdsTooMuch: boolean
  /** Whether the ERP has yet to accept an amendment. */
  isAmendmentOpen: boolean
  isLateRaised: boolean
  stopReason?: StopReason
  /** Tasks left from the current news, next one first. Empty between two pieces of news. */
  agenda: readonly Task[]
}

/** The state of an order that is routed and booked, before anything is released. */
export function beginFulfilment(start: {
  order: Order
  routing: Pick<Routing, "lines">
  /** Facts of fraud reviews that were already taken into account. */
  knownReviews: readonly string[]
}): Fulfilment {
  const state: Fulfilment = {
    phase: "preparing",
    order: start.order,
    legs: [],
    shipped: new Map(),
    cancelled: new Map(),
    shippedFrom: new Map(),
    sought: [],
    knownFacts: start.knownReviews,
    waitingEdits: [],
    captures: new Map(),
    knownTracking: [],
    shippedPastUs: new Map(),
    takenBack: [],
    knownRefunds: [],
    raisedRefunds: [],
    holds: new Map(),
    raisedHolds: [],
    raisedLapses: [],
    raisedReviews: new Map(),
    holdLooks: 0,
    isOnHold: false,
    refundedBefore: new Map(),
    refundedAfter: new Map(),
    openRefunds: [],
    takenOff: new Map(),
    credited: new Map(),
    invoicedMinor: 0,
    shipments: [],
    shortages: [],
    reservedForEdits: [],
    holdsTooMuch: false,
    isAmendmentOpen: false,
    isLateRaised: false,
    agenda: [],
  }
  return addLegs(state, start.routing.lines, start.order.id)
}

/** Adds one leg for each location of a routing. */
export function addLegs(state: Fulfilment, lines: readonly RoutedLine[], reservation: string): Fulfilment {
  const byLocation = new Map<string, RoutedLine[]>()
  for (const line of lines) byLocation.set(line.locationId, [...(byLocation.get(line.locationId) ?? []), line])
  return [...byLocation].reduce(
    (known, [locationId, own]) => addLeg(known, { locationId, reservation, lines: own }),
    state,
  )
}

/** Adds one leg. A location may have several legs, one per request. */
export function addLeg(state: Fulfilment, leg: Pick<Leg, "locationId" | "reservation" | "lines">): Fulfilment {
  return { ...state, legs: [...state.legs, { ...leg, n: state.legs.length + 1, request: "not sent" }] }
}

/** The same state with one leg changed. */
export function withLeg(state: Fulfilment, n: number, change: Partial<Leg>): Fulfilment {
  return { ...state, legs: state.legs.map((leg) => (leg.n === n ? { ...leg, ...change } : leg)) }
}

/** The lines each location is responsible for: a line at a location once, however many requests it took. */
export function routingOf({ legs }: Fulfilment): RoutedLine[] {
  const merged = new Map<string, RoutedLine>()
  for (const line of legs.flatMap((leg) => leg.lines)) {
    const milli = (merged.get(placeKey(line))?.quantity.milli ?? 0) + line.quantity.milli
    merged.set(placeKey(line), { ...line, quantity: { ...line.quantity, milli } })
  }
  return [...merged.values()]
}

/** Names a line at a location. */
export function placeKey(at: { lineId: string; locationId: string }): string {
  return `${at.lineId}\n${at.locationId}`
}

/** Names a location's report. The id is the location's own, so two locations may use the same one. */
export function reportKey(report: { id: string; locationId: string }): string {
  return `${report.id}\n${report.locationId}`
}

/** Adds to the sum under a key. */
export function plus(sums: ReadonlyMap<string, number>, key: string, milli: number): ReadonlyMap<string, number> {
  return new Map(sums).set(key, (sums.get(key) ?? 0) + milli)
}

/** Thousandths of all lines together. */
export const sumMilli = (lines: readonly LineQuantity[]): number =>
  lines.reduce((sum, line) => sum + line.quantity.milli, 0)

/** Thousandths of a line that are neither shipped nor cancelled. */
export function openMilli(state: Fulfilment, lineId: string): number {
  const line = state.order.lines.find((candidate) => candidate.id === lineId)
  return (line?.quantity.milli ?? 0) - (state.shipped.get(lineId) ?? 0) - (state.cancelled.get(lineId) ?? 0)
}

/** Whether every line is shipped or cancelled. */
export function isAllDone(state: Fulfilment): boolean {
  return state.order.lines.every((line) => openMilli(state, line.id) <= 0)
}

/** Whether any goods have left, or digital lines were delivered. */
export const isAnythingShipped = ({ shipped }: Fulfilment): boolean => [...shipped.values()].some((milli) => milli > 0)

/** Whether a location was asked for a leg's goods, as far as we know. */
export const isAsked = ({ request }: Leg): boolean => request === "sent" || request === "unknown"

/** Thousandths of a line that the request of a leg still covers. */
export function openOnLeg(state: Fulfilment, leg: Leg, lineId: string): number {
  const on = ({ lines }: Leg) => sumMilli(lines.filter((line) => line.lineId === lineId))
  const { locationId } = leg
  // A parcel does not name its request, so the oldest request of its location is served first.
  const isEarlier = (other: Leg) => (isAsked(other) === isAsked(leg) ? other.n < leg.n : isAsked(other))
  const earlier = state.legs.filter((other) => other.locationId === locationId && isEarlier(other))
  const shipped = state.shippedFrom.get(placeKey({ lineId, locationId })) ?? 0
  const gone = earlier.reduce((left, each) => left - on(each), shipped)
  return Math.min(on(leg) - Math.max(0, Math.min(gone, on(leg))), openMilli(state, lineId))
}

/** Lines of a leg that its location has still to ship. */
export function openLines(state: Fulfilment, leg: Leg): LineQuantity[] {
  const units = new Map(leg.lines.map(({ lineId, quantity }) => [lineId, quantity.unit]))
  return [...units].flatMap(([lineId, unit]) => {
    const milli = openOnLeg(state, leg, lineId)
    return milli > 0 ? [{ lineId, quantity: { milli, unit } }] : []
  })
}

/** Takes a quantity of a line off a leg's lines, from the first entries first. */
export function withoutMilli(lines: readonly RoutedLine[], lineId: string, milli: number): RoutedLine[] {
  let left = milli
  return lines.flatMap((line) => {
    if (line.lineId !== lineId || left === 0) return [line]
    const taken = Math.min(left, line.quantity.milli)
    left -= taken
    const milliLeft = line.quantity.milli - taken
    return milliLeft > 0 ? [{ ...line, quantity: { ...line.quantity, milli: milliLeft } }] : []
  })
}

/** Counts a quantity of a line as cancelled. Its stock stays reserved until the end: reservations are given back whole. */
export function cancelLine(state: Fulfilment, lineId: string, milli: number): Fulfilment {
  const cancelled = plus(state.cancelled, lineId, milli)
  return { ...state, cancelled, holdsTooMuch: state.holdsTooMuch || milli > 0 }
}

/** A location will not ship these lines of its request any more. */
export function cancelOnLeg(state: Fulfilment, n: number, cancelled: readonly LineQuantity[]): Fulfilment {
  return [...mergeLines(cancelled)].reduce((known, [lineId, milli]) => {
    const lines = withoutMilli(known.legs.find((leg) => leg.n === n)?.lines ?? [], lineId, milli)
    return withLeg(cancelLine(known, lineId, milli), n, { lines })
  }, state)
}
