import { fulfil, planFulfilment } from "./changes/fulfil.ts"
import { openWhenDue } from "./changes/hold.ts"
import type { FulfillmentOrder, MoneyPair, ShopOrder, Transaction } from "./orders/model.ts"
import { zero } from "./orders/model.ts"
import { divideRounded, eachSide, exponentOf, share, subtract } from "./orders/money.ts"
import type { Oddity } from "./orders/oddities.ts"
import { fromEuroCents } from "./orders/oddities.ts"
import { financialStatus, totalsOf } from "./orders/totals.ts"
import { restOrder } from "./rest/order-payload.ts"
import { isIn } from "./shapes/shapes.ts"
import type { ShopStore } from "./store.ts"

/** Creates a manual-capture authorisation at the payment provider and returns its id. */
export type CreateAuthorisation = (amountMinor: number, currency: string) => Promise<string>

/** `held`: authorised by the shop's own payments; `authorised`: at the payment provider. */
export type PaymentState = "paid" | "authorised" | "held" | "pending"

export type Placing = {
  oddities: ReadonlySet<Oddity>
  payment: PaymentState
  createAuthorisation?: CreateAuthorisation | undefined
  held?: readonly string[]
  /** Some articles, or all of them. */
  scheduled?: { skus?: readonly string[]; at: string } | undefined
}

/** Takes the payment, plans the fulfilment, and sends the webhooks. */
export async function placeOrder(store: ShopStore, order: ShopOrder, placing: Placing): Promise<void> {
  order.transactions = await transactionsOf(order, placing)
  order.fulfillmentOrders = fulfillmentOrdersOf(order, placing)
  store.add(order)
  for (const fulfillmentOrder of order.fulfillmentOrders) openWhenDue(store, { order, fulfillmentOrder })
  store.publish("orders/create", order, () => restOrder(order))
  for (const transaction of order.transactions) store.publishTransaction(order, transaction)
  if (financialStatus(order) === "PAID") store.publish("orders/paid", order, () => restOrder(order))
  fulfilAtOnce(store, order, placing.oddities)
}

/** What was taken away over the counter, and a gift card that the shop sends itself, is fulfilled with the sale. */
function fulfilAtOnce(store: ShopStore, order: ShopOrder, chosen: ReadonlySet<Oddity>): void {
  for (const { id, delivery } of order.fulfillmentOrders) {
    if (!chosen.has("till") && !(chosen.has("gift-card-fulfilled-by-shop") && delivery === "none")) continue
    const plan = planFulfilment(store, { parts: [{ fulfillmentOrderId: id, lines: undefined }], tracking: [] })
    if (!("errors" in plan)) fulfil(store, plan, [])
  }
}

type Tender = { gateway: string; amount: MoneyPair; rounding: MoneyPair }

function tendersOf(order: ShopOrder, chosen: ReadonlySet<Oddity>): Tender[] {
  const { total } = totalsOf(order)
  // An order on terms has no payment until it is paid.
  if (total.presentment === 0 || chosen.has("terms")) return []
  if (chosen.has("cash-on-delivery")) return [{ gateway: "Cash on Delivery (COD)", amount: total, rounding: zero }]
  if (chosen.has("test-order")) return [{ gateway: "bogus", amount: total, rounding: zero }]
  if (chosen.has("cash-rounding")) return [{ gateway: "cash", amount: total, rounding: roundingToFive(order, total) }]
  const tenders: Tender[] = []
  let left = total
  if (chosen.has("gift-card-tender")) {
    const cardMinor = fromEuroCents(2_500, order.currencies.presentment)
    const part = partOf(left, Math.min(cardMinor, left.presentment))
    tenders.push({ gateway: "gift_card", amount: part, rounding: zero })
    left = subtract(left, part)
  }
  if (chosen.has("split-tender") && left.presentment > 1) {
    const part = partOf(left, divideRounded(left.presentment * 2, 5))
    tenders.push({ gateway: "paypal", amount: part, rounding: zero })
    left = subtract(left, part)
  }
  if (left.presentment > 0) tenders.push({ gateway: "shopify_payments", amount: left, rounding: zero })
  return tenders
}

