import { money } from "../../base/money.ts"
import { leavesShelf, type Order } from "../../canonical/order.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import type { RoutedLine } from "../../ports/capabilities/goods.ts"
import { mergeLines, shipmentAmounts } from "../apportion.ts"
import { capturesFor, invoiceEntry } from "../invoice.ts"
import { outputOf, type Action, type Effect, type Outcome, type Unstocked } from "./actions.ts"
import { isAllDone, openMilli, placeKey, plus, reportKey, type Captures, type Fulfilment, type Terms } from "./state.ts"
import { done, goOn, type Handle, type Next } from "./tasks.ts"
import { tellCredits } from "./changes/credits.ts"
import { seenBefore } from "./shown.ts"
import { shopDoesNotShow, shownElsewhere } from "./texts/shop.ts"
import { shippedAfterStop, shippedTooMuch } from "./texts/goods.ts"
import { unitsText } from "./texts/raised.ts"

/** Everything that follows from one shipment, in parallel: an unavailable system does not delay the others. */
export function takeShipment(before: Fulfilment, reported: Shipment, terms: Terms): Next {
  if (before.shipments.includes(reportKey(reported))) return done(before)
  const { state: checked, shipment, actions } = withinOrder(before, reported)
  if (shipment.lines.length === 0) return done(checked, actions)
  const { order } = checked
  const amounts = shipmentAmounts(order, checked.shipped, shipment.lines)
  const { state: counted, settles } = countShipment(checked, shipment, amounts.totalMinor)
  const isFinal = isAllDone(counted)
  const { state, captures } = askForCaptures(counted, { shipmentId: shipment.id, isFinal, terms })
  const n = state.shipments.length
  const businessDate = terms.dayAt(shipment.shippedAt, shipment.locationId)
  const entry = invoiceEntry({
    order,
    amounts,
    number: `${order.id}-i${n}`,
    postedAt: shipment.shippedAt,
    businessDate,
    invoicedBeforeMinor: checked.invoicedMinor,
  })
  // Nothing was charged, so there is nothing to post: a ledger takes no document without lines.
  const isFree = entry.lines.every((line) => line.amount.amountMinor === 0)
  const lines = goodsOf(state, shipment)
  const of = { shipmentId: shipment.id, locationId: shipment.locationId }
  const effects: Effect[] = [
    ...consumptions(state, shipment),
    ...(lines.length > 0
      ? [{ do: "record delivery" as const, shipment, lines, n, businessDate, ifItWaits: "go on" as const }]
      : []),
    ...(isFree ? [] : [{ do: "post invoice" as const, ...of, entry, ifItWaits: "go on" as const }]),
    ...captures,
    { do: "confirm to channel", shipment, ifItWaits: "go on" },
    ...(isOverTheCounter(order, shipment)
      ? []
      : [{ do: "notify buyer" as const, kind: "shipped" as const, shipment, ifItWaits: "go on" as const }]),
  ]
  const { trackingNumber, carrier = "parcel" } = shipment
  const said = {
    shipmentId: shipment.id,
    state: isFinal ? ("shipped" as const) : ("partly shipped" as const),
    amount: money(amounts.totalMinor, order.currency.shop),
    ...(trackingNumber ? { reason: `${carrier} ${trackingNumber}` } : {}),
    ...unstockedOf(state, shipment),
  }
  return goOn(state, [{ task: "say it shipped", ...said }], [...actions, ...settles, ...effects])
}

/** Announces a shipment once everything that follows from it was tried, and raises what the shop shows otherwise. */
export const sayShipped: Handle<"say it shipped"> = (
  next,
  { task: _task, shipmentId, state, ...more },
  { outcomes, terms },
) => {
  const { notOpen = [], otherPlace } = outputOf(outcomes, "confirm to channel") ?? {}
  const unshown = withoutReason(next, notOpen)
  const credits = tellCredits(next, terms)
  return done(credits.state, [
    ...(unshown.length > 0 ? [{ do: "raise" as const, ...shopDoesNotShow(next.order, shipmentId, unshown) }] : []),
    ...(otherPlace === undefined
      ? []
      : [{ do: "raise" as const, ...shownElsewhere(next.order, shipmentId, otherPlace) }]),
    { do: "announce", name: { step: state, part: shipmentId }, state, ...more },
    ...credits.actions,
  ])
}

