import type { Order } from "../../canonical/order.ts"
import type { Address } from "../../canonical/parts.ts"
import { houseAddress } from "../../protocols/house-http.ts"
import type { ScreeningRequest } from "./payloads.ts"

/** The order as the screening gets it: amounts the buyer pays, in the buyer's currency. */
export function screeningFor(order: Order, homeAddress: Address | undefined): ScreeningRequest {
  const billTo = order.billingAddress && houseAddress({ ...order, shippingAddress: order.billingAddress }, undefined)
  return {
    // The order's own id, not the call's key: a webhook about the review must lead back to the order, and the protocol
    // screens one reference once, so it is just as safe to repeat.
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
