import type { FastifyInstance } from "fastify"
import { controlBody } from "../control.ts"
import type { Range } from "../schedule.ts"
import { createSchedule } from "../schedule.ts"
import type { VendorState } from "../books.ts"
import type { Simulator, SimulatorContext, VendorOptions } from "../simulator.ts"
import { startSimulator } from "../simulator.ts"
import type { Account, StripeEventSink } from "./payments/account.ts"
import { authorise, chargeOf, createAccount, settleRefund } from "./payments/account.ts"
import { payOut } from "./payments/balance.ts"
import { closeDispute, openDispute } from "./payments/disputes.ts"
import { accountBooks } from "./payments/books.ts"
import type { EndpointParts } from "./http/endpoint.ts"
import { stripeFaultAnswer } from "./http/endpoint.ts"
import { createEventLog, signedHeaders } from "./http/events.ts"
import type { FormFields } from "./http/form.ts"
import { createIdempotencyKeys } from "./http/idempotency.ts"
import { chargeObject } from "./payments/objects.ts"
import type { SettleLater } from "./payments/refunds.ts"
import { nowSeconds } from "./payments/records.ts"
import { createRefund, settleByItself } from "./payments/refunds.ts"
import { captureIntent, createIntent, endIntent } from "./payments/payment-intents.ts"
import { holdableAmount } from "./http/params.ts"
import { createRateLimit } from "./http/rate-limit.ts"
import { addStripeRoutes } from "./http/routes.ts"

export type StripeSimulatorOptions = VendorOptions & {
  secretKey?: string
  webhookSecret?: string
  retryScale?: number
  /** How long a new PaymentIntent is invisible to search. */
  searchLagMs?: number
  /** The account's limit; absent: none. The real ones: 100 live, 25 in a sandbox (docs.stripe.com/rate-limits). */
  requestsPerSecond?: number
  /** Share of the objects that are odd: new fields and words, null where the types allow it. Default 0.25. */
  oddShare?: number
  /** How long refunds that do not end at once take. */
  refundSettleMs?: Range
}

export type StripeSimulator = Simulator & {
  /**
   * A shop's checkout did this: a hold on a good card, to be captured later. Returns the PaymentIntent's id. An amount
   * Stripe would refuse (too small, a last digit in a three-decimal currency) is rounded up to one it takes.
   */
  createAuthorisation(hold: { amountMinor: number; currency: string; metadata?: Record<string, string> }): string
}

export const stripeSecretKey = "sk_test_lab"
/** Fit for a lab only. */
export const stripeWebhookSecret = "whsec_lab_stripe_webhook_secret"

const oddShareDefault = 0.25
const minutes = 60_000
const hours = 60 * minutes
// docs.stripe.com/webhooks: retried for up to three days with exponential backoff; the pauses themselves are not published.
const retryDelaysMs = [1 * minutes, 5 * minutes, 30 * minutes, 2 * hours, 5 * hours, 10 * hours, 18 * hours, 34 * hours]

/** Starts the part of Stripe's API that payments of orders need. */
export async function startStripe(options: StripeSimulatorOptions): Promise<StripeSimulator> {
  let hold: ((fields: FormFields) => string) | undefined
  const simulator = await startSimulator({
    ...options,
    name: "stripe",
    faultAnswer: stripeFaultAnswer,
    routes: (app, context) => {
      const { account, state } = addStripe(app, context, options)
      hold = (fields) => createIntent(account, fields).id
      return state
    },
  })
  return {
    ...simulator,
    createAuthorisation: ({ amountMinor, currency, metadata }) => {
      if (hold === undefined) throw new Error("the simulator has started, so its routes are there")
      const amount = String(holdableAmount(amountMinor, currency.toLowerCase()))
      // Shops whose orders leave in several shipments ask for it (docs.stripe.com/payments/multicapture).
      const severalCaptures = { payment_method_options: { card: { request_multicapture: "if_available" } } }
      const payment = { amount, currency, payment_method: "pm_card_visa", ...severalCaptures }
      return hold({ ...payment, capture_method: "manual", confirm: "true", ...(metadata ? { metadata } : {}) })
    },
  }
}

