import type { EventData } from "../canonical/events.ts"
import type { Order, Tender } from "../canonical/order.ts"

/** What is known of the money of an order: its payments, and the refunds of its channel. */
export interface MoneyKnown {
  tenders: readonly Pick<Tender, "state" | "amount">[]
  refunds: readonly Pick<EventData<"order.refunded">, "amount" | "worth">[]
}

/**
 * What of an order nobody has paid or authorised, in minor units of the buyer's currency. What refunded goods are worth is not owed any
 * more; what of it was not given back pays for something else, as in an exchange.
 */
export function unpaidMinor({ total }: Pick<Order, "total">, { tenders, refunds }: MoneyKnown): number {
  const sum = (amounts: readonly { presentment: { amountMinor: number } }[]) =>
    amounts.reduce((minor, { presentment }) => minor + presentment.amountMinor, 0)
  const isGood = ({ state }: Pick<Tender, "state">) => state === "authorised" || state === "captured"
  const owedMinor = total.presentment.amountMinor - sum(refunds.map(({ amount, worth = amount }) => worth))
  const paidMinor = sum(tenders.filter(isGood).map(({ amount }) => amount)) - sum(refunds.map(({ amount }) => amount))
  return Math.max(0, owedMinor - paidMinor)
}
