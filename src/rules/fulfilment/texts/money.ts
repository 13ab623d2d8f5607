import { money, moneyText, type Money } from "../../../base/money.ts"
import type { EventData } from "../../../canonical/events.ts"
import type { Order, Tender } from "../../../canonical/order.ts"
import type { GivenBack } from "../../../ports/capabilities/accounts.ts"
import type { SeenRefund } from "../news.ts"
import type { Name, Raised } from "./raised.ts"

/** The exception of a refund that the shop made by itself. */
export function refundName(refundId: string): Name {
  return { step: "refunded by the shop", part: refundId }
}

/** Whether more was given back than was taken. */
export function givenBackTooMuch({ takenMinor, givenBack }: SeenRefund): boolean {
  return givenBack.reduce((sum, one) => sum + one.amountMinor, 0) > takenMinor
}

/** A refund of the shop that does not fit: more than was taken, or less than the units are worth that it took off. */
export function refundedByShop(
  order: Order,
  { refundId, amount }: EventData<"order.refunded">,
  seen: SeenRefund,
): Raised {
  const account = accountText({ ...seen, currency: order.currency.presentment })
  const why = givenBackTooMuch(seen)
    ? `That is more than was taken: ${account}.`
    : "That is less than the units are worth that it took off."
  return {
    name: refundName(refundId),
    text: {
      summary: `The shop refunded ${moneyText(amount.shop)} of order ${order.number}. ${why}`,
      ifNobodyActs: "what is open ships as ordered, and the books have what was invoiced less what was refunded",
      owner: "finance",
      allowedActions: ["acknowledge"],
      atRisk: amount.shop,
    },
  }
}

/** What was taken and who gave back what, in words. */
export function accountText(account: {
  takenMinor: number
  givenBack: readonly GivenBack[]
  currency: string
}): string {
  const text = (amountMinor: number) => moneyText(money(amountMinor, account.currency))
  const given = account.givenBack.map(
    ({ by, amountMinor, isOpen }) => `${text(amountMinor)} by ${by}${isOpen ? " (under way)" : ""}`,
  )
  return `${text(account.takenMinor)} taken; refunded: ${given.join(", ") || "nothing"}`
}

/** An edit between two shipments made their invoices differ from what the order says now. */
export function invoicesDiffer(order: Order, worthMinor: number, invoicedMinor: number): Raised {
  const text = (amountMinor: number) => moneyText(money(amountMinor, order.currency.shop))
  return {
    name: "invoices differ from the order",
    text: {
      summary: `Order ${order.number} was changed between two shipments: the shipped goods are worth ${text(worthMinor)}, and ${text(invoicedMinor)} was invoiced.`,
      ifNobodyActs: "the invoices stay as they are",
      owner: "finance",
      allowedActions: ["acknowledge"],
      atRisk: money(Math.abs(worthMinor - invoicedMinor), order.currency.shop),
    },
  }
}

/** Others captured more of a payment by hand than its order is worth; only they know why. */
export function capturedByHand(order: Order, tender: Tender, over: Money): Raised {
  return {
    name: { step: "captured by hand", part: tender.id },
    text: {
      summary: `Somebody captured ${moneyText(over)} more of payment ${tender.reference ?? tender.id} than order ${order.number} is worth.`,
      ifNobodyActs: "the buyer has paid too much",
      owner: "finance",
      allowedActions: ["acknowledge"],
      atRisk: over,
    },
  }
}

/** The exception of an authorisation that lapses. */
export function lapseName(tenderId: string): Name {
  return { step: "authorisation lapses soon", part: tenderId }
}

/** An authorisation lapses before the goods it pays for have left. */
export function authorisationLapsesSoon(
  order: Order,
  { tender, leftMinor, heldUntil }: { tender: Tender; leftMinor: number; heldUntil: string },
): Raised {
  const left = money(leftMinor, tender.amount.presentment.currency)
  return {
    name: lapseName(tender.id),
    text: {
      summary: `The authorisation of ${moneyText(left)} for order ${order.number} lapses on ${heldUntil.slice(0, 16).replace("T", " ")} UTC, and its goods have not left.`,
      ifNobodyActs: "the goods leave unpaid when they leave later than that",
      owner: "finance",
      allowedActions: ["acknowledge"],
      atRisk: left,
    },
  }
}
