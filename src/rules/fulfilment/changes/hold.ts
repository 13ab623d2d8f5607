import { compareInstants, epochMs, type Instant } from "../../../base/time.ts"
import type { HeldPart } from "../../../canonical/events/orders.ts"
import type { OrderLine } from "../../../canonical/order.ts"
import type { LineQuantity } from "../../../canonical/parts.ts"
import type { RoutedLine } from "../../../ports/capabilities/goods.ts"
import { mergeLines } from "../../apportion.ts"
import { closed, type Action } from "../actions.ts"
import {
  addLeg,
  isAnythingShipped,
  isAsked,
  openMilli,
  openOnLeg,
  plus,
  sumMilli,
  withLeg,
  type Fulfilment,
  type Leg,
  type Terms,
} from "../state.ts"
import { done, goOn, type Handle, type Next, type StopAnswer, type Task, type Turned } from "../tasks.ts"
import { heldForLong, heldName, shipsThoughHeld, waitingText } from "../texts/shop.ts"

/**
 * Parts that the shop holds back, schedules or lets go (P-37). What may not leave yet waits, in a leg that no location is asked
 * for; goods that are moving are stopped as far as possible; what was let go is released.
 */
export function hearHolds(before: Fulfilment, { parts, label }: { parts: readonly HeldPart[]; label: string }): Next {
  const { state, settles } = learnHolds(before, parts)
  if (state.holds === before.holds) return done(state)
  if (state.phase === "preparing" || state.stopReason) return done(state, settles)
  const left = state.order.lines.flatMap(({ id: lineId, quantity: { unit } }) => {
    const lessMilli = goingMilli(state, lineId) - Math.max(0, openMilli(state, lineId) - heldMilli(state, lineId))
    return lessMilli > 0 ? [{ lineId, unit, lessMilli }] : []
  })
  const by = { held: { label, turned: [] } }
  const stops: Task[] = left.length > 0 ? [{ task: "stop what is less", label, by, left, asked: [], kept: [] }] : []
  const waiting = state.legs.filter((leg) => leg.request === "held" && leg.lines.length > 0)
  return goOn(
    state,
    [
      ...stops,
      ...waiting.map((leg) => ({ task: "release" as const, leg: leg.n, isFirst: false })),
      { task: "say what is held", label },
    ],
    settles,
  )
}

/** Remembers the newest news of each part. */
export function learnHolds(before: Fulfilment, parts: readonly HeldPart[]): { state: Fulfilment; settles: Action[] } {
  const holds = new Map(before.holds)
  const settles: Action[] = []
  for (const part of parts) {
    const known = holds.get(part.partId)
    const order = known ? compareInstants(part.at, known.at) : 1
    if (order < 0 || (order === 0 && part.state === known?.state)) continue
    holds.set(part.partId, part)
    if (part.state === "free" && before.raisedHolds.includes(part.partId))
      settles.push(closed(heldName(part.partId), "the shop let it go"))
  }
  const isNews = parts.some(({ partId }) => holds.get(partId) !== before.holds.get(partId))
  return { state: isNews ? { ...before, holds } : before, settles }
}

/** What the shop holds back, when that covers these lines of an order that is not begun; undefined when it does not. */
export function heldAmong(parts: readonly HeldPart[], lines: readonly OrderLine[]): HeldPart[] | undefined {
  const newest = new Map<string, HeldPart>()
  for (const part of parts) {
    const known = newest.get(part.partId)
    if (!known || compareInstants(part.at, known.at) >= 0) newest.set(part.partId, part)
  }
  const state = { holds: newest }
  return lines.every(({ id, quantity }) => heldMilli(state, id) >= quantity.milli) ? openHolds(state) : undefined
}

/** Thousandths of a line that the shop holds back. */
export function heldMilli({ holds }: Pick<Fulfilment, "holds">, lineId: string): number {
  const held = [...holds.values()].filter(({ state }) => state !== "free").flatMap(({ lines }) => lines)
  return mergeLines(held).get(lineId) ?? 0
}

/** Takes units off what the shop holds back: a refund or an edit of the shop took them off the part, too. */
export function withoutHeld(state: Fulfilment, lines: readonly LineQuantity[]): Fulfilment {
  const left = mergeLines(lines)
  const holds = new Map(state.holds)
  for (const part of openHolds(state))
    holds.set(part.partId, {
      ...part,
      lines: part.lines.flatMap((line) => {
        const milli = Math.min(line.quantity.milli, left.get(line.lineId) ?? 0)
        left.set(line.lineId, (left.get(line.lineId) ?? 0) - milli)
        const quantity = { ...line.quantity, milli: line.quantity.milli - milli }
        return quantity.milli > 0 ? [{ ...line, quantity }] : []
      }),
    })
  return { ...state, holds }
}

/** Whether goods wait because the shop holds them back. */
export function isAnythingHeld(state: Fulfilment): boolean {
  return state.legs.some(
    (leg) => leg.request === "held" && leg.lines.some(({ lineId }) => openOnLeg(state, leg, lineId) > 0),
  )
}

/** Thousandths of a line that locations were asked to ship and have still to. */
function goingMilli(state: Fulfilment, lineId: string, isCounted: (leg: Leg) => boolean = isAsked): number {
  return state.legs.filter(isCounted).reduce((sum, leg) => sum + openOnLeg(state, leg, lineId), 0)
}

