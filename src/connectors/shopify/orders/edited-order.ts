import type { Problem } from "../../../base/errors.ts"
import { pieces } from "../../../base/quantity.ts"
import { splitMoney } from "../../../base/money.ts"
import type { Order, OrderLine } from "../../../canonical/order.ts"
import type { MoneyPair } from "../../../canonical/parts.ts"
import { addPairs, type Snapshot, type SnapshotRefund } from "../payloads.ts"
import { pairOf, partsOf, views, withTotal, type Sold, type View } from "./charges.ts"
import { orderLine, orderOf, type Placing } from "./placed-order.ts"

type Pricing = Pick<Snapshot, "currency" | "taxesIncluded">

/** Value of a refund: its lines, shipping, duties and differences, plus tax where prices exclude it. */
export function refundWorth(refund: SnapshotRefund, snapshot: Pricing): MoneyPair {
  const parts = [...refund.lines, ...refund.charges].map((part) => worthOfPart(part, snapshot))
  return addPairs(parts, snapshot.currency)
}

/** Value of one part of a refund, tax included. */
export function worthOfPart(part: { subtotal: MoneyPair; tax?: MoneyPair }, snapshot: Pricing): MoneyPair {
  if (snapshot.taxesIncluded || part.tax === undefined) return part.subtotal
  return addPairs([part.subtotal, part.tax], snapshot.currency)
}

/**
 * Whether a refund is more than the record of an edit, which moves no money and takes off what was not fulfilled. In an even exchange
 * no money moves either: "the value of the returned items is applied to the exchange items", on the same order (shopify.dev, Reading
 * exchange data for integrations, read 2026-11). There goods are back that had been fulfilled.
 */
export function isFactOfItsOwn({ movesMoney, lines }: Pick<SnapshotRefund, "movesMoney" | "lines">): boolean {
  return movesMoney || lines.some(({ restock }) => restock === "return")
}

/**
 * Units of each line that an edit removed: no longer current and not refunded. Refunds are facts of their own and must
 * not reduce the order a second time.
 */
function editedAway(snapshot: Sold): Map<string, number> {
  const refunded = new Map<string, number>()
  for (const refund of snapshot.refunds)
    if (isFactOfItsOwn(refund))
      for (const line of refund.lines) refunded.set(line.lineId, (refunded.get(line.lineId) ?? 0) + line.quantity)
  const away = new Map<string, number>()
  for (const line of snapshot.content.lines) {
    const units = line.quantity - line.currentQuantity - (refunded.get(line.id) ?? 0)
    if (units > 0) away.set(line.id, units)
  }
  return away
}

/** The whole order as it is now, without what edits removed and with what they added, and with the details it has now. */
export function editedOrder(snapshot: Sold, placing: Placing): Order {
  const away = editedAway(snapshot)
  const parts = partsOf(snapshot)
  const version = snapshot.updatedAt
  if (away.size === 0) {
    const lines = parts.lines.map((line, index) => orderLine(snapshot, line, { ...placing, index }))
    return orderOf(snapshot, { lines, parts, stated: snapshot.content.total, version }, placing)
  }
  let shares = 0
  const lines = parts.lines.map((line, index) => {
    const full = orderLine(snapshot, line, { ...placing, index })
    const removed = away.get(line.id) ?? 0
    if (removed === 0) return full
    shares += 1 + line.taxes.length + line.discounts.length
    return keptPart(snapshot, full, { kept: line.quantity - removed, removed })
  })
  const refunded = snapshot.refunds.filter(isFactOfItsOwn).map((refund) => refundWorth(refund, snapshot))
  const stated = addPairs([snapshot.content.currentTotal, ...refunded], snapshot.currency)
  const order = orderOf(snapshot, { lines, parts, stated, version }, placing)
  return matchTotal(snapshot, order, { stated, shares, problems: placing.problems })
}

function keptPart(snapshot: Sold, line: OrderLine, units: { kept: number; removed: number }): OrderLine {
  const keep = (pair: MoneyPair): MoneyPair =>
    pairOf(snapshot, (view) => splitMoney(pair[view], [units.kept, units.removed])[0]?.amountMinor ?? 0)
  const { kept } = units
  const quantity = pieces(kept)
  const scaled = line.components?.map((part) => ({
    ...part,
    quantity: { ...part.quantity, milli: (part.quantity.milli / (units.kept + units.removed)) * kept },
  }))
  return withTotal(snapshot, {
    ...line,
    quantity,
    gross: keep(line.gross),
    discounts: kept === 0 ? [] : line.discounts.map((one) => ({ ...one, amount: keep(one.amount) })),
    taxes: kept === 0 ? [] : line.taxes.map((one) => ({ ...one, amount: keep(one.amount) })),
    ...(scaled && { components: scaled }),
  })
}

/**
 * The shop states the current value of the order, but not how it divided discounts and taxes among the lines. Our
 * division may differ by a minor unit per share. The largest changed line takes that difference, so that parts and
 * total agree. A larger difference is an error.
 */
function matchTotal(
  snapshot: Sold,
  order: Order,
  limits: { stated: MoneyPair; shares: number; problems: Problem[] },
): Order {
  const stated = addPairs([limits.stated, snapshot.content.cashRounding], snapshot.currency)
  const missing = (view: View) => stated[view].amountMinor - order.total[view].amountMinor
  if (views.every((view) => missing(view) === 0)) return order
  const [largest] = [...order.lines].sort((a, b) => b.gross.presentment.amountMinor - a.gross.presentment.amountMinor)
  if (!largest || views.some((view) => Math.abs(missing(view)) > limits.shares)) {
    limits.problems.push({
      pointer: "/current_total_price_set",
      code: "ORDER_TOTALS_WRONG",
      message: `the current lines of the order sum to ${order.total.presentment.amountMinor}, but the shop states ${stated.presentment.amountMinor} minor units`,
    })
    return order
  }
  const gross = pairOf(snapshot, (view) => largest.gross[view].amountMinor + missing(view))
  const mended = withTotal(snapshot, { ...largest, gross })
  const lines = order.lines.map((line) => (line.id === largest.id ? mended : line))
  return { ...order, lines, total: stated }
}
