import { cut } from "../../base/text.ts"
import { mergeLines } from "../apportion.ts"
import { closed, outputOf, type Action } from "./actions.ts"
import {
  cancelLine,
  cancelOnLeg,
  isAllDone,
  isAnythingShipped,
  isAsked,
  openLines,
  openMilli,
  sumMilli,
  type Fulfilment,
  type StopReason,
} from "./state.ts"
import { done, goOn, type Handle, type Next, type StopLegs } from "./tasks.ts"
import { withoutHeld } from "./changes/hold.ts"
import { editName } from "./texts/changes.ts"
import { nowhereName, tooLateToStop } from "./texts/goods.ts"

/**
 * Cancels an order whose goods are moving: every location is requested to stop what it has not shipped. If nothing has
 * left, the whole order is undone at its end. Otherwise it shrinks to the goods that left; goods that cannot be stopped
 * ship and have to come back.
 */
export function stopOrder(state: Fulfilment, stop: { label: string; reason: string; fact?: string }): Next {
  const { label, reason, fact } = stop
  const stopReason: StopReason = { kind: "interrupted", reason, ...(fact === undefined ? {} : { fact }) }
  const left = state.legs.map((leg) => leg.n)
  const name = { step: "cancelling", part: label }
  return goOn(
    { ...state, stopReason },
    [{ task: "stop legs", label, left, refused: [], isAnyStopped: false }],
    [{ do: "announce", name, state: "cancelling", reason: cut(reason, 500) }],
  )
}

/** One leg after another, because a location's confirmation changes what is still open at the next. */
export const stopLegs: Handle<"stop legs"> = (state, task) => {
  const { label, answer } = task
  const refused = [...task.refused, ...(answer?.refused ?? [])]
  const isAnyStopped = task.isAnyStopped || (answer !== undefined && sumMilli(answer.refused) < sumMilli(answer.lines))
  const [n, ...left] = task.left
  const leg = state.legs.find((candidate) => candidate.n === n)
  if (!leg) return stopUnasked(state, { ...task, refused, isAnyStopped })
  const sequel: StopLegs = { task: "stop legs", label, left, refused, isAnyStopped }
  return goOn(state, [{ task: "stop leg", leg: leg.n, label, lines: openLines(state, leg), sequel }])
}

/** Cancels lines that no location was requested to ship, and everything that waited for them. */
function stopUnasked(before: Fulfilment, { label, refused, isAnyStopped }: StopLegs): Next {
  const moving = mergeLines(refused)
  const unasked = before.order.lines.flatMap(({ id }) => {
    const milli = openMilli(before, id) - (moving.get(id) ?? 0)
    return milli > 0 ? [{ id, milli }] : []
  })
  const actions: Action[] = before.waitingEdits.map(({ fact }) => ({
    do: "settle",
    name: editName(fact),
    action: "keep",
    reason: "the order was cancelled",
  }))
  for (const { label: sought } of before.sought) actions.push(closed(nowhereName(sought), "the order was cancelled"))
  if (refused.length > 0) actions.push({ do: "raise", ...tooLateToStop(before.order, refused, label) })
  const state = unasked.reduce((known, { id, milli }) => cancelLine(known, id, milli), before)
  const isKept = isAnythingShipped(state) || !isAllDone(state)
  const isSmaller = isAnyStopped || unasked.length > 0
  return goOn(
    { ...state, sought: [], waitingEdits: [] },
    isKept && isSmaller ? [{ task: "amend", label, isEarly: false }] : [],
    actions,
  )
}

/** Requests a location to stop lines of its request. A request that was never sent is simply not sent. */
export const stopLeg: Handle<"stop leg"> = (state, task) => {
  const { lines, label, sequel } = task
  const leg = state.legs.find(({ n }) => n === task.leg)
  if (!leg) return done(state)
  if (lines.length === 0) return goOn(state, [{ ...sequel, answer: { leg, lines, refused: [] } }])
  // Until the location has answered we do not know whether it has a request to stop.
  if (leg.request === "unknown")
    return goOn(state, [task], [{ do: "see whether overtaken", leg: leg.n, ifItWaits: "stop" }])
  const waits = leg.request === "held" ? withoutHeld(state, lines) : state
  if (!isAsked(leg)) return goOn(cancelOnLeg(waits, leg.n, lines), [{ ...sequel, answer: { leg, lines, refused: [] } }])
  return goOn(
    state,
    [{ task: "leg stopped", leg, lines, sequel }],
    [{ do: "stop leg", leg: leg.n, label, lines: [...lines], ifItWaits: "stop" }],
  )
}

/** Passes on the goods that a location refused to stop. */
export const legStopped: Handle<"leg stopped"> = (state, { leg, lines, sequel }, { outcomes }) => {
  const refused = outputOf(outcomes, "stop leg")?.refused ?? lines
  return goOn(state, [{ ...sequel, answer: { leg, lines, refused } }])
}
