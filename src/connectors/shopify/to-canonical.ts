import type { Problem } from "../../base/errors.ts"
import { money, moneyText } from "../../base/money.ts"
import { orderIdOf } from "../../base/ids.ts"
import { pieces } from "../../base/quantity.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { orderProblems } from "../../canonical/order-invariants.ts"
import { editionOf, Order, type Tender } from "../../canonical/order.ts"
import { validator } from "../../canonical/validate.ts"
import { views, type Sold } from "./orders/charges.ts"
import { editedOrder } from "./orders/edited-order.ts"
import { placedOrder, type ShopConventions } from "./orders/placed-order.ts"
import { refundFacts } from "./orders/refund-facts.ts"
import { tenderFacts } from "./orders/tender-facts.ts"
import type { Snapshot, SnapshotFulfilment, Told } from "./payloads.ts"

export interface TranslationContext {
  /** Id of the connection: source of the facts and channel of the orders. */
  system: string
  conventions: ShopConventions
  gateways: Readonly<Record<string, Tender["kind"]>>
  /** Our location for each number of the shop's. */
  places: ReadonlyMap<string, string>
}

/**
 * Every fact in one state of an order. States may arrive in any order and repeatedly: equal facts have equal data, so
 * the log converges (P-07). Each part speaks for itself: what one of them cannot say hides nothing of the others (P-31).
 */
export function factsOf(snapshot: Snapshot, context: TranslationContext, { isNew = false } = {}): Told {
  const told: Told = { events: [], odd: [...snapshot.odd] }
  const { content } = snapshot
  if (content) contentFacts({ ...snapshot, content }, { context, told, isNew })
  const { shop, presentment } = snapshot.currency
  const value = content?.total ?? { shop: money(0, shop), presentment: money(0, presentment) }
  if (snapshot.transactions)
    tenderFacts(snapshot.transactions, { ...names(snapshot.id, context), gateways: context.gateways, value, told })
  for (const refund of snapshot.refunds)
    refundFacts(refund, { ...snapshot, value }, { ...names(snapshot.id, context), places: context.places, told })
  for (const fulfilment of snapshot.fulfilments) told.events.push(...fulfilmentFacts(fulfilment, snapshot.id, context))
  if (snapshot.cancellation) told.events.push(cancelledFact(snapshot, snapshot.cancellation, context))
  return told
}

// Lengths and patterns of the canonical model: a value that does not fit is parked with its place, not truncated.
const orderSchema = validator(Order, "order")

/** Goods to be shipped nowhere are a question for people, not a reason not to hear of the order. */
function problemsOf(order: Order, { isEdit }: { isEdit: boolean }): Problem[] {
  const known = orderProblems(order, { isEdit }).filter(({ pointer }) => pointer !== "/shippingAddress")
  return [...orderSchema.problems(order), ...known]
}

/** How facts and events of one order are named. */
export function names(externalId: string, { system }: Pick<TranslationContext, "system">) {
  return {
    system,
    externalOrderId: externalId,
    orderId: orderIdOf(system, externalId),
    fact: `${system}:order:${externalId}`,
  }
}

interface Making {
  context: TranslationContext
  told: Told
}

/** The order as it was placed, and as it is now: an edit, unless the shop has just taken it or has cancelled it. */
function contentFacts(sold: Sold, { context, told, isNew }: Making & { isNew: boolean }): void {
  const { system: channel, conventions, places } = context
  const problems: Problem[] = []
  const order = placedOrder(sold, { channel, conventions, places, problems })
  problems.push(...problemsOf(order, { isEdit: false }), ...totalProblems(sold, order))
  const whole = { pointer: "", id: "", money: sold.content.total.shop }
  if (problems.length > 0) {
    told.odd.push({ kind: "content", problems, ...whole })
    return
  }
  told.events.push(placedFact(sold, order, context))
  // A refund that cannot be read may have taken units off: which of them an edit removed is not known then.
  if (isNew || sold.cancellation || sold.odd.some(({ kind }) => kind === "refund")) return
  const edited = editedOrder(sold, { channel, conventions, places, problems })
  const misread = problemsOf(edited, { isEdit: true })
  problems.push(...misread.map((problem) => ({ ...problem, pointer: `/edited${problem.pointer}` })))
  if (problems.length > 0) told.odd.push({ kind: "edit", problems, ...whole })
  else told.events.push(editedFact(sold, edited, context))
}

