import { money, type Money } from "../../base/money.ts"
import { newEvent, type EventData, type EventName, type NewEvent } from "../../canonical/events.ts"
import type { JournalEntry } from "../../canonical/ledger-entry.ts"
import type { Order, Tender } from "../../canonical/order.ts"
import type { LineQuantity, Reference } from "../../canonical/parts.ts"
import { ref } from "../../canonical/refs.ts"
import type { Step } from "../../durable/steps/step.ts"
import type { CapturedPayment } from "../../ports/capabilities/payments.ts"
import type { PostedEntry } from "../../ports/capabilities/books.ts"
import type { Written } from "../../ports/write.ts"

// The facts of an order that follow from its own effects. They enter the log with the outcome, so the account of an order needs no
// workflow's memory.

type PaymentFact = "payment.authorised" | "payment.voided"
type Payment = { tender: Tender; amount: Money; by: string; reference?: Reference | undefined }

interface Telling {
  step: Step
  order: Order
  /** What tells this fact from others of its type about this order. */
  name: string
}

function told<Name extends EventName>({ step, order, name }: Telling, type: Name, data: EventData<Name>): NewEvent[] {
  const fact = `crossdock:order:${order.id}:${type}:${name}`
  return [newEvent({ type, fact, source: "crossdock:fulfil order", time: step.now(), data })]
}

/** The books hold the order. */
export function orderBooked(telling: Telling, { reference, total }: Written & { total?: Money }): NewEvent[] {
  const { order, step } = telling
  if (!reference) return []
  const data = { orderId: order.id, references: [reference], total: total ?? order.total.shop, at: step.now() }
  return told(telling, "order.booked", data)
}

/** What became of the money of a tender by our own hand. */
export function paymentTold(telling: Telling, type: PaymentFact, payment: Payment): NewEvent[] {
  return told(telling, type, paymentData(telling, payment))
}

/**
 * Money of a tender was captured, by us and, as the provider shows it, by hand. What others captured is told as often as it is
 * seen; the account counts the most that was told.
 */
export function captureTold(
  telling: Telling,
  { tender, payment }: { tender: Tender; payment: CapturedPayment },
): NewEvent[] {
  const { amount, taken, reference } = payment
  return told(telling, "payment.captured", {
    ...paymentData(telling, { tender, amount, by: tender.provider, reference }),
    ...(taken.amountMinor > amount.amountMinor ? { inAll: taken } : {}),
  })
}

/** Money went back to a tender, or is about to; this settles its claim once it is there. */
export function refundTold(
  telling: Telling,
  { claim, isPending, ...payment }: Payment & { claim: string; isPending: boolean | undefined },
): NewEvent[] {
  const pending = isPending ? { isPending } : {}
  return told(telling, "payment.refunded", { ...paymentData(telling, payment), claim, ...pending })
}

function paymentData({ order, step }: Telling, { tender, amount, by, reference }: Payment) {
  const known = reference === undefined ? {} : { reference }
  return { orderId: order.id, tenderId: tender.id, amount, by, ...known, at: step.now() }
}

/** Goods of a shipment were taken out of the stock. */
export function goodsShipped(
  telling: Telling,
  shipped: { shipmentId: string; locationId: string; lines: readonly LineQuantity[]; at: string },
): NewEvent[] {
  return told(telling, "goods.shipped", {
    ...shipped,
    orderId: telling.order.id,
    lines: shipped.lines.map(({ lineId, quantity }) => ({ lineId, quantity })),
  })
}

/** A journal entry stands in the books. */
export function entryPosted(
  telling: Telling,
  entry: JournalEntry,
  { reference, documentNumber }: PostedEntry,
): NewEvent[] {
  // Another system states this revenue itself, so no entry of ours stands anywhere.
  if (documentNumber === "") return []
  return told(telling, "entry.posted", {
    about: ref("order", telling.order.id),
    entryId: entry.number,
    kind: entry.kind,
    total: paidBy(entry),
    businessDate: entry.businessDate,
    ...(entry.postingDate === undefined ? {} : { postingDate: entry.postingDate }),
    ...(reference ? { document: reference } : {}),
    at: telling.step.now(),
  })
}

/** What an invoice is over: how it was or will be paid. Rounding may stand on the same side and is no part of it. */
export function paidBy({ lines, currency }: JournalEntry): Money {
  const paid = lines.filter(({ account, amount }) =>
    account === "gift card liability"
      ? amount.amountMinor > 0
      : account === "receivable" || account === "payment clearing",
  )
  return money(
    paid.reduce((sum, { amount }) => sum + amount.amountMinor, 0),
    currency,
  )
}
