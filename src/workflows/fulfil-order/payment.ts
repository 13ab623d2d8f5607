import { money, moneyText } from "../../base/money.ts"
import type { Order, Tender } from "../../canonical/order.ts"
import type { Signal } from "../../durable/steps/signals.ts"
import type { EffectOf, OutputOf } from "../../rules/fulfilment/actions.ts"
import type { RunContext } from "../../durable/define-workflow.ts"
import type { Step } from "../../durable/steps/step.ts"
import { part } from "../../durable/steps/step-name.ts"
import { derivedId } from "../../base/ids.ts"
import { StepRejected } from "../../effects/perform.ts"
import type { SeenRefund } from "../../rules/fulfilment/news.ts"
import { accountText } from "../../rules/fulfilment/texts/money.ts"
import { captureTold, paymentTold, refundTold } from "./facts.ts"
import { ignoreLeftAsIs } from "./notify.ts"
import { settleLapse } from "./payment/authorisations.ts"
import { awaitPayment } from "./payment/await-payment.ts"
import { raiseNobodyCaptures } from "./payment/channel-captures.ts"
import { capturedAsToldMinor, isOurs, isOursToAuthorise, paymentAt, paymentScope } from "./payment/tenders.ts"
import type { OrderPolicies } from "./policies.ts"

type Context = RunContext<OrderPolicies>

/**
 * Makes sure that every tender is at least authorised: waits for payments that the channel reports apart from the order,
 * recognises what the shop authorised or captured, authorises what is pending and ours. A decline refuses the order.
 * Returns the order with its tenders as they are known now.
 */
export async function authorisePayment(step: Step, placed: Order, context: Context): Promise<Order> {
  const { order, isOnAccount } = await awaitPayment(step, placed, context)
  await raiseNobodyCaptures(step, order, context)
  const tenders: Tender[] = []
  for (const tender of order.tenders) {
    if (tender.state !== "pending" || !isOursToAuthorise(order, tender, context)) {
      tenders.push(tender)
      continue
    }
    const scope = paymentScope(order, tender)
    const { provider: by } = tender
    const authorised = await step.effect(part("hold payment", tender.id), {
      write: context.use("authorisesPayments", scope).authorise,
      input: { orderId: order.id, tender, amount: tender.amount.presentment },
      key: `${order.id}-p${tender.id}`.slice(0, 35),
      lane: "finance",
      undo: {
        write: context.use("voidsAuthorisations", scope).voidAuthorisation,
        input: paymentAt(order, tender, tender.reference ?? ""),
      },
      tells: ({ reference }) =>
        paymentTold({ step, order, name: tender.id }, "payment.authorised", {
          tender,
          amount: tender.amount.presentment,
          by,
          reference,
        }),
    })
    tenders.push({ ...tender, state: "authorised", reference: authorised.paymentId })
  }
  const state = isOnAccount ? "on account" : "paid"
  step.announce(state, state, { amount: order.total.shop })
  return { ...order, tenders }
}

/**
 * Captures a share of an authorisation. Others may have captured of it by hand: when the shop tells that it has as much as is due
 * so far, nothing is asked of the provider; otherwise the provider says what is left to capture.
 */
export async function captureShare(
  step: Step,
  order: Order,
  context: Context & EffectOf<"capture">,
): Promise<OutputOf<"capture">> {
  const { tender, amount, upTo, inAll, takenBefore, paymentId, shipmentId, isFinal } = context
  const share = `${shipmentId}:${tender.id}`
  // Decided once: a capture that has begun is finished even when the shop reports one of its own afterwards.
  const toldMinor = await step.decide(part("look for late facts", share), () =>
    capturedAsToldMinor(step, order, tender),
  )
  if (toldMinor >= upTo.amountMinor)
    return { ownMinor: 0, takenMinor: toldMinor, isEnded: toldMinor >= tender.amount.presentment.amountMinor }
  const ask = {
    summary: `Payment for order ${order.number} could not be taken, and goods have left`,
    ifNobodyActs: "the goods are not paid for",
    owner: "finance",
    allowedActions: ["retry", "leave it"],
    atRisk: amount,
  }
  try {
    const captured = await step.effect(part("capture payment", share), {
      write: context.use("capturesPayments", paymentScope(order, tender)).capture,
      input: { ...paymentAt(order, tender, paymentId), amount, upTo, inAll, takenBefore, isFinal },
      tells: (payment) => captureTold({ step, order, name: share }, { tender, payment }),
      lane: "finance",
      ifRejected: { ask, except: ["AUTHORISATION_GONE"] },
    })
    return {
      ownMinor: captured.amount.amountMinor,
      takenMinor: captured.taken.amountMinor,
      isEnded: captured.isEnded,
    }
  } catch (thrown) {
    if (!(thrown instanceof StepRejected) || thrown.code !== "AUTHORISATION_GONE") throw thrown
    await askWhoPays(step, order, { tender, paymentId, refused: thrown })
    throw thrown
  }
}

/**
 * Nothing is authorised any more: it lapsed, or was voided by hand. Trying again can only fail, so a person is asked once for each
 * payment, however many parcels leave.
 */
