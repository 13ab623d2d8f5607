import { compareInstants, type Instant } from "../../base/time.ts"
import { closed, isEffect, type Outcome } from "./actions.ts"
import * as edits from "./changes/edit.ts"
import { hearHolds, isAnythingHeld, learnHolds, lookAgain, sayHeld, waitWithHeld } from "./changes/hold.ts"
import { lapseSoon } from "./changes/lapse.ts"
import * as ending from "./end.ts"
import type { News, Question, Told } from "./news.ts"
import * as refunds from "./changes/refund.ts"
import * as releasing from "./release.ts"
import * as seeking from "./seek.ts"
import { hearFulfilled, hearTakenBack } from "./shown.ts"
import * as shipping from "./shipment.ts"
import { cancelOnLeg, isAllDone, withLeg, type Fulfilment, type Terms } from "./state.ts"
import * as stopping from "./stop.ts"
import { done, goOn, type Handle, type Next, type Task } from "./tasks.ts"
import { editName } from "./texts/changes.ts"
import { notShippedInTime, nowhereName, reviewName, reviewOpenedLate } from "./texts/goods.ts"

/**
 * Applies one piece of news to the state of an order and returns the next actions. Pure: the same state and news give
 * the same result.
 *
 * When the actions contain effects, carry them out and apply their outcomes ("carried out") before any other news: the
 * agenda holds the remaining tasks. An order that has ended takes no more news; the workflow handles it as late.
 */
export function apply(state: Fulfilment, news: News, terms: Terms): Next {
  if (news.type === "carried out") return proceed(done(news.outcomes.reduce(learn, state)), news.outcomes, terms)
  if (state.phase === "ended") return done(state)
  return proceed(hear(state, news, terms), [], terms)
}

/** Does the tasks of the agenda until an effect must be carried out or no task is left. */
function proceed(first: Next, outcomes: readonly Outcome[], terms: Terms): Next {
  let { state } = first
  const actions = [...first.actions]
  let given = { outcomes, terms }
  while (!actions.some(isEffect)) {
    const [task, ...agenda] = state.agenda.length > 0 ? state.agenda : isOver(state) ? ending.finishTasks(state) : []
    if (!task) break
    const next = handle({ ...state, agenda }, task, given)
    state = next.state
    actions.push(...next.actions)
    given = { outcomes: [], terms }
  }
  return { state, actions }
}

/** Every line is shipped or cancelled, and no edit waits for a decision. */
function isOver(state: Fulfilment): boolean {
  return state.phase === "moving" && isAllDone(state) && state.waitingEdits.length === 0
}

/** Exceptions that the fulfilment waits for. */
export function questionsOf({ waitingEdits, sought }: Fulfilment): Question[] {
  return [
    ...waitingEdits.map(({ fact }): Question => ({ about: "edit", fact, name: editName(fact) })),
    ...sought.map(({ label }): Question => ({ about: "sought", label, name: nowhereName(label) })),
  ]
}

/** How long to wait for news: until the next attempt to find goods, until a shipment is late, or for ever. */
export function patienceOf(
  state: Fulfilment,
): "until goods are sought again" | "until holds are looked up" | "until it is late" | "for ever" {
  if (state.sought.length > 0) return "until goods are sought again"
  if (isAnythingHeld(state)) return "until holds are looked up"
  return state.isLateRaised || isAllDone(state) ? "for ever" : "until it is late"
}

function hear(state: Fulfilment, news: Exclude<News, { type: "carried out" }>, terms: Terms): Next {
  switch (news.type) {
    case "booked":
      return begin(state, news)
    case "question decided":
      return news.question.about === "edit"
        ? edits.decideEdit(state, news.question.fact, news.action)
        : seeking.decideSought(state, news.question.label, news.action)
    case "edit is paid":
      return edits.hearEditPaid(state, news)
    case "authorisations lapse soon":
      return lapseSoon(state, news)
    case "time passed":
      return hearTimePassed(state, news, terms)
    default:
      return hearEvent(state, news, terms)
  }
}

/** Looks again for goods that nobody had and at what the shop holds back; otherwise a shipment is late. */
function hearTimePassed(state: Fulfilment, { look }: Extract<News, { type: "time passed" }>, terms: Terms): Next {
  const isWaiting = state.sought.length > 0 || isAnythingHeld(state)
  if (!isWaiting) return done({ ...state, isLateRaised: true }, [{ do: "raise", ...notShippedInTime(state.order) }])
  const looked = look ? lookAgain(state, look, terms) : done(state)
  const seeks = state.sought.map(({ label }) => ({ task: "seek again" as const, label }))
  return goOn(looked.state, seeks, looked.actions)
}

function hearEvent(state: Fulfilment, told: Told, terms: Terms): Next {
  switch (told.type) {
    case "shipment.confirmed":
      return shipping.takeShipment(state, told.data.shipment, terms)
    case "shipment.short":
      return seeking.seekElsewhere(state, told.data.shortage)
    case "order.cancellation-requested":
      return stopping.stopOrder(state, { label: told.fact, reason: told.data.reason, fact: told.fact })
    case "order.edited":
      return edits.hearLateEdit(state, { ...told, order: told.data.order }, terms.onLateEdit)
    case "order.fulfilled-by-channel":
      return hearFulfilled(state, told.data)
    case "order.fulfilment-taken-back":
      return hearTakenBack(state, told.data)
    case "order.hold-changed":
      return hearHolds(state, { parts: [told.data], label: told.fact })
    case "order.refunded":
      return refunds.hearRefund(state, told, terms)
    case "order.fraud-review-opened":
      return hearReviewOpened(state, told)
    case "order.fraud-review-decided":
      return hearReviewDecided(state, told)
  }
}

