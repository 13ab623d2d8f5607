/** The outcome of charging a test payment method; names and outcomes from docs.stripe.com/testing. */
export type TestCard = {
  brand: "visa" | "mastercard" | "amex"
  last4: string
  decline?: { code: string; declineCode?: string; message: string }
  needsAuthentication?: boolean
  refunds?: "fail" | "pending"
}

const declined = "Your card was declined."

const cards: Record<string, TestCard> = {
  pm_card_visa: { brand: "visa", last4: "4242" },
  pm_card_mastercard: { brand: "mastercard", last4: "4444" },
  pm_card_amex: { brand: "amex", last4: "8431" },
  pm_card_chargeDeclined: visaDecline("0002", "card_declined", { declineCode: "generic_decline", message: declined }),
  pm_card_chargeDeclinedInsufficientFunds: visaDecline("9995", "card_declined", {
    declineCode: "insufficient_funds",
    message: "Your card has insufficient funds.",
  }),
  pm_card_chargeDeclinedLostCard: visaDecline("9987", "card_declined", { declineCode: "lost_card", message: declined }),
  pm_card_chargeDeclinedStolenCard: visaDecline("9979", "card_declined", {
    declineCode: "stolen_card",
    message: declined,
  }),
  pm_card_chargeDeclinedFraudulent: visaDecline("0019", "card_declined", {
    declineCode: "fraudulent",
    message: declined,
  }),
  pm_card_chargeDeclinedExpiredCard: visaDecline("0069", "expired_card", { message: "Your card has expired." }),
  pm_card_chargeDeclinedIncorrectCvc: visaDecline("0127", "incorrect_cvc", {
    message: "Your card's security code is incorrect.",
  }),
  pm_card_chargeDeclinedProcessingError: visaDecline("0119", "processing_error", {
    message: "An error occurred while processing your card. Try again in a little bit.",
  }),
  pm_card_authenticationRequired: { brand: "visa", last4: "3184", needsAuthentication: true },
  pm_card_refundFail: { brand: "visa", last4: "5126", refunds: "fail" },
  pm_card_pendingRefund: { brand: "visa", last4: "7726", refunds: "pending" },
}

/** The test card behind a payment method; `pm_card_visa_…` is the longer spelling of the same decline. */
export function cardOf(paymentMethod: string): TestCard | undefined {
  return cards[paymentMethod] ?? cards[paymentMethod.replace("pm_card_visa_", "pm_card_")]
}

function visaDecline(last4: string, code: string, rest: { declineCode?: string; message: string }): TestCard {
  return { brand: "visa", last4, decline: { code, ...rest } }
}
