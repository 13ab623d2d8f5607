import type { Money } from "../../../base/money.ts"

/** Name of a step, an exception or an announcement; `part` distinguishes those of one name. */
export type Name = string | { step: string; part: string }

/** An exception for people: what happened, what is at risk, and the allowed actions. */
export interface Raised {
  name: Name
  text: {
    summary: string
    ifNobodyActs: string
    owner: string
    allowedActions: readonly string[]
    atRisk?: Money
    sku?: string
    missingMilli?: number
  }
}

/** What people may do about goods that have to come back. */
export const returnOrAcknowledge = ["open a return", "acknowledge"] as const
