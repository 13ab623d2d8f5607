import { AppError } from "../../base/errors.ts"
import { money, moneyText, type Money } from "../../base/money.ts"
import { instant, type Clock } from "../../base/time.ts"
import type { Capabilities } from "../../ports/capabilities.ts"
import type {
  AuthorisesPayments,
  CapturedPayment,
  CaptureShare,
  CapturesPayments,
  Payment,
  ReadsPayments,
  RefundsPayments,
  VoidsAuthorisations,
} from "../../ports/capabilities/payments.ts"
import { reference, type Call } from "../../ports/write.ts"
import { fromStripeAmount, toStripeAmount } from "./payments/amounts.ts"
import type { StripeClient } from "./client.ts"
import {
  authorisationFields,
  captureFields,
  captureName,
  metadataNames,
  refundFields,
  releaseFields,
} from "./from-canonical.ts"
import { refunded, refundLinks } from "./payments/refund-links.ts"
import { customerOf, findPayment, intentsMarked, refundsOfKey } from "./payments/lookup.ts"
import { readPaymentIntent, readRefund, type FormFields, type PaymentIntent, type Refund } from "./payloads.ts"

// Stripe recognises a late first attempt by its idempotency key, so a repeat need not wait.
const settleMs = 0

interface Parts {
  client: StripeClient
  clock: Clock
  connectionId: string
}

type RefundInput = Parameters<RefundsPayments["refund"]["send"]>[0]

/** Payments by PaymentIntents. Each carries our keys in its metadata, so that its outcome can be looked up by key. */
export function payments(parts: Parts): Pick<Capabilities, PaymentCapability> {
  return {
    authorisesPayments: { authorise: authorise(parts) },
    capturesPayments: { capture: capture(parts) },
    voidsAuthorisations: { voidAuthorisation: voidAuthorisation(parts) },
    refundsPayments: { refund: { ...refund(parts), links: refundLinks(parts) } },
    readsPayments: { readPayment: readPayment(parts) },
  }
}

type PaymentCapability =
  | "authorisesPayments"
  | "capturesPayments"
  | "voidsAuthorisations"
  | "refundsPayments"
  | "readsPayments"

function authorise(parts: Parts): AuthorisesPayments["authorise"] {
  const { client, clock } = parts
  const held = (intent: PaymentIntent) =>
    paymentOf(parts, intent, { state: "authorised", amount: fromStripeAmount(intent.amount, intent.currency) })
  const find = async (call: Call): Promise<Payment | undefined> => {
    const intents = await intentsMarked(client, { name: metadataNames.key, value: call.key }, { call, clock })
    // An intent that is not authorised is a declined attempt; sending it again returns the same response.
    const live = intents.filter(
      ({ status }) => status !== "requires_payment_method" && status !== "requires_confirmation",
    )
    refuseSeveral(live, call.key)
    const [intent] = live
    return intent && held(demandHold(intent))
  }
  return {
    settleMs,
    async send(input, call) {
      if (!input.tender.reference)
        throw new AppError("VENDOR_REJECTED", `tender ${input.tender.id} has no payment method to authorise`)
      const customer = await customerOf(client, input.tender.reference, call)
      return client.post({
        path: "/v1/payment_intents",
        fields: authorisationFields({ ...input, customer }, call.key),
        call,
        read: (body) => held(demandHold(readPaymentIntent(body))),
        find: () => find(call),
      })
    },
    probe: (_input, call) => find(call),
  }
}

/** Statuses: docs.stripe.com/payments/paymentintents/lifecycle. */
function demandHold(intent: PaymentIntent): PaymentIntent {
  if (intent.status === "requires_capture" || intent.status === "succeeded") return intent
  const message = `payment ${intent.id} is ${intent.status}`
  if (intent.status === "canceled")
    throw new AppError("VENDOR_CONFLICT", `${message}: it was authorised once and voided`)
  if (intent.status === "requires_action")
    throw new AppError("VENDOR_REJECTED", `${message}: the bank requires the buyer`)
  if (intent.status === "processing")
    throw new AppError("VENDOR_UNCERTAIN", `${message}: the bank has not responded yet`)
  // Not VENDOR_VALUE_UNKNOWN: that would undo the order and leave this payment on the buyer's card.
  throw new AppError("VENDOR_MISBEHAVED", `${message}, which the mapping does not know`)
}

