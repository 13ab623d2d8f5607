import { asAppError } from "../../base/errors.ts"
import { money, moneyText } from "../../base/money.ts"
import { cut } from "../../base/text.ts"
import { durationMs } from "../../base/time.ts"
import type { Order } from "../../canonical/order.ts"
import { StepRejected } from "../../effects/perform.ts"
import { stepText } from "../../effects/step-rows.ts"
import type { RunContext } from "../../durable/define-workflow.ts"
import type { Step } from "../../durable/steps/step.ts"
import { part, stepId, type StepName } from "../../durable/steps/step-name.ts"
import type { OrderPolicies } from "./policies.ts"

type Context = RunContext<OrderPolicies>

/** Screens the order for fraud and waits for the review when screening wants one. A rejection refuses the order. */
export async function screenForFraud(step: Step, order: Order, context: Context): Promise<void> {
  const { screenOrder } = context.use("screensFraud", { channel: order.channel })
  const screening = await step.effect("screen for fraud", {
    write: screenOrder,
    input: { order },
    key: order.id,
    // A failed screening says nothing against the buyer, so it does not refuse the order.
    ifRejected: {
      ask: {
        summary: `Order ${order.number} could not be screened for fraud`,
        ifNobodyActs: "it waits unscreened, with nothing reserved for it",
        owner: "customer service",
        allowedActions: ["retry", "refuse order"],
        atRisk: order.total.shop,
      },
    },
  })
  if (screening.decision === "accept") return
  if (screening.decision === "reject")
    throw new StepRejected(
      "screen for fraud",
      "VENDOR_REJECTED",
      screening.reasons.join("; ") || "fraud screening refused the order",
    )
  step.announce("on hold for fraud review", "on hold", { reason: "fraud screening wants a person to look" })
  await untilReviewed(step, order, { ...context, at: { step: waitName } })
}

const waitName = "wait for the fraud review"

/**
 * A review that was opened after the order had been accepted (P-07) puts it on hold too, as long as nothing was released. A
 * review that ends badly ends the order, whichever of the two was reported first. Returns the facts that were looked at.
 */
export async function waitForOpenReviews(step: Step, order: Order, context: Context): Promise<string[]> {
  for (let n = 0; ; n += 1) {
    const seen = await step.decide(part("look for late facts", `reviews${n}`), () => reviewsSeen(step))
    if (seen.isRefused) throw new StepRejected(waitName, "VENDOR_REJECTED", 'the fraud review ended with "reject"')
    if (seen.openedCount - n <= seen.decidedCount) return seen.facts
    step.announce("on hold for late review", "on hold", {
      reason: "a fraud review was opened after the order was accepted",
    })
    await untilReviewed(step, order, { ...context, at: part(waitName, `late${n}`) })
  }
}

function reviewsSeen(step: Step) {
  const opened = step.untaken("order.fraud-review-opened")
  const decided = step.untaken("order.fraud-review-decided")
  return {
    openedCount: opened.length,
    decidedCount: decided.length,
    isRefused: decided.some((signal) => signal.data.decision === "reject"),
    facts: [...opened, ...decided].map((signal) => signal.fact),
  }
}

const lookAtLeastEveryMs = 3_600_000

/** Where a wait for a review begins; its looks have parts of their own. */
interface WaitedAt {
  step: string
  part?: string
}

function lookName(at: WaitedAt, n: number): StepName {
  const parts = [at.part, n === 0 ? undefined : `again${n}`].filter((one) => one !== undefined)
  return parts.length === 0 ? at.step : part(at.step, parts.join(":"))
}

/** Waits for the event that a review has ended, and looks it up now and then, because that event may be lost (I-6). */
async function untilReviewed(step: Step, order: Order, context: Context & { at: WaitedAt }): Promise<void> {
  const { at, policies, use } = context
  for (let n = 0; ; n += 1) {
    const name = lookName(at, n)
    const signal = await step.until(name, {
      signals: ["order.fraud-review-decided"],
      // Twice as long each time: a review may take days, and every look is kept as a step.
      within: { ms: Math.min(durationMs(policies.askReviewAfter) * 2 ** n, lookAtLeastEveryMs) },
    })
    const decision =
      signal?.data.decision ??
      (await step.decide(part("look for late facts", stepText(stepId(name))), () =>
        use("screensFraud", { channel: order.channel }).readDecision({ order }),
      ))
    if (decision === "accept") return
    if (decision === "reject")
      throw new StepRejected(
        stepText(stepId(lookName(at, 0))),
        "VENDOR_REJECTED",
        `the fraud review ended with "reject" (${signal?.data.decidedBy ?? "looked up"})`,
      )
  }
}

/**
 * Compares the tax charged with the tax engine's. Charged tax stands; a large difference means that a set-up is wrong. It only
 * compares, so an engine that is away or does not know the country holds up no order: the check is skipped and counted.
 */
export async function compareTax(step: Step, order: Order, { use, policies }: Context): Promise<void> {
  const charged = [...order.lines, ...order.charges].reduce(
    (sum, line) => sum + line.taxes.reduce((taxes, tax) => taxes + tax.amount.shop.amountMinor, 0),
    0,
  )
  const { quoteTax } = use("checksTax", { channel: order.channel })
  const quote = await step.decide("compare tax", async () => {
    try {
      return { expected: (await quoteTax({ order })).totalTaxMinor }
    } catch (thrown) {
      return skippedFor(thrown)
    }
  })
  if (!("expected" in quote)) return tellSkipped(step, order, quote)
  const { expected } = quote
  const differenceMinor = charged - expected
  const inShop = (amountMinor: number) => moneyText(money(amountMinor, order.currency.shop))
  if (Math.abs(differenceMinor) <= policies.taxToleranceMinor) return
  await step.raise("tax differs", {
    summary: `Order ${order.number} was charged a tax of ${inShop(charged)}. The tax engine expects ${inShop(expected)}.`,
    ifNobodyActs: "the charged tax is posted as it is",
    owner: "finance",
    allowedActions: ["acknowledge"],
    atRisk: money(Math.abs(differenceMinor), order.currency.shop),
  })
}

interface Skipped {
  cause: "away" | "refused"
  reason: string
}

/** Why a check is skipped; throws what is our own mistake. */
function skippedFor(thrown: unknown): Skipped {
  const { kind, message } = asAppError(thrown)
  if (kind === "defect") throw thrown
  return { cause: kind === "unavailable" || kind === "uncertain" ? "away" : "refused", reason: cut(message, 500) }
}

function tellSkipped(step: Step, order: Order, skipped: Skipped): void {
  const { id: orderId, channel } = order
  const country = order.shippingAddress?.countryCode
  step.tell("compare tax", {
    type: "order.check-skipped",
    data: { orderId, check: "tax", channel, ...skipped, ...(country ? { country } : {}), at: step.now() },
  })
}
