import type { Money } from "../../base/money.ts"
import { epochMs, instant, type Instant } from "../../base/time.ts"

/** From this moment a channel showed this price. */
export interface ShownPrice {
  at: Instant
  amount: Money
}

/** The lowest price that was shown in the days before a reduction. */
export interface LowestPrice {
  amount: Money
  /** When the window began in which it was the lowest. */
  from: Instant
  /** The reduction's start: what is shown later never changes the claim. */
  until: Instant
  /** False when nothing is known of the beginning of the window: the article was not shown that long. */
  isWholeWindow: boolean
}

/** At least thirty days: Directive 98/6/EC, article 6a(2), as amended by (EU) 2019/2161. */
const leastDays = 30
const dayMs = 86_400_000

/**
 * The base of every announced reduction: the lowest price shown in at least thirty days before it began, counted back from its
 * start and not from today (CJEU C-330/23). A price that was already shown when the window began counts, too. Undefined when
 * nothing was shown before: then there is nothing to compare with, and no claim is made.
 */
export function lowestBefore(
  shown: readonly ShownPrice[],
  { startsAt, currency, days = leastDays }: { startsAt: Instant; currency: string; days?: number },
): LowestPrice | undefined {
  const startMs = epochMs(startsAt)
  const windowMs = startMs - Math.max(days, leastDays) * dayMs
  const before = shown
    .filter(({ at, amount }) => amount.currency === currency && epochMs(at) < startMs)
    .sort((one, other) => epochMs(one.at) - epochMs(other.at))
  const firstInside = before.findIndex(({ at }) => epochMs(at) > windowMs)
  const within = firstInside === -1 ? before.slice(-1) : before.slice(Math.max(0, firstInside - 1))
  const [first] = within
  if (!first) return undefined
  const lowest = within.reduce((low, one) => (one.amount.amountMinor < low.amount.amountMinor ? one : low), first)
  return {
    amount: lowest.amount,
    from: instant(Math.max(windowMs, epochMs(first.at))),
    until: startsAt,
    isWholeWindow: epochMs(first.at) <= windowMs,
  }
}
