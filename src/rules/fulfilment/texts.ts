import { cut } from "../../base/text.ts"
import { money, type Money } from "../../base/money.ts"
import type { EventData } from "../../canonical/events.ts"
import type { Order } from "../../canonical/order.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { EditDifference } from "../order-edit.ts"
import type { Sought } from "./state.ts"

/** Name of a step, an exception or an announcement; `part` distinguishes those of one name. */
export type Name = string | { step: string; part: string }

/** An exception for people: what happened, what is at risk, and the allowed actions. */
export interface Raised {
  name: Name
  text: {
    summary: string
    ifNobodyActs: string
    owner: string
    allowedActions: readonly string[]
    atRisk?: Money
    sku?: string
    missingMilli?: number
  }
}

const returnOrAcknowledge = ["open a return", "acknowledge"] as const

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

/** The exception of an edit that came after release. */
export function editName(fact: string): Name {
  return { step: "changed after release", part: fact }
}

/** An edit came after release; a person decides it when the policy says so. */
export function changedAfterRelease(
  order: Order,
  edit: { fact: string; difference: EditDifference; isAsked: boolean },
): Raised {
  const { fact, difference, isAsked } = edit
  const summary = `Order ${order.number} was changed in the shop after it was released: ${difference.summary}.`
  return {
    name: editName(fact),
    text: {
      summary: cut(summary, 1000),
      ifNobodyActs: "the order ships as it was released",
      owner: "customer service",
      atRisk: money(Math.abs(difference.totalMinor), order.currency.shop),
      allowedActions: isAsked ? ["apply", "keep"] : ["acknowledge"],
    },
  }
}

/** An edit took goods off that could not be stopped any more. */
export function tooLateToChange(order: Order, kept: readonly LineQuantity[], label: string): Raised {
  const what = kept.map(({ lineId, quantity }) => `${quantity.milli / 1000} of line ${lineId}`).join(", ")
  return {
    name: { step: "too late to change", part: label },
    text: {
      summary: `Order ${order.number} was made smaller, but part of it can no longer be stopped: ${what}. It ships and has to come back.`,
      ifNobodyActs: "the buyer gets more than the changed order",
      owner: "customer service",
      allowedActions: returnOrAcknowledge,
      atRisk: order.total.shop,
    },
  }
}

/** An edit changed the address when some goods were on their way to the old one. */
export function shipsToOldAddress(order: Order, refused: readonly LineQuantity[], label: string): Raised {
  return {
    name: { step: "ships to the old address", part: label },
    text: {
      summary: `Order ${order.number} got another address, but ${refused.length} of its lines can no longer be redirected.`,
      ifNobodyActs: "they go to the old address",
      owner: "customer service",
      allowedActions: ["acknowledge"],
      atRisk: order.total.shop,
    },
  }
}

/** An edit added goods that nobody has. */
export function noStockForEdit(
  order: Order,
  edit: { label: string; short: readonly { sku: string; missingMilli: number }[]; totalMinor: number },
): Raised {
  const what = edit.short.map(({ sku, missingMilli }) => `${missingMilli / 1000} × ${sku}`).join(", ")
  return {
    name: { step: "no stock for the edit", part: edit.label },
    text: {
      summary: `Order ${order.number} was changed, but there is no stock for the added goods: ${what}.`,
      ifNobodyActs: "the added goods are not shipped",
      owner: "operations",
      allowedActions: ["acknowledge"],
      atRisk: money(Math.abs(edit.totalMinor), order.currency.shop),
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
      ...(first ? { sku: first.line.sku } : {}),
      missingMilli: wanted.reduce((sum, { milli }) => sum + milli, 0),
    },
  }
}

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
      ifNobodyActs: "Crossdock looks for it again from time to time",
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

/** A fraud review was opened when goods were already moving. */
export function reviewOpenedLate(order: Order, fact: string): Raised {
  return {
    name: { step: "review opened after release", part: fact },
    text: {
      summary: `A fraud review of order ${order.number} was opened after it was released.`,
      ifNobodyActs: "it ships; if the review rejects it, Crossdock stops the goods that can still be stopped",
      owner: "customer service",
      allowedActions: ["acknowledge"],
      atRisk: order.total.shop,
    },
  }
}

/** Nothing has shipped in the time agreed. */
export function notShippedInTime(order: Order): Raised {
  return {
    name: "not shipped in time",
    text: {
      summary: `Order ${order.number} was released but has not shipped within the agreed time.`,
      ifNobodyActs: "it keeps waiting for the location",
      owner: "warehouse",
      allowedActions: ["acknowledge"],
      atRisk: order.total.shop,
    },
  }
}