/** The order is booked. Edits and refunds from before are applied as if the order had been placed that way, then it is released. */
function begin(before: Fulfilment, news: Extract<News, { type: "booked" }>): Next {
  const { edited, facts, refunds: early = [], holds = [] } = news
  const { state } = learnHolds({ ...before, knownFacts: [...before.knownFacts, ...facts] }, holds)
  return goOn(state, [
    ...(edited ? edits.applyEdit(state, edited, edits.earlyLabel) : []),
    ...early.map((told) => ({ task: "hear a refund" as const, told })),
    { task: "begin to release" },
  ])
}

/** A review that was opened after release. It may be heard of after its decision (P-07). */
function hearReviewOpened(state: Fulfilment, { fact, data }: Told<"order.fraud-review-opened">): Next {
  if (state.knownFacts.includes(fact) || (state.reviewedAt && isBy(data.at, state.reviewedAt))) return done(state)
  const raisedReviews = new Map(state.raisedReviews).set(fact, data.at)
  return done({ ...state, raisedReviews }, [{ do: "raise", ...reviewOpenedLate(state.order, fact) }])
}

/** A review that is rejected after release stops the goods that can still be stopped, like a cancellation. */
function hearReviewDecided(before: Fulfilment, { fact, data }: Told<"order.fraud-review-decided">): Next {
  if (before.knownFacts.includes(fact)) return done(before)
  const { reviewedAt = data.at } = before
  const reason = `the fraud review ended with "${data.decision}" (${data.decidedBy})`
  const raisedReviews = new Map([...before.raisedReviews].filter(([, at]) => !isBy(at, data.at)))
  const answered = [...before.raisedReviews.keys()].filter((review) => !raisedReviews.has(review))
  const settles = answered.map((review) => closed(reviewName(review), reason))
  const state = { ...before, raisedReviews, reviewedAt: isBy(reviewedAt, data.at) ? data.at : reviewedAt }
  if (data.decision === "accept") return done(state, settles)
  const stopped = stopping.stopOrder(state, { label: fact, reason })
  return { ...stopped, actions: [...settles, ...stopped.actions] }
}

const isBy = (at: Instant, time: Instant) => compareInstants(at, time) <= 0

/** Updates the order from an outcome, whichever task needed the effect. */
function learn(state: Fulfilment, outcome: Outcome): Fulfilment {
  switch (outcome.of) {
    case "release leg": {
      const { leg } = outcome.effect
      if (outcome.became === "waiting") return withLeg(state, leg, { request: "unknown" })
      const isSent = outcome.became === "done" && !outcome.output.isOvertaken
      return isSent ? withLeg(state, leg, { request: "sent" }) : state
    }
    case "see whether overtaken":
      // Done only when a cancellation came before the request was sent; otherwise the run waits for the location.
      return withLeg(state, outcome.effect.leg, { request: "not sent" })
    case "stop leg":
      return outcome.became === "done" ? cancelOnLeg(state, outcome.effect.leg, outcome.output.cancelled) : state
    case "amend in ERP":
      return outcome.became === "waiting" ? { ...state, isAmendmentOpen: true } : state
    case "capture":
      return shipping.learnOfCapture(state, outcome)
    default:
      return state
  }
}

const handlers: { readonly [Name in Task["task"]]: Handle<Name> } = {
  "begin to release": releasing.releaseAll,
  release: releasing.release,
  "pass the point of no return": releasing.passPointOfNoReturn,
  "say it is released": releasing.sayReleased,
  "ship digital lines": releasing.shipDigitalLines,
  "take digital shipment": releasing.takeDigitalShipment,
  "wait for news": releasing.waitForNews,
  "stop leg": stopping.stopLeg,
  "leg stopped": stopping.legStopped,
  "stop legs": stopping.stopLegs,
  "stop what is less": edits.stopLess,
  "turn round": edits.turnRound,
  "take the edit": edits.takeEdit,
  "wait with what is held": waitWithHeld,
  "say what is held": sayHeld,
  "hear a refund": (state, { told }, { terms }) => refunds.hearRefund(state, told, terms),
  "see what a refund took off": refunds.seeTakenOff,
  "add what is more": edits.addMore,
  "place what is more": edits.placeMore,
  "add legs of the edit": edits.addLegsOfEdit,
  amend: edits.amend,
  seek: seeking.seek,
  "see what was found": seeking.seeFound,
  "seek again": seeking.seekAgain,
  "say it shipped": shipping.sayShipped,
  "give back leftover stock": ending.giveBackLeftover,
  end: ending.end,
  "void authorisations": ending.voidAuthorisations,
  "tell of the cancellation": ending.tellOfCancellation,
  close: ending.close,
}

function handle(state: Fulfilment, task: Task, given: { outcomes: readonly Outcome[]; terms: Terms }): Next {
  // Each task name has the handler of its own tasks.
  const handler = handlers[task.task] as Handle<Task["task"]>
  return handler(state, task, given)
}
