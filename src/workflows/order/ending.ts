import { money } from "../../base/money.ts"
import { capturesFor } from "../../rules/invoice.ts"
import { shipmentAmounts } from "../../rules/apportion.ts"
import type { UndoReason } from "../define-workflow.ts"
import { settleRefunds } from "./channel-news.ts"
import type { OrderFulfilment } from "./fulfilment.ts"
import { giveMoneyBack, letPaymentGo } from "./payment.ts"
import { notify, tellShopItIsCancelled } from "./words.ts"

const nothingLeft: UndoReason = { kind: "interrupted", reason: "nothing was left to ship" }

/** What is left to do when every line has shipped or been stopped: stock, money, and the last word. */
export async function finishOrder(fulfilment: OrderFulfilment): Promise<void> {
  await giveBackLeftovers(fulfilment)
  // An order is not cancelled in front of a change that would bring it back.
  if (!fulfilment.isAnythingShipped && fulfilment.isAmendmentOpen) return
  if (!fulfilment.isAnythingShipped) return takeBack(fulfilment, fulfilment.stopReason ?? nothingLeft)
  await settleMoney(fulfilment)
  if (fulfilment.step.outstanding.length === 0) fulfilment.step.announce("closed", "closed")
}

async function giveBackLeftovers({ step, context, legs, holdsTooMuch }: OrderFulfilment): Promise<void> {
  if (!holdsTooMuch && legs.length <= 1) return
  for (const reservation of new Set(legs.map((leg) => leg.reservation)))
    await step.effect(`give back leftover stock#${reservation}`, {
      write: context.use("reservesStock").release,
      input: { reservation, reason: "the order is complete" },
      lane: "stock",
    })
}

/** Nothing of it shipped: the order is cancelled everywhere. */
async function takeBack(fulfilment: OrderFulfilment, reason: UndoReason): Promise<void> {
  const { step, order, context } = fulfilment
  const words = reason.reason.slice(0, 200)
  await step.evenIfAway(() =>
    step.effect("cancel order in ERP", {
      write: context.use("booksOrders", { channel: order.channel }).cancelOrder,
      input: { orderId: order.id, reason: words },
      key: `${order.id}-undo`,
    }),
  )
  await letPaymentGo(step, order, context)
  await step.alongside(
    () => tellShopItIsCancelled(step, order, { ...context, reason }),
    () => notify(step, "tell customer it is cancelled", { ...context, message: { order, kind: "cancelled" } }),
  )
  if (step.outstanding.length > 0) return
  settleRefunds(step)
  step.announce("cancelled", "cancelled", { reason: words })
}

/** Taken, invoiced and shipped must be one amount (I-5): too much taken goes back, the rest of a hold is let go. */
async function settleMoney(fulfilment: OrderFulfilment): Promise<void> {
  const { step, order, context, shipped, invoicedMinor, captures } = fulfilment
  const lines = order.lines.flatMap(({ id, quantity }) => {
    const milli = Math.min(quantity.milli, shipped.get(id) ?? 0)
    return milli > 0 ? [{ lineId: id, quantity: { milli, unit: quantity.unit } }] : []
  })
  const worthMinor = shipmentAmounts(order, new Map(), lines).totalMinor
  if (worthMinor !== invoicedMinor)
    await step.raise("invoices differ from the order", {
      summary: `What shipped of order ${order.number} is worth ${worthMinor}, invoiced were ${invoicedMinor} (minor units of ${order.currency.shop}): it was changed between two shipments.`,
      ifNobodyActs: "the invoices stand as they are",
      owner: "finance",
      allowedActions: ["acknowledge"],
      atRisk: money(Math.abs(worthMinor - invoicedMinor), order.currency.shop),
    })
  const due = new Map(capturesFor(order, new Map(), invoicedMinor).map(({ tender, amount }) => [tender.id, amount]))
  for (const tender of order.tenders) {
    // What still waits to be taken must not be let go, and what was not taken yet cannot be given back.
    if (captures.open.has(tender.id)) continue
    const leftMinor = captures.leftMinor.get(tender.id) ?? 0
    const takenMinor = (captures.countedMinor.get(tender.id) ?? 0) - leftMinor
    const overMinor = takenMinor - (due.get(tender.id)?.amountMinor ?? 0)
    if (takenMinor > 0 && overMinor > 0)
      await giveMoneyBack(step, order, {
        ...context,
        tender,
        amount: money(overMinor, tender.amount.presentment.currency),
      })
    // A hold whose capture a person left as it is stays theirs to take by hand.
    else if (leftMinor === 0 && !captures.ended.has(tender.id) && takenMinor < tender.amount.presentment.amountMinor)
      await letPaymentGo(step, { ...order, tenders: [tender] }, context)
  }
}
