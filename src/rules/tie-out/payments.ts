import { money, type Money } from "../../base/money.ts"
import { ref, type Ref } from "../../canonical/refs.ts"
import { amountText, type Finding } from "./finding.ts"

/** A hold on a buyer's money as the payment provider has it. */
export interface Hold {
  id: string
  currency: string
  heldMinor: number
  takenMinor: number
  timesTaken: number
  /** Money may still be taken from it. */
  isOpen: boolean
  /** The amount that should be taken by now; absent while the order is under way, or when an exception covers it. */
  dueMinor?: number
}

/** The money of one order. */
export interface OrderPayments {
  order: Ref
  /** Cancelled or refused, and nothing of it left: nothing may be held or kept. */
  isCalledOff: boolean
  holds: readonly Hold[]
  /** What the channel took for it, less what it gave back, in each currency. */
  kept: readonly Money[]
}

/** Holds that were taken twice, too much, or not as due; money of cancelled orders that is still held or kept. */
export function findPaymentDifferences(orders: readonly OrderPayments[]): Finding[] {
  return orders.flatMap(({ order, isCalledOff, holds, kept }) => {
    const own = holds.flatMap((hold) => {
      const finding = holdDifference(hold, isCalledOff)
      return finding ? [{ ...finding, about: ref("payment", idIn(order), hold.id) }] : []
    })
    const open = isCalledOff ? kept.filter(({ amountMinor }) => amountMinor !== 0) : []
    const stillKept = open.map((amount) => ({
      what: "was cancelled, and its money was not given back",
      about: order,
      expected: "0",
      found: amountText(amount),
      atRisk: amount,
    }))
    return [...own, ...stillKept]
  })
}

function holdDifference(hold: Hold, isCalledOff: boolean): Omit<Finding, "about"> | undefined {
  const { currency, heldMinor, takenMinor, timesTaken, isOpen, dueMinor } = hold
  const amount = (minor: number) => money(minor, currency)
  const text = (minor: number) => amountText(amount(minor))
  const found = text(takenMinor)
  if (timesTaken > 1)
    return {
      what: "was taken more than once",
      expected: "once",
      found: `${timesTaken} times`,
      atRisk: amount(takenMinor),
    }
  if (takenMinor > heldMinor)
    return { what: "took more than was held", expected: text(heldMinor), found, atRisk: amount(takenMinor - heldMinor) }
  if (isCalledOff && takenMinor !== 0)
    return { what: "was taken although nothing shipped", expected: "0", found, atRisk: amount(takenMinor) }
  if (isCalledOff && isOpen)
    return {
      what: "is still held although nothing will ship",
      expected: "let go",
      found: "held",
      atRisk: amount(heldMinor),
    }
  if (isCalledOff || dueMinor === undefined || dueMinor === takenMinor) return undefined
  const atRisk = amount(Math.abs(dueMinor - takenMinor))
  return { what: "was not taken as charged", expected: text(dueMinor), found, atRisk }
}

const idIn = (order: Ref) => order.slice(order.indexOf("/") + 1)
