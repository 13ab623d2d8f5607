import { AppError } from "../../../base/errors.ts"
import { own } from "../../../base/lookup.ts"
import { cut } from "../../../base/text.ts"
import { instant } from "../../../base/time.ts"
import { newEvent, type EventData, type NewEvent } from "../../../canonical/events.ts"
import { validator } from "../../../canonical/validate.ts"
import type { Delivery, Translation } from "../../../ports/capabilities/intake.ts"
import { metadataNames } from "../from-canonical.ts"
import { fromStripeAmount } from "./amounts.ts"
import { Dispute, Refund, type Event, type PaymentIntent } from "../payloads.ts"

type Reported = EventData<"payment.reported">["report"]
type DisputeState = EventData<"payment.disputed">["state"]
type RefundState = EventData<"payment.refund-reported">["state"]

const refunds = validator(Refund, "refund")
const disputes = validator(Dispute, "dispute")

// docs.stripe.com/api/events/types, read 2026-11. charge.refunded comes with them and does not name the refund:
// docs.stripe.com/changelog/acacia/2024-10-28/refund-webhook-update.
const refundEvents: ReadonlySet<string> = new Set(["refund.created", "refund.updated", "refund.failed"])

// docs.stripe.com/api/refunds/object. A refund that needs the buyer is pending.
const refundStates: Readonly<Record<string, RefundState>> = {
  pending: "pending",
  requires_action: "pending",
  succeeded: "succeeded",
  failed: "failed",
  canceled: "failed",
}

// docs.stripe.com/disputes/how-disputes-work. Inquiries and prevented disputes end without money moving.
const closedStates: Readonly<Record<string, DisputeState>> = {
  won: "won",
  lost: "lost",
  warning_closed: "closed",
  prevented: "closed",
}

const disputeEvents: Readonly<Record<string, (status: string) => DisputeState>> = {
  "charge.dispute.created": () => "opened",
  "charge.dispute.funds_withdrawn": () => "withdrawn",
  "charge.dispute.funds_reinstated": () => "returned",
  "charge.dispute.closed": (status) => known(closedStates, status, "a closed dispute"),
}

/** What Stripe tells of a refund or a dispute, whoever made the payment; undefined when the event is about neither. */
export function reportOfPayment(delivery: Delivery, event: Event): Translation | undefined {
  if (refundEvents.has(event.type)) return { events: [refundReported(delivery, event)] }
  const stateOf = own(disputeEvents, event.type)
  return stateOf && { events: [disputeReported(delivery, event, stateOf)] }
}

/** One fact for each refund and state. A refund that Crossdock made names its order and its claim. */
function refundReported(delivery: Delivery, event: Event): NewEvent {
  const refund = parsed(refunds, event, "refund")
  // The status is nullable; without one the event alone says what happened.
  const status = refund.status ?? (event.type === "refund.failed" ? "failed" : "pending")
  const state = known(refundStates, status, "a refund")
  const report = {
    id: refund.id,
    amount: fromStripeAmount(refund.amount, refund.currency),
    state,
    ...why(refund.failure_reason),
  }
  const orderId = refund.metadata?.[metadataNames.order]
  const claim = refund.metadata?.[metadataNames.key]
  const fact = `refund:${refund.id}:${state}`
  // Metadata is anybody's to write: what cannot be ours was made by hand.
  if (orderId === undefined || claim === undefined || !/^ord_[0-9a-z]{16}$/.test(orderId) || !/^.{1,128}$/.test(claim))
    return reported(delivery, event, { fact, paymentId: paymentOf(refund), report: { what: "refund", ...report } })
  const { id: refundId, ...rest } = report
  return newEvent({
    type: "payment.refund-reported",
    fact: `${delivery.connection}:${fact}`,
    source: delivery.connection,
    time: timeOf(event),
    data: { orderId, claim, refundId, ...rest, at: timeOf(event) },
  })
}

function disputeReported(delivery: Delivery, event: Event, stateOf: (status: string) => DisputeState): NewEvent {
  const dispute = parsed(disputes, event, "dispute")
  const state = stateOf(dispute.status)
  const dueBy = dispute.evidence_details?.due_by
  return reported(delivery, event, {
    fact: `dispute:${dispute.id}:${state}`,
    paymentId: paymentOf(dispute),
    report: {
      what: "dispute",
      id: dispute.id,
      amount: fromStripeAmount(dispute.amount, dispute.currency),
      state,
      ...why(dispute.reason),
      ...(dueBy ? { respondBy: instant(dueBy * 1000) } : {}),
    },
  })
}

// docs.stripe.com/api/payment_intents/object: `automatic` and `expired` are Stripe itself, when an authorisation lapsed.
const lapseReasons: ReadonlySet<string> = new Set(["automatic", "expired"])

/** An authorisation that lapsed with nothing captured of it; undefined for any other event. */
export function lapseOf(delivery: Delivery, event: Event, intent: PaymentIntent): NewEvent | undefined {
  const reason = intent.cancellation_reason ?? ""
  if (event.type !== "payment_intent.canceled" || !lapseReasons.has(reason)) return undefined
  const amount = fromStripeAmount(intent.amount, intent.currency)
  return reported(delivery, event, {
    fact: `lapse:${intent.id}`,
    paymentId: intent.id,
    report: { what: "lapse", amount },
  })
}

function reported(
  delivery: Delivery,
  event: Event,
  { fact, paymentId, report }: { fact: string; paymentId: string; report: Reported },
): NewEvent {
  const { connection } = delivery
  return newEvent({
    type: "payment.reported",
    fact: `${connection}:${fact}`,
    source: connection,
    time: timeOf(event),
    data: { payment: { system: connection, type: "payment", id: paymentId }, report, at: timeOf(event) },
  })
}

/** A status by its table. One that Stripe adds later waits for a person: to guess would move money in the account. */
function known<State>(states: Readonly<Record<string, State>>, status: string, what: string): State {
  const state = own(states, status)
  if (state !== undefined) return state
  const message = `"${cut(status, 100)}" is no status of ${what}; known are ${Object.keys(states).join(", ")}`
  throw new AppError("VENDOR_VALUE_UNKNOWN", message, {
    problems: [{ pointer: "/data/object/status", message, code: "VENDOR_VALUE_UNKNOWN" }],
  })
}

const timeOf = (event: Event) => instant(event.created * 1000)
const why = (reason: string | null | undefined) => (reason ? { reason: cut(reason, 500) } : {})

/** The payment's number: an old charge has no payment intent. */
function paymentOf({ payment_intent, charge }: Pick<Refund, "payment_intent" | "charge">): string {
  const named = payment_intent ?? charge
  const id = typeof named === "string" ? named : named?.id
  const message = "the event names neither a payment intent nor a charge"
  if (id === undefined)
    throw new AppError("TRANSLATION_FAILED", message, {
      problems: [{ pointer: "/data/object/payment_intent", message }],
    })
  return id
}

function parsed<Value>(
  schema: { problems(value: unknown): { pointer: string; message: string }[]; parse(value: unknown): Value },
  event: Event,
  what: string,
): Value {
  const problems = schema.problems(event.data.object)
  if (problems.length > 0)
    throw new AppError("TRANSLATION_FAILED", `the event's ${what} is not as documented`, { problems })
  return schema.parse(event.data.object)
}
