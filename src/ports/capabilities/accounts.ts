import type { Money } from "../../base/money.ts"
import type { Quantity } from "../../base/quantity.ts"
import type { Write, Written } from "../write.ts"

/** Money of a tender that is to be given back. */
export interface RefundClaim {
  orderId: string
  tenderId: string
  amount: Money
  /** So much of what was taken is due and stays. */
  keptMinor: number
  by: string
}

/** Units of a line that are given back: they come back, or the buyer keeps them and gets the money. */
export interface ReturnClaim {
  orderId: string
  lineId: string
  quantity: Quantity
  by: string
}

/** Units of a line that are back. Not `isGivenFor`: they are taken, and nothing is given for them. */
export interface BackClaim extends ReturnClaim {
  isGivenFor: boolean
}

/** Units that are back, in thousandths; less than was asked for where fewer had left, or some were back already. */
export interface UnitsBack extends Written {
  receivedMilli: number
  /** Of these, the ones that nobody gave money for yet: this call claims them, under its key and `:c`. */
  creditedMilli: number
  /** Given back of the line before. */
  beforeMilli: number
  /** Of the line, already back by others than returns and tills: a shop that refunded and put back. */
  putBackMilli: number
}

/** What goods that came back of one order are to pay of another one, which the buyer took instead. */
export interface ExchangeClaim {
  /** The order that is paid. */
  orderId: string
  /** What no tender of it covers. */
  owed: Money
  /** What the goods are worth, in the same currency. */
  wantedMinor: number
  by: string
}

/** Less than was wanted where other returns have paid a part before. */
export interface ExchangePaid extends Written {
  appliedMinor: number
  /** Owed, and paid by no return. */
  leftMinor: number
}

/** Something that was given back, or is about to be. */
export interface GivenBack {
  by: string
  amountMinor: number
  /** Granted, and nobody knows yet whether it happened. */
  isOpen: boolean
}

/** Whether a refund may be made. `granted: false` is a result, not an error: it says what was taken and who gave back what. */
export interface GrantedRefund extends Written {
  granted: boolean
  takenMinor: number
  givenBack: readonly GivenBack[]
}

/**
 * The account of an order, which no tender and no line may overdraw: what is claimed and what was given back never exceed what was
 * taken or shipped.
 * Crossdock's own, written as a capability so that a claim stands in the journal like every other step. The call's key is the
 * claim's, and a repeat is answered as before. A claim is settled by the fact that the money went (`payment.refunded`).
 */
export interface ClaimsRefunds {
  claim: Write<RefundClaim, GrantedRefund>
  /** Settled by the fact that the units were given back (`goods.returned`). */
  claimUnits: Write<ReturnClaim, Written & { granted: boolean }>
  /** Units that are back, or that the buyer keeps for good. Settled by `goods.returned`. */
  claimBack: Write<BackClaim, UnitsBack>
  /** Of what is owed of an order, returns that name it never pay more than all of it together. */
  claimExchange: Write<ExchangeClaim, ExchangePaid>
  /** The money has certainly not been given back; what was settled meanwhile stays so. An exchange pays nothing after all. */
  release: Write<{ orderId: string; claim: string }, Written>
}
