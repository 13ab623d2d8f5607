import { own } from "../../base/lookup.ts"
import { epochMs, instant } from "../../base/time.ts"
import type { Order } from "../../canonical/order.ts"
import { mergeLines } from "../apportion.ts"
import type { ReturnLine, ReturnObjection } from "../../canonical/returns/parts.ts"

/** What a retailer decides about which goods may come back. */
export interface ReturnWindow {
  /** Days from the delivery, or where that is not known from when the goods left. */
  days: number
  /** Other days in some channels. */
  daysByChannel?: Readonly<Record<string, number>>
  /** Tags of orders, and SKUs, that are sold for good. */
  finalSale?: { tags?: readonly string[]; skus?: readonly string[] }
}

/** Why goods may not come back by the rules. A person may let them come all the same. */
export type Objection = ReturnObjection

/** What is known of an order when goods of it are to come back. */
export interface SoldGoods {
  order: Order
  /** Units that the buyer has, in thousandths by line. */
  withBuyer: Readonly<Record<string, number>>
  /** When the goods were delivered, else when the last of them left; undefined when nothing has left. */
  sinceAt: string | undefined
}

const dayMs = 86_400_000

/** Everything that speaks against a return, empty when nothing does. */
export function objections(
  { order, withBuyer, sinceAt }: SoldGoods,
  { lines, at }: { lines: readonly ReturnLine[]; at: string },
  window: ReturnWindow,
): Objection[] {
  const ofLines = [...mergeLines(lines)].flatMap(([lineId, milli]): Objection[] => {
    const line = order.lines.find(({ id }) => id === lineId)
    if (!line) return [{ code: "unknown line", lineId }]
    if (milli > line.quantity.milli) return [{ code: "more than was sold", lineId }]
    if (isFinal(order, line.sku, window)) return [{ code: "final sale", lineId }]
    return (own(withBuyer, lineId) ?? 0) < milli ? [{ code: "not shipped", lineId }] : []
  })
  const days = own(window.daysByChannel ?? {}, order.channel) ?? window.days
  if (sinceAt === undefined) return ofLines
  const endedMs = epochMs(sinceAt) + days * dayMs
  return epochMs(at) > endedMs ? [...ofLines, { code: "window is over", days, endedAt: instant(endedMs) }] : ofLines
}

function isFinal({ tags = [] }: Order, sku: string, { finalSale }: ReturnWindow): boolean {
  return (finalSale?.skus ?? []).includes(sku) || (finalSale?.tags ?? []).some((tag) => tags.includes(tag))
}

/** An objection, for people. */
export function objectionText(one: Objection): string {
  switch (one.code) {
    case "unknown line":
      return `the order has no line ${one.lineId}`
    case "more than was sold":
      return `more of line ${one.lineId} than was sold`
    case "final sale":
      return `line ${one.lineId} was sold for good`
    case "not shipped":
      return `fewer of line ${one.lineId} have left, and were not given back before`
    case "window is over":
      return `the window of ${one.days} days ended at ${one.endedAt}`
  }
}
