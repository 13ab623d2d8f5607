import { cut } from "../../base/text.ts"
import { leavesShelf } from "../../canonical/order.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import { outputOf } from "./actions.ts"
import { holdBack, isAllHeld, isAnythingHeld, openHolds } from "./changes/hold.ts"
import { takeShipment } from "./shipment.ts"
import { isAllDone, type Fulfilment } from "./state.ts"
import { done, goOn, type Handle } from "./tasks.ts"
import { waitingText } from "./texts/shop.ts"

/**
 * Requests each location's part. Until the first location has its request a cancellation undoes everything; after that
 * goods may be moving.
 */
export const releaseAll: Handle<"begin to release"> = (before) => {
  // A refund took everything off before: there is nothing to release.
  if (isAllDone(before)) return goOn(before, [{ task: "pass the point of no return" }, { task: "wait for news" }])
  const state = before.legs.reduce((known, { n }) => holdBack(known, n), before)
  const [first, ...others] = state.legs.filter((leg) => leg.lines.length > 0 && leg.request !== "held")
  return goOn(state, [
    ...(first ? [{ task: "release" as const, leg: first.n, isFirst: true }] : []),
    { task: "pass the point of no return" },
    ...others.map((leg) => ({ task: "release" as const, leg: leg.n, isFirst: false })),
    { task: "say it is released" },
    { task: "ship digital lines" },
    { task: "wait for news" },
  ])
}

/**
 * Requests a shipment from one location. If a later location is unavailable, a later run repeats the request; nothing
 * waits for it.
 */
export const release: Handle<"release"> = (before, { leg, isFirst }) => {
  const state = holdBack(before, leg)
  const goes = state.legs.some(({ n, lines, request }) => n === leg && lines.length > 0 && request !== "held")
  if (!goes) return done(state)
  return done(state, [{ do: "release leg", leg, isFirst, ifItWaits: isFirst ? "stop" : "go on" }])
}

/** The first location has its request: from here on a cancellation is news. */
export const passPointOfNoReturn: Handle<"pass the point of no return"> = (state) =>
  done(state, [{ do: "pass the point of no return" }])

/** Announces the locations that were requested. */
export const sayReleased: Handle<"say it is released"> = (state) => {
  if (isAllHeld(state)) return goOn(state, [{ task: "say what is held", label: "" }])
  const asked = state.legs.filter((leg) => leg.request !== "held").map((leg) => leg.locationId)
  const waits = isAnythingHeld(state) ? `; ${waitingText(state.order, openHolds(state))}` : ""
  const reason = cut(`${asked.join(", ") || "nothing to ship"}${waits}`, 500)
  return done(state, [{ do: "announce", name: "released", state: "released", reason }])
}

/** Downloads, gift cards by mail and what left over the counter are on no shelf of ours: they count as shipped at once. */
export const shipDigitalLines: Handle<"ship digital lines"> = (state) => {
  if (digitalLines(state).length === 0) return done(state)
  return goOn(state, [{ task: "take digital shipment" }], [{ do: "date digital shipment", ifItWaits: "stop" }])
}

/** Takes the digital lines as a shipment at the time that was read. */
export const takeDigitalShipment: Handle<"take digital shipment"> = (state, _task, { outcomes, terms }) => {
  const dated = outputOf(outcomes, "date digital shipment")
  if (!dated) return done(state)
  const { order } = state
  const shipment: Shipment = {
    id: digitalShipmentId(order.id),
    orderId: order.id,
    locationId: "digital",
    shippedAt: dated.shippedAt,
    lines: digitalLines(state).map((line) => ({ lineId: line.id, quantity: line.quantity })),
  }
  return takeShipment(state, shipment, terms)
}

/** Everything is requested; from here on news drives the order. */
export const waitForNews: Handle<"wait for news"> = (state) => done({ ...state, phase: "moving" })

function digitalLines({ order }: Fulfilment) {
  return order.lines.filter((line) => line.quantity.milli > 0 && !leavesShelf(line))
}

/** The id of the shipment of digital lines. */
export function digitalShipmentId(orderId: string): string {
  return `digital-${orderId}`
}
