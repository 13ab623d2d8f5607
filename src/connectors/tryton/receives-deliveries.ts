import { AppError } from "../../base/errors.ts"
import type { ReceivesDeliveries } from "../../ports/capabilities/intake.ts"
import { translateProduct } from "./catalogue/to-canonical.ts"
import type { ToldProduct } from "./catalogue/told-product.ts"
import { objectOf } from "./client.ts"
import type { TrytonOptions } from "./sales/sale.ts"
import type { ToldMove } from "./stock/moves.ts"
import { translateMove } from "./stock/to-canonical.ts"

/** Reads what the lists have found: moves of goods and products. Tryton 6.0 sends nothing by itself. */
export function receivesDeliveries(options: Pick<TrytonOptions, "settings" | "system">): ReceivesDeliveries {
  const { stock, catalogue } = options.settings
  return {
    states: [
      ...(stock ? (["stock.moved"] as const) : []),
      ...(catalogue?.products ? (["product.reported"] as const) : []),
      ...(catalogue?.prices ? (["price.reported"] as const) : []),
    ],
    verify: () => {
      throw new AppError("SIGNATURE_INVALID", "Tryton 6.0 sends no webhooks")
    },
    translate: ({ bytes }) => {
      const body: unknown = JSON.parse(new TextDecoder().decode(bytes))
      // Our own lists wrote these bytes; what Tryton put into the fields is checked one by one.
      return objectOf(body)["product"] === undefined
        ? translateMove(body as ToldMove, options)
        : translateProduct(body as ToldProduct, options)
    },
  }
}
