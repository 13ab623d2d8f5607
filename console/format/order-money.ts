import type { Account, Money, Order } from "../api/answers.ts"

/** The money of an order in one currency, in minor units. */
export interface OrderMoney {
  currency: string
  ordered: number
  held: number
  taken: number
  givenBack: number
  disputed: number
  /** Taken and not given back. */
  kept: number
  /** Invoices less reversals. */
  booked: number
  /** Kept and not booked; 0 when all is well. */
  rest: number
}

/** Puts an order's money together, currency by currency. A buyer may pay in another than the shop's. */
export function orderMoney(
  { total }: Pick<Order, "total">,
  { tenders, documents }: Pick<Account, "tenders" | "documents">,
): OrderMoney[] {
  const currencies = new Set([total.currency, ...tenders.map(({ taken }) => taken.currency)])
  return [...currencies].map((currency) => {
    const sum = (amounts: readonly Money[]) =>
      amounts.reduce((so, money) => (money.currency === currency ? so + money.amountMinor : so), 0)
    const taken = sum(tenders.map((one) => one.taken))
    const givenBack = sum(tenders.map((one) => one.givenBack))
    const disputed = sum(tenders.map((one) => one.disputed))
    const kind = (type: string) => documents.filter((one) => one.type === type).map((one) => one.total)
    const booked = sum(kind("invoice")) - Math.abs(sum(kind("reversal")))
    const kept = taken - givenBack - disputed
    return {
      currency,
      ordered: sum([total]),
      held: sum(tenders.map((one) => one.held)),
      taken,
      givenBack,
      disputed,
      kept,
      booked,
      rest: kept - booked,
    }
  })
}
