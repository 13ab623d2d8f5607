import type { RefundedLine } from "../../../canonical/parts.ts"
import { overpaidBy } from "../../credit.ts"
import type { Action } from "../actions.ts"
import type { OpenRefund, Told } from "../news.ts"
import { isAllDone, isAnythingShipped, plus, type Fulfilment, type Terms } from "../state.ts"
import { done, goOn, type Handle, type Next } from "../tasks.ts"
import { tooLateToTakeOff } from "../texts/changes.ts"
import { givenBackTooMuch, refundedByShop } from "../texts/money.ts"
import { tellCredits } from "./credits.ts"

/**
 * The shop gave money back by itself. Units that it took off before they left are stopped (P-36), like those of an edit;
 * what is left ships. What had left is credited in the books.
 */
export function hearRefund(before: Fulfilment, { data: refund, seen }: Told<"order.refunded">, terms: Terms): Next {
  // Our own refund, coming back (P-08): it is in the books and in the account already.
  if (seen.isOurs || before.knownRefunds.includes(refund.refundId)) return done(before)
  const state = { ...before, knownRefunds: [...before.knownRefunds, refund.refundId] }
  const { state: counted, left, units } = unitsOff(state, refund.lines)
  const overpaidMinor = overpaidBy(state.order, seen.takenMinor)
  // An order that is being cancelled stops everything anyway. What of the refund had left shows at the end.
  const isUndecided = state.stopReason !== undefined
  const takenOff = { refund, seen, units, overpaidMinor, isUndecided }
  const raised = givenBackTooMuch(seen) ? raiseRefund(counted, takenOff) : done(counted)
  if (isUndecided || left.length === 0) {
    const told = tellCredits(withOpen(raised.state, takenOff), terms)
    return done(told.state, [...raised.actions, ...told.actions])
  }
  const label = `refund:${refund.refundId}`
  const stops = { task: "stop what is less" as const, label, by: { takenOff }, left, asked: [], kept: [] }
  return goOn(raised.state, [stops], raised.actions)
}

function withOpen(state: Fulfilment, open: OpenRefund): Fulfilment {
  return { ...state, openRefunds: [...state.openRefunds, open] }
}

function raiseRefund(state: Fulfilment, { refund, seen }: OpenRefund): Next {
  const raisedRefunds = [...state.raisedRefunds, refund.refundId]
  return done({ ...state, raisedRefunds }, [{ do: "raise", ...refundedByShop(state.order, refund, seen) }])
}

/**
 * The refunded units that have not left. Those that were cancelled for another reason are refunded for it, and stop nothing more. Where
 * the shop does not say whether units had left, these are meant first: their money is due, and they were never invoiced.
 */
function unitsOff(before: Fulfilment, lines: readonly RefundedLine[]) {
  let { refundedBefore, refundedAfter } = before
  const left: { lineId: string; unit: string; lessMilli: number }[] = []
  const units: { line: RefundedLine; leftMilli: number }[] = []
  for (const line of lines) {
    const { lineId, quantity, left: hadLeft } = line
    const shippedMilli = Math.max(0, (before.shipped.get(lineId) ?? 0) - (refundedAfter.get(lineId) ?? 0))
    const cancelledMilli = Math.max(0, (before.cancelled.get(lineId) ?? 0) - (refundedBefore.get(lineId) ?? 0))
    const othersMilli = Math.max(0, quantity.milli - cancelledMilli)
    const afterMilli = hadLeft === false ? 0 : hadLeft ? quantity.milli : Math.min(othersMilli, shippedMilli)
    const offMilli = quantity.milli - afterMilli
    refundedAfter = plus(refundedAfter, lineId, afterMilli)
    refundedBefore = plus(refundedBefore, lineId, offMilli)
    units.push({ line, leftMilli: afterMilli })
    // What waits with an edit, or was left out of the order, ships nowhere: there is nothing to stop.
    const isOrdered = before.order.lines.some(({ id }) => id === lineId)
    const lessMilli = isOrdered ? offMilli - Math.min(offMilli, cancelledMilli) : 0
    if (lessMilli > 0) left.push({ lineId, unit: quantity.unit, lessMilli })
  }
  return { state: { ...before, refundedBefore, refundedAfter }, left, units }
}

/** Brings the ERP's order to what a refund left of it. Units that could not be stopped will be invoiced, so they are credited. */
export const seeTakenOff: Handle<"see what a refund took off"> = (state, { takenOff, kept }, { terms }) => {
  const { refund } = takenOff
  const actions: Action[] = []
  if (kept.length > 0) actions.push({ do: "raise", ...tooLateToTakeOff(state.order, kept, refund.refundId) })
  const isKept = isAnythingShipped(state) || !isAllDone(state)
  const label = `refund:${refund.refundId}`
  const isEarly = state.phase === "preparing"
  const amends = isKept ? [{ task: "amend" as const, label, isEarly }] : []
  let keptMilli: ReadonlyMap<string, number> = new Map(kept.map(({ lineId, quantity }) => [lineId, quantity.milli]))
  const units = takenOff.units.map(({ line, leftMilli }) => {
    const ships = Math.min(line.quantity.milli - leftMilli, keptMilli.get(line.lineId) ?? 0)
    keptMilli = plus(keptMilli, line.lineId, -ships)
    return { line, leftMilli: leftMilli + ships }
  })
  const credited = tellCredits(withOpen(state, { ...takenOff, units }), terms)
  return goOn(credited.state, amends, [...actions, ...credited.actions])
}