/** Shopify's own total must equal the sum of the lines; otherwise the payload was misread. */
function totalProblems({ content }: Sold, order: Order): Problem[] {
  const stated = content.originalTotal ?? content.total
  return views.flatMap((view) => {
    const made = order.total[view].amountMinor - content.cashRounding[view].amountMinor
    if (made === stated[view].amountMinor || made === content.total[view].amountMinor) return []
    const message = `the shop states ${moneyText(stated[view])}, but lines and charges sum to ${moneyText({ ...stated[view], amountMinor: made })}`
    return [{ pointer: `/total_price_set/${view}`, code: "ORDER_TOTALS_WRONG" as const, message }]
  })
}

function placedFact(snapshot: Snapshot, order: Order, context: TranslationContext): NewEvent {
  return newEvent({
    type: "order.placed",
    fact: `${names(snapshot.id, context).fact}:placed`,
    source: context.system,
    time: snapshot.createdAt,
    data: { orderId: order.id, order },
  })
}

/** The order as it is now. The door leaves it out when that is what is known of the order already. */
function editedFact(snapshot: Snapshot, order: Order, context: TranslationContext): NewEvent {
  const { fact } = names(snapshot.id, context)
  return newEvent({
    type: "order.edited",
    fact: `${fact}:edited:${editionOf(order)}`,
    source: context.system,
    time: snapshot.updatedAt,
    data: { orderId: order.id, order },
  })
}

function cancelledFact(
  snapshot: Snapshot,
  cancellation: NonNullable<Snapshot["cancellation"]>,
  context: TranslationContext,
): NewEvent {
  const { fact, orderId } = names(snapshot.id, context)
  return newEvent({
    type: "order.cancellation-requested",
    fact: `${fact}:cancelled`,
    source: context.system,
    time: cancellation.at,
    data: {
      orderId,
      reason: cancellation.reason,
      requestedBy: cancellation.reason === "customer" ? "customer" : "shop",
    },
  })
}

/**
 * Facts of a fulfilment: shipped when it succeeded, taken back when it was cancelled. A tracking number that it gets later, or another
 * one, is a fact of its own.
 */
export function fulfilmentFacts(
  fulfilment: SnapshotFulfilment,
  externalOrderId: string,
  context: TranslationContext,
): NewEvent[] {
  const { fact, orderId } = names(externalOrderId, context)
  const { id: fulfilmentId, status, trackingNumber, carrier, trackingUrl } = fulfilment
  const lines = fulfilment.lines.map((line) => ({ lineId: line.lineId, quantity: pieces(line.quantity) }))
  const about = { orderId, fulfilmentId, ...(trackingNumber !== undefined && { trackingNumber }), lines }
  const source = context.system
  if (status === "cancelled")
    return [
      newEvent({
        type: "order.fulfilment-taken-back",
        fact: `${fact}:fulfilment:${fulfilmentId}:taken-back`,
        source,
        time: fulfilment.changedAt,
        data: { ...about, at: fulfilment.changedAt },
      }),
    ]
  if (status !== "success") return []
  return [
    newEvent({
      type: "order.fulfilled-by-channel",
      fact: `${fact}:fulfilment:${fulfilmentId}${trackingNumber === undefined ? "" : `:tracking:${trackingNumber}`}`,
      source,
      time: fulfilment.at,
      data: {
        ...about,
        ...(carrier !== undefined && { carrier }),
        ...(trackingUrl !== undefined && { trackingUrl }),
        at: fulfilment.at,
      },
    }),
  ]
}