/** The part of a pair that goes with so much of its presentment side. */
function partOf(whole: MoneyPair, presentment: number): MoneyPair {
  const [shop = 0] = share(whole.shop, [presentment, whole.presentment - presentment])
  return { shop, presentment }
}

/**
 * Cash is rounded to five cents; the rounding is beside the amount, not in it ("can be applied to totalReceived",
 * CashRoundingAdjustment.paymentSet, schema 2026-10).
 */
function roundingToFive(order: ShopOrder, total: MoneyPair): MoneyPair {
  const isRounded = ["EUR", "CAD", "CHF"].includes(order.currencies.presentment)
  if (!isRounded) return zero
  return eachSide((side) => divideRounded(total[side], 5) * 5 - total[side])
}

async function transactionsOf(order: ShopOrder, placing: Placing): Promise<Transaction[]> {
  if (placing.payment === "pending") return []
  const transactions: Transaction[] = []
  for (const [index, tender] of tendersOf(order, placing.oddities).entries()) {
    const isCard = tender.gateway === "shopify_payments"
    const isAuthorised =
      isCard &&
      placing.payment === "authorised" &&
      placing.createAuthorisation !== undefined &&
      // Stripe holds no amount of three decimals whose last digit is not 0 (docs.stripe.com/currencies, three-decimal currencies).
      (exponentOf(order.currencies.presentment) < 3 || tender.amount.presentment % 10 === 0) &&
      // A card terminal takes the money at once.
      !placing.oddities.has("till")
    const isHeld = isCard && placing.payment === "held"
    const paymentId = isAuthorised
      ? await placing.createAuthorisation?.(tender.amount.presentment, order.currencies.presentment)
      : `${order.name}.${index + 1}`
    transactions.push({
      id: order.id + 700 + index,
      kind: isAuthorised || isHeld ? "AUTHORIZATION" : "SALE",
      status: placing.oddities.has("cash-on-delivery") ? "PENDING" : "SUCCESS",
      gateway: isAuthorised ? "stripe" : tender.gateway,
      amount: tender.amount,
      rounding: tender.rounding,
      parentId: null,
      paymentId: paymentId ?? "",
      receipt: isAuthorised ? { payment_intent_id: paymentId ?? "" } : {},
      createdAtMs: order.createdAtMs,
    })
  }
  if (isIn(order, "failed-attempt")) transactions.push(failedAttempt(order))
  return transactions
}

/** An attempt at another way of payment, which failed: at a gateway that nobody named. */
function failedAttempt(order: ShopOrder): Transaction {
  return {
    id: order.id + 799,
    kind: "SALE",
    status: "FAILURE",
    gateway: isIn(order, "nulls") ? null : "Paymob",
    amount: totalsOf(order).total,
    rounding: zero,
    parentId: null,
    paymentId: `${order.name}.0`,
    receipt: {},
    createdAtMs: order.createdAtMs,
  }
}

/** One fulfillment order per place, way of delivery and time at which it may begin. */
export function fulfillmentOrdersOf(
  order: ShopOrder,
  { held = [], scheduled }: Pick<Placing, "held" | "scheduled"> = {},
): FulfillmentOrder[] {
  const byPlace = new Map<string, FulfillmentOrder>()
  for (const [index, line] of order.lines.entries()) {
    const isScheduled = scheduled !== undefined && (scheduled.skus?.includes(line.sku) ?? true)
    const status = held.includes(line.sku) ? "ON_HOLD" : isScheduled ? "SCHEDULED" : "OPEN"
    const key = `${line.locationId}/${line.delivery}/${status}`
    let found = byPlace.get(key)
    if (found === undefined) {
      const { delivery, locationId } = line
      const id = order.id + 300 + byPlace.size
      const holds = status === "ON_HOLD" ? [{ id: id * 10, reason: "UNKNOWN_DELIVERY_DATE", reasonNotes: null }] : []
      found = { id, status, delivery, locationId, lines: [], holds, updatedAtMs: order.createdAtMs }
      if (isScheduled && scheduled) found.fulfillAt = scheduled.at
      byPlace.set(key, found)
    }
    const { quantity } = line
    found.lines.push({
      id: order.id + 400 + index,
      lineId: line.id,
      totalQuantity: quantity,
      remainingQuantity: quantity,
    })
  }
  return [...byPlace.values()]
}
