import type { EventData } from "../../canonical/events.ts"
import type { Order, Tender } from "../../canonical/order.ts"
import type { Signal } from "../../effects/ledger-rows.ts"

// A tender only ever moves on: facts may arrive in any order and the furthest one stands (P-07).
const rank: Record<Tender["state"], number> = { pending: 0, authorised: 1, captured: 2, failed: 3 }

/**
 * Tenders of an order after what was told of them since, whatever the order of telling. The first state of a tender says how
 * much it is over; a capture of a part does not make it smaller.
 */
export function tendersAfter(order: Order, told: readonly Signal[]): Tender[] {
  const changes = told.map((signal) => (signal.data as EventData<"order.tender-changed">).tender)
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

/** Whether tenders cover an order; those still pending only when `counts` says that somebody is about to take them. */
export function isCovered(order: Order, tenders: readonly Tender[], counts: (tender: Tender) => boolean): boolean {
  const coveredMinor = tenders
    .filter((tender) => tender.state !== "failed" && (tender.state !== "pending" || counts(tender)))
    .reduce((sum, tender) => sum + tender.amount.shop.amountMinor, 0)
  // Cash is rounded beside the tender, not in it.
  return coveredMinor >= order.total.shop.amountMinor - Math.abs(order.cashRounding.shop.amountMinor)
}

/** An edit of a channel that tells payments apart says nothing about them: what was known stands. */
export function withTenders(edited: Order, before: Order): Order {
  return edited.tenders.length > 0 ? edited : { ...edited, tenders: before.tenders }
}
