import { money, moneyText } from "../base/money.ts"
import { canonicalJson } from "../base/ids.ts"
import { lacksAddress, type Order, type OrderLine } from "../canonical/order.ts"

/** The changes of an edit: lines, money and addresses. */
export interface EditDifference {
  quantities: { lineId: string; sku: string; fromMilli: number; toMilli: number; unit: string }[]
  isAddressChanged: boolean
  /** Minor units of the shop's currency; positive when the order became more expensive. */
  totalMinor: number
  summary: string
}

/** Compares an order before and after an edit. Lines are matched by id; a removed line counts as zero. */
export function editDifference(before: Order, after: Order): EditDifference {
  const ids = [...new Set([...before.lines, ...after.lines].map((line) => line.id))]
  const quantities = ids.flatMap((lineId) => {
    const from = before.lines.find((line) => line.id === lineId)
    const to = after.lines.find((line) => line.id === lineId)
    const known = (to ?? from) as OrderLine
    const fromMilli = from?.quantity.milli ?? 0
    const toMilli = to?.quantity.milli ?? 0
    return fromMilli === toMilli ? [] : [{ lineId, sku: known.sku, fromMilli, toMilli, unit: known.quantity.unit }]
  })
  const isAddressChanged =
    canonicalJson(before.shippingAddress ?? null) !== canonicalJson(after.shippingAddress ?? null)
  const totalMinor = after.total.shop.amountMinor - before.total.shop.amountMinor
  const changes = quantities.map(({ sku, fromMilli, toMilli }) => `${sku}: ${fromMilli / 1000} → ${toMilli / 1000}`)
  if (isAddressChanged) changes.push("another address")
  if (totalMinor !== 0)
    changes.push(`total ${totalMinor > 0 ? "+" : ""}${moneyText(money(totalMinor, after.currency.shop))}`)
  return {
    quantities,
    isAddressChanged,
    totalMinor,
    summary: changes.length > 0 ? changes.join("; ") : "nothing that matters here",
  }
}

/** Whether an edit changes the goods, the address or the price. */
export function isOtherOrder(difference: EditDifference): boolean {
  return difference.quantities.length > 0 || difference.isAddressChanged || difference.totalMinor !== 0
}

/** An edit with the address the order had, where it has none: a shop that erases what it knew of a buyer takes it from nobody. */
export function withAddress(edit: Order, { shippingAddress }: Order): Order {
  return lacksAddress(edit) && shippingAddress ? { ...edit, shippingAddress } : edit
}
