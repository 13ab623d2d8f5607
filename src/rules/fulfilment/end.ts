import { cut } from "../../base/text.ts"
import { money } from "../../base/money.ts"
import { shipmentAmounts } from "../apportion.ts"
import { capturesFor } from "../invoice.ts"
import { closed, type Action, type Effect } from "./actions.ts"
import { tellCredits } from "./changes/credits.ts"
import { capturesOf } from "./shipment.ts"
import { isAnythingShipped, type Fulfilment, type StopReason, type Terms } from "./state.ts"
import { done, goOn, type Handle, type Next, type Task } from "./tasks.ts"
import type { Raised } from "./texts/raised.ts"
import { notShippedName, reviewName } from "./texts/goods.ts"
import { capturedByHand, invoicesDiffer, lapseName, refundName } from "./texts/money.ts"
import { heldName } from "./texts/shop.ts"

const nothingLeft: StopReason = { kind: "interrupted", reason: "nothing was left to ship" }

/** The tasks left when every line has shipped or been stopped: stock, money, and announcing the end. */
export function finishTasks(state: Fulfilment): Task[] {
  const { legs, holdsTooMuch, reservedForEdits } = state
  const holdsNothing = !holdsTooMuch && legs.length <= 1 && reservedForEdits.length === 0
  const all = [...legs.map((leg) => leg.reservation), ...reservedForEdits]
  const reservations = holdsNothing ? [] : [...new Set(all)]
  return [
    ...reservations.map((reservation) => ({ task: "give back leftover stock" as const, reservation })),
    { task: "end" },
  ]
}

/** Releases the stock that is still reserved under one reservation. */
export const giveBackLeftover: Handle<"give back leftover stock"> = (state, { reservation }) =>
  done(state, [{ do: "give back leftover stock", reservation, ifItWaits: "stop" }])

/** Ends an order: closed when anything shipped, otherwise cancelled. */
export const end: Handle<"end"> = (before, _task, { terms }) => {
  const state: Fulfilment = { ...before, phase: "ended" }
  const next = isAnythingShipped(state) ? settleMoney(state, terms) : takeBackOrWait(state)
  return { ...next, actions: [...waitsOver(state), ...next.actions] }
}

/** Closes exceptions about waits: for a parcel, for the shop, for a review of an order that is not shipped at all. */
function waitsOver(state: Fulfilment): Action[] {
  const { isLateRaised, raisedHolds, raisedLapses, raisedReviews } = state
  const isShipped = isAnythingShipped(state)
  const names = [
    ...(isLateRaised ? [notShippedName] : []),
    ...raisedHolds.map(heldName),
    ...raisedLapses.map(lapseName),
    ...(isShipped ? [] : [...raisedReviews.keys()].map(reviewName)),
  ]
  return names.map((name) => closed(name, isShipped ? "all that was left has shipped" : "the order was cancelled"))
}

/**
 * If a change still waits in the ERP, cancel the order there only after it: otherwise the change would bring the order back.
 */
function takeBackOrWait(state: Fulfilment): Next {
  return state.isAmendmentOpen ? done(state) : takeBack(state, state.stopReason ?? nothingLeft)
}

/** Nothing shipped: the order is cancelled everywhere. */
function takeBack(state: Fulfilment, reason: StopReason): Next {
  const words = cut(reason.reason, 200)
  return goOn(
    state,
    [
      { task: "void authorisations" },
      { task: "tell of the cancellation", reason },
      { task: "close", state: "cancelled", reason: words },
    ],
    [{ do: "cancel in ERP", reason: words, ifItWaits: "stop for a person" }],
  )
}

/** Voids every authorisation of ours of a cancelled order. */
export const voidAuthorisations: Handle<"void authorisations"> = (state) =>
  done(state, [{ do: "void authorisations", tenders: state.order.tenders, ifItWaits: "go on" }])

/** Cancels in the channel and notifies the buyer. */
export const tellOfCancellation: Handle<"tell of the cancellation"> = (state, { reason }) =>
  done(state, [
    { do: "cancel in channel", reason, ifItWaits: "go on" },
    { do: "notify buyer", kind: "cancelled", ifItWaits: "go on" },
  ])

