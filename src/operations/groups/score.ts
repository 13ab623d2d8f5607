import { own } from "../../base/lookup.ts"
import { minorDigits } from "../../base/money.ts"
import { epochMs } from "../../base/time.ts"

/** What a group's place in the list is made of. All parts are shown to people. */
export interface Score {
  total: number
  /** Money at risk in units of the ranking's currency, rounded: currencies are never added elsewhere. */
  money: number
  /** 1 without a clock; up to 5 as its moment comes near, 5 when it has passed. */
  urgency: number
  /** Orders that wait, times what one is worth to the retailer. */
  orders: number
}

export interface Ranking {
  /** What one unit of a currency counts for. A currency without a rate counts for one. */
  rates?: Readonly<Record<string, number>>
  /** What an order that waits counts for, besides its money. */
  orderWorth?: number
}

const orderWorthDefault = 10

/** Money at risk × urgency + orders × what one is worth. */
export function scoreOf(
  group: {
    money: readonly { amountMinor: number; currency: string }[]
    orders: number
    dueAt?: string | undefined
  },
  { nowMs, ranking = {} }: { nowMs: number; ranking?: Ranking },
): Score {
  const money = Math.round(
    group.money.reduce(
      (sum, { amountMinor, currency }) =>
        sum + (amountMinor / 10 ** minorDigits(currency)) * (own(ranking.rates ?? {}, currency) ?? 1),
      0,
    ),
  )
  const urgency = urgencyOf(group.dueAt, nowMs)
  const orders = group.orders * (ranking.orderWorth ?? orderWorthDefault)
  return { total: Math.round(money * urgency + orders), money, urgency, orders }
}

/** 1 + 4 · 2^(−minutes left / 60); 5 when overdue; 1 without a moment. */
function urgencyOf(dueAt: string | undefined, nowMs: number): number {
  if (dueAt === undefined) return 1
  const minutesLeft = (epochMs(dueAt) - nowMs) / 60_000
  return minutesLeft <= 0 ? 5 : Number((1 + 4 * 2 ** (-minutesLeft / 60)).toFixed(2))
}
