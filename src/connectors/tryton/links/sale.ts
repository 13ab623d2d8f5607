import { AppError } from "../../../base/errors.ts"
import type { BookedOrder, BooksOrders } from "../../../ports/capabilities/books.ts"
import { reference, type LinksOf } from "../../../ports/write.ts"
import { booked, isBooked } from "../books-orders.ts"
import { salesWhere, type TrytonOptions } from "../sales/sale.ts"

/** A sale that somebody linked. Shipments, invoices and cancellations find it by our reference, so it has to carry that. */
export function saleLinks(options: TrytonOptions): LinksOf<BooksOrders["bookOrder"]> {
  return {
    document: "sale",
    asks: ({ order }) => ({ worth: order.total.shop }),
    async read({ number, order }, call) {
      const found = await salesWhere(["number", "=", number], call, options)
      if (found.length > 1) throw new AppError("VENDOR_MISBEHAVED", `${found.length} sales have the number ${number}`)
      const [sale] = found
      if (!sale) return undefined
      const output = booked(sale, order, options)
      const why = cannotBe(sale, order.id)
      return {
        output,
        reference: sale.reference,
        ...(output.total ? { total: output.total } : {}),
        state: sale.state,
        ...(why === undefined ? {} : { cannotBe: why }),
      }
    },
    named(typed): BookedOrder {
      const number = typed.trim()
      return { documentNumber: number, reference: reference(options.system, "sale", number) }
    },
  }
}

function cannotBe(sale: Parameters<typeof isBooked>[0], orderId: string): string | undefined {
  if (!isBooked(sale)) return `it is ${sale.state}, and only a sale that is processed counts as booked`
  if (sale.reference === orderId) return undefined
  return `its reference is "${sale.reference}", and its invoice is found by ${orderId}: write that there first`
}
