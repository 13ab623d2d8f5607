import { cut } from "../../../base/text.ts"
import { money } from "../../../base/money.ts"
import type { Order } from "../../../canonical/order.ts"
import type { LineQuantity } from "../../../canonical/parts.ts"
import type { EditDifference } from "../../order-edit.ts"
import { returnOrAcknowledge, unitsText, type Name, type Raised } from "./raised.ts"

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
  const what = unitsText(order, kept)
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

/** A refund took units off that had left or could not be stopped any more. */
export function tooLateToTakeOff(order: Order, kept: readonly LineQuantity[], refundId: string): Raised {
  const what = unitsText(order, kept)
  return {
    name: { step: "refunded goods ship", part: refundId },
    text: {
      summary: `The shop refunded and took off part of order ${order.number} that can no longer be stopped: ${what}. It ships and has to come back.`,
      ifNobodyActs: "the buyer gets goods that were refunded",
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
