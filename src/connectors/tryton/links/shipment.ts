import { AppError } from "../../../base/errors.ts"
import type { RecordsDeliveries } from "../../../ports/capabilities/books.ts"
import type { LinksOf } from "../../../ports/write.ts"
import { deliveriesNumbered, movesOf, recorded, wantedOf } from "../records-deliveries.ts"
import { bookedSale, type TrytonOptions } from "../sales/sale.ts"

/** A shipment that somebody linked to goods that left: done, and of the order's own sale. */
export function shipmentLinks(options: TrytonOptions): LinksOf<RecordsDeliveries["recordDelivery"]> {
  return {
    document: "shipment",
    asks: (input) => ({ lines: wantedOf(input) }),
    async read({ number, order }, call) {
      const found = await deliveriesNumbered(number.trim(), call, options)
      if (found.length > 1)
        throw new AppError("VENDOR_MISBEHAVED", `${found.length} shipments have the number ${number}`)
      const [shipment] = found
      if (!shipment) return undefined
      const { id, state, reference } = shipment
      const sale = await bookedSale(order.id, call, options)
      const why = cannotBe(shipment, sale)
      return {
        output: recorded(shipment, options),
        reference: typeof reference === "string" ? reference : "",
        lines: await movesOf(id, call, options),
        state,
        ...(why === undefined ? {} : { cannotBe: why }),
      }
    },
    named: (typed) => recorded({ number: typed.trim() }, options),
  }
}

function cannotBe(
  { id, state }: { id: number; state: string },
  sale: { number: string; shipments: number[] },
): string | undefined {
  if (!sale.shipments.includes(id)) return `it is not a shipment of the order's sale ${sale.number}`
  return state === "done" ? undefined : `it is ${state}, and only one that is done records that goods left`
}