/** Shipped units that the shop had not open, and nothing that is known here explains it. */
function withoutReason(state: Fulfilment, notOpen: readonly LineQuantity[]): LineQuantity[] {
  // The shop cancelled it, and a location shipped nevertheless: somebody was told of that already.
  if (state.stopReason) return []
  return notOpen.flatMap(({ lineId, quantity }) => {
    // A shop hands out gift cards and downloads by itself, and what left over its counter.
    const line = state.order.lines.find(({ id }) => id === lineId)
    if (!line || !leavesShelf(line)) return []
    const takenOff = (state.refundedBefore.get(lineId) ?? 0) - (state.cancelled.get(lineId) ?? 0)
    const milli = quantity.milli - Math.max(0, takenOff)
    return milli > 0 ? [{ lineId, quantity: { ...quantity, milli } }] : []
  })
}

/** The buyer left with all of it, so nothing is on its way. */
function isOverTheCounter({ lines }: Order, shipment: Shipment): boolean {
  if (shipment.handedOver) return true
  const taken = new Set(lines.filter(({ fulfilment }) => fulfilment.method === "handed over").map(({ id }) => id))
  return shipment.lines.every(({ lineId }) => taken.has(lineId))
}

/** Reduces a shipment to the open quantities. A surplus raises an exception and is never booked. */
function withinOrder(before: Fulfilment, shipment: Shipment) {
  const { order, shipped } = before
  const lines: LineQuantity[] = []
  const beyond: string[] = []
  for (const [lineId, milli] of mergeLines(shipment.lines)) {
    const known = order.lines.find((line) => line.id === lineId)
    const open = Math.max(0, (known?.quantity.milli ?? 0) - (shipped.get(lineId) ?? 0))
    const taken = Math.min(open, milli)
    if (known && taken > 0) lines.push({ lineId, quantity: { milli: taken, unit: known.quantity.unit } })
    const unit = known?.quantity.unit ?? "ea"
    if (taken < milli) beyond.push(unitsText(order, [{ lineId, quantity: { milli: milli - taken, unit } }]))
  }
  const actions: Action[] = []
  if (beyond.length > 0) actions.push({ do: "raise", ...shippedTooMuch(order, shipment.id, beyond) })
  // Shipped although it had been stopped: it counts as shipped, no longer as cancelled, and has to come back.
  const back = lines.flatMap(({ lineId, quantity }) => {
    const over = Math.max(0, quantity.milli - openMilli(before, lineId))
    const milli = Math.min(before.cancelled.get(lineId) ?? 0, over)
    return milli > 0 ? [{ lineId, milli }] : []
  })
  if (back.length > 0) actions.push({ do: "raise", ...shippedAfterStop(order, shipment.id) })
  const cancelled = back.reduce((sums, { lineId, milli }) => plus(sums, lineId, -milli), before.cancelled)
  return { state: { ...before, cancelled }, shipment: { ...shipment, lines }, actions }
}

function countShipment(before: Fulfilment, shipment: Shipment, totalMinor: number) {
  const tracking = shownAs(shipment)
  let { shipped, shippedFrom } = before
  for (const [lineId, milli] of mergeLines(shipment.lines)) {
    shipped = plus(shipped, lineId, milli)
    shippedFrom = plus(shippedFrom, placeKey({ lineId, locationId: shipment.locationId }), milli)
  }
  const state: Fulfilment = {
    ...before,
    shipped,
    shippedFrom,
    invoicedMinor: before.invoicedMinor + totalMinor,
    shipments: [...before.shipments, reportKey(shipment)],
    knownTracking: [...before.knownTracking, tracking],
  }
  // Nobody shipped outside of Crossdock what a location reports, too.
  return { state, settles: seenBefore(before, tracking) }
}

/** How a shop shows a shipment: by tracking number, or by its id where there is none. */
export function shownAs(shipment: { id: string; trackingNumber?: string }): string {
  return shipment.trackingNumber ?? shipment.id
}

/** Shipped lines that are physical goods. */
function goodsOf({ order }: Fulfilment, shipment: Shipment): RoutedLine[] {
  return shipment.lines.flatMap(({ lineId, quantity }) => {
    const line = order.lines.find((candidate) => candidate.id === lineId)
    if (!line || !leavesShelf(line)) return []
    return [{ lineId, sku: line.sku, quantity, locationId: shipment.locationId }]
  })
}

function unstockedOf(state: Fulfilment, shipment: Shipment): { unstocked?: Unstocked } {
  const goods = new Set(goodsOf(state, shipment).map(({ lineId }) => lineId))
  const lines = shipment.lines.filter(({ lineId }) => !goods.has(lineId))
  const { id: shipmentId, locationId, shippedAt: at } = shipment
  return lines.length > 0 ? { unstocked: { shipmentId, locationId, lines, at } } : {}
}

