import type { BalanceRecord, PayoutRecord } from "./balance.ts"
import { bookBalance } from "./balance.ts"
import type { TestCard } from "./cards.ts"
import { cardOf } from "./cards.ts"
import { chargeObject, intentObject, refundObject } from "./objects.ts"
import type { ChargeRecord, DisputeRecord, IntentRecord, MethodRecord, Metadata, RefundRecord } from "./records.ts"
import type { KeptMap } from "../../keep/kept.ts"
import type { SimulatorContext } from "../../simulator.ts"
import { createIds, nowSeconds } from "./records.ts"
import { missingResource, StripeError } from "../http/stripe-error.ts"

export type StripeEventSink = (type: string, object: Record<string, unknown>) => void

/** All a merchant account holds, and the only place that changes it. */
export type Account = {
  readonly intents: KeptMap<string, IntentRecord>
  readonly charges: KeptMap<string, ChargeRecord>
  readonly refunds: KeptMap<string, RefundRecord>
  readonly disputes: KeptMap<string, DisputeRecord>
  /** Payment methods that belong to a customer: the test card behind each. */
  readonly methods: KeptMap<string, MethodRecord>
  readonly balance: KeptMap<string, BalanceRecord>
  readonly payouts: KeptMap<string, PayoutRecord>
  nextId(prefix: string): string
  emit: StripeEventSink
  /** PaymentIntents by one metadata pair, for search. */
  readonly byMetadata: Map<string, Set<string>>
}

export function createAccount({ keep }: Pick<SimulatorContext, "keep">, emit: StripeEventSink): Account {
  const account: Account = {
    intents: keep("intents"),
    charges: keep("charges"),
    refunds: keep("refunds"),
    disputes: keep("disputes"),
    methods: keep("payment-methods"),
    balance: keep("balance"),
    payouts: keep("payouts"),
    nextId: createIds(),
    emit,
    byMetadata: new Map(),
  }
  for (const intent of account.intents.values()) indexMetadata(account, intent)
  return account
}

export function intentOf(account: Account, id: string, param = "intent"): IntentRecord {
  const found = account.intents.get(id)
  if (found === undefined) throw missingResource("payment_intent", id, param)
  return found
}

export function chargeOf(account: Account, id: string, param = "charge"): ChargeRecord {
  const found = account.charges.get(id)
  if (found === undefined) throw missingResource("charge", id, param)
  return found
}

export function setMetadata(account: Account, intent: IntentRecord, metadata: Metadata): void {
  for (const [key, value] of Object.entries(intent.metadata))
    account.byMetadata.get(pairOf(key, value))?.delete(intent.id)
  intent.metadata = metadata
  account.intents.changed(intent.id)
  indexMetadata(account, intent)
}

function indexMetadata(account: Account, intent: IntentRecord): void {
  for (const [key, value] of Object.entries(intent.metadata)) {
    const pair = pairOf(key, value)
    const ids = account.byMetadata.get(pair) ?? new Set()
    account.byMetadata.set(pair, ids)
    ids.add(intent.id)
  }
}

/** The test card behind a payment method, which may be one that a customer saved. */
export function cardBehind({ methods }: Pick<Account, "methods">, paymentMethod: string): TestCard | undefined {
  return cardOf(methods.get(paymentMethod)?.card ?? paymentMethod)
}

export function demandCard(account: Account, paymentMethod: string): TestCard {
  const card = cardBehind(account, paymentMethod)
  if (card === undefined) throw missingResource("PaymentMethod", paymentMethod, "payment_method")
  return card
}

/** The bank's answer to a payment method: an authorisation, a decline (402) or a request for authentication. */
export function authorise(account: Account, intent: IntentRecord): void {
  account.intents.changed(intent.id)
  const card = demandCard(account, intent.paymentMethod ?? "")
  if (card.needsAuthentication === true && intent.status !== "requires_action") {
    intent.status = "requires_action"
    account.emit("payment_intent.requires_action", intentObject(intent))
    return
  }
  const charge = addCharge(account, intent, card.decline)
  if (card.decline !== undefined) throw declineOf(account, intent, { charge, decline: card.decline })
  intent.latestCharge = charge.id
  intent.lastError = null
  account.emit("charge.succeeded", chargeObject(charge))
  if (intent.captureMethod === "manual") {
    intent.status = "requires_capture"
    intent.amountCapturable = intent.amount
    account.emit("payment_intent.amount_capturable_updated", intentObject(intent))
    return
  }
  bookCapture(account, charge, charge.amount)
  intent.amountReceived = intent.amount
  intent.status = "succeeded"
  account.emit("payment_intent.succeeded", intentObject(intent))
}

