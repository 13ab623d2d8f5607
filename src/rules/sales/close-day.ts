import { own } from "../../base/lookup.ts"
import type { TenderCount } from "../../canonical/sales/store-day.ts"
import type { StoreLine } from "../../canonical/sales/store-entry.ts"
import { summed } from "./post-receipt.ts"

/** What the receipts of a session moved, and what was counted of it last. */
export interface SessionSums {
  sessionId: string
  currency: string
  /** All that its receipts moved, also what was posted before. */
  lines: readonly StoreLine[]
  /** The last count of each tender; a count replaces the one before it. */
  counted: Readonly<Record<string, number>>
}

/** What a session should have of each tender, and how far the count is off. */
export function countSession({ sessionId, currency, lines, counted }: SessionSums): TenderCount[] {
  const expected: Record<string, number> = {}
  for (const { tender, amountMinor } of lines)
    if (tender !== undefined) expected[tender] = (own(expected, tender) ?? 0) + amountMinor
  const tenders = [...new Set([...Object.keys(expected), ...Object.keys(counted)])].sort()
  return tenders.map((tender) => {
    const expectedMinor = own(expected, tender) ?? 0
    const countedMinor = own(counted, tender)
    const count = { sessionId, tender, currency, expectedMinor }
    return countedMinor === undefined ? count : { ...count, countedMinor, overShortMinor: countedMinor - expectedMinor }
  })
}

/**
 * What the books take for counts: the tender becomes what was counted, and the difference has an account of its own. What an earlier
 * closing posted already is left out, so that a sale that comes late changes neither the counted cash nor the difference twice.
 */
export function postCounts(
  counts: readonly TenderCount[],
  before: readonly TenderCount[],
  accountOf: (count: TenderCount) => StoreLine["account"],
): StoreLine[] {
  const posted = new Map(before.map((count) => [countKey(count), count.overShortMinor ?? 0]))
  return summed(
    counts.flatMap((count) => {
      const delta = (count.overShortMinor ?? 0) - (posted.get(countKey(count)) ?? 0)
      return [
        { account: accountOf(count), tender: count.tender, amountMinor: delta },
        { account: "over and short", tender: count.tender, amountMinor: -delta },
      ] as const
    }),
  )
}

/** The sum of each tender. */
export function tenderTotals(lines: readonly StoreLine[]): { tender: string; amountMinor: number }[] {
  const totals = summed(
    lines.flatMap(({ tender, amountMinor, account }) =>
      tender === undefined || account === "over and short" ? [] : [{ account: "drawer", tender, amountMinor } as const],
    ),
  )
  return totals.map(({ tender = "", amountMinor }) => ({ tender, amountMinor }))
}

function countKey({ sessionId, tender, currency }: TenderCount): string {
  return JSON.stringify([sessionId, tender, currency])
}
