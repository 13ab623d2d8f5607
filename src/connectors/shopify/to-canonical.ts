import { AppError, type Problem } from "../../base/errors.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { orderProblems } from "../../canonical/order-invariants.ts"
import { Order, type Tender } from "../../canonical/order.ts"
import { validator } from "../../canonical/validate.ts"
import { pieces } from "../../base/quantity.ts"
import { editedOrder, editRevision, refundWorth, wasEdited } from "./orders/edited-order.ts"
import type { RestockType, Snapshot, SnapshotFulfilment, SnapshotRefund } from "./payloads.ts"
import { orderId, placedOrder, views, type ShopConventions } from "./orders/placed-order.ts"
import { tenderFact } from "./orders/tender-facts.ts"

export interface TranslationContext {
  /** Id of the connection: source of the facts and channel of the orders. */
  system: string
  conventions: ShopConventions
  gateways: Readonly<Record<string, Tender["kind"]>>
}

/**
 * Every fact in one state of an order. States may arrive in any order and repeatedly: equal facts have equal data, so
 * the log converges (P-07). Throws TRANSLATION_FAILED or VENDOR_VALUE_UNKNOWN with all problems.
 */
export function factsOf(snapshot: Snapshot, context: TranslationContext): NewEvent[] {
  const problems: Problem[] = []
  const placing = { channel: context.system, conventions: context.conventions, problems }
  const events = [placedFact(snapshot, placedOrder(snapshot, placing), { context, problems })]
  if (wasEdited(snapshot)) events.push(editedFact(snapshot, editedOrder(snapshot, placing), { context, problems }))
  for (const transaction of snapshot.transactions ?? []) {
    const fact = tenderFact(transaction, { ...names(snapshot.id, context), gateways: context.gateways, problems })
    if (fact) events.push(fact)
  }
  for (const refund of snapshot.refunds) events.push(...refundFacts(refund, snapshot, { context, problems }))
  for (const fulfilment of snapshot.fulfilments) events.push(...fulfilmentFacts(fulfilment, snapshot.id, context))
  if (snapshot.cancellation) events.push(cancelledFact(snapshot, snapshot.cancellation, context))
  refuse(`order ${snapshot.name}`, problems)
  return events
}

/** Throws the problems, if there are any. */
export function refuse(what: string, problems: readonly Problem[]): void {
  if (problems.length === 0) return
  const isOnlyUnknown = problems.every((problem) => problem.code === "VENDOR_VALUE_UNKNOWN")
  throw new AppError(
    isOnlyUnknown ? "VENDOR_VALUE_UNKNOWN" : "TRANSLATION_FAILED",
    `${what}: ${problems[0]?.pointer} ${problems[0]?.message}`,
    { problems },
  )
}

// Lengths and patterns of the canonical model: a value that does not fit is parked with its place, not truncated.
const orderSchema = validator(Order, "order")

function problemsOf(order: Order): Problem[] {
  return [...orderSchema.problems(order), ...orderProblems(order)]
}

interface Making {
  context: TranslationContext
  problems: Problem[]
}

/** How facts and events of one order are named. */
function names(externalId: string, context: TranslationContext) {
  const { system } = context
  return {
    system,
    externalOrderId: externalId,
    orderId: orderId(system, externalId),
    fact: `${system}:order:${externalId}`,
  }
}

function placedFact(snapshot: Snapshot, order: Order, { context, problems }: Making): NewEvent {
  problems.push(...problemsOf(order))
  // Shopify's own total must equal the sum of the lines; otherwise the payload was misread.
  const stated = snapshot.originalTotal ?? snapshot.total
  for (const view of views) {
    const made = order.total[view].amountMinor - snapshot.cashRounding[view].amountMinor
    if (made !== stated[view].amountMinor && made !== snapshot.total[view].amountMinor)
      problems.push({
        pointer: `/total_price_set/${view}`,
        code: "ORDER_TOTALS_WRONG",
        message: `the shop states ${stated[view].amountMinor}, but lines and charges sum to ${made} minor units`,
      })
  }
  return newEvent({
    type: "order.placed",
    fact: `${names(snapshot.id, context).fact}:placed`,
    source: context.system,
    time: snapshot.createdAt,
    data: { orderId: order.id, order },
  })
}

