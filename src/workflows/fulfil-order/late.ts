import { money } from "../../base/money.ts"
import { cut } from "../../base/text.ts"
import { compareInstants } from "../../base/time.ts"
import type { Order } from "../../canonical/order.ts"
import type { Signal } from "../../durable/steps/signals.ts"
import { digitalShipmentId } from "../../rules/fulfilment/release.ts"
import { shownAs } from "../../rules/fulfilment/shipment.ts"
import { fulfilledPastUs, takenBackByShop } from "../../rules/fulfilment/texts/shop.ts"
import { tooLateToTakeOff } from "../../rules/fulfilment/texts/changes.ts"
import { reviewName } from "../../rules/fulfilment/texts/goods.ts"
import { givenBackTooMuch, refundedByShop } from "../../rules/fulfilment/texts/money.ts"
import { creditOf, givesBackTooLittle, overpaidBy, unitsAfterEnd } from "../../rules/credit.ts"
import { withTenders } from "../../rules/tenders.ts"
import { editDifference } from "../../rules/order-edit.ts"
import type { Step } from "../../durable/steps/step.ts"
import { part } from "../../durable/steps/step-name.ts"
import { seenRefund } from "./payment.ts"
import type { OrderPolicies } from "./policies.ts"
import { withGoods } from "./stock/kits.ts"

// Facts that come after an order has ended. They may be reported before or after what they are about; once all is reported, the
// same exceptions are open (P-07).

/** Goods of an order that had ended: nothing books them, so somebody has to know. */
export async function raiseShippedAfterEnd(step: Step, order: Order): Promise<void> {
  for (const signal of step.untaken("shipment.confirmed")) await raiseShipped(step, order, signal)
}

async function raiseShipped(step: Step, order: Order, { data }: Signal<"shipment.confirmed">): Promise<void> {
  const { shipment } = data
  await step.raise(part("shipped after the end", shipment.id), {
    summary: `Shipment ${shipment.id} left ${shipment.locationId} after order ${order.number} had ended. A return is due.`,
    ifNobodyActs: "the goods are gone and nobody pays for them",
    owner: "customer service",
    allowedActions: ["open a return", "acknowledge"],
    atRisk: order.total.shop,
  })
}

/** A review that ends well after the order has ended: nobody needs to look at what was raised about it. */
export function hearReviewsLate(step: Step): void {
  const accepted = step.untaken("order.fraud-review-decided").find(({ data }) => data.decision === "accept")
  if (!accepted) return
  const reason = `the fraud review ended with "accept" (${accepted.data.decidedBy})`
  for (const { fact, data } of step.heard("order.fraud-review-opened"))
    if (compareInstants(data.at, accepted.data.at) <= 0)
      step.settle(reviewName(fact), { action: "acknowledge", reason })
}

/** Parcels, fulfilments taken back and refunds that the shop reports of an order that has ended as shipped. */
export async function hearShopLate(step: Step, order: Order, policies: OrderPolicies): Promise<void> {
  const shipped = step.heard("shipment.confirmed").map(({ data }) => shownAs(data.shipment))
  const known = new Set([...shipped, digitalShipmentId(order.id)])
  const takenBack = step.heard("order.fulfilment-taken-back").map(({ data }) => data.fulfilmentId)
  for (const { data } of step.untaken("order.fulfilled-by-channel")) {
    const { trackingNumber, fulfilmentId } = data
    if (trackingNumber === undefined || known.has(trackingNumber) || takenBack.includes(fulfilmentId)) continue
    const { name, text } = fulfilledPastUs(order, data)
    await step.raise(name, text)
  }
  for (const { data } of step.untaken("order.fulfilment-taken-back")) {
    const { trackingNumber } = data
    if (trackingNumber !== undefined && !known.has(trackingNumber)) continue
    const { name, text } = takenBackByShop(order, data)
    await step.raise(name, text)
  }
  for (const signal of step.untaken("order.refunded")) await creditLate(step, order, { signal, policies })
}

