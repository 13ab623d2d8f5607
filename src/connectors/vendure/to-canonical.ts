import { cut } from "../../base/text.ts"
import type { Problem } from "../../base/errors.ts"
import { orderIdOf } from "../../base/ids.ts"
import type { Money } from "../../base/money.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import type { Tender } from "../../canonical/order.ts"
import { textMax } from "../../canonical/parts.ts"
import { unpaidRefund, type OddPart } from "../../protocols/odd-parts.ts"
import { fromShop } from "./orders/amounts.ts"
import { objectOf, type Snapshot, type VendureContent, type VendureFulfilment } from "./payloads.ts"
import { canonicalOrder, pair, partLines, tenderOf, utc, type TranslationContext } from "./orders/placed-order.ts"

/** What an order, or a part of it, tells: facts, and the parts that tell nothing yet. */
export interface Told {
  events: NewEvent[]
  odd: OddPart[]
}

interface Telling extends TranslationContext {
  orderId: string
  /** The beginning of every fact of this order. */
  fact: string
  currency: string
  told: Told
}

/** How every fact of an order begins. */
export const factOf = ({ id }: Pick<Snapshot, "id">, { system }: Pick<TranslationContext, "system">): string =>
  `${system}:order:${id}`

/**
 * Every fact in one state of an order. Each part speaks for itself: what one of them cannot say hides nothing of the others (P-31).
 *
 * A cancelled order has lost its amounts, so only its cancellation is a fact. If it was never seen before, it is not
 * booked.
 */
export function factsOf(snapshot: Snapshot, context: TranslationContext): Told {
  const told: Told = { events: [], odd: [] }
  if (snapshot.orderPlacedAt === null) return told
  const { system } = context
  const isCancelled = snapshot.state === "Cancelled"
  // A cancelled order has nothing to sell, so it does not matter how it is written.
  told.odd.push(...snapshot.odd.filter(({ kind }) => !(isCancelled && kind === "content")))
  const telling: Telling = {
    ...context,
    orderId: orderIdOf(system, snapshot.id),
    fact: factOf(snapshot, context),
    currency: snapshot.currencyCode,
    told,
  }
  const tenders = tendersOf(snapshot, telling)
  if (isCancelled) told.events.push(cancelledFact(snapshot, telling))
  else if (snapshot.content) placedFacts({ ...snapshot, content: snapshot.content }, { ...telling, tenders })
  for (const { tender, at } of tenders) if (isHeld(tender)) told.events.push(tenderFact(tender, at, telling))
  for (const refund of snapshot.refunds) refundFacts(refund, telling)
  for (const fulfilment of snapshot.fulfilments) told.events.push(...fulfilmentFacts(fulfilment, telling))
  return told
}

interface Paid {
  tender: Tender
  at: string
}

/** Payments that can be read and are mapped; the others wait. */
function tendersOf({ payments }: Snapshot, telling: Telling): Paid[] {
  return payments.flatMap((payment) => {
    const problems: Problem[] = []
    const tender = tenderOf(payment, { ...telling, problems })
    if (tender) return [{ tender, at: utc(payment.createdAt) }]
    const { id, amount } = payment
    const money = moneyOf(amount, telling)
    telling.told.odd.push({ kind: "transaction", id, pointer: "/snapshot/payments", problems, money })
    return []
  })
}

const isHeld = ({ state }: Tender) => state === "captured" || state === "authorised"

const moneyOf = (value: number, { currency, amounts }: Telling): Money =>
  fromShop(value, { currency, ...amounts }).amount

