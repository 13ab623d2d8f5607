import type { Order } from "../../canonical/order.ts"
import type { LineQuantity, MoneyPair } from "../../canonical/parts.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import type { Write, Written } from "../write.ts"

/** The result of a change in the channel. */
export interface ChannelUpdate extends Written {
  /** The channel's own id of what was made or changed, e.g. of its fulfilment. */
  channelId: string
}

/** Confirms shipments to the channel that sold the order. */
export interface ConfirmsFulfilment {
  confirmFulfilment: Write<{ order: Order; shipment: Shipment; notifyCustomer: boolean }, ChannelUpdate>
}

/** Cancels orders in the channel that sold them. */
export interface CancelsChannelOrders {
  /** With `refund`, done means both: the order is cancelled and all its payments that the channel took are refunded in full. */
  cancelOrder: Write<{ order: Order; reason: string; refund: boolean }, ChannelUpdate>
}

/** Refunds orders in the channel that sold them, from the payments the channel took. */
export interface RefundsChannelOrders {
  refundOrder: Write<{ order: Order; refundId: string; amount: MoneyPair; lines: LineQuantity[] }, ChannelUpdate>
}
