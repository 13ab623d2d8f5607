import { durationMs } from "../../base/time.ts"
import type { EventName } from "../../canonical/events.ts"
import type { Order } from "../../canonical/order.ts"
import { apply, patienceOf, questionsOf } from "../../rules/fulfilment/apply.ts"
import { newestEdit } from "../../rules/fulfilment/changes/edit.ts"
import { isAnythingHeld, nextTime } from "../../rules/fulfilment/changes/hold.ts"
import { toldEvents, type News, type Told } from "../../rules/fulfilment/news.ts"
import {
  beginFulfilment,
  isAnythingShipped,
  openLines,
  type Fulfilment,
  type Terms,
} from "../../rules/fulfilment/state.ts"
import { storeDesk } from "../../ports/route-scope.ts"
import type { Routing } from "../../rules/route-order.ts"
import { holdsNow } from "./stock/holds-now.ts"
import { noteMissing } from "./stock/shortage.ts"
import type { RunContext } from "../../durable/define-workflow.ts"
import type { Step } from "../../durable/steps/step.ts"
import { part } from "../../durable/steps/step-name.ts"
import { withGoods, type Goods } from "./stock/kits.ts"
import { EditedArticles } from "./stock/edited-articles.ts"
import { carryOut } from "./carry-out.ts"
import type { Work } from "./work.ts"
import { seenRefund } from "./payment.ts"
import { Lapses, type Authorisation } from "./payment/authorisations.ts"
import { PaidEdits } from "./payment/paid-edits.ts"
import { isOurs } from "./payment/tenders.ts"
import type { OrderPolicies } from "./policies.ts"

/** An order that is routed and booked, and what carries out the rest of it. */
interface Booked {
  order: Order
  /** What articles of its channel stand for, and its kits are made of. */
  goods: Goods
  routing: Routing
  documentNumber: string
  /** Facts of fraud reviews that were looked at before anything was released. */
  knownReviews: readonly string[]
  /** Payments that are authorised for a time. */
  authorisations: readonly Authorisation[]
}

/**
 * The part of an order's life in which goods move: `src/rules/fulfilment` decides what follows from each piece of news, and
 * this loop carries it out. Every run folds the same news and outcomes again, so nothing is stored but the steps. What waits
 * for another system is left for a later run, so that a cancellation or a parcel is always heard.
 */
export async function moveGoods(
  step: Step,
  { order, goods, routing, documentNumber, knownReviews, authorisations }: Booked,
  context: RunContext<OrderPolicies>,
): Promise<void> {
  const terms = termsOf(order, context)
  const work: Work = { step, context, documentNumber, waits: new Map() }
  let state = beginFulfilment({ order, routing, knownReviews })
  const articles = new EditedArticles(step, goods, context)
  const changed = await changedMeanwhile(step, order, { ...context, articles, goods })
  const holds = [...changed.holds, ...(await holdsNow(step, order, { ...context, look: "" }))]
  const lapses = new Lapses(step, authorisations)
  const paidEdits = new PaidEdits(step, context.policies)
  let news: News = { type: "booked", ...changed, holds }
  while (state.phase !== "ended") {
    let next = apply(state, news, terms)
    for (;;) {
      const outcomes = await carryOut(work, next)
      if (outcomes.length === 0) break
      next = apply(next.state, { type: "carried out", outcomes }, terms)
    }
    state = next.state
    if (state.phase !== "ended") news = await nextNews(step, state, { ...context, lapses, articles, paidEdits })
  }
  await articles.end(state.order, isAnythingShipped(state))
}

function termsOf(order: Order, context: RunContext<OrderPolicies>): Terms {
  const { capture, onLateEdit, businessDay: dayAt, holdWithin } = context.policies
  return {
    capture,
    onLateEdit,
    dayAt,
    holdWithinMs: durationMs(holdWithin),
    isOurs: (tender) => isOurs(order, tender, context),
  }
}

/** Edits, refunds and holds that came while the order was being booked. */
async function changedMeanwhile(
  step: Step,
  order: Order,
  { policies, goods, articles }: RunContext<OrderPolicies> & { goods: Goods; articles: EditedArticles },
) {
  const known = await step.decide(part("look for late facts", "edits"), () => {
    const signals = step.untaken("order.edited")
    const edits = signals.map((signal) => withGoods(signal.data.order, goods))
    const newest = newestEdit(order, edits)
    const edit = newest && signals[edits.indexOf(newest)]?.fact
    const factsOf = (type: "order.refunded" | "order.hold-changed") => step.untaken(type).map(({ fact }) => fact)
    const [refunded, held] = [factsOf("order.refunded"), factsOf("order.hold-changed")]
    return { edit: edit ?? null, facts: signals.map((signal) => signal.fact), refunded, held }
  })
  const newest = step.heard("order.edited").find(({ fact }) => fact === known.edit)
  const edit = newest && (await articles.hear(newest, order))
  // One whose articles nobody knows is told later.
  const facts = newest && !edit ? known.facts.filter((fact) => fact !== newest.fact) : known.facts
  const refunds: Told<"order.refunded">[] = []
  for (const signal of step.heard("order.refunded"))
    if (known.refunded.includes(signal.fact))
      refunds.push({ ...signal, seen: await seenRefund(step, order, { signal, policies }) })
  const holds = step.heard("order.hold-changed").filter(({ fact }) => known.held.includes(fact))
  return { edited: edit?.data.order ?? null, facts, refunds, holds: holds.map(({ data }) => data) }
}