function placedFacts(
  snapshot: Snapshot & { content: VendureContent },
  { tenders: paid, ...telling }: Telling & { tenders: readonly Paid[] },
): void {
  const { orderId, fact, system: source, told } = telling
  const { content } = snapshot
  const placedAt = utc(snapshot.orderPlacedAt ?? snapshot.updatedAt)
  const problems: Problem[] = []
  const tenders = paid.map(({ tender }) => tender).filter(({ state }) => state !== "failed")
  const order = canonicalOrder(snapshot, { ...telling, version: placedAt, problems, tenders })
  if (problems.length > 0) {
    const money = moneyOf(content.totalWithTax, telling)
    told.odd.push({ kind: "content", id: "", pointer: "/snapshot", problems, money })
    return
  }
  told.events.push(
    newEvent({ type: "order.placed", fact: `${fact}:placed`, source, time: placedAt, data: { orderId, order } }),
  )
  if (content.lines.every((line) => line.quantity === line.orderPlacedQuantity)) return
  // `updatedAt` does not change when pieces are removed from an order; the newest history entry has the time of the
  // change.
  const version = utc(snapshot.history.items[0]?.createdAt ?? snapshot.updatedAt)
  const quantities = content.lines.map((line) => `${line.id}x${line.quantity}`).join("+")
  told.events.push(
    newEvent({
      type: "order.edited",
      fact: `${fact}:edited:${quantities}`,
      source,
      time: version,
      data: { orderId, order: { ...order, version } },
    }),
  )
}

function cancelledFact(snapshot: Snapshot, { orderId, fact, system: source }: Telling): NewEvent {
  const cancellation = snapshot.cancellations.items[0]
  const { reason } = objectOf(cancellation?.data)
  return newEvent({
    type: "order.cancellation-requested",
    fact: `${fact}:cancelled`,
    source,
    time: utc(cancellation?.createdAt ?? snapshot.updatedAt),
    data: {
      orderId,
      reason: typeof reason === "string" && reason !== "" ? cut(reason, 500) : "cancelled in the shop",
      requestedBy: "channel",
    },
  })
}

function tenderFact(tender: Tender, at: string, { orderId, fact, system: source }: Telling): NewEvent {
  return newEvent({
    type: "order.tender-changed",
    fact: `${fact}:payment:${tender.id}:${tender.state}`,
    source,
    time: at,
    data: { orderId, tender, at },
  })
}

// Our own refunds and cancellations end their reason with our key. Their effects say what became of them.
const ourKey = /\(eff_[0-9a-z]{16}\)$/

/** A refund is a fact once the money has arrived. Until then, and when it failed, it waits (P-36). */
function refundFacts(refund: Snapshot["refunds"][number], telling: Telling): void {
  const { orderId, fact, system: source, told, currency } = telling
  const { id, state, total, lines, reason, paymentId } = refund
  const money = moneyOf(total, telling)
  const time = utc(refund.createdAt)
  const pointer = "/snapshot/payments"
  if (state === "Settled") {
    const amount = pair(money.amountMinor, currency)
    const payments = [{ tenderId: cut(paymentId, 64), amount: money }]
    const data = { orderId, refundId: id, amount, lines: partLines(lines), payments, at: time }
    told.events.push(newEvent({ type: "order.refunded", fact: `${fact}:refund:${id}`, source, time, data }))
  } else if (state !== "Pending" && state !== "Failed") {
    const message = `refund state "${state}" is not mapped`
    const problems = [{ pointer: "/state", message, code: "VENDOR_VALUE_UNKNOWN" as const }]
    told.odd.push({ kind: "refund", id, pointer, problems, money })
  } else if (!ourKey.test(reason ?? ""))
    told.odd.push(unpaidRefund({ id, pointer, money }, { isPending: state === "Pending" }))
}

function fulfilmentFacts(fulfilment: VendureFulfilment, { orderId, fact, system: source }: Telling): NewEvent[] {
  if (fulfilment.state !== "Shipped" && fulfilment.state !== "Delivered") return []
  const at = utc(fulfilment.updatedAt)
  // A code equal to our own key replaces a tracking number that the location did not give.
  const isOurKey = /^eff_[0-9a-z]{16}$/.test(fulfilment.trackingCode ?? "")
  const data = {
    orderId,
    fulfilmentId: fulfilment.id,
    ...(fulfilment.trackingCode && !isOurKey ? { trackingNumber: cut(fulfilment.trackingCode, textMax) } : {}),
    lines: partLines(fulfilment.lines),
    at,
  }
  return [
    newEvent({
      type: "order.fulfilled-by-channel",
      fact: `${fact}:fulfilment:${fulfilment.id}`,
      source,
      time: at,
      data,
    }),
  ]
}
