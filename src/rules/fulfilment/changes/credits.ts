import { creditOf, givesBackTooLittle, offAfter } from "../../credit.ts"
import type { Action } from "../actions.ts"
import type { OpenRefund } from "../news.ts"
import { isAnythingShipped, plus, type Fulfilment, type Terms } from "../state.ts"
import { done, type Next } from "../tasks.ts"
import { refundedByShop } from "../texts/money.ts"

/**
 * Tells what the books have to credit for refunds of the shop, as soon as all that they refund has shipped: before, there is no
 * invoice to credit, and a refund may be heard before the parcel. At the end of the order everything is told that is left.
 */
export function tellCredits(before: Fulfilment, terms: Terms, { isEnd = false } = {}): Next {
  if (!isAnythingShipped(before)) return done(before)
  let state = before
  const actions: Action[] = []
  for (const open of before.openRefunds) {
    if (!isEnd && (open.isUndecided || !isShipped(state, open))) continue
    const decided = isEnd ? asItEnded(state, open) : open
    const heard = { ...decided, offBefore: state.takenOff }
    const { refund, seen } = decided
    const due = creditOf(state.order, heard, terms.dayAt(refund.at, ""))
    if (due) actions.push({ do: "tell credit", due })
    else if (givesBackTooLittle(state.order, heard))
      actions.push({ do: "raise", ...refundedByShop(state.order, refund, seen) })
    const credited = decided.units.reduce(
      (sums, { line, leftMilli }) => plus(sums, line.lineId, leftMilli),
      state.credited,
    )
    const openRefunds = state.openRefunds.filter((one) => one !== open)
    state = { ...state, credited, takenOff: offAfter(state.takenOff, decided.units), openRefunds }
  }
  return done(state, actions)
}

/** Whether all units that a refund says had left are known to have left. */
function isShipped({ shipped, credited }: Fulfilment, { units }: OpenRefund): boolean {
  const after = units.reduce((sums, { line, leftMilli }) => plus(sums, line.lineId, leftMilli), credited)
  return units.every(({ line }) => (after.get(line.lineId) ?? 0) <= (shipped.get(line.lineId) ?? 0))
}

/**
 * A refund when the order is over. Of a cancelled order, the refunded units are those that were stopped, as far as there are any. No
 * more has left than we know of, whatever the shop says: the rest was never invoiced.
 */
function asItEnded({ cancelled, takenOff, shipped, credited }: Fulfilment, open: OpenRefund): OpenRefund {
  let [off, gone] = [takenOff, credited]
  const units = open.units.map((unit) => {
    const { line } = unit
    const { lineId, quantity } = line
    const stoppedMilli = Math.max(0, (cancelled.get(lineId) ?? 0) - (off.get(lineId) ?? 0))
    const saidMilli = line.left ? quantity.milli : Math.max(0, quantity.milli - stoppedMilli)
    const knownMilli = Math.max(0, (shipped.get(lineId) ?? 0) - (gone.get(lineId) ?? 0))
    const leftMilli = Math.min(open.isUndecided ? saidMilli : unit.leftMilli, knownMilli)
    off = plus(off, lineId, quantity.milli - leftMilli)
    gone = plus(gone, lineId, leftMilli)
    return { line, leftMilli }
  })
  return { ...open, units }
}
