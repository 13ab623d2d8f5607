import type { Because } from "../../../canonical/events/because.ts"
import type { Money } from "../../../base/money.ts"
import type { Order } from "../../../canonical/order.ts"
import type { LineQuantity } from "../../../canonical/parts.ts"

/** Name of a step, an exception or an announcement; `part` distinguishes those of one name. */
export type Name = string | { step: string; part: string }

/** An exception for people: what happened, what is at risk, and the allowed actions. */
export interface Raised {
  name: Name
  text: {
    summary: string
    ifNobodyActs: string
    owner: string
    allowedActions: readonly string[]
    atRisk?: Money
    sku?: string
    missingMilli?: number
    because?: Because
  }
}

/** What people may do about goods that have to come back. */
export const returnOrAcknowledge = ["open a return", "acknowledge"] as const

/** Units of an order's lines as people know them: by article, not by the channel's id of the line. */
export function unitsText(order: Pick<Order, "lines">, lines: readonly LineQuantity[]): string {
  const texts = lines.map(({ lineId, quantity }) => {
    const sku = order.lines.find(({ id }) => id === lineId)?.sku
    return `${quantity.milli / 1000} ${sku === undefined ? `of a line ${lineId} that the order does not have` : `× ${sku}`}`
  })
  return texts.join(", ")
}
