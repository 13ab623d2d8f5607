import type { EventData } from "../../canonical/events.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { Signal } from "../../effects/ledger.ts"
import { mergeLines } from "../../rules/apportion.ts"
import type { UndoReason } from "../define-workflow.ts"
import type { Leg, OrderFulfilment } from "./fulfilment.ts"
import { letPaymentGo } from "./payment.ts"
import { notify, tellShopItIsCancelled } from "./words.ts"

/**
 * Cancels an order whose goods are on their way out: every location is asked to stop what it has not shipped. If nothing had
 * left, the whole order is taken back; otherwise it shrinks to what left, and what cannot be stopped ships and has to return.
 */
export async function stopOrder(fulfilment: OrderFulfilment, signal: Signal): Promise<void> {
  const { step, order, context } = fulfilment
  const { reason: words, requestedBy } = signal.data as EventData<"order.cancellation-requested">
  const reason: UndoReason = { kind: "interrupted", reason: words, isFromChannel: requestedBy === "channel" }
  step.announce(`cancelling#${signal.fact}`, "cancelling", { reason: words.slice(0, 500) })
  const refused: LineQuantity[] = []
  for (const leg of fulfilment.legs)
    refused.push(...(await stopLeg(fulfilment, leg, { label: signal.fact, lines: openLines(fulfilment, leg) })))
  if (refused.length > 0) await tellTooLate(fulfilment, refused, signal)
  if (!fulfilment.isAllDone) return
  if ([...fulfilment.shipped.values()].some((milli) => milli > 0)) return shrinkInErp(fulfilment, signal.fact)
  await step.effect("cancel order in ERP", {
    write: context.use("booksOrders", { channel: order.channel }).cancelOrder,
    input: { orderId: order.id, reason: words.slice(0, 200) },
    key: `${order.id}-undo`,
  })
  await letPaymentGo(step, order, context)
  await step.alongside(
    () => tellShopItIsCancelled(step, order, { ...context, reason }),
    () => notify(step, "tell customer it is cancelled", { ...context, message: { order, kind: "cancelled" } }),
  )
  step.announce("cancelled", "cancelled", { reason: words.slice(0, 500) })
}

/** Lines of a leg that are still open, at most what the leg was asked for. */
function openLines(fulfilment: OrderFulfilment, leg: Leg): LineQuantity[] {
  return leg.lines.flatMap(({ lineId, quantity }) => {
    const milli = Math.min(quantity.milli, fulfilment.openMilli(lineId))
    return milli > 0 ? [{ lineId, quantity: { milli, unit: quantity.unit } }] : []
  })
}

/** Asks one location to stop some lines; answers what it refused. What was never released is simply not released. */
export async function stopLeg(
  fulfilment: OrderFulfilment,
  leg: Leg,
  stop: { label: string; lines: LineQuantity[] },
): Promise<LineQuantity[]> {
  if (stop.lines.length === 0) return []
  const { step, order, context } = fulfilment
  const answer = leg.isReleased
    ? await step.effect(`stop release#${leg.n}:${stop.label}`, {
        write: context.use("releasesFulfilment", { location: leg.locationId }).cancelRelease,
        input: { orderId: order.id, locationId: leg.locationId, requestKey: leg.requestKey, lines: stop.lines },
      })
    : { cancelled: stop.lines, refused: [] }
  for (const [lineId, milli] of mergeLines(answer.cancelled)) {
    fulfilment.cancelled.set(lineId, (fulfilment.cancelled.get(lineId) ?? 0) + milli)
    leg.lines = leg.lines.flatMap((line) => {
      if (line.lineId !== lineId) return [line]
      const left = line.quantity.milli - milli
      return left > 0 ? [{ ...line, quantity: { ...line.quantity, milli: left } }] : []
    })
  }
  return answer.refused
}

async function tellTooLate({ step, order }: OrderFulfilment, refused: LineQuantity[], signal: Signal): Promise<void> {
  await step.raise(`too late to stop#${signal.fact}`, {
    summary: `Order ${order.number} was cancelled, but ${refused.length} of its lines are too far to be stopped. They ship and have to come back.`,
    ifNobodyActs: "the buyer gets goods that were cancelled, and a return is due",
    owner: "customer service",
    allowedActions: ["open a return", "acknowledge"],
    atRisk: order.total.shop,
  })
}

/** Brings the ERP's order down to what shipped or still will. */
export async function shrinkInErp(fulfilment: OrderFulfilment, label: string): Promise<void> {
  const { step, order, context, documentNumber, cancelled } = fulfilment
  const lines = order.lines.map((line) => ({
    ...line,
    quantity: { ...line.quantity, milli: Math.max(0, line.quantity.milli - (cancelled.get(line.id) ?? 0)) },
  }))
  await step.effect(`amend order in ERP#${label}`, {
    write: context.use("booksOrders", { channel: order.channel }).amendOrder,
    input: { order: { ...order, lines }, routing: fulfilment.legs.flatMap((leg) => leg.lines), documentNumber },
  })
}
