import { hash, randomBytes } from "node:crypto"

export type IntentStatus =
  | "requires_payment_method"
  | "requires_confirmation"
  | "requires_action"
  | "requires_capture"
  | "succeeded"
  | "canceled"

export type Metadata = Record<string, string>

/** The stored part of a PaymentIntent; the full object is built when it is read. */
export type IntentRecord = {
  id: string
  amount: number
  currency: string
  captureMethod: "automatic" | "automatic_async" | "manual"
  status: IntentStatus
  amountCapturable: number
  amountReceived: number
  metadata: Metadata
  description: string | null
  customer: string | null
  receiptEmail: string | null
  transferGroup: string | null
  statementDescriptor: string | null
  paymentMethod: string | null
  paymentMethodTypes: string[]
  isAutomaticMethods: boolean
  isMulticapture: boolean
  isOffSession: boolean
  captures: number
  latestCharge: string | null
  chargeIds: string[]
  lastError: { code: string; declineCode?: string; message: string; charge: string } | null
  created: number
  canceledAt: number | null
  cancellationReason: string | null
  /** Search sees it a while after this moment. */
  createdAtMs: number
}

export type ChargeRecord = {
  id: string
  intentId: string
  amount: number
  currency: string
  paymentMethod: string
  isCaptured: boolean
  amountCaptured: number
  /** Given back by refunds. */
  amountRefunded: number
  /** Never captured and handed back: part of `amount_refunded` in what Stripe shows. */
  amountReleased: number
  /** When the authorisation lapses, in seconds. */
  captureBefore: number | null
  isMulticapture: boolean
  balanceId: string | null
  failure: { code: string; declineCode?: string; message: string } | null
  metadata: Metadata
  description: string | null
  refundIds: string[]
  created: number
}

export type RefundRecord = {
  id: string
  chargeId: string
  intentId: string
  amount: number
  currency: string
  paymentMethod: string
  reason: string | null
  metadata: Metadata
  status: "pending" | "succeeded" | "failed"
  failureReason: string | null
  balanceId: string
  created: number
}

/** A payment method that a customer saved with the merchant. */
export type MethodRecord = { id: string; card: string; customer: string; created: number }

export type DisputeRecord = {
  id: string
  chargeId: string
  intentId: string
  amount: number
  currency: string
  reason: string
  status: "needs_response" | "won" | "lost"
  created: number
}

/**
 * Ids as Stripe writes them: a prefix and 24 letters and digits. They differ between two starts of the lab, so that a
 * database that outlives one never sees two payments under one id.
 */
export function createIds(): (prefix: string) => string {
  const start = randomBytes(8).toString("hex")
  let counter = 0
  return (prefix) => {
    counter += 1
    return `${prefix}_3${hash("sha1", `${start}/${counter}`, "hex").slice(0, 23)}`
  }
}

/** Stripe's times are seconds since 1970. */
export function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000)
}
