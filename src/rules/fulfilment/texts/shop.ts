import { cut } from "../../../base/text.ts"
import type { EventData } from "../../../canonical/events.ts"
import type { HeldPart } from "../../../canonical/events/orders.ts"
import type { Order } from "../../../canonical/order.ts"
import type { LineQuantity } from "../../../canonical/parts.ts"
import { unitsText, type Name, type Raised } from "./raised.ts"

/** Goods left that the shop has not open, so it cannot show their parcel. */
export function shopDoesNotShow(order: Order, shipmentId: string, lines: readonly LineQuantity[]): Raised {
  const what = unitsText(order, lines)
  return {
    name: { step: "not shown by the shop", part: shipmentId },
    text: {
      summary: `Shipment ${shipmentId} of order ${order.number} holds goods that the shop has not open: ${what}. It shows them as fulfilled already or took them off the order.`,
      ifNobodyActs: "the shop does not show this parcel for them",
      owner: "customer service",
      allowedActions: ["acknowledge"],
      atRisk: order.total.shop,
    },
  }
}

/** The shop shows another place than the one goods left from. */
export function shownElsewhere(order: Order, shipmentId: string, reason: string): Raised {
  return {
    name: { step: "shown at another place", part: shipmentId },
    text: {
      summary: cut(`The shop shows another place for shipment ${shipmentId} of order ${order.number}: ${reason}`, 1000),
      ifNobodyActs: "the shop takes its stock from the wrong place",
      owner: "operations",
      allowedActions: ["acknowledge"],
    },
  }
}

/** The exception of a parcel that only the shop has reported. */
export function pastUsName(fulfilmentId: string): Name {
  return { step: "fulfilled past us", part: fulfilmentId }
}

/** The shop shows a parcel that no location reported. */
export function fulfilledPastUs(order: Order, told: EventData<"order.fulfilled-by-channel">): Raised {
  return {
    name: pastUsName(told.fulfilmentId),
    text: {
      summary: `The shop shows a fulfilment of order ${order.number} (${told.trackingNumber}) that no location reported.`,
      ifNobodyActs: "the goods are shipped a second time when the location ships",
      owner: "operations",
      allowedActions: ["acknowledge"],
      atRisk: order.total.shop,
    },
  }
}

/** The shop cancelled the fulfilment of a parcel of ours that has left. */
export function takenBackByShop(order: Order, told: EventData<"order.fulfilment-taken-back">): Raised {
  const { fulfilmentId, trackingNumber } = told
  const which = trackingNumber === undefined ? "a parcel" : `the parcel ${trackingNumber}`
  return {
    name: { step: "taken back by the shop", part: fulfilmentId },
    text: {
      summary: cut(
        `The shop took back the fulfilment of ${which} of order ${order.number}, which has left already, and shows its goods as open. If they are to come back, open a return; if not, fulfil them in the shop again.`,
        1000,
      ),
      ifNobodyActs: "the goods are with the buyer, and the shop shows them as still to be sent",
      owner: "customer service",
      allowedActions: ["open a return", "acknowledge"],
      atRisk: order.total.shop,
    },
  }
}

/** What waits for the shop, in words. */
export function waitingText(order: Pick<Order, "lines">, parts: readonly HeldPart[]): string {
  const texts = parts.map(({ lines, state, until, reason }) => {
    const why = state === "scheduled" ? `scheduled for ${until ?? "later"}` : `on hold${reason ? `: ${reason}` : ""}`
    return `${unitsText(order, lines)} (${why})`
  })
  return cut(`the shop holds back ${texts.join("; ")}`, 500)
}

/** The exception of a part that the shop has held back for long. */
export function heldName(partId: string): Name {
  return { step: "held by the shop for long", part: partId }
}

/** The shop has held a part back for longer than agreed. */
export function heldForLong(order: Order, part: HeldPart): Raised {
  return {
    name: heldName(part.partId),
    text: {
      summary: cut(`Order ${order.number} waits since ${part.at}: ${waitingText(order, [part])}.`, 1000),
      ifNobodyActs: "it goes on waiting, and its stock stays reserved",
      owner: "customer service",
      allowedActions: ["acknowledge"],
      atRisk: order.total.shop,
    },
  }
}

/** The shop put goods on hold that could not be stopped any more. */
export function shipsThoughHeld(order: Order, kept: readonly LineQuantity[], label: string): Raised {
  return {
    name: { step: "ships although on hold", part: label },
    text: {
      summary: `The shop put part of order ${order.number} on hold, and it can no longer be stopped: ${unitsText(order, kept)}. It ships.`,
      ifNobodyActs: "the buyer gets it, and the shop does not show its parcel until the hold is released",
      owner: "customer service",
      allowedActions: ["open a return", "acknowledge"],
      atRisk: order.total.shop,
    },
  }
}
