import { AppError } from "../../../base/errors.ts"
import { quantityToDecimal } from "../../../base/quantity.ts"
import type { RecordsDeliveries } from "../../../ports/capabilities/books.ts"
import type { LinksOf } from "../../../ports/write.ts"
import { linesInAll } from "../../../protocols/lines-in-all.ts"
import type { SapOptions } from "../books-orders.ts"
import type { Delivery } from "../payloads.ts"
import { readDeliveryOf, recorded } from "../records-deliveries.ts"
import { shownNumber } from "./sales-order.ts"

/**
 * An outbound delivery that somebody linked to goods that left. It has to be of the order's own sales order, and its goods issue posted:
 * only that records in the books that goods left.
 */
export function deliveryLinks(options: SapOptions): LinksOf<RecordsDeliveries["recordDelivery"]> {
  return {
    document: "outbound delivery",
    asks: ({ documentNumber, lines }) => ({
      of: saleName(documentNumber),
      lines: linesInAll(lines.map(({ sku, quantity }) => [sku.toUpperCase(), quantityToDecimal(quantity)])),
    }),
    async read({ number }, call) {
      try {
        const delivery = await readDeliveryOf(shownNumber(number), call, options.client)
        const orders = [...new Set(delivery.items.map(({ order }) => saleName(order)))].sort()
        return {
          output: recorded(shownNumber(delivery.number), options),
          reference: delivery.label,
          of: orders.join(" and "),
          lines: linesInAll(delivery.items.map(({ material, quantityText }) => [material, quantityText])),
          state: stateOf(delivery),
          ...(delivery.isIssued ? {} : { cannotBe: "its goods issue is not posted; post it in SAP first" }),
        }
      } catch (thrown) {
        // SAP answers 404 for a key that does not exist (OData V2, "Operations", resource not found).
        if (thrown instanceof AppError && thrown.data?.["status"] === 404) return undefined
        throw thrown
      }
    },
    named: (typed) => recorded(shownNumber(typed), options),
  }
}

const saleName = (number: string) => `sales order ${shownNumber(number)}`

function stateOf({ isIssued, isPicked }: Delivery): string {
  if (isIssued) return "goods issue posted"
  return isPicked ? "picked" : "open"
}
