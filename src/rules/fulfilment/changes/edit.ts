import { compareInstants } from "../../../base/time.ts"
import { leavesShelf, type Order } from "../../../canonical/order.ts"
import type { LineQuantity } from "../../../canonical/parts.ts"
import { editDifference, isOtherOrder, withAddress } from "../../order-edit.ts"
import { withTenders } from "../../tenders.ts"
import { outputOf, type Action } from "../actions.ts"
import type { PaidEdit } from "../news.ts"
import {
  addLeg,
  addLegs,
  cancelLine,
  isAsked,
  openLines,
  openMilli,
  openOnLeg,
  routingOf,
  sumMilli,
  type Fulfilment,
  type Leg,
  type Terms,
  type WaitingEdit,
} from "../state.ts"
import { keepStopped } from "./hold.ts"
import { done, goOn, type Handle, type Change, type Next, type StopLess, type Task, type TurnRound } from "../tasks.ts"
import { changedAfterRelease, editName, noStockForEdit, shipsToOldAddress, tooLateToChange } from "../texts/changes.ts"

/** The newest edit of an order, or null when no edit changes anything. Of edits with the same time the last one counts. */
export function newestEdit(order: Order, edits: readonly Order[]): Order | null {
  const newest = edits
    .filter((edit) => compareInstants(edit.version, order.version) >= 0)
    .reduce<Order | null>(
      (latest, edit) => (!latest || compareInstants(edit.version, latest.version) >= 0 ? edit : latest),
      null,
    )
  return newest && isOtherOrder(editDifference(order, withAddress(newest, order))) ? newest : null
}

/**
 * An edit after release (P-16) waits for a person if the policy says so, with its difference in lines and money.
 * Meanwhile the order continues; a newer edit replaces a waiting one. One that is paid is carried out at once where the policy has it
 * so; another address is always a person's matter.
 */
export function hearLateEdit(
  state: Fulfilment,
  edit: WaitingEdit & { paid?: PaidEdit | undefined },
  onLateEdit: Terms["onLateEdit"],
): Next {
  const { order, knownFacts, waitingEdits } = state
  const isKnown = knownFacts.includes(edit.fact) || waitingEdits.some(({ fact }) => fact === edit.fact)
  if (isKnown || compareInstants(edit.order.version, order.version) < 0) return done(state)
  if (waitingEdits.some((waiting) => compareInstants(waiting.order.version, edit.order.version) > 0)) return done(state)
  const difference = editDifference(order, withAddress(edit.order, order))
  if (!isOtherOrder(difference)) return done(state)
  const isAsked = onLateEdit !== "keep"
  const settles = waitingEdits.map(({ fact }): Action => {
    return { do: "settle", name: editName(fact), action: "keep", reason: "a later edit came" }
  })
  if (edit.paid && isAsked && !difference.isAddressChanged)
    return carryOut({ ...state, waitingEdits: [] }, edit.order, { paid: edit.paid, settles })
  const raised = changedAfterRelease(order, { fact: edit.fact, difference, isAsked })
  if (!isAsked) return done(state, [{ do: "raise", ...raised }])
  return done({ ...state, waitingEdits: [{ fact: edit.fact, order: edit.order }] }, [
    { do: "raise", ...raised },
    ...settles,
  ])
}

/** Carries out an edit that waited for a person and is paid for by now; another address waits on. */
export function hearEditPaid(state: Fulfilment, { fact, paid }: { fact: string; paid: PaidEdit }): Next {
  const edit = state.waitingEdits.find((waiting) => waiting.fact === fact)
  if (!edit || editDifference(state.order, withAddress(edit.order, state.order)).isAddressChanged) return done(state)
  const waitingEdits = state.waitingEdits.filter((waiting) => waiting !== edit)
  const reason = "the change is paid for"
  const settles: Action[] = [{ do: "settle", name: editName(fact), action: "apply", reason }]
  return carryOut({ ...state, waitingEdits }, edit.order, { paid, settles })
}

function carryOut(
  state: Fulfilment,
  edited: Order,
  { paid, settles }: { paid: PaidEdit; settles: readonly Action[] },
): Next {
  const order = withTenders(edited, state.order, paid.added)
  return goOn(state, applyEdit(state, order, edited.version), settles)
}

/** Applies a person's decision about a waiting edit. */
export function decideEdit(state: Fulfilment, fact: string, action: string): Next {
  const edit = state.waitingEdits.find((waiting) => waiting.fact === fact)
  if (!edit) return done(state)
  const waitingEdits = state.waitingEdits.filter((waiting) => waiting !== edit)
  const left = { ...state, waitingEdits }
  return action === "apply" ? goOn(left, applyEdit(left, edit.order, edit.order.version)) : done(left)
}

/** The label of edits from before the release: they are booked as part of the order. */
export const earlyLabel = "early"

