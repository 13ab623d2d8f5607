import type { Order, Tender } from "../canonical/order.ts"

// A tender's state only advances: facts may arrive in any order, and the most advanced state counts (P-07).
const rank: Record<Tender["state"], number> = { pending: 0, authorised: 1, captured: 2, failed: 3 }

/**
 * Tenders of an order after the reported changes, in whatever order they were reported. A tender keeps the amount of
 * its least advanced state: capturing a part does not reduce it.
 */
export function tendersAfter(order: Order, changes: readonly Tender[]): Tender[] {
  const byId = new Map<string, Tender[]>()
  for (const tender of [...order.tenders, ...changes]) byId.set(tender.id, [...(byId.get(tender.id) ?? []), tender])
  return [...byId.values()].flatMap((facts) => {
    const ranked = [...facts].sort((a, b) => rank[a.state] - rank[b.state])
    const [first] = ranked
    const last = ranked.at(-1)
    if (!first || !last) return []
    const reference = ranked.find((fact) => fact.reference !== undefined)?.reference
    return [{ ...first, state: last.state, ...(reference === undefined ? {} : { reference }) }]
  })
}

/** Whether tenders cover an order. A pending tender counts only if `counts` says that Crossdock is about to authorise it. */
export function isCovered(order: Order, tenders: readonly Tender[], counts: (tender: Tender) => boolean): boolean {
  const coveredMinor = tenders
    .filter((tender) => tender.state !== "failed" && (tender.state !== "pending" || counts(tender)))
    .reduce((sum, tender) => sum + tender.amount.shop.amountMinor, 0)
  // Cash rounding is not part of the tender.
  return coveredMinor >= order.total.shop.amountMinor - Math.abs(order.cashRounding.shop.amountMinor)
}

/** The edited order. A channel that reports payments separately leaves them out of edits; then the known ones stay. */
export function withTenders(edited: Order, before: Order): Order {
  return edited.tenders.length > 0 ? edited : { ...edited, tenders: before.tenders }
}
