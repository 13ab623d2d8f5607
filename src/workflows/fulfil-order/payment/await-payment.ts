import type { Duration } from "../../../base/time.ts"
import type { Order, Tender } from "../../../canonical/order.ts"
import type { RunContext } from "../../../durable/define-workflow.ts"
import type { Signal } from "../../../durable/steps/signals.ts"
import { part } from "../../../durable/steps/step-name.ts"
import type { Step } from "../../../durable/steps/step.ts"
import { StepRejected } from "../../../effects/perform.ts"
import { paymentVerdict, type PaymentVerdict } from "../../../rules/on-account.ts"
import { tendersAfter } from "../../../rules/tenders.ts"
import { isOursToAuthorise } from "./tenders.ts"
import type { OrderPolicies } from "../policies.ts"

type Context = RunContext<OrderPolicies>

type Heard = Signal<"order.tender-changed" | "exception.decided">

const shipUnpaid = "ship unpaid"
const notPaidInTime = "not paid in time"
// Channels send the messages about an order and about its payment at the same time.
const paymentNewsWithin = { minutes: 2 }

/**
 * Waits for payments that the channel reports apart from the order, as long as the policy wants that. An order that may ship unpaid
 * goes on at once; where a person is asked, the decision or the payment counts, whichever comes first.
 */
export async function awaitPayment(
  step: Step,
  placed: Order,
  context: Context,
): Promise<{ order: Order; isOnAccount: boolean }> {
  let order = placed
  const changes: Signal<"order.tender-changed">[] = []
  let isLateRaised = false
  let isNewsOver = false
  for (let n = 1; ; n += 1) {
    const verdict = verdictOn(order, context)
    if (verdict === "covered" || verdict === "ship") {
      settleAsked(step)
      return { order, isOnAccount: verdict === "ship" }
    }
    const isEarly: boolean = verdict === "ask" && !isNewsOver && mayBeOnItsWay(order, context)
    if (verdict === "ask" && !isEarly) await askToShip(step, order)
    const within: Duration = isEarly
      ? (context.policies.askUnpaidAfter ?? paymentNewsWithin)
      : context.policies.payWithin
    const signal: Heard | undefined = await step.until(part("wait for payment", String(n)), {
      signals: ["order.tender-changed", "exception.decided"],
      ...(isLateRaised ? {} : { within }),
    })
    isNewsOver ||= signal === undefined
    if (signal === undefined && isEarly) continue
    if (signal?.type === "order.tender-changed") changes.push(signal)
    if (signal?.type === "exception.decided" && mayShip(step, signal)) {
      step.settle(notPaidInTime, { action: "acknowledge", reason: "it ships on account" })
      return { order, isOnAccount: true }
    }
    if (signal === undefined) await raiseUnpaid(step, order)
    isLateRaised ||= signal === undefined
    order = { ...placed, tenders: tendersAfter(placed, changes) }
  }
}

/** A channel that reports payments apart from the order may have more of them to report, unless it said how the rest is paid later. */
function mayBeOnItsWay({ channel, tenders, paymentTerms }: Order, { policies }: Context): boolean {
  return policies.paymentsFollow.includes(channel) && !paymentTerms && tenders.every(({ state }) => state !== "pending")
}

function verdictOn(order: Order, context: Context): PaymentVerdict {
  const { onAccount: rules, paymentsFollow } = context.policies
  const isPaid = (tender: Tender) =>
    tender.state !== "failed" && (tender.state !== "pending" || isOursToAuthorise(order, tender, context))
  const otherwise = paymentsFollow.includes(order.channel) ? "wait" : "ship"
  return paymentVerdict(order, order.tenders, { isPaid, rules, otherwise })
}

async function askToShip(step: Step, order: Order): Promise<void> {
  await step.raise(shipUnpaid, {
    summary: `Order ${order.number} is not paid, and no policy lets it ship on account.`,
    ifNobodyActs: "it keeps its stock and waits for the payment",
    owner: "finance",
    allowedActions: ["ship on account", "cancel order"],
    atRisk: order.total.shop,
    closesIfStopped: true,
  })
}

function settleAsked(step: Step): void {
  for (const name of [shipUnpaid, notPaidInTime])
    step.settle(name, { action: "acknowledge", reason: "the payment came" })
}

/** Whether a person let the order ship unpaid. Throws StepRejected when they cancelled it. */
function mayShip(step: Step, { data }: Signal<"exception.decided">): boolean {
  if (data.exceptionId !== step.exceptionId(shipUnpaid)) return false
  if (data.action === "cancel order")
    throw new StepRejected("wait for payment", "VENDOR_REJECTED", `not paid, and cancelled by ${data.decidedBy}`)
  return data.action === "ship on account"
}

async function raiseUnpaid(step: Step, order: Order): Promise<void> {
  await step.raise(notPaidInTime, {
    summary: `Order ${order.number} is reserved and has not been paid in the time agreed.`,
    ifNobodyActs: "it keeps its stock and goes on waiting for the payment",
    owner: "customer service",
    allowedActions: ["acknowledge"],
    atRisk: order.total.shop,
    closesIfStopped: true,
  })
}
