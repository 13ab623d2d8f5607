import type { EventData } from "../../canonical/events.ts"
import type { Order } from "../../canonical/order.ts"
import type { Signal } from "../../effects/ledger-rows.ts"
import type { OrderFulfilment } from "./fulfilment.ts"
import type { Step } from "../step.ts"

// What people did in the shop by themselves. It may be told before or after what it is about, and once all is told the same
// exceptions are open (P-07).

const refunded = "refunded by the shop"

/** The shop reports a fulfilment: our own, coming back (P-08), or somebody shipped past us. */
export async function compareWithOwn(fulfilment: OrderFulfilment, signal: Signal): Promise<void> {
  const { step, order, knownTracking, shippedPastUs } = fulfilment
  const { trackingNumber } = signal.data as EventData<"order.fulfilled-by-channel">
  if (trackingNumber === undefined || knownTracking.has(trackingNumber)) return
  shippedPastUs.set(trackingNumber, await tellPastUs(step, order, signal))
}

/** A location reports the parcel that the shop had told of first: nobody shipped past us. */
export function knowTracking({ step, knownTracking, shippedPastUs }: OrderFulfilment, tracking: string): void {
  knownTracking.add(tracking)
  const exceptionId = shippedPastUs.get(tracking)
  if (exceptionId === undefined) return
  step.settle(exceptionId, { action: "acknowledge", reason: "a location reported the same parcel" })
}

async function tellPastUs(step: Step, order: Order, signal: Signal): Promise<string> {
  const { trackingNumber, fulfilmentId } = signal.data as EventData<"order.fulfilled-by-channel">
  const name = `fulfilled past us#${fulfilmentId}`
  await step.raise(name, {
    summary: `The shop shows a fulfilment of order ${order.number} (${trackingNumber}) that no location reported.`,
    ifNobodyActs: "the goods are shipped a second time when the location ships",
    owner: "operations",
    allowedActions: ["acknowledge"],
    atRisk: order.total.shop,
  })
  return step.exceptionId(name)
}

/** Money the shop gave back by itself: neither goods nor books follow from it, so somebody has to know. */
export async function tellRefund(step: Step, order: Order, signal: Signal): Promise<void> {
  const { refundId, amount } = signal.data as EventData<"order.refunded">
  const { amountMinor, currency } = amount.shop
  await step.raise(`${refunded}#${refundId}`, {
    summary: `The shop gave ${amountMinor} back on order ${order.number} (minor units of ${currency}), and the books do not know of it.`,
    ifNobodyActs: "what is open ships as ordered, and the invoices stand",
    owner: "finance",
    allowedActions: ["acknowledge"],
    atRisk: amount.shop,
  })
}

/** An order that was taken back whole needs no word about its refunds: they are part of it. */
export function settleRefunds(step: Step): void {
  for (const { data } of step.heard("order.refunded")) {
    const name = `${refunded}#${(data as EventData<"order.refunded">).refundId}`
    if (step.hasRaised(name))
      step.settle(step.exceptionId(name), { action: "acknowledge", reason: "the order was cancelled" })
  }
}

/** What the shop tells of an order that has ended as shipped. */
export async function hearShopLate(step: Step, order: Order): Promise<void> {
  const shipped = step.heard("shipment.confirmed").map(({ data }) => (data as EventData<"shipment.confirmed">).shipment)
  const known = new Set([...shipped.map(shownAs), digitalShipment(order)])
  for (const signal of step.untaken("order.fulfilled-by-channel")) {
    const { trackingNumber } = signal.data as EventData<"order.fulfilled-by-channel">
    if (trackingNumber !== undefined && !known.has(trackingNumber)) await tellPastUs(step, order, signal)
  }
  for (const signal of step.untaken("order.refunded")) await tellRefund(step, order, signal)
}

/** What a shop shows of a shipment: its id where there is no tracking number. */
export const shownAs = (shipment: { id: string; trackingNumber?: string }): string =>
  shipment.trackingNumber ?? shipment.id

/** The id of the shipment of what leaves no shelf. */
export const digitalShipment = (order: Order): string => `digital-${order.id}`
