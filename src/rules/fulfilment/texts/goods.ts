import { cut } from "../../../base/text.ts"
import type { Because } from "../../../canonical/events/because.ts"
import type { Order } from "../../../canonical/order.ts"
import type { LineQuantity } from "../../../canonical/parts.ts"
import type { Sought } from "../state.ts"
import { returnOrAcknowledge, type Name, type Raised } from "./raised.ts"

/** A cancellation came when some goods could not be stopped any more. */
export function tooLateToStop(order: Order, refused: readonly LineQuantity[], label: string): Raised {
  return {
    name: { step: "too late to stop", part: label },
    text: {
      summary: `Order ${order.number} was cancelled, but ${refused.length} of its lines can no longer be stopped. They ship and have to come back.`,
      ifNobodyActs: "the buyer gets goods that were cancelled, and a return is due",
      owner: "customer service",
      allowedActions: returnOrAcknowledge,
      atRisk: order.total.shop,
    },
  }
}

const listed = (wanted: Sought["wanted"]) => wanted.map(({ line, milli }) => `${milli / 1000} × ${line.sku}`).join(", ")

/** A location does not have what it was asked to ship (P-10). */
export function locationIsShort(
  order: Order,
  shortage: { id: string; locationId: string },
  wanted: Sought["wanted"],
): Raised {
  const [first] = wanted
  return {
    name: { step: "location is short", part: shortage.id },
    text: {
      summary: `${shortage.locationId} has too little for order ${order.number}: missing ${listed(wanted)}.`,
      ifNobodyActs: "Crossdock requests it from another location as soon as one has it",
      owner: "operations",
      allowedActions: ["acknowledge"],
      atRisk: order.total.shop,
      ...(first && { sku: first.line.sku, because: shortAt(shortage.locationId, first.line.sku) }),
      missingMilli: wanted.reduce((sum, { milli }) => sum + milli, 0),
    },
  }
}

// A place that is short of an article is one cause; the same article elsewhere is another.
const shortAt = (locationId: string, sku: string): Because => ({
  kind: "flow",
  operation: "location is short",
  value: `${cut(sku, 120)} at ${locationId}`,
})

/** The exception of goods that no location has. */
export function nowhereName(label: string): Name {
  return { step: "goods are nowhere", part: label }
}

/** No location has goods of a released order. */
export function goodsAreNowhere(order: Order, sought: Sought): Raised {
  const [first] = sought.wanted
  return {
    name: nowhereName(sought.label),
    text: {
      summary: `No location has what order ${order.number} still needs: ${listed(sought.wanted)}.`,
      ifNobodyActs: "Crossdock looks for it again when stock comes in, and from time to time",
      owner: "operations",
      allowedActions: ["acknowledge", "cancel the rest"],
      atRisk: order.total.shop,
      ...(first ? { sku: first.line.sku, missingMilli: first.milli } : {}),
    },
  }
}

/** A shipment holds more than was ordered. */
export function shippedTooMuch(order: Order, shipmentId: string, beyond: readonly string[]): Raised {
  return {
    name: { step: "shipped too much", part: shipmentId },
    text: {
      summary: `Shipment ${shipmentId} of order ${order.number} holds more than was ordered or is open: ${beyond.join(", ")}.`,
      ifNobodyActs: "the surplus is neither invoiced nor expected back",
      owner: "operations",
      allowedActions: ["acknowledge"],
    },
  }
}

/** Goods left although their location had confirmed that it stopped them. */
export function shippedAfterStop(order: Order, shipmentId: string): Raised {
  return {
    name: { step: "shipped after it was stopped", part: shipmentId },
    text: {
      summary: `Shipment ${shipmentId} of order ${order.number} left although the order was cancelled. A return is due.`,
      ifNobodyActs: "the buyer keeps goods of a cancelled order",
      owner: "customer service",
      allowedActions: returnOrAcknowledge,
      atRisk: order.total.shop,
    },
  }
}

/** The exception of a review that was opened after release. */
export function reviewName(fact: string): Name {
  return { step: "review opened after release", part: fact }
}

/** A fraud review was opened when goods were already moving. */
export function reviewOpenedLate(order: Order, fact: string): Raised {
  return {
    name: reviewName(fact),
    text: {
      summary: `A fraud review of order ${order.number} was opened after it was released.`,
      ifNobodyActs: "it ships; if the review rejects it, Crossdock stops the goods that can still be stopped",
      owner: "customer service",
      allowedActions: ["acknowledge"],
      atRisk: order.total.shop,
    },
  }
}

/** The exception of a released order that does not ship. */
export const notShippedName = "not shipped in time"

/** Nothing has shipped in the time agreed. */
export function notShippedInTime(order: Order): Raised {
  return {
    name: notShippedName,
    text: {
      summary: `Order ${order.number} was released but has not shipped within the agreed time.`,
      ifNobodyActs: "it keeps waiting for the location",
      owner: "warehouse",
      allowedActions: ["acknowledge"],
      atRisk: order.total.shop,
    },
  }
}
