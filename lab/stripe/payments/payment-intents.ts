import type { Account } from "./account.ts"
import { authorise, bookCapture, chargeOf, demandCard, releaseRest, setMetadata } from "./account.ts"
import type { FormFields } from "../http/form.ts"
import { chargeObject, intentObject } from "./objects.ts"
import {
  allowOnly,
  chargeableAmount,
  demandWholeUnits,
  flag,
  integer,
  mergedMetadata,
  nested,
  oneOf,
  requiredText,
  text,
  textList,
} from "../http/params.ts"
import type { IntentRecord, IntentStatus } from "./records.ts"
import { nowSeconds } from "./records.ts"
import { invalidParameter, StripeError } from "../http/stripe-error.ts"

// Parameters: npm stripe 23.1.0, PaymentIntentCreateParams and its siblings. Only these are understood; others of the
// real API are refused as unknown, so that a caller who needs one finds out here.
export const createParams = [
  "amount",
  "automatic_payment_methods",
  "capture_method",
  "confirm",
  "currency",
  "customer",
  "description",
  "expand",
  "metadata",
  "off_session",
  "payment_method",
  "payment_method_options",
  "receipt_email",
  "return_url",
  "statement_descriptor",
  "transfer_group",
]
export const confirmParams = [
  "capture_method",
  "expand",
  "off_session",
  "payment_method",
  "receipt_email",
  "return_url",
]
export const captureParams = ["amount_to_capture", "expand", "final_capture", "metadata", "statement_descriptor"]
export const cancelParams = ["cancellation_reason", "expand"]
const updateParams = [
  "amount",
  "description",
  "expand",
  "metadata",
  "payment_method",
  "receipt_email",
  "transfer_group",
]
const captureMethods = ["automatic", "automatic_async", "manual"] as const

export function createIntent(account: Account, fields: FormFields): IntentRecord {
  const intent = readIntent(account, fields)
  const isConfirmed = flag(fields, "confirm") === true
  if (isConfirmed && intent.paymentMethod === null) throw missingMethod()
  account.intents.set(intent.id, intent)
  setMetadata(account, intent, intent.metadata)
  account.emit("payment_intent.created", intentObject(intent))
  if (isConfirmed) authorise(account, intent)
  return intent
}

function readIntent(account: Account, fields: FormFields): IntentRecord {
  allowOnly(fields, createParams)
  const currency = requiredText(fields, "currency").toLowerCase()
  if (!/^[a-z]{3}$/.test(currency)) throw invalidParameter("currency", `Invalid currency: ${currency}`)
  const paymentMethod = text(fields, "payment_method") ?? null
  const customer = text(fields, "customer") ?? null
  if (paymentMethod !== null) demandUsable(account, paymentMethod, customer)
  const cardOptions = nested(nested(fields, "payment_method_options"), "card")
  return {
    id: account.nextId("pi"),
    amount: chargeableAmount(integer(fields, "amount"), { currency, param: "amount" }),
    currency,
    captureMethod: oneOf(fields, "capture_method", captureMethods) ?? "automatic_async",
    status: paymentMethod === null ? "requires_payment_method" : "requires_confirmation",
    amountCapturable: 0,
    amountReceived: 0,
    metadata: mergedMetadata({}, fields),
    description: text(fields, "description") ?? null,
    customer,
    receiptEmail: text(fields, "receipt_email") ?? null,
    transferGroup: text(fields, "transfer_group") ?? null,
    statementDescriptor: text(fields, "statement_descriptor") ?? null,
    paymentMethod,
    paymentMethodTypes: ["card"],
    isAutomaticMethods: text(nested(fields, "automatic_payment_methods"), "enabled") === "true",
    isMulticapture: text(cardOptions, "request_multicapture") === "if_available",
    isOffSession: text(fields, "off_session") !== undefined,
    captures: 0,
    latestCharge: null,
    chargeIds: [],
    lastError: null,
    created: nowSeconds(),
    createdAtMs: Date.now(),
    canceledAt: null,
    cancellationReason: null,
  }
}

/** A payment method of a customer is taken only together with that customer. Wording: forum answers. */
function demandUsable(account: Account, paymentMethod: string, customer: string | null): void {
  demandCard(account, paymentMethod)
  const owner = account.methods.get(paymentMethod)?.customer
  if (owner === undefined || owner === customer) return
  const message =
    customer === null
      ? `The provided PaymentMethod (${paymentMethod}) belongs to a Customer. Please include the Customer in the \`customer\` parameter.`
      : `The customer ${customer} does not have a payment method with the ID ${paymentMethod}.`
  throw invalidParameter("payment_method", message)
}

export function confirmIntent(account: Account, intent: IntentRecord, fields: FormFields): IntentRecord {
  allowOnly(fields, confirmParams)
  demandStatus(intent, "confirmed", ["requires_payment_method", "requires_confirmation", "requires_action"])
  const paymentMethod = text(fields, "payment_method") ?? intent.paymentMethod
  if (paymentMethod === null) throw missingMethod()
  demandUsable(account, paymentMethod, intent.customer)
  intent.paymentMethod = paymentMethod
  intent.captureMethod = oneOf(fields, "capture_method", captureMethods) ?? intent.captureMethod
  authorise(account, intent)
  return intent
}

// docs.stripe.com/payments/multicapture: up to 50 captures of one PaymentIntent.
const capturesMax = 50

