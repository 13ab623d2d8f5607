import type { Books } from "../../books.ts"
import type { Account } from "./account.ts"

/** Every payment, charge and refund in Stripe's words, without the forty fields that are always null. */
export function accountBooks(account: Account): Books {
  return {
    paymentIntents: [...account.intents.values()].map((intent) => ({
      id: intent.id,
      status: intent.status,
      amount: intent.amount,
      currency: intent.currency,
      amount_capturable: intent.amountCapturable,
      amount_received: intent.amountReceived,
      captures: intent.captures,
      metadata: intent.metadata,
      latest_charge: intent.latestCharge,
      created: intent.created,
    })),
    charges: [...account.charges.values()].map((charge) => ({
      id: charge.id,
      payment_intent: charge.intentId,
      status: charge.failure === null ? "succeeded" : "failed",
      amount: charge.amount,
      currency: charge.currency,
      amount_captured: charge.amountCaptured,
      amount_refunded_by_refunds: charge.amountRefunded,
      amount_released: charge.amountReleased,
    })),
    disputes: [...account.disputes.values()],
    balanceTransactions: [...account.balance.values()],
    payouts: [...account.payouts.values()],
    refunds: [...account.refunds.values()].map((refund) => ({
      id: refund.id,
      payment_intent: refund.intentId,
      charge: refund.chargeId,
      status: refund.status,
      amount: refund.amount,
      currency: refund.currency,
      reason: refund.reason,
      metadata: refund.metadata,
    })),
  }
}
