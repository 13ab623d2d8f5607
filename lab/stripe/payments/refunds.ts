import type { Account } from "./account.ts"
import { cardBehind, chargeOf, intentOf, settleRefund } from "./account.ts"
import { bookBalance } from "./balance.ts"
import { isDisputed } from "./disputes.ts"
import type { FormFields } from "../http/form.ts"
import { chargeObject, refundObject } from "./objects.ts"
import { allowOnly, demandWholeUnits, integer, mergedMetadata, oneOf, text } from "../http/params.ts"
import type { ChargeRecord, RefundRecord } from "./records.ts"
import { nowSeconds } from "./records.ts"
import { invalidParameter, missingResource, StripeError } from "../http/stripe-error.ts"

// npm stripe 23.1.0, RefundCreateParams.
export const refundParams = ["amount", "charge", "expand", "metadata", "payment_intent", "reason"]
const reasons = ["duplicate", "fraudulent", "requested_by_customer"] as const

/** Later, by itself: what happens to a refund to a card that refuses or delays it. */
export type SettleLater = (act: () => void) => void

export function createRefund(account: Account, fields: FormFields, settleLater: SettleLater): RefundRecord {
  allowOnly(fields, refundParams)
  const charge = refundedCharge(account, fields)
  // docs.stripe.com/error-codes, charge_disputed.
  if (isDisputed(account, charge.id))
    throw new StripeError(400, { code: "charge_disputed", message: `Charge ${charge.id} has been charged back.` })
  const left = charge.amountCaptured - charge.amountRefunded
  if (left <= 0)
    throw new StripeError(400, {
      code: "charge_already_refunded",
      message: `Charge ${charge.id} has already been refunded.`,
    })
  const amount = integer(fields, "amount") ?? left
  if (amount < 1) throw invalidParameter("amount", "Invalid positive integer", "parameter_invalid_integer")
  demandWholeUnits(amount, charge.currency, "amount")
  if (amount > left)
    throw new StripeError(400, {
      message: `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`,
      param: "amount",
    })
  const reason = oneOf(fields, "reason", reasons) ?? null
  const metadata = mergedMetadata({}, fields)
  const id = account.nextId("re")
  const booked = bookBalance(account, { type: "refund", amount: -amount, currency: charge.currency, source: id })
  const refund: RefundRecord = {
    id,
    chargeId: charge.id,
    intentId: charge.intentId,
    amount,
    currency: charge.currency,
    paymentMethod: charge.paymentMethod,
    reason,
    metadata,
    balanceId: booked.id,
    status: cardBehind(account, charge.paymentMethod)?.refunds === "pending" ? "pending" : "succeeded",
    failureReason: null,
    created: nowSeconds(),
  }
  book(account, { refund, charge })
  settleByItself(account, refund, settleLater)
  return refund
}

/** docs.stripe.com/testing, "Refunds": one test card's refunds begin as succeeded and fail later, another's are pending. */
export function settleByItself(account: Account, refund: RefundRecord, settleLater: SettleLater): void {
  const later = cardBehind(account, refund.paymentMethod)?.refunds
  const end = later === "fail" ? "failed" : "succeeded"
  if (later !== undefined && refund.status !== end) settleLater(() => settleRefund(account, refund, end))
}

function book(account: Account, { refund, charge }: { refund: RefundRecord; charge: ChargeRecord }): void {
  charge.amountRefunded += refund.amount
  charge.refundIds.push(refund.id)
  account.charges.changed(charge.id)
  account.refunds.set(refund.id, refund)
  account.emit("refund.created", refundObject(refund))
  account.emit("charge.refunded", chargeObject(charge))
}

function refundedCharge(account: Account, fields: FormFields): ChargeRecord {
  const intentId = text(fields, "payment_intent")
  if (intentId === undefined) {
    const chargeId = text(fields, "charge")
    if (chargeId === undefined)
      throw invalidParameter("charge", "One of payment_intent or charge is required.", "parameter_missing")
    return captured(chargeOf(account, chargeId))
  }
  const intent = intentOf(account, intentId, "payment_intent")
  if (intent.latestCharge === null || intent.amountReceived === 0)
    throw new StripeError(400, {
      message: `This PaymentIntent (${intent.id}) does not have a successful charge to refund.`,
    })
  return captured(chargeOf(account, intent.latestCharge))
}

function captured(charge: ChargeRecord): ChargeRecord {
  if (charge.failure === null && charge.isCaptured) return charge
  throw new StripeError(400, { message: `Charge ${charge.id} was never captured: there is nothing to refund.` })
}

export function refundOf(account: Account, id: string): RefundRecord {
  const found = account.refunds.get(id)
  if (found === undefined) throw missingResource("refund", id, "id")
  return found
}

/** Newest first, of one payment or of all. */
export function refundsOf(account: Account, filter: { intentId?: string; chargeId?: string }): RefundRecord[] {
  const { intentId, chargeId } = filter
  if (intentId === undefined && chargeId === undefined) return [...account.refunds.values()].reverse()
  const chargeIds = chargeId === undefined ? (account.intents.get(intentId ?? "")?.chargeIds ?? []) : [chargeId]
  const ids = chargeIds.flatMap((id) => account.charges.get(id)?.refundIds ?? [])
  return ids.flatMap((id) => account.refunds.get(id) ?? []).reverse()
}