/** Splits a leg that was not sent into what may leave and what has to wait. */
export function holdBack(state: Fulfilment, n: number): Fulfilment {
  const leg = state.legs.find((candidate) => candidate.n === n)
  if (!leg || isAsked(leg)) return state
  const goesFirst = (other: Leg) => isAsked(other) || (other.request === "not sent" && other.n < n)
  const allowed = new Map<string, number>()
  const parts = leg.lines.map((line) => {
    const { lineId } = line
    const free = openMilli(state, lineId) - heldMilli(state, lineId) - goingMilli(state, lineId, goesFirst)
    const leftMilli = allowed.get(lineId) ?? Math.max(0, free)
    const goMilli = Math.min(leftMilli, line.quantity.milli)
    allowed.set(lineId, leftMilli - goMilli)
    return { line, goMilli }
  })
  const goes = parts.flatMap(({ line, goMilli }) => quantityOf(line, goMilli))
  const waits = parts.flatMap(({ line, goMilli }) => quantityOf(line, line.quantity.milli - goMilli))
  if (waits.length === 0) return withLeg(state, n, { request: "not sent" })
  if (goes.length === 0) return withLeg(state, n, { request: "held" })
  const { locationId, reservation } = leg
  return addHeld(withLeg(state, n, { lines: goes, request: "not sent" }), { locationId, reservation, lines: waits })
}

function quantityOf(line: RoutedLine, milli: number): RoutedLine[] {
  return milli > 0 ? [{ ...line, quantity: { ...line.quantity, milli } }] : []
}

function addHeld(before: Fulfilment, waits: Turned): Fulfilment {
  const state = addLeg(before, waits)
  return withLeg(state, state.legs.length, { request: "held" })
}

/** Goods that a location stopped for a hold are not cancelled: they wait in a leg of their own. */
export function keepStopped(
  state: Fulfilment,
  answer: StopAnswer | undefined,
  turned: readonly Turned[],
): { state: Fulfilment; turned: readonly Turned[] } {
  if (!answer) return { state, turned }
  const { locationId, reservation } = answer.leg
  const moving = mergeLines(answer.refused)
  const lines = answer.lines.flatMap(({ lineId, quantity }) => {
    const sku = state.order.lines.find((line) => line.id === lineId)?.sku
    const milli = quantity.milli - (moving.get(lineId) ?? 0)
    return sku === undefined ? [] : quantityOf({ lineId, sku, quantity, locationId }, milli)
  })
  const cancelled = lines.reduce((sums, line) => plus(sums, line.lineId, -line.quantity.milli), state.cancelled)
  return {
    state: { ...state, cancelled },
    turned: lines.length > 0 ? [...turned, { locationId, reservation, lines }] : turned,
  }
}

/** What was stopped for a hold waits; what could not be stopped ships, and somebody is told. */
export const waitWithHeld: Handle<"wait with what is held"> = (state, { label, turned, kept }) =>
  done(
    turned.reduce(addHeld, state),
    kept.length > 0 ? [{ do: "raise", ...shipsThoughHeld(state.order, kept, label) }] : [],
  )

/** Announces that all that is left waits for the shop, or that it goes on. */
export const sayHeld: Handle<"say what is held"> = (state, { label }) => {
  const isWaiting = isAllHeld(state)
  if (isWaiting === state.isOnHold || isAnythingShipped(state)) return done({ ...state, isOnHold: isWaiting })
  const name = (step: string) => (label === "" ? step : { step, part: label })
  return done({ ...state, isOnHold: isWaiting }, [
    isWaiting
      ? {
          do: "announce",
          name: name("held by the shop"),
          state: "on hold",
          reason: waitingText(state.order, openHolds(state)),
        }
      : { do: "announce", name: name("released"), state: "released", reason: "the shop let it go" },
  ])
}

/** Whether all goods that have still to leave are held back. */
export function isAllHeld(state: Fulfilment): boolean {
  const isGoing = state.sought.length > 0 || state.order.lines.some(({ id }) => goingMilli(state, id) > 0)
  return isAnythingHeld(state) && !isGoing
}

/** Parts that the shop holds back by now. */
export function openHolds({ holds }: Pick<Fulfilment, "holds">): HeldPart[] {
  return [...holds.values()].filter(({ state, lines }) => state !== "free" && sumMilli(lines) > 0)
}

/** The time at which a scheduled part opens; undefined when there is none, or when other parts have to be looked up. */
export function nextTime(state: Fulfilment): Instant | undefined {
  const parts = openHolds(state)
  if (parts.some((part) => part.state === "held" || part.until === undefined)) return undefined
  return parts
    .map(({ until }) => until)
    .reduce((a, b) => (a && b && compareInstants(a, b) > 0 ? b : a), parts[0]?.until)
}

/** The parts were looked up again, because the message that one was let go may be lost (I-6). */
export function lookAgain(before: Fulfilment, look: { parts: readonly HeldPart[]; now: Instant }, terms: Terms): Next {
  const looks = before.holdLooks + 1
  const { state: learnt } = learnHolds({ ...before, holdLooks: looks }, look.parts)
  // A scheduled part opens by itself at its time, whether or not anybody says so.
  const due = openHolds(learnt).flatMap((part): HeldPart[] =>
    part.state === "scheduled" && part.until !== undefined && compareInstants(part.until, look.now) <= 0
      ? [{ ...part, state: "free" }]
      : [],
  )
  const next = hearHolds({ ...before, holdLooks: looks }, { parts: [...look.parts, ...due], label: `look${looks}` })
  const late = openHolds(next.state).filter(
    ({ partId, at, state }) =>
      state === "held" && !before.raisedHolds.includes(partId) && epochMs(look.now) - epochMs(at) >= terms.holdWithinMs,
  )
  if (late.length === 0 || !isAnythingHeld(next.state)) return next
  return {
    state: { ...next.state, raisedHolds: [...before.raisedHolds, ...late.map(({ partId }) => partId)] },
    actions: [...next.actions, ...late.map((part) => ({ do: "raise" as const, ...heldForLong(before.order, part) }))],
  }
}