/** Money taken from a charge: onto the merchant's balance. */
export function bookCapture(account: Account, charge: ChargeRecord, amount: number): void {
  account.charges.changed(charge.id)
  charge.isCaptured = true
  charge.amountCaptured += amount
  if (amount === 0) return
  const { currency, id: source } = charge
  const booked = bookBalance(account, { type: "charge", amount, currency, source })
  charge.balanceId ??= booked.id
}

function addCharge(account: Account, intent: IntentRecord, decline: TestCard["decline"]): ChargeRecord {
  const charge: ChargeRecord = {
    id: account.nextId("ch"),
    intentId: intent.id,
    amount: intent.amount,
    currency: intent.currency,
    paymentMethod: intent.paymentMethod ?? "",
    isCaptured: false,
    amountCaptured: 0,
    amountRefunded: 0,
    amountReleased: 0,
    captureBefore: intent.captureMethod === "manual" && decline === undefined ? lapsesAt(account, intent) : null,
    isMulticapture: intent.isMulticapture && cardBehind(account, intent.paymentMethod ?? "")?.brand !== "amex",
    balanceId: null,
    failure: decline ?? null,
    metadata: intent.metadata,
    description: intent.description,
    refundIds: [],
    created: nowSeconds(),
  }
  account.charges.set(charge.id, charge)
  intent.chargeIds.push(charge.id)
  return charge
}

// docs.stripe.com/payments/place-a-hold-on-a-payment-method, read 2026-11: a Visa payment that the merchant began is held for five
// days (4 days and 18 hours, to be exact), others for seven.
function lapsesAt(account: Account, { paymentMethod, isOffSession }: IntentRecord): number {
  const hours = isOffSession && cardBehind(account, paymentMethod ?? "")?.brand === "visa" ? 4 * 24 + 18 : 7 * 24
  return nowSeconds() + hours * 3_600
}

type Decline = { charge: ChargeRecord; decline: NonNullable<TestCard["decline"]> }

function declineOf(account: Account, intent: IntentRecord, { charge, decline }: Decline): StripeError {
  intent.status = "requires_payment_method"
  intent.latestCharge = charge.id
  intent.lastError = { ...decline, charge: charge.id }
  intent.paymentMethod = null
  account.emit("charge.failed", chargeObject(charge))
  account.emit("payment_intent.payment_failed", intentObject(intent))
  return new StripeError(402, {
    type: "card_error",
    code: decline.code,
    message: decline.message,
    charge: charge.id,
    payment_intent: intentObject(intent),
    ...(decline.declineCode === undefined ? {} : { decline_code: decline.declineCode }),
  })
}

/** Search compares text without regard to case (docs.stripe.com/search, "exact match"). */
export function pairOf(key: string, value: string): string {
  return `${key}=${value.toLowerCase()}`
}

/** Hands the uncaptured rest of a hold back to the card. */
export function releaseRest(account: Account, intent: IntentRecord): void {
  const charge = intent.latestCharge === null ? undefined : account.charges.get(intent.latestCharge)
  if (charge === undefined || charge.failure !== null) return
  const rest = charge.amount - charge.amountCaptured - charge.amountReleased
  if (rest <= 0) return
  charge.amountReleased += rest
  account.charges.changed(charge.id)
  account.emit("charge.refunded", chargeObject(charge))
}

/** Moves a pending refund to its end. */
export function settleRefund(account: Account, refund: RefundRecord, status: "succeeded" | "failed"): void {
  if (refund.status === "failed" || refund.status === status) return
  refund.status = status
  account.refunds.changed(refund.id)
  account.charges.changed(refund.chargeId)
  const charge = account.charges.get(refund.chargeId)
  if (status === "failed") {
    refund.failureReason = "expired_or_canceled_card"
    if (charge !== undefined) charge.amountRefunded -= refund.amount
    const { amount, currency, id: source } = refund
    bookBalance(account, { type: "refund_failure", amount, currency, source })
  }
  account.emit(status === "failed" ? "refund.failed" : "refund.updated", refundObject(refund))
}
