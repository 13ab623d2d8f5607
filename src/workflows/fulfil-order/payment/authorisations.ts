import { asAppError } from "../../../base/errors.ts"
import { money, moneyText } from "../../../base/money.ts"
import { durationMs, epochMs, instant, type Duration, type Instant } from "../../../base/time.ts"
import type { Order, Tender } from "../../../canonical/order.ts"
import { ref } from "../../../canonical/refs.ts"
import type { RunContext } from "../../../durable/define-workflow.ts"
import { part } from "../../../durable/steps/step-name.ts"
import type { Step } from "../../../durable/steps/step.ts"
import { StepRejected } from "../../../effects/perform.ts"
import type { PaymentNow } from "../../../ports/capabilities/payments.ts"
import type { News } from "../../../rules/fulfilment/news.ts"
import { lapseExceptionId, withoutAuthorisation } from "../../../rules/lapse.ts"
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
 * asked about; the others come back with the time at which they lapse. A provider that is away holds up nothing. The order comes
 * back without what can never be captured: it ships on account.
 */
export async function lookAtAuthorisations(
  step: Step,
  placed: Order,
  context: Context,
): Promise<{ order: Order; authorisations: Authorisation[] }> {
  const authorisations: Authorisation[] = []
  let order = placed
  for (const tender of placed.tenders) {
    if (tender.state !== "authorised" || !tender.reference || !isOurs(placed, tender, context)) continue
    if (!context.can("readsPayments", paymentScope(placed, tender))) continue
    const { now, shipsOnAccount } = await lookAt(step, order, { ...context, tender, paymentId: tender.reference })
    if (now && shipsOnAccount) order = withoutAuthorisation(order, tender.id, now.taken.amountMinor)
    if (now?.heldUntil === undefined) continue
    const tellAt = instant(epochMs(now.heldUntil) - durationMs(context.policies.tellBeforeLapse))
    authorisations.push({ tenderId: tender.id, heldUntil: now.heldUntil, tellAt })
  }
  return { order, authorisations }
}

/**
 * The payment as its provider shows it. A person is asked when too little is captured and authorised, and looks again only where
 * something is still held: what has lapsed never comes back.
 */
async function lookAt(
  step: Step,
  order: Order,
  context: Context & { tender: Tender; paymentId: string },
): Promise<{ now: PaymentNow | null; shipsOnAccount: boolean }> {
  const { tender, paymentId, use } = context
  const { readPayment } = use("readsPayments", paymentScope(order, tender))
  for (let n = 1; ; n += 1) {
    const label = `${tender.id}:${n}`
    const wanted = tender.amount.presentment
    const now = await step.decide(part("look at the authorisation", label), async () => {
      const read = await readPayment(paymentAt(order, tender, paymentId)).catch(nothingIfAway)
      // The provider is away, but may have told before that the authorisation has lapsed.
      const isGone = read === null && (await context.policies.hasLapsed(order.id, paymentId))
      return isGone ? { open: money(0, wanted.currency), taken: money(0, wanted.currency) } : read
    })
    if (now === null || now.open.amountMinor + now.taken.amountMinor >= wanted.amountMinor)
      return { now, shipsOnAccount: false }
    const isGone = now.open.amountMinor === 0
    settleLapse(step, order, paymentId)
    const { action, decidedBy } = await step.ask(part("authorisation is gone", label), {
      summary: `Of ${moneyText(wanted)} for order ${order.number} only ${moneyText(now.open)} are still authorised and ${moneyText(now.taken)} captured. Nothing is released yet.`,
      ifNobodyActs: "the order keeps its stock and waits",
      owner: "finance",
      allowedActions: isGone ? ["ship on account", "cancel order"] : ["retry", "ship on account", "cancel order"],
      atRisk: wanted,
    })
    if (action === "ship on account") return { now, shipsOnAccount: isGone }
    if (action === "cancel order")
      throw new StepRejected(
        "look at the authorisation",
        "VENDOR_REJECTED",
        `not authorised, and cancelled by ${decidedBy}`,
      )
  }
}

/** Closes what was told when the authorisation lapsed: the question that is asked now has the same money. */
export function settleLapse(step: Step, order: Order, paymentId: string): void {
  step.tell(part("the lapse is asked about", paymentId), {
    type: "exception.decided",
    data: {
      exceptionId: lapseExceptionId(order.id, paymentId),
      about: ref("order", order.id),
      action: "acknowledge",
      decidedBy: "crossdock",
      reason: "finance is asked what becomes of the order",
      at: step.now(),
    },
  })
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
