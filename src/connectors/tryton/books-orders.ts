import { AppError } from "../../base/errors.ts"
import { money } from "../../base/money.ts"
import type { Order } from "../../canonical/order.ts"
import type { BookedOrder, BooksOrders, CancelsOrders } from "../../ports/capabilities/books.ts"
import { reference, type Call } from "../../ports/write.ts"
import { netOf, saleBody, saleLines } from "./from-canonical.ts"
import { idOf, rowsOf, textOf } from "./payloads.ts"
import { findSale, press, stateOf, type Sale, type TrytonOptions } from "./sales/sale.ts"
import { takeApart } from "./sales/take-apart.ts"

type Context = Omit<Call, "key">

// A call without a response may still wait for one of the server's few processes: a median of 4.9 s was measured with 20 clients.
const settleMs = 10_000

/**
 * A sale is created, quoted and confirmed: three calls whose results its state shows, so `send` continues where an
 * earlier attempt stopped. Only a confirmed sale counts as booked.
 */
export function booksOrders(options: TrytonOptions): BooksOrders {
  const productIds = new ProductIds(options)
  return {
    bookOrder: {
      settleMs,
      async probe({ order }, call) {
        const sale = await findSale(call.key, call, options)
        return sale && isBooked(sale) ? booked(sale, order, options) : undefined
      },
      async send({ order, routing, businessDate }, call) {
        const lines = saleLines(order, options.settings)
        let sale = await findSale(call.key, call, options)
        if (!sale || sale.state === "cancelled") {
          const ids = await productIds.of(
            lines.map(({ productCode }) => productCode),
            call,
          )
          const made = { key: call.key, settings: options.settings, businessDate, lines, productIds: ids }
          const body = saleBody(order, routing, made)
          await options.client.write("model.sale.sale.create", [[body]], call)
          // Looked up by reference instead of by the returned id, because this also finds a duplicate.
          sale = await findSale(call.key, call, options)
        }
        if (!sale)
          throw new AppError(
            "VENDOR_UNCERTAIN",
            `creating the sale ${call.key} returned success but the sale is not there`,
          )
        await confirm(sale, call, options)
        const after = await findSale(call.key, call, options)
        if (!after || !isBooked(after)) throw new AppError("VENDOR_UNCERTAIN", `the sale ${call.key} is not confirmed`)
        return booked(after, order, options)
      },
    },
  }
}

export function cancelsOrders(options: TrytonOptions): CancelsOrders {
  return {
    cancelOrder: {
      settleMs,
      async probe({ orderId }, call) {
        const sale = await findSale(orderId, call, options)
        return sale && (await isTakenApart(sale, call, options)) ? taken(sale, options) : undefined
      },
      async send({ orderId }, call) {
        const sale = await findSale(orderId, call, options)
        if (!sale) return { documentNumber: "" }
        await takeApart(sale, call, options)
        return taken(sale, options)
      },
    },
  }
}

export const isBooked = ({ state }: Sale): boolean => state === "processing" || state === "done"

/** With a task queue "confirmed" turns into "processing" by itself a moment later. */
async function confirm(sale: Sale, call: Context, { client }: TrytonOptions): Promise<void> {
  const at = { model: "sale.sale", id: sale.id }
  let { state } = sale
  if (state === "draft") state = await press(client, { ...at, name: "quote", leadsTo: ["quotation"] }, call)
  if (state === "quotation")
    state = await press(client, { ...at, name: "confirm", leadsTo: ["confirmed", "processing", "done"] }, call)
  if (state === "confirmed") await press(client, { ...at, name: "process", leadsTo: ["processing", "done"] }, call)
}

/** A sale holds what was sold without tax; the tax as charged comes with its invoice and is added here to compare. */
export function booked(sale: Sale, order: Order, { system }: TrytonOptions): BookedOrder {
  const parts = [...order.lines, ...order.charges]
  const taxMinor = parts.reduce((sum, part) => sum + part.total.shop.amountMinor - netOf(part).amountMinor, 0)
  return {
    documentNumber: sale.number,
    total: money(sale.untaxed.amountMinor + taxMinor, sale.untaxed.currency),
    reference: reference(system, "sale", sale.number),
  }
}

function taken(sale: Sale, { system }: TrytonOptions): BookedOrder {
  const documentNumber = sale.number || String(sale.id)
  return { documentNumber, reference: reference(system, "sale", documentNumber) }
}

/**
 * A sale that was processed and then cancelled reads "done" and "sent", as if it had shipped (seen on 6.0.29). Only its
 * shipments and invoices show that nothing left and nothing is owed.
 */
async function isTakenApart(sale: Sale, call: Context, { client }: TrytonOptions): Promise<boolean> {
  if (sale.state === "cancelled") return true
  if (sale.state !== "done" || sale.shipments.length === 0) return false
  for (const id of sale.shipments)
    if ((await stateOf(client, { model: "stock.shipment.out", id }, call)) !== "cancelled") return false
  return true
}

/** Tryton's product ids by code, each read once. */
class ProductIds {
  readonly #options: TrytonOptions
  readonly #known = new Map<string, number>()

  constructor(options: TrytonOptions) {
    this.#options = options
  }

  async of(codes: readonly string[], call: Context): Promise<ReadonlyMap<string, number>> {
    const unknown = [...new Set(codes)].filter((code) => !this.#known.has(code))
    if (unknown.length > 0) {
      const params = [[["code", "in", unknown]], 0, null, null, ["code"]]
      const rows = rowsOf(await this.#options.client.read("model.product.product.search_read", params, call))
      for (const row of rows) this.#known.set(textOf(row, "code"), idOf(row))
    }
    const missing = unknown.filter((code) => !this.#known.has(code))
    if (missing.length > 0) throw new AppError("VENDOR_REJECTED", `Tryton has no product ${missing.join(", ")}`)
    return this.#known
  }
}