function capture(parts: Parts): CapturesPayments["capture"] {
  const { client, clock } = parts
  const find = async (input: CaptureShare, call: Call): Promise<CapturedPayment | undefined> => {
    const intent = await findPayment(client, input, { call, clock })
    return intent && taken(parts, intent, call.key)
  }
  return {
    settleMs,
    async send(input, call) {
      const intent = await demandIntent(parts, input, call)
      const before = taken(parts, intent, call.key)
      if (before !== undefined) return before
      const fields = whatToCapture(intent, input, call.key)
      if (fields === undefined) return capturedPayment(parts, intent, 0)
      return client.post({
        path: `/v1/payment_intents/${encodeURIComponent(intent.id)}/capture`,
        fields,
        call,
        find: () => find(input, call),
        read: (body) => {
          const after = readPaymentIntent(body)
          const payment = taken(parts, after, call.key)
          // Stripe returns 200 with the intent as it is now, so check that the share was captured.
          if (payment === undefined || after.amount_received < intent.amount_received + missingOf(intent, input))
            throw new AppError("VENDOR_UNCERTAIN", `payment ${after.id} shows ${after.amount_received} captured`)
          return payment
        },
      })
    },
    probe: find,
  }
}

/** What the capture under this key took; undefined when there was none. */
function taken(parts: Parts, intent: PaymentIntent, key: string): CapturedPayment | undefined {
  const text = intent.metadata?.[captureName(key)]
  return text === undefined ? undefined : capturedPayment(parts, intent, Number(text))
}

function capturedPayment(parts: Parts, intent: PaymentIntent, stripeAmount: number): CapturedPayment {
  const { currency } = intent
  return {
    ...paymentOf(parts, intent, { state: "captured", amount: fromStripeAmount(stripeAmount, currency) }),
    taken: fromStripeAmount(intent.amount_received, currency),
    isEnded: intent.status !== "requires_capture",
  }
}

/** The capture that is left of a share after what others captured by hand; undefined when nothing is left to do. */
function whatToCapture(intent: PaymentIntent, share: CaptureShare, key: string): FormFields | undefined {
  const missing = missingOf(intent, share)
  const isOpen = intent.status === "requires_capture"
  if (missing === 0) return isOpen && share.isFinal ? releaseFields(key) : undefined
  const code = intent.status === "canceled" ? "AUTHORISATION_GONE" : "VENDOR_CONFLICT"
  if (!isOpen) throw new AppError(code, whyNotCaptured(intent, share.upTo))
  const leavesRest = !share.isFinal && missing < intent.amount_capturable
  if (!leavesRest || allowsSeveralCaptures(intent)) return captureFields({ stripeAmount: missing, leavesRest, key })
  // The first capture ends the authorisation, so it takes everything that can become due.
  const everything = Math.min(toStripeAmount(share.inAll) - intent.amount_received, intent.amount_capturable)
  return captureFields({ stripeAmount: Math.max(missing, everything), leavesRest: false, key })
}

function missingOf({ amount_received }: PaymentIntent, { amount, upTo }: CaptureShare): number {
  return Math.max(0, Math.min(toStripeAmount(amount), toStripeAmount(upTo) - amount_received))
}

// docs.stripe.com/payments/multicapture, "Check the availability": the charge says it, when it is expanded.
function allowsSeveralCaptures(intent: PaymentIntent): boolean {
  return cardOf(intent)?.multicapture?.status === "available"
}

// docs.stripe.com/api/payment_intents/object: `automatic` is Stripe itself, when an authorisation lapsed.
function whyNotCaptured(intent: PaymentIntent, upTo: Money): string {
  const received = moneyText(fromStripeAmount(intent.amount_received, intent.currency))
  const became = intent.cancellation_reason === "automatic" ? "lapsed" : `is ${intent.status}`
  return `payment ${intent.id} ${became}: ${received} of ${moneyText(upTo)} were taken, and nothing more is authorised`
}

