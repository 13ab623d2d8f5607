import { moneyText, sumMoney, type Money } from "../../../base/money.ts"
import type { Order, Tender } from "../../../canonical/order.ts"
import type { RunContext } from "../../../durable/define-workflow.ts"
import type { Signal } from "../../../durable/steps/signals.ts"
import { part } from "../../../durable/steps/step-name.ts"
import type { Step } from "../../../durable/steps/step.ts"
import type { EffectOf } from "../../../rules/fulfilment/actions.ts"
import { capturedAsToldMinor, isOurs } from "./tenders.ts"
import type { OrderPolicies } from "../policies.ts"

// Payments that Crossdock does not capture: the channel does, or nobody has said who.

type Context = RunContext<OrderPolicies>

const nobodyCaptures = "nobody captures it"
const notCaptured = "not captured in time"

/** Before anything is released: authorised payments that neither Crossdock nor the channel is going to capture. */
export async function raiseNobodyCaptures(step: Step, order: Order, context: Context): Promise<void> {
  if (context.policies.captures(order.channel) === "channel") return
  const orphans = order.tenders.filter(
    (tender) => tender.state === "authorised" && !isOurs(order, tender, context) && tender.kind !== "invoice",
  )
  if (orphans.length === 0) return
  const atRisk = sumMoney(
    orphans.map(({ amount }) => amount.shop),
    order.currency.shop,
  )
  const providers = [...new Set(orphans.map(({ provider }) => provider))].join(", ")
  await step.raise(nobodyCaptures, {
    summary: `Order ${order.number}: ${moneyText(atRisk)} are authorised at ${providers}, and nobody is declared to capture them (captures of connection ${order.channel}).`,
    ifNobodyActs: "the goods ship, and the order stays open until the channel tells that the money is captured",
    owner: "finance",
    allowedActions: ["acknowledge"],
    atRisk,
    closesIfStopped: true,
  })
}

/**
 * Holds an order open until the channel has told of the captures that are due, so that no order closes as paid that is not. In time
 * or with an exception; a person may close it unpaid.
 */
export async function awaitCaptures(
  step: Step,
  order: Order,
  context: Context & EffectOf<"await captures">,
): Promise<undefined> {
  const { due, policies } = context
  let isRaised = false
  for (let n = 1; ; n += 1) {
    const missing = await step.decide(part("look for late facts", `captures:${n}`), () => missingOf(step, order, due))
    if (missing === null) {
      for (const name of [notCaptured, nobodyCaptures])
        step.settle(name, { action: "acknowledge", reason: "the channel captured it" })
      return
    }
    const signal: Signal<"order.tender-changed" | "exception.decided"> | undefined = await step.until(
      part("wait for the channel to capture", String(n)),
      {
        signals: ["order.tender-changed", "exception.decided"],
        ...(isRaised ? {} : { within: policies.captureWithin }),
      },
    )
    if (signal === undefined) await raiseNotCaptured(step, order, missing)
    isRaised ||= signal === undefined
    if (signal?.type !== "exception.decided") continue
    const { exceptionId, action } = signal.data
    if (exceptionId === step.exceptionId(notCaptured) && action === "leave it") return
  }
}

/** What of the due amounts the channel has not told of as captured; null when it told of all. */
function missingOf(step: Step, order: Order, due: readonly { tender: Tender; amount: Money }[]): Money | null {
  const missing = due.map(({ tender, amount }) => ({
    ...amount,
    amountMinor: Math.max(0, amount.amountMinor - capturedAsToldMinor(step, order, tender)),
  }))
  const sum = sumMoney(missing, order.currency.presentment)
  return sum.amountMinor > 0 ? sum : null
}

async function raiseNotCaptured(step: Step, order: Order, missing: Money): Promise<void> {
  await step.raise(notCaptured, {
    summary: `All of order ${order.number} has shipped, and ${moneyText(missing)} are authorised and not captured.`,
    ifNobodyActs: "the order stays open until the channel captures it; the authorisation lapses meanwhile",
    owner: "finance",
    allowedActions: ["leave it"],
    atRisk: missing,
  })
}