/** Books what left against the reservation that holds it there: an order's own, or that of an edit. */
function consumptions(state: Fulfilment, shipment: Shipment): Effect[] {
  const here = state.legs.filter((leg) => leg.locationId === shipment.locationId)
  const byReservation = new Map<string, RoutedLine[]>()
  for (const line of goodsOf(state, shipment)) {
    const leg = here.find(({ lines }) => lines.some(({ lineId }) => lineId === line.lineId)) ?? here[0]
    const reservation = leg?.reservation ?? state.order.id
    byReservation.set(reservation, [...(byReservation.get(reservation) ?? []), line])
  }
  return [...byReservation].map(([reservation, lines]) => {
    return { do: "consume stock", shipment, reservation, lines, ifItWaits: "go on" }
  })
}

const nothingCaptured: Captures = {
  askedMinor: 0,
  leftMinor: 0,
  ownMinor: 0,
  takenMinor: 0,
  isOpen: false,
  isEnded: false,
}

/** The captures of a tender's authorisation. */
export function capturesOf(state: Fulfilment, tenderId: string): Captures {
  return state.captures.get(tenderId) ?? nothingCaptured
}

function withCaptures(state: Fulfilment, tenderId: string, change: Partial<Captures>): Fulfilment {
  const captures = new Map(state.captures).set(tenderId, { ...capturesOf(state, tenderId), ...change })
  return { ...state, captures }
}

/** Captures the amount due so far. The amounts follow from the order and its shipments, so a repeat requests the same ones. */
function askForCaptures(before: Fulfilment, shipment: { shipmentId: string; isFinal: boolean; terms: Terms }) {
  const { shipmentId, isFinal, terms } = shipment
  const asked = new Map([...before.captures].map(([id, { askedMinor }]) => [id, askedMinor]))
  const shares = capturesFor(before.order, asked, dueMinor(before, terms)).flatMap(({ tender, amount }) =>
    terms.isOurs(tender) && tender.reference !== undefined ? [{ tender, amount, paymentId: tender.reference }] : [],
  )
  // Every share counts as requested, even while it waits, so that the next shipment does not capture it again.
  const state = shares.reduce((known, { tender, amount }) => {
    const askedMinor = capturesOf(known, tender.id).askedMinor + amount.amountMinor
    return withCaptures(known, tender.id, { askedMinor })
  }, before)
  // One after another: a final capture would void an amount that an earlier capture of the same tender still waits for.
  const possible = shares.filter(({ tender }) => !capturesOf(before, tender.id).isOpen)
  const everything = new Map(
    capturesFor(before.order, new Map(), keptMinor(before)).map(({ tender, amount }) => [tender.id, amount]),
  )
  const captures = possible.map((share): Effect => {
    const { tender, amount } = share
    const upTo = money(capturesOf(state, tender.id).askedMinor, amount.currency)
    const inAll = everything.get(tender.id) ?? upTo
    const takenBefore = money(capturesOf(before, tender.id).takenMinor, amount.currency)
    return { do: "capture", shipmentId, isFinal, ...share, upTo, inAll, takenBefore, ifItWaits: "go on" }
  })
  return { state, captures }
}

/** The amount that should be captured by now: all goods that will ever ship, or all that was invoiced. */
function dueMinor(state: Fulfilment, { capture }: Terms): number {
  return capture === "per shipment" ? state.invoicedMinor : keptMinor(state)
}

/** Worth of all goods that shipped or will, with the charges, in minor units of the shop's currency. */
export function keptMinor({ order, cancelled }: Fulfilment): number {
  const kept = order.lines.flatMap(({ id, quantity }): LineQuantity[] => {
    const milli = quantity.milli - (cancelled.get(id) ?? 0)
    return milli > 0 ? [{ lineId: id, quantity: { milli, unit: quantity.unit } }] : []
  })
  return kept.length > 0 ? shipmentAmounts(order, new Map(), kept).totalMinor : 0
}

/** Records the outcome of one capture. */
export function learnOfCapture(state: Fulfilment, outcome: Extract<Outcome, { of: "capture" }>): Fulfilment {
  const { tender, amount } = outcome.effect
  const { leftMinor, ownMinor } = capturesOf(state, tender.id)
  if (outcome.became === "done") {
    const { takenMinor, isEnded } = outcome.output
    return withCaptures(state, tender.id, { ownMinor: ownMinor + outcome.output.ownMinor, takenMinor, isEnded })
  }
  if (outcome.became === "waiting") return withCaptures(state, tender.id, { isOpen: true })
  return withCaptures(state, tender.id, { leftMinor: leftMinor + amount.amountMinor })
}