function editedFact(snapshot: Snapshot, order: Order, { context, problems }: Making): NewEvent {
  for (const problem of problemsOf(order)) problems.push({ ...problem, pointer: `/edited${problem.pointer}` })
  return newEvent({
    type: "order.edited",
    fact: `${names(snapshot.id, context).fact}:edited:${snapshot.updatedAt}:${editRevision(snapshot)}`,
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
  const { fact, orderId: id } = names(snapshot.id, context)
  return newEvent({
    type: "order.cancellation-requested",
    fact: `${fact}:cancelled`,
    source: context.system,
    time: cancellation.at,
    data: {
      orderId: id,
      reason: cancellation.reason,
      requestedBy: cancellation.reason === "customer" ? "customer" : "shop",
    },
  })
}

/**
 * "cancel" takes units off that were not fulfilled, "return" restocks fulfilled ones, and "no_restock" is used for both
 * (RefundLineItemRestockType, Admin API 2026-10).
 */
function hadLeft(restock: RestockType): { left?: boolean } {
  return restock === "cancel" || restock === "return" ? { left: restock === "return" } : {}
}

/** What was paid back, in the currency it was made in. */
export function paidBackMinor({ paidBack }: SnapshotRefund): number {
  return paidBack.reduce((sum, { amount }) => sum + amount.amountMinor, 0)
}

/** Facts of a refund: none while no money has moved. */
export function refundFacts(
  refund: SnapshotRefund,
  order: Pick<Snapshot, "id" | "currency" | "taxesIncluded">,
  { context, problems }: Making,
): NewEvent[] {
  const paidMinor = paidBackMinor(refund)
  if (paidMinor === 0) return []
  const amount = refundWorth(refund, order)
  if (amount.presentment.amountMinor !== paidMinor)
    problems.push({
      pointer: `/refunds/${refund.id}`,
      code: "ORDER_TOTALS_WRONG",
      message: `${paidMinor} were paid back for what is worth ${amount.presentment.amountMinor} minor units`,
    })
  const { fact, orderId: id } = names(order.id, context)
  return [
    newEvent({
      type: "order.refunded",
      fact: `${fact}:refund:${refund.id}`,
      source: context.system,
      time: refund.at,
      data: {
        orderId: id,
        refundId: refund.id,
        amount,
        lines: refund.lines.map(({ lineId, quantity, restock }) => ({
          lineId,
          quantity: pieces(quantity),
          ...hadLeft(restock),
        })),
        restock: refund.lines.some(({ restock }) => restock !== "no_restock"),
        // A refund's parent is the payment it takes back: a sale, which is the tender, or a capture of one. What the shop does not
        // tell is the provider's own number of the refund.
        payments: refund.paidBack.map(({ amount: paid, parentId }) => ({
          amount: paid,
          ...(parentId === undefined ? {} : { tenderId: parentId }),
        })),
        at: refund.at,
      },
    }),
  ]
}

/** Facts of a fulfilment. Only a successful one counts as shipped. */
export function fulfilmentFacts(
  fulfilment: SnapshotFulfilment,
  externalOrderId: string,
  context: TranslationContext,
): NewEvent[] {
  if (!fulfilment.isSuccess) return []
  const { fact, orderId: id } = names(externalOrderId, context)
  return [
    newEvent({
      type: "order.fulfilled-by-channel",
      fact: `${fact}:fulfilment:${fulfilment.id}`,
      source: context.system,
      time: fulfilment.at,
      data: {
        orderId: id,
        fulfilmentId: fulfilment.id,
        ...(fulfilment.trackingNumber !== undefined && { trackingNumber: fulfilment.trackingNumber }),
        lines: fulfilment.lines.map((line) => ({ lineId: line.lineId, quantity: pieces(line.quantity) })),
        at: fulfilment.at,
      },
    }),
  ]
}
