import { cut } from "../../base/text.ts"
import { AppError, type Problem } from "../../base/errors.ts"
import { orderIdOf } from "../../base/ids.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { objectOf } from "./client.ts"
import type { VendureFulfilment, VendureOrder } from "./payloads.ts"
import { canonicalOrder, pair, partLines, tenderOf, utc, type TranslationContext } from "./orders/placed-order.ts"

interface Telling extends TranslationContext {
  orderId: string
  /** The beginning of every fact of this order. */
  fact: string
  problems: Problem[]
}

/**
 * Every fact in one state of an order.
 *
 * A cancelled order has lost its amounts, so only its cancellation is a fact. If it was never seen before, it is not
 * booked.
 */
export function factsOf(snapshot: VendureOrder, context: TranslationContext): NewEvent[] {
  if (snapshot.orderPlacedAt === null) return []
  const { system } = context
  const telling: Telling = {
    ...context,
    orderId: orderIdOf(system, snapshot.id),
    fact: `${system}:order:${snapshot.id}`,
    problems: [],
  }
  const events = [
    ...(snapshot.state === "Cancelled"
      ? [cancelledFact(snapshot, telling)]
      : placedFacts(snapshot, utc(snapshot.orderPlacedAt), telling)),
    ...paymentFacts(snapshot, telling),
    ...(snapshot.fulfillments ?? []).flatMap((fulfilment) => fulfilmentFacts(fulfilment, telling)),
  ]
  refuse(`order ${snapshot.code}`, telling.problems)
  return events
}

function refuse(what: string, problems: readonly Problem[]): void {
  const [first] = problems
  if (!first) return
  const isOnlyUnknown = problems.every((problem) => problem.code === "VENDOR_VALUE_UNKNOWN")
  throw new AppError(
    isOnlyUnknown ? "VENDOR_VALUE_UNKNOWN" : "TRANSLATION_FAILED",
    `${what}: ${first.pointer} ${first.message}`,
    { problems },
  )
}

function placedFacts(snapshot: VendureOrder, placedAt: string, telling: Telling): NewEvent[] {
  const { orderId, fact, system: source } = telling
  const order = canonicalOrder(snapshot, { ...telling, version: placedAt })
  const placed = newEvent({
    type: "order.placed",
    fact: `${fact}:placed`,
    source,
    time: placedAt,
    data: { orderId, order },
  })
  if (snapshot.lines.every((line) => line.quantity === line.orderPlacedQuantity)) return [placed]
  // `updatedAt` does not change when pieces are removed from an order; the newest history entry has the time of the
  // change.
  const version = utc(snapshot.history.items[0]?.createdAt ?? snapshot.updatedAt)
  const quantities = snapshot.lines.map((line) => `${line.id}x${line.quantity}`).join("+")
  const edited = newEvent({
    type: "order.edited",
    fact: `${fact}:edited:${quantities}`,
    source,
    time: version,
    data: { orderId, order: { ...order, version } },
  })
  return [placed, edited]
}

function cancelledFact(snapshot: VendureOrder, { orderId, fact, system: source }: Telling): NewEvent {
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

function paymentFacts(snapshot: VendureOrder, telling: Telling): NewEvent[] {
  const { orderId, fact, system: source } = telling
  const currency = snapshot.currencyCode
  return snapshot.payments.flatMap((payment) => {
    const tender = tenderOf(payment, { ...telling, currency })
    const at = utc(payment.createdAt)
    const refunds = payment.refunds
      .filter(({ state }) => state !== "Failed")
      .map(({ id, createdAt, total, lines }) => {
        const time = utc(createdAt)
        const amount = pair(total, currency)
        const data = { orderId, refundId: id, amount, lines: partLines(lines), at: time }
        return newEvent({ type: "order.refunded", fact: `${fact}:refund:${id}`, source, time, data })
      })
    if (tender.state !== "captured" && tender.state !== "authorised") return refunds
    const changed = newEvent({
      type: "order.tender-changed",
      fact: `${fact}:payment:${payment.id}:${tender.state}`,
      source,
      time: at,
      data: { orderId, tender, at },
    })
    return [changed, ...refunds]
  })
}

function fulfilmentFacts(fulfilment: VendureFulfilment, { orderId, fact, system: source }: Telling): NewEvent[] {
  if (fulfilment.state !== "Shipped" && fulfilment.state !== "Delivered") return []
  const at = utc(fulfilment.updatedAt)
  // A code equal to our own key replaces a tracking number that the location did not give.
  const isOurKey = /^eff_[0-9a-z]{16}$/.test(fulfilment.trackingCode ?? "")
  const data = {
    orderId,
    fulfilmentId: fulfilment.id,
    ...(fulfilment.trackingCode && !isOurKey ? { trackingNumber: fulfilment.trackingCode } : {}),
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
