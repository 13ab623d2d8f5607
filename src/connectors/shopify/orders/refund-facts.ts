import { money, sumMoney } from "../../../base/money.ts"
import { pieces } from "../../../base/quantity.ts"
import { newEvent } from "../../../canonical/events.ts"
import type { MoneyPair, RefundedLine } from "../../../canonical/parts.ts"
import { unpaidRefund } from "../../../protocols/odd-parts.ts"
import type { RestockType, Snapshot, SnapshotRefund, Told } from "../payloads.ts"
import { isFactOfItsOwn, refundWorth, worthOfPart } from "./edited-order.ts"

/** How the facts of an order are named, and where what they tell is put. */
interface Making {
  system: string
  orderId: string
  fact: string
  /** Our location for each number of the shop's. */
  places: ReadonlyMap<string, string>
  told: Told
}

/**
 * "cancel" takes units off that were not fulfilled, "return" restocks fulfilled ones, and "no_restock" is used for both
 * (RefundLineItemRestockType, Admin API 2026-10).
 */
function hadLeft(restock: RestockType): { left?: boolean } {
  return restock === "cancel" || restock === "return" ? { left: restock === "return" } : {}
}

function refundedLine(
  line: SnapshotRefund["lines"][number],
  order: Pick<Snapshot, "currency" | "taxesIncluded">,
  places: Making["places"],
): RefundedLine {
  const { lineId, quantity, restock, tax, place } = line
  const isBack = restock === "return" || restock === "legacy_restock"
  return {
    lineId,
    quantity: pieces(quantity),
    ...hadLeft(restock),
    worth: worthOfPart(line, order),
    tax,
    ...(isBack && { restock: restockAt(place, places) }),
  }
}

/** Where no place is mapped at all, the shop's places say nothing: the goods go back to where they came from. */
function restockAt(place: string | undefined, places: Making["places"]): NonNullable<RefundedLine["restock"]> {
  if (place === undefined || places.size === 0) return {}
  const locationId = places.get(place)
  return locationId === undefined ? { elsewhere: place } : { locationId }
}

/** What was paid back, in the currency it was made in. */
function paidBackMinor({ paidBack }: SnapshotRefund): number {
  return paidBack.reduce((sum, { amount }) => sum + amount.amountMinor, 0)
}

/**
 * The fact of a refund: what was paid back, once all of it has arrived, and goods that are back. While a part is on its way, and when none of it arrived, the
 * refund waits as an odd part. What its goods are worth may differ: an exchange pays for something else with the rest.
 */
export function refundFacts(
  refund: SnapshotRefund,
  order: Pick<Snapshot, "currency" | "taxesIncluded"> & { value: MoneyPair },
  { orderId, fact, system: source, places, told }: Making,
): void {
  const waiting = refund.pending.length > 0 ? refund.pending : paidBackMinor(refund) === 0 ? refund.failed : []
  if (waiting.length > 0) {
    const sum = sumMoney(waiting, waiting[0]?.currency ?? "XXX")
    const isPending = refund.pending.length > 0
    told.odd.push(unpaidRefund({ id: refund.id, pointer: "/refunds", money: sum }, { isPending }))
    return
  }
  if (paidBackMinor(refund) === 0 && !isFactOfItsOwn(refund)) return
  const worth = refundWorth(refund, order)
  const amount = paidPair(refund, { worth, value: order.value })
  const isEven = worth.presentment.amountMinor === amount.presentment.amountMinor
  told.events.push(
    newEvent({
      type: "order.refunded",
      fact: `${fact}:refund:${refund.id}`,
      source,
      time: refund.at,
      data: {
        orderId,
        refundId: refund.id,
        amount,
        ...(isEven ? {} : { worth }),
        lines: refund.lines.map((line) => refundedLine(line, order, places)),
        ...(refund.charges.length > 0 && {
          charges: refund.charges.map(({ kind, ...part }) => ({
            kind,
            worth: worthOfPart(part, order),
            ...(part.tax && { tax: part.tax }),
          })),
        }),
        // A refund's parent is the payment it takes back: a sale, which is the tender, or a capture of one. What the shop does not
        // tell is the provider's own number of the refund.
        ...(refund.paidBack.length > 0 && {
          payments: refund.paidBack.map(({ amount: paid, parentId }) => ({
            amount: paid,
            ...(parentId === undefined ? {} : { tenderId: parentId }),
          })),
        }),
        at: refund.at,
      },
    }),
  )
}

/** What was paid back, in both currencies. The shop's side is what Shopify says it is worth, or goes by the order's own ratio. */
function paidPair(refund: SnapshotRefund, { worth, value }: { worth: MoneyPair; value: MoneyPair }): MoneyPair {
  const presentment = sumMoney(
    refund.paidBack.map(({ amount }) => amount),
    worth.presentment.currency,
  )
  const paid = presentment.amountMinor
  if (worth.presentment.amountMinor === paid) return worth
  if (worth.shop.currency === presentment.currency) return { shop: presentment, presentment }
  const ratio = worth.presentment.amountMinor === 0 ? value : worth
  const whole = ratio.presentment.amountMinor
  const shopMinor = whole === 0 ? 0 : Number((BigInt(ratio.shop.amountMinor) * BigInt(paid)) / BigInt(whole))
  return { shop: money(shopMinor, worth.shop.currency), presentment }
}
