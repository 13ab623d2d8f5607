import type { Shortage } from "../../canonical/shipment.ts"
import { closed, outputOf } from "./actions.ts"
import {
  addLegs,
  cancelLine,
  isAllDone,
  isAnythingShipped,
  isAsked,
  openMilli,
  openOnLeg,
  reportKey,
  withLeg,
  withoutMilli,
  type Fulfilment,
  type Sought,
} from "./state.ts"
import { done, goOn, type Handle, type Next, type Task } from "./tasks.ts"
import { goodsAreNowhere, locationIsShort, nowhereName } from "./texts/goods.ts"

const quickAttemptsMax = 5

/** A location does not have requested goods: raises an exception (P-10) and looks for the goods elsewhere. */
export function seekElsewhere(before: Fulfilment, shortage: Shortage): Next {
  if (before.shortages.includes(reportKey(shortage))) return done(before)
  const state = { ...before, shortages: [...before.shortages, reportKey(shortage)] }
  const wanted = shortage.lines.flatMap(({ lineId, quantity }) => {
    const line = state.order.lines.find((candidate) => candidate.id === lineId)
    const milli = Math.min(quantity.milli, openAt(state, shortage.locationId, lineId))
    return line && milli > 0 ? [{ line, milli }] : []
  })
  if (wanted.length === 0) return done(state)
  const freed = takeOffLegs(state, shortage.locationId, wanted)
  // Goods of a stopped order that no location has count as stopped; so do those that nobody came for.
  if (state.stopReason || shortage.because === "not collected")
    return giveUp(freed.state, { label: `${shortage.id}:`, wanted })
  const { id, locationId } = shortage
  const sought = { label: `${id}:`, reservation: freed.reservation, wanted, without: [locationId], attempts: 0 }
  return goOn(
    freed.state,
    [{ task: "seek", sought, quick: 1 }],
    [{ do: "raise", ...locationIsShort(state.order, shortage, wanted) }],
  )
}

/** Thousandths of a line that a location has still to ship. Goods no longer requested there are already sought elsewhere. */
function openAt(state: Fulfilment, locationId: string, lineId: string): number {
  const onLegs = state.legs
    .filter((leg) => leg.locationId === locationId)
    .reduce((sum, leg) => sum + Math.max(0, openOnLeg(state, leg, lineId)), 0)
  return Math.min(onLegs, openMilli(state, lineId))
}

/** Takes missing goods off the location's legs. Also returns the reservation that holds them. */
function takeOffLegs(before: Fulfilment, locationId: string, missing: Sought["wanted"]) {
  let state = before
  let reservation = before.order.id
  for (const { line, milli } of missing) {
    let left = milli
    const here = state.legs.filter((candidate) => candidate.locationId === locationId)
    for (const leg of here.sort((a, b) => Number(isAsked(b)) - Number(isAsked(a)))) {
      // What left by this leg stays on it.
      const takenMilli = Math.min(left, openOnLeg(state, leg, line.id))
      if (takenMilli <= 0) continue
      left -= takenMilli
      reservation = leg.reservation
      state = withLeg(state, leg.n, { lines: withoutMilli(leg.lines, line.id, takenMilli) })
    }
  }
  return { state, reservation }
}

/** Looks for locations now: a few times at once when other orders took the goods first, then again from time to time. */
export const seek: Handle<"seek"> = (state, { sought: before, quick }) => {
  const sought = { ...before, attempts: before.attempts + 1 }
  const { label, reservation, wanted, without, attempts } = sought
  const standing = state.legs.filter((leg) => leg.reservation === reservation).flatMap((leg) => leg.lines)
  const name = `${label}${attempts}`
  return goOn(
    state,
    [{ task: "see what was found", sought, quick }],
    [{ do: "find locations", name, request: { reservation, wanted, without }, standing, ifItWaits: "stop" }],
  )
}

/** Releases allocated goods; otherwise looks again at once, or waits. */
export const seeFound: Handle<"see what was found"> = (state, { sought, quick }, { outcomes }) => {
  const others = state.sought.filter(({ label }) => label !== sought.label)
  const found = outputOf(outcomes, "find locations")
  if (found?.isPlaced) {
    const placed = addLegs({ ...state, sought: others }, found.routing.lines, sought.reservation)
    const releases = placed.legs.slice(state.legs.length).map((leg): Task => {
      return { task: "release", leg: leg.n, isFirst: false }
    })
    const wasNowhere = others.length < state.sought.length
    return goOn(placed, releases, wasNowhere ? [closed(nowhereName(sought.label), "a location has the goods")] : [])
  }
  const isNowhere = !found || found.routing.unfilled.length > 0
  if (!isNowhere && quick < quickAttemptsMax) return goOn(state, [{ task: "seek", sought, quick: quick + 1 }])
  const waits = { ...state, sought: [...others, sought] }
  return done(waits, [{ do: "raise", ...goodsAreNowhere(state.order, sought) }])
}

/** Looks once more for the goods that are still needed. */
export const seekAgain: Handle<"seek again"> = (state, { label }) => {
  const sought = state.sought.find((candidate) => candidate.label === label)
  if (!sought) return done(state)
  const wanted = sought.wanted.flatMap(({ line, milli }) => {
    const open = Math.min(milli, openMilli(state, line.id))
    return open > 0 ? [{ line, milli: open }] : []
  })
  if (wanted.length === 0)
    return done(withoutSought(state, label), [closed(nowhereName(label), "the goods are not needed any more")])
  return goOn(state, [{ task: "seek", sought: { ...sought, wanted }, quick: 1 }])
}

/** A person gives up on goods that no location has: the order shrinks to the rest. */
export function decideSought(before: Fulfilment, label: string, action: string): Next {
  const sought = before.sought.find((candidate) => candidate.label === label)
  if (!sought || action !== "cancel the rest") return done(before)
  return giveUp(withoutSought(before, label), sought)
}

/** Cancels goods that no location has; the ERP's order shrinks unless nothing is left of it. */
function giveUp(before: Fulfilment, { label, wanted }: Pick<Sought, "label" | "wanted">): Next {
  // Of a line that has shipped beyond what an edit left of it, nothing is open, and nothing can be cancelled.
  const stillOpen = (state: Fulfilment, lineId: string) => Math.max(0, openMilli(state, lineId))
  const state = wanted.reduce(
    (known, { line, milli }) => cancelLine(known, line.id, Math.min(milli, stillOpen(known, line.id))),
    before,
  )
  const isKept = !isAllDone(state) || isAnythingShipped(state)
  return goOn(state, isKept ? [{ task: "amend", label, isEarly: false }] : [])
}

function withoutSought(state: Fulfilment, label: string): Fulfilment {
  return { ...state, sought: state.sought.filter((candidate) => candidate.label !== label) }
}