async function askWhoPays(
  step: Step,
  order: Order,
  { tender, paymentId, refused }: { tender: Tender; paymentId: string; refused: StepRejected },
): Promise<void> {
  settleLapse(step, order, paymentId)
  await step.ask(part("nothing more can be captured", tender.id), {
    summary: `Goods of order ${order.number} have left, and their payment can never be captured: ${refused.message}. Have the buyer pay in another way, or the goods come back.`,
    ifNobodyActs: "the goods are not paid for",
    owner: "finance",
    allowedActions: ["leave it", "open a return"],
    atRisk: tender.amount.shop,
  })
}

/**
 * Refunds what was captured for goods that were stopped afterwards. It is claimed from the order's account first, so that no
 * tender gives back more than it took, whoever else gives money back; the refund carries the claim's key.
 */
export async function refundShare(step: Step, order: Order, context: Context & EffectOf<"refund">): Promise<undefined> {
  const { tender, amount, paymentId } = context
  const claim = await claimRefund(step, order, context)
  if (claim === undefined) return
  const ask = {
    summary: `Money taken for goods of order ${order.number} that did not ship could not be given back`,
    ifNobodyActs: "the buyer has paid for goods that never come",
    owner: "finance",
    allowedActions: ["retry", "leave it"],
    atRisk: amount,
  }
  try {
    await step.effect(part("give money back", tender.id), {
      write: context.use("refundsPayments", paymentScope(order, tender)).refund,
      input: { ...paymentAt(order, tender, paymentId), amount },
      key: claim,
      tells: ({ reference, isPending }) => {
        const refund = { tender, amount, by: tender.provider, reference, claim, isPending }
        return refundTold({ step, order, name: tender.id }, refund)
      },
      lane: "finance",
      ifRejected: { ask },
    })
  } catch (thrown) {
    if (!(thrown instanceof StepRejected)) throw thrown
    const release = context.use("claimsRefunds").release
    await step.effect(part("release claim", tender.id), { write: release, input: { orderId: order.id, claim } })
    throw thrown
  }
}

/** The key of a granted claim; undefined when a person leaves a refused one as it is. */
async function claimRefund(
  step: Step,
  order: Order,
  context: Context & EffectOf<"refund">,
): Promise<string | undefined> {
  const { tender, amount, keptMinor } = context
  for (let attempt = 1; ; attempt += 1) {
    const label = `${tender.id}:${attempt}`
    const key = derivedId("rf", order.id, label)
    const { granted, takenMinor, givenBack } = await step.effect(part("claim refund", label), {
      write: context.use("claimsRefunds").claim,
      input: { orderId: order.id, tenderId: tender.id, amount, keptMinor, by: "crossdock" },
      key,
      lane: "finance",
    })
    if (granted) return key
    // Somebody gave it back already: a shop that refunded the goods before they left.
    const givenMinor = givenBack.reduce((sum, one) => sum + (one.isOpen ? 0 : one.amountMinor), 0)
    if (takenMinor - givenMinor <= keptMinor) return undefined
    const account = accountText({ takenMinor, givenBack, currency: amount.currency })
    const decision = await step.ask(part("refund is not covered", label), {
      summary: `Order ${order.number}: a refund of ${moneyText(amount)} is due, and ${moneyText(money(keptMinor, amount.currency))} must stay paid. The account does not cover it: ${account}.`,
      ifNobodyActs: "nothing more is given back",
      owner: "finance",
      allowedActions: ["retry", "leave it"],
      atRisk: amount,
    })
    if (decision.action !== "retry") return undefined
  }
}

/** What the account makes of a refund that the shop tells of. Looked at once, so that every run says the same of it. */
export function seenRefund(
  step: Step,
  order: Order,
  { signal, policies }: { signal: Signal<"order.refunded">; policies: OrderPolicies },
): Promise<SeenRefund> {
  const { refundId, amount } = signal.data
  const refund = { refundId, currency: amount.presentment.currency }
  return step.decide(part("look for late facts", `refund:${refundId}`), () => policies.seenRefund(order.id, refund))
}

/**
 * Voids authorisations that are ours; the shop refunds what it captured when it cancels the order. An authorisation that the
 * shop reports as failed is voided too: the shop may have failed it only in its own books, and voiding again changes nothing.
 */
export async function voidAuthorisations(step: Step, order: Order, context: Context): Promise<undefined> {
  const voidable = order.tenders.flatMap((tender) =>
    ["authorised", "failed"].includes(tender.state) && tender.reference !== undefined && isOurs(order, tender, context)
      ? [{ tender, paymentId: tender.reference }]
      : [],
  )
  await step.alongside(...voidable.map((one) => () => voidOne(step, order, { ...context, ...one })))
}

async function voidOne(
  step: Step,
  order: Order,
  context: Context & { tender: Tender; paymentId: string },
): Promise<void> {
  const { tender, paymentId } = context
  const ask = {
    summary: `The authorisation for order ${order.number} could not be voided`,
    ifNobodyActs: "the buyer's money stays held until it lapses",
    owner: "finance",
    allowedActions: ["retry", "leave it"],
    atRisk: tender.amount.shop,
  }
  await step
    .effect(part("let payment go", tender.id), {
      write: context.use("voidsAuthorisations", paymentScope(order, tender)).voidAuthorisation,
      input: paymentAt(order, tender, paymentId),
      tells: ({ reference }) =>
        paymentTold({ step, order, name: tender.id }, "payment.voided", {
          tender,
          amount: tender.amount.presentment,
          by: tender.provider,
          reference,
        }),
      lane: "finance",
      ifRejected: { ask },
    })
    .catch(ignoreLeftAsIs)
}
