import { AppError } from "../../base/errors.ts"
import type { Order } from "../../canonical/order.ts"
import type { TaxQuote } from "../../ports/capabilities/checks.ts"
import type { Quote } from "./payloads.ts"

/** The figures under the order's own ids, lines first, then charges. VENDOR_MISBEHAVED when sums or lines are wrong. */
export function taxQuote(order: Order, quote: Quote): TaxQuote {
  const byWireId = new Map(
    quote.lines.map((line) => [line.lineId, line.taxes.reduce((sum, tax) => sum + tax.amountMinor, 0)]),
  )
  const taxOf = (id: string, wireId: string) => {
    const taxMinor = byWireId.get(wireId)
    if (taxMinor === undefined) throw new AppError("VENDOR_MISBEHAVED", `the quote of ${order.id} leaves out ${wireId}`)
    return { lineId: id, taxMinor }
  }
  const lines = [
    ...order.lines.map((line, index) => taxOf(line.id, `line-${index}`)),
    ...order.charges.map((charge, index) => taxOf(charge.id, `charge-${index}`)),
  ]
  const sum = lines.reduce((total, line) => total + line.taxMinor, 0)
  if (sum !== quote.totalTaxMinor)
    throw new AppError("VENDOR_MISBEHAVED", `the quote of ${order.id} sums to ${sum} but says ${quote.totalTaxMinor}`)
  return { lines, totalTaxMinor: sum }
}
