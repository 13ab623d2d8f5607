import { money } from "../../../base/money.ts"
import type { Ref } from "../../../canonical/refs.ts"
import { amountText, type Finding } from "../finding.ts"

/** Units of one line that were sold, and that came back, at whatever till. Thousandths. */
export interface ReturnedUnits {
  about: Ref
  lineId: string
  soldMilli: number
  returnedMilli: number
}

/** What was paid with one tender, and what was given back for the same receipt or order. */
export interface GivenBack {
  about: Ref
  tender: string
  currency: string
  takenMinor: number
  givenBackMinor: number
}

/** Lines of which more came back than was sold. */
export function findReturnedTwice(lines: readonly ReturnedUnits[]): Finding[] {
  return lines
    .filter(({ soldMilli, returnedMilli }) => returnedMilli > soldMilli)
    .map(({ about, lineId, soldMilli, returnedMilli }) => ({
      what: `had more of line ${lineId} brought back than it sold`,
      about,
      expected: `at most ${soldMilli / 1000}`,
      found: String(returnedMilli / 1000),
      atRisk: null,
    }))
}

/** Tenders that gave back more than they took. */
export function findOverRefunded(tenders: readonly GivenBack[]): Finding[] {
  return tenders
    .filter(({ takenMinor, givenBackMinor }) => givenBackMinor > takenMinor)
    .map(({ about, tender, currency, takenMinor, givenBackMinor }) => ({
      what: `gave back more by ${tender} than it took`,
      about,
      expected: `at most ${amountText(money(takenMinor, currency))}`,
      found: amountText(money(givenBackMinor, currency)),
      atRisk: money(givenBackMinor - takenMinor, currency),
    }))
}
