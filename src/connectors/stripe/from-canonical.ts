import type { Money } from "../../base/money.ts"
import type { Tender } from "../../canonical/order.ts"
import { toStripeAmount } from "./payments/amounts.ts"
import type { FormFields } from "./payloads.ts"

/** Names of what we write into Stripe's metadata (keys ≤ 40, values ≤ 500 characters: docs.stripe.com/api/metadata). */
export const metadataNames = {
  key: "crossdock_key",
  order: "crossdock_order",
  tender: "crossdock_tender",
} as const

/**
 * Metadata name under which a payment intent records one capture or release: the prefix and a key of at most 35 make 38
 * characters.
 */
export function captureName(key: string): string {
  return `cd_${key}`
}

/**
 * A hold on a card that the buyer stored with the shop. `off_session`, because the buyer is not present: a bank that
 * requires the buyer then declines with `authentication_required` instead of waiting for a page that never opens.
 */
export function authorisationFields(
  input: { orderId: string; tender: Tender; amount: Money; customer?: string | undefined },
  key: string,
): FormFields {
  const { orderId, tender, amount, customer } = input
  return {
    amount: String(toStripeAmount(amount)),
    currency: amount.currency.toLowerCase(),
    capture_method: "manual",
    confirm: "true",
    off_session: "true",
    payment_method: tender.reference ?? "",
    ...(customer === undefined ? {} : { customer }),
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
    // Goods may leave in several shipments, and each is captured when it leaves: docs.stripe.com/payments/multicapture.
    "payment_method_options[card][request_multicapture]": "if_available",
    [`metadata[${metadataNames.key}]`]: key,
    [`metadata[${metadataNames.order}]`]: orderId,
    // A webhook returns the tender in our form, because Stripe itself has only one currency.
    [`metadata[${metadataNames.tender}]`]: tenderText(tender),
  }
}

/** The tender as one metadata value: id, kind and both amounts. */
function tenderText({ id, kind, amount }: Tender): string {
  const side = (value: Money) => `${value.amountMinor} ${value.currency}`
  return [kind, side(amount.shop), side(amount.presentment), id].join("|")
}

/**
 * Captures an amount. Stripe accepts `final_capture: false` only where several captures are possible, so it is sent
 * only there.
 */
export function captureFields(capture: { stripeAmount: number; leavesRest: boolean; key: string }): FormFields {
  return {
    amount_to_capture: String(capture.stripeAmount),
    ...(capture.leavesRest ? { final_capture: "false" } : {}),
    [`metadata[${captureName(capture.key)}]`]: String(capture.stripeAmount),
  }
}

/** Releases the rest after earlier captures: a final capture of zero (docs.stripe.com/payments/multicapture). */
export function releaseFields(key: string): FormFields {
  return { amount_to_capture: "0", final_capture: "true", [`metadata[${captureName(key)}]`]: "0" }
}

export function refundFields(input: { orderId: string; paymentId: string; amount: Money }, key: string): FormFields {
  return {
    payment_intent: input.paymentId,
    amount: String(toStripeAmount(input.amount)),
    [`metadata[${metadataNames.key}]`]: key,
    [`metadata[${metadataNames.order}]`]: input.orderId,
  }
}
