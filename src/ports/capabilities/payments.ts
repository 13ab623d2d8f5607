import type { Money } from "../../base/money.ts"
import type { Instant } from "../../base/time.ts"
import type { Tender } from "../../canonical/order.ts"
import type { Read, Write, Written } from "../write.ts"

/** A payment as the provider holds it now; `paymentId` is the provider's own. */
export interface Payment extends Written {
  paymentId: string
  /** The amount authorised, captured or refunded now, in the currency the payment is made in. */
  amount: Money
  state: "authorised" | "captured" | "cancelled" | "refunded"
  /** Of a refund: accepted, and not yet with the buyer. It may still fail, which the provider tells by an event. */
  isPending?: boolean
}

/** Authorises payments. A decline is VENDOR_REJECTED with the provider's reason. */
export interface AuthorisesPayments {
  authorise: Write<{ orderId: string; tender: Tender; amount: Money }, Payment>
}

/** A payment at its provider. `inChannel` are the channel's own numbers, for payments that the channel itself holds. */
export interface PaymentAt {
  orderId: string
  paymentId: string
  inChannel?: { orderId: string; tenderId: string }
}

/** A share of an authorisation that is to be captured. */
export interface CaptureShare extends PaymentAt {
  /** The share. */
  amount: Money
  /** The sum of all shares up to this one; never is more taken than this. What others captured by hand counts. */
  upTo: Money
  /** The sum of all shares that can follow, captured at once where a provider allows only one capture. */
  inAll: Money
  /** Captured so far, by whomever, as far as the caller knows. */
  takenBefore: Money
  /** Nothing follows: the rest of the authorisation is voided. */
  isFinal: boolean
}

/** `amount` is what this call captured; it may be less than the share, or nothing, when others captured by hand. */
export interface CapturedPayment extends Payment {
  /** Captured so far, by whomever. */
  taken: Money
  /** Nothing is authorised any more. */
  isEnded: boolean
}

/**
 * Captures authorised payments. AUTHORISATION_GONE when less than `upTo` is taken and no more ever can be: it lapsed or was voided.
 * VENDOR_CONFLICT when it ended with a capture of somebody else, who may capture more in another way.
 */
export interface CapturesPayments {
  capture: Write<CaptureShare, CapturedPayment>
}

/** A payment as its provider shows it now. */
export interface PaymentNow {
  /** Captured so far, by whomever. */
  taken: Money
  /** What can still be captured. */
  open: Money
  /** When the authorisation of `open` lapses, where the provider tells. */
  heldUntil?: Instant
}

/** Reads payments; null for one that the provider does not know. */
export interface ReadsPayments {
  readPayment: Read<PaymentAt, PaymentNow | null>
}

/** Voids authorisations. */
export interface VoidsAuthorisations {
  /** A payment that is already cancelled or never existed is a no-op; a captured one is VENDOR_CONFLICT. */
  voidAuthorisation: Write<PaymentAt, Payment>
}

/** Refunds captured payments, in whole or in part. */
export interface RefundsPayments {
  refund: Write<PaymentAt & { amount: Money }, Payment>
}