/** A refund of an order that has shipped: what had left is credited; what never left was never invoiced. */
async function creditLate(
  step: Step,
  placed: Order,
  { signal, policies }: { signal: Signal<"order.refunded">; policies: OrderPolicies },
): Promise<void> {
  const seen = await seenRefund(step, placed, { signal, policies })
  if (seen.isOurs) return
  const { data: refund } = signal
  const order = await orderAsShipped(step, placed, { refundId: refund.refundId, policies })
  const all = step.heard("order.refunded")
  const before = all
    .slice(
      0,
      all.findIndex(({ fact }) => fact === signal.fact),
    )
    .map(({ data }) => data)
  const overpaidMinor = overpaidBy(order, seen.takenMinor)
  const heard = { refund, ...unitsAfterEnd(order, refund, { ...seen, before }), overpaidMinor }
  const shipped = heard.units.flatMap(({ line: { lineId, quantity, left }, leftMilli }) =>
    left === false && leftMilli > 0 ? [{ lineId, quantity: { ...quantity, milli: leftMilli } }] : [],
  )
  if (shipped.length > 0) {
    const { name, text } = tooLateToTakeOff(order, shipped, refund.refundId)
    await step.raise(name, text)
  }
  if (givenBackTooMuch(seen) || givesBackTooLittle(order, heard)) {
    const { name, text } = refundedByShop(order, refund, seen)
    await step.raise(name, text)
  }
  const due = creditOf(order, heard, policies.businessDay(refund.at))
  if (due) step.tell(part("credit is due", refund.refundId), { type: "credit.due", data: due })
}

/** The order with the edits that were taken into account before it ended, and the SKUs that the stock knows. */
async function orderAsShipped(
  step: Step,
  placed: Order,
  { refundId, policies }: { refundId: string; policies: OrderPolicies },
): Promise<Order> {
  const late = step.untaken("order.edited")
  const taken = step.heard("order.edited").filter(({ fact }) => !late.some((edit) => edit.fact === fact))
  const newest = taken.reduce((known, { data }) => later(known, data.order), placed)
  const order = newest === placed ? placed : withTenders(newest, placed)
  const names = await step.decide(part("look for late facts", `articles:${refundId}`), async () => {
    const skus = order.lines.map(({ sku }) => sku)
    return (await policies.findArticles(order.channel, skus)).mapped
  })
  const made = await step.decide(part("look for late facts", `made:${refundId}`), () => policies.madeOf(order.id))
  return withGoods(order, { names, made })
}

/** A cancellation of an order that has ended as shipped. */
export async function raiseCancelledAfterEnd(step: Step, order: Order): Promise<void> {
  for (const signal of step.untaken("order.cancellation-requested"))
    await step.raise(part("cancelled after it was closed", signal.fact), {
      summary: `Order ${order.number} was cancelled after all of it had shipped. The goods have to come back first.`,
      ifNobodyActs: "the buyer keeps goods and the shop shows a cancelled order",
      owner: "customer service",
      allowedActions: ["open a return", "acknowledge"],
      atRisk: order.total.shop,
    })
}

/**
 * An edit of an order that has ended as shipped: nobody ships what it added, and the books keep the old total. A new address changes
 * nothing any more.
 */
export async function raiseEditedAfterEnd(step: Step, order: Order): Promise<void> {
  const late = step.untaken("order.edited")
  const taken = step.heard("order.edited").filter(({ fact }) => !late.some((edit) => edit.fact === fact))
  let before = taken.reduce((newest, { data }) => later(newest, data.order), order)
  for (const { fact, data } of late) {
    if (later(before, data.order) !== data.order) continue
    await raiseEdited(step, before, { fact, edited: data.order })
    before = data.order
  }
}

/** Tells of an edit that nobody carries out, because all of the order has shipped. An edit without goods and money is not told. */
export async function raiseEdited(
  step: Step,
  order: Order,
  { fact, edited }: { fact: string; edited: Order },
): Promise<void> {
  const { quantities, totalMinor, summary } = editDifference(order, edited)
  if (quantities.length === 0 && totalMinor === 0) return
  await step.raise(part("changed after it was closed", fact), {
    summary: cut(`Order ${order.number} was changed in the shop after all of it had shipped: ${summary}.`, 1000),
    ifNobodyActs: "what was added is not shipped, and the invoices stand",
    owner: "customer service",
    allowedActions: ["acknowledge"],
    atRisk: money(Math.abs(totalMinor), order.currency.shop),
  })
}

const later = (a: Order, b: Order): Order => (compareInstants(b.version, a.version) < 0 ? a : b)
