import type { RefundedLine } from "../../../canonical/parts.ts"
import type { Action } from "../actions.ts"
import type { Told } from "../news.ts"
import { keptMinor } from "../shipment.ts"
import { isAllDone, isAnythingShipped, plus, type Fulfilment } from "../state.ts"
import { done, goOn, type Handle, type Next, type TakenOff } from "../tasks.ts"
import { refundedByShop } from "../texts/money.ts"
import { tooLateToTakeOff } from "../texts/changes.ts"

/**
 * The shop gave money back by itself. Units that it took off before they left are stopped (P-36), like those of an edit;
 * what is left ships.
 */
export function hearRefund(before: Fulfilment, { data: refund, seen }: Told<"order.refunded">): Next {
  // Our own refund, coming back (P-08): it is in the books and in the account already.
  if (seen.isOurs || before.knownRefunds.includes(refund.refundId)) return done(before)
  const state = { ...before, knownRefunds: [...before.knownRefunds, refund.refundId] }
  // An order that is being cancelled stops everything anyway, and its refunds are part of that.
  if (state.stopReason) return raiseRefund(state, { refund, seen })
  const { state: counted, left } = unitsOff(state, refund.lines)
  const takenOff = { refund, seen, worthMinor: keptMinor(state) }
  if (left.length === 0) return raiseRefund(counted, { refund, seen })
  const label = `refund:${refund.refundId}`
  return goOn(counted, [{ task: "stop what is less", label, by: { takenOff }, left, asked: [], kept: [] }])
}

/** The refunded units that have not left. Those that were cancelled for another reason are refunded for it, and stop nothing more. */
function unitsOff(before: Fulfilment, lines: readonly RefundedLine[]) {
  let { refundedBefore, refundedAfter } = before
  const left: { lineId: string; unit: string; lessMilli: number }[] = []
  for (const { lineId, quantity, left: hadLeft } of lines) {
    const shippedMilli = (before.shipped.get(lineId) ?? 0) - (refundedAfter.get(lineId) ?? 0)
    const afterMilli = hadLeft === false ? 0 : hadLeft ? quantity.milli : Math.min(quantity.milli, shippedMilli)
    const offMilli = quantity.milli - afterMilli
    const cancelledMilli = (before.cancelled.get(lineId) ?? 0) - (refundedBefore.get(lineId) ?? 0)
    refundedAfter = plus(refundedAfter, lineId, afterMilli)
    refundedBefore = plus(refundedBefore, lineId, offMilli)
    const lessMilli = offMilli - Math.min(offMilli, Math.max(0, cancelledMilli))
    if (lessMilli > 0) left.push({ lineId, unit: quantity.unit, lessMilli })
  }
  return { state: { ...before, refundedBefore, refundedAfter }, left }
}

/** Brings the ERP's order to what a refund left of it, and raises what does not follow by itself: units and money. */
export const seeTakenOff: Handle<"see what a refund took off"> = (state, { takenOff, kept }) => {
  const { refund, worthMinor } = takenOff
  const actions: Action[] = []
  if (kept.length > 0) actions.push({ do: "raise", ...tooLateToTakeOff(state.order, kept, refund.refundId) })
  const isKept = isAnythingShipped(state) || !isAllDone(state)
  const label = `refund:${refund.refundId}`
  const isEarly = state.phase === "preparing"
  const amends = isKept ? [{ task: "amend" as const, label, isEarly }] : []
  // What never ships is never invoiced, so a refund of exactly that leaves nothing to do in the books.
  if (worthMinor - keptMinor(state) === refund.amount.shop.amountMinor) return goOn(state, amends, actions)
  const raised = raiseRefund(state, takenOff)
  return goOn(raised.state, amends, [...actions, ...raised.actions])
}

function raiseRefund(state: Fulfilment, { refund, seen }: Pick<TakenOff, "refund" | "seen">): Next {
  const raisedRefunds = [...state.raisedRefunds, refund.refundId]
  return done({ ...state, raisedRefunds }, [{ do: "raise", ...refundedByShop(state.order, refund, seen) }])
}
