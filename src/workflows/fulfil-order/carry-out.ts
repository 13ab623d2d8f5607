import { StepRejected, Suspension } from "../../effects/perform.ts"
import {
  isEffect,
  type Effect,
  type EffectName,
  type EffectOf,
  type Notice,
  type Outcome,
  type OutputOf,
} from "../../rules/fulfilment/actions.ts"
import type { Next } from "../../rules/fulfilment/tasks.ts"
import { part, type StepName } from "../../durable/steps/step-name.ts"
import { amendOrder, cancelOrder, postInvoice, recordDelivery } from "./books/books.ts"
import { goodsShipped } from "./facts.ts"
import { cancelInChannel, confirmToChannel, notifyBuyer } from "./notify.ts"
import { captureShare, refundShare, voidAuthorisations } from "./payment.ts"
import { awaitCaptures } from "./payment/channel-captures.ts"
import { unknownThere } from "./policies.ts"
import type { Work, WorkNow } from "./work.ts"
import { consumeStock, giveBackStock, reserveForEdit, routeAndAllocate, routeOnce } from "./stock/stock.ts"

/** Carries out the actions that fulfilment asks for, by named steps, and returns what became of the effects among them. */
export async function carryOut(work: Work, { state, actions }: Next): Promise<Outcome[]> {
  const now = { ...work, order: state.order, legs: state.legs }
  for (const action of actions) if (!isEffect(action)) await note(now, action)
  const effects = actions.filter((action) => isEffect(action))
  const [first] = effects
  // An effect that holds up what comes after it is the only one of its actions.
  if (first && effects.length === 1 && first.ifItWaits !== "go on") return [await holdUp(first, now)]
  const outcomes: Outcome[] = []
  await work.step.alongside(
    ...effects.map((effect, n) => async () => {
      try {
        outcomes[n] = await perform(effect, now)
      } catch (thrown) {
        outcomes[n] = outcomeOfThrown(effect, thrown, now)
        if (outcomes[n].became === "waiting") throw thrown
      }
    }),
  )
  return outcomes
}

/** Does an effect that others wait for. What is refused before goods move ends the run, and what was done is taken back. */
async function holdUp(effect: Effect, work: WorkNow): Promise<Outcome> {
  if (effect.ifItWaits === "stop") return perform(effect, work)
  let outcome = withoutOutput(effect, "waiting")
  await work.step.evenIfAway(async () => {
    outcome = await perform(effect, work)
  })
  return outcome
}

/** Says what a thrown value means for an effect that others do not wait for; throws what is neither a wait nor a refusal. */
function outcomeOfThrown(effect: Effect, thrown: unknown, { waits }: WorkNow): Outcome {
  if (thrown instanceof Suspension) {
    if (effect.do === "release leg") waits.set(effect.leg, thrown)
    return withoutOutput(effect, "waiting")
  }
  // A person chose to leave a refused step as it is; everything else goes on.
  if (thrown instanceof StepRejected) return withoutOutput(effect, "left")
  throw thrown
}

async function note({ step, order }: WorkNow, notice: Notice): Promise<void> {
  switch (notice.do) {
    case "announce": {
      const { do: _do, name, state, unstocked, ...more } = notice
      const telling = { step, order, name: `${unstocked?.shipmentId}:unstocked` }
      return step.announce(name, state, { ...more, ...(unstocked ? { tells: goodsShipped(telling, unstocked) } : {}) })
    }
    case "raise":
      return step.raise(notice.name, notice.text)
    case "tell credit":
      return step.tell(part("credit is due", notice.due.refundId), { type: "credit.due", data: notice.due })
    case "settle":
      return step.settle(notice.name, notice)
    case "pass the point of no return":
      return step.pointOfNoReturn()
    case "close": {
      const { state, settles, reason } = notice
      // Somebody may still be busy with a part of it: an ERP that is unavailable, a person with a refusal.
      if (step.outstanding.length > 0) return
      for (const name of settles) step.settle(name, { action: "acknowledge", reason: "the order was cancelled" })
      return step.announce(state, state, reason === undefined ? {} : { reason })
    }
  }
}

const releaseStep = (leg: number): StepName => part("release to location", String(leg))

