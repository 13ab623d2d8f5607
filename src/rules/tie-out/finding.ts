import { moneyToDecimal, type Money } from "../../base/money.ts"
import type { Ref } from "../../canonical/refs.ts"

/** A difference between two books. */
export interface Finding {
  /** What is wrong, as the end of a sentence about the object. */
  what: string
  about: Ref
  /** What should be there. */
  expected: string
  /** What is there. */
  found: string
  /** Money that is lost, owed or not accounted for while nobody acts; null where it is not known or none. */
  atRisk: Money | null
}

/** A finding as one line for people. */
export function findingText({ what, about, expected, found, atRisk }: Finding): string {
  const risk = atRisk === null ? "" : `; at risk: ${amountText(atRisk)}`
  return `${about} ${what}: expected ${expected}, found ${found}${risk}`
}

/** An amount as people read it: `11.90 EUR`. */
export function amountText(amount: Money): string {
  return `${moneyToDecimal(amount)} ${amount.currency}`
}
