import type { BooksOrders } from "../../../ports/capabilities/books.ts"
import type { LinksOf } from "../../../ports/write.ts"
import { booked, orderIfThere, type SapOptions } from "../books-orders.ts"
import { lineReference } from "../from-canonical.ts"

/**
 * A number as the API shows it. SAP keeps numbers with leading zeros and converts at its doors (conversion routine ALPHA), so both
 * name one document.
 */
export const shownNumber = (typed: string) => typed.trim().replace(/^0+(?=\d+$)/, "")

/**
 * A sales order that somebody linked. SAP reads one by its number without the search that a look-up by our reference needs. Deliveries
 * find their items by the line that each names, so an order typed in by hand may have to be completed there.
 */
export function salesOrderLinks(options: SapOptions): LinksOf<BooksOrders["bookOrder"]> {
  const named = (typed: string) => {
    const number = shownNumber(typed)
    return { documentNumber: number, reference: { system: options.system, type: "sales order", id: number } }
  }
  return {
    document: "sales order",
    asks: ({ order }) => ({ worth: order.total.shop }),
    async read({ number, order }, call) {
      const found = await orderIfThere(number, call, options)
      if (!found) return undefined
      const { reference, total, isRejected, items } = found
      const known = new Set(items.filter((item) => !item.isRejected).map((item) => item.lineReference))
      const missing = order.lines.filter(({ id }) => !known.has(lineReference(id)))
      const lines = missing.map(({ sku, id }) => `no item says that it is line ${id} (${sku})`)
      return {
        output: booked(found, options),
        reference,
        ...(total === undefined ? {} : { total }),
        state: isRejected ? "rejected" : "open",
        ...(isRejected ? { cannotBe: "it is rejected as a whole" } : {}),
        others: lines,
      }
    },
    named,
  }
}