const performers: { readonly [Do in EffectName]: (effect: EffectOf<Do>, work: WorkNow) => Promise<OutputOf<Do>> } = {
  "release leg": releaseLeg,
  "see whether overtaken": async ({ leg }, { step, waits }) => {
    if (await step.isOvertaken(releaseStep(leg), "order.cancellation-requested")) return
    const waiting = waits.get(leg)
    if (waiting) throw waiting
  },
  "stop leg": stopLeg,
  "amend in ERP": amendOrder,
  "cancel in ERP": cancelOrder,
  "reserve for edit": reserveForEdit,
  "find locations": ({ name, request, standing }, { step, order, context }) =>
    routeOnce(step, order, { ...context, request: { ...request, name, standing } }),
  "route edit": async (request, { step, order, context }) => ({
    routing: await routeAndAllocate(step, order, { ...context, request }),
  }),
  "date digital shipment": async (_effect, { step }) => ({
    shippedAt: await step.decide(part("look for late facts", "digital"), () => step.now()),
  }),
  "consume stock": consumeStock,
  "give back leftover stock": giveBackStock,
  "record delivery": recordDelivery,
  "post invoice": postInvoice,
  capture: (share, { step, order, context }) => captureShare(step, order, { ...context, ...share }),
  "await captures": ({ due }, { step, order, context }) =>
    awaitCaptures(step, order, { ...context, do: "await captures", ifItWaits: "go on", due }),
  "void authorisations": ({ tenders }, { step, order, context }) =>
    voidAuthorisations(step, { ...order, tenders: [...tenders] }, context),
  refund: (share, { step, order, context }) => refundShare(step, order, { ...context, ...share }),
  "confirm to channel": ({ shipment }, { step, order, context }) =>
    confirmToChannel(step, order, { ...context, shipment }),
  "cancel in channel": ({ reason }, { step, order, context }) => cancelInChannel(step, order, { ...context, reason }),
  "notify buyer": (message, { step, order, context }) =>
    message.kind === "shipped"
      ? notifyBuyer(step, part("tell customer it shipped", message.shipment.id), {
          ...context,
          message: { ...message, order },
        })
      : notifyBuyer(step, "tell customer it is cancelled", { ...context, message: { ...message, order } }),
}

async function perform(effect: Effect, work: WorkNow): Promise<Outcome> {
  // The table has, under each name, what performs the effects of that name and returns their output.
  const performer = performers[effect.do] as (effect: Effect, work: WorkNow) => Promise<never>
  return { of: effect.do, effect, became: "done", output: await performer(effect, work) } as Outcome
}

function withoutOutput(effect: Effect, became: "waiting" | "left"): Outcome {
  // Name and effect belong together because one comes from the other.
  return { of: effect.do, effect, became } as Outcome
}

/** Asks a location to ship, unless a cancellation came before the request was sent. */
async function releaseLeg(
  { leg: n, isFirst }: EffectOf<"release leg">,
  { step, order, legs, context }: WorkNow,
): Promise<OutputOf<"release leg">> {
  const leg = legs.find((candidate) => candidate.n === n)
  if (!leg) return { isOvertaken: true }
  const { locationId, lines } = leg
  if (!isFirst && (await step.isOvertaken(releaseStep(n), "order.cancellation-requested"))) return { isOvertaken: true }
  const write = context.use("releasesFulfilment", { location: locationId }).releaseShipment
  const text = {
    summary: `${locationId} refused to ship its part of order ${order.number}`,
    ifNobodyActs: "that part is not shipped",
    owner: "operations",
    allowedActions: ["retry"],
    atRisk: order.total.shop,
  }
  await step.effect(releaseStep(n), {
    write,
    input: { order, locationId, lines: [...lines] },
    key: requestKey(order.id, n),
    ifRejected: {
      ask: (refused) =>
        refused.code === "ARTICLE_UNKNOWN" ? unknownThere(order, { system: write.connection.id, refused, text }) : text,
    },
  })
  return { isOvertaken: false }
}

async function stopLeg(
  { leg: n, label, lines }: EffectOf<"stop leg">,
  { step, order, legs, context }: WorkNow,
): Promise<OutputOf<"stop leg">> {
  const locationId = legs.find((leg) => leg.n === n)?.locationId ?? ""
  return step.effect(part("stop release", `${n}:${label}`), {
    write: context.use("cancelsReleases", { location: locationId }).cancelRelease,
    input: { orderId: order.id, locationId, requestKey: requestKey(order.id, n), lines },
  })
}

const requestKey = (orderId: string, leg: number) => `${orderId}-${leg}`
