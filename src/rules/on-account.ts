import type { Money } from "../base/money.ts"
import type { Order, Tender } from "../canonical/order.ts"

/** How a part of an order is to be paid that nobody has paid yet; a part may be several of these. */
export const waysToPay = [
  "card",
  "giftCard",
  "cash",
  "wallet",
  "invoice",
  "other",
  // The channel agreed terms with the buyer.
  "terms",
  // The buyer is a company.
  "company",
  // Nobody says how it is paid.
  "nothing",
] as const

/** What a retailer decides about orders that are not paid: the first rule that fits a part decides it. */
export interface AccountRule {
  pays: (typeof waysToPay)[number]
  channel?: string
  unpaid: "ship" | "wait" | "ask"
  /** For `ship`: a larger part is asked about. */
  upTo?: Money
}

/** Covered; or what becomes of an order that is not: ship it on account, wait for the payment, or ask a person. */
export type PaymentVerdict = "covered" | "ship" | "wait" | "ask"

/**
 * Decides whether an order may go on with its tenders as they are now. `isPaid` says which tenders count: those that are paid, and
 * those that Crossdock is about to authorise. `otherwise` is for parts that no rule fits. One part that has to wait makes the
 * order wait, whatever the others may do.
 */
export function paymentVerdict(
  order: Order,
  tenders: readonly Tender[],
  {
    isPaid,
    rules,
    otherwise,
  }: { isPaid: (tender: Tender) => boolean; rules: readonly AccountRule[]; otherwise: "ship" | "wait" },
): PaymentVerdict {
  const parts = unpaidParts(order, tenders, isPaid)
  if (parts.length === 0) return "covered"
  const verdicts = parts.map((part) => partVerdict(part, { rules, otherwise }))
  return verdicts.includes("wait") ? "wait" : verdicts.includes("ask") ? "ask" : "ship"
}

interface UnpaidPart {
  channel: string
  ways: readonly AccountRule["pays"][]
  amount: Money
}

function unpaidParts(order: Order, tenders: readonly Tender[], isPaid: (tender: Tender) => boolean): UnpaidPart[] {
  const { channel, total, paymentTerms, customer } = order
  const more = [...(paymentTerms ? ["terms" as const] : []), ...(customer.company ? ["company" as const] : [])]
  // Cash rounding is not part of the tender.
  let leftMinor = total.shop.amountMinor - Math.abs(order.cashRounding.shop.amountMinor)
  for (const tender of tenders) if (isPaid(tender)) leftMinor -= tender.amount.shop.amountMinor
  const parts: UnpaidPart[] = []
  for (const { kind, amount } of tenders.filter((tender) => tender.state === "pending" && !isPaid(tender))) {
    const amountMinor = Math.min(amount.shop.amountMinor, leftMinor)
    if (amountMinor <= 0) continue
    parts.push({ channel, ways: [kind, ...more], amount: { ...amount.shop, amountMinor } })
    leftMinor -= amountMinor
  }
  if (leftMinor > 0)
    parts.push({ channel, ways: [...more, "nothing"], amount: { ...total.shop, amountMinor: leftMinor } })
  return parts
}

function partVerdict(
  { channel, ways, amount }: UnpaidPart,
  { rules, otherwise }: { rules: readonly AccountRule[]; otherwise: "ship" | "wait" },
): "ship" | "wait" | "ask" {
  const rule = rules.find((one) => ways.includes(one.pays) && (one.channel === undefined || one.channel === channel))
  if (!rule) return otherwise
  const { unpaid, upTo } = rule
  const isWithin = upTo === undefined || (upTo.currency === amount.currency && amount.amountMinor <= upTo.amountMinor)
  return unpaid === "ship" && !isWithin ? "ask" : unpaid
}
