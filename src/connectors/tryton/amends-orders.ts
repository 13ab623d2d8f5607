import { AppError } from "../../base/errors.ts"
import { quantityToDecimal } from "../../base/quantity.ts"
import type { Order } from "../../canonical/order.ts"
import type { AmendsOrders } from "../../ports/capabilities/books.ts"
import type { Call } from "../../ports/write.ts"
import { booked, isBooked } from "./books-orders.ts"
import { objectOf } from "./client.ts"
import { addressText, saleLines } from "./from-canonical.ts"
import { rowsOf } from "./payloads.ts"
import { findSale, type Sale, type TrytonOptions } from "./sales/sale.ts"

type Context = Omit<Call, "key">

/**
 * The lines of a sale that is being processed cannot be changed over RPC: they are refused, unless a person has made them as requested.
 * Where the goods go is the sale's comment, which can be changed; it is read back, because Tryton returns 200 for much that it does not do.
 */
export function amendsOrders(options: TrytonOptions): AmendsOrders {
  const found = async (order: Order, call: Context) => {
    const sale = await findSale(order.id, call, options)
    if (!sale || !isBooked(sale)) return undefined
    const hasLines = await hasTheseLines(sale, order, { call, options })
    return { sale, hasLines, isAsWanted: hasLines && sale.comment === addressText(order) }
  }
  return {
    amendOrder: {
      async probe({ order }, call) {
        const now = await found(order, call)
        return now?.isAsWanted ? booked(now.sale, order, options) : undefined
      },
      async send({ order }, call) {
        const before = await found(order, call)
        if (!before?.hasLines)
          throw new AppError(
            "VENDOR_REJECTED",
            `the sale of order ${order.number} is being processed and cannot be changed: correct it there, by a return or a new sale`,
          )
        if (before.isAsWanted) return booked(before.sale, order, options)
        const values = { comment: addressText(order) }
        await options.client.write("model.sale.sale.write", [[before.sale.id], values], call)
        const after = await found(order, call)
        if (after?.isAsWanted) return booked(after.sale, order, options)
        throw new AppError("VENDOR_CONFLICT", `the sale of order ${order.number} does not show the new address`)
      },
    },
  }
}

/** Whether the sale has the lines that would be booked now, whatever their order: article, quantity and price. */
async function hasTheseLines(
  { lines }: Sale,
  order: Order,
  { call, options }: { call: Context; options: TrytonOptions },
): Promise<boolean> {
  const params = [lines, ["product.code", "quantity", "unit_price"]]
  const rows = rowsOf(await options.client.read("model.sale.line.read", params, call))
  const there = rows.map((row) => {
    const code = row["product."] === null ? "" : objectOf(row["product."])["code"]
    return lineKey(code, row["quantity"], objectOf(row["unit_price"])["decimal"])
  })
  const wanted = saleLines(order, options.settings).map(({ productCode, quantity, unitPriceText }) =>
    lineKey(productCode, quantityToDecimal(quantity), unitPriceText),
  )
  return there.toSorted().join() === wanted.toSorted().join()
}

/** Prices have four decimals at most, and quantities three: both are exact as numbers for comparing. */
const lineKey = (code: unknown, quantity: unknown, price: unknown) =>
  JSON.stringify([code, Number(quantity), Number(price)])
