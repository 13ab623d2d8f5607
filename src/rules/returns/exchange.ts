import { money, subtractMoney, type Money } from "../../base/money.ts"
import type { Order } from "../../canonical/order.ts"
import { tenderedMinor } from "../../canonical/order-invariants.ts"

/** What an exchange comes to: one settlement between what comes back and what is taken instead. */
export interface Settlement {
  /** What pays for the new goods without money moving. */
  applied: Money
  /** What the buyer gets back: the new goods are cheaper. */
  refunded: Money
  /** What the buyer has to pay before the new goods are released: they are dearer. */
  due: Money
}

/**
 * An exchange is a return and a sale with one settlement: the smaller of the two pays for the other, and only the difference moves. So what
 * came back is credited once and what was taken is invoiced once (P-19).
 */
export function settleExchange(returned: Money, taken: Money): Settlement {
  const { currency } = returned
  const difference = subtractMoney(taken, returned)
  const zero = { amountMinor: 0, currency }
  const applied = difference.amountMinor > 0 ? returned : taken
  const refunded = difference.amountMinor < 0 ? subtractMoney(returned, taken) : zero
  const due = difference.amountMinor > 0 ? difference : zero
  return { applied, refunded, due }
}

/** What no tender of an order covers: in an exchange, what the goods that come back are to pay. */
export function uncovered(order: Order): Money {
  const { presentment } = order.total
  return money(Math.max(0, presentment.amountMinor - tenderedMinor(order, "presentment")), presentment.currency)
}
