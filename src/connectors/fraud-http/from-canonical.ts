import type { Order } from "../../canonical/order.ts"
import type { Address } from "../../canonical/parts.ts"
import { houseAddress } from "../../protocols/house-http.ts"
import type { ScreeningRequest } from "./payloads.ts"

/** The order in the screening's form: the amounts the buyer pays, in the buyer's currency. */
export function screeningFor(order: Order, homeAddress: Address | undefined): ScreeningRequest {
  const billTo = order.billingAddress && houseAddress({ ...order, shippingAddress: order.billingAddress }, undefined)
  return {
    // The order's own id, not the call's key, because a webhook about the review must lead back to the order. The
    // protocol screens each reference once, so a repeat is just as safe.
    reference: order.id,
    amount: order.total.presentment,
    email: order.customer.email ?? "",
    shipTo: houseAddress(order, homeAddress),
    ...(billTo ? { billTo } : {}),
    lines: order.lines
      .filter((line) => line.quantity.milli > 0)
      .map((line) => ({
        sku: line.sku,
        quantityMilli: line.quantity.milli,
        unit: line.quantity.unit,
        amountMinor: line.total.presentment.amountMinor,
      })),
  }
}