/** An order that was cancelled as a whole needs no exceptions about its refunds, because they are part of the cancellation. */
export const close: Handle<"close"> = (known, { state, reason }) => {
  const settles = state === "cancelled" ? known.raisedRefunds.map(refundName) : []
  return done(known, [{ do: "close", state, settles, ...(reason === undefined ? {} : { reason }) }])
}

/**
 * Captured, invoiced and shipped amounts must be equal (I-5): refunds what was captured too much, voids the rest of an
 * authorisation.
 */
function settleMoney(before: Fulfilment, terms: Terms): Next {
  const { state, actions } = tellCredits(before, terms, { isEnd: true })
  const { order, shipped, invoicedMinor } = state
  const lines = order.lines.flatMap(({ id, quantity }) => {
    const milli = Math.min(quantity.milli, shipped.get(id) ?? 0)
    return milli > 0 ? [{ lineId: id, quantity: { milli, unit: quantity.unit } }] : []
  })
  const worthMinor = shipmentAmounts(order, new Map(), lines).totalMinor
  const raised = [
    ...(worthMinor === invoicedMinor ? [] : [invoicesDiffer(order, worthMinor, invoicedMinor)]),
    ...capturedTooMuch(state),
  ]
  return goOn(
    state,
    [{ task: "close", state: "closed" }],
    [
      ...actions,
      ...raised.map((one) => ({ do: "raise" as const, ...one })),
      ...settlements(state),
      ...othersCaptures(state, terms),
    ],
  )
}

/** What each authorised tender owes for what was invoiced, in the buyer's currency. */
function dueByTender({ order, invoicedMinor }: Fulfilment): ReadonlyMap<string, number> {
  return new Map(
    capturesFor(order, new Map(), invoicedMinor).map(({ tender, amount }) => [tender.id, amount.amountMinor]),
  )
}

function settlements(state: Fulfilment): Effect[] {
  const due = dueByTender(state)
  return state.order.tenders.flatMap((tender): Effect[] => {
    const { leftMinor, ownMinor, takenMinor, isOpen, isEnded } = capturesOf(state, tender.id)
    // While a capture still waits, its authorisation must not be voided, and there is nothing to refund.
    if (isOpen) return []
    const { amountMinor, currency } = tender.amount.presentment
    const keptMinor = due.get(tender.id) ?? 0
    // What others captured by hand is theirs to refund, see `capturedTooMuch`.
    const overMinor = Math.min(takenMinor - keptMinor, ownMinor)
    if (overMinor > 0) {
      const paymentId = tender.reference
      const amount = money(overMinor, currency)
      return paymentId === undefined ? [] : [{ do: "refund", tender, paymentId, amount, keptMinor, ifItWaits: "go on" }]
    }
    // If a person left a refused capture as it is, its authorisation stays, so that they can capture by hand.
    const isLeftover = leftMinor === 0 && !isEnded && takenMinor < amountMinor
    return isLeftover ? [{ do: "void authorisations", tenders: [tender], ifItWaits: "go on" }] : []
  })
}

/** Authorised payments that somebody else captures: the order is not closed before they are. */
function othersCaptures({ order, invoicedMinor }: Fulfilment, { isOurs }: Terms): Effect[] {
  const due = capturesFor(order, new Map(), invoicedMinor).filter(
    ({ tender }) => tender.state === "authorised" && !isOurs(tender),
  )
  return due.length > 0 ? [{ do: "await captures", due, ifItWaits: "go on" }] : []
}

/** Tenders of which others captured more by hand than is due. */
function capturedTooMuch(state: Fulfilment): Raised[] {
  const due = dueByTender(state)
  return state.order.tenders.flatMap((tender) => {
    const { ownMinor, takenMinor } = capturesOf(state, tender.id)
    const overMinor = takenMinor - (due.get(tender.id) ?? 0) - ownMinor
    return overMinor > 0
      ? [capturedByHand(state.order, tender, money(overMinor, tender.amount.presentment.currency))]
      : []
  })
}
