import { asAppError } from "../../../base/errors.ts"
import { moneyText } from "../../../base/money.ts"
import { durationMs, epochMs, instant, type Duration, type Instant } from "../../../base/time.ts"
import type { Order, Tender } from "../../../canonical/order.ts"
import type { RunContext } from "../../../durable/define-workflow.ts"
import { part } from "../../../durable/steps/step-name.ts"
import type { Step } from "../../../durable/steps/step.ts"
import { StepRejected } from "../../../effects/perform.ts"
import type { PaymentNow } from "../../../ports/capabilities/payments.ts"
import type { News } from "../../../rules/fulfilment/news.ts"
import type { OrderPolicies } from "../policies.ts"
import { isOurs, paymentAt, paymentScope } from "./tenders.ts"

type Context = RunContext<OrderPolicies>

/** An authorised payment, and when somebody is to be told that it lapses. */
export interface Authorisation {
  tenderId: string
  heldUntil: string
  tellAt: string
}

/**
 * Looks at the authorisations before anything is released, while an order can still be cancelled at no cost. One that is gone is
 * asked about; the others come back with the time at which they lapse. A provider that is away holds up nothing.
 */
export async function lookAtAuthorisations(step: Step, order: Order, context: Context): Promise<Authorisation[]> {
  const found: Authorisation[] = []
  for (const tender of order.tenders) {
    if (tender.state !== "authorised" || !tender.reference || !isOurs(order, tender, context)) continue
    if (!context.can("readsPayments", paymentScope(order, tender))) continue
    const now = await untilItStands(step, order, { ...context, tender, paymentId: tender.reference })
    if (now?.heldUntil === undefined) continue
    const tellAt = instant(epochMs(now.heldUntil) - durationMs(context.policies.tellBeforeLapse))
    found.push({ tenderId: tender.id, heldUntil: now.heldUntil, tellAt })
  }
  return found
}

/** The payment as its provider shows it; asks a person for as long as nothing is authorised and too little captured. */
async function untilItStands(
  step: Step,
  order: Order,
  context: Context & { tender: Tender; paymentId: string },
): Promise<PaymentNow | null> {
  const { tender, paymentId, use } = context
  const { readPayment } = use("readsPayments", paymentScope(order, tender))
  for (let n = 1; ; n += 1) {
    const label = `${tender.id}:${n}`
    const now = await step.decide(part("look at the authorisation", label), () =>
      readPayment(paymentAt(order, tender, paymentId)).catch(nothingIfAway),
    )
    const wanted = tender.amount.presentment
    if (now === null || now.open.amountMinor + now.taken.amountMinor >= wanted.amountMinor) return now
    const { action, decidedBy } = await step.ask(part("authorisation is gone", label), {
      summary: `Of ${moneyText(wanted)} for order ${order.number} only ${moneyText(now.open)} are still authorised and ${moneyText(now.taken)} captured. Nothing is released yet.`,
      ifNobodyActs: "the order keeps its stock and waits",
      owner: "finance",
      allowedActions: ["retry", "ship on account", "cancel order"],
      atRisk: wanted,
    })
    if (action === "ship on account") return now
    if (action === "cancel order")
      throw new StepRejected(
        "look at the authorisation",
        "VENDOR_REJECTED",
        `not authorised, and cancelled by ${decidedBy}`,
      )
  }
}

function nothingIfAway(thrown: unknown): null {
  const { kind } = asAppError(thrown)
  if (kind === "defect") throw thrown
  return null
}

/** Watches the time of authorisations while goods have not left. Every run asks the same questions in the same order. */
export class Lapses {
  readonly #step: Step
  #untold: readonly Authorisation[]
  #looks = 0

  constructor(step: Step, authorisations: readonly Authorisation[]) {
    this.#step = step
    this.#untold = authorisations
  }

  /** A wait that ends when somebody has to be told. What its end means is decided apart, so a rerun may wait another time. */
  atTheLatest(wait: { within?: Duration; by?: Instant }): { within?: Duration; by?: Instant } {
    const [soonest] = this.#untold.map(({ tellAt }) => tellAt).toSorted()
    if (soonest === undefined) return wait
    const nowMs = epochMs(this.#step.now())
    const endMs = wait.by ? epochMs(wait.by) : wait.within ? nowMs + durationMs(wait.within) : Infinity
    return epochMs(soonest) < endMs ? { by: soonest } : wait
  }

  /** After a wait without news: the authorisations of which somebody has to be told now. */
  async due(): Promise<Extract<News, { type: "authorisations lapse soon" }> | undefined> {
    if (this.#untold.length === 0) return undefined
    this.#looks += 1
    const lapsing = await this.#step.decide(part("look for late facts", `lapses:${this.#looks}`), () => {
      const nowMs = epochMs(this.#step.now())
      const isDue = ({ tellAt }: Authorisation) => epochMs(tellAt) <= nowMs
      return this.#untold.filter(isDue).map(({ tenderId, heldUntil }) => ({ tenderId, heldUntil }))
    })
    if (lapsing.length === 0) return undefined
    this.#untold = this.#untold.filter(({ tenderId }) => !lapsing.some((one) => one.tenderId === tenderId))
    return { type: "authorisations lapse soon", lapsing }
  }
}