export function captureIntent(account: Account, intent: IntentRecord, fields: FormFields): IntentRecord {
  allowOnly(fields, captureParams)
  demandStatus(intent, "captured", ["requires_capture"])
  const amount = integer(fields, "amount_to_capture") ?? intent.amountCapturable
  const isFinal = flag(fields, "final_capture") ?? true
  if (!isFinal && !chargeOf(account, intent.latestCharge ?? "").isMulticapture)
    throw invalidParameter("final_capture", "final_capture can only be false when multicapture is available")
  // docs.stripe.com/payments/multicapture: a final capture of nothing releases the rest after earlier captures.
  const isRelease = amount === 0 && isFinal && intent.captures > 0
  if (amount < 1 && !isRelease)
    throw invalidParameter(
      "amount_to_capture",
      "This value must be greater than or equal to 1.",
      "parameter_invalid_integer",
    )
  demandWholeUnits(amount, intent.currency, "amount_to_capture")
  if (amount > intent.amountCapturable)
    throw new StripeError(400, {
      code: "amount_too_large",
      message: `Amount could not be captured: ${amount} is more than the ${intent.amountCapturable} that can be.`,
      param: "amount_to_capture",
    })
  if (intent.captures >= capturesMax)
    throw new StripeError(400, { message: `At most ${capturesMax} captures are possible.` })
  setMetadata(account, intent, mergedMetadata(intent.metadata, fields))
  takeCapture(account, intent, { amount, isFinal })
  return intent
}

function takeCapture(account: Account, intent: IntentRecord, capture: { amount: number; isFinal: boolean }): void {
  const charge = chargeOf(account, intent.latestCharge ?? "")
  // Counted is what took money, not the final capture of nothing that lets the rest go.
  if (capture.amount > 0) intent.captures += 1
  intent.amountReceived += capture.amount
  intent.amountCapturable -= capture.amount
  bookCapture(account, charge, capture.amount)
  account.emit("charge.captured", chargeObject(charge))
  if (!capture.isFinal && intent.amountCapturable > 0) {
    account.emit("payment_intent.amount_capturable_updated", intentObject(intent))
    return
  }
  intent.amountCapturable = 0
  intent.status = "succeeded"
  account.emit("payment_intent.succeeded", intentObject(intent))
  // docs.stripe.com/payments/place-a-hold-on-a-payment-method: the rest of the hold is released.
  releaseRest(account, intent)
}

const cancellationReasons = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"] as const
const cancellable: readonly IntentStatus[] = [
  "requires_payment_method",
  "requires_capture",
  "requires_confirmation",
  "requires_action",
]

export function cancelIntent(account: Account, intent: IntentRecord, fields: FormFields): IntentRecord {
  allowOnly(fields, cancelParams)
  demandStatus(intent, "canceled", cancellable)
  endIntent(account, intent, oneOf(fields, "cancellation_reason", cancellationReasons) ?? null)
  return intent
}

/** Ends a hold: asked for by the merchant, or by itself after seven days (reason `automatic`). */
export function endIntent(account: Account, intent: IntentRecord, reason: string | null): void {
  releaseRest(account, intent)
  account.intents.changed(intent.id)
  intent.amountCapturable = 0
  intent.status = "canceled"
  intent.canceledAt = nowSeconds()
  intent.cancellationReason = reason
  account.emit("payment_intent.canceled", intentObject(intent))
}

export function updateIntent(account: Account, intent: IntentRecord, fields: FormFields): IntentRecord {
  allowOnly(fields, updateParams)
  const amount = integer(fields, "amount")
  const metadata = mergedMetadata(intent.metadata, fields)
  const paymentMethod = text(fields, "payment_method") ?? intent.paymentMethod
  if (paymentMethod !== null) demandUsable(account, paymentMethod, intent.customer)
  if (amount !== undefined) {
    demandStatus(intent, "updated", ["requires_payment_method", "requires_confirmation"])
    intent.amount = chargeableAmount(amount, { currency: intent.currency, param: "amount" })
  }
  intent.description = text(fields, "description") ?? intent.description
  intent.receiptEmail = text(fields, "receipt_email") ?? intent.receiptEmail
  intent.transferGroup = text(fields, "transfer_group") ?? intent.transferGroup
  intent.paymentMethod = paymentMethod
  if (intent.status === "requires_payment_method" && intent.paymentMethod !== null)
    intent.status = "requires_confirmation"
  setMetadata(account, intent, metadata)
  return intent
}

/** The object as asked for: `expand[]=latest_charge` is understood, other expansions are refused. */
export function intentView(account: Account, intent: IntentRecord, fields: FormFields): Record<string, unknown> {
  for (const path of textList(fields, "expand"))
    if (path !== "latest_charge" && path !== "data.latest_charge")
      throw invalidParameter("expand", `This property cannot be expanded (${path}).`)
  const isExpanded = textList(fields, "expand").length > 0
  const charge = isExpanded && intent.latestCharge !== null ? account.charges.get(intent.latestCharge) : undefined
  return intentObject(intent, { charge })
}

function demandStatus(intent: IntentRecord, what: string, allowed: readonly IntentStatus[]): void {
  if (allowed.includes(intent.status)) return
  throw new StripeError(400, {
    code: "payment_intent_unexpected_state",
    message:
      `This PaymentIntent could not be ${what} because it has a status of ${intent.status}. ` +
      `Only a PaymentIntent with one of the following statuses may be ${what}: ${allowed.join(", ")}.`,
    payment_intent: intentObject(intent),
  })
}

function missingMethod(): StripeError {
  return new StripeError(400, {
    code: "payment_intent_unexpected_state",
    message: "You cannot confirm this PaymentIntent because it's missing a payment method.",
  })
}