function addStripe(app: FastifyInstance, context: SimulatorContext, options: StripeSimulatorOptions) {
  const secret = options.webhookSecret ?? stripeWebhookSecret
  const sender = context.webhooks({
    retryDelaysMs,
    headers: ({ body }) => signedHeaders(body, secret),
    ...(options.retryScale === undefined ? {} : { retryScale: options.retryScale }),
  })
  const emit: StripeEventSink = (type, object) => events.emit(type, object)
  const account = createAccount(context, emit)
  const { nextId } = account
  const odd = { share: options.oddShare ?? oddShareDefault, random: context.random("odd objects") }
  const events = createEventLog({ nextId, sender, events: context.keep("events"), odd })
  const keys = createIdempotencyKeys(context.keep("idempotency-keys"))
  const schedule = createSchedule()
  const random = context.random("refunds")
  const settleMs = options.refundSettleMs ?? { min: 200, max: 1_000 }
  const parts: EndpointParts = {
    context,
    secretKey: options.secretKey ?? stripeSecretKey,
    keys,
    events,
    odd,
    nextId,
    isTooFast: createRateLimit(options.requestsPerSecond),
  }
  const settleLater: SettleLater = (act) => schedule.after(random.integer(settleMs.min, settleMs.max), act)
  // Refunds whose end the former lab did not live to see.
  for (const refund of account.refunds.values()) settleByItself(account, refund, settleLater)
  addStripeRoutes(app, { account, parts, searchLagMs: options.searchLagMs ?? 1_000, settleLater })
  addStripeControls(app, account, settleLater)
  const state: VendorState = {
    books: () => accountBooks(account),
    reset: () => {
      schedule.clear()
      for (const held of [
        account.intents,
        account.charges,
        account.refunds,
        account.disputes,
        account.methods,
        account.byMetadata,
        account.balance,
        account.payouts,
      ])
        held.clear()
      keys.clear()
      events.reset()
    },
    stop: () => schedule.clear(),
  }
  return { account, state }
}

/** The buyer's bank: `{ id, amount?, reason? }` of a payment opens a dispute, `{ id, outcome }` of a dispute ends it. Before anything was captured there is nothing to dispute or give back: the id is null. */
function addDisputeControls(app: FastifyInstance, account: Account, settleLater: SettleLater): void {
  app.post("/__lab/disputes", (request) => {
    const { id, amount, reason } = controlBody(request)
    if (!account.intents.get(String(id))?.amountReceived) return { id: null }
    const dispute = openDispute(account, String(id), {
      ...(typeof amount === "number" ? { amount } : {}),
      ...(typeof reason === "string" ? { reason } : {}),
    })
    return { id: dispute.id }
  })
  app.post("/__lab/payment-methods", (request) => {
    const { card, customer } = controlBody(request)
    const id = account.nextId("pm")
    account.methods.set(id, { id, card: String(card), customer: String(customer), created: nowSeconds() })
    return { id }
  })
  app.post("/__lab/disputes/close", (request) => {
    const { id, outcome } = controlBody(request)
    const dispute = account.disputes.get(String(id))
    if (dispute) closeDispute(account, dispute, outcome === "won" ? "won" : "lost")
    return { closed: dispute !== undefined }
  })
  // Staff gives money back in the provider's dashboard.
  app.post("/__lab/refunds", (request) => {
    const { id, amount } = controlBody(request)
    if (!account.intents.get(String(id))?.amountReceived) return { id: null }
    return { id: createRefund(account, { payment_intent: String(id), amount: String(amount) }, settleLater).id }
  })
  app.post("/__lab/refunds/settle", (request) => {
    const { id, outcome } = controlBody(request)
    const refund = account.refunds.get(String(id))
    if (refund) settleRefund(account, refund, outcome === "failed" ? "failed" : "succeeded")
    return { settled: refund !== undefined }
  })
}

/** Effects of a customer, the bank or time on a payment. */
function addStripeControls(app: FastifyInstance, account: Account, settleLater: SettleLater): void {
  app.post("/__lab/authenticate", (request) => {
    const intent = account.intents.get(String(controlBody(request)["id"]))
    if (intent === undefined || intent.status !== "requires_action") return { authenticated: false }
    authorise(account, intent)
    return { authenticated: true }
  })
  addDisputeControls(app, account, settleLater)
  // Staff captures in the dashboard, or the shop does it for them: all that is left, or a part that leaves the rest held.
  app.post("/__lab/capture", (request) => {
    const { id, amountMinor } = controlBody(request)
    const intent = account.intents.get(String(id))
    if (intent === undefined || intent.status !== "requires_capture") return { captured: false }
    const isPart = typeof amountMinor === "number"
    captureIntent(account, intent, isPart ? { amount_to_capture: String(amountMinor), final_capture: "false" } : {})
    return { captured: true }
  })
  app.post("/__lab/payouts", () => ({ payouts: payOut(account) }))
  app.post("/__lab/expire", (request) => {
    const intent = account.intents.get(String(controlBody(request)["id"]))
    if (intent === undefined || intent.status !== "requires_capture") return { expired: false }
    // docs.stripe.com/payments/place-a-hold-on-a-payment-method: a hold lapses after seven days as a rule.
    const charge = chargeOf(account, intent.latestCharge ?? "")
    endIntent(account, intent, "automatic")
    account.emit("charge.expired", chargeObject(charge))
    return { expired: true }
  })
}
