import type { Tender } from "../../canonical/order.ts"

/** What a tender can still give back: taken, less what went back or is about to. */
export interface TenderLeft {
  tenderId: string
  kind: Tender["kind"]
  leftMinor: number
}

/** A part of a refund that goes back to one tender. */
export interface RefundPart {
  tenderId: string
  amountMinor: number
}

/** In which order tenders give back, where the retailer says nothing: liabilities first, cash last. */
const defaultRefundOrder: readonly Tender["kind"][] = ["giftCard", "card", "wallet", "invoice", "other", "cash"]

/**
 * Splits a refund over the tenders, in the order of the policy; two of one kind by what is left in their order. No tender gives back
 * more than it has left. `uncoveredMinor` is what no tender covers.
 */
export function splitRefund(
  amountMinor: number,
  tenders: readonly TenderLeft[],
  order: readonly Tender["kind"][] = defaultRefundOrder,
): { parts: RefundPart[]; uncoveredMinor: number } {
  const rank = (kind: Tender["kind"]) => (order.includes(kind) ? order.indexOf(kind) : order.length)
  let rest = Math.max(0, amountMinor)
  const parts: RefundPart[] = []
  for (const { tenderId, leftMinor } of [...tenders].sort((a, b) => rank(a.kind) - rank(b.kind))) {
    const part = Math.min(rest, Math.max(0, leftMinor))
    if (part === 0) continue
    parts.push({ tenderId, amountMinor: part })
    rest -= part
  }
  return { parts, uncoveredMinor: rest }
}
