import type { EventName } from "../../canonical/events.ts"
import type { Order } from "../../canonical/order.ts"
import { apply, patienceOf, questionsOf } from "../../rules/fulfilment/apply.ts"
import { newestEdit } from "../../rules/fulfilment/changes/edit.ts"
import { toldEvents, type News, type Told } from "../../rules/fulfilment/news.ts"
import { beginFulfilment, type Fulfilment, type Terms } from "../../rules/fulfilment/state.ts"
import type { Routing } from "../../rules/route-order.ts"
import type { RunContext } from "../../durable/define-workflow.ts"
import type { Step } from "../../durable/steps/step.ts"
import { part } from "../../durable/steps/step-name.ts"
import { carryOut } from "./carry-out.ts"
import type { Work } from "./work.ts"
import { isOurs, seenRefund } from "./payment.ts"
import type { OrderPolicies } from "./policies.ts"

/** An order that is routed and booked, and what carries out the rest of it. */
interface Booked {
  order: Order
  routing: Routing
  documentNumber: string
  /** Facts of fraud reviews that were looked at before anything was released. */
  knownReviews: readonly string[]
}

/**
 * The part of an order's life in which goods move: `src/rules/fulfilment` decides what follows from each piece of news, and
 * this loop carries it out. Every run folds the same news and outcomes again, so nothing is stored but the steps. What waits
 * for another system is left for a later run, so that a cancellation or a parcel is always heard.
 */
export async function moveGoods(
  step: Step,
  { order, routing, documentNumber, knownReviews }: Booked,
  context: RunContext<OrderPolicies>,
): Promise<void> {
  const terms = termsOf(order, context)
  const work: Work = { step, context, documentNumber, waits: new Map() }
  let state = beginFulfilment({ order, routing, knownReviews })
  let news: News = { type: "booked", ...(await changedMeanwhile(step, order, context.policies)) }
  while (state.phase !== "ended") {
    let next = apply(state, news, terms)
    for (;;) {
      const outcomes = await carryOut(work, next)
      if (outcomes.length === 0) break
      next = apply(next.state, { type: "carried out", outcomes }, terms)
    }
    state = next.state
    if (state.phase !== "ended") news = await nextNews(step, state, context.policies)
  }
}

function termsOf(order: Order, context: RunContext<OrderPolicies>): Terms {
  const { capture, onLateEdit, businessDay: dayAt } = context.policies
  return { capture, onLateEdit, dayAt, isOurs: (tender) => isOurs(order, tender, context) }
}

/** Edits and refunds that came while the order was being booked. */
async function changedMeanwhile(step: Step, order: Order, policies: OrderPolicies) {
  const edits = await step.decide(part("look for late facts", "edits"), () => {
    const signals = step.untaken("order.edited")
    const edits = signals.map((signal) => signal.data.order)
    const refunded = step.untaken("order.refunded").map(({ fact }) => fact)
    return { edited: newestEdit(order, edits), facts: signals.map((signal) => signal.fact), refunded }
  })
  const refunds: Told<"order.refunded">[] = []
  for (const signal of step.heard("order.refunded"))
    if (edits.refunded.includes(signal.fact))
      refunds.push({ ...signal, seen: await seenRefund(step, order, { signal, policies }) })
  return { edited: edits.edited, facts: edits.facts, refunds }
}

const listensTo = [...toldEvents, "exception.decided"] as const satisfies readonly EventName[]

async function nextNews(step: Step, state: Fulfilment, policies: OrderPolicies): Promise<News> {
  for (;;) {
    const signal = await step.next("news of the order", { signals: listensTo, ...patience(state, policies) })
    if (!signal) return { type: "time passed" }
    if (signal.type === "order.refunded")
      return { ...signal, seen: await seenRefund(step, state.order, { signal, policies }) }
    if (signal.type !== "exception.decided") return signal
    const { exceptionId, action } = signal.data
    const question = questionsOf(state).find(({ name }) => step.exceptionId(name) === exceptionId)
    // Most exceptions change nothing here when they are decided: a refused step hears its own decision.
    if (question) return { type: "question decided", question, action }
  }
}

function patience(state: Fulfilment, { routeAgainAfter, shipWithin }: OrderPolicies) {
  const patience = patienceOf(state)
  if (patience === "for ever") return {}
  return { within: patience === "until it is late" ? shipWithin : routeAgainAfter }
}
