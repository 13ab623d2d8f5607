import type { Order } from "../../canonical/order.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import { Suspension } from "../../effects/perform.ts"
import { mergeLines } from "../../rules/apportion.ts"
import type { Leg, OrderFulfilment } from "./fulfilment.ts"
import { ifBooksRefuse } from "./policies.ts"

/**
 * Cancels an order whose goods are on their way out: every location is asked to stop what it has not shipped. If nothing had
 * left, the whole order is taken back; otherwise it shrinks to what left, and what cannot be stopped ships and has to return.
 */
export async function stopOrder(
  fulfilment: OrderFulfilment,
  stop: { label: string; reason: string; fact?: string },
): Promise<void> {
  const { step } = fulfilment
  const { label, reason, fact } = stop
  fulfilment.stopReason = { kind: "interrupted", reason, ...(fact === undefined ? {} : { fact }) }
  step.announce(`cancelling#${label}`, "cancelling", { reason: reason.slice(0, 500) })
  const refused: LineQuantity[] = []
  let isAnyStopped = false
  for (const leg of fulfilment.legs) {
    const lines = openLines(fulfilment, leg)
    const left = await stopLeg(fulfilment, leg, { label, lines })
    isAnyStopped ||= sumMilli(left) < sumMilli(lines)
    refused.push(...left)
  }
  isAnyStopped = stopUnasked(fulfilment, refused) || isAnyStopped
  if (refused.length > 0) await tellTooLate(fulfilment, refused, label)
  const isKept = fulfilment.isAnythingShipped || !fulfilment.isAllDone
  if (isKept && isAnyStopped) await shrinkInErp(fulfilment, label)
}

/** What no location has been asked for is simply never asked for. */
function stopUnasked(fulfilment: OrderFulfilment, refused: readonly LineQuantity[]): boolean {
  const moving = mergeLines(refused)
  let isAny = false
  for (const { id } of fulfilment.order.lines) {
    const milli = fulfilment.openMilli(id) - (moving.get(id) ?? 0)
    if (milli <= 0) continue
    fulfilment.cancel(id, milli)
    isAny = true
  }
  fulfilment.sought.clear()
  for (const exceptionId of fulfilment.heldEdits.keys())
    fulfilment.step.settle(exceptionId, { action: "keep", reason: "the order was cancelled" })
  fulfilment.heldEdits.clear()
  return isAny
}

function sumMilli(lines: readonly LineQuantity[]): number {
  return lines.reduce((sum, line) => sum + line.quantity.milli, 0)
}

/** Lines of a leg that its location has still to ship. */
export function openLines(fulfilment: OrderFulfilment, leg: Leg): LineQuantity[] {
  const units = new Map(leg.lines.map(({ lineId, quantity }) => [lineId, quantity.unit]))
  return [...units].flatMap(([lineId, unit]) => {
    const milli = openOnLeg(fulfilment, leg, lineId)
    return milli > 0 ? [{ lineId, quantity: { milli, unit } }] : []
  })
}

/** Names a line at a place. */
export const placeKey = (at: { lineId: string; locationId: string }): string => `${at.lineId}\n${at.locationId}`

/** Thousandths of a line that a leg has still to ship: several places may answer for one line. */
export function openOnLeg(fulfilment: OrderFulfilment, leg: Leg, lineId: string): number {
  const { legs, shippedFrom } = fulfilment
  const on = ({ lines }: Leg) => sumMilli(lines.filter((line) => line.lineId === lineId))
  // A parcel does not say which request it answers: the earliest at its place is served first.
  const earlier = legs.filter(({ n, locationId }) => locationId === leg.locationId && n < leg.n)
  const { locationId } = leg
  const gone = earlier.reduce((left, each) => left - on(each), shippedFrom.get(placeKey({ lineId, locationId })) ?? 0)
  return Math.min(on(leg) - Math.max(0, Math.min(gone, on(leg))), fulfilment.openMilli(lineId))
}

/** Asks one location to stop some lines; answers what it refused. What was never released is simply not released. */
export async function stopLeg(
  fulfilment: OrderFulfilment,
  leg: Leg,
  stop: { label: string; lines: LineQuantity[] },
): Promise<LineQuantity[]> {
  if (stop.lines.length === 0) return []
  const { step, order, context } = fulfilment
  // Whether there is anything to stop shows when the location has answered.
  if (leg.suspended && !(await fulfilment.isOvertaken(leg))) throw leg.suspended
  const answer = leg.isReleased
    ? await step.effect(`stop release#${leg.n}:${stop.label}`, {
        write: context.use("releasesFulfilment", { location: leg.locationId }).cancelRelease,
        input: { orderId: order.id, locationId: leg.locationId, requestKey: leg.requestKey, lines: stop.lines },
      })
    : { cancelled: stop.lines, refused: [] }
  for (const [lineId, milli] of mergeLines(answer.cancelled)) {
    fulfilment.cancel(lineId, milli)
    let left = milli
    leg.lines = leg.lines.flatMap((line) => {
      if (line.lineId !== lineId || left === 0) return [line]
      const taken = Math.min(left, line.quantity.milli)
      left -= taken
      const milliLeft = line.quantity.milli - taken
      return milliLeft > 0 ? [{ ...line, quantity: { ...line.quantity, milli: milliLeft } }] : []
    })
  }
  return answer.refused
}

async function tellTooLate({ step, order }: OrderFulfilment, refused: LineQuantity[], label: string): Promise<void> {
  await step.raise(`too late to stop#${label}`, {
    summary: `Order ${order.number} was cancelled, but ${refused.length} of its lines are too far to be stopped. They ship and have to come back.`,
    ifNobodyActs: "the buyer gets goods that were cancelled, and a return is due",
    owner: "customer service",
    allowedActions: ["open a return", "acknowledge"],
    atRisk: order.total.shop,
  })
}

/** Brings the ERP's order down to what shipped or still will. */
export async function shrinkInErp(fulfilment: OrderFulfilment, label: string): Promise<void> {
  const { order, cancelled } = fulfilment
  const lines = order.lines.map((line) => ({
    ...line,
    quantity: { ...line.quantity, milli: Math.max(0, line.quantity.milli - (cancelled.get(line.id) ?? 0)) },
  }))
  await amendInErp(fulfilment, { label, order: { ...order, lines } })
}

/** Edits of before the release are booked as part of the order; later ones while goods are moving. */
export const earlyEdit = "early"

/**
 * Brings the ERP's order to what holds now. While goods move they do not wait for it: an ERP that is away or refuses is left
 * behind (I-8), and later amendments queue behind it, because each states the order in full and the last one has to stand.
 */
export async function amendInErp(
  fulfilment: OrderFulfilment,
  amendment: { label: string; order: Order },
): Promise<void> {
  const { step, routing, context, documentNumber } = fulfilment
  const { label, order } = amendment
  const amend = () =>
    step.effect(`amend order in ERP#${label}`, {
      write: context.use("booksOrders", { channel: order.channel }).amendOrder,
      input: { order, routing, documentNumber },
      ...(label === earlyEdit ? ifBooksRefuse(order, context.policies) : {}),
    })
  if (label === earlyEdit) return void (await amend())
  if (fulfilment.isAmendmentOpen) return
  await step.alongside(() =>
    amend().catch((thrown: unknown) => {
      fulfilment.isAmendmentOpen ||= thrown instanceof Suspension
      throw thrown
    }),
  )
}
