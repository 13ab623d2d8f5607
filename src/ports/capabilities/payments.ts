import type { Money } from "../../base/money.ts"
import type { Tender } from "../../canonical/order.ts"
import type { Write, Written } from "../write.ts"

/** A payment as the provider holds it now; `paymentId` is the provider's own. */
export interface Payment extends Written {
  paymentId: string
  /** The amount authorised, captured or refunded now, in the currency the payment is made in. */
  amount: Money
  state: "authorised" | "captured" | "cancelled" | "refunded"
}

/** Authorises payments. A decline is VENDOR_REJECTED with the provider's reason. */
export interface AuthorisesPayments {
  authorise: Write<{ orderId: string; tender: Tender; amount: Money }, Payment>
}

/** Captures authorised payments. */
export interface CapturesPayments {
  /** Captures a part of an authorisation. `isFinal` voids the rest of it. */
  capture: Write<{ orderId: string; paymentId: string; amount: Money; isFinal: boolean }, Payment>
}

/** Voids authorisations. */
export interface VoidsAuthorisations {
  /** A payment that is already cancelled or never existed is a no-op; a captured one is VENDOR_CONFLICT. */
  voidAuthorisation: Write<{ orderId: string; paymentId: string }, Payment>
}

/** Refunds captured payments, in whole or in part. */
export interface RefundsPayments {
  refund: Write<{ orderId: string; paymentId: string; amount: Money }, Payment>
}
