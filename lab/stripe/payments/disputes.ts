import type { Account } from "./account.ts"
import { chargeOf, intentOf } from "./account.ts"
import { bookBalance } from "./balance.ts"
import type { DisputeRecord } from "./records.ts"
import { nowSeconds } from "./records.ts"

/**
 * The buyer's bank disputes what was captured (docs.stripe.com/disputes/how-disputes-work): the amount and a fee leave the balance
 * at once. A charge is disputed as a whole or in part; refunds of it are refused meanwhile.
 */
export function openDispute(
  account: Account,
  intentId: string,
  wish: { amount?: number; reason?: string },
): DisputeRecord {
  const charge = chargeOf(account, intentOf(account, intentId).latestCharge ?? "")
  const { currency } = charge
  const dispute: DisputeRecord = {
    id: account.nextId("dp"),
    chargeId: charge.id,
    intentId,
    amount: Math.min(wish.amount ?? charge.amountCaptured, charge.amountCaptured),
    currency,
    reason: wish.reason ?? "fraudulent",
    status: "needs_response",
    created: nowSeconds(),
  }
  account.disputes.set(dispute.id, dispute)
  account.emit("charge.dispute.created", disputeObject(dispute))
  bookBalance(account, { type: "adjustment", amount: -dispute.amount, currency, source: dispute.id })
  account.emit("charge.dispute.funds_withdrawn", disputeObject(dispute))
  return dispute
}

/** The bank decides. What was won comes back to the balance. */
export function closeDispute(account: Account, dispute: DisputeRecord, status: "won" | "lost"): void {
  if (dispute.status !== "needs_response") return
  dispute.status = status
  account.disputes.changed(dispute.id)
  account.emit("charge.dispute.closed", disputeObject(dispute))
  if (status === "lost") return
  const { amount, currency, id: source } = dispute
  bookBalance(account, { type: "adjustment", amount, currency, source })
  account.emit("charge.dispute.funds_reinstated", disputeObject(dispute))
}

/** Whether refunds of a charge are refused: it is disputed, or was lost. */
export function isDisputed(account: Account, chargeId: string): boolean {
  return [...account.disputes.values()].some((one) => one.chargeId === chargeId && one.status !== "won")
}

const evidenceFields = [
  "access_activity_log",
  "billing_address",
  "cancellation_policy",
  "cancellation_policy_disclosure",
  "cancellation_rebuttal",
  "customer_communication",
  "customer_email_address",
  "customer_name",
  "customer_purchase_ip",
  "customer_signature",
  "duplicate_charge_documentation",
  "duplicate_charge_explanation",
  "duplicate_charge_id",
  "product_description",
  "receipt",
  "refund_policy",
  "refund_policy_disclosure",
  "refund_refusal_explanation",
  "service_date",
  "service_documentation",
  "shipping_address",
  "shipping_carrier",
  "shipping_date",
  "shipping_documentation",
  "shipping_tracking_number",
  "uncategorized_file",
  "uncategorized_text",
]

// Field list: npm stripe 23.1.0, Dispute.
function disputeObject(dispute: DisputeRecord): Record<string, unknown> {
  return {
    id: dispute.id,
    object: "dispute",
    amount: dispute.amount,
    balance_transactions: [],
    charge: dispute.chargeId,
    created: dispute.created,
    currency: dispute.currency,
    enhanced_eligibility_types: [],
    evidence: { ...Object.fromEntries(evidenceFields.map((name) => [name, null])), enhanced_evidence: {} },
    evidence_details: {
      due_by: dispute.status === "needs_response" ? dispute.created + 7 * 86_400 : null,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: "not_submitted",
    },
    intended_submission_method: null,
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: dispute.intentId,
    reason: dispute.reason,
    status: dispute.status,
  }
}