function readPayment({ client, clock }: Parts): ReadsPayments["readPayment"] {
  return async (input, call) => {
    const intent = await findPayment(client, input, { call, clock })
    if (intent === undefined) return null
    const { currency, amount_received, amount_capturable } = intent
    const captureBefore = cardOf(intent)?.capture_before
    return {
      taken: fromStripeAmount(amount_received, currency),
      open: fromStripeAmount(amount_capturable, currency),
      // docs.stripe.com/payments/place-a-hold-on-a-payment-method: shown while there is something to capture.
      ...(captureBefore && amount_capturable > 0 ? { heldUntil: instant(captureBefore * 1000) } : {}),
    }
  }
}

const cardOf = ({ latest_charge: charge }: PaymentIntent) =>
  typeof charge === "object" ? charge?.payment_method_details?.card : undefined

function voidAuthorisation(parts: Parts): VoidsAuthorisations["voidAuthorisation"] {
  const { client, clock } = parts
  const letGo = (intent: PaymentIntent) =>
    paymentOf(parts, intent, { state: "cancelled", amount: fromStripeAmount(intent.amount_received, intent.currency) })
  const released = (intent: PaymentIntent | undefined, key: string): Payment | undefined => {
    if (intent === undefined) return undefined
    return intent.status === "canceled" || intent.metadata?.[captureName(key)] !== undefined ? letGo(intent) : undefined
  }
  return {
    settleMs,
    async send(input, call) {
      const intent = await findPayment(client, input, { call, clock })
      // There is nothing to void. XXX is ISO 4217 for "no currency".
      if (intent === undefined) return { paymentId: input.paymentId, amount: money(0, "XXX"), state: "cancelled" }
      const before = released(intent, call.key)
      if (before !== undefined) return before
      if (intent.status === "succeeded")
        throw new AppError("VENDOR_CONFLICT", `payment ${intent.id} is captured: refund it instead`)
      const isPartlyTaken = intent.amount_received > 0
      return client.post({
        path: `/v1/payment_intents/${encodeURIComponent(intent.id)}/${isPartlyTaken ? "capture" : "cancel"}`,
        fields: isPartlyTaken ? releaseFields(call.key) : { cancellation_reason: "requested_by_customer" },
        call,
        read: (body) => letGo(readPaymentIntent(body)),
        find: async () => released(await findPayment(client, input, { call, clock }), call.key),
      })
    },
    probe: async (input, call) => released(await findPayment(client, input, { call, clock }), call.key),
  }
}

function refund(parts: Parts): RefundsPayments["refund"] {
  const { client, clock, connectionId } = parts
  const givenBack = (paymentId: string, found: Refund) => refunded(found, { paymentId, connectionId })
  const find = async (input: RefundInput, call: Call): Promise<Payment | undefined> => {
    const payment = await findPayment(client, input, { call, clock })
    const refunds = payment ? await refundsOfKey(client, payment.id, call) : []
    refuseSeveral(refunds, call.key)
    const [found] = refunds
    return payment && found && givenBack(payment.id, found)
  }
  return {
    settleMs,
    async send(input, call) {
      const { id } = await demandIntent(parts, input, call)
      return client.post({
        path: "/v1/refunds",
        fields: refundFields({ ...input, paymentId: id }, call.key),
        call,
        read: (body) => givenBack(id, readRefund(body)),
        find: () => find(input, call),
      })
    },
    probe: find,
  }
}

/** The payment of an amount. Stripe takes a number without a currency, so the currency is compared here. */
async function demandIntent(
  { client, clock }: Parts,
  input: { orderId: string; paymentId: string; amount: Money },
  call: Call,
): Promise<PaymentIntent> {
  const intent = await findPayment(client, input, { call, clock })
  if (intent === undefined) throw new AppError("VENDOR_REJECTED", `Stripe has no payment ${input.paymentId}`)
  if (intent.currency.toUpperCase() !== input.amount.currency)
    throw new AppError(
      "VENDOR_REJECTED",
      `payment ${intent.id} is in ${intent.currency.toUpperCase()}, not in ${input.amount.currency}`,
    )
  return intent
}

function refuseSeveral(found: readonly { id: string }[], key: string): void {
  if (found.length > 1)
    throw new AppError(
      "VENDOR_MISBEHAVED",
      `Stripe holds ${key} more than once: ${found.map(({ id }) => id).join(", ")}`,
    )
}

function paymentOf({ connectionId }: Parts, intent: PaymentIntent, rest: Pick<Payment, "state" | "amount">): Payment {
  return { paymentId: intent.id, ...rest, reference: reference(connectionId, "payment-intent", intent.id) }
}
