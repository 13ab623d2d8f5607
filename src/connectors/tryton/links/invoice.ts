import { money, moneyText } from "../../../base/money.ts"
import { AppError } from "../../../base/errors.ts"
import type { PostsJournals } from "../../../ports/capabilities/books.ts"
import type { LinksOf } from "../../../ports/write.ts"
import { invoicesNumbered, isPosted, posted, worthOf, type Invoice } from "../posts-journals.ts"
import { bookedSale, type TrytonOptions } from "../sales/sale.ts"

/**
 * An invoice that somebody linked: posted, and of the order's own sale. An invoice of the sale that is still a draft needs no link; the
 * step completes it.
 */
export function invoiceLinks(options: TrytonOptions): LinksOf<PostsJournals["postEntry"]> {
  return {
    document: "invoice",
    asks({ entry }) {
      const { netMinor, taxMinor } = worthOf(entry)
      const text = (amountMinor: number) => moneyText(money(amountMinor, entry.currency))
      return {
        worth: money(netMinor + taxMinor, entry.currency),
        lines: { "untaxed amount": text(netMinor), tax: text(taxMinor) },
      }
    },
    async read({ number, order, key }, call) {
      const found = await invoicesNumbered(number.trim(), call, options)
      if (found.length > 1)
        throw new AppError("VENDOR_MISBEHAVED", `${found.length} invoices have the number ${number}`)
      const [invoice] = found
      if (!invoice) return undefined
      const sale = await bookedSale(order.id, call, options)
      const why = cannotBe(invoice, sale)
      const isUnpaid = options.settings.payment !== undefined && invoice.state !== "paid"
      return {
        output: posted(invoice, options),
        // It belongs to the sale of our reference, whoever posted it.
        reference: invoice.reference === "" && why === undefined ? key : invoice.reference,
        total: invoice.total,
        lines: { "untaxed amount": moneyText(invoice.untaxed), tax: moneyText(invoice.tax) },
        state: invoice.state,
        ...(why === undefined ? {} : { cannotBe: why }),
        ...(isUnpaid ? { others: ["it is not paid, and its payment is not entered any more"] } : {}),
      }
    },
    named: (typed) => posted({ number: typed.trim() }, options),
  }
}

function cannotBe(
  { id, state }: Invoice & { state: string },
  sale: { number: string; invoices: number[] },
): string | undefined {
  if (!sale.invoices.includes(id)) return `it is not an invoice of the order's sale ${sale.number}`
  return isPosted({ state }) ? undefined : `it is ${state}, and only a posted invoice counts`
}
