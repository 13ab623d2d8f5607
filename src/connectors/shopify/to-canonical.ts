import type { Problem } from "../../base/errors.ts"
import { money, moneyText, sumMoney, type Money } from "../../base/money.ts"
import { orderIdOf } from "../../base/ids.ts"
import { pieces } from "../../base/quantity.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { orderProblems } from "../../canonical/order-invariants.ts"
import { editionOf, Order, type Tender } from "../../canonical/order.ts"
import type { MoneyPair } from "../../canonical/parts.ts"
import { validator } from "../../canonical/validate.ts"
import { views, type Sold } from "./orders/charges.ts"
import { editedOrder, refundWorth } from "./orders/edited-order.ts"
import { placedOrder, type ShopConventions } from "./orders/placed-order.ts"
import { tenderFacts } from "./orders/tender-facts.ts"
import type { OddPart, RestockType, Snapshot, SnapshotFulfilment, SnapshotRefund } from "./payloads.ts"

export interface TranslationContext {
  /** Id of the connection: source of the facts and channel of the orders. */
  system: string
  conventions: ShopConventions
  gateways: Readonly<Record<string, Tender["kind"]>>
  /** Our location for each number of the shop's. */
  places: ReadonlyMap<string, string>
}

/** What an order, or a part of it, tells: facts, and the parts that tell nothing yet. */
export interface Told {
  events: NewEvent[]
  odd: OddPart[]
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
  for (const refund of snapshot.refunds) refundFacts(refund, { ...snapshot, value }, { context, told })
  for (const fulfilment of snapshot.fulfilments) told.events.push(...fulfilmentFacts(fulfilment, snapshot.id, context))
  if (snapshot.cancellation) told.events.push(cancelledFact(snapshot, snapshot.cancellation, context))
  return told
}

// Lengths and patterns of the canonical model: a value that does not fit is parked with its place, not truncated.
const orderSchema = validator(Order, "order")

/** Goods to be shipped nowhere are a question for people, not a reason not to hear of the order. */
function problemsOf(order: Order): Problem[] {
  const known = orderProblems(order).filter(({ pointer }) => pointer !== "/shippingAddress")
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
  problems.push(...problemsOf(order), ...totalProblems(sold, order))
  const whole = { pointer: "", id: "", money: sold.content.total.shop }
  if (problems.length > 0) {
    told.odd.push({ kind: "content", problems, ...whole })
    return
  }
  told.events.push(placedFact(sold, order, context))
  // A refund that cannot be read may have taken units off: which of them an edit removed is not known then.
  if (isNew || sold.cancellation || sold.odd.some(({ kind }) => kind === "refund")) return
  const edited = editedOrder(sold, { channel, conventions, places, problems })
  problems.push(...problemsOf(edited).map((problem) => ({ ...problem, pointer: `/edited${problem.pointer}` })))
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
 * "cancel" takes units off that were not fulfilled, "return" restocks fulfilled ones, and "no_restock" is used for both
 * (RefundLineItemRestockType, Admin API 2026-10).
 */
function hadLeft(restock: RestockType): { left?: boolean } {
  return restock === "cancel" || restock === "return" ? { left: restock === "return" } : {}
}

/** What was paid back, in the currency it was made in. */
function paidBackMinor({ paidBack }: SnapshotRefund): number {
  return paidBack.reduce((sum, { amount }) => sum + amount.amountMinor, 0)
}

/**
 * The fact of a refund: what was paid back, once all of it has arrived. While a part is on its way, and when none of it arrived, the
 * refund waits as an odd part. What its goods are worth may differ: an exchange pays for something else with the rest.
 */
export function refundFacts(
  refund: SnapshotRefund,
  order: Pick<Snapshot, "id" | "currency" | "taxesIncluded"> & { value: MoneyPair },
  { context, told }: Making,
): void {
  const waiting = refund.pending.length > 0 ? refund.pending : paidBackMinor(refund) === 0 ? refund.failed : []
  if (waiting.length > 0) {
    told.odd.push(unpaidRefund(refund, waiting))
    return
  }
  if (paidBackMinor(refund) === 0) return
  const worth = refundWorth(refund, order)
  const amount = paidPair(refund, { worth, value: order.value })
  const { fact, orderId } = names(order.id, context)
  const isEven = worth.presentment.amountMinor === amount.presentment.amountMinor
  told.events.push(
    newEvent({
      type: "order.refunded",
      fact: `${fact}:refund:${refund.id}`,
      source: context.system,
      time: refund.at,
      data: {
        orderId,
        refundId: refund.id,
        amount,
        ...(isEven ? {} : { worth }),
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
  )
}

const arrival = {
  cause: "refund is on its way",
  ifNobodyActs:
    "nothing needs to be done: the exception ends when the money has arrived, and another one comes if it fails",
  owner: "finance",
} as const

const payment = {
  cause: "refund did not arrive",
  ifNobodyActs: "the buyer does not get the money: give it back in the shop in another way",
  owner: "finance",
} as const

function unpaidRefund(refund: SnapshotRefund, waiting: readonly Money[]): OddPart {
  const [first = { currency: "XXX" }] = waiting
  const sum = sumMoney(waiting, first.currency)
  const isPending = refund.pending.length > 0
  const message = isPending
    ? `${moneyText(sum)} of the refund are on their way and have not been paid back yet`
    : `${moneyText(sum)} were to be paid back, and the payment failed: the buyer has not got them`
  return {
    kind: "refund",
    // It waits for other news when it has failed: what waited for it to arrive ends.
    id: isPending ? refund.id : `${refund.id}:failed`,
    pointer: "/refunds",
    problems: [{ pointer: "", message }],
    money: sum,
    waitsFor: isPending ? arrival : payment,
  }
}

/** What was paid back, in both currencies. The shop's side is what Shopify says it is worth, or goes by the order's own ratio. */
function paidPair(refund: SnapshotRefund, { worth, value }: { worth: MoneyPair; value: MoneyPair }): MoneyPair {
  const presentment = sumMoney(
    refund.paidBack.map(({ amount }) => amount),
    worth.presentment.currency,
  )
  const paid = presentment.amountMinor
  if (worth.presentment.amountMinor === paid) return worth
  if (worth.shop.currency === presentment.currency) return { shop: presentment, presentment }
  const ratio = worth.presentment.amountMinor === 0 ? value : worth
  const whole = ratio.presentment.amountMinor
  const shopMinor = whole === 0 ? 0 : Number((BigInt(ratio.shop.amountMinor) * BigInt(paid)) / BigInt(whole))
  return { shop: money(shopMinor, worth.shop.currency), presentment }
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