const listensTo = [...toldEvents, "exception.decided", "stock.arrived"] as const satisfies readonly EventName[]

async function nextNews(
  step: Step,
  state: Fulfilment,
  context: RunContext<OrderPolicies> & { lapses: Lapses; articles: EditedArticles; paidEdits: PaidEdits },
): Promise<News> {
  const { policies, lapses, articles, paidEdits } = context
  for (;;) {
    const paid = await paidEdits.lookAgain(state)
    if (paid) return paid
    await noteSought(step, state, context)
    const wait = lapses.atTheLatest(patience(state, context))
    const signals = [...listensTo, ...paidEdits.listensTo(state)]
    const signal = await step.next("news of the order", { signals, ...wait })
    if (!signal) return (await lapses.due()) ?? timePassed(step, state, context)
    if (signal.type === "order.refunded" || signal.type === "order.tender-changed") paidEdits.noteMoney()
    if (signal.type === "order.tender-changed") continue
    if (signal.type === "order.refunded")
      return { ...signal, seen: await seenRefund(step, state.order, { signal, policies }) }
    if (signal.type === "order.edited") {
      const edit = await articles.hear(signal, state.order)
      if (edit) return paidEdits.hear(edit, state)
      continue
    }
    if (signal.type === "stock.arrived") {
      const edit = await articles.lookAgain(state.order)
      if (edit) return paidEdits.hear(edit, state)
      if (state.sought.length > 0) return { type: "time passed" }
      continue
    }
    if (signal.type !== "exception.decided") return signal
    const { exceptionId, action } = signal.data
    const edit = articles.decided(signal.data) ? await articles.lookAgain(state.order) : undefined
    if (edit) return paidEdits.hear(edit, state)
    const question = questionsOf(state).find(({ name }) => step.exceptionId(name) === exceptionId)
    // Most exceptions change nothing here when they are decided: a refused step hears its own decision.
    if (question) return { type: "question decided", question, action }
  }
}

/** Has the order told when goods come in that no location has. */
async function noteSought(
  step: Step,
  { order, sought }: Fulfilment,
  context: RunContext<OrderPolicies>,
): Promise<void> {
  for (const { label, attempts, wanted } of sought) {
    const missing = wanted.map(({ line, milli }) => ({ sku: line.sku, milli }))
    await noteMissing(step, order, { ...context, name: `${label}${attempts}`, missing })
  }
}

async function timePassed(step: Step, state: Fulfilment, context: RunContext<OrderPolicies>): Promise<News> {
  if (!isAnythingHeld(state)) return { type: "time passed" }
  const look = `look${state.holdLooks + 1}`
  const parts = await holdsNow(step, state.order, { ...context, look })
  const now = await step.decide(part("look for late facts", look), () => step.now())
  return { type: "time passed", look: { parts, now } }
}

/** Whether stores without a system get all that is left ready for its buyer: those are told when it is late, and when nobody comes. */
function isKeptForBuyer(state: Fulfilment, { use }: RunContext<OrderPolicies>): boolean {
  const open = state.legs.flatMap((leg) => openLines(state, leg).map(({ lineId }) => ({ leg, lineId })))
  if (open.length === 0) return false
  return open.every(({ leg: { locationId }, lineId }) => {
    const line = state.order.lines.find(({ id }) => id === lineId)
    if (line?.fulfilment.method !== "pickup") return false
    return use("releasesFulfilment", { location: locationId }).releaseShipment.connection.id === storeDesk
  })
}

const lookAtLeastEveryMs = 3_600_000

function patience(state: Fulfilment, context: RunContext<OrderPolicies>) {
  const { routeAgainAfter, shipWithin, askHoldsAfter } = context.policies
  switch (patienceOf(state)) {
    case "for ever":
      return {}
    case "until it is late":
      return isKeptForBuyer(state, context) ? {} : { within: shipWithin }
    case "until goods are sought again":
      return { within: routeAgainAfter }
    case "until holds are looked up": {
      // A look is a step, so each waits twice as long; a part that is only scheduled waits for its time.
      const within = { ms: Math.min(durationMs(askHoldsAfter) * 2 ** state.holdLooks, lookAtLeastEveryMs) }
      const by = nextTime(state)
      return by === undefined ? { within } : { by }
    }
  }
}
