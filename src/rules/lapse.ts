import { derivedId } from "../base/ids.ts"
import { money } from "../base/money.ts"
import type { Order, Tender } from "../canonical/order.ts"

/** The exception that tells of a lapsed authorisation; who asks what becomes of the order closes it, so that people are asked once. */
export function lapseExceptionId(orderId: string, paymentId: string): string {
  const id = `${orderId}:lapse:${paymentId}`
  return id.length <= 64 ? id : derivedId("exc", id)
}

/**
 * The order when nothing more can be captured of a tender: what was taken is paid, and the rest is owed like any other part that no
 * tender covers. `takenMinor` is in the currency of the payment.
 */
export function withoutAuthorisation(order: Order, tenderId: string, takenMinor: number): Order {
  const tenders = order.tenders.map((tender): Tender => {
    if (tender.id !== tenderId) return tender
    if (takenMinor === 0) return { ...tender, state: "failed" }
    const { shop, presentment } = tender.amount
    const shopMinor = Number((BigInt(shop.amountMinor) * BigInt(takenMinor)) / BigInt(presentment.amountMinor))
    const amount = { shop: money(shopMinor, shop.currency), presentment: money(takenMinor, presentment.currency) }
    return { ...tender, state: "captured", amount }
  })
  return { ...order, tenders }
}