/**
 * Brings locations, stock and ERP to the edited order: removed goods are stopped; added goods are reserved, routed and
 * released in a leg of their own.
 */
export function applyEdit(state: Fulfilment, edit: Order, label: string): Task[] {
  const edited = withTenders(withAddress(edit, state.order), state.order)
  const difference = editDifference(state.order, edited)
  const change: Change = { label, edited, difference, isEarly: state.phase === "preparing" }
  const left = difference.quantities.flatMap(({ lineId, fromMilli, toMilli, unit }) =>
    toMilli < fromMilli ? [{ lineId, unit, lessMilli: fromMilli - toMilli }] : [],
  )
  return [{ task: "stop what is less", label, by: { change }, left, asked: [], kept: [] }]
}

/**
 * Stops goods that an edit or a refund removed, and notes those that can no longer be stopped: first goods that no location
 * was requested to ship, then leg by leg.
 */
export const stopLess: Handle<"stop what is less"> = (asBefore, task) => {
  const { label, answer, asked } = task
  const { state: before, by } = keepHeld(asBefore, task)
  const [first, ...others] = task.left
  if (!first) return goOn(before, afterLess(before, by, task.kept))
  const stoppedMilli = answer ? sumMilli(answer.lines) - sumMilli(answer.refused) : 0
  const { lineId, unit } = first
  const isHeld = "held" in by
  const unaskedMilli = asked.length > 0 || isHeld ? 0 : Math.min(first.lessMilli, milliOnNoLeg(before, lineId))
  const state = cancelLine(before, lineId, unaskedMilli)
  const line = { ...first, lessMilli: first.lessMilli - stoppedMilli - unaskedMilli }
  const milliOn = (leg: Leg) => Math.min(line.lessMilli, openOnLeg(state, leg, lineId))
  const legs = isHeld ? state.legs.filter(isAsked) : unsentFirst(state)
  const leg = legs.find((candidate) => !asked.includes(candidate.n) && milliOn(candidate) > 0)
  const sequel: StopLess = { task: "stop what is less", label, by, left: [line, ...others], asked: [], kept: task.kept }
  if (leg) {
    const lines = [{ lineId, quantity: { milli: milliOn(leg), unit } }]
    const stopLabel = `${label}:${lineId}`
    const askedNow = { ...sequel, asked: [...asked, leg.n] }
    return goOn(state, [{ task: "stop leg", leg: leg.n, label: stopLabel, lines, sequel: askedNow }])
  }
  const kept = line.lessMilli > 0 ? [{ lineId, quantity: { milli: line.lessMilli, unit } }] : []
  return goOn(state, [{ ...sequel, left: others, kept: [...task.kept, ...kept] }])
}

/** Goods that are stopped for a hold only wait. */
function keepHeld(state: Fulfilment, { by, answer }: StopLess): { state: Fulfilment; by: StopLess["by"] } {
  if (!("held" in by)) return { state, by }
  const kept = keepStopped(state, answer, by.held.turned)
  return { state: kept.state, by: { held: { ...by.held, turned: kept.turned } } }
}

/** Thousandths of a line that are still sought: on no leg. */
function milliOnNoLeg(state: Fulfilment, lineId: string): number {
  const onLegs = state.legs.reduce((sum, leg) => sum + openOnLeg(state, leg, lineId), 0)
  return Math.max(0, openMilli(state, lineId) - onLegs)
}

const unsentFirst = ({ legs }: Fulfilment): Leg[] => [...legs].sort((a, b) => Number(isAsked(a)) - Number(isAsked(b)))

function afterLess(state: Fulfilment, by: StopLess["by"], kept: readonly LineQuantity[]): Task[] {
  if ("takenOff" in by) return [{ task: "see what a refund took off", takenOff: by.takenOff, kept }]
  if ("held" in by) return [{ task: "wait with what is held", ...by.held, kept }]
  const { change } = by
  if (!change.difference.isAddressChanged || change.isEarly)
    return [{ task: "take the edit", change, kept, turned: [] }]
  const left = state.legs.map((leg) => leg.n)
  return [{ task: "turn round", change, left, kept, refused: [], turned: [] }]
}

/** A request has the address it was made with. Requests are stopped, and made again for the goods that could be stopped. */
export const turnRound: Handle<"turn round"> = (before, task) => {
  const { change, kept } = task
  const { state, turned, refused } = absorbTurned(before, task)
  const [n, ...left] = task.left
  const leg = state.legs.find((candidate) => candidate.n === n)
  if (leg) {
    const sequel: TurnRound = { task: "turn round", change, left, kept, refused, turned }
    const label = `${change.label}:address`
    return goOn(state, [{ task: "stop leg", leg: leg.n, label, lines: openLines(state, leg), sequel }])
  }
  const raised = refused.length > 0 ? [shipsToOldAddress(state.order, refused, change.label)] : []
  return goOn(
    state,
    [{ task: "take the edit", change, kept, turned }],
    raised.map((one) => ({ do: "raise", ...one })),
  )
}

