import { cardOf } from "./cards.ts"
import type { ChargeRecord, IntentRecord, MethodRecord, RefundRecord } from "./records.ts"

// Field lists: npm stripe 23.1.0 (API version 2026-10-28.endive), PaymentIntent, Charge, Refund, BalanceTransaction.

const pinnedVersion = "2026-10-28.endive"
export const defaultApiVersion = pinnedVersion

export function intentObject(
  intent: IntentRecord,
  expanded?: { charge?: ChargeRecord | undefined },
): Record<string, unknown> {
  return {
    id: intent.id,
    object: "payment_intent",
    allowed_payment_method_types: null,
    amount: intent.amount,
    amount_capturable: intent.amountCapturable,
    amount_details: { tip: {} },
    amount_received: intent.amountReceived,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: intent.isAutomaticMethods ? { allow_redirects: "always", enabled: true } : null,
    canceled_at: intent.canceledAt,
    cancellation_reason: intent.cancellationReason,
    capture_method: intent.captureMethod,
    client_secret: `${intent.id}_secret_lab`,
    confirmation_method: "automatic",
    created: intent.created,
    currency: intent.currency,
    customer: intent.customer,
    customer_account: null,
    description: intent.description,
    excluded_payment_method_types: null,
    last_payment_error: intent.lastError === null ? null : lastPaymentError(intent.lastError),
    latest_charge: expanded?.charge === undefined ? intent.latestCharge : chargeObject(expanded.charge),
    livemode: false,
    managed_payments: null,
    metadata: intent.metadata,
    next_action:
      intent.status === "requires_action"
        ? { redirect_to_url: { return_url: null, url: "https://hooks.stripe.com/lab" }, type: "redirect_to_url" }
        : null,
    on_behalf_of: null,
    payment_method: intent.paymentMethod,
    payment_method_configuration_details: null,
    payment_method_options: { card: cardOptions(intent) },
    payment_method_types: intent.paymentMethodTypes,
    payment_record: null,
    processing: null,
    receipt_email: intent.receiptEmail,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: intent.statementDescriptor,
    statement_descriptor_suffix: null,
    status: intent.status,
    transfer_data: null,
    transfer_group: intent.transferGroup,
  }
}

function cardOptions(intent: IntentRecord): Record<string, unknown> {
  return {
    installments: null,
    mandate_options: null,
    network: null,
    ...(intent.isMulticapture ? { request_multicapture: "if_available" } : {}),
    request_three_d_secure: "automatic",
  }
}

function lastPaymentError(error: NonNullable<IntentRecord["lastError"]>): Record<string, unknown> {
  const { code, declineCode, message, charge } = error
  return {
    charge,
    code,
    ...(declineCode === undefined ? {} : { decline_code: declineCode }),
    message,
    type: "card_error",
  }
}

export function chargeObject(charge: ChargeRecord): Record<string, unknown> {
  const amountBack = charge.amountRefunded + charge.amountReleased
  return {
    id: charge.id,
    object: "charge",
    amount: charge.amount,
    amount_captured: charge.amountCaptured,
    amount_refunded: amountBack,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: charge.balanceId,
    billing_details: {
      address: { city: null, country: null, line1: null, line2: null, postal_code: null, state: null },
      email: null,
      name: null,
      phone: null,
      tax_id: null,
    },
    calculated_statement_descriptor: null,
    captured: charge.isCaptured,
    created: charge.created,
    currency: charge.currency,
    customer: null,
    description: charge.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: charge.failure?.code ?? null,
    failure_message: charge.failure?.message ?? null,
    fraud_details: {},
    livemode: false,
    metadata: charge.metadata,
    on_behalf_of: null,
    outcome: outcomeOf(charge),
    paid: charge.failure === null,
    payment_intent: charge.intentId,
    payment_method: charge.paymentMethod,
    payment_method_details: { card: cardDetails(charge), type: "card" },
    receipt_email: null,
    receipt_number: null,
    receipt_url: null,
    refunded: charge.failure === null && amountBack === charge.amount,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: charge.failure === null ? "succeeded" : "failed",
    transfer_data: null,
    transfer_group: null,
  }
}

function outcomeOf(charge: ChargeRecord): Record<string, unknown> {
  const { failure } = charge
  return {
    advice_code: null,
    network_advice_code: null,
    network_decline_code: null,
    network_status: failure === null ? "approved_by_network" : "declined_by_network",
    reason: failure === null ? null : (failure.declineCode ?? failure.code),
    risk_level: "normal",
    seller_message: failure === null ? "Payment complete." : "The bank did not return any further details.",
    type: failure === null ? "authorized" : "issuer_declined",
  }
}

function cardDetails(charge: ChargeRecord): Record<string, unknown> {
  const card = cardOf(charge.paymentMethod)
  return {
    amount_authorized: charge.failure === null ? charge.amount : null,
    authorization_code: null,
    brand: card?.brand ?? "visa",
    // Only while there is something to capture.
    ...(charge.captureBefore === null ? {} : { capture_before: charge.captureBefore }),
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: "pass" },
    country: "US",
    electronic_commerce_indicator: null,
    exp_month: 12,
    exp_year: 2034,
    fingerprint: "labLabLabLabLab1",
    funding: "credit",
    installments: null,
    last4: card?.last4 ?? "4242",
    mandate: null,
    multicapture: { status: charge.isMulticapture ? "available" : "unavailable" },
    network: card?.brand ?? "visa",
    network_transaction_id: null,
    regulated_status: "unregulated",
    three_d_secure: null,
    transaction_link_id: null,
    wallet: null,
  }
}

export function refundObject(refund: RefundRecord): Record<string, unknown> {
  return {
    id: refund.id,
    object: "refund",
    amount: refund.amount,
    balance_transaction: refund.balanceId,
    charge: refund.chargeId,
    created: refund.created,
    currency: refund.currency,
    customer: null,
    customer_account: null,
    destination_details: { card: { type: "refund" }, type: "card" },
    ...(refund.failureReason === null ? {} : { failure_reason: refund.failureReason }),
    metadata: refund.metadata,
    payment_intent: refund.intentId,
    payment_method: refund.paymentMethod,
    reason: refund.reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status: refund.status,
    transfer_reversal: null,
  }
}

/** A payment method; a test card of the documentation belongs to nobody. */
export function methodObject({
  id,
  card,
  customer,
  created,
}: Omit<MethodRecord, "customer"> & { customer: string | null }): Record<string, unknown> {
  const { brand = "visa", last4 = "4242" } = cardOf(card) ?? {}
  return {
    id,
    object: "payment_method",
    allow_redisplay: "unspecified",
    billing_details: {
      address: { city: null, country: null, line1: null, line2: null, postal_code: null, state: null },
      email: null,
      name: null,
      phone: null,
      tax_id: null,
    },
    card: {
      brand,
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: "pass" },
      country: "US",
      display_brand: brand,
      exp_month: 12,
      exp_year: 2034,
      fingerprint: "labLabLabLabLab1",
      funding: "credit",
      generated_from: null,
      last4,
      networks: { available: [brand], preferred: null },
      regulated_status: "unregulated",
      three_d_secure_usage: { supported: true },
      wallet: null,
    },
    created,
    customer,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: "card",
  }
}
