import { leavesShelf } from "../../canonical/order.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import { outputOf } from "./actions.ts"
import { takeShipment } from "./shipment.ts"
import { isAllDone, type Fulfilment } from "./state.ts"
import { done, goOn, type Handle } from "./tasks.ts"

/**
 * Requests each location's part. Until the first location has its request a cancellation undoes everything; after that
 * goods may be moving.
 */
export const releaseAll: Handle<"begin to release"> = (state) => {
  // A refund took everything off before: there is nothing to release.
  if (isAllDone(state)) return goOn(state, [{ task: "pass the point of no return" }, { task: "wait for news" }])
  const [first, ...others] = state.legs.filter((leg) => leg.lines.length > 0)
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
export const release: Handle<"release"> = (state, { leg, isFirst }) => {
  const hasLines = state.legs.some(({ n, lines }) => n === leg && lines.length > 0)
  if (!hasLines) return done(state)
  return done(state, [{ do: "release leg", leg, isFirst, ifItWaits: isFirst ? "stop" : "go on" }])
}

/** The first location has its request: from here on a cancellation is news. */
export const passPointOfNoReturn: Handle<"pass the point of no return"> = (state) =>
  done(state, [{ do: "pass the point of no return" }])

/** Announces the locations that were requested. */
export const sayReleased: Handle<"say it is released"> = (state) => {
  const reason = state.legs.map((leg) => leg.locationId).join(", ") || "nothing to ship"
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
