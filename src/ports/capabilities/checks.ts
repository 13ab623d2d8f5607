import type { Order } from "../../canonical/order.ts"
import type { Read, Write, Written } from "../write.ts"

/** The result of fraud screening. `score` is on the scale of the screening system. */
export interface Screening extends Written {
  decision: "accept" | "review" | "reject"
  score: number
  reasons: string[]
}

/** Screens orders for fraud. A second screening of one order returns the first decision. */
export interface ScreensFraud {
  screenOrder: Write<{ order: Order }, Screening>
  /** The decision as it stands now: "review" until somebody has decided. Needed when the event about the end of a review is lost. */
  readDecision: Read<{ order: Order }, Screening["decision"]>
}

/** The tax that should be charged, by line and charge id, in minor units of the shop's currency. */
export interface TaxQuote {
  lines: { lineId: string; taxMinor: number }[]
  totalTaxMinor: number
}

/** Calculates the tax of an order in the shop's currency, to compare it with the tax that was charged. */
export interface ChecksTax {
  quoteTax: Read<{ order: Order }, TaxQuote>
}