/** Requests the stopped goods again with the new address, unless the order was stopped: then they stay cancelled. */
function absorbTurned(state: Fulfilment, { answer, ...task }: TurnRound) {
  const refused = [...task.refused, ...(answer?.refused ?? [])]
  if (state.stopReason) return { state, refused, turned: task.turned }
  return { refused, ...keepStopped(state, answer, task.turned) }
}

/** From here on the edited order is the order. */
export const takeEdit: Handle<"take the edit"> = (before, { change, kept, turned }) => {
  const { edited, difference, label, isEarly } = change
  const cancelled = new Map(before.cancelled)
  // Stopped goods are no longer part of the edited order, so they are not cancelled in it either.
  for (const { lineId, fromMilli, toMilli } of difference.quantities)
    if (toMilli < fromMilli) cancelled.set(lineId, Math.max(0, (cancelled.get(lineId) ?? 0) - (fromMilli - toMilli)))
  const state = turned.reduce(addLeg, { ...before, order: edited, cancelled })
  const added = state.legs.slice(before.legs.length)
  return goOn(
    state,
    [
      ...added.map((leg) => ({ task: "release" as const, leg: leg.n, isFirst: false })),
      { task: "add what is more", change },
      { task: "amend", label, isEarly },
    ],
    kept.length > 0 ? [{ do: "raise", ...tooLateToChange(edited, kept, label) }] : [],
  )
}

/** Reserves goods that an edit added. */
export const addMore: Handle<"add what is more"> = (state, { change }) => {
  const { label } = change
  const wanted = change.difference.quantities.flatMap(({ lineId, fromMilli, toMilli }) => {
    const line = state.order.lines.find((candidate) => candidate.id === lineId)
    return line && toMilli > fromMilli && leavesShelf(line) ? [{ line, milli: toMilli - fromMilli }] : []
  })
  if (wanted.length === 0) return done(state)
  // Nothing is added to a stopped order, whatever the shop reports.
  if (state.stopReason) return done(wanted.reduce((known, { line, milli }) => cancelLine(known, line.id, milli), state))
  const reservation = `${state.order.id}:${label}`
  return goOn(
    state,
    [{ task: "place what is more", change, reservation, wanted }],
    [{ do: "reserve for edit", label, reservation, wanted, ifItWaits: "stop" }],
  )
}

/** Finds locations for goods that an edit added, or cancels them when no location has them. */
export const placeMore: Handle<"place what is more"> = (before, { change, reservation, wanted }, { outcomes }) => {
  const { label, difference, isEarly } = change
  const reserved = outputOf(outcomes, "reserve for edit")
  if (!reserved?.granted) {
    const without = wanted.reduce((known, { line, milli }) => cancelLine(known, line.id, milli), before)
    const short = reserved?.short ?? []
    const raised = noStockForEdit(before.order, { label, short, totalMinor: difference.totalMinor })
    return done(without, [{ do: "raise", ...raised }])
  }
  const state = { ...before, reservedForEdits: [...before.reservedForEdits, reservation] }
  if (!isEarly) {
    const sought = { label: `${label}:`, reservation, wanted, without: [], attempts: 0 }
    return goOn(state, [{ task: "seek", sought, quick: 1 }])
  }
  return goOn(
    state,
    [{ task: "add legs of the edit", reservation }],
    [{ do: "route edit", label: `${label}:`, reservation, wanted, ifItWaits: "stop" }],
  )
}

/** An edit before release makes legs that are released together with the others. */
export const addLegsOfEdit: Handle<"add legs of the edit"> = (state, { reservation }, { outcomes }) => {
  const routed = outputOf(outcomes, "route edit")
  return done(routed ? addLegs(state, routed.routing.lines, reservation) : state)
}

/**
 * Brings the ERP's order to the goods that shipped or still will. Moving goods do not wait for an ERP that is
 * unavailable or refuses (I-8). A later amendment waits for an open one, because each states the whole order and the
 * last one must win.
 */
export const amend: Handle<"amend"> = (state, { label, isEarly }) => {
  if (!isEarly && state.isAmendmentOpen) return done(state)
  const lines = state.order.lines.map((line) => {
    const milli = Math.max(0, line.quantity.milli - (state.cancelled.get(line.id) ?? 0))
    return { ...line, quantity: { ...line.quantity, milli } }
  })
  const order = { ...state.order, lines }
  const ifItWaits = isEarly ? "stop" : "go on"
  return done(state, [{ do: "amend in ERP", label, order, routing: routingOf(state), isEarly, ifItWaits }])
}
